"""What a reply weighs: whether it is hot, and which rules of the house ask somebody else to look.

Four queries, however long the conversation. The judgement itself is `heard.think`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q

from heard.conversations.models import (
    Conversation,
    Inbox,
    Message,
    ScandalFlag,
    SecondEyes,
    TooClose,
)
from heard.lib.statements import fetch
from heard.reading import Mood
from heard.staff.models import Role, User
from heard.think import Check, Light
from heard.think.second_eyes.heat import Heat, Temper, heat
from heard.think.second_eyes.stakes import legal_words, refund

SAID = 40
LATELY = timedelta(days=1)
"""What was written or said before that has cooled down."""

EARLIER = """
    SELECT text FROM (
        (SELECT m.text, m.at FROM message m WHERE m.author_id = %(author)s AND m.kind = 'reply'
            AND m.at > %(since)s ORDER BY m.at DESC LIMIT 2)
        UNION ALL
        (SELECT d.text, d.updated_at FROM draft d WHERE d.author_id = %(author)s
            AND d.kind = 'reply' AND d.conversation_id <> %(here)s AND d.updated_at > %(since)s
            ORDER BY d.updated_at DESC LIMIT 2)
        UNION ALL
        (SELECT r.text, r.at FROM review r WHERE r.author_id = %(author)s AND r.state <> 'gone'
            AND r.at > %(since)s ORDER BY r.at DESC LIMIT 2)
    ) written WHERE text <> '' ORDER BY at DESC LIMIT 2
"""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why somebody else must look: one of `SecondEyes`' rules, or a flag, and what was seen."""

    code: str
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Weight:
    """What a reply weighs."""

    heat: Heat
    reasons: tuple[Reason, ...]
    is_public: bool

    @property
    def rests(self) -> bool:
        """Whether it is to cool down: it is hot, and everybody could read it."""
        return self.is_public and self.heat.is_hot


def weigh(
    conversation: Conversation,
    *,
    text: str,
    author: User,
    now: datetime,
    is_public: bool,
    found: Check | None = None,
    overruled: Collection[str] = (),
) -> Weight:
    """What this text weighs as a reply of this author here; `found` is what the check says."""
    rules = rules_now()
    said = _said(conversation)
    return Weight(
        heat=heat(text, _temper(conversation, said, author=author, now=now)),
        reasons=tuple(
            _reasons(
                conversation,
                rules,
                said,
                text=text,
                author=author,
                now=now,
                is_public=is_public,
                found=found,
                overruled=overruled,
            )
        ),
        is_public=is_public,
    )


def rules_now() -> SecondEyes:
    """The rules of the house; those that are good for every house until somebody changes them."""
    return SecondEyes.objects.order_by("pk").first() or SecondEyes()


def flying(inbox: Inbox, *, now: datetime) -> ScandalFlag | None:
    """The flag that flies over this inbox longest, if one does."""
    over = Q(inbox=inbox.pk) | Q(inbox=None, brand=None)
    if inbox.brand_id is not None:
        over |= Q(brand=inbox.brand_id)
    return ScandalFlag.objects.filter(over, until__gt=now).order_by("-until", "pk").first()


def is_new(author: User, rules: SecondEyes) -> bool:
    """Whether this is an agent whose first replies are still looked at."""
    if not rules.first_replies or author.role != Role.AGENT:
        return False
    theirs = Message.objects.filter(author=author, kind=Message.Kind.REPLY)
    return len(theirs.values_list("pk", flat=True)[: rules.first_replies]) < rules.first_replies


def _said(conversation: Conversation) -> Sequence[Any]:
    return list(
        conversation.messages.exclude(kind=Message.Kind.NOTE)
        .order_by("-at", "-id")
        .values("kind", "text", "author_id", "at", "mood", "extra__audience")[:SAID]
    )


def _temper(
    conversation: Conversation, said: Sequence[Any], *, author: User, now: datetime
) -> Temper:
    since = now - LATELY
    lately = [one for one in said if one["at"] > since]
    mine = [
        place
        for place, one in enumerate(lately)
        if one["kind"] == Message.Kind.REPLY and one["author_id"] == author.pk
    ]
    first_of_mine = mine[-1] if mine else 0
    incoming = [one for one in said if one["kind"] == Message.Kind.INCOMING]
    here = {"author": author.pk, "here": conversation.pk, "since": since}
    return Temper(
        earlier=tuple(text for (text,) in fetch(EARLIER, here)),
        exchanges=len(mine),
        answers=tuple(
            one["text"] for one in lately[:first_of_mine] if one["kind"] == Message.Kind.INCOMING
        ),
        contact_is_unhappy=bool(incoming) and incoming[0]["mood"] == Mood.NEGATIVE,
        is_too_close=TooClose.objects.filter(conversation=conversation, user=author).exists(),
    )


def _reasons(
    conversation: Conversation,
    rules: SecondEyes,
    said: Sequence[Any],
    *,
    text: str,
    author: User,
    now: datetime,
    is_public: bool,
    found: Check | None,
    overruled: Collection[str],
) -> list[Reason]:
    reasons: list[Reason] = []
    flag = flying(conversation.inbox, now=now)
    if flag is not None:
        reasons.append(Reason("scandal", flag.word))
    red = next(
        (it for it in (found.findings if found else ()) if it.light is Light.RED and not it.stops),
        None,
    )
    if rules.public_red and is_public and red is not None and red.code in overruled:
        reasons.append(Reason("public_red", red.says))
    incoming = [one for one in said if one["kind"] == Message.Kind.INCOMING]
    reach = max((_audience(one) for one in incoming), default=0)
    if rules.reach_above is not None and reach > rules.reach_above:
        reasons.append(Reason("reach", f"{reach:,}"))
    if rules.legal_words:
        also = [line.strip() for line in rules.more_legal_words.splitlines() if line.strip()]
        word = legal_words(text, also) or legal_words(incoming[0]["text"] if incoming else "", also)
        if word:
            reasons.append(Reason("legal", word))
    given_back = refund(text)
    if rules.refund_above is not None and given_back and given_back > Decimal(rules.refund_above):
        reasons.append(Reason("refund", f"{given_back:,}"))
    if is_new(author, rules):
        reasons.append(Reason("new_agent", str(rules.first_replies)))
    return reasons


def _audience(said: dict[str, Any]) -> int:
    count = said["extra__audience"]
    return count if isinstance(count, int) and not isinstance(count, bool) else 0
