"""What mail servers say about mails of ours: that they did not arrive (RFC 3464), or were read.

A notice counts only if it names a mail by a token of ours: anybody can write one, but only somebody
who got the mail knows its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from heard.channels.base import Account, Progress
from heard.channels.email import tokens
from heard.channels.email.mime import Part, headers_of, ids, text_of, words

State = Literal["delivered", "read", "failed"]

LONGEST_SEARCHED = 64 * 1024
LONGEST_REASON = 300
_RETURNED = frozenset({"message/rfc822", "text/rfc822-headers", "message/rfc822-headers"})
_STATUS = frozenset({"message/delivery-status", "message/global-delivery-status"})


def progress_of(mail: Part, *, at: datetime, account: Account) -> Iterator[Progress]:
    """What became of a mail of ours, if this is a notice about one; nothing for other mails.

    That a mail is late is no news: nobody has to do anything yet.
    """
    if not _is_notice(mail):
        return
    parts = list(mail.walk())
    name = _named(mail, parts, account=account)
    if not name:
        return
    for part in parts:
        if part.content_type in _STATUS:
            for state, reason in _statuses(part):
                yield Progress(name, at, state, reason)
                return
        if part.content_type == "message/disposition-notification":
            said = headers_of(part.content())
            if "displayed" in " ".join(said.get("disposition", ())).lower():
                yield Progress(name, at, "read")
            return
    if "x-failed-recipients" in mail.headers:
        who = words(mail.value("x-failed-recipients"))
        yield Progress(name, at, "failed", f"The mail did not reach {who}."[:LONGEST_REASON])


def _is_notice(mail: Part) -> bool:
    return mail.content_type == "multipart/report" or "x-failed-recipients" in mail.headers


def _named(mail: Part, parts: list[Part], *, account: Account) -> str:
    """Which mail of ours it is about: by the part that came back, else by any name in the text."""
    for part in parts:
        if part.content_type in _RETURNED:
            returned = headers_of(part.content()[:LONGEST_SEARCHED].lstrip())
            if name := tokens.proven(ids(returned.get("message-id")), account=account):
                return name
        if part.content_type == "message/disposition-notification":
            said = headers_of(part.content())
            if name := tokens.proven(ids(said.get("original-message-id")), account=account):
                return name
    answered = ids(mail.headers.get("in-reply-to")) + ids(mail.headers.get("references"))
    if name := tokens.proven(answered, account=account):
        return name
    for part in parts:
        if part.body and (name := tokens.found_in(_start_of(part), account=account)):
            return name
    return ""


def _start_of(part: Part) -> str:
    return text_of(part.content()[:LONGEST_SEARCHED])


def _statuses(part: Part) -> Iterator[tuple[State, str]]:
    """State and reason for each recipient (RFC 3464, section 2.3); the worst first."""
    found: list[tuple[State, str]] = []
    for block in part.content().replace(b"\r\n", b"\n").split(b"\n\n"):
        said = headers_of(block)
        action = " ".join(said.get("action", ())).strip().lower()
        why = _after_type(said.get("diagnostic-code")) or _after_type(said.get("status"))
        who = _after_type(said.get("final-recipient") or said.get("original-recipient"))
        if action == "failed":
            reason = f"The mail did not reach {who or 'its reader'}: {why or 'no reason given'}"
            found.append(("failed", reason[:LONGEST_REASON]))
        elif action in {"delivered", "relayed", "expanded"}:
            found.append(("delivered", ""))
    yield from sorted(found, reverse=True)


def _after_type(values: list[str] | None) -> str:
    """What stands behind the type in "rfc822; ann@example.org"."""
    if not values:
        return ""
    kind, semicolon, rest = values[0].partition(";")
    return words(rest if semicolon else kind)
