"""Writes a reply as a mail (RFC 5322): in its thread, named by our token, plain and complete.

The headers are put together here: what the house says goes into them on one line, and the ids of
other people's mails go in only if they are ids. The same reply gives the same Message-ID each time.
"""

from __future__ import annotations

import email.charset
import email.policy
import email.utils
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.encoders import encode_base64
from email.header import Header
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart

from heard.channels.base import Account, File, Outgoing
from heard.channels.email import automatic, tokens, trust

MOST_REFERENCES = 20

_ID = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]{1,900}")
_ANSWER = re.compile(
    r"\s*(?:re|aw|sv|antw|odp|vs|res|回复|答复)(?:\[\d+\])?\s*[:\uff1a]", re.IGNORECASE
)
_POLICY = email.policy.compat32.clone(linesep="\r\n")
_UTF8 = email.charset.Charset("utf-8")
_UTF8.body_encoding = email.charset.QP


def written(outgoing: Outgoing, account: Account) -> bytes:
    """The whole mail, lines ending in CR LF."""
    text = MIMENonMultipart("text", "plain", charset="utf-8")
    text.set_payload(outgoing.text.rstrip() + "\n", _UTF8)
    mail: MIMEBase = text
    if outgoing.files:
        mail = MIMEMultipart("mixed", boundary=f"=_{_token_of(outgoing, account)}")
        mail.attach(text)
        for file in outgoing.files:
            mail.attach(_attached(file))
    for name, value in _headers(outgoing, account):
        mail[name] = value
    return mail.as_bytes(policy=_POLICY)


def reader_of(outgoing: Outgoing) -> str:
    """Where the reply goes: to the address the mail asks for, unless the mail may be a forgery.

    Where a trusted server looked, the sender must be proven: else anybody could write in a
    customer's name and have the answer sent to themselves.
    """
    wish = outgoing.answered.get("reply_to")
    found = outgoing.answered.get("trust")
    is_believed = not found or (isinstance(found, Mapping) and trust.is_proven(found))
    return wish if isinstance(wish, str) and "@" in wish and is_believed else outgoing.to


def copies_of(outgoing: Outgoing) -> tuple[str, ...]:
    """Who else gets the mail, and can be written to."""
    to = reader_of(outgoing)
    return tuple(one for one in dict.fromkeys(outgoing.copies) if one != to and is_address(one))


def is_address(text: str) -> bool:
    """Whether a mail can be sent there, and the text can stand in a header."""
    is_plain = text.isprintable() and not any(sign in text for sign in ' <>,;"')
    return "@" in text and is_plain


def _headers(outgoing: Outgoing, account: Account) -> Iterator[tuple[str, str]]:
    number = tokens.message_id(outgoing.idempotency_key, account=account)
    own = tokens.own_address(account)
    name = _line(str(account.settings.get("sender_name") or account.name))
    yield "From", email.utils.formataddr((name, own), charset="utf-8")
    yield "To", reader_of(outgoing)
    if copies := copies_of(outgoing):
        yield "Cc", ", ".join(copies)
    yield "Subject", _encoded(_subject(outgoing))
    yield "Date", email.utils.format_datetime(outgoing.at or datetime.now(UTC))
    yield "Message-ID", f"<{number}>"
    parent = _called(outgoing.parent) if _is_id(_called(outgoing.parent)) else ""
    if parent:
        yield "In-Reply-To", f"<{parent}>"
    if references := _references(outgoing, parent):
        yield "References", " ".join(f"<{one}>" for one in references)
    tagged = tokens.reply_address(number, account=account) if _has_plus(account) else ""
    if tagged:
        yield "Reply-To", email.utils.formataddr((name, tagged), charset="utf-8")
    yield automatic.LOOP_HEADER, _token_of(outgoing, account)
    if outgoing.is_automatic:  # RFC 3834
        yield "Auto-Submitted", "auto-replied"
        yield "X-Auto-Response-Suppress", "All"
        yield "Precedence", "bulk"


def _has_plus(account: Account) -> bool:
    return str(account.settings.get("plus_addresses") or "").lower() in {"true", "yes", "on", "1"}


def _references(outgoing: Outgoing, parent: str) -> list[str]:
    """The thread so far, oldest first: its root, what the answered mail named, and that mail."""
    if parent and parent == _called(outgoing.root):
        return [parent]
    named = outgoing.answered.get("references")
    earlier = [str(one) for one in named] if isinstance(named, list | tuple) else []
    chain = [outgoing.root, *earlier, *outgoing.references, parent]
    chain = list(dict.fromkeys(_called(one) for one in chain))
    chain = [one for one in chain if one and one != parent and _is_id(one)]
    kept = chain if len(chain) < MOST_REFERENCES else [chain[0], *chain[-(MOST_REFERENCES - 2) :]]
    return [*kept, parent] if parent else kept


def _called(name: str) -> str:
    """The Message-ID of a mail; the house adds a digest to one that several mails carry."""
    return name.partition(" ")[0]


def _is_id(name: str) -> bool:
    return "@" in name and _ID.fullmatch(name) is not None


def _subject(outgoing: Outgoing) -> str:
    subject = _line(outgoing.subject)
    if not outgoing.parent or _ANSWER.match(subject):
        return subject
    return f"Re: {subject}".strip()


def _attached(file: File) -> MIMEBase:
    main, _, sub = _line(file.content_type).partition("/")
    is_known = re.fullmatch(r"[\w.+-]+/[\w.+-]+", f"{main}/{sub}") and main != "multipart"
    part = MIMEBase(main, sub) if is_known and main != "message" else _unknown()
    part.set_payload(file.content)
    encode_base64(part)
    name = _line(file.name) or "file"
    given = name if name.isascii() else ("utf-8", "", name)
    part.add_header("Content-Disposition", "attachment", filename=given)
    return part


def _unknown() -> MIMEBase:
    return MIMEBase("application", "octet-stream")


def _encoded(text: str) -> str:
    return text if text.isascii() else Header(text, "utf-8", header_name="Subject").encode()


def _line(text: str) -> str:
    """Without line ends and controls, so that nothing becomes a header of its own."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _token_of(outgoing: Outgoing, account: Account) -> str:
    number = tokens.message_id(outgoing.idempotency_key, account=account)
    return number.partition("@")[0].removeprefix(tokens.MARK)
