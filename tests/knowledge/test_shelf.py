"""Texts on a shelf are found by meaning and by words, by those who may see them, within bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from heard.knowledge.shelf import Shelf, Vectors, rounded, terms_of

TEXTS = (
    "May I bring my dog to the terrace?",
    "Where do I park the car?",
    "Is the terrace open tonight?",
    "My parcel has not arrived",
)


def vectors(count: int, dimension: int = 16) -> Vectors:
    found = np.random.default_rng(7).normal(size=(count, dimension)).astype(np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found


def filled(*texts: str, capacity: int = 100) -> Shelf:
    shelf = Shelf(capacity=capacity, dimension=16)
    ids = list(range(1, len(texts) + 1))
    meant = rounded(vectors(len(texts)))
    shelf.put(ids, [pk % 2 for pk in ids], meant, [terms_of(text) for text in texts])
    return shelf


def by_words(shelf: Shelf, text: str, groups: tuple[int, ...] | None = None) -> list[int]:
    nothing = np.zeros(16, dtype=np.float32)
    hits = shelf.search(nothing, terms_of(text), groups=groups, limit=9, meaning_share=0.0)
    return [hit.id for hit in hits]


def test_words_find_it_whatever_their_ending_accents_or_case() -> None:
    shelf = filled(*TEXTS)
    assert by_words(shelf, "DOGS?")[0] == 1
    assert by_words(shelf, "párking the cars")[0] == 2
    assert by_words(shelf, "zebra") == []


def test_a_rare_word_says_more_than_a_common_one() -> None:
    assert by_words(filled(*TEXTS), "terrace parcel")[0] == 4


def test_meaning_finds_it_without_a_word() -> None:
    shelf, meant = filled(*TEXTS), vectors(len(TEXTS))
    nothing = terms_of("")
    for place in range(len(TEXTS)):
        [first, *_] = shelf.search(meant[place], nothing, groups=None, limit=3, meaning_share=1.0)
        assert first.id == place + 1
        assert first.meaning == pytest.approx(1.0, abs=0.01)


def test_only_the_groups_that_are_asked_for_are_found() -> None:
    shelf = filled(*TEXTS)
    assert set(by_words(shelf, "terrace", (1,))) == {1, 3}
    assert by_words(shelf, "terrace", (0,)) == []
    assert by_words(shelf, "terrace", ()) == []


def test_the_newest_stay_when_it_is_full() -> None:
    shelf = filled(*TEXTS, capacity=3)
    assert len(shelf) == 3
    assert by_words(shelf, "dog") == []
    assert by_words(shelf, "parcel") == [4]
    shelf.put([9], [0], rounded(vectors(1)), [terms_of("A dog again")])
    assert by_words(shelf, "dog") == [9]
    assert by_words(shelf, "car") == []


def test_what_is_taken_away_is_not_found() -> None:
    shelf = filled(*TEXTS)
    shelf.take_away([1, 77])
    assert by_words(shelf, "dog terrace") == [3]
    assert len(shelf) == 3


def test_what_is_put_again_stands_there_once() -> None:
    shelf = filled(*TEXTS)
    shelf.put([1], [1], rounded(vectors(1)), [terms_of("A cat")])
    assert by_words(shelf, "cat") == [1]
    assert by_words(shelf, "dog") == []
    assert len(shelf) == len(TEXTS)


@given(
    lots=some.lists(some.integers(0, 40), max_size=12),
    capacity=some.integers(1, 60),
)
def test_it_never_holds_more_than_fits_and_always_the_newest(
    lots: list[int], capacity: int
) -> None:
    shelf, number = Shelf(capacity=capacity, dimension=4), 0
    for size in lots:
        ids = list(range(number + 1, number + size + 1))
        meant = rounded(vectors(size, 4)) if size else np.zeros((0, 4), dtype=np.int8)
        shelf.put(ids, [0] * size, meant, [terms_of(f"text n{pk}") for pk in ids])
        number += size
    newest = set(range(max(1, number - capacity + 1), number + 1))
    assert len(shelf) == len(newest)
    nothing = np.zeros(4, dtype=np.float32)
    hits = shelf.search(nothing, terms_of("text"), groups=None, limit=500, meaning_share=0.0)
    assert {hit.id for hit in hits} == newest


@given(found=arrays(np.float32, (3, 8), elements=some.floats(-1, 1, width=32)))
def test_rounding_keeps_the_direction(found: Vectors) -> None:
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    meant = found[lengths[:, 0] > 0.1] / lengths[lengths[:, 0] > 0.1]
    codes = rounded(meant).astype(np.float32)
    if len(meant):
        cosine = (codes * meant).sum(axis=1) / np.linalg.norm(codes, axis=1)
        assert (cosine > 0.995).all()


@given(text=some.text())
def test_terms_are_sorted_and_each_stands_once(text: str) -> None:
    found = terms_of(text)
    assert list(found) == sorted(set(found))
