"""Rules are looked for only where their words are told, and none is missed by that."""

from __future__ import annotations

import random
import re

from hypothesis import example, given
from hypothesis import strategies as st

from heard.think import Facts, disclosures
from heard.think.evaluation import CORPUS, of_corpus
from heard.think.hints import _BOOK, Lines, told
from heard.think.wording import folded, own_words

PIECES = [piece for _, line in _BOOK._flat for demand in line.needs()[1] for piece in demand]
TEXTS = st.lists(
    st.sampled_from(sorted(set(PIECES))) | st.text(max_size=8) | st.sampled_from(" .,:İıſK12345"),
    max_size=12,
).map("".join) | st.lists(
    st.sampled_from(sorted(set(PIECES))) | st.sampled_from(["A. Stone", "4471", "12", "", "your"]),
    max_size=12,
).map(" ".join)


def all_lines() -> list[Lines]:
    return list(dict.fromkeys(lines for lines, _ in _BOOK._flat))


def as_one(lines: Lines) -> re.Pattern[str]:
    """The lines as the one pattern that they stand for."""
    written = "|".join(re.sub(r"\(\?P<\w+>", "(", line._written) for line in lines.lines)
    return re.compile(written, lines.lines[0]._flags)


PATTERNS = [(lines, as_one(lines)) for lines in all_lines()]


@given(TEXTS)
@example("ID lıke your ſort code: İban")
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


def test_no_rule_is_looked_for_in_every_text() -> None:
    assert len(PATTERNS) > 40
    assert not told("")
    assert not told("Hm.")


def test_half_a_letter_is_no_letter() -> None:
    assert not told("\ud800")
    [found] = disclosures.disclosures("\ud800 your dialysis", Facts(is_public=True))
    assert found.matched == "dialysis"


def test_what_is_quoted_is_not_looked_at() -> None:
    assert told(own_words('"send me your PIN"')).keys() < told('"send me your PIN"').keys()
