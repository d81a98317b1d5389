"""Files of messages: kept once under their digest, given out as downloads or plain pictures."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from heard.channels.base import File
from heard.conversations.models import Attachment

SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What a browser may show in place; everything else is a download, whatever it calls itself."""

UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\"<>|:*?]+')


def keep(files: Sequence[tuple[int, File]]) -> list[Attachment]:
    """Write the files of messages (by id) to disk, and their rows in one statement.

    A file over the limit is named but not kept: its row has the digest "".
    """
    rows = []
    for message_id, file in files:
        is_kept = len(file.content) <= settings.ATTACHMENT_LIMIT_BYTES
        digest = hashlib.sha256(file.content).hexdigest() if is_kept else ""
        if is_kept:
            _write(path_of(digest), file.content)
        rows.append(
            Attachment(
                message_id=message_id,
                name=safe_name(file.name),
                content_type=file.content_type[:120],
                size=len(file.content),
                digest=digest,
            )
        )
    return Attachment.objects.bulk_create(rows)


def path_of(digest: str) -> Path:
    """Where the bytes of a digest lie."""
    return Path(settings.ATTACHMENTS) / digest[:2] / digest


def safe_name(name: str) -> str:
    """A file name that can do no harm on any disk or in any header."""
    cleaned = UNSAFE.sub("_", name).strip(" .")
    return cleaned[-200:] or "file"


def _write(path: Path, content: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(content)
    part.replace(path)
