"""Files of messages: their bytes kept once under their digest, in the folder or in a bucket.

`HEARD_ATTACHMENTS` says where new ones go; what lies in the other place is found too, so that
moving everything takes as long as it takes.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.conf import settings
from django.db import connection, transaction
from procrastinate.types import JSONDict

from heard.channels.base import File
from heard.conversations.models import Attachment
from heard.lib.jobs import jobs
from heard.lib.stores import Bucket, Folder, MissingError, Store, StoreError

log = logging.getLogger(__name__)

SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What a browser may show in place."""
PLAYED = frozenset(
    {
        "audio/aac", "audio/flac", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/wav",
        "audio/webm", "audio/x-wav", "video/mp4", "video/ogg", "video/webm",
    }
)  # fmt: skip
"""What it may play in place; everything else is a download, whatever it calls itself."""

UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\"<>|:*?]+')
DIGEST_LOCK_SPACE = 0x68_65_61_66  # advisory locks on bytes: "heaf"
AT_ONCE = 8
"""So many bytes are put into a bucket side by side."""

T = TypeVar("T")


@transaction.atomic(savepoint=False)
def keep(files: Sequence[tuple[int, File]]) -> list[Attachment]:
    """Put the files of messages (by id) into the store, then write their rows in one statement.

    A file over the limit is named but not kept; one that is still at the place is fetched later.
    Both have the digest "", and a state that says so.
    """
    rows = []
    contents: dict[str, bytes] = {}
    for message_id, file in files:
        row = Attachment(
            message_id=message_id,
            name=safe_name(file.name),
            content_type=file.content_type[:120],
            size=len(file.content),
            digest="",
            content_id=file.content_id[:300],
            source=file.source,
            state=Attachment.State.KEPT,
        )
        if file.source and not file.content:
            row.state = Attachment.State.WAITING
        elif len(file.content) > settings.ATTACHMENT_LIMIT_BYTES:
            row.state = Attachment.State.TOO_LARGE
        else:
            row.digest = hashlib.sha256(file.content).hexdigest()
            contents[row.digest] = file.content
        rows.append(row)
    put(contents)
    kept = Attachment.objects.bulk_create(rows)
    fetch_later([row.pk for row in kept if row.state == Attachment.State.WAITING])
    return kept


def put(contents: Mapping[str, bytes]) -> None:
    """Keep bytes (by digest) before the row that will name them; the caller's transaction does.

    When the bucket fails, the folder takes them: nothing that arrives waits for a store. They are
    moved by the next tidying.
    """
    if not contents:
        return
    hold(contents)
    first = stores()[0]
    if isinstance(first, Folder) or len(contents) == 1:
        for digest, content in contents.items():
            _put(first, digest, content)
        return
    with ThreadPoolExecutor(min(AT_ONCE, len(contents))) as pool:
        list(pool.map(lambda one: _put(first, *one), contents.items()))


def fetch_later(ids: Collection[int]) -> None:
    """Queue the fetching of these attachments, with the transaction that made them wait."""
    wanted: list[JSONDict] = [{"attachment_id": pk} for pk in ids]
    if wanted:
        jobs.configure_task("fetch_attachment", queue="fetching").batch_defer(*wanted)


def hold(digests: Collection[str]) -> None:
    """Let nobody tidy these bytes away until the caller's transaction ends.

    Locks are by the first two letters of the digest, so that there are never many.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock_shared(%s, key) FROM unnest(%s::int[]) AS key",
            [DIGEST_LOCK_SPACE, sorted({lock_key(digest) for digest in digests})],
        )


def lock_key(digest: str) -> int:
    """Under which number the lock of a digest stands."""
    return int(digest[:2], 16)


def stores() -> tuple[Store, ...]:
    """Where bytes may lie: first the store that new ones go to."""
    folder = Folder(settings.ATTACHMENTS)
    if settings.S3 is None:
        return (folder,)
    bucket = Bucket(settings.S3)
    return (bucket, folder) if settings.ATTACHMENTS_IN == "s3" else (folder, bucket)


def store(name: str) -> Store:
    """The store of that name, "folder" or "s3". Raises `StoreError` when it is not set up."""
    wanted = Folder if name == "folder" else Bucket
    for one in stores():
        if isinstance(one, wanted):
            return one
    raise StoreError("No S3 store is set up here: HEARD_S3_BUCKET and its kin are not set.")


def size(digest: str) -> int | None:
    """How many bytes there are of a digest; None when no store has it. Raises `StoreError`."""
    with contextlib.suppress(MissingError):
        return _ask(lambda one: _size(one, digest))
    return None


def pieces(digest: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The bytes of a digest from `start` up to `end`, piece by piece.

    Raises `MissingError` when no store has it, and `StoreError`, before the first piece.
    """
    return _ask(lambda one: one.pieces(digest, start=start, end=end))


def content(digest: str) -> bytes:
    """All the bytes of a digest. Raises `MissingError`, `StoreError`."""
    return b"".join(pieces(digest))


def safe_name(name: str) -> str:
    """A file name that can do no harm on any disk or in any header."""
    cleaned = UNSAFE.sub("_", name).strip(" .")
    return cleaned[-200:] or "file"


def _ask(question: Callable[[Store], T]) -> T:
    """Ask each store in turn, the first once more at the end: a file may be moving meanwhile."""
    first, *others = stores()
    failing = StoreError("There is no store.")
    try:
        return question(first)
    except MissingError as error:
        failing, others = error, [*others, first] if others else []
    except StoreError as error:
        failing = error
    for one in others:
        try:
            return question(one)
        except MissingError:
            continue
        except StoreError as error:
            failing = error
    raise failing


def _size(one: Store, digest: str) -> int:
    found = one.size(digest)
    if found is None:
        raise MissingError(f"{digest} is not in {one.title}.")
    return found


def _put(one: Store, digest: str, content: bytes) -> None:
    try:
        one.put(digest, content)
    except StoreError as error:
        log.warning("%s; the file is kept in the folder for now", error)
        Folder(settings.ATTACHMENTS).put(digest, content)
