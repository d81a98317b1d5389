"""Posts that somebody is about to make: what the check may know of them, and what is written down.

Of a post on somebody's own page nothing is kept, not even in memory: see `look_at`. Of one in the
company's name only what they ask to have written down.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from heard.channels.base import Composed
from heard.channels.registry import channel_of
from heard.conversations.models import CheckedPost, Inbox, PostingPage
from heard.events.diary import record
from heard.staff.models import User
from heard.think import Check, Facts, check_post
from heard.think.forgetting import forget

LONGEST = 20_000
MOST_PLACES = 200
LATEST = 20


def look_at(text: str, *, now: datetime, timezone: str = "UTC") -> Check:
    """The five questions of a post on somebody's own page, which is forgotten before this returns.

    It reaches no row, no log and no cache; it is not asked of the database either.
    """
    try:
        return check_post(text, Facts(now=now, timezone=timezone), in_our_name=False)
    finally:
        forget()


def places_of(author: User) -> list[Inbox]:
    """Where this person may speak in the company's name: what they see, and everybody reads."""
    mine = Inbox.objects.visible_to(author).filter(is_public=True)
    return list(mine.order_by("name")[:MOST_PLACES])


def address_there(inbox: Inbox, text: str) -> str:
    """Where a person writes a post at the place, with these words filled in; "" if not known."""
    channel = channel_of(inbox.kind)
    return channel.composing(text, inbox.settings) if isinstance(channel, Composed) else ""


@transaction.atomic
def write_down(inbox: Inbox, *, text: str, found: Check, by: User, now: datetime) -> CheckedPost:
    """Keep that this post was checked, and what was found; raises `ValueError` when it is empty."""
    if not text.strip():
        raise ValueError("a post needs words")
    kept = CheckedPost.objects.create(
        inbox=inbox,
        text=text.strip()[:LONGEST],
        codes=sorted({finding.code for finding in found.findings}),
        by=by,
        at=now,
    )
    record(
        "post.checked",
        subject="inbox",
        subject_id=inbox.pk,
        at=now,
        actor_id=by.pk,
        data={"post": kept.pk, "codes": kept.codes},
    )
    return kept


def latest(inboxes: Sequence[int]) -> list[CheckedPost]:
    """The posts that were written down last, with who and where."""
    rows = CheckedPost.objects.filter(inbox_id__in=inboxes).select_related("inbox", "by", "message")
    rows = rows.defer("message__search", "message__html", "message__text")
    return list(rows.order_by("-at", "-id")[:LATEST])


def is_open() -> bool:
    """Whether people outside may use the page for their own posts."""
    return PostingPage.objects.filter(pk=1, is_open=True).exists()


@transaction.atomic
def open_to_all(*, to: bool, by: User, now: datetime) -> None:
    """Open the page for own posts to everybody outside, or close it."""
    PostingPage.objects.update_or_create(
        pk=1, defaults={"is_open": to, "changed_by": by, "changed_at": now}
    )
    record(
        "posting_page.opened" if to else "posting_page.closed",
        subject="posting_page",
        subject_id=None,
        at=now,
        actor_id=by.pk,
    )
