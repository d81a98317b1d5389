"""Near-duplicates are found though a fifth of their words was edited; other texts hardly ever."""

from __future__ import annotations

import csv
import gzip
import html
import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.reading import likeness
from heard.reading.likeness import Prints, founders, pairs, prints

DATA = Path(__file__).parents[2] / "data" / "messages"
CAMPAIGN = (
    "shame on you for closing the shop in harbour street without a word to all those who worked "
    "there for thirty years"
)

words = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=9)


def corpus() -> list[list[str]]:
    texts = [
        json.loads(line)["text"].split()
        for file in sorted(DATA.glob("*.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    sizes = prints([" ".join(text) for text in texts]).sizes
    return [text for text, size in zip(texts, sizes, strict=True) if size >= 1.25 * likeness.SHORT]


def edited(text: list[str], how: str, *, by: random.Random, others: list[str]) -> list[str]:
    """The text with a fifth of its words edited, each in the given way or in any."""
    made = list(text)
    for place in sorted(by.sample(range(len(text)), len(text) // 5), reverse=True):
        way = by.choice(["replaced", "deleted", "put in"]) if how == "mixed" else how
        if way == "replaced":
            made[place] = by.choice(others)
        elif way == "deleted":
            del made[place]
        else:
            made.insert(place, by.choice(others))
    return made


@pytest.mark.parametrize("how", ["replaced", "deleted", "put in", "mixed"])
def test_of_copies_with_a_fifth_of_the_words_edited_at_least_98_percent_are_found(how: str) -> None:
    by, texts = random.Random(20), corpus()
    others = [word for text in texts for word in text]
    copies = [edited(text, how, by=by, others=others) for text in texts]
    count = len(texts)
    found = {tuple(pair) for pair in pairs(prints([*map(" ".join, texts + copies)])).tolist()}
    recall = sum((row + count, row) in found for row in range(count)) / count
    assert recall >= 0.98
    others_found = {(late, early) for late, early in found if late - early != count}
    assert len(others_found) < count / 100  # of ten million pairs


@given(st.lists(words, min_size=10, max_size=40, unique_by=str.lower), st.randoms())
def test_order_case_repetition_and_punctuation_change_nothing(
    text: list[str], by: random.Random
) -> None:
    again = [*text, *text[:3]]
    by.shuffle(again)
    one, other = prints([" ".join(text), "!  ".join(again) + "..."]).signatures
    assert (one == other).all()


@given(st.lists(st.lists(words, max_size=30).map(" ".join), min_size=1, max_size=12))
def test_a_print_is_the_same_in_whatever_batch_a_text_comes(texts: list[str]) -> None:
    together = prints(texts)
    for row, text in enumerate(texts):
        alone = prints([text])
        assert (together.signatures[row] == alone.signatures[0]).all()
        assert together.sizes[row] == alone.sizes[0]


@given(
    st.sets(st.integers(0, 10**6), min_size=20, max_size=120),
    st.integers(0, 100),
)
def test_the_estimate_lies_near_the_share_of_words_in_common(numbers: set[int], cut: int) -> None:
    all_words = [f"w{number}" for number in sorted(numbers)]
    shared = all_words[: len(all_words) * cut // 100]
    rest = all_words[len(shared) :]
    ones, others = shared + rest[::2], shared + rest[1::2]
    told = prints([" ".join(ones), " ".join(others)])
    [estimate] = likeness.likeness(told.signatures[:1], told.signatures[1:])
    assert estimate == pytest.approx(len(shared) / len(all_words), abs=0.25)  # 5.6 deviations


def test_names_spoken_to_and_links_do_not_make_texts_alike() -> None:
    told = prints(
        [
            "@house @ann the queue at the till was endless and nobody opened one more www.a.ex",
            "@house @bob my parcel never came although your driver says he had rung www.a.example",
            "@carl The queue at the till was endless, and nobody opened one more! https://b.co",
        ]
    )
    assert pairs(told).tolist() == [[2, 0]]


def test_short_texts_are_alike_only_if_they_have_the_very_same_words() -> None:
    told = prints(
        [
            "The driver was very friendly and quick",
            "The driver was very friendly and late",
            "Very friendly and quick, the driver was!",
            "Thank you very much",
            "Thank you very much",
        ]
    )
    assert pairs(told).tolist() == [[2, 0]]


def test_scripts_without_spaces_are_read_by_their_characters() -> None:
    told = prints(
        [
            "昨天在你们店里买的鞋子今天就坏了，请问可以退货吗？",
            "昨天在你们店里买的鞋子今天早上就坏了，请问能退货吗？",
            "请问你们周末几点开门，附近有没有地方可以停车？",
        ]
    )
    assert pairs(told).tolist() == [[1, 0]]


def test_whoever_copies_a_copy_belongs_to_the_first() -> None:
    by = random.Random(4)
    first = CAMPAIGN.split()
    others = [f"other{n}" for n in range(500)]
    copies = [edited(first, "replaced", by=by, others=others) for _ in range(200)]
    texts = prints([" ".join(text) for text in [first, *copies]])
    begun = founders(texts, [0], moments=np.zeros(201), span=1.0)
    assert Counter(begun.tolist())[0] >= 0.98 * 201


def test_copies_of_words_that_nobody_has_seen_find_each_other() -> None:
    by = random.Random(5)
    first = CAMPAIGN.split()
    others = [f"other{n}" for n in range(500)]
    copies = [edited(first, "replaced", by=by, others=others) for _ in range(200)]
    begun = founders(prints([*map(" ".join, copies)]), [], moments=np.zeros(200), span=1.0)
    [(_, largest)] = Counter(begun.tolist()).most_common(1)
    assert largest > 150


def test_what_was_said_long_after_is_no_copy() -> None:
    text = "you have lost my suitcase for the second time this year and nobody picks up the phone"
    told = prints([text, text, text])
    begun = founders(told, [], moments=np.array([0.0, 5.0, 20.0]), span=10.0)
    assert begun.tolist() == [0, 0, 2]


def test_what_has_a_founder_keeps_it() -> None:
    text = "you have lost my suitcase for the second time this year and nobody picks up the phone"
    told = prints([text, text, text])
    begun = founders(told, [0, 1], moments=np.zeros(3), span=1.0)
    assert begun.tolist()[:2] == [0, 1]
    assert begun[2] in {0, 1}


def test_ten_thousand_of_the_same_are_no_more_work_than_they_are() -> None:
    text = "you have lost my suitcase for the second time this year and nobody picks up the phone"
    told = prints([text] * 3_000)
    assert len(pairs(told)) <= 3_000 * likeness.MOST_SHARING


def test_nothing_is_alike_to_nothing() -> None:
    assert len(prints([])) == 0
    assert pairs(prints([])).tolist() == []
    assert pairs(prints(["", "!!", ""])).tolist() == []
    nothing = Prints(np.zeros((0, likeness.PLACES), np.uint8), np.zeros(0, np.int32))
    assert len(nothing.and_(prints(["one"]))) == 1


def test_prints_are_read_back_as_they_were_kept() -> None:
    told = prints(["the till was closed again", "and so was the door behind it"])
    kept = likeness.kept([row.tobytes() for row in told.signatures], told.sizes.tolist())
    assert (kept.signatures == told.signatures).all()
    assert (kept.sizes == told.sizes).all()


def test_real_customers_are_hardly_ever_taken_for_copies(shared: Path) -> None:
    """Reviews of one app, many short and much the same, and a year's questions of a forum."""
    csv.field_size_limit(10**7)
    for file, text, least in (
        ("uber_play_reviews/reviews.csv.gz", "content", 7_000),
        ("firefox_questions/questions.csv.gz", "title", 12_000),
    ):
        with gzip.open(shared / "data" / file, "rt", encoding="utf-8") as lines:
            texts = [html.unescape(row[text]) for row in csv.DictReader(lines)]
        assert len(texts) > least
        told = prints(texts)
        different = [
            (late, early)
            for late, early in pairs(told).tolist()
            if _overlap(texts[late], texts[early]) < 0.6
        ]
        long_pairs = (told.sizes >= likeness.SHORT).sum() ** 2 / 2
        assert len(different) < long_pairs / 100_000


def _overlap(one: str, other: str) -> float:
    ones, others = set(one.lower().split()), set(other.lower().split())
    return len(ones & others) / len(ones | others)
