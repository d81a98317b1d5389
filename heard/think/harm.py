"""Which findings are a harm once the words are out: what is only badly made is none."""

from __future__ import annotations

from heard.think.findings import Check, Finding, Light

_BADLY_MADE = frozenset(
    {
        "helpful.broken_link",
        "necessary.empty",
        "necessary.too_long",
        "necessary.asks_in_public",
        "true.foreign_link",
    }
)
_HARMS_IN_PUBLIC = frozenset({"kind.blame", "kind.mockery", "kind.sarcasm"})
"""Warnings while one writes; under everybody's eyes they are what people pass on."""


def harms(found: Check, *, is_public: bool) -> tuple[Finding, ...]:
    """The findings for which somebody should look at words that were sent or posted already."""
    return tuple(finding for finding in found.findings if _is_harm(finding, is_public=is_public))


def _is_harm(finding: Finding, *, is_public: bool) -> bool:
    if finding.code in _BADLY_MADE:
        return False
    is_grave = finding.stops or finding.light is Light.RED
    return is_grave or (is_public and finding.code in _HARMS_IN_PUBLIC)
