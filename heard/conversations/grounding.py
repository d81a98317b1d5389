"""What a draft may lean on: saved answers and facts of the house that speak of what was asked."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from heard.assistant.drafting import Source
from heard.conversations.filling import brand_of, values_of
from heard.conversations.models import Conversation, Inbox
from heard.conversations.offering import MOST_CHOICES, saved_for
from heard.knowledge.gaps import fill, gaps_in
from heard.knowledge.models import HouseFact
from heard.staff.models import User

ANSWERS, FACTS = 3, 5
SHORTEST_WORD = 3
COMMONEST = 0.5
"""A word in more than this share of many texts says nothing of what is meant."""


def sources_for(opened: Conversation, asked: str, *, by: User, now: datetime) -> list[Source]:
    """The sources for a reply to these words by this person, the nearest of each kind first.

    Saved answers come with their gaps filled as far as is known. Seven queries at most.
    """
    inbox = Inbox.objects.select_related("place").get(pk=opened.inbox_id)
    saved = list(saved_for(inbox, by=by))
    near = nearest(asked, [f"{it.title} {it.text}" for it in saved], limit=ANSWERS)
    chosen = [saved[n] for n in near]
    gaps = {gap for it in chosen for gap in gaps_in(it.text)}
    values = values_of(opened, gaps, author=by, now=now) if gaps else {}
    sources = [Source("saved", it.pk, it.title, fill(it.text, values).text) for it in chosen]
    facts = list(
        HouseFact.objects.valid_on(timezone.localdate())
        .about(brand_id=brand_of(inbox), place_id=inbox.place_id)
        .order_by("pk")[:MOST_CHOICES]
    )
    near = nearest(asked, [f"{it.subject} {it.words}" for it in facts], limit=FACTS)
    return sources + [Source("fact", facts[n].pk, facts[n].subject, facts[n].value) for n in near]


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
