from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heard.reading import parlance
from heard.reading.parlance import Parlance, Uses, learnt
from heard.reading.reading import look


def uses_of(texts: Sequence[str]) -> Uses:
    return Uses.joined([Uses.found_in(seen.words) for seen in look(texts, only_read=False)])


def test_each_word_and_each_pair_of_a_text_is_used_once_whatever_the_case() -> None:
    uses = uses_of(["Soup soup SOUP soup.", "soup", ""])
    # Where it begins, the word, and the pairs: begins and soup, soup and soup, soup and ends.
    assert uses.lengths.tolist() == [5, 4, 2]
    assert set(uses.of(np.array([1])).numbers) < set(uses.of(np.array([0])).numbers)


def test_some_of_the_texts_are_as_if_they_alone_were_there() -> None:
    texts = ["the soup was thick", "", "the soup came late again", "thick soup"]
    whole, places = uses_of(texts), np.array([3, 0, 2])
    part, alone = whole.of(places), uses_of([texts[place] for place in places])
    assert part.numbers.tolist() == alone.numbers.tolist()
    assert part.lengths.tolist() == alone.lengths.tolist()
    assert whole.of(np.array([False] * 4)).lengths.tolist() == []


def test_what_stands_in_a_single_text_says_nothing_and_is_not_kept() -> None:
    uses = uses_of(["soup one", "soup two", "soup three", "bread Ottoline"])
    known, _ = learnt(uses, np.array([0, 0, 1, 1]), [0, 1, 2, 3], kinds=2)
    numbers, count = np.unique(uses.numbers, return_counts=True)
    assert known.numbers.tolist() == numbers[count >= 2].tolist()


def test_words_speak_for_the_kind_in_whose_texts_they_stand() -> None:
    texts = ["it was thick", "thick and good", "so thick"] + ["it was clear", "clear and thin"] * 2
    known, _ = learnt(uses_of(texts), np.array([1, 1, 1, 0, 0, 0, 0]), range(7), kinds=2)
    thick, clear, unknown = known.heard_in(uses_of(["thick", "clear", "violet"]))[:, :2]
    assert thick[1] > thick[0]
    assert clear[0] > clear[1]
    assert np.abs(unknown).max() < np.abs(thick).max()
    assert Parlance(known.numbers[:0], known.says[:0]).heard_in(uses_of(["thick"])).tolist() == [
        [0.0] * 4
    ]


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(["soup", "thick", "clear", "late", "cold"]), max_size=5),
            st.integers(0, 2),
            st.integers(0, 4),
        ),
        min_size=2,
        max_size=12,
    )
)
@settings(max_examples=30, deadline=None)
def test_a_text_that_is_learnt_from_hears_what_it_would_if_its_group_were_not_there(
    rows: list[tuple[list[str], int, int]],
) -> None:
    uses = uses_of([" ".join(words) for words, _, _ in rows])
    truth, groups = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    _, heard = learnt(uses, truth, groups.tolist(), kinds=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parlance, "LEAST_TEXTS", 1)
        for group in set(groups.tolist()):
            own, others = groups == group, groups != group
            if others.any():
                rest = uses.of(others)
                known, _ = learnt(rest, truth[others], groups[others].tolist(), kinds=3)
                assert heard[own] == pytest.approx(known.heard_in(uses.of(own)), abs=1e-5)
