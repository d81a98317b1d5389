from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.reading import read
from heard.reading.languages import pieces, spelt
from heard.reading.scripts import language_of_script

SENTENCES = [
    line.split("\t")
    for line in (Path(__file__).parent / "languages.tsv").read_text(encoding="utf-8").splitlines()
]


def test_languages_are_told_apart_by_short_sentences() -> None:
    told = [reading.language for reading in read([text for _, text in SENTENCES])]
    right = sum(language == said for (language, _), said in zip(SENTENCES, told, strict=True))
    assert right / len(SENTENCES) >= 0.96


@pytest.mark.parametrize("language", ["en", "es", "fr", "de", "it", "nl"])
def test_the_larger_languages_are_never_missed_here(language: str) -> None:
    texts = [text for code, text in SENTENCES if code == language]
    assert Counter(reading.language for reading in read(texts)) == {language: len(texts)}


def test_closely_related_languages_may_stay_open_but_are_not_taken_for_english() -> None:
    texts = [text for code, text in SENTENCES if code != "en"]
    assert "en" not in {reading.language for reading in read(texts)}


def test_links_and_names_do_not_tell_the_language() -> None:
    text = "@the_best_pizza https://example.com/where-is-my-order ¿dónde está mi pedido?"
    assert read([text])[0].language == "es"


@pytest.mark.parametrize(
    ("word", "language"),
    [
        ("สวัสดี", "th"),
        ("안녕", "ko"),
        ("日本語の", "ja"),
        ("漢字", "zh"),
        ("γεια", "el"),
        ("שלום", "he"),
        ("word", ""),
    ],
)
def test_some_scripts_are_enough(word: str, language: str) -> None:
    assert language_of_script(word) == language


@given(st.lists(st.text(st.characters(exclude_characters=" \0"), min_size=1, max_size=30)))
def test_words_vote_by_one_two_and_three_letters(words: list[str]) -> None:
    if not words:
        return
    numbers, starts = pieces(words)
    ends = [*starts[1:].tolist(), len(numbers)]
    for word, start, end in zip(words, starts.tolist(), ends, strict=True):
        padded = f" {word[:24]} "
        by_hand = Counter(
            spelt(padded[place : place + size])
            for size in (1, 2, 3)
            for place in range(len(padded) - size + 1)
        )
        del by_hand[spelt(" ")]
        assert Counter(filter(None, numbers[start:end].ravel().tolist())) == by_hand
