"""Personal data hidden before words leave the house, and put back into the answer.

What is known of a person is looked for by letter (whatever its case, accents, spaces or invisible
marks); beside it everything that looks like personal data. Rather too much is hidden than too
little: what was hidden comes back with the answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from heard.think import Facts
from heard.think.privacy.personal_data import data_in

SHORTEST_INSIDE = 4
"""A detail of so many letters is hidden inside longer words, too; a shorter one as a word."""
LONGEST_ENDING = 3
"""So many letters may follow a name that is still that name: Anna, Annalle, Smiths."""

NAME, USER, EMAIL, PHONE, NUMBER, ADDRESS, LINK, DATE, TEXT = (
    "NAME", "USER", "EMAIL", "PHONE", "NUMBER", "ADDRESS", "LINK", "DATE", "TEXT",
)  # fmt: skip
_KINDS = {
    "email": EMAIL,
    "phone": PHONE,
    "birth": DATE,
    "address": ADDRESS,
    "secret": TEXT,
    "detail": USER,
}
"""What stands in the place of what `think` finds; of cards, accounts and orders a number."""

_PLACEHOLDER = re.compile(
    r"\[\s*(NAME|USER|EMAIL|PHONE|NUMBER|ADDRESS|LINK|DATE|TEXT)[ _-]?(\d{1,4})\s*\]",
    re.IGNORECASE,
)
_WIDE: tuple[tuple[str, re.Pattern[str]], ...] = (
    (TEXT, _PLACEHOLDER),
    (LINK, re.compile(r"(?:\b[a-z][a-z0-9+.-]{1,15}://|\bwww\.)\S+", re.IGNORECASE)),
    (EMAIL, re.compile(r"[^\s@<>()\[\],;:\"]+\s?@\s?[^\s@<>()\[\],;:\"]+\.[^\W\d_]{2,}")),
    (USER, re.compile(r"(?<!\w)@[\w.-]*\w(?:@[\w.-]*\w)?")),
    (NUMBER, re.compile(r"\+?\d(?:[\s().\-/·]{0,3}\d){4,}")),
    (NUMBER, re.compile(r"\b(?=\w*\d\w*\d)(?=\w*[^\W\d_])[\w-]{5,}")),
)
_NAMED = re.compile(
    r"\b(?i:my name is|my name's|i am called|this is|mr|mrs|ms|dr|herr|frau|ich heiße|mein name ist"
    r"|je m'appelle|me llamo|mi nombre es|mi chiamo|meu nome é|señora?|signora?|madame|monsieur)"
    r"\.?[ ]+((?:[^\W\d_a-z][\w'’-]*)(?:[ ]+[^\W\d_a-z][\w'’-]*){0,3})"
)
_SIGNED = re.compile(
    r"(?im:^[ \t>]*(?:(?:kind |best |warm |many )*(?:regards|thanks|thank you|cheers|best|wishes"
    r"|sincerely|yours|love)|(?:viele |liebe |mit freundlichen )*(?:grüße|grüßen|gruß)|cordialement"
    r"|merci|saludos|gracias|saluti|grazie|obrigad[oa]|atenciosamente)[ \t]*[,.!–-]*[ \t\n]+)"
    r"((?:[^\W\d_a-z][\w'’.-]*)(?:[ ]+[^\W\d_a-z][\w'’.-]*){0,3})[ \t]*$",
    re.MULTILINE,
)
_WITHOUT_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]"
)


class Mask:
    """Hides the personal data of one request, and puts it back into what is answered.

    `names` are what people are called, each of their words too; `details` are handles and other
    addresses. The same words stand behind the same placeholder in every text of the request, so
    that two people who say the same thing make the same request.
    """

    def __init__(self, *, names: Iterable[str] = (), details: Iterable[str] = ()) -> None:
        names, details = tuple(names), tuple(details)
        self._names = _words_of(names)
        kinds = [(detail, USER) for detail in details] + [(name, NAME) for name in names]
        self._inside = {
            whole: kind
            for whole, kind in ((_squeezed(words), kind) for words, kind in kinds)
            if len(whole) >= SHORTEST_INSIDE
        }
        self._details = _parts_of(details)
        self._facts = Facts(is_public=True, contact_details=details)
        self._placeholders: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def hide(self, text: str) -> str:
        """The text as it may leave: placeholders such as `[NAME 1]` where personal data was."""
        pieces, at = [], 0
        for start, end, kind in _merged(self._spans(text)):
            pieces += [text[at:start], self._placeholder(kind, text[start:end])]
            at = end
        return "".join([*pieces, text[at:]])

    def restore(self, answer: str) -> str:
        """The answer with what was hidden in its place again; placeholders never given stay."""
        hidden = {placeholder: words for words, placeholder in self._placeholders.items()}
        return _PLACEHOLDER.sub(
            lambda match: hidden.get(f"[{match[1].upper()} {int(match[2])}]", match[0]), answer
        )

    def _placeholder(self, kind: str, words: str) -> str:
        known = self._placeholders.get(words)
        if known is None:
            self._counts[kind] = number = self._counts.get(kind, 0) + 1
            known = self._placeholders[words] = f"[{kind} {number}]"
        return known

    def _spans(self, text: str) -> Iterator[tuple[int, int, str]]:
        for kind, pattern in _WIDE:
            yield from ((*match.span(), kind) for match in pattern.finditer(text))
        for pattern in (_NAMED, _SIGNED):
            yield from ((*match.span(1), NAME) for match in pattern.finditer(text))
        for datum in data_in(text, self._facts):
            yield datum.start, datum.end, _KINDS.get(datum.kind, NUMBER)
        yield from self._known(text)

    def _known(self, text: str) -> Iterator[tuple[int, int, str]]:
        letters, places = _folded(text)
        for start, end in _words(letters):
            word = letters[start:end]
            if self._is_name(word):
                yield places[start], places[end - 1] + 1, NAME
            elif word in self._details:
                yield places[start], places[end - 1] + 1, USER
        for whole in self._names | self._details:
            if _WITHOUT_SPACES.search(whole):
                for start in _all(letters, whole):
                    yield places[start], places[start + len(whole) - 1] + 1, NAME
        if self._inside:
            tight = [place for place, letter in enumerate(letters) if letter.isalnum()]
            squeezed = "".join(letters[place] for place in tight)
            for whole, kind in self._inside.items():
                for start in _all(squeezed, whole):
                    first, last = tight[start], tight[start + len(whole) - 1]
                    yield places[first], places[last] + 1, kind

    def _is_name(self, word: str) -> bool:
        if word in self._names:
            return True
        ends = range(max(SHORTEST_INSIDE, len(word) - LONGEST_ENDING), len(word))
        return any(word[:end] in self._names for end in ends)


def _words_of(names: Iterable[str]) -> frozenset[str]:
    """Every word of the names that has two letters or more, folded."""
    found = set()
    for name in names:
        letters, _ = _folded(name)
        found |= {letters[start:end] for start, end in _words(letters) if end - start > 1}
    return frozenset(found)


def _parts_of(details: Iterable[str]) -> frozenset[str]:
    """What stands before the @ of an address, and handles themselves, folded."""
    found = set()
    for detail in details:
        bare = detail.strip().removeprefix("acct:").lstrip("@").partition("@")[0]
        letters, _ = _folded(bare)
        found |= {letters[start:end] for start, end in _words(letters) if end - start > 1}
    return frozenset(found)


def _squeezed(words: str) -> str:
    """Letters and digits alone, folded."""
    return "".join(letter for letter in _folded(words)[0] if letter.isalnum())


def _folded(text: str) -> tuple[str, list[int]]:
    """The text without case, accents and invisible marks; and where each letter stood."""
    if text.isascii():
        return text.lower(), list(range(len(text)))
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for letter in unicodedata.normalize("NFKD", character).casefold():
            # Folding may take a letter apart once more (ŉ), and what is put on top of it goes.
            for plain in unicodedata.normalize("NFKD", letter):
                if not unicodedata.combining(plain) and unicodedata.category(plain) not in _UNSEEN:
                    letters.append(plain)
                    places.append(place)
    return "".join(letters), places


_UNSEEN = {"Cf", "Mn", "Me"}


def _words(letters: str) -> Iterator[tuple[int, int]]:
    """Where the runs of letters and digits begin and end."""
    start = None
    for place, letter in enumerate(letters):
        if letter.isalnum():
            start = place if start is None else start
        elif start is not None:
            yield start, place
            start = None
    if start is not None:
        yield start, len(letters)


def _all(letters: str, wanted: str) -> Iterator[int]:
    at = letters.find(wanted)
    while at >= 0:
        yield at
        at = letters.find(wanted, at + 1)


def _merged(spans: Iterable[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Spans that meet made one, under the kind of the longest."""
    merged: list[tuple[int, int, str]] = []
    widest = 0
    for start, end, kind in sorted(spans, key=lambda span: (span[0], -span[1])):
        if merged and start < merged[-1][1]:
            first, last, before = merged[-1]
            merged[-1] = (first, max(last, end), kind if end - start > widest else before)
            widest = max(widest, end - start)
        else:
            merged.append((start, end, kind))
            widest = end - start
    return merged
