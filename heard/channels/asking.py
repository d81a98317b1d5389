"""Asking a place over HTTP, and handing something to it: what its answer means to us.

`wanted` is for questions: whatever is not the answer becomes a `PlaceError` in words for people.
`handed` is for what leaves the house: whatever happens, there is a `Receipt`. A vendor may have a
`Judge` of its own, which finds the trouble in an answer's words; `plainly` goes by its status.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from heard.channels import web
from heard.channels.base import Account, File, PlaceError, Receipt, SendState

PASSING = frozenset({408, 409, 423, 425, 429})
"""Refusals that a later try may overcome."""
PERHAPS_DONE = frozenset({502, 504})
"""Answers of somebody in between, who does not know what the place has done."""
LIMIT_BYTES = 8 * 1024 * 1024
WAIT_SECONDS = 60
"""What to wait where a place asks us to slow down and does not say for how long."""


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


def plainly(answer: web.Answer) -> Trouble | None:
    """The trouble that the status alone tells."""
    if answer.is_good:
        return None
    said = said_by(answer)
    wish = answer.retry_after_seconds(now=datetime.now(UTC))
    if answer.status in {401, 403}:
        return Trouble(f"The place does not let us in ({answer.status}{said}).", needs_person=True)
    if answer.status == 429:
        return Trouble(
            f"The place asks us to slow down{said}.", retry_after_seconds=wish or WAIT_SECONDS
        )
    return Trouble(
        f"The place answered {answer.status}{said}.",
        is_final=answer.status < 500 and answer.status not in PASSING,
        retry_after_seconds=wish,
        is_unknown=answer.status in PERHAPS_DONE,
    )


def strictly(answer: web.Answer) -> Trouble | None:
    """As `plainly`; but what will never pass needs a person."""
    trouble = plainly(answer)
    return trouble and trouble._replace(needs_person=trouble.needs_person or trouble.is_final)


def wanted(
    method: str,
    url: str,
    *,
    account: Account,
    judge: Judge = strictly,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    body: Body = NO_BODY,
    limit_bytes: int = LIMIT_BYTES,
    timeout_seconds: float = web.TIMEOUT_SECONDS,
    also: frozenset[int] = frozenset(),
) -> web.Answer:
    """Ask a place. Raises `PlaceError` for every trouble; statuses in `also` are none."""
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
    trouble = None if answer.status in also else judge(answer)
    if trouble is not None:
        raise _error(trouble)
    return answer


def handed(
    method: str,
    url: str,
    *,
    account: Account,
    named: Callable[[Any], Any],
    judge: Judge = plainly,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    body: Body = NO_BODY,
    done_too: frozenset[int] = frozenset(),
) -> Receipt:
    """Hand something over once. `named` finds the place's name for it in the JSON it answers.

    Statuses in `done_too` mean that it had been done before.
    """
    try:
        answer = web.ask(
            method,
            url,
            body=body.content,
            headers=_headers(headers, body),
            params=params,
            allow_private=account.allow_private,
            limit_bytes=LIMIT_BYTES,
            is_cut=True,
        )
    except web.ForbiddenAddressError as error:
        return failed(f"It was not sent: {error}.", is_final=True)
    except web.NotReachedError as error:
        return failed(f"The place could not be reached: {error}.")
    except web.NoAnswerError as error:
        return Receipt(
            SendState.UNKNOWN, reason=f"The place did not say whether it took it ({error})."
        )
    trouble = None if answer.status in done_too else judge(answer)
    if trouble is not None:
        return receipt(trouble)
    return Receipt(SendState.SENT, external_id=_name(answer, named))


def refusal(answer: web.Answer) -> PlaceError:
    """What an answer that is no answer means: ask later, or ask a person."""
    return _error(_trouble(answer, strictly))


def refused(answer: web.Answer) -> Receipt:
    """The receipt for an answer that is not the one we hoped for."""
    return receipt(_trouble(answer, plainly))


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


def failed(reason: str, *, is_final: bool = False) -> Receipt:
    """A receipt for what did not leave."""
    return Receipt(SendState.FAILED, reason=reason, is_final=is_final)


def said_by(answer: web.Answer) -> str:
    """The place's own words about it, if they are short and can be found: ", …" or nothing."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    for name in ("error", "errors", "message", "error_description", "detail", "title"):
        while isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, dict) and found.get(name):
            inner = found[name]
            if isinstance(inner, str):
                return ", " + " ".join(inner.split())[:160]
            found = inner
    return ""


def _trouble(answer: web.Answer, judge: Judge) -> Trouble:
    return judge(answer) or Trouble(f"The place answered {answer.status}.", is_final=True)


def _error(trouble: Trouble) -> PlaceError:
    return PlaceError(
        trouble.reason,
        needs_person=trouble.needs_person,
        retry_after_seconds=trouble.retry_after_seconds,
    )


def _headers(headers: Mapping[str, str] | None, body: Body) -> dict[str, str]:
    typed = {"content-type": body.content_type} if body.content is not None else {}
    return {**typed, **(headers or {})}


def _name(answer: web.Answer, named: Callable[[Any], Any]) -> str:
    """The name in the answer; an answer without one was taken all the same."""
    try:
        return str(named(answer.json()) or "")[:300]
    except (PlaceError, LookupError, TypeError, AttributeError, ValueError, RecursionError):
        return ""


def _type(file: File) -> str:
    kind = file.content_type
    return kind if kind.isascii() and kind.isprintable() and kind else "application/octet-stream"
