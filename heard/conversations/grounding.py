"""What a draft may lean on: facts of the house that speak of what was asked."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from django.utils import timezone

from heard.assistant.drafting import Source
from heard.conversations.models import Conversation, Inbox
from heard.knowledge.models import HouseFact

MOST_LOOKED_AT = 2_000
FACTS = 5
SHORTEST_WORD = 3


def sources_for(opened: Conversation, asked: str) -> list[Source]:
    """The sources for a reply to these words, the nearest first: two queries."""
    inbox = Inbox.objects.select_related("place").get(pk=opened.inbox_id)
    brand_id = inbox.brand_id or (inbox.place.brand_id if inbox.place else None)
    facts = list(
        HouseFact.objects.valid_on(timezone.localdate())
        .about(brand_id=brand_id, place_id=inbox.place_id)
        .order_by("pk")[:MOST_LOOKED_AT]
    )
    near = nearest(asked, [f"{it.subject} {it.words}" for it in facts], limit=FACTS)
    return [Source("fact", facts[n].pk, facts[n].subject, facts[n].value) for n in near]


def nearest(asked: str, texts: Sequence[str], *, limit: int) -> list[int]:
    """The places of the texts that share the rarest words with what was asked; none shares none."""
    words = [_words(text) for text in texts]
    seen = Counter(word for own in words for word in own)
    wanted = _words(asked)
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
