"""May this draft go out? All concerns look at it, and five lights say how it stands.

Pure and quick: no database, no network; the same draft and facts always give the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from heard.think.findings import Check, Facts, Finding, lights_of
from heard.think.helpful.answering import answering, asked
from heard.think.helpful.language import language
from heard.think.helpful.moving_on import moving_on
from heard.think.inspiring.warmth import warmth
from heard.think.kind.shouting import shouting
from heard.think.kind.tone import tone
from heard.think.necessary.occasion import occasion
from heard.think.necessary.saying import saying
from heard.think.privacy.asking import asking
from heard.think.privacy.codes import PRIVATE_CODES
from heard.think.privacy.disclosures import disclosures
from heard.think.privacy.personal_data import personal_data
from heard.think.scores.seeming import seems_private
from heard.think.softening import soften
from heard.think.true.agreeing import agreeing
from heard.think.true.linking import linking
from heard.think.true.opening import opening
from heard.think.true.placeholders import placeholders
from heard.think.true.promises import promises, promises_in
from heard.think.wording import is_empty

CONCERNS: tuple[Callable[[str, Facts], Iterable[Finding]], ...] = (
    promises,
    agreeing,
    opening,
    placeholders,
    linking,
    moving_on,
    answering,
    language,
    warmth,
    saying,
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
        findings = list(saying(draft, facts))
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
