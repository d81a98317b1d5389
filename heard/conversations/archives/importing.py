"""Brings an archive in: reads it, deals its messages out to importers, and says what became of it.

An import that was stopped, by whatever, goes on where it was when the same archive is brought in
with the same wishes. One import runs at a time. Nothing of it warns or notifies anybody.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from django.db import Error, connection, transaction
from django.db.models import Count, Min

from heard.channels.archives import Archive, Item, Spread
from heard.channels.base import Incoming, SetAside
from heard.conversations.archives.beside import Beside
from heard.conversations.archives.importers import Here, advance, keep_aside
from heard.conversations.archives.lots import Filed, Importers, Lot, Task
from heard.conversations.calls.taking import KINDS, keep_history
from heard.conversations.inboxes.arranging import free_slug
from heard.conversations.intake.receiving import close_books, revive
from heard.conversations.models import Clock, Conversation, Delivery, ImportRun, Inbox, Policy
from heard.events.diary import record
from heard.lib.spoken import SpokenError

LOCK = 8_201_002
ASIDE = "aside"
"""The reader's own name among those who note how far they came: it keeps what is set aside."""

SMALL_BYTES = 1_000_000
"""An archive up to this size is filed in this process: others would only just have started."""

LOT_MESSAGES = 4_000
LOT_CHARACTERS = 8_000_000
"""What one importer files in a transaction, about; three times as many where inboxes are many."""


class WishError(SpokenError):
    """What was asked for does not fit what is there."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How an archive is to be brought in.

    `inbox` is for archives that name none themselves. `open_since`: conversations whose last
    message is as late are still alive, all others arrive closed. `respond_within_minutes` is the
    promise by which history is judged (every hour counts) in inboxes that are new.
    """

    kind: str
    inbox: str = ""
    open_since: datetime | None = None
    respond_within_minutes: int | None = None
    is_read: bool = True
    processes: int | None = None


@dataclass(slots=True)
class Progress:
    """Where an import stands: records read, messages filed in this run, share of the archive."""

    records: int = 0
    messages: int = 0
    share: float = 0.0
    started: float = field(default_factory=time.monotonic)
    began: tuple[float, float] = (0.0, 0.0)
    """When the first new record was met, and what share had been read by then."""

    def rate(self) -> float:
        """Messages a second."""
        return self.messages / max(time.monotonic() - self.started, 0.001)

    def seconds_left(self) -> float | None:
        """How long it will go on if it goes on like this; None as long as nobody can tell."""
        at, share = self.began
        if self.share <= share:
            return None
        return (time.monotonic() - at) * (1 - self.share) / (self.share - share)


class Reason(NamedTuple):
    """Why something was set aside, how often, and where it stood first."""

    reason: str
    times: int
    where: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of an archive, counted over all its runs; `rate` is of this one alone."""

    inboxes: tuple[str, ...]
    taken: int
    known: int
    set_aside: int
    reasons: tuple[Reason, ...]
    failed: int
    revived: int
    seconds: float
    rate: float
    went_on_from: int


def bring_in(
    archive: Archive,
    *,
    wishes: Wishes,
    clock: Callable[[], datetime],
    tell: Callable[[Progress], None] = lambda _: None,
) -> Summary:
    """Bring in an archive, from its beginning or from where it was left.

    `tell` hears about the progress after every lot. Raises `ArchiveError`, `WishError`, and
    `ImporterEndedError` when the import stopped on its way.
    """
    with _alone():
        run = _begin(archive, wishes, now=clock())
        went_on_from = run.position
        progress = Progress(records=run.position)
        inboxes = _Inboxes(archive, wishes, run=run, now=clock())
        task = Task(
            run=run.pk,
            digest=run.digest,
            is_read=wishes.is_read,
            shares_inbox=archive.spread is Spread.BY_ROOT,
            now=clock(),
            alive_since=wishes.open_since,
        )
        with _importers(archive, wishes, task) as importers:
            _Reader(archive, run, importers, inboxes, task, progress, tell).read()
        seconds = time.monotonic() - progress.started
        run.refresh_from_db()
        failed, revived = _finish(run, inboxes, wishes, now=clock())
        return Summary(
            inboxes=tuple(inboxes.names()),
            taken=run.taken_count,
            known=run.known_count,
            set_aside=run.set_aside_count,
            reasons=_reasons(run),
            failed=failed,
            revived=revived,
            seconds=seconds,
            rate=progress.messages / max(seconds, 0.001),
            went_on_from=went_on_from,
        )


# The run


@contextmanager
def _alone() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            raise WishError("Another import is running; wait for its end, or stop it.")
    try:
        yield
    finally:
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _begin(archive: Archive, wishes: Wishes, *, now: datetime) -> ImportRun:
    """The run of this archive that was left unfinished, or a new one."""
    digest = _digest(archive, wishes)
    left = ImportRun.objects.filter(archive=wishes.kind, digest=digest, finished_at=None)
    run = left.order_by("-pk").first()
    if run is None:
        return ImportRun.objects.create(
            archive=wishes.kind,
            source=", ".join(path.name for path in archive.files),
            digest=digest,
            options={"inbox": wishes.inbox, "inboxes": [], "positions": {}},
            started_at=now,
            updated_at=now,
        )
    return run


def _digest(archive: Archive, wishes: Wishes) -> str:
    """Names an archive and all that decides what it says: its files, its options, the inbox."""
    said = [wishes.kind, wishes.inbox]
    said += [
        repr(value)
        for name, value in sorted(vars(archive).items())
        if not name.startswith("_") and not isinstance(value, Path)
    ]
    whole = hashlib.sha256("\n".join(said).encode())
    for path in archive.files:
        with path.open("rb") as content:
            whole.update(hashlib.file_digest(content, "sha256").digest())
    return whole.hexdigest()


def _finish(run: ImportRun, inboxes: _Inboxes, wishes: Wishes, *, now: datetime) -> tuple[int, int]:
    """Judge what the archive left unanswered, open what is still alive; how many there are.

    Each step is a transaction of its own and may be done again: an interrupted run ends anew.
    """
    failed = revived = 0
    for inbox in inboxes.all():
        if run.taken_count:
            close_books(inbox)
            if inbox.kind in KINDS:
                keep_history(inbox)
            failed += Clock.objects.filter(
                inbox=inbox, is_history=True, met_at=None, failed_at__isnull=False
            ).count()
        if wishes.open_since:
            revive(inbox, since=wishes.open_since, now=now)  # what an earlier import left closed
            revived += Conversation.objects.filter(
                inbox=inbox, is_history=False, last_at__gte=wishes.open_since
            ).count()
    with transaction.atomic():
        run.finished_at = run.updated_at = now
        run.save(update_fields=["finished_at", "updated_at"])
        record(
            "archive.imported",
            subject="import_run",
            subject_id=run.pk,
            at=now,
            data={"taken": run.taken_count, "known": run.known_count, "source": run.source},
        )
    if run.taken_count:
        # The planner must not go on thinking that the tables are as small as they were.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE contact, handle, conversation, message, clock")
    return failed, revived


def _reasons(run: ImportRun) -> tuple[Reason, ...]:
    rows = (
        Delivery.objects.filter(run=run)
        .values("reason")
        .annotate(times=Count("pk"), first=Min("pk"))
        .order_by("-times", "reason")
    )
    places = dict(
        Delivery.objects.filter(pk__in=[row["first"] for row in rows]).values_list("pk", "where")
    )
    return tuple(Reason(row["reason"], row["times"], places[row["first"]]) for row in rows)


@contextmanager
def _importers(archive: Archive, wishes: Wishes, task: Task) -> Iterator[Importers]:
    size = sum(path.stat().st_size for path in archive.files)
    if wishes.processes is None and size <= SMALL_BYTES:
        yield Here(task)
        return
    count = wishes.processes or os.cpu_count() or 1
    with Beside(task, count=1 if archive.spread is Spread.NOT else count) as beside:
        yield beside


# Reading


class _Inboxes:
    """The inboxes of a run, found or made as the archive names them."""

    def __init__(self, archive: Archive, wishes: Wishes, *, run: ImportRun, now: datetime) -> None:
        self._channel = archive.channel
        self._wishes = wishes
        self._run = run
        self._now = now
        self._found: dict[str, Inbox] = {}
        for inbox in Inbox.objects.filter(pk__in=run.options["inboxes"]):
            self._found[inbox.name] = inbox
        if wishes.inbox:
            self.called("")

    def all(self) -> list[Inbox]:
        """Those that the run has filed anything in, by name."""
        return sorted({inbox.pk: inbox for inbox in self._found.values()}.values(), key=str)

    def names(self) -> list[str]:
        """Their names."""
        return [inbox.name for inbox in self.all()]

    def called(self, name: str) -> Inbox:
        """The inbox that the archive calls so; the wished one for what it gives no name."""
        inbox = self._found.get(name)
        if inbox is None:
            inbox = self._found[name] = self._open((name or self._wishes.inbox)[:120])
        return inbox

    @transaction.atomic
    def _open(self, name: str) -> Inbox:
        inbox = Inbox.objects.filter(name=name).select_related("policy").first()
        minutes = self._wishes.respond_within_minutes
        if inbox is None:
            inbox = Inbox.objects.create(
                name=name,
                kind=self._channel,
                slug=free_slug(name),
                policy=_policy(minutes or 24 * 60),
                created_at=self._now,
            )
            record("inbox.opened", subject="inbox", subject_id=inbox.pk, at=self._now)
        elif inbox.kind != self._channel:
            raise WishError(
                f"There is an inbox {name} already, of the kind {inbox.kind}; this archive is of"
                f" the kind {self._channel}. Choose another name."
            )
        elif minutes not in {None, inbox.policy.first_response_minutes}:
            raise WishError(
                f"The inbox {name} is there already and has its own promise ({inbox.policy});"
                " leave out the time to respond."
            )
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE import_run SET options = jsonb_set(options, '{inboxes}',"
                " options->'inboxes' || to_jsonb(%s::bigint)) WHERE id = %s",
                [inbox.pk, self._run.pk],
            )
        return inbox


def _policy(minutes: int) -> Policy:
    """The promise that history is judged by."""
    hours = f"{minutes / 60:g}"
    policy, _ = Policy.objects.get_or_create(
        name=f"Archive: an answer within {hours} h",
        defaults={"first_response_minutes": minutes, "next_response_minutes": minutes},
    )
    return policy


class _Reader:
    """Reads an archive once and deals it out, lot by lot."""

    def __init__(
        self,
        archive: Archive,
        run: ImportRun,
        importers: Importers,
        inboxes: _Inboxes,
        task: Task,
        progress: Progress,
        tell: Callable[[Progress], None],
    ) -> None:
        self._archive = archive
        self._importers = importers
        self._inboxes = inboxes
        self._task = task
        self._progress = progress
        self._tell = tell
        self._shares: list[dict[str, list[Incoming]]] = [{} for _ in range(importers.count)]
        self._asides: list[tuple[str, SetAside]] = []
        # With another number of importers, messages fall to others: all go on from the hindmost.
        known = {str(number) for number in range(importers.count)} | {ASIDE}
        positions = run.options["positions"]
        if positions.keys() != known:
            positions = dict.fromkeys(known, run.position)
            run.options = {**run.options, "positions": positions}
            ImportRun.objects.filter(pk=run.pk).update(options=run.options)
        self._done = [positions[str(number)] for number in range(importers.count)]
        self._aside_done = positions[ASIDE]

    def read(self) -> None:
        """From the position that all have reached to the end."""
        start = min(*self._done, self._aside_done)
        deal = self._dealing()
        # The cost of a transaction grows with the inboxes in it; few messages to each are dear.
        width = 3 if self._archive.spread is Spread.BY_INBOX else 1
        most = LOT_MESSAGES * self._importers.count * width
        position, count, characters = start, 0, 0
        for item in self._archive.items(after=start):
            if position == start and not count:
                self._progress.began = time.monotonic(), self._archive.share()
            if item.position != position and (
                characters > LOT_CHARACTERS * self._importers.count or count > most
            ):
                self._hand_over(position)
                count = characters = 0
            position = item.position
            value = item.value
            count += 1
            if isinstance(value, SetAside):
                if position > self._aside_done:
                    self._asides.append((item.inbox, value))
                continue
            characters += len(value.text) + len(value.html)
            number = deal(item, value)
            if position > self._done[number]:
                share = self._shares[number]
                if item.inbox in share:
                    share[item.inbox].append(value)
                else:
                    share[item.inbox] = [value]
        self._hand_over(position)
        self._note(self._importers.finish())
        if self._asides:
            reasons = Counter(aside.reason for _, aside in self._asides).most_common(3)
            told = "; ".join(f"{times} times: {reason}" for reason, times in reasons)
            raise WishError(f"Nothing in the archive could be understood ({told}).")

    def _dealing(self) -> Callable[[Item, Incoming], int]:
        count = self._importers.count
        if count == 1:
            return lambda _item, _value: 0
        if self._archive.spread is Spread.BY_INBOX:
            return lambda item, _value: crc32(item.inbox.encode()) % count
        return lambda _item, value: crc32((value.root or value.external_id).encode()) % count

    def _hand_over(self, position: int) -> None:
        for number, share in enumerate(self._shares):
            if position > self._done[number]:
                messages = {self._inboxes.called(name).pk: lot for name, lot in share.items()}
                self._note(self._importers.give(number, Lot(position, messages)))
            self._shares[number] = {}
        self._keep_asides(position)
        self._progress.records = position
        self._progress.share = self._archive.share()
        self._tell(self._progress)

    def _note(self, filed: Filed) -> None:
        self._progress.messages += filed.taken + filed.known + filed.refused

    @transaction.atomic
    def _keep_asides(self, position: int) -> None:
        if position <= self._aside_done:
            return
        # What names no inbox stands with the first one there is, and waits while there is none.
        any_inbox = next(iter(self._inboxes.all()), None)
        if any_inbox is None and self._asides:
            return
        kept = [
            (self._inboxes.called(name).pk if name or not any_inbox else any_inbox.pk, aside)
            for name, aside in self._asides
        ]
        if kept:
            keep_aside(kept, run=self._task.run, digest=self._task.digest, now=self._task.now)
        filed = Filed(refused=len(kept))
        advance(self._task.run, ASIDE, position, filed, now=self._task.now)
        self._asides.clear()
