"""Where bytes lie under their digest: a folder of this machine, or a bucket of any S3 store.

Both keep the same bytes once, put them there as a whole or not at all, and give them out in pieces
from wherever one likes. The client of S3 weighs 14 MB and is loaded when a bucket is first asked.
"""

from __future__ import annotations

import functools
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, ParamSpec, Protocol, TypeVar

from heard.lib.spoken import SpokenError

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import S3Store

DIGEST = re.compile(r"[0-9a-f]{64}")
MARK = "heard-belongs-to"
PIECE_BYTES = 1024 * 1024
TRIES_AGAIN = 2
TIMEOUT_SECONDS, CONNECT_SECONDS = 30, 5
LONGEST_PATIENCE = timedelta(seconds=20)

P = ParamSpec("P")
R = TypeVar("R")


class StoreError(SpokenError):
    """A store could not be asked, or refused. The text says why."""


class MissingError(StoreError):
    """The store does not have these bytes."""


class Stored(NamedTuple):
    """What lies in a store: its digest, its size in bytes, and when it was put there."""

    digest: str
    size: int
    at: datetime


class Store(Protocol):
    """A place for bytes. All of it raises `StoreError` when it cannot be reached."""

    @property
    def title(self) -> str:
        """What people call it."""

    def put(self, digest: str, content: bytes) -> None:
        """Keep these bytes; what is there already is left alone."""

    def size(self, digest: str) -> int | None:
        """How many bytes lie there under this digest; None when there are none."""

    def pieces(self, digest: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to `end`, piece by piece. Raises `MissingError` at once."""

    def remove(self, digest: str) -> None:
        """Forget these bytes, if they are there."""

    def listed(self) -> Iterator[Stored]:
        """All that lies there."""


class Folder:
    """A folder, each file under the first two letters of its digest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def title(self) -> str:
        """What people call it."""
        return f"the folder {self.folder}"

    def path(self, digest: str) -> Path:
        """Where the bytes of a digest lie."""
        return self.folder / digest[:2] / digest

    def put(self, digest: str, content: bytes) -> None:
        """Keep these bytes; what is there already is left alone."""
        path = self.path(digest)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
        part.write_bytes(content)
        part.replace(path)

    def size(self, digest: str) -> int | None:
        """How many bytes lie there under this digest; None when there are none."""
        try:
            return self.path(digest).stat().st_size
        except FileNotFoundError:
            return None

    def pieces(self, digest: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to `end`, piece by piece. Raises `MissingError` at once."""
        try:
            file = self.path(digest).open("rb")
        except FileNotFoundError:
            raise MissingError(f"{digest} is not in {self.title}.") from None
        file.seek(start)
        return _Pieces(file, left=sys.maxsize if end is None else end - start)

    def remove(self, digest: str) -> None:
        """Forget these bytes, if they are there."""
        self.path(digest).unlink(missing_ok=True)

    def listed(self) -> Iterator[Stored]:
        """All that lies there."""
        for path in self.folder.glob("??/*"):
            if not DIGEST.fullmatch(path.name):
                continue
            try:
                found = path.stat()
            except FileNotFoundError:
                continue
            yield Stored(path.name, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))


class _Pieces(Iterator[bytes]):
    """What is left of a file, piece by piece; `close` ends it, also before its first piece."""

    def __init__(self, file: BinaryIO, *, left: int) -> None:
        self.file = file
        self.left = left

    def __next__(self) -> bytes:
        piece = self.file.read(min(PIECE_BYTES, self.left)) if self.left > 0 else b""
        if not piece:
            self.close()
            raise StopIteration
        self.left -= len(piece)
        return piece

    def close(self) -> None:
        """Let go of the file."""
        self.file.close()
        self.left = 0


@dataclass(frozen=True, slots=True)
class Account:
    """How to reach a bucket. Without `endpoint` it is Amazon's, in `region`."""

    bucket: str
    key: str
    secret: str
    region: str
    endpoint: str = ""
    prefix: str = ""


def spoken(asks: Callable[P, R]) -> Callable[P, R]:
    """Turn what the client of S3 raises into `StoreError`, in words for people."""

    @functools.wraps(asks)
    def ask(*arguments: P.args, **options: P.kwargs) -> R:
        from obstore import exceptions  # noqa: PLC0415 - see above

        try:
            return asks(*arguments, **options)
        except FileNotFoundError as error:
            raise MissingError("It is not in the bucket, or there is no such bucket.") from error
        except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
            raise StoreError("The S3 store refuses our key (HEARD_S3_KEY, _SECRET).") from error
        except (exceptions.BaseError, OSError, ValueError) as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise StoreError(f"The S3 store does not do as asked: {lines[0][:200]}") from error

    return ask


class Bucket:
    """A bucket, each object under the first two letters of its digest."""

    def __init__(self, account: Account) -> None:
        self.account = account

    @property
    def title(self) -> str:
        """What people call it."""
        where = self.account.endpoint or f"Amazon S3, {self.account.region}"
        return f"the bucket {self.account.bucket} at {where}"

    @spoken
    def put(self, digest: str, content: bytes) -> None:
        """Keep these bytes; what is there already is left alone."""
        import obstore  # noqa: PLC0415 - see above

        if self.size(digest) != len(content):
            obstore.put(self._client, _key(digest), content)

    @spoken
    def size(self, digest: str) -> int | None:
        """How many bytes lie there under this digest; None when there are none."""
        import obstore  # noqa: PLC0415 - see above

        try:
            return obstore.head(self._client, _key(digest))["size"]
        except FileNotFoundError:
            return None

    @spoken
    def pieces(self, digest: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to `end`, piece by piece. Raises `MissingError` at once.

        Every piece is a request of its own, so that a slow reader holds no line to the store.
        """
        size = self.size(digest)
        if size is None:
            raise MissingError(f"{digest} is not in {self.title}.")
        end = size if end is None else min(end, size)
        first = self._piece(digest, start, end)

        def read() -> Iterator[bytes]:
            piece, at = first, start
            while piece:
                yield piece
                at += len(piece)
                piece = self._piece(digest, at, end)

        return read()

    @spoken
    def remove(self, digest: str) -> None:
        """Forget these bytes, if they are there."""
        import obstore  # noqa: PLC0415 - see above

        try:
            obstore.delete(self._client, _key(digest))
        except FileNotFoundError:
            return

    def listed(self) -> Iterator[Stored]:
        """All that lies there."""
        pages = self._pages()
        while page := _next(pages):
            for found in page:
                name = found["path"].rpartition("/")[2]
                if DIGEST.fullmatch(name) and found["path"] == _key(name):
                    yield Stored(name, found["size"], found["last_modified"])

    @spoken
    def belongs_to(self, owner: str) -> bool:
        """Whether the bucket is this owner's; the first who asks becomes it.

        Two owners in one bucket, without a prefix for each, would remove what the other needs.
        """
        import obstore  # noqa: PLC0415 - see above

        try:
            found = bytes(obstore.get(self._client, MARK).bytes())
        except FileNotFoundError:
            found = owner.encode()
            obstore.put(self._client, MARK, found)
        return found == owner.encode()

    @spoken
    def _pages(self) -> Iterator[Sequence[ObjectMeta]]:
        import obstore  # noqa: PLC0415 - see above

        return iter(obstore.list(self._client, chunk_size=1000))

    @spoken
    def _piece(self, digest: str, start: int, end: int) -> bytes:
        import obstore  # noqa: PLC0415 - see above

        if start >= end:
            return b""
        until = min(end, start + PIECE_BYTES)
        return bytes(obstore.get_range(self._client, _key(digest), start=start, end=until))

    @property
    def _client(self) -> S3Store:
        return _client(self.account)


@spoken
def _next(pages: Iterator[Sequence[ObjectMeta]]) -> Sequence[ObjectMeta]:
    return next(pages, ())


def _key(digest: str) -> str:
    return f"{digest[:2]}/{digest}"


@functools.lru_cache(maxsize=8)
def _client(account: Account) -> S3Store:
    """One client an account and process: it keeps its connections."""
    from obstore.store import S3Store  # noqa: PLC0415 - see above

    return S3Store(
        account.bucket,
        prefix=account.prefix or None,
        endpoint=account.endpoint or None,
        region=account.region,
        access_key_id=account.key,
        secret_access_key=account.secret,
        virtual_hosted_style_request=False,
        client_options={
            "allow_http": account.endpoint.startswith("http://"),
            "timeout": f"{TIMEOUT_SECONDS}s",
            "connect_timeout": f"{CONNECT_SECONDS}s",
        },
        retry_config={"max_retries": TRIES_AGAIN, "retry_timeout": LONGEST_PATIENCE},
    )
