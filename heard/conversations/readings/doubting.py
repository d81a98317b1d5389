"""Second readings: what the shipped reader is unsure of is shown to a tier of the assistant.

New messages are passed once, in lots; those that are unsure wait in the database until they were
asked about, within the day's budget. The answer is a suggestion beside the reading.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from heard.assistant import budget
from heard.assistant.consulting import NoSuggestion, consult
from heard.assistant.minilm import reader as minilm
from heard.assistant.models import Assistant, arranged
from heard.assistant.second_reading import HEADS, Suggested, question
from heard.conversations.clocks.settling import tell
from heard.conversations.hiding import masks_of
from heard.conversations.models import Doubted, Message, SecondReading
from heard.conversations.readings.correcting import correct
from heard.events.diary import record
from heard.learning.taught import house
from heard.lib.jobs import jobs
from heard.lib.statements import fetch
from heard.reading.doubt import leads
from heard.staff.models import User

LOT = 2_000
LOTS_A_RUN = 5
AGAIN = 200
"""So many ids are looked at twice: a message may be committed after one with a higher id."""
ASKED_A_RUN, READ_A_RUN = 20, 500
FRESH = timedelta(days=2)
"""What is older is not asked about any more: the answer would come too late to help."""

State, Tier = SecondReading.State, SecondReading.Tier

SAID = """
    SELECT m.id, m.text FROM message m
    WHERE m.id > %(first)s AND m.id <= %(last)s AND m.kind = 'incoming' AND NOT m.is_automatic
        AND NOT m.is_history AND m.text <> '' AND m.read_by <> 'person' AND m.need_by = ''
        AND m.heard_at > %(since)s
        AND NOT coalesce(jsonb_typeof(m.extra -> 'call') = 'object', false)
"""


@jobs.periodic(cron="* * * * *")
@jobs.task(name="read_again", queue="assistant", queueing_lock="read_again", lock="read_again")
def read_again(timestamp: int) -> None:  # noqa: ARG001 - given to every periodic job
    """Look for unsure readings among what is new, and ask about some of those that wait."""
    assistant, now = arranged(), timezone.now()
    has_server = assistant.reads and assistant.is_reachable
    has_minilm = assistant.minilm and minilm.is_installed()
    if not (has_server or has_minilm):
        return
    for _ in range(LOTS_A_RUN):
        if not doubt(assistant, now=now, by_minilm=has_minilm):
            break
    if has_minilm:
        read_here(assistant, now=now, ask_on=has_server)
    if has_server:
        ask_about(assistant, now=now)


@transaction.atomic
def doubt(assistant: Assistant, *, now: datetime, by_minilm: bool = False, lot: int = LOT) -> int:
    """Look through the next lot of messages for unsure readings; returns how many ids it passed.

    Only of what was heard since a tier was switched on. `by_minilm`: those that were read are for
    MiniLM first.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM message")
        newest: int = cursor.fetchone()[0]
    row, _ = Doubted.objects.select_for_update().get_or_create(
        pk=1, defaults={"up_to": max(0, newest - lot)}
    )
    last = min(row.up_to + lot, newest)
    if last <= row.up_to:
        return 0
    since = max(assistant.reads_since or now, now - FRESH)
    parameters = {"first": max(0, row.up_to - AGAIN), "last": last, "since": since}
    rows = fetch(SAID, parameters)
    sure = leads([text for _, text in rows], house())
    SecondReading.objects.bulk_create(
        [
            SecondReading(message_id=pk, at=now, tier=Tier.MINILM if here else Tier.SERVER)
            for (pk, _), lead in zip(rows, sure, strict=True)
            for here in [by_minilm and lead is not None]
            if lead is None or lead < assistant.unsure_below
        ],
        ignore_conflicts=True,
    )
    passed: int = last - row.up_to
    row.up_to = last
    row.save(update_fields=["up_to"])
    return passed


def read_here(assistant: Assistant, *, now: datetime, ask_on: bool, most: int = READ_A_RUN) -> int:
    """Read those that wait for MiniLM, the newest first; returns how many.

    `ask_on`: what MiniLM is unsure of, too, waits for the server.
    """
    waiting = list(
        SecondReading.objects.filter(state=State.WAITING, tier=Tier.MINILM)
        .select_related("message")
        .defer("message__search", "message__html")
        .order_by("-pk")[:most]
    )
    read = minilm.read([it.message.text for it in waiting]) if waiting else []
    for second, found in zip(waiting, read, strict=True):
        if ask_on and found.lead < assistant.unsure_below:
            SecondReading.objects.filter(pk=second.pk).update(tier=Tier.SERVER)
        else:
            _settle(second, found.said, "", now=now)
    return len(waiting)


def ask_about(assistant: Assistant, *, now: datetime, most: int = ASKED_A_RUN) -> int:
    """Ask about those that wait, the newest first; returns how many were answered or given up.

    Stops where the budget ends or the server is in trouble: the rest waits.
    """
    SecondReading.objects.filter(state=State.WAITING, at__lt=now - FRESH).update(
        state=State.NONE, reason="it had waited for too long"
    )
    if not budget.is_left(assistant, now=now):
        return 0
    waiting = list(
        SecondReading.objects.filter(state=State.WAITING, tier=Tier.SERVER)
        .select_related("message")
        .defer("message__search", "message__html")
        .order_by("-pk")[:most]
    )
    masks = masks_of({it.message.conversation_id for it in waiting})
    count = 0
    for second in waiting:
        said = second.message
        if said.read_by == "person" or not said.text or said.conversation_id not in masks:
            _settle(second, None, "", now=now)
            continue
        asked = question(said.text, conversation_id=said.conversation_id)
        try:
            answer = consult(assistant, asked, mask=masks[said.conversation_id], now=now)
        except NoSuggestion as problem:
            assistant.refresh_from_db()
            if assistant.trouble or not budget.is_left(assistant, now=now):
                break
            _settle(second, None, str(problem), now=now)
        else:
            _settle(second, answer.found, "", now=now)
        count += 1
    return count


@transaction.atomic
def _settle(second: SecondReading, said: Suggested | None, reason: str, *, now: datetime) -> None:
    """Keep what was answered; it is shown where it differs from the reading of this moment."""
    message = (
        Message.objects.select_for_update(of=("self",)).defer("search").get(pk=second.message_id)
    )
    second.reason, second.at = reason[:300], now
    if said is None:
        second.state = State.NONE
    else:
        second.need, second.stance, second.mood = said.need, said.stance, said.mood
        same = message.read_by == "person" or not differing(second, message)
        second.state = State.SAME if same else State.OPEN
    second.save()
    if second.state == State.OPEN:
        tell([(message.conversation_id, message.inbox_id)])


def differing(second: SecondReading, message: Message) -> dict[str, str]:
    """The heads that it reads otherwise than the message stands, with what it says."""
    said = {head: str(getattr(second, head)) for head in HEADS}
    return {head: to for head, to in said.items() if to and to != getattr(message, head)}


@transaction.atomic
def take(second: SecondReading, *, by: User, now: datetime) -> bool:
    """Take the suggestion: each head that differs is a correction by that person.

    False when it was answered already.
    """
    if not _answer(second, State.TAKEN, by=by, now=now):
        return False
    message = Message.objects.defer("search").get(pk=second.message_id)
    for head, to in differing(second, message).items():
        correct(message, head=head, to=to, by=by, now=now)
    return True


@transaction.atomic
def refuse(second: SecondReading, *, by: User, now: datetime) -> bool:
    """The reading stays as it is. False when it was answered already."""
    return _answer(second, State.REFUSED, by=by, now=now)


def _answer(second: SecondReading, state: str, *, by: User, now: datetime) -> bool:
    still = SecondReading.objects.filter(pk=second.pk, state=State.OPEN)
    if not still.update(state=state, by=by, at=now):
        return False
    second.refresh_from_db()
    record(
        f"second_reading.{state}",
        subject="conversation",
        subject_id=second.message.conversation_id,
        at=now,
        actor_id=by.pk,
        data={"message": second.message_id, "tier": second.tier},
    )
    return True


def words_changed(messages: Collection[int], *, now: datetime) -> None:
    """What was said of the former words is void; those that were unsure are asked about again."""
    SecondReading.objects.filter(
        message_id__in=messages, state__in=[State.OPEN, State.SAME, State.NONE]
    ).update(state=State.WAITING, need="", stance="", mood="", reason="", at=now)
