"""The signed hook: any program that can post JSON is heard, and is told the answers the same way.

docs/hook.md describes the messages. What is wrong in one message does not stop the others.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from heard.channels import signing, web
from heard.channels.base import (
    Abilities,
    Account,
    Checked,
    Delivered,
    File,
    Incoming,
    Kind,
    NotUnderstoodError,
    Outgoing,
    Receipt,
    SendState,
    SetAside,
    Setting,
)
from heard.channels.dates import moment
from heard.channels.texts import plain, repair

kind = "hook"
title = "Signed hook"
settings = (
    Setting(
        "reply_url",
        "Where answers go",
        help="An address of your program; answers are posted there, signed with the same secret.",
        is_needed=False,
    ),
)
public = Abilities(files=True)
private = Abilities(files=True)
has_own_secret = True
heeds = ("webhook-id", "webhook-timestamp", "webhook-signature", "content-type")

MESSAGE_LIMIT = 1000
FILE_LIMIT = 20
Need = Literal["", "answer", "recognition", "nothing"]
NEEDS = get_args(Need)
PASSING = frozenset({408, 409, 425, 429})
"""Refusals that a later try may overcome."""


def authenticate(delivered: Delivered, account: Account) -> None:
    """Let in what is signed with the secret of the inbox."""
    signing.verify(
        delivered.body, headers=delivered.headers, secret=account.secret, now=delivered.at
    )


def parse(delivered: Delivered, account: Account) -> Iterator[Incoming | SetAside]:  # noqa: ARG001
    """One message, or those under `messages`; each that cannot be understood is set aside alone."""
    try:
        said = json.loads(delivered.body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise NotUnderstoodError(f"This is not JSON: {error}") from None
    if isinstance(said, dict) and "messages" in said:
        said = said["messages"]
        if not isinstance(said, list):
            raise NotUnderstoodError("“messages” must be a list.")
    else:
        said = [said]
    if not said:
        raise NotUnderstoodError("There is no message in it.")
    if len(said) > MESSAGE_LIMIT:
        raise NotUnderstoodError(f"{len(said)} messages; at most {MESSAGE_LIMIT} may come at once.")
    for number, message in enumerate(said, start=1):
        try:
            yield incoming(message, heard_at=delivered.at)
        except (ValueError, RecursionError) as error:
            raw = json.dumps(message) if len(said) > 1 else ""
            yield SetAside(where=f"message {number}", reason=str(error)[:300], raw=raw)


def incoming(message: Any, *, heard_at: datetime) -> Incoming:
    """One documented message as a value. Raises `ValueError` that says what is wrong with it."""
    if not isinstance(message, dict):
        raise ValueError("a message is an object with id, text and from")
    sender, sender_name = _person(message.get("from"), name="from")
    which = message.get("kind") or "incoming"
    if which not in ("incoming", "reply"):
        raise ValueError("“kind” is incoming or reply")
    if not sender and which == "incoming":
        raise ValueError("“from.address” is missing")
    html = _text(message, "html")
    text = _text(message, "text") or (plain(html) if html else "")
    files, links = _files(message.get("attachments"))
    if links:
        text = "\n".join([text, *links]).strip()
    if not text and not files:
        raise ValueError("“text” is missing")
    need: Need = message.get("need") or ""
    if need not in NEEDS:
        raise ValueError("“need” is answer, recognition or nothing")
    extra = message.get("extra")
    if extra is not None and not isinstance(extra, dict):
        raise ValueError("“extra” is an object")
    return Incoming(
        external_id=_id(message, "id", is_needed=True),
        at=_moment(message.get("at"), heard_at=heard_at),
        text=text,
        sender=sender,
        kind=Kind(which),
        sender_name=sender_name,
        root=_id(message, "thread"),
        parent=_id(message, "parent"),
        to=_person(message.get("to"), name="to")[0],
        author=_text(message, "author", limit=200),
        subject=_text(message, "subject", limit=300),
        html=html,
        language=_text(message, "language", limit=3).lower(),
        is_public=message.get("public") is True,
        is_automatic=message.get("automatic") is True,
        need=need,
        files=files,
        extra=_clean(extra) if extra else {},
    )


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Post a reply, signed, to the address that the inbox names as `reply_url`."""
    url = str(account.settings.get("reply_url") or "")
    if not url:
        return _failed("This inbox has no address for answers (reply_url).", is_final=True)
    now = datetime.now(UTC)
    body = json.dumps(written(outgoing), ensure_ascii=False).encode()
    headers = {"content-type": "application/json", "user-agent": "heard"} | signing.signed(
        body, secret=account.secret, message_id=outgoing.idempotency_key, at=now
    )
    try:
        answer = web.post(url, body=body, headers=headers, allow_private=account.allow_private)
    except web.ForbiddenAddressError as error:
        return _failed(f"The answer was not sent: {error}.", is_final=True)
    except web.NotReachedError as error:
        return _failed(f"The program could not be reached: {error}.")
    except web.NoAnswerError as error:
        return Receipt(
            SendState.UNKNOWN,
            reason=f"The program did not say whether it took the answer ({error}).",
        )
    if 200 <= answer.status < 300:
        return Receipt(SendState.SENT, external_id=_named(answer.body) or outgoing.idempotency_key)
    is_final = answer.status < 500 and answer.status not in PASSING
    return Receipt(
        SendState.FAILED,
        reason=f"The program answered {answer.status}.",
        retry_after_seconds=answer.retry_after_seconds(now=now),
        is_final=is_final,
    )


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """Yes: every try carries the same webhook-id, and the receiver keeps to it."""
    return True


def check(account: Account) -> Checked:
    """There is nobody to ask: the program comes to us."""
    warnings = () if account.settings.get("reply_url") else ("No address for answers is set.",)
    return Checked(account=account.name, warnings=warnings)


def written(outgoing: Outgoing) -> dict[str, Any]:
    """A reply as JSON, in the words of what comes in."""
    return {
        "type": "reply",
        "id": outgoing.idempotency_key,
        "at": outgoing.at.isoformat() if outgoing.at else None,
        "to": outgoing.to,
        "text": outgoing.text,
        "subject": outgoing.subject,
        "thread": outgoing.root,
        "parent": outgoing.parent,
        "author": outgoing.author,
        "attachments": [
            {
                "name": file.name,
                "content_type": file.content_type,
                "base64": base64.b64encode(file.content).decode(),
            }
            for file in outgoing.files
        ],
    }


def _failed(reason: str, *, is_final: bool = False) -> Receipt:
    return Receipt(SendState.FAILED, reason=reason, is_final=is_final)


def _named(body: bytes) -> str:
    """The id that the program gives the reply, if it gives one."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    name = said.get("id") if isinstance(said, dict) else None
    return repair(name).replace("\n", "")[:300] if isinstance(name, str) else ""


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _text(message: Mapping[str, Any], name: str, *, limit: int | None = None) -> str:
    value = message.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"“{name}” is text")
    return repair(value)[:limit].strip()


def _id(message: Mapping[str, Any], name: str, *, is_needed: bool = False) -> str:
    value = message.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None or value == "":
        if is_needed:
            raise ValueError(f"“{name}” is missing")
        return ""
    if not isinstance(value, str):
        raise ValueError(f"“{name}” is text")
    value = repair(value).strip()
    if not value or len(value) > 300:
        raise ValueError(f"“{name}” has 1 to 300 characters")
    return value


def _person(value: Any, *, name: str) -> tuple[str, str]:
    """Address and name of somebody: an object of both, or the address alone."""
    if value is None:
        return "", ""
    if isinstance(value, str):
        value = {"address": value}
    if not isinstance(value, dict):
        raise ValueError(f"“{name}” is an object with address and name")
    address = _text(value, "address")
    if len(address) > 320:
        raise ValueError(f"“{name}.address” has at most 320 characters")
    return address, _text(value, "name", limit=200)


def _moment(value: Any, *, heard_at: datetime) -> datetime:
    """When it was said: never after it was heard, whatever the sender's clock shows."""
    if value is None or value == "":
        return heard_at
    text = str(value) if isinstance(value, int | float | str) else ""
    at = moment(text)
    if at is None:
        raise ValueError("“at” is no date that can be read; write 2026-11-22T10:00:00Z")
    return min(at, heard_at)


def _files(value: Any) -> tuple[tuple[File, ...], list[str]]:
    """Files given as bytes; those given as links are not fetched, only named."""
    if value is None:
        return (), []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ValueError("“attachments” is a list of objects")
    if len(value) > FILE_LIMIT:
        raise ValueError(f"at most {FILE_LIMIT} attachments")
    files, links = [], []
    for one in value:
        name = _text(one, "name", limit=200) or "file"
        if "base64" in one:
            try:
                content = base64.b64decode(_ascii(one["base64"]), validate=True)
            except (binascii.Error, ValueError):
                raise ValueError(f"the attachment “{name}” is not base64") from None
            content_type = _text(one, "content_type", limit=120) or "application/octet-stream"
            files.append(File(name=name, content_type=content_type, content=content))
        elif url := _text(one, "url", limit=2000):
            links.append(f"[{name}] {url}")
        else:
            raise ValueError(f"the attachment “{name}” has neither base64 nor url")
    return tuple(files), links


def _ascii(value: Any) -> bytes:
    if not isinstance(value, str):
        raise ValueError("not text")
    return value.encode("ascii")


def _clean(value: Any) -> Any:
    """The same without characters that no database keeps."""
    if isinstance(value, str):
        return repair(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("“extra” holds a number that is too large")
    if isinstance(value, dict):
        return {repair(name): _clean(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_clean(one) for one in value]
    return value
