"""Asking a place, and handing something to it, where its own words tell what a refusal means.

Each vendor has a `Judge`: it reads an answer and names the trouble in words for people, or finds
none. `wanted` and `handed` are the same as those of `asking`, with that judge in between.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from heard.channels import asking, web
from heard.channels.base import Account, File, PlaceError, Receipt, SendState


class Trouble(NamedTuple):
    """Why a place did not do what was asked.

    `is_final`: the same request will never pass. `needs_person`: none will until somebody does
    something. `is_unknown`: it may have been done all the same.
    """

    reason: str
    is_final: bool = False
    needs_person: bool = False
    retry_after_seconds: int | None = None
    is_unknown: bool = False


class Body(NamedTuple):
    """A request's bytes and what they are."""

    content: bytes | None
    content_type: str


Judge = Callable[[web.Answer], Trouble | None]

NO_BODY = Body(None, "")


def as_json(data: Any) -> Body:
    """`data` as JSON."""
    return Body(json.dumps(data, ensure_ascii=False).encode(), "application/json")


def as_form(fields: Mapping[str, str]) -> Body:
    """Fields as a form of a page."""
    return Body(urlencode(fields).encode(), "application/x-www-form-urlencoded")


def with_file(fields: Mapping[str, str], *, name: str, file: File) -> Body:
    """Fields and one file as multipart/form-data (RFC 7578)."""
    mark = secrets.token_hex(16)
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    safe = "".join(sign for sign in file.name if sign.isprintable() and sign not in '"\\')
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{safe or "file"}"'
        f"\r\nContent-Type: {_type(file)}\r\n\r\n"
    )
    content = b"".join([*parts, head.encode(), file.content, f"\r\n--{mark}--\r\n".encode()])
    return Body(content, f"multipart/form-data; boundary={mark}")


def wanted(
    method: str,
    url: str,
    *,
    account: Account,
    judge: Judge,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    body: Body = NO_BODY,
    limit_bytes: int = asking.LIMIT_BYTES,
    timeout_seconds: float = web.TIMEOUT_SECONDS,
) -> web.Answer:
    """Ask a place. Raises `PlaceError` for every trouble."""
    try:
        answer = web.ask(
            method,
            url,
            body=body.content,
            headers=_headers(headers, body),
            params=params,
            allow_private=account.allow_private,
            limit_bytes=limit_bytes,
            timeout_seconds=timeout_seconds,
        )
    except web.ForbiddenAddressError as error:
        raise PlaceError(f"The place was not asked: {error}.", needs_person=True) from error
    except web.NotReachedError as error:
        raise PlaceError(f"The place could not be reached: {error}.") from error
    except web.NoAnswerError as error:
        raise PlaceError(f"The place broke off ({error}).") from error
    except web.TooLongError as error:
        raise PlaceError(f"The place answered {error}.") from error
    trouble = judge(answer)
    if trouble is not None:
        raise PlaceError(
            trouble.reason,
            needs_person=trouble.needs_person,
            retry_after_seconds=trouble.retry_after_seconds,
        )
    return answer


def handed(
    method: str,
    url: str,
    *,
    account: Account,
    judge: Judge,
    named: Callable[[Any], Any],
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    body: Body = NO_BODY,
) -> Receipt:
    """Hand something over once. `named` finds the place's name for it in the JSON it answers."""
    try:
        answer = web.ask(
            method,
            url,
            body=body.content,
            headers=_headers(headers, body),
            params=params,
            allow_private=account.allow_private,
            limit_bytes=asking.LIMIT_BYTES,
            is_cut=True,
        )
    except web.ForbiddenAddressError as error:
        return asking.failed(f"It was not sent: {error}.", is_final=True)
    except web.NotReachedError as error:
        return asking.failed(f"The place could not be reached: {error}.")
    except web.NoAnswerError as error:
        return Receipt(
            SendState.UNKNOWN, reason=f"The place did not say whether it took it ({error})."
        )
    trouble = judge(answer)
    if trouble is not None:
        return receipt(trouble)
    try:
        name = str(named(json.loads(answer.body)) or "")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        name = ""
    return Receipt(SendState.SENT, external_id=name[:300])


def receipt(trouble: Trouble) -> Receipt:
    """The trouble of a request that was to leave something at the place."""
    if trouble.is_unknown:
        return Receipt(SendState.UNKNOWN, reason=trouble.reason)
    return Receipt(
        SendState.FAILED,
        reason=trouble.reason,
        retry_after_seconds=trouble.retry_after_seconds,
        is_final=trouble.is_final or trouble.needs_person,
    )


def plainly(answer: web.Answer) -> Trouble | None:
    """The trouble that the status alone tells."""
    if answer.is_good:
        return None
    said = asking.said_by(answer)
    wish = answer.retry_after_seconds(now=datetime.now(UTC))
    if answer.status in {401, 403}:
        return Trouble(f"The place does not let us in ({answer.status}{said}).", needs_person=True)
    if answer.status == 429:
        return Trouble(f"The place asks us to slow down{said}.", retry_after_seconds=wish or 60)
    return Trouble(
        f"The place answered {answer.status}{said}.",
        is_final=answer.status < 500 and answer.status not in asking.PASSING,
        retry_after_seconds=wish,
        is_unknown=answer.status in {502, 504},
    )


def _headers(headers: Mapping[str, str] | None, body: Body) -> dict[str, str]:
    typed = {"content-type": body.content_type} if body.content is not None else {}
    return {**typed, **(headers or {})}


def _type(file: File) -> str:
    kind = file.content_type
    return kind if kind.isascii() and kind.isprintable() and kind else "application/octet-stream"
