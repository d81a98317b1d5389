"""Rules that a house found to be mostly wrong there speak more quietly, or not at all.

What has been found to be so is told by the caller (`Facts.softened`); here is only what follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from heard.think.findings import Finding, Light
from heard.think.privacy.codes import PRIVATE_CODES

FIRM = frozenset(
    {
        "necessary.empty",
        "necessary.too_long",
        "true.foreign_link",
        "helpful.inner_link",
        *PRIVATE_CODES,
    }
)
"""Codes that no house can soften: personal data and secrets, and what the place or the house's own
settings forbid."""


def soften(findings: Iterable[Finding], softened: Mapping[str, Light]) -> list[Finding]:
    """The findings as they are shown where rules were softened.

    `softened` names by code the most that a rule may show: amber, or green for silence. A finding
    that is softened stops no longer. Codes that are `FIRM` stay as they are.
    """
    if not softened:
        return list(findings)
    shown = []
    for finding in findings:
        most = None if finding.code in FIRM else softened.get(finding.code)
        if most is Light.GREEN:
            continue
        if most is Light.AMBER and (finding.stops or finding.light is Light.RED):
            shown.append(replace(finding, light=Light.AMBER, stops=False))
        else:
            shown.append(finding)
    return shown
