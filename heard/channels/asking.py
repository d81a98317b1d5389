"""What an answer over HTTP means to us: the same for every place that speaks JSON.

`wanted` is for questions: whatever is not the answer becomes a `PlaceError` in words for people.
`handed` is for what leaves the house: whatever happens, there is a `Receipt`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from heard.channels import web
from heard.channels.base import Account, PlaceError, Receipt, SendState

PASSING = frozenset({408, 409, 423, 425, 429})
"""Refusals that a later try may overcome."""
LIMIT_BYTES = 8 * 1024 * 1024


def wanted(
    method: str,
    url: str,
    *,
    account: Account,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    data: Any = None,
    form: Mapping[str, str] | None = None,
    limit_bytes: int = LIMIT_BYTES,
    timeout_seconds: float = web.TIMEOUT_SECONDS,
    also: frozenset[int] = frozenset(),
) -> web.Answer:
    """Ask a place; `data` is posted as JSON, `form` as a form.

    Raises `PlaceError` unless it answers 2xx or one of `also`.
    """
    body, typed = _body(data, form)
    try:
        answer = web.ask(
            method,
            url,
            body=body,
            headers={**typed, **(headers or {})},
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
    if not answer.is_good and answer.status not in also:
        raise refusal(answer)
    return answer


def refusal(answer: web.Answer) -> PlaceError:
    """What a bad answer means: ask later, or ask a person."""
    wish = answer.retry_after_seconds(now=datetime.now(UTC))
    said = said_by(answer)
    if answer.status in {401, 403}:
        return PlaceError(
            f"The place does not let us in ({answer.status}{said}).", needs_person=True
        )
    if answer.status == 429:
        return PlaceError(f"The place asks us to slow down{said}.", retry_after_seconds=wish or 60)
    return PlaceError(
        f"The place answered {answer.status}{said}.",
        needs_person=answer.status < 500 and answer.status not in PASSING,
        retry_after_seconds=wish,
    )


def handed(
    method: str,
    url: str,
    *,
    account: Account,
    named: Callable[[Any], str],
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    data: Any = None,
    form: Mapping[str, str] | None = None,
    done_too: frozenset[int] = frozenset(),
) -> Receipt:
    """Hand something over once. `named` finds the place's name for it in the JSON it answers.

    `done_too` are statuses that mean it had been done before.
    """
    body, typed = _body(data, form)
    try:
        answer = web.ask(
            method,
            url,
            body=body,
            headers={**typed, **(headers or {})},
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
    if answer.is_good or answer.status in done_too:
        return Receipt(SendState.SENT, external_id=_name(answer, named))
    return refused(answer)


def refused(answer: web.Answer) -> Receipt:
    """The receipt for an answer that is not the one we hoped for."""
    return Receipt(
        SendState.FAILED,
        reason=f"The place answered {answer.status}{said_by(answer)}.",
        retry_after_seconds=answer.retry_after_seconds(now=datetime.now(UTC)),
        is_final=answer.status < 500 and answer.status not in PASSING,
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


def _body(data: Any, form: Mapping[str, str] | None) -> tuple[bytes | None, dict[str, str]]:
    if form is not None:
        return urlencode(form).encode(), {"content-type": "application/x-www-form-urlencoded"}
    if data is not None:
        return json.dumps(data, ensure_ascii=False).encode(), {"content-type": "application/json"}
    return None, {}


def _name(answer: web.Answer, named: Callable[[Any], str]) -> str:
    """The name in the answer; an answer without one was taken all the same."""
    try:
        return str(named(answer.json()) or "")[:300]
    except (PlaceError, LookupError, TypeError, AttributeError):
        return ""
