"""Mastodon, and servers that speak its language: mentions, quotes, boosts and our own statuses.

Every server has limits and rights of its own: `check` finds them out. Answers keep the visibility
of what they answer. docs/channels/mastodon.md says how to connect an account.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from heard.channels import asking, sockets, web
from heard.channels.base import (
    Abilities,
    Account,
    Act,
    Acting,
    Checked,
    Delivered,
    Fetched,
    File,
    Heard,
    Outgoing,
    PlaceError,
    Receipt,
    SendState,
    Setting,
    Unit,
)
from heard.channels.mastodon import statuses
from heard.channels.mastodon.hearing import Ear, Line, server_of, slow
from heard.channels.texts import plain

kind = "mastodon"
title = "Mastodon"
settings = (
    Setting(
        "server",
        "Server",
        help="Where your account lives, for example https://mastodon.social.",
    ),
    Setting(
        "token",
        "Access token",
        help="On your server under Preferences → Development → New application; then open the "
        "application and copy “Your access token”.",
        is_secret=True,
    ),
    Setting(
        "stream",
        "Keep a line open",
        help="Hears at once what is said. Switch it off if your server does not allow it.",
        is_needed=False,
        default="yes",
        choices=(("yes", "Yes"), ("no", "No, ask twice a minute")),
    ),
)
MENTION_ROOM = 32
"""What an answer may need before its first word: the longest name (30), @ and a space."""
LENGTH, LINK_LENGTH, FILE_COUNT = 500, 23, 4
public = Abilities(
    private_reply=True,
    acts=frozenset({Act.LIKE, Act.SHARE, Act.EDIT, Act.DELETE}),
    files=True,
    length=LENGTH - MENTION_ROOM,
    unit=Unit.GRAPHEMES,
)
private = replace(public, private_reply=False, acts=frozenset({Act.LIKE, Act.EDIT, Act.DELETE}))
every_seconds = 30.0

STEP_SECONDS = 2.0
STREAM_LOOK_SECONDS = 120.0
"""How often everything is asked for although a line is open."""
NEEDED_SCOPES = (
    "read:accounts", "read:notifications", "read:statuses", "read:favourites",
    "write:statuses", "write:media", "write:favourites",
)  # fmt: skip
FILE_LIMIT_BYTES = 100 * 1024 * 1024
KEY_LIVES = timedelta(minutes=50)
"""Servers remember an Idempotency-Key for an hour."""
MEDIA_PATIENCE_SECONDS = 30.0
UNREACHED = (
    PlaceError,
    web.ForbiddenAddressError,
    web.NotReachedError,
    web.NoAnswerError,
    web.TooLongError,
)
"""What may go wrong while we ask, before anything is written."""
MISREAD = (LookupError, TypeError, AttributeError, ValueError)
_NAMED_FIRST = re.compile(r"(?:@[\w.-]+(?:@[\w.-]+)?\s+)+")


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:  # noqa: ARG001
    """The one thing that a delivery holds."""
    return statuses.heard_in(delivered)


def poll(cursor: str, account: Account) -> Fetched:
    """What is new: at first the mentions and own statuses of the last day (40 of each)."""
    return Ear(cursor, account).look()


def listen(cursor: str, account: Account) -> Iterator[Fetched]:
    """The same for ever, and in between what the server tells over an open line."""
    ear = Ear(cursor, account)
    fetched = ear.look()
    yield fetched
    if account.settings.get("stream") == "no":
        while True:
            until = _next_look(fetched, seconds=every_seconds)
            while (left := until - time.monotonic()) > 0:
                time.sleep(min(STEP_SECONDS, left))
                yield ear.fetched(())
            fetched = ear.look()
            yield fetched
    with ear.stream() as line:
        fetched = ear.look()  # what came while the line was being opened
        yield fetched
        until = _next_look(fetched, seconds=STREAM_LOOK_SECONDS)
        while True:
            found = [
                one
                for frame in sockets.frames(line, seconds=STEP_SECONDS)
                for one in ear.told(frame)
            ]
            yield ear.fetched(found)
            if time.monotonic() >= until:
                fetched = ear.look()
                until = _next_look(fetched, seconds=STREAM_LOOK_SECONDS)
                yield fetched


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Answer a status, as visible as it is; a private answer goes to those named in it alone."""
    line = Line(account)
    text = _addressed(outgoing, account)
    if (reason := _why_not(outgoing, text, account)) is not None:
        return asking.failed(reason, is_final=True)
    try:
        visibility = _visibility(outgoing, line)
        if visibility is None:
            return asking.failed("The post is no longer there.", is_final=True)
        if outgoing.at is not None and statuses.now() - outgoing.at > KEY_LIVES:
            there = _sent_before(outgoing, text, line)
            if there:
                return Receipt(SendState.SENT, external_id=there)
        media = [_uploaded(file, line) for file in outgoing.files]
    except _RefusedError as error:
        return error.receipt
    except UNREACHED as error:
        return _not_sent(error)
    except MISREAD:
        return asking.failed("The server answered with something that cannot be understood.")
    data: dict[str, Any] = {
        "status": text, "in_reply_to_id": outgoing.parent, "visibility": visibility,
    }  # fmt: skip
    if outgoing.subject:
        data["spoiler_text"] = outgoing.subject
    if media:
        data["media_ids"] = media
    return _handed("POST", "", line, data=data, key=outgoing.idempotency_key)


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """Yes: the server knows the key for an hour; later we look whether it is there."""
    return True


def composing(text: str, settings: Mapping[str, Any]) -> str:
    """The page of the server that shares words (`/share?text=`)."""
    server = str(settings.get("server") or "").rstrip("/")
    return f"{server}/share?text={quote(text)}" if server else ""


def act(acting: Acting, account: Account) -> Receipt:
    """Favourite or boost a status; edit or delete one of ours."""
    line, path = Line(account), f"/{acting.external_id}"
    if acting.act is Act.LIKE:
        return _handed("POST", f"{path}/favourite", line)
    if acting.act is Act.SHARE:
        return _handed("POST", f"{path}/reblog", line)
    if acting.act is Act.DELETE:
        return _handed("DELETE", path, line, done_too=frozenset({404, 410}))
    if acting.act is Act.EDIT:
        try:
            return _handed("PUT", path, line, data=_edited(acting, line))
        except UNREACHED as error:
            return _not_sent(error)
        except MISREAD:
            return asking.failed("The server answered with something that cannot be understood.")
    return asking.failed("Mastodon cannot do this.", is_final=True)


def fetch(source: str, account: Account) -> bytes:
    """A file that came with a status, from wherever its server keeps it."""
    return asking.wanted(
        "GET", source, account=account, limit_bytes=FILE_LIMIT_BYTES, timeout_seconds=60
    ).body


def check(account: Account) -> Checked:
    """Ask the server who we are there, what it allows, and what our token may do."""
    line = Line(account)
    if not line.server:
        raise PlaceError("The address of the server is missing.", needs_person=True)
    try:
        me = line.get("/api/v1/accounts/verify_credentials").json()
        instance = _instance(line)
        missing = _missing_rights(line)
    except (web.NotReachedError, web.NoAnswerError) as error:
        raise PlaceError(f"The server could not be reached: {error}.") from error
    except web.ForbiddenAddressError as error:
        raise PlaceError(f"The server was not asked: {error}.", needs_person=True) from error
    if not isinstance(me, dict) or not me.get("id"):
        raise PlaceError("The server does not say whose token this is.", needs_person=True)
    of_statuses = _inside(instance, "configuration", "statuses")
    urls = _inside(instance, "configuration", "urls") or _inside(instance, "urls")
    domain = str(instance.get("domain") or instance.get("uri") or urlsplit(line.server).netloc)
    length = _number(of_statuses.get("max_characters") or instance.get("max_toot_chars"), LENGTH)
    warnings = []
    if missing:
        warnings.append(f"The token may not do everything; it lacks {', '.join(missing)}.")
    if me.get("bot") is True:
        warnings.append("The profile says that it is a bot; people may not expect an answer.")
    return Checked(
        account=f"@{me.get('acct')}@{domain}",
        found={
            "account_id": str(me["id"]),
            "domain": domain,
            "length": max(1, length - MENTION_ROOM),
            "max_characters": length,
            "link_length": _number(of_statuses.get("characters_reserved_per_url"), LINK_LENGTH),
            "file_count": _number(of_statuses.get("max_media_attachments"), FILE_COUNT),
            "streaming": str(urls.get("streaming") or urls.get("streaming_api") or ""),
            "version": str(instance.get("version") or ""),
        },
        warnings=tuple(warnings),
        quota=line.quota,
    )


class _RefusedError(Exception):
    """It cannot be sent; the receipt says why."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__(receipt.reason)
        self.receipt = receipt


def _handed(
    verb: str,
    path: str,
    line: Line,
    *,
    data: Mapping[str, Any] | None = None,
    key: str = "",
    done_too: frozenset[int] = frozenset(),
) -> Receipt:
    """Change something under /api/v1/statuses once. `done_too` mean that it had been done."""
    headers = line.headers | ({"idempotency-key": key} if key else {})
    if data is not None:
        headers["content-type"] = "application/json"
    try:
        answer = web.ask(
            verb,
            f"{line.server}/api/v1/statuses{path}",
            body=None if data is None else json.dumps(data, ensure_ascii=False).encode(),
            headers=headers,
            allow_private=line.account.allow_private,
            limit_bytes=asking.LIMIT_BYTES,
            is_cut=True,
        )
    except web.NoAnswerError as error:
        return Receipt(
            SendState.UNKNOWN, reason=f"The server did not say whether it took it ({error})."
        )
    except UNREACHED as error:
        return _not_sent(error)
    if answer.is_good:
        try:
            return Receipt(SendState.SENT, external_id=_id_in(answer.json()))
        except (PlaceError, *MISREAD):
            return Receipt(SendState.SENT)
    if answer.status in done_too:
        return Receipt(SendState.SENT, external_id=path.strip("/"))
    receipt = asking.refused(answer)
    if answer.status == 429:
        wish = slow(answer).retry_after_seconds
        return replace(receipt, retry_after_seconds=int(wish or 60))
    return receipt


def _instance(line: Line) -> Mapping[str, Any]:
    """What the server says of itself, in its newer or its older words."""
    for path in ("/api/v2/instance", "/api/v1/instance"):
        answer = line.get(path, also=frozenset({401, 403, 404}))
        if answer.is_good:
            said = answer.json()
            return said if isinstance(said, dict) else {}
    return {}


def _missing_rights(line: Line) -> list[str]:
    """Which rights the token lacks, as far as the server tells."""
    answer = line.get("/api/v1/apps/verify_credentials", also=frozenset({401, 403, 404, 422}))
    said = answer.json() if answer.is_good else {}
    granted = said.get("scopes") if isinstance(said, dict) else None
    if isinstance(granted, list) and granted:
        return [
            one
            for one in NEEDED_SCOPES
            if one not in granted and one.partition(":")[0] not in granted
        ]
    refused = line.get("/api/v1/notifications", [("limit", "1")], also=frozenset({403}))
    return [] if refused.is_good else ["read:notifications"]


def _addressed(outgoing: Outgoing, account: Account) -> str:
    """The words, beginning with the name of whom they are for: else nobody is told of them."""
    text, to = outgoing.text.strip(), outgoing.to.lstrip("@")
    name, _, domain = to.partition("@")
    if not name:
        return text
    domains = {
        str(account.settings.get("domain") or ""),
        urlsplit(server_of(account.settings)).netloc,
    }
    short = name if domain in domains or not domain else to
    if re.search(rf"(?<![\w@/])@{re.escape(short)}(?![\w@])", text, re.IGNORECASE):
        return text
    return f"@{short} {text}"


def _why_not(outgoing: Outgoing, text: str, account: Account) -> str | None:
    """What is wrong with a reply before anybody is asked."""
    limit = _number(account.settings.get("max_characters"), LENGTH)
    per_link = _number(account.settings.get("link_length"), LINK_LENGTH)
    count = _number(account.settings.get("file_count"), FILE_COUNT)
    if not outgoing.parent:
        return "There is no post to answer."
    if statuses.length_of(f"{outgoing.subject}{text}", per_link=per_link) > limit:
        return (
            f"A post on this server has at most {limit} characters, with the name it begins with."
        )
    if len(outgoing.files) > count:
        return f"A post on this server has at most {count} file{'s' if count > 1 else ''}."
    return None


def _visibility(outgoing: Outgoing, line: Line) -> str | None:
    """Who may see the answer: whoever sees what it answers. None if that is gone."""
    if outgoing.is_private:
        return "direct"
    known = str(outgoing.answered.get("visibility") or "")
    if not known:
        answer = line.get(f"/api/v1/statuses/{outgoing.parent}", also=frozenset({404, 410}))
        if not answer.is_good:
            return None
        said = answer.json()
        known = str(said.get("visibility") or "") if isinstance(said, dict) else ""
    return known or "public"


def _sent_before(outgoing: Outgoing, text: str, line: Line) -> str:
    """The id of the same answer, if an earlier try had arrived; the server forgot our key."""
    me = str(line.get("/api/v1/accounts/verify_credentials").json().get("id"))
    answer = line.get(f"/api/v1/statuses/{outgoing.parent}/context", also=frozenset({404, 410}))
    said = answer.json() if answer.is_good else {}
    later = said.get("descendants") if isinstance(said, dict) else None
    for one in later if isinstance(later, list) else ():
        is_ours = isinstance(one, dict) and _inside(one, "account").get("id") == me
        if is_ours and one.get("in_reply_to_id") == outgoing.parent:
            written = plain(str(one.get("content") or ""))
            if _bare(written) == _bare(text):
                return _id_in(one)
    return ""


def _bare(text: str) -> str:
    """The words alone: servers show the names of remote people without their server."""
    return " ".join(re.sub(r"@([\w.-]+)@[\w.-]+", r"@\1", text).split())


def _uploaded(file: File, line: Line) -> str:
    """Hand over a file, described by its name, and wait until the server has looked at it."""
    stem, dot, _ = file.name.rpartition(".")
    body, content_type = _form(file, description=stem if dot else file.name)
    answer = web.ask(
        "POST",
        f"{line.server}/api/v2/media",
        body=body,
        headers={**line.headers, "content-type": content_type},
        allow_private=line.account.allow_private,
        timeout_seconds=60,
        is_cut=True,
    )
    if not answer.is_good:
        raise _RefusedError(asking.refused(answer))
    name = _id_in(answer.json())
    until = time.monotonic() + MEDIA_PATIENCE_SECONDS
    while answer.status in {202, 206}:
        if time.monotonic() > until:
            raise _RefusedError(asking.failed("The server is still looking at the file."))
        time.sleep(0.5)
        answer = line.get(f"/api/v1/media/{name}")
    return name


def _form(file: File, *, description: str) -> tuple[bytes, str]:
    """A file and its description as a form (RFC 7578)."""
    border = "heard-3f1c0f2a9be04d6f"
    while border.encode() in file.content:
        border += "x"
    name = file.name.replace('"', "'").replace("\r", " ").replace("\n", " ")
    head = (
        f'--{border}\r\nContent-Disposition: form-data; name="description"\r\n\r\n{description}\r\n'
        f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: {file.content_type}\r\n\r\n"
    )
    body = head.encode() + file.content + f"\r\n--{border}--\r\n".encode()
    return body, f"multipart/form-data; boundary={border}"


def _edited(acting: Acting, line: Line) -> dict[str, Any]:
    """New words for a status; its names, warning, files and language stay."""
    path = f"/api/v1/statuses/{acting.external_id}"
    status, source = line.get(path).json(), line.get(f"{path}/source").json()
    text, before = acting.text.strip(), str(source.get("text") or "")
    names = _NAMED_FIRST.match(before)
    if names and not text.startswith("@"):
        text = f"{names[0].strip()} {text}"
    media = status.get("media_attachments")
    return {
        "status": text,
        "spoiler_text": str(source.get("spoiler_text") or ""),
        "sensitive": status.get("sensitive") is True,
        "language": status.get("language"),
        "media_ids": [one["id"] for one in media if isinstance(one, dict) and one.get("id")]
        if isinstance(media, list)
        else [],
    }


def _not_sent(error: Exception) -> Receipt:
    """The receipt for what broke before anything was written."""
    wish = error.retry_after_seconds if isinstance(error, PlaceError) else None
    return Receipt(
        SendState.FAILED,
        reason=str(error) if isinstance(error, PlaceError) else f"It was not sent: {error}.",
        retry_after_seconds=int(wish) if wish is not None else None,
        is_final=isinstance(error, web.ForbiddenAddressError)
        or (isinstance(error, PlaceError) and error.needs_person),
    )


def _next_look(fetched: Fetched, *, seconds: float) -> float:
    """When to ask again, on the clock that only goes forward."""
    return time.monotonic() + max(seconds, fetched.pause_seconds or 0.0)


def _id_in(said: Any) -> str:
    return str(said["id"])


def _inside(said: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    for name in names:
        inner = said.get(name)
        said = inner if isinstance(inner, dict) else {}
    return said


def _number(value: Any, default: int) -> int:
    is_number = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return int(value) if is_number else default
