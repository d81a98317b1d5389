"""Tells what somebody wrote from what their mail program quoted below it."""

from __future__ import annotations

import re

HEADLINE = re.compile(
    r"-{2,}\s*(?:original message|ursprüngliche nachricht|message d'origine|mensaje original)"
    r"\s*-{2,}"
    r"|_{20,}"
    r"|(?:on|am|le|el|il|op|den)\s.{6,180}\s?"
    r"(?:wrote|schrieb.*|a écrit|escribió|ha scritto|schreef|skrev)\s?:",
    re.IGNORECASE,
)
FEWEST_LINES = 3


def split(text: str) -> tuple[str, str]:
    """The words somebody wrote and the quotation that follows them ("" without one).

    Only a quotation at the end is split off: answers written between quoted lines stay whole.
    """
    lines = text.rstrip().splitlines()
    start = len(lines)
    while start and (not lines[start - 1].strip() or _is_quoted(lines[start - 1])):
        start -= 1
    above = start - 1
    if start < len(lines) and above > 0 and HEADLINE.fullmatch(lines[above].strip()):
        start = above
    elif len(lines) - start < FEWEST_LINES:
        start = len(lines)
        if not any(map(_is_quoted, lines)):
            heads = (n for n, line in enumerate(lines) if HEADLINE.fullmatch(line.strip()))
            start = next(heads, start)
    said = "\n".join(lines[:start]).rstrip()
    if not said:
        return text, ""
    return said, "\n".join(lines[start:]).strip()


def _is_quoted(line: str) -> bool:
    return line.lstrip().startswith(">")
