"""One file that holds many: a tar whose last entry lists the digests of all others.

An archive that was cut short or damaged is noticed before anything of it is used.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from heard.lib.spoken import SpokenError

MANIFEST = "manifest.json"
CHUNK_BYTES = 1024 * 1024


class ArchiveError(SpokenError):
    """The archive cannot be written or used. The text says why."""


def write(file: Path, *, parts: Iterable[tuple[str, Path]], facts: Mapping[str, Any]) -> None:
    """Write `parts` (name inside, file outside) and `facts` to `file`, which appears when complete.

    The file has mode 0600. Raises `ArchiveError` when there is one of that name already.
    """
    if file.exists():
        raise ArchiveError(f"There is a file {file} already; choose another name.")
    draft = file.with_name(f".{file.name}.part")
    draft.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
                digests = {}
                for name, source in parts:
                    with contextlib.suppress(FileNotFoundError):  # gone since it was listed
                        digests[name] = _add(tar, name, source=source)
                manifest = json.dumps({**facts, "sha256": digests}, indent=1).encode()
                entry = tarfile.TarInfo(MANIFEST)
                entry.size = len(manifest)
                tar.addfile(entry, io.BytesIO(manifest))
            out.flush()
            os.fsync(out.fileno())
        draft.rename(file)
    finally:
        draft.unlink(missing_ok=True)


def extract(file: Path, *, to: Path) -> dict[str, Any]:
    """Unpack into the empty folder `to` and return the facts. Raises `ArchiveError`."""
    digests: dict[str, str] = {}
    manifest: dict[str, Any] = {}
    try:
        with tarfile.open(file, mode="r:") as tar:
            for entry in tar:
                content = tar.extractfile(entry)
                if content is None:
                    raise ArchiveError(f"{file} holds {entry.name}, which is not a plain file.")
                if entry.name == MANIFEST:
                    manifest = json.loads(content.read())
                else:
                    digests[entry.name] = _copy(content, to=to / _safe(entry.name, file=file))
    except FileNotFoundError:
        raise ArchiveError(f"There is no file {file}.") from None
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise ArchiveError(f"{file} is no backup of heard, or is damaged ({error}).") from None
    if not manifest or digests != manifest.pop("sha256", None):
        raise ArchiveError(f"{file} is damaged or incomplete; nothing of it was used.")
    return manifest


def _add(tar: tarfile.TarFile, name: str, *, source: Path) -> str:
    with source.open("rb") as content:
        entry = tar.gettarinfo(arcname=name, fileobj=content)
        entry.mode, entry.uid, entry.gid, entry.uname, entry.gname = 0o600, 0, 0, "", ""
        hashing = _Hashing(content)
        tar.addfile(entry, hashing)  # it needs `read` alone
    return hashing.digest.hexdigest()


def _copy(content: Any, *, to: Path) -> str:
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def _safe(name: str, *, file: Path) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ArchiveError(f"{file} holds {name}, which would lie outside; nothing was used.")
    return path


class _Hashing:
    """Takes the digest of a file while it is read."""

    def __init__(self, content: io.BufferedReader) -> None:
        self.content = content
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self.content.read(size)
        self.digest.update(chunk)
        return chunk
