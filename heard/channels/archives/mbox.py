"""A mailbox file: letters of customers, and the answers that one of our addresses wrote.

Letters are parsed under the policy `compat32`, a tenth of the cost of the modern one; what that
policy leaves raw (encoded words, 8-bit headers, charsets that lie) is decoded here.
"""

from __future__ import annotations

import email
import email.errors
import email.header
import email.utils
import hashlib
import mimetypes
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path, PurePosixPath
from typing import Any

from heard.channels.archives.archive import ArchiveError, Item, Spread, identifier, set_aside
from heard.channels.archives.opening import DAMAGES, Source
from heard.channels.base import NOTHING, File, Incoming, Kind, SetAside
from heard.channels.dates import EARLIEST, LATEST, moment
from heard.channels.texts import decode, plain, repair

LARGEST_LETTER = 64 * 2**20
LARGEST_FILE = 25 * 2**20
LARGEST_FILES = 50 * 2**20
"""Bytes of all files of one letter; what is beyond is named in `extra["files_left_out"]`."""

_CHUNK = 2**21
# A line of a letter may begin with "From " too; a separator also has a time and a year, and a
# header line below it.
_SEPARATOR = re.compile(
    rb"^From (?=[^\n]{0,300}\d\d:\d\d)(?=[^\n]{0,300}(?:19|20)\d\d)[^\n]{0,400}\n"
    rb"(?=[!-9;-~]{1,80}[ \t]*:)",
    re.MULTILINE,
)
_LONGEST_SEPARATOR = 600
_HEADER = re.compile(rb"\s*[!-9;-~]{1,80}[ \t]*:")
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_ID = re.compile(r"<([^<>\s]+)>")
_SIMPLE_ADDRESS = re.compile(r'\s*"?([^"<>@,;:\\()\[\]]*?)"?\s*<([^<>\s@,;]+@[^<>\s@,;]+)>\s*')
# The standard library's parser is known to raise each of these on letters that are damaged.
_PARSER_ERRORS = (
    email.errors.MessageError, ValueError, LookupError, TypeError, AttributeError, AssertionError,
    RecursionError,
)  # fmt: skip
_AUTOMATIC = frozenset({"bulk", "junk", "auto_reply"})


@dataclass
class Mbox:
    """The letters of one mailbox. `us` are our addresses, or whole domains written "@domain"."""

    file: Path
    us: tuple[str, ...] = ()
    channel: str = field(default="email", init=False)
    # References may be cut short, so a letter need not know the root of its thread.
    spread: Spread = field(default=Spread.NOT, init=False)

    def __post_init__(self) -> None:
        self._source = Source(self.file)
        self._us = frozenset(address.strip().lower() for address in self.us)

    @property
    def files(self) -> tuple[Path, ...]:
        """The one file."""
        return (self.file,)

    def share(self) -> float:
        """How much has been read, from 0 to 1."""
        return self._source.read / self._source.size if self._source.size else 1.0

    def items(self, *, after: int = 0) -> Iterator[Item]:
        """Every letter, in the order of the file."""
        for position, raw in enumerate(self._letters(), start=1):
            if position > after:
                where = f"{self.file.name}, letter {position}"
                if isinstance(raw, str):
                    yield Item("", set_aside(where, raw), position)
                else:
                    yield Item("", letter(raw, us=self._us, where=where), position)

    def _letters(self) -> Iterator[bytes | str]:
        """The letters as they lie there; a sentence in place of one that cannot be taken out."""
        with self._source.content() as content:
            held, searched, is_first = b"", 0, True
            try:
                while chunk := content.read(_CHUNK):
                    held += chunk
                    if is_first:
                        is_first = False
                        held = held.lstrip()
                        if not (_SEPARATOR.match(held) or _HEADER.match(held)):
                            raise ArchiveError(f"{self.file.name} is not a mailbox file")
                    begin = 0
                    for match in _SEPARATOR.finditer(held, searched):
                        if held[begin : match.start()].strip():
                            yield _unquoted(held[begin : match.start()])
                        begin = match.end()
                    held = held[begin:]
                    searched = max(0, len(held) - _LONGEST_SEPARATOR)
                    if len(held) > LARGEST_LETTER:
                        yield "it is larger than 64 MB"
                        held = held[searched:]
                        searched = 0
            except DAMAGES:
                yield "the file breaks off"
                return
            if held.strip():
                yield _unquoted(held)


def letter(raw: bytes, *, us: frozenset[str], where: str) -> Incoming | SetAside:
    """One letter as a message: a reply if one of us wrote it, else incoming."""
    try:
        return _understood(raw, us=us, where=where)
    except _PARSER_ERRORS as error:
        reason = f"the letter is damaged ({type(error).__name__})"
        return set_aside(where, reason, raw=raw[:4_000].decode("utf-8", "replace"))


def _understood(raw: bytes, *, us: frozenset[str], where: str) -> Incoming | SetAside:
    message = email.message_from_bytes(raw)
    headers: dict[str, str] = {}
    for key, value in message.raw_items():
        headers.setdefault(key.lower(), value)
    received = headers.get("received", "").rpartition(";")[2]
    name, sender = next(
        iter(_addresses(headers, "from", "sender", "reply-to", "return-path")), ("", "")
    )
    at = _moment(headers.get("date", "")) or _moment(received)
    body = _Body()
    body.take(message)
    subject = " ".join(_decoded(headers.get("subject", "")).split())
    text = "\n\n".join(body.texts).strip() or plain(body.html) or subject
    text = text or ", ".join(f"[{file.name}]" for file in body.files)
    problem = (
        "nobody is named as its sender"
        if not sender
        else "its date cannot be read"
        if at is None
        else "it has no text"
        if not text
        else ""
    )
    if problem or at is None:
        return set_aside(where, problem, raw=raw[:4_000].decode("utf-8", "replace"))
    own = _ids(headers.get("message-id", ""))
    number = own[0] if own else f"sha256:{hashlib.sha256(raw).hexdigest()[:40]}"
    references = _ids(headers.get("references", ""))
    answers = _ids(headers.get("in-reply-to", "")) or references[-1:]
    is_reply = _is_one_of(us, sender)
    return Incoming(
        external_id=number,
        at=at,
        text=text,
        sender=sender,
        kind=Kind.REPLY if is_reply else Kind.INCOMING,
        sender_name=name,
        root=(references or answers or [number])[0],
        parent=answers[0] if answers else "",
        to=_first_outside(headers, us) if is_reply else "",
        author=name if is_reply else "",
        subject=subject,
        html=body.html,
        is_automatic=_is_automatic(headers, sender),
        files=tuple(body.files),
        extra={"files_left_out": body.left_out} if body.left_out else NOTHING,
    )


class _Body:
    """What a letter holds, part by part: its texts, its first page of HTML, its files."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.html = ""
        self.files: list[File] = []
        self.left_out: list[dict[str, Any]] = []
        self._size = 0

    def take(self, part: Message) -> None:
        """Go through the parts of a part."""
        content_type = part.get_content_type()
        payload: object = part.get_payload()
        if isinstance(payload, list):
            if content_type == "message/rfc822":
                self._keep(part, content_type, payload[0].as_bytes() if payload else b"")
                return
            # Of alternatives the plainest is read; the HTML one is kept to be shown.
            for child in payload:
                self.take(child)
            return
        is_text = content_type in {"text/plain", "text/html"} or content_type.startswith(
            ("multipart/", "message/")
        )
        if is_text and not part.get_filename() and part.get_content_disposition() != "attachment":
            content = part.get_payload(decode=True)
            text = decode(content, charset=_charset(part)) if isinstance(content, bytes) else ""
            if content_type == "text/html":
                self.html = self.html or text.strip()
            elif text.strip():
                self.texts.append(text.strip())
            return
        # Encoded as base64 it takes a third more; what is far too large is not even decoded.
        if isinstance(payload, str) and len(payload) > 2 * LARGEST_FILE:
            self.left_out.append({"name": _file_name(part, content_type), "size": len(payload)})
            return
        content = part.get_payload(decode=True)
        self._keep(part, content_type, content if isinstance(content, bytes) else b"")

    def _keep(self, part: Message, content_type: str, content: bytes) -> None:
        name = _file_name(part, content_type)
        if len(content) > LARGEST_FILE or self._size + len(content) > LARGEST_FILES:
            self.left_out.append({"name": name, "size": len(content)})
        else:
            self._size += len(content)
            self.files.append(File(name=name, content_type=content_type, content=content))


def _unquoted(raw: bytes) -> bytes:
    return _QUOTED_FROM.sub(rb"\1", raw) if b"\n>" in raw and b">From " in raw else raw


def _charset(part: Message) -> str:
    charset = part.get_content_charset()
    return charset if isinstance(charset, str) else ""


def _file_name(part: Message, content_type: str) -> str:
    name = PurePosixPath(_decoded(part.get_filename() or "").replace("\\", "/")).name
    name = " ".join(name.split())[-150:]
    if name:
        return name
    if content_type == "message/rfc822":
        return "letter.eml"
    return f"{content_type.partition('/')[0]}{mimetypes.guess_extension(content_type) or ''}"


def _decoded(header: str) -> str:
    """A header as people read it: 8-bit bytes and encoded words (RFC 2047) decoded."""
    if not header.isascii():
        header = decode(header.encode("utf-8", "surrogateescape"))
    if "=?" not in header:
        return header.strip()
    try:
        parts = email.header.decode_header(header)
    except (email.errors.HeaderParseError, ValueError):
        return repair(header).strip()
    return "".join(
        part if isinstance(part, str) else decode(part, charset=charset or "utf-8")
        for part, charset in parts
    ).strip()


def _addresses(headers: Mapping[str, str], *names: str) -> Iterator[tuple[str, str]]:
    """Name and address, in small letters, of everybody in these headers."""
    for name in names:
        header = headers.get(name, "")[:20_000]
        if not header:
            continue
        if match := _SIMPLE_ADDRESS.fullmatch(header):
            found: Sequence[tuple[str, str]] = [(match[1], match[2])]
        else:
            found = email.utils.getaddresses([header])
        for person, address in found:
            known_as = identifier(_decoded(address)).lower()
            if "@" in known_as:
                yield " ".join(_decoded(person).split())[:200], known_as


def _is_one_of(us: frozenset[str], address: str) -> bool:
    return address in us or f"@{address.rpartition('@')[2]}" in us


def _first_outside(headers: Mapping[str, str], us: frozenset[str]) -> str:
    everybody = (address for _, address in _addresses(headers, "to", "cc"))
    return next((address for address in everybody if not _is_one_of(us, address)), "")


def _ids(header: str) -> list[str]:
    if not header:
        return []
    header = header[:20_000]
    found = _ID.findall(header) or header.split()[:1]
    return [number for number in (identifier(name) for name in found) if number]


def _moment(header: str) -> datetime | None:
    text = " ".join(header.split())
    if not text:
        return None
    if at := moment(text):
        return at
    try:
        odd = email.utils.parsedate_to_datetime(text[:100])
        # RFC 5322, section 4.3: a zone nobody knows is to be taken for UTC.
        odd = odd.replace(tzinfo=odd.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return odd if EARLIEST <= odd < LATEST else None


def _is_automatic(headers: Mapping[str, str], sender: str) -> bool:
    """RFC 3834, and what programs wrote before it. A mailing list is people writing."""
    submitted = headers.get("auto-submitted", "no").strip().lower()
    return (
        not submitted.startswith("no")
        or headers.get("precedence", "").strip().lower() in _AUTOMATIC
        or headers.get("return-path", "").strip() == "<>"
        or "x-autoreply" in headers
        or "x-autorespond" in headers
        or sender.startswith("mailer-daemon@")
    )
