"""Keeps the stores of attachments in order: moves bytes between them, removes what nobody needs.

Bytes without a row are removed a day after that was seen, never before: a backup that began earlier
still finds them. Whoever keeps a file holds its lock, so that nothing is removed under a new row.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, islice

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from heard.conversations.files import attachments
from heard.conversations.files.attachments import DIGEST_LOCK_SPACE, lock_key, stores
from heard.conversations.models import Attachment
from heard.lib.jobs import jobs
from heard.lib.stores import Bucket, MissingError, Store, StoreError

log = logging.getLogger(__name__)

GRACE = timedelta(days=1)
BATCH = 500
REMOVED_AT_ONCE = 50
MOST_AN_HOUR = 5_000


class WrongWayError(StoreError):
    """New files would still go to where the others are moved away from."""


@dataclass(slots=True)
class Moved:
    """How many files and bytes went over, and which are damaged and stay where they are."""

    files: int = 0
    size: int = 0
    damaged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tidied:
    """How many bytes without a row were found for the first time, and how many were removed."""

    noticed: int
    removed: int


@jobs.periodic(cron="17 4 * * *")
@jobs.task(name="tidy_attachments", queue="background", queueing_lock="tidy_attachments")
def tidy_attachments(timestamp: int) -> None:  # noqa: ARG001 - given to every periodic job
    """Remove what nobody needs, once a day."""
    tidy(now=timezone.now())


@jobs.periodic(cron="47 * * * *")
@jobs.task(name="move_attachments", queue="background", queueing_lock="move_attachments")
def move_attachments(timestamp: int) -> None:  # noqa: ARG001 - given to every periodic job
    """Bring to the bucket what the folder took while it did not answer, an hour's worth at most."""
    if isinstance(stores()[0], Bucket):
        move(to="s3", most=MOST_AN_HOUR)


def move(*, to: str, most: int | None = None, said: Callable[[Moved], None] | None = None) -> Moved:
    """Move everything, at most `most` files, to the store "folder" or "s3".

    A file is removed from where it was when it lies whole where it goes: to be interrupted costs
    nothing. Bytes that are not what their digest says stay, and are named. Raises `WrongWayError`
    unless new files go there too, and `StoreError`.
    """
    target = attachments.store(to)
    source = attachments.store("folder" if to == "s3" else "s3")
    if stores()[0].title != target.title:
        raise WrongWayError(
            f"New files do not go to {target.title} yet: set HEARD_ATTACHMENTS={to}, start heard"
            " again, then move what there is."
        )
    moved = Moved()
    for stored in islice(source.listed(), most):
        try:
            content = b"".join(source.pieces(stored.digest))
        except MissingError:
            continue  # somebody else has moved or removed it
        if hashlib.sha256(content).hexdigest() != stored.digest:
            moved.damaged = (*moved.damaged, stored.digest)
            continue
        target.put(stored.digest, content)
        if target.size(stored.digest) != len(content):
            raise StoreError(f"{target.title} did not keep {stored.digest} whole.")
        source.remove(stored.digest)
        moved.files += 1
        moved.size += len(content)
        if said is not None:
            said(moved)
    return moved


def tidy(*, now: datetime) -> Tidied:
    """Notice the bytes that no row names, and remove those noticed more than a day ago.

    Raises `StoreError`.
    """
    ours = [one for one in stores() if is_ours(one)]
    noticed = 0
    for one in ours:
        old = (stored.digest for stored in one.listed() if stored.at < now - GRACE)
        for batch in _batches(old):
            noticed += _notice(batch, now=now)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT digest FROM unreferenced WHERE since < %s ORDER BY digest", [now - GRACE]
        )
        ripe = [row[0] for row in cursor]
    removed = 0
    for key, digests in groupby(ripe, key=lock_key):
        for batch in _batches(digests, size=REMOVED_AT_ONCE):
            removed += _remove(batch, key=key, ours=ours)
    return Tidied(noticed, removed)


def remove(digests: Iterable[str], *, now: datetime) -> int:
    """Remove these bytes at once, as far as no row names them; returns how many went.

    For what may not be kept: no backup that began earlier is waited for. What somebody holds just
    now goes with the next tidying. Raises `StoreError`.
    """
    wanted = sorted(digests)
    if not wanted:
        return 0
    ours = [one for one in stores() if is_ours(one)]
    for batch in _batches(wanted):
        _notice(batch, now=now)
    return sum(
        _remove(batch, key=key, ours=ours)
        for key, those in groupby(wanted, key=lock_key)
        for batch in _batches(those, size=REMOVED_AT_ONCE)
    )


def missing(*, is_thorough: bool = False, newest: int | None = None) -> Iterator[Attachment]:
    """The attachments whose bytes no store has; with `is_thorough` those too that are damaged.

    `newest` looks at so many alone. Raises `StoreError`.
    """
    rows = Attachment.objects.exclude(digest="").order_by("-pk")
    good: set[str] = set()
    for row in (rows[:newest] if newest else rows).iterator():
        if row.digest in good:
            continue
        if _is_whole(row.digest, is_thorough=is_thorough):
            good.add(row.digest)
        else:
            yield row


def _is_whole(digest: str, *, is_thorough: bool) -> bool:
    if not is_thorough:
        return attachments.size(digest) is not None
    hashing = hashlib.sha256()
    try:
        for piece in attachments.pieces(digest):
            hashing.update(piece)
    except MissingError:
        return False
    return hashing.hexdigest() == digest


def owner() -> str:
    """The name of this installation in a bucket: made from its key, which it does not tell."""
    return hashlib.sha256(b"heard.bucket" + settings.SECRET_KEY.encode()).hexdigest()[:32]


def is_ours(one: Store) -> bool:
    """Whether nobody else keeps bytes there. Raises `StoreError`."""
    if not isinstance(one, Bucket) or one.belongs_to(owner()):
        return True
    log.warning("%s belongs to another heard; set HEARD_S3_PREFIX", one.title)
    return False


def _notice(digests: Sequence[str], *, now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM unreferenced u WHERE u.digest = ANY(%s)
                AND EXISTS (SELECT FROM attachment a WHERE a.digest = u.digest AND a.digest <> '')
            """,
            [list(digests)],
        )
        cursor.execute(
            """
            INSERT INTO unreferenced (digest, since)
            SELECT x.digest, %s FROM unnest(%s::text[]) AS x(digest)
            WHERE NOT EXISTS (
                SELECT FROM attachment a WHERE a.digest = x.digest AND a.digest <> ''
            )
            ON CONFLICT (digest) DO NOTHING
            """,
            [now, list(digests)],
        )
        return int(cursor.rowcount)


@transaction.atomic
def _remove(digests: Sequence[str], *, key: int, ours: Sequence[Store]) -> int:
    """Remove those that are still without a row; none while somebody keeps one of their kind."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [DIGEST_LOCK_SPACE, key])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(  # sees the rows of whoever held the lock before
            """
            DELETE FROM unreferenced u WHERE u.digest = ANY(%s) RETURNING u.digest,
                EXISTS (SELECT FROM attachment a WHERE a.digest = u.digest AND a.digest <> '')
            """,
            [list(digests)],
        )
        rows = cursor.fetchall()
    gone = [digest for digest, is_named in rows if not is_named]
    for digest in gone:
        for one in ours:
            one.remove(digest)
    return len(gone)


def _batches(digests: Iterable[str], size: int = BATCH) -> Iterator[list[str]]:
    rest = iter(digests)
    while batch := list(islice(rest, size)):
        yield batch
