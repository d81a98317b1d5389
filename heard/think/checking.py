"""May this draft go out? All concerns look at it, and five lights say how it stands.

Pure and quick: no database, no network; the same draft and facts always give the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from heard.think.answering import answering, asked
from heard.think.asking import asking
from heard.think.disclosures import disclosures
from heard.think.findings import Check, Facts, Finding, Letter, Light
from heard.think.helpfulness import helpfulness
from heard.think.language import language
from heard.think.links import links
from heard.think.necessity import is_empty, necessity
from heard.think.occasion import occasion
from heard.think.opening import opening
from heard.think.personal_data import personal_data
from heard.think.placeholders import placeholders
from heard.think.promises import promises, promises_in
from heard.think.scoring import PRIVATE_CODES
from heard.think.seeming import seems_private
from heard.think.shouting import shouting
from heard.think.softening import soften
from heard.think.tone import tone
from heard.think.truth import truth
from heard.think.warmth import warmth

CONCERNS: tuple[Callable[[str, Facts], Iterable[Finding]], ...] = (
    promises,
    truth,
    opening,
    placeholders,
    links,
    helpfulness,
    answering,
    language,
    warmth,
    necessity,
    occasion,
    personal_data,
    disclosures,
    asking,
    shouting,
    tone,
)


# Where one of these is said, there is no need to say besides that it sounds private.
_SAID_ALREADY = PRIVATE_CODES | {"necessary.better_in_private"}


def check(draft: str, facts: Facts) -> Check:
    """Findings in the order of the draft, five lights, and the first promise the draft makes."""
    if is_empty(draft):
        findings = list(necessity(draft, facts))
        return Check(tuple(findings), lights_of(findings), questions=asked("", facts))
    said = [finding for concern in CONCERNS for finding in concern(draft, facts)]
    if not any(finding.code in _SAID_ALREADY for finding in said):
        said += seems_private(draft, facts)
    findings = soften(said, facts.softened)
    findings.sort(key=lambda finding: (finding.start, finding.end, finding.code))
    promised = promises_in(draft, facts)
    owed = next((promise for promise in promised if promise.at), promised[0] if promised else None)
    return Check(
        findings=tuple(findings),
        lights=lights_of(findings),
        promise_at=owed.at if owed else None,
        promise_text=draft[owed.start : owed.end] if owed else "",
        questions=asked(draft, facts),
    )


def lights_of(findings: Iterable[Finding]) -> dict[Letter, Light]:
    """Red where a finding stops or is grave, amber where one warns, green otherwise."""
    lights = dict.fromkeys(Letter, Light.GREEN)
    for finding in findings:
        if finding.stops or finding.light is Light.RED:
            lights[finding.letter] = Light.RED
        elif lights[finding.letter] is Light.GREEN:
            lights[finding.letter] = finding.light
    return lights
