"""May this be posted? The five questions of a draft that answers nobody.

Without a message, *Helpful* asks what a reader can do, *Necessary* whether it should be said at
all, and *True* what nobody here can show; what needs a message to judge is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from heard.think.findings import Check, Facts, Finding, Light, lights_of
from heard.think.kind.shouting import shouting
from heard.think.kind.tone import tone
from heard.think.necessary.saying import saying
from heard.think.posts.announcing import announcing
from heard.think.posts.private_matters import private_matters
from heard.think.posts.quarrels import quarrels
from heard.think.privacy.asking import asking
from heard.think.privacy.disclosures import disclosures
from heard.think.privacy.personal_data import personal_data
from heard.think.softening import soften
from heard.think.true.agreeing import agreeing
from heard.think.true.linking import linking
from heard.think.true.opening import opening
from heard.think.true.placeholders import placeholders
from heard.think.true.promises import promises
from heard.think.wording import is_empty

Concern = Callable[[str, Facts], Iterable[Finding]]


def surely_told(draft: str, facts: Facts) -> Iterable[Finding]:
    """What a post surely tells of somebody, in six languages; a mere topic is no disclosure."""
    return (it for it in disclosures(draft, facts) if it.light is Light.RED)


CONCERNS: tuple[Concern, ...] = (
    placeholders,
    linking,
    saying,
    personal_data,
    surely_told,
    asking,
    shouting,
    tone,
    quarrels,
    private_matters,
)
IN_OUR_NAME: tuple[Concern, ...] = (promises, agreeing, opening, announcing)
"""What only the house owes its readers: nobody need be useful on a page of their own."""


def check_post(draft: str, facts: Facts, *, in_our_name: bool) -> Check:
    """Findings in the order of the draft, and five lights; a post is always public.

    What `facts` say of a contact, a message and earlier replies is left aside.
    """
    known = replace(
        facts, message="", is_public=True, contact_name="", contact_language="",
        contact_is_upset=False, earlier_replies=(), thread=(), saved_answers=(), agent_name="",
    )  # fmt: skip
    concerns: tuple[Concern, ...] = (*CONCERNS, *IN_OUR_NAME) if in_our_name else CONCERNS
    if is_empty(draft):
        concerns = (saying,)
    found = [_said_of_a_post(finding) for concern in concerns for finding in concern(draft, known)]
    findings = soften(found, facts.softened)
    findings.sort(key=lambda finding: (finding.start, finding.end, finding.code))
    return Check(findings=tuple(findings), lights=lights_of(findings))


def _said_of_a_post(finding: Finding) -> Finding:
    """Sentences that speak of a reply, spoken of a post."""
    says = finding.says.replace("this reply", "this post").replace("A reply in", "A post in")
    return finding if says == finding.says else replace(finding, says=says)
