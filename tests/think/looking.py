"""Short ways to ask the check about one draft."""

from __future__ import annotations

from typing import Any

from heard.think import Facts, Finding, Light, check


def findings(draft: str, **facts: Any) -> list[Finding]:
    """What lights a letter; a word without a light is looked at in its own tests."""
    return [it for it in check(draft, Facts(**facts)).findings if it.light is not Light.GREEN]


def codes(draft: str, **facts: Any) -> set[str]:
    return {finding.code for finding in findings(draft, **facts)}


def only(code: str, draft: str, **facts: Any) -> Finding:
    """The one finding of that code."""
    found = [finding for finding in findings(draft, **facts) if finding.code == code]
    assert len(found) == 1, found
    return found[0]


def mended(code: str, draft: str, **facts: Any) -> str:
    """The draft after the change of its one finding of that code; it must be gone then."""
    changed = only(code, draft, **facts).changed(draft)
    assert code not in codes(changed, **facts), changed
    return changed
