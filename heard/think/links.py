"""The links of a text, with and without a scheme, and the host that each names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from heard.think.wording import folded

_REST = r"[^\s<>\"'\\]"
_LINK = re.compile(
    r"(?<![\w@./-])(?:"
    rf"(?:h?ttps?:?/{{1,3}}\s?|https?: //?){_REST}{{1,2000}}|file:/{_REST}{{1,500}}"
    r"|(?P<bare>(?:localhost(?=[:/])|(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+"
    r"(?:com|org|net|info|io|shop|app|dev|eu|uk|de|fr|es|nl|ch|ca|au|ly|gl|gd|local|internal|lan))"
    rf"(?::\d{{2,5}})?(?:/{_REST}{{0,2000}})?(?![\w@-]))"
    r")"
)
_NUMBERED = re.compile(r"[\d.]+\.[a-z]+(?![\w.])")


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it stands in the text, and the host it names ("" if it names none)."""

    start: int
    end: int
    text: str
    host: str
    is_bare: bool


def links_in(text: str) -> Iterator[Link]:
    """Links with and without a scheme; marks of the sentence around them are left out."""
    for match in _LINK.finditer(folded(text)):
        words = match[0].rstrip(".,;:!?…*_")
        while words.endswith(")") and words.count(")") > words.count("("):
            words = words[:-1].rstrip(".,;:!?…*_")
        end = match.start() + len(words)
        is_bare = match["bare"] is not None
        # A bare name has letters before its ending, unlike "version 2.3.de".
        if words and not (is_bare and _NUMBERED.match(words)):
            yield Link(
                match.start(),
                end,
                text[match.start() : end],
                host_of(words, is_bare=is_bare),
                is_bare,
            )


def host_of(words: str, *, is_bare: bool) -> str:
    """The host that a link names, in small letters; "" if it names none."""
    if not is_bare and not words.startswith(("http://", "https://")):
        return ""
    try:
        host = urlsplit(f"//{words}" if is_bare else words).hostname or ""
    except ValueError:
        return ""
    return host.casefold().removesuffix(".")
