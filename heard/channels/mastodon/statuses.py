"""Mastodon's statuses as the house's values, and the small JSON in which they are kept until then.

What changes from one look to the next without being news (counts, flags) is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from heard.channels import lengths
from heard.channels.base import (
    Acknowledged,
    Act,
    Deleted,
    Delivered,
    Edited,
    File,
    Heard,
    Incoming,
    Kind,
    NotUnderstoodError,
    Unit,
)
from heard.channels.dates import moment
from heard.channels.texts import plain, repair

BOOSTED = "↻ boosted"
SEEN_BY_ALL = frozenset({"public", "unlisted"})
_REMOTE = re.compile(r"(?<![\w/@])@([\w.-]+)@[\w.-]+\w")
_QUOTE_NOTE = re.compile(r"<p class=\"quote-inline\">.*?</p>", re.DOTALL)
"""What servers add for clients that do not know quotes."""
_KEPT = (
    "id", "created_at", "edited_at", "in_reply_to_id", "in_reply_to_account_id", "spoiler_text",
    "visibility", "language", "url", "uri", "content",
)  # fmt: skip
_KEPT_ACCOUNT = ("id", "acct", "display_name", "bot", "url", "followers_count")
_KEPT_MEDIA = ("id", "type", "url", "remote_url", "description")


def kept(what: str, *, at: datetime, name: str, **told: Any) -> Delivered:
    """One thing on its way to the house."""
    return Delivered(
        body=json.dumps({"what": what, **told}, ensure_ascii=False, sort_keys=True).encode(
            errors="replace"
        ),
        headers={},
        at=at,
        external_id=name,
    )


def shortened(status: Mapping[str, Any]) -> dict[str, Any]:
    """What of a status is worth keeping."""
    found: dict[str, Any] = {name: status.get(name) for name in _KEPT}
    found["account"] = account_in(status.get("account"))
    found["media_attachments"] = [
        {name: one.get(name) for name in _KEPT_MEDIA}
        for one in _objects(status.get("media_attachments"))
    ]
    found["mentions"] = [
        {"id": one.get("id"), "acct": one.get("acct")} for one in _objects(status.get("mentions"))
    ]
    poll = status.get("poll")
    if isinstance(poll, dict):
        found["options"] = [one.get("title") for one in _objects(poll.get("options"))]
    quote = status.get("quote")
    if isinstance(quote, dict):
        quoted = quote.get("quoted_status")
        found["quotes"] = (
            quoted.get("id") if isinstance(quoted, dict) else quote.get("quoted_status_id")
        )
    return found


def account_in(account: Any) -> dict[str, Any]:
    """What of an account is worth keeping with a message."""
    known = account if isinstance(account, dict) else {}
    return {name: known.get(name) for name in _KEPT_ACCOUNT}


def heard_in(delivered: Delivered) -> Iterator[Heard]:
    """What a delivery says. Raises `NotUnderstoodError`."""
    try:
        said = json.loads(delivered.body)
        what, me = said["what"], str(said["me"])
        at = min(moment(_text(said.get("seen_at"))) or delivered.at, delivered.at)
        if what == "status":
            yield from _status(said["status"], me=me, domain=_text(said.get("domain")), at=at)
        elif what == "boost":
            yield _boost(said, domain=_text(said.get("domain")), at=at)
        elif what == "gone":
            kind = Kind.REPLY if said.get("is_ours") else Kind.INCOMING
            yield Deleted(_id(said["id"]), at=at, kind=kind)
        elif what == "acted":
            yield Acknowledged(_id(said["id"]), at=at, act=Act(said["act"]))
        else:
            raise NotUnderstoodError("Nobody knows this kind of delivery.")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise NotUnderstoodError(f"This is nothing of Mastodon: {error!r}"[:300]) from None


def _status(
    status: Mapping[str, Any], *, me: str, domain: str, at: datetime
) -> Iterator[Incoming | Edited]:
    account, name = status["account"], _id(status["id"])
    is_ours = str(account["id"]) == me
    content = _QUOTE_NOTE.sub("", _text(status.get("content")))
    text = plain(content)
    if options := status.get("options"):
        text = "\n".join([text, *(f"- {_text(one)}" for one in options)]).strip()
    visibility, parent = _text(status.get("visibility")), _text(status.get("in_reply_to_id"))
    extra: dict[str, Any] = {
        "url": _text(status.get("url")) or _text(status.get("uri")),
        "visibility": visibility,
    }
    if quoted := _text(status.get("quotes")):
        extra["quotes"] = quoted
    if isinstance(followers := account.get("followers_count"), int):
        extra["audience"] = max(0, followers)
    written = moment(_text(status.get("created_at"))) or at
    yield Incoming(
        external_id=name,
        at=min(written, at),
        text=text,
        sender=address_of(account, domain=domain),
        kind=Kind.REPLY if is_ours else Kind.INCOMING,
        sender_name=_name(account),
        root="" if parent else name,
        parent=parent,
        to=_answered(status, domain=domain) if is_ours else "",
        subject=_text(status.get("spoiler_text"))[:300],
        html=content,
        language=_text(status.get("language"))[:2].lower(),
        is_public=visibility in SEEN_BY_ALL,
        is_automatic=account.get("bot") is True and not is_ours,
        files=_files(status),
        extra=extra,
    )
    edited = moment(_text(status.get("edited_at")))
    if edited is not None:
        kind = Kind.REPLY if is_ours else Kind.INCOMING
        yield Edited(name, at=min(edited, at), text=text, html=content, kind=kind)


def _boost(said: Mapping[str, Any], *, domain: str, at: datetime) -> Incoming:
    """Somebody passed on a status of ours: no words, and nothing to answer."""
    account, subject = said["account"], _id(said["id"])
    extra: dict[str, Any] = {"shares": subject}
    if isinstance(followers := account.get("followers_count"), int):
        extra["audience"] = max(0, followers)
    if url := _text(said.get("url")):
        extra["url"] = url
    return Incoming(
        external_id=_id(said["boost"]),
        at=at,
        text=BOOSTED,
        sender=address_of(account, domain=domain),
        sender_name=_name(account),
        parent=subject,
        is_public=True,
        is_automatic=account.get("bot") is True,
        need="nothing",
        extra=extra,
    )


def address_of(account: Mapping[str, Any], *, domain: str) -> str:
    """name@server, as people of other servers write it; ours leave theirs away."""
    acct = _text(account.get("acct"))
    if not acct:
        raise ValueError("an account has a name")
    return acct if "@" in acct or not domain else f"{acct}@{domain}"


def length_of(text: str, *, per_link: int) -> int:
    """The length as Mastodon counts it: links alike, of remote handles the name alone."""
    counted = lengths.LINK.sub("x" * per_link, text)
    return lengths.length(_REMOTE.sub(r"@\1", counted), Unit.GRAPHEMES)


def now() -> datetime:
    """The moment of asking."""
    return datetime.now(UTC)


def _answered(status: Mapping[str, Any], *, domain: str) -> str:
    """Whom our status answers, as far as it says so."""
    whom = status.get("in_reply_to_account_id")
    for one in _objects(status.get("mentions")):
        if whom and str(one.get("id")) == str(whom):
            return address_of(one, domain=domain)
    return ""


def _files(status: Mapping[str, Any]) -> tuple[File, ...]:
    """The files of a status, named by what their author says they show."""
    found = []
    for number, one in enumerate(_objects(status.get("media_attachments")), start=1):
        source = _text(one.get("url")) or _text(one.get("remote_url"))
        if not source.startswith(("https://", "http://")):
            continue
        kind, described = _text(one.get("type")), " ".join(_text(one.get("description")).split())
        found.append(
            File(
                name=described[:180] or f"{kind or 'file'} {number}",
                content_type=_type_of(source, kind=kind),
                content=b"",
                source=source,
            )
        )
    return tuple(found)


_TYPES = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif",
    "webp": "image/webp", "avif": "image/avif", "mp4": "video/mp4", "webm": "video/webm",
    "mov": "video/quicktime", "mp3": "audio/mpeg", "ogg": "audio/ogg", "wav": "audio/wav",
    "flac": "audio/flac", "m4a": "audio/mp4",
}  # fmt: skip
_USUAL = {
    "image": "image/jpeg", "gifv": "video/mp4", "video": "video/mp4", "audio": "audio/mpeg",
}  # fmt: skip


def _type_of(url: str, *, kind: str) -> str:
    ending = url.partition("?")[0].rpartition(".")[2].lower()
    return _TYPES.get(ending) or _USUAL.get(kind, "application/octet-stream")


def _name(account: Mapping[str, Any]) -> str:
    return _text(account.get("display_name"))[:200].strip() or f"@{_text(account.get('acct'))}"


def _id(value: Any) -> str:
    name = _text(value)
    if not name or len(name) > 300:
        raise ValueError("its id is missing")
    return name


def _text(value: Any) -> str:
    return repair(value) if isinstance(value, str) else ""


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
