import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.reading.measures import (
    accuracy,
    area,
    calibration_error,
    honest_error,
    macro_f1,
    macro_recall,
)

KINDS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcd")), min_size=1)


def test_measures_of_a_small_table() -> None:
    truth, said = list("aaab"), list("aabb")
    assert accuracy(truth, said) == 0.75
    assert macro_recall(truth, said) == pytest.approx((2 / 3 + 1) / 2)
    assert macro_f1(truth, said) == pytest.approx((0.8 + 2 / 3) / 2)


@given(KINDS)
def test_measures_are_one_only_for_those_who_are_right(pairs: list[tuple[str, str]]) -> None:
    truth, said = [real for real, _ in pairs], [told for _, told in pairs]
    for measure in (accuracy, macro_recall, macro_f1):
        assert 0 <= measure(truth, said) <= 1
        assert (measure(truth, said) == 1) == (truth == said)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=2, max_size=30))
def test_the_area_is_the_share_of_pairs_in_order(rows: list[tuple[bool, int]]) -> None:
    true = [figure for is_true, figure in rows if is_true]
    false = [figure for is_true, figure in rows if not is_true]
    found = area([is_true for is_true, _ in rows], np.array([float(figure) for _, figure in rows]))
    if not true or not false:
        assert np.isnan(found)
        return
    pairs = [(high > low) + (high == low) / 2 for high in true for low in false]
    assert found == pytest.approx(sum(pairs) / len(pairs))


def test_a_sure_and_wrong_reader_is_badly_calibrated() -> None:
    chances = np.array([[0.9, 0.1], [0.9, 0.1]])
    assert calibration_error(chances, np.array([1, 1])) == pytest.approx(0.9)
    assert calibration_error(chances, np.array([0, 1])) == pytest.approx(0.4)


def test_honest_probabilities_err_by_chance_the_less_the_more_texts_there_are() -> None:
    few, many = (honest_error(np.tile([[0.7, 0.3]], (count, 1))) for count in (100, 10_000))
    assert 0 < many[0] < few[0] < 0.06
    assert all(mean < most for mean, most in (few, many))
    assert honest_error(np.array([[1.0, 0.0]])) == (0, 0)
