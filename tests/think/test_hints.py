"""Rules are looked for only where their words are told, and none is missed by that."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heard.think import Facts
from heard.think.evaluation import CORPUS, of_corpus
from heard.think.hints import PERSONAL, TONE, Book, Lines
from heard.think.kind import tone
from heard.think.posts import announcing, quarrels
from heard.think.privacy import asking, disclosures, personal_data
from heard.think.wording import folded, own_words

# Every rule there is, whichever module wrote it.
assert all((announcing, personal_data, quarrels, tone))
RULES = [lines for book in (PERSONAL, TONE) for lines in book.rules]
PIECES = sorted({piece for lines in RULES for line in lines.lines for piece in line.hint.pieces})
TEXTS = st.lists(
    st.sampled_from(PIECES) | st.text(max_size=8) | st.sampled_from(" .,:İıſK12345"),
    max_size=12,
).map("".join) | st.lists(
    st.sampled_from(PIECES) | st.sampled_from(["A. Stone", "4471", "12", "", "your"]),
    max_size=12,
).map(" ".join)


def as_one(lines: Lines) -> re.Pattern[str]:
    """The lines as the one pattern that they stand for."""
    written = "|".join(re.sub(r"\(\?P<\w+>", "(", line.written) for line in lines.lines)
    return re.compile(written, lines.lines[0].flags)


PATTERNS = [(lines, as_one(lines)) for lines in RULES if lines.lines]


@given(TEXTS)
@example("ID lıke your ſort code: İban")
@example("i\u0307dm us your i\u0307iban")
def test_looking_where_words_are_told_finds_what_looking_everywhere_finds(text: str) -> None:
    for lines, pattern in PATTERNS:
        found = [match.span() for match in lines(text)]
        assert found == [match.span() for match in pattern.finditer(text)]
        first = lines.search(text)
        assert (first and first.span()) == (found[0] if found else None)


def test_it_finds_the_same_in_drafts_and_messages_of_the_corpus() -> None:
    rows = random.Random(4).sample(of_corpus(CORPUS), 250)
    for text in (folded(row[part]) for row in rows for part in ("draft", "message")):
        for lines, pattern in PATTERNS:
            assert [it.span() for it in lines(text)] == [it.span() for it in pattern.finditer(text)]


@given(TEXTS, st.integers(0, 60), st.integers(0, 60))
def test_a_part_of_a_text_is_searched_as_a_pattern_searches_it(
    text: str, start: int, end: int
) -> None:
    for lines, pattern in PATTERNS:
        found, there = lines.search(text, start, end), pattern.search(text, start, end)
        assert (found and found.span()) == (there and there.span())


OPENINGS = ["Send us", "Could you share", "what's", "May we have", "Please reply with", "we need"]
DATA = [
    "order number",
    "e-mail",
    "bank details",
    "id",
    "iban",
    "PIN",
    "one-time code",
    "zip",
    "cvv",
]


@given(
    st.sampled_from(OPENINGS),
    st.lists(st.sampled_from(["your", "the", "full", "and", "quickly", *DATA]), max_size=5),
)
def test_a_request_names_what_it_asks_for(opening: str, words: list[str]) -> None:
    text = " ".join([opening, *words])
    may = PERSONAL.told(text)
    assert asking._NAMES_DATA in may or not asking._REQUEST.search(text)
    assert asking._NAMES_SECRETS in may or not asking._SECRET_REQUEST.search(text)


@pytest.mark.parametrize("book", [PERSONAL, TONE])
def test_no_rule_is_looked_for_in_every_text(book: Book) -> None:
    assert len(book.rules) > 20
    assert not book.told("").marks
    assert not book.told("Hm.").marks


def test_a_line_that_hangs_on_no_word_is_refused() -> None:
    book = Book()
    Lines(r"\w+", book=book)
    with pytest.raises(ValueError, match="looked for in every text"):
        book.told("anything")


def test_a_word_inside_another_is_no_hint_for_a_line_that_begins_there() -> None:
    book = Book()
    here = Lines("here", book=book)
    assert here in book.told("It is here.")
    assert here not in book.told("It is there.")


def test_half_a_letter_is_no_letter() -> None:
    assert not PERSONAL.told("\ud800").marks
    [found] = disclosures.disclosures("\ud800 your dialysis", Facts(is_public=True))
    assert found.matched == "dialysis"


def test_what_is_quoted_is_not_looked_at() -> None:
    quoted = '"send me your PIN"'
    assert PERSONAL.told(quoted).marks
    assert not PERSONAL.told(own_words(quoted)).marks
