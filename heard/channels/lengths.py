"""How long a text is as a place counts it, and how a long one is cut into numbered parts."""

from __future__ import annotations

import re
import unicodedata

import regex

from heard.channels.base import Unit

LINK = re.compile(r"https?://[^\s<>()]+")
LINK_WEIGHT = 23
LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
"""Code points that weigh one at X, all others two (twitter-text, configuration v3)."""
SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")
MARK_ROOM = len(" (99/99)")


def length(text: str, unit: Unit) -> int:
    """The length of a text in the place's own units."""
    if unit is Unit.GRAPHEMES:
        return len(_clusters(text))
    if unit is Unit.WEIGHTED:
        return _weight(text)
    if unit is Unit.UTF16:
        return len(text.encode("utf-16-le", errors="surrogatepass")) // 2
    if unit is Unit.BYTES:
        return len(text.encode(errors="surrogatepass"))
    return len(text)


def parts(text: str, *, limit: int, unit: Unit) -> list[str]:
    """The text in parts no longer than `limit`, each ending in "(2/3)"; one alone has no number.

    Cuts between sentences where it can, else between words, else wherever it must. Raises
    `ValueError` when there would be more than 99, or no room for words beside the number.
    """
    text = text.strip()
    if length(text, unit) <= limit:
        return [text]
    room = limit - MARK_ROOM
    if room < 1:
        raise ValueError("the place is too short for numbered parts")
    found = [""]
    for piece, is_sentence in _pieces(text):
        joined = f"{found[-1]} {piece}".strip()
        if length(joined, unit) <= room:
            found[-1] = joined
        elif is_sentence and length(piece, unit) <= room:
            found.append(piece)
        else:
            _add_words(found, piece, room=room, unit=unit)
    if len(found) > 99:
        raise ValueError("the text is too long for 99 parts")
    return [f"{part} ({number}/{len(found)})" for number, part in enumerate(found, start=1)]


def _pieces(text: str) -> list[tuple[str, bool]]:
    return [(piece, True) for piece in SENTENCE_END.split(text) if piece]


def _add_words(found: list[str], piece: str, *, room: int, unit: Unit) -> None:
    """Put a sentence that is longer than a part word by word, a word of that kind by letters."""
    for word in piece.split():
        joined = f"{found[-1]} {word}".strip()
        if length(joined, unit) <= room:
            found[-1] = joined
            continue
        if found[-1]:
            found.append("")
        for letter in word:
            if length(found[-1] + letter, unit) > room:
                found.append("")
            found[-1] += letter


def _weight(text: str) -> int:
    """What X counts: links 23, most of Latin, Greek and Cyrillic one, emoji and the rest two."""
    links = LINK.findall(text)
    rest = unicodedata.normalize("NFC", LINK.sub("", text))
    clusters = _clusters(rest)
    return LINK_WEIGHT * len(links) + sum(
        1
        if len(one) == 1 and any(a <= ord(one) <= b for a, b in LIGHT)
        else 2
        if _is_emoji(one)
        else sum(1 if any(a <= ord(sign) <= b for a, b in LIGHT) else 2 for sign in one)
        for one in clusters
    )


def _clusters(text: str) -> list[str]:
    """Signs as people count them (Unicode Standard Annex 29)."""
    return [str(one) for one in regex.findall(r"\X", text)]


def _is_emoji(cluster: str) -> bool:
    return any(0x1F000 <= ord(sign) <= 0x1FAFF or 0x2600 <= ord(sign) <= 0x27BF for sign in cluster)
