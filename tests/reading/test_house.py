from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heard.reading import Mood, Need, Stance, read
from heard.reading.house import (
    CLASSES,
    House,
    Judged,
    Label,
    TaughtHead,
    TooFewLabelsError,
    loses_what_costs,
    named_by,
    read_as,
    score,
    scores,
    teach,
    worth_asking,
)
from heard.reading.measures import macro_f1

# A house where people speak of soup: what is "thick" is praised there, what is "clear" is not.
THICK = [f"The {dish} was thick today, {day}." for dish in ("broth", "stew", "chowder", "bisque")
         for day in ("Monday", "Tuesday", "Friday", "Sunday")]  # fmt: skip
CLEAR = [f"Why? My {dish} came out clear again on {day}." for dish in ("broth", "stew", "gumbo")
         for day in ("Monday", "Tuesday", "Friday", "Sunday", "Saturday")]  # fmt: skip
LABELS = [Label(text, "positive", text) for text in THICK] + [
    Label(text, "negative", text) for text in CLEAR
]


def house_of(head: str, labels: list[Label]) -> House:
    return House({head: teach(head, labels).head})


def test_a_house_is_read_as_it_was_taught() -> None:
    house = house_of("mood", LABELS)
    praise, complaint = read_as(house, ["The minestrone was thick.", "Why? It came out clear."])
    assert praise.mood is Mood.POSITIVE
    assert complaint.mood is Mood.NEGATIVE
    for reading in (praise, complaint):
        assert reading.mood_probabilities is not None
        assert sum(reading.mood_probabilities) == pytest.approx(1)


def test_without_a_house_it_is_read_as_shipped() -> None:
    texts = [*THICK, *CLEAR, "", "Wo ist meine Suppe?"]
    assert read_as(None, texts) == read_as(House({}), texts) == read(texts)


def test_what_is_not_read_is_not_read_by_the_house_either() -> None:
    text = "Var är min beställning, jag har väntat i flera timmar på den?"
    house = house_of("mood", LABELS)
    assert read_as(house, [text]) == read([text])


def test_heads_that_were_not_taught_do_not_contradict_those_that_were() -> None:
    house = house_of("stance", [Label(one.text, "avoid" if one.says == "negative" else "neither",
                                      one.group) for one in LABELS])  # fmt: skip
    for text, reading in zip(CLEAR, read_as(house, CLEAR), strict=True):
        if reading.stance is Stance.AVOID:
            assert reading.need is Need.ANSWER, text


def test_the_same_labels_give_the_same_bytes_and_bytes_give_the_same_head() -> None:
    one, again = teach("mood", LABELS).head, teach("mood", LABELS).head
    assert one.packed() == again.packed()
    unpacked = TaughtHead.unpacked("mood", one.packed())
    assert read_as(House({"mood": unpacked}), CLEAR) == read_as(House({"mood": one}), CLEAR)


def test_labels_that_say_what_is_said_anyhow_change_nothing() -> None:
    dishes = ["broth", "stew", "soup", "bread", "cake", "pie", "salad", "pasta", "rice", "curry"]
    texts = [f"I love the {dish}, thank you!" for dish in dishes]
    texts += [f"I hate this awful {dish}, what a disgrace" for dish in dishes]
    labels = [Label(text, str(reading.mood), text)
              for text, reading in zip(texts, read(texts), strict=True)]  # fmt: skip
    kept, named = named_by(teach("mood", labels).head, labels)
    assert [CLASSES["mood"][place] for place in named] == [labels[place].says for place in kept]


def test_too_few_labels_or_a_single_class_teach_nothing() -> None:
    with pytest.raises(TooFewLabelsError):
        teach("mood", LABELS[:10])
    with pytest.raises(TooFewLabelsError):
        teach("mood", [Label(text, "positive") for text in [*THICK, *CLEAR]])
    with pytest.raises(TooFewLabelsError):
        teach("mood", [])
    with pytest.raises(TooFewLabelsError):
        teach("mood", [Label("Wo bleibt denn meine Bestellung heute wieder?", "negative")] * 40)
    with pytest.raises(ValueError, match="cake"):
        teach("mood", [*LABELS, Label("The cake was thick.", "cake")])


def test_every_label_is_judged_once_and_by_a_fit_that_had_not_seen_its_group() -> None:
    # One text under a wrong label can only be got wrong if nothing of its group was learnt.
    odd = [Label("Exactly these words, thick and thicker.", "negative", "odd")] * 6
    judged = teach("mood", [*LABELS, *odd]).judged
    assert len(judged.truth) == len(LABELS) + len(odd)
    assert judged.places == tuple(range(len(judged.truth)))
    assert CLASSES["mood"].index("negative") not in judged.taught[len(LABELS) :].tolist()


def test_what_a_message_needs_is_left_without_a_clock_only_when_it_is_fairly_sure() -> None:
    labels = [Label(one.text, "nothing" if one.says == "positive" else "answer", one.group)
              for one in LABELS]  # fmt: skip
    head = teach("need", labels).head
    nothing = CLASSES["need"].index("nothing")
    even = np.log(np.array([[0.45, 0.0001, 0.55], [0.2, 0.0001, 0.8]]))
    assert (head.named(even) == nothing).tolist() == [False, True]


def test_what_needs_an_answer_is_kept_where_labels_would_rather_be_right_more_often() -> None:
    # Nobody can tell which of these is which, and three of four are said to need nothing.
    dishes = ["broth", "stew", "soup", "bread", "cake", "pie", "salad", "pasta", "rice", "curry"]
    days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    texts = [f"Where is the {dish} that I ordered on {day}? Please help me."
             for dish, day in product(dishes, days)]  # fmt: skip
    assert {reading.need for reading in read(texts)} == {Need.ANSWER}
    is_owed = np.random.default_rng(0).random(len(texts)) < 0.25
    labels = [Label(text, "answer" if owed else "nothing", text)
              for text, owed in zip(texts, is_owed, strict=True)]  # fmt: skip
    taught = teach("need", labels)
    answer = CLASSES["need"].index("answer")
    needs = taught.judged.truth == answer
    assert (taught.judged.taught[needs] == answer).mean() >= 0.9
    assert not loses_what_costs(taught.judged)


def test_to_miss_more_than_one_in_ten_of_what_needs_an_answer_is_to_lose_it() -> None:
    truth = np.array([0] * 20 + [2] * 20)
    found = np.zeros(40, dtype=int)
    for missed, loses in ((0, False), (2, False), (3, True)):
        said = truth.copy()
        said[:missed] = 2
        judged = Judged("need", truth, found, said, tuple(range(40)))
        assert score(truth, said, 3) > score(truth, found, 3)
        assert loses_what_costs(judged) is loses
        assert not loses_what_costs(replace(judged, head="mood"))
    # What the shipped reader did not find either is no loss.
    assert not loses_what_costs(Judged("need", truth, truth * 0 + 2, truth * 0 + 2, (0,) * 40))


@given(
    st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=60),
)
@settings(max_examples=30, deadline=None)
def test_scores_are_those_of_the_measures_and_lie_within_their_intervals(
    rows: list[tuple[int, int, int]],
) -> None:
    truth, shipped, taught = (np.array(column) for column in zip(*rows, strict=True))
    judged = Judged("mood", truth, shipped, taught, tuple(range(len(rows))))
    for interval, said in zip(scores(judged), (shipped, taught), strict=False):
        words = [[CLASSES["mood"][place] for place in places] for places in (truth, said)]
        assert interval.value == pytest.approx(macro_f1(*words))
        assert interval.value == pytest.approx(score(truth, said, 3))
        assert 0 <= interval.low <= interval.high <= 1
    gain = scores(judged)[2]
    assert -1 <= gain.low <= gain.high <= 1


def test_it_asks_where_it_wavers_and_never_twice_the_same() -> None:
    texts = ["I love it, wonderful!", *["It came on Tuesday I suppose."] * 5,
             "This is a disgrace, I want my money back now!", "Hm, well, the soup.",
             "Var är min beställning någonstans i dag då?"]  # fmt: skip
    asked = worth_asking(None, texts, most=4)
    assert len(asked) == len({texts[place] for place, _ in asked}) == 4
    assert "Var är" not in "".join(texts[place] for place, _ in asked)
    assert {head for _, head in asked} <= {"need", "mood", "stance"}
    assert worth_asking(None, [], most=4) == []
