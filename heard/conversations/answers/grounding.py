"""What a draft may lean on: what the house has answered before, and facts that speak of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from heard.assistant.drafting import Source
from heard.conversations.answers.filling import brand_of, filled
from heard.conversations.answers.offering import saved_for
from heard.conversations.answers.recalling import LIKE_ENOUGH, likenesses, suggestions
from heard.conversations.models import Conversation, Inbox
from heard.conversations.queries import sight_of
from heard.knowledge.gaps import without_gaps
from heard.knowledge.models import HouseFact
from heard.staff.models import User

ANSWERS, FACTS = 3, 5
MOST_FACTS = 2_000
LIKE_ENOUGH_TO_READ = LIKE_ENOUGH / 2
"""The server may read what would not be suggested to a person: it uses what answers alone."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """The sources of a draft, and the names of other people whose conversations they are from."""

    sources: tuple[Source, ...]
    names: tuple[str, ...]


def grounds_for(opened: Conversation, asked: str, *, by: User, now: datetime) -> Grounds:
    """The grounds for a reply to these words by this person: answers, then facts.

    Answers are the suggestions of the composer, saved ones and earlier replies, then saved ones
    that are less like it; their gaps are filled as far as is known. Thirty queries at most.
    """
    inbox = Inbox.objects.select_related("place").get(pk=opened.inbox_id)
    sources: list[Source] = []
    names: list[str] = []
    for it in suggestions(opened, by=by, sight=sight_of(by), limit=ANSWERS):
        text = filled(it.text, opened, author=by, now=now).text
        if it.answer is not None:
            sources.append(Source("saved", it.answer.pk, it.answer.title, text))
        elif it.source is not None:
            sources.append(Source("reply", it.source.message, _("an earlier reply"), text))
            names += [it.source.contact_name, it.source.author]
    chosen = {it.id for it in sources if it.kind == "saved"}
    saved = [it for it in saved_for(inbox, by=by) if it.pk not in chosen]
    near = _likest(asked, [(it.title, without_gaps(it.text)) for it in saved])
    for n in near[: ANSWERS - len(sources)]:
        text = filled(saved[n].text, opened, author=by, now=now).text
        sources.append(Source("saved", saved[n].pk, saved[n].title, text))
    facts = HouseFact.objects.valid_on(timezone.localdate()).about(
        brand_id=brand_of(inbox), place_id=inbox.place_id
    )
    named = [(name, it) for it in facts.order_by("pk")[:MOST_FACTS] for name in it.names]
    near = _likest(asked, [(name, it.subject) for name, it in named])
    told = list(dict.fromkeys(named[n][1] for n in near))[:FACTS]
    sources += [Source("fact", it.pk, it.subject, it.value) for it in told]
    return Grounds(tuple(sources), tuple(names))


def _likest(asked: str, titled: Sequence[tuple[str, str]]) -> list[int]:
    """The places of what is like enough to what was asked, the likest first."""
    found = likenesses(asked, titled)
    ranked = sorted(range(len(titled)), key=lambda n: (-found[n], n))
    return [n for n in ranked if found[n] >= LIKE_ENOUGH_TO_READ]
