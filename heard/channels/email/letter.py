"""Turns one mail into one message: who, when, what, in which thread, and how far it can be trusted.

The same bytes always give the same values: the clock and the network are not asked.
"""

from __future__ import annotations

import email.utils
import functools
import hashlib
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from heard.channels.base import (
    Account,
    Delivered,
    File,
    Incoming,
    Kind,
    NotUnderstoodError,
    Progress,
)
from heard.channels.dates import EARLIEST, LATEST, moment
from heard.channels.email import automatic, bounces, enclosures, mime, quoting, tokens, trust
from heard.channels.email.mime import Headers, Part
from heard.channels.texts import plain

LONGEST_ID = 200
AS_IS = ("utf-8", "surrogatepass")
LONGEST_TEXT = 200_000
LONGEST_FOLDED = 60_000
LARGEST_FILE = 25 * 2**20
LARGEST_FILES = 50 * 2**20
MOST_FILES = 50
MOST_REFERENCES = 20
LATEST_ARRIVAL = timedelta(days=3)
"""A mail that took longer than this on its way is dated by its arrival."""

SEALS = frozenset({
    "application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature",
})  # fmt: skip
"""Signatures of whole mails: no files for people; they stay in the raw mail."""

SENT, ARRIVED, SIZE, UNREAD = "x-heard-sent", "x-heard-arrived", "x-heard-size", "x-heard-unread"
"""What `imap` tells beside the mail: it lay in the folder of sent mails; when the server got it;
how large it is, if only its beginning was fetched; why it could not be fetched at all."""


class People(NamedTuple):
    """Who writes to whom."""

    sender: str
    sender_name: str
    reply_to: str
    recipients: list[tuple[str, str]]


@dataclass(slots=True)
class Content:
    """What a mail holds: its texts, its HTML, its files."""

    texts: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    size: int = 0

    def take(self, part: Part) -> None:
        """Go through a part. Of alternatives the plainest is read and the HTML one is shown."""
        if part.parts:
            for child in part.parts:
                self.take(child)
        elif part.content_type in SEALS:
            return
        elif part.content_type in enclosures.TNEF_TYPES:
            self._unwrap(part)
        elif part.content_type == "text/calendar" and part.disposition != "attachment":
            self._invite(part)
        elif part.content_type in {"text/plain", "text/html"} and not _is_file(part):
            self._say(part)
        elif not part.content_type.startswith("multipart/") and (part.body or part.file_name):
            self._attach(part)

    def _say(self, part: Part) -> None:
        text = part.text()[:LONGEST_TEXT].strip()
        if text:
            (self.pages if part.content_type == "text/html" else self.texts).append(text)

    def _invite(self, part: Part) -> None:
        content = part.content()
        text = enclosures.calendar_text(content, charset=part.parameters.get("charset", ""))
        if text and text not in self.texts:
            self.texts.append(text)
        self.keep(part.file_name or "invitation.ics", "text/calendar", content)

    def _unwrap(self, part: Part) -> None:
        content = part.content()
        opened = enclosures.unwrapped(content)
        if opened is None:
            self.keep(part.file_name or "winmail.dat", part.content_type, content)
            return
        if opened.text.strip() and not self.texts:
            self.texts.append(opened.text.strip()[:LONGEST_TEXT])
        if opened.html.strip() and not self.pages:
            self.pages.append(opened.html.strip()[:LONGEST_TEXT])
        for file in opened.files:
            self.keep(file.name, file.content_type, file.content)

    def _attach(self, part: Part) -> None:
        name = _file_name(part)
        if len(part.body) > 2 * LARGEST_FILE:  # not even decoded
            self.left_out.append({"name": name, "size": len(part.body)})
        else:
            self.keep(name, part.content_type, part.content(), content_id=part.content_id)

    def keep(self, name: str, content_type: str, content: bytes, *, content_id: str = "") -> None:
        """Keep a file within the limits; what is beyond them is named only."""
        size = self.size + len(content)
        if len(content) > LARGEST_FILE or size > LARGEST_FILES or len(self.files) >= MOST_FILES:
            self.left_out.append({"name": name, "size": len(content)})
            return
        self.size = size
        self.files.append(File(name, content_type, content, content_id=content_id))


def heard_in(delivered: Delivered, account: Account) -> Iterator[Incoming | Progress]:
    """The message that a mail is, or what became of a reply of ours if it is a notice about one.

    Raises `NotUnderstoodError` for what is no mail, and for a mail that nobody has sent.
    """
    if why := delivered.headers.get(UNREAD):
        raise NotUnderstoodError(why)
    mail = mime.taken_apart(delivered.body)
    headers = mail.headers
    if not headers:
        raise NotUnderstoodError("This is not a mail: it has no header.")
    people = people_of(headers)
    if not people.sender:
        raise NotUnderstoodError("Nobody is named as the sender of this mail.")
    at = _moment_of(headers, delivered)
    notices = list(bounces.progress_of(mail, at=at, account=account))
    if notices:
        yield from notices
    else:
        yield _message(mail, delivered, account, people=people, at=at)


def people_of(headers: Headers) -> People:
    """Sender and readers, in small letters."""
    senders = mime.addresses(headers, "from") or mime.addresses(headers, "sender", "return-path")
    if senders and "x-original-from" in headers and _is_list(headers, senders[0][1]):
        senders = mime.addresses(headers, "x-original-from") or senders
    answered = mime.addresses(headers, "reply-to")
    name, sender = senders[0] if senders else (answered[0] if answered else ("", ""))
    reply_to = answered[0][1] if answered else ""
    return People(
        sender, name, "" if reply_to == sender else reply_to, mime.addresses(headers, "to", "cc")
    )


def _is_list(headers: Headers, sender: str) -> bool:
    """Whether a group writes in its own name what somebody sent to it, as Google's do."""
    told = [*headers.get("list-post", ()), *headers.get("mailing-list", ())]
    return any(sender in one.lower() for one in told)


def number_of(headers: Headers, raw: bytes) -> str:
    """The Message-ID, without brackets; a digest of the mail if it has none, or more than one."""
    found = set(mime.ids(headers.get("message-id")))
    number = next(iter(found)) if len(found) == 1 else ""
    if not number:
        return f"sha256:{hashlib.sha256(raw).hexdigest()[:40]}"
    return _short(number)


def digest_of(mail: Part, people: People) -> str:
    """What tells it from other mails that carry its Message-ID: who writes what, and when.

    What servers on the way add makes no difference, nor do the lines between its parts.
    """
    told = (
        people.sender,
        people.reply_to,
        mail.value("date"),
        mail.value("subject"),
    )
    digest = hashlib.sha256("\n".join(" ".join(one.split()) for one in told).encode(*AS_IS))
    for part in mail.walk():
        if not part.parts:
            digest.update(b"\0" + part.content_type.encode(*AS_IS) + b"\0")
            digest.update(part.body.replace(b"\r\n", b"\n").strip())
    return digest.hexdigest()[:32]


def _message(
    mail: Part, delivered: Delivered, account: Account, *, people: People, at: datetime
) -> Incoming:
    headers = mail.headers
    us = us_of(
        str(account.settings.get("address") or ""), lines_of(account.settings.get("also_us"))
    )
    domains = frozenset(one.rpartition("@")[2] for one in us)
    found = trust.trust_of(
        headers, server=str(account.settings.get("trusted_server") or ""), sender=people.sender
    )
    number, digest = number_of(headers, delivered.body), digest_of(mail, people)
    has_our_name = bool(tokens.proven([number], account=account))
    root, parent, is_answer = _thread(headers, account)
    subject = mime.words(mail.value("subject"))[:300]
    is_reply, is_form = _side(
        people, us=us, found=found, is_sent=SENT in delivered.headers, has_our_name=has_our_name
    )
    if is_form:  # what proves our own site says nothing of the visitor, who typed an address
        found.pop("proves", None)
    if has_our_name and not is_reply:
        number = f"{number} {digest}"  # whoever got our mail can send another with its name
    why = automatic.reason(
        headers, sender=people.sender, subject=subject, own_domains=domains,
        is_answer=is_answer, is_own_form=is_form,
    )  # fmt: skip
    if not is_reply and not why and _is_copy_of_ours(headers, account):
        why = "loop"
    content = Content()
    content.take(mail)
    words, extra = _words_of(content, subject, delivered)
    outside = [address for _, address in people.recipients if not is_one_of(us, address)]
    extra["digest"] = digest
    if found:
        extra["trust"] = found
    if not is_reply:
        extra["is_proven"] = trust.is_proven(found)
    if why:
        extra["automatic"] = why
    if people.reply_to and not is_form:
        extra["reply_to"] = people.reply_to
    if outside and not is_reply:
        extra["cc"] = outside[:20]
    if name := automatic.list_of(headers, own_domains=domains):
        extra["list"] = name
    if references := mime.ids(headers.get("references"))[-MOST_REFERENCES:]:
        extra["references"] = references
    return Incoming(
        external_id=number,
        at=at,
        text=words,
        sender=people.reply_to if is_form else people.sender,
        kind=Kind.REPLY if is_reply else Kind.INCOMING,
        sender_name="" if is_form else people.sender_name,
        root=root,
        parent=parent,
        to=outside[0] if is_reply and outside else "",
        author=people.sender_name if is_reply else "",
        subject=subject,
        html="\n".join(content.pages)[:LONGEST_TEXT],
        is_automatic=bool(why),
        files=tuple(content.files),
        extra=extra,
    )


def _thread(headers: Headers, account: Account) -> tuple[str, str, bool]:
    """Root, parent, and whether it answers a mail of ours: token first, then what it refers to.

    Where our own name stands, its thread is the one that the house knows it in, whatever else the
    mail refers to; so the root is left to the house. A subject is never looked at.
    """
    answered = mime.ids(headers.get("in-reply-to"))
    references = mime.ids(headers.get("references"))
    ours = tokens.proven([*answered, *reversed(references)], account=account)
    if not ours and tokens.MARK in _envelope(headers):
        readers = mime.addresses(
            headers, "to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to"
        )
        ours = tokens.addressed((address for _, address in readers), account=account)
    if ours:
        return "", ours, True
    parent = answered[0] if answered else references[-1] if references else ""
    root = references[0] if references else parent
    return _short(root), _short(parent), False


def _envelope(headers: Headers) -> str:
    names = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
    return " ".join(value for name in names for value in headers.get(name, ())).lower()


def _side(
    people: People,
    *,
    us: frozenset[str],
    found: dict[str, Any],
    is_sent: bool,
    has_our_name: bool,
) -> tuple[bool, bool]:
    """Whether our side wrote it to somebody outside; whether a form of ours wrote for a visitor.

    A mail in the inbox that calls itself ours is believed unless the trusted server denies it.
    """
    if is_sent:
        return True, False
    if not is_one_of(us, people.sender):
        return False, False
    if has_our_name:
        return not trust.is_failed(found), False
    if people.reply_to and not is_one_of(us, people.reply_to):
        return False, True
    writes_outside = any(not is_one_of(us, address) for _, address in people.recipients)
    return writes_outside and (not found or trust.is_proven(found)), False


def _is_copy_of_ours(headers: Headers, account: Account) -> bool:
    marks = headers.get(automatic.LOOP_HEADER.lower(), ())
    return any(len(mark) == 32 and tokens.is_ours(mark, account=account) for mark in marks)


def _words_of(content: Content, subject: str, delivered: Delivered) -> tuple[str, dict[str, Any]]:
    """The words people read and search, and what is folded away beside them."""
    text = "\n\n".join(content.texts) or plain("\n".join(content.pages))
    parts = quoting.folded(text[:LONGEST_TEXT], subject=subject)
    extra: dict[str, Any] = {}
    if parts.quoted:
        extra["quoted"] = parts.quoted[:LONGEST_FOLDED]
    if parts.signature:
        extra["signature"] = parts.signature[:LONGEST_FOLDED]
    if content.left_out:
        extra["files_left_out"] = content.left_out[:MOST_FILES]
    size = delivered.headers.get(SIZE)
    if size:
        extra["cut"] = int(size) if size.isdigit() else True
    names = ", ".join(f"[{file.name}]" for file in content.files[:5])
    return parts.words or subject or names or "[…]", extra


def us_of(address: str, more: tuple[str, ...]) -> frozenset[str]:
    """Our addresses, and whole domains written "@domain", in small letters."""
    return _us_of(address.strip().lower(), more)


def is_one_of(us: frozenset[str], address: str) -> bool:
    """Whether an address is ours; what stands behind a plus in it makes no difference."""
    local, _, domain = address.rpartition("@")
    return address in us or f"@{domain}" in us or f"{local.partition('+')[0]}@{domain}" in us


@functools.lru_cache(maxsize=256)
def _us_of(address: str, more: tuple[str, ...]) -> frozenset[str]:
    return frozenset(one for one in (address, *(line.strip().lower() for line in more)) if one)


def lines_of(value: Any) -> tuple[str, ...]:
    """A setting of several lines, as text or as a list."""
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(str(one) for one in value) if isinstance(value, list | tuple) else ()


def _moment_of(headers: Headers, delivered: Delivered) -> datetime:
    """When it was written, if that can be: not after it arrived, and not long before."""
    carried = (headers.get("received") or [""])[0].rpartition(";")[2]
    told = delivered.headers.get(ARRIVED, "")
    arrived = min(moment(told) or _date(carried) or delivered.at, delivered.at)
    written = _date((headers.get("date") or [""])[0])
    if written is None or written > arrived or arrived - written > LATEST_ARRIVAL:
        return arrived
    return written


def _date(header: str) -> datetime | None:
    text = " ".join(header.split())[:100]
    if not text:
        return None
    if at := moment(text):
        return at
    try:
        odd = email.utils.parsedate_to_datetime(text)
        # RFC 5322, section 4.3: a zone nobody knows is to be taken for UTC.
        odd = odd.replace(tzinfo=odd.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return odd if EARLIEST <= odd < LATEST else None


def _is_file(part: Part) -> bool:
    return part.disposition == "attachment" or bool(part.file_name)


def _file_name(part: Part) -> str:
    name = PurePosixPath(part.file_name.replace("\\", "/")).name[-150:]
    if name:
        return name
    if part.content_type in {"message/rfc822", "message/global"}:
        return "mail.eml"
    ending = mimetypes.guess_extension(part.content_type) or ""
    return f"{part.content_type.partition('/')[0]}{ending}"


def _short(name: str) -> str:
    """A name as the house keeps it: by a digest if it is long, or has the house's own space."""
    if len(name) <= LONGEST_ID and " " not in name:
        return name
    return f"sha256:{hashlib.sha256(name.encode(*AS_IS)).hexdigest()[:40]}"
