"""Everybody who speaks is looked at in the background: proofs, likenesses, what they are to us.

New messages are passed once, in lots; how far that has come is kept in the transaction of the lot.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from heard.contacts.models import Contact
from heard.conversations.models import Met
from heard.conversations.people import proving, recognising, suggesting
from heard.conversations.people.proving import Opened
from heard.lib.jobs import jobs
from heard.lib.statements import fetch

LOT = 2_000
LOTS_A_RUN = 50
AGAIN = 200
"""So many ids are looked at twice: a message may be committed after one with a higher id."""
LONGEST_TEXT = 8_000

# Numbers without a message cost nothing: what came twice or was taken back leaves many of them.
NEXT = """
    SELECT count(*), max(id)
    FROM (SELECT id FROM message WHERE id > %(up_to)s ORDER BY id LIMIT %(lot)s) AS next
"""

SAID = """
    SELECT contact_id, left(text, %(longest)s), extra, up FROM message
    WHERE id > %(first)s AND id <= %(last)s AND kind = 'incoming' AND contact_id IS NOT NULL
        AND NOT is_automatic
"""


@jobs.periodic(cron="* * * * *")
@jobs.task(name="meet", queue="background", queueing_lock="meet")
def meet(timestamp: int) -> None:  # noqa: ARG001 - given to every periodic job
    """Look at who has spoken since the last time, and at whom time has changed."""
    now = timezone.now()
    for _ in range(LOTS_A_RUN):
        if not look(now=now):
            break
    recognising.count(recognising.to_count_again(now=now), now=now)


def look(*, now: datetime, lot: int = LOT) -> int:
    """Look at the next lot of messages; returns how many new ones there were.

    Each proof is a transaction of its own, and safe to find twice.
    """
    met, _ = Met.objects.get_or_create(pk=1)
    fresh: int
    [(fresh, last)] = fetch(NEXT, {"up_to": met.up_to, "lot": lot})
    if not fresh:
        return 0
    first = max(0, met.up_to - AGAIN)
    rows = fetch(SAID, {"first": first, "last": last, "longest": LONGEST_TEXT})
    contacts = {row[0] for row in rows}
    said = [(contact, text, _told(extra)) for contact, text, extra, _ in rows]
    links = [
        (contact, told["links"]) for contact, _, told in said if isinstance(told.get("links"), dict)
    ]
    opened = [
        Opened(row[0], told["continues"], link=told["came_by"], thread=row[3])
        for row, (_, _, told) in zip(rows, said, strict=True)
        if isinstance(told.get("continues"), int) and isinstance(told.get("came_by"), str)
    ]
    if proving.prove(contacts, links=links, opened=opened, now=now):
        into = dict(
            Contact.objects.filter(pk__in=contacts, into__isnull=False).values_list("pk", "into")
        )
        contacts = {into.get(contact, contact) for contact in contacts}
        said = [(into.get(contact, contact), text, told) for contact, text, told in said]
    with transaction.atomic():
        suggesting.note_traces(said)
        suggesting.suggest(contacts, now=now)
        recognising.count(contacts, now=now)
        Met.objects.filter(pk=1, up_to=met.up_to).update(up_to=last)
    return fresh


def _told(extra: Any) -> Mapping[str, Any]:
    return extra if isinstance(extra, dict) else {}
