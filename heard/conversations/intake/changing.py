"""What a place tells about messages after they were written: edits, deletions, receipts, likes.

It may come twice, in any order, and before the message itself. So all of it is kept as rows of
`Change`, and `apply` brings messages into line with those rows, whatever came first.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from heard.channels.base import Acknowledged, Deleted, Edited, Kind, Progress
from heard.channels.texts import plain
from heard.conversations.checks.watching import watch_soon
from heard.conversations.clocks.settling import settle
from heard.conversations.models import (
    Acknowledgement,
    Change,
    Flooded,
    Inbox,
    Message,
    Notice,
    Sending,
)
from heard.conversations.readings import doubting
from heard.events.diary import record_many
from heard.events.models import Event
from heard.learning.taught import read

Told = Edited | Deleted | Progress | Acknowledged

READING = (
    "language",
    "mood",
    "mood_negative",
    "mood_positive",
    "need",
    "stance",
    "urgency",
    "urgency_reason",
    "read_by",
    "need_by",
)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the edits of a message told besides words, the later over the earlier."""

    extra: dict[str, Any]
    need: str | None
    language: str

    @classmethod
    def of(cls, edits: Sequence[Change]) -> _Facts:
        """`edits` are in the order of time."""
        extra: dict[str, Any] = {}
        need, language = None, ""
        for told in (edit.told or {} for edit in edits):
            extra |= told.get("extra", {})
            need = told.get("need", need)
            language = told.get("language") or language
        return cls(extra, need, language)

    def over(self, extra: dict[str, Any] | None) -> dict[str, Any] | None:
        """A message's `extra` with these facts in it."""
        names = {**(extra or {}), **self.extra}
        return {name: value for name, value in names.items() if value is not None} or extra

    def asks_other(self, message: Message) -> bool:
        """Whether the place says another need by now, and nobody here has said one."""
        if self.need is None or message.read_by == "person" or message.is_automatic:
            return False
        is_told = message.need_by == "place"
        return is_told if not self.need else not (is_told and message.need == self.need)


@transaction.atomic
def change(inbox: Inbox, told: Sequence[Told], *, now: datetime) -> int:
    """Keep what a place told, and apply it to what is here; returns how much of it was new."""
    rows = [_row(inbox, one) for one in told]
    names = {one.external_id[:300] for one in told}
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO change (inbox_id, external_id, kind, what, at, text, html, told)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
            """,
            rows,
        )
        fresh: int = max(cursor.rowcount, 0)
    if fresh:
        apply(inbox, names, now=now)
    return fresh


@transaction.atomic
def apply(inbox: Inbox, external_ids: Collection[str], *, now: datetime) -> None:
    """Bring the messages of these names into line with what was told about them.

    Two statements when nothing was. Safe to run twice.
    """
    told: dict[tuple[str, str], list[Change]] = defaultdict(list)
    rows = Change.objects.raw(
        "SELECT * FROM change WHERE inbox_id = %s AND external_id = ANY(%s) ORDER BY at, id",
        [inbox.pk, list(external_ids)],
    )
    for row in rows:
        told[row.external_id, row.kind].append(row)
    if not told:
        return
    messages = (
        Message.objects.select_for_update(of=("self",))
        .filter(inbox=inbox, external_id__in={name for name, _ in told})
        .defer("search")
        .order_by("id")
    )
    work = _Work(inbox=inbox, now=now)
    for message in messages:
        work.follow(message, told.get((message.external_id, message.kind), []))
    work.finish()


@dataclass
class _Work:
    """What one call of `apply` gathers, so that rows are written together."""

    inbox: Inbox
    now: datetime

    def __post_init__(self) -> None:
        self.changed: list[Message] = []
        self.reworded: list[tuple[Message, str]] = []
        self.said_otherwise: list[int] = []
        self.events: list[Event] = []
        self.touched: set[int] = set()

    def follow(self, message: Message, told: Sequence[Change]) -> None:
        """Work out one message; `told` is in the order of time."""
        edits = [one for one in told if one.what == Change.What.EDITED]
        gone = [one for one in told if one.what == Change.What.DELETED]
        if edits:
            self._edit(message, edits)
        if gone and message.deleted_at is None:
            message.deleted_at = gone[0].at
            self.changed.append(message)
            self._write_down("message.deleted", message)
        for one in told:
            if one.what in Acknowledgement.Kind.values:
                self._acknowledge(message, one)
        if message.kind == Message.Kind.REPLY:
            self._progress(message, told)

    def finish(self) -> None:
        """Write everything, and settle what is touched."""
        if self.reworded:
            self._read_again()
        reworded = [message for message, _ in self.reworded]
        everything = {message.pk: message for message in [*self.changed, *reworded]}
        if everything:
            fields = ["text", "html", "extra", "edited_at", "deleted_at", "emptied_at", *READING]
            Message.objects.bulk_update(everything.values(), fields)
            self.touched |= {message.conversation_id for message in everything.values()}
        if self.said_otherwise:  # they are no copies any more
            Flooded.objects.filter(pk__in=self.said_otherwise).delete()
        record_many(self.events)
        ours = [pk for pk, it in everything.items() if it.kind == Message.Kind.REPLY]
        watch_soon(ours, now=self.now)
        settle(self.touched, now=self.now)

    def _edit(self, message: Message, edits: Sequence[Change]) -> None:
        """Take the newest words, and all facts; what was said at first is kept beside the edits."""
        newest, facts = edits[-1], _Facts.of(edits)
        text = newest.text or plain(newest.html)
        is_newer = message.edited_at is None or message.edited_at < newest.at
        is_worded = is_newer and text != message.text and not is_emptied(newest)
        extra = facts.over(message.extra)
        asks_other = message.kind == Message.Kind.INCOMING and facts.asks_other(message)
        if not is_worded and extra == message.extra and not asks_other:
            return
        before = {name: (message.extra or {}).get(name) for name in facts.extra}
        Change.objects.get_or_create(
            inbox=self.inbox,
            external_id=message.external_id,
            kind=message.kind,
            what=Change.What.WRITTEN,
            at=message.at,
            defaults={
                "text": message.text,
                "html": message.html,
                "told": {"extra": before} if before else None,
            },
        )
        if is_worded:
            message.text, message.html, message.emptied_at = text, newest.html, None
            self.said_otherwise.append(message.pk)
        if asks_other:
            message.need, message.need_by = facts.need or "", "place" if facts.need else ""
        message.extra, message.edited_at = extra, newest.at
        self.reworded.append((message, facts.language))
        self._write_down("message.edited", message)

    def _read_again(self) -> None:
        """New words, new reading; what the place or a person said of them stays."""
        wanted = [
            (message, language)
            for message, language in self.reworded
            if message.kind == Message.Kind.INCOMING
            and message.read_by != "person"
            and not message.is_automatic
            and message.emptied_at is None
        ]
        readings = read([message.text for message, _ in wanted])
        for (message, language), reading in zip(wanted, readings, strict=True):
            odds = reading.mood_probabilities
            message.language = reading.language or language[:3] or message.language
            message.mood = reading.mood.value if reading.mood else ""
            message.mood_negative = odds[0] if odds else None
            message.mood_positive = odds[2] if odds else None
            if message.need_by != "place":
                message.need = reading.need.value
            message.stance = reading.stance.value
            message.urgency = reading.urgency.value
            message.urgency_reason = reading.urgency_reason[:120]
            message.read_by = "model" if reading.mood else ""
        doubting.words_changed([message.pk for message, _ in wanted], now=self.now)

    def _acknowledge(self, message: Message, told: Change) -> None:
        """Somebody of ours did it directly at the place."""
        _, is_new = Acknowledgement.objects.get_or_create(
            message=message,
            kind=told.what,
            defaults={"conversation_id": message.conversation_id, "at": told.at},
        )
        if is_new:
            self.touched.add(message.conversation_id)
            self._write_down("message.acknowledged", message, kind=told.what)

    def _progress(self, message: Message, told: Sequence[Change]) -> None:
        """What became of a reply of ours at the place."""
        sending = Sending.objects.select_for_update().filter(message=message).first()
        if sending is None:
            return
        moments = {one.what: one for one in reversed(told)}
        delivered, seen = moments.get("delivered"), moments.get("read")
        sending.delivered_at = delivered.at if delivered else sending.delivered_at
        sending.read_at = seen.at if seen else sending.read_at
        failed = moments.get("failed")
        if failed is not None and sending.state == Sending.State.SENT and not seen:
            sending.state = Sending.State.FAILED
            sending.reason = (failed.text or "The place could not deliver it.")[:300]
            self._write_down("reply.failed", message, reason=sending.reason)
            people = {pk for pk in (message.author_id, self.inbox.keeper_id) if pk is not None}
            Notice.objects.bulk_create(
                Notice(
                    user_id=person,
                    conversation_id=message.conversation_id,
                    kind="reply.failed",
                    text=sending.reason,
                    at=self.now,
                )
                for person in sorted(people)
            )
        sending.save(update_fields=["delivered_at", "read_at", "state", "reason"])
        self.touched.add(message.conversation_id)

    def _write_down(self, name: str, message: Message, **data: object) -> None:
        self.events.append(
            Event(
                name=name,
                subject="conversation",
                subject_id=message.conversation_id,
                at=self.now,
                data={"message": message.pk, **data},
            )
        )


def is_emptied(change: Change) -> bool:
    """Whether the words of an edit were taken because its inbox keeps none for longer."""
    return bool((change.told or {}).get("is_emptied"))


def _row(inbox: Inbox, told: Told) -> tuple[int | str | datetime | None, ...]:
    """One thing told, as the columns of its row."""
    kind, text, html, facts = Kind.INCOMING, "", "", None
    if isinstance(told, Edited):
        what, kind, text, html = Change.What.EDITED, told.kind, told.text, told.html
        facts = _told(told)
    elif isinstance(told, Deleted):
        what, kind = Change.What.DELETED, told.kind
    elif isinstance(told, Progress):
        what, kind, text = Change.What(told.state), Kind.REPLY, told.reason
    else:
        what = Change.What(told.act.value)
    name = told.external_id[:300]
    return (inbox.pk, name, kind.value, what.value, told.at, text, html, facts)


def _told(edit: Edited) -> str | None:
    """What an edit tells besides words, as JSON; None for words alone."""
    told: dict[str, Any] = {"extra": dict(edit.extra)} if edit.extra else {}
    if edit.need is not None:
        told["need"] = edit.need
    if edit.language:
        told["language"] = edit.language
    return json.dumps(told) if told else None
