"""Gaps that were never filled: {name}, {{ contact.name }}, [NAME], <insert date>, XXX, TBD."""

from __future__ import annotations

import re
from collections.abc import Iterable

from heard.think.contact import first_name
from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.wording import folded, one_of

_THING = (
    r"(?:insert|enter|fill in|add|your|our|my|the|first|last|full|user|agent|customer|client"
    r"|contact|guest|company|brand|team|order|booking|ticket|invoice|product|item|store|shop|date|day"
    r"|time|link|url|amount|price|number|name|e-?mail|phone|address|city|reason|topic|issue|signature"
    r"|title|placeholder|discount|code)"
)
_PLACEHOLDER = re.compile(
    one_of(
        rf"""
        \{{\{{[^{{}}\n]{{0,60}}\}}\}}
        \{{%[^%\n]{{0,60}}%\}}
        \$?\{{(?:[^\W\d_]|_)[\w .-]{{0,40}}\}}
        \{{\d\}}
        (?<![\w%])%(?:\([A-Za-z_]{{2,30}}\)s|[A-Za-z_]{{2,30}}%(?!\w))
        (?<!> )\[(?i:{_THING})\b[\w' /.-]{{0,40}}\](?!\()
        \[\[[\w .-]{{1,40}}\]\]
        \[(?!FYI|PDF|FAQ|NEW|SIC|UPDATE|EDIT|SOLVED|VIDEO|PHOTO|IMAGE)[A-Z][A-Z _-]{{2,30}}\](?!\()
        <<?(?i:{_THING})[ _-][\w' _-]{{0,40}}>>?
        <<?(?i:name|customer|agent|date|insert|order|amount)>>?
        \bX{{3,}}\b(?!-?L\b)
        \bXX(?:[./:]X{{2,4}})+\b
        [€$£] ?X{{2,}}\b
        (?<!\w)_{{3,}}(?!\w)
        \b(?:TBD|TODO|FIXME)\b
        \b(?i:lorem ipsum)\b
        """
    )
)
_HINT = re.compile(r"[{\[<%_]|XX|TBD|TODO|FIXME|ipsum", re.IGNORECASE)
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_CONTACT = re.compile(r"\b(?:name|customer|client|contact|guest|user)\b")
_AGENT = re.compile(r"\b(?:agent|your name|my name|signature|sender)\b")


def placeholders(draft: str, facts: Facts) -> Iterable[Finding]:
    """One stopping finding for each gap; a gap for a name offers the name that is known."""
    text = folded(draft)
    if not _HINT.search(text):
        return
    text = _CODE.sub(lambda match: " " * len(match[0]), text)
    for match in _PLACEHOLDER.finditer(text):
        start, end = match.span()
        yield Finding(
            code="true.placeholder",
            letter=Letter.TRUE,
            light=Light.RED,
            says="This gap was never filled in.",
            stops=True,
            matched=draft[start:end],
            start=start,
            end=end,
            change=_filled(match[0], facts),
        )


def _filled(gap: str, facts: Facts) -> str | None:
    asked = re.sub(r"[\W_]+", " ", gap).strip().lower()
    name: str | None = None
    if _AGENT.search(asked):
        name = facts.agent_name.strip()
    elif _CONTACT.search(asked) and not re.search(
        r"\b(?:company|brand|product|last|sur|order|number)\b", asked
    ):
        name = first_name(facts.contact_name) or facts.contact_name.strip()
    return name if name and not _PLACEHOLDER.search(name) else None
