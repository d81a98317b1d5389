"""What a draft may lean on: what the house has answered before, and facts that speak of it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from heard.assistant.drafting import Source
from heard.conversations.answers.filling import brand_of, filled
from heard.conversations.answers.offering import saved_for
from heard.conversations.answers.recalling import suggestions
from heard.conversations.models import Conversation, Inbox
from heard.conversations.queries import sight_of
from heard.knowledge.models import HouseFact
from heard.staff.models import User

ANSWERS, FACTS = 3, 5
MOST_FACTS = 2_000
SHORTEST_WORD = 3
COMMONEST = 0.5
"""A word in more than this share of many texts says nothing of what is meant."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """The sources of a draft, and the names of other people whose conversations they are from."""

    sources: tuple[Source, ...]
    names: tuple[str, ...]


def grounds_for(opened: Conversation, asked: str, *, by: User, now: datetime) -> Grounds:
    """The grounds for a reply to these words by this person: answers, then facts.

    Answers are the suggestions of the composer, saved ones and earlier replies, then saved ones
    that share words; their gaps are filled as far as is known. Thirty queries at most.
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
    near = nearest(asked, [f"{it.title} {it.text}" for it in saved], limit=ANSWERS - len(sources))
    for n in near:
        text = filled(saved[n].text, opened, author=by, now=now).text
        sources.append(Source("saved", saved[n].pk, saved[n].title, text))
    facts = list(
        HouseFact.objects.valid_on(timezone.localdate())
        .about(brand_id=brand_of(inbox), place_id=inbox.place_id)
        .order_by("pk")[:MOST_FACTS]
    )
    near = nearest(asked, [f"{it.subject} {it.words}" for it in facts], limit=FACTS)
    sources += [Source("fact", facts[n].pk, facts[n].subject, facts[n].value) for n in near]
    return Grounds(tuple(sources), tuple(names))


def nearest(asked: str, texts: Sequence[str], *, limit: int) -> list[int]:
    """The places of the texts that share the rarest words with what was asked; none shares none."""
    words = [_words(text) for text in texts]
    seen = Counter(word for own in words for word in own)
    wanted = {word for word in _words(asked) if seen[word] <= max(2, COMMONEST * len(texts))}
    scores = [
        sum(math.log1p(len(texts) / seen[word]) for word in own & wanted) / math.sqrt(len(own) or 1)
        for own in words
    ]
    ranked = sorted(range(len(texts)), key=lambda n: (-scores[n], n))
    return [n for n in ranked[:limit] if scores[n] > 0]


def _words(text: str) -> set[str]:
    found = re.findall(r"[^\W_]+", text.casefold())
    # A plural's s says nothing of what is meant.
    return {word.removesuffix("s") for word in found if len(word) >= SHORTEST_WORD}
