"""What was asked and what it got, kept as numbers in the background, so that it is found again.

New replies are passed once, in lots; how far that has come is kept in the transaction of the lot.
A saved answer that somebody took is counted as used where the reply still says it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from heard.conversations.models import Exchange, Remembered, Taking
from heard.knowledge.gaps import without_gaps
from heard.knowledge.saving import count_uses
from heard.knowledge.shelf import MOST, rounded, terms_of
from heard.lib.jobs import jobs
from heard.lib.statements import fetch
from heard.reading import embed

LOT = 2_000
LOTS_A_RUN = 25
AGAIN = 200
"""So many ids are looked at twice: a message may be committed after one with a higher id."""
SETTLED = timedelta(minutes=1)
"""A reply younger than this may yet be undone."""
TAKEN_WITHIN = timedelta(days=7)
STILL_SAID, FEW = 0.5, 4
"""A reply is the saved answer that was taken while it has this part of its words, and this many:
or all, where the answer has fewer."""
LEAST_QUESTION, LEAST_REPLY = 2, 4
LONGEST = 2_000

REPLIES = """
    SELECT r.id, r.inbox_id, r.conversation_id, r.author_id, r.at, left(r.text, %(longest)s), (
        SELECT json_agg(json_build_array(s.id, s.kind, s.subject, s.text))
        FROM (
            SELECT m.id, m.kind, m.subject, left(m.text, %(longest)s) AS text FROM message m
            WHERE m.conversation_id = r.conversation_id AND m.kind <> 'note'
                AND (m.at, m.id) < (r.at, r.id)
            ORDER BY m.at DESC, m.id DESC LIMIT 6
        ) s)
    FROM message r
    WHERE r.id > %(first)s AND r.id <= %(last)s AND r.kind = 'reply' AND NOT r.is_automatic
        AND r.deleted_at IS NULL AND r.emptied_at IS NULL
    ORDER BY r.id
"""

LAST = """
    SELECT coalesce(max(id), 0), coalesce((
        SELECT min(id) FROM message WHERE id > %(up_to)s AND heard_at > %(settled)s), 0)
    FROM message
"""

ENOUGH = """
    SELECT id FROM message WHERE kind = 'reply' AND id > %(up_to)s
    ORDER BY id DESC OFFSET %(most)s LIMIT 1
"""

PRUNE = """
    DELETE FROM exchange
    WHERE id <= (SELECT id FROM exchange ORDER BY id DESC OFFSET %(most)s LIMIT 1)
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A reply, and what was said to us since the one before it; `words` are "" if too little."""

    reply: int
    inbox: int
    conversation: int
    author: int | None
    at: datetime
    said: str
    question: int
    words: str


@jobs.periodic(cron="* * * * *")
@jobs.task(name="remember", queue="background", queueing_lock="remember")
def remember_exchanges(timestamp: int) -> None:  # noqa: ARG001 - given to every periodic job
    """Keep what the newest replies answered."""
    now = timezone.now()
    for _ in range(LOTS_A_RUN):
        if not remember(now=now):
            break


@transaction.atomic
def remember(*, now: datetime, lot: int = LOT) -> int:
    """Look at the next lot of messages; returns how many new ids there were."""
    progress, _ = Remembered.objects.select_for_update().get_or_create(pk=1)
    last, unsettled = _ends(progress.up_to, now=now)
    if last - progress.up_to > MOST:
        progress.up_to = max(progress.up_to, _enough(progress.up_to))
    last = min(progress.up_to + lot, unsettled - 1 if unsettled else last)
    fresh = last - progress.up_to
    if fresh <= 0:
        return 0
    first = max(0, progress.up_to - AGAIN)
    rows = fetch(REPLIES, {"first": first, "last": last, "longest": LONGEST})
    _keep([_asked(row) for row in rows])
    progress.up_to = last
    progress.save(update_fields=["up_to"])
    with connection.cursor() as cursor:
        cursor.execute(PRUNE, {"most": MOST})
    return fresh


@transaction.atomic
def begin_anew(*, now: datetime) -> None:
    """Forget every exchange, and begin again with the newest replies at the next `remember`.

    What the running processes hold in memory they then read anew.
    """
    progress, _ = Remembered.objects.select_for_update().get_or_create(pk=1)
    Exchange.objects.all().delete()
    progress.up_to, progress.renewed_at = 0, now
    progress.save(update_fields=["up_to", "renewed_at"])


def _ends(up_to: int, *, now: datetime) -> tuple[int, int]:
    """The last message id, and the first that is too young to be looked at (0: none is)."""
    [(last, unsettled)] = fetch(LAST, {"up_to": up_to, "settled": now - SETTLED})
    return last, unsettled


def _enough(up_to: int) -> int:
    """After which id there are as many replies as are kept."""
    found = fetch(ENOUGH, {"up_to": up_to, "most": MOST})
    return int(found[0][0]) if found else up_to


def _asked(row: Sequence[Any]) -> Asked:
    """What a reply answered, as far as there is enough of it to be found by."""
    reply, inbox, conversation, author, at, said, before = row
    asked: list[tuple[int, str]] = []
    for pk, kind, subject, text in before or ():
        if kind != "incoming":
            break
        asked.append((pk, f"{subject}\n{text}" if subject else text))
    words = "\n".join(text for _, text in reversed(asked))[:LONGEST]
    if len(terms_of(words)) < LEAST_QUESTION or len(said.split()) < LEAST_REPLY:
        words = ""
    return Asked(reply, inbox, conversation, author, at, said, asked[0][0] if asked else 0, words)


def _keep(asked: Sequence[Asked]) -> None:
    """Write down the exchanges of a lot, and which saved answers they were."""
    used = _used(asked)
    questions = [it for it in asked if it.words]
    Exchange.objects.bulk_create(
        [
            Exchange(
                reply_id=it.reply,
                question_id=it.question,
                inbox_id=it.inbox,
                answer_id=used.get(it.reply),
                terms=terms_of(it.words).tobytes(),
                vector=vector.tobytes(),
            )
            for it, vector in zip(
                questions, rounded(embed([it.words for it in questions])), strict=True
            )
        ],
        ignore_conflicts=True,
    )


def _used(asked: Sequence[Asked]) -> dict[int, int]:
    """The saved answers that these replies are: those taken for them whose words they still say."""
    open_ones = (
        Taking.objects.filter(message=None, conversation__in={it.conversation for it in asked})
        .select_related("answer")
        .order_by("at", "pk")
    )
    found: dict[int, int] = {}
    linked: list[Taking] = []
    for taking in open_ones:
        for it in asked:
            if _became(taking, it):
                taking.message_id = it.reply
                found[it.reply] = taking.answer_id
                linked.append(taking)
                break
    Taking.objects.bulk_update(linked, ["message"])
    count_uses(Counter(found.values()))
    return found


def _became(taking: Taking, it: Asked) -> bool:
    if taking.conversation_id != it.conversation or taking.by_id != it.author:
        return False
    if not taking.at <= it.at <= taking.at + TAKEN_WITHIN:
        return False
    words = terms_of(without_gaps(taking.answer.text))
    still = len(np.intersect1d(words, terms_of(it.said)))
    return still >= max(STILL_SAID * len(words), min(len(words), FEW))
