"""The Graph API: questions, sends, pages of lists, and what its error codes mean for people.

https://developers.facebook.com/docs/graph-api/guides/error-handling
"""

from __future__ import annotations

import hmac
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from heard.channels import asking, web
from heard.channels.asking import NO_BODY, Body, Trouble
from heard.channels.base import Account, Checked, PlaceError, Receipt, SendState
from heard.channels.payloads import from_unix

VERSION = "v24.0"
FACEBOOK = f"https://graph.facebook.com/{VERSION}"
INSTAGRAM = f"https://graph.instagram.com/{VERSION}"
PAGE_LIMIT = 20

TOO_MANY = frozenset(
    {4, 17, 32, 341, 613, 80000, 80001, 80002, 80003, 80004, 80005, 80006, 80007, 80008, 80009}
    | {80014, 130429, 131048, 131056}
)
"""Limits of calls for an app, a Page, an account, or a pair of numbers."""
PASSING = frozenset({1, 2, 131000, 131016, 131057})
"""Faults of Meta's own that pass."""
SESSION_ENDED = frozenset({102, 190, 463, 467})
LATE = frozenset({(10, 2018278), (10, 2534022), (131047, 0)})
"""Codes and subcodes of a message that comes after the reply window."""
GONE = frozenset({(100, 33), (803, 0)})
SAYINGS = {
    368: "Meta has blocked this account for a while for breaking its policies",
    551: "this person cannot be reached at the moment (blocked us, or closed the account)",
    10900: "this comment has had its one private reply already",
    10902: "this person cannot be written to privately",
    10903: "the time for a private reply to this comment is over",
    131026: "this number cannot be reached on WhatsApp",
    131031: "WhatsApp has locked this account",
    131042: "WhatsApp asks for a way of paying: look at the billing of the business account",
    131049: "WhatsApp held it back: this person gets too many marketing messages at the moment",
    131051: "WhatsApp does not take this kind of message",
    131053: "WhatsApp could not read the file",
    132000: "the template has another number of blanks than lines were given",
    132001: "there is no approved template of this name and language",
    132005: "the template is too long with these words in it",
    132012: "the words for the blanks are not in the form that the template wants",
    132015: "WhatsApp has paused this template because people disliked it",
    132016: "WhatsApp has switched this template off because people disliked it",
    133010: "this number is not registered with the Cloud API",
}


def address(account: Account) -> str:
    """Where the API is: Meta's own, or Instagram's for those who signed in there."""
    own = str(account.settings.get("api_url") or "")
    if own:
        return own.rstrip("/")
    return INSTAGRAM if account.settings.get("signed_in_with") == "instagram" else FACEBOOK


def asked(
    method: str,
    path: str,
    *,
    account: Account,
    params: Mapping[str, str] | None = None,
    token: str = "",
    body: Body = NO_BODY,
) -> Any:
    """The JSON that the API answers. Raises `PlaceError`."""
    return asking.wanted(
        method,
        f"{address(account)}/{path}",
        account=account,
        judge=judge,
        headers=_headers(account, token),
        params={**(params or {}), **({} if token else _proof(account))},
        body=body,
    ).json()


def handed(
    method: str,
    path: str,
    *,
    account: Account,
    named: Callable[[Any], Any],
    body: Body = NO_BODY,
    params: Mapping[str, str] | None = None,
    judged_by: asking.Judge | None = None,
) -> Receipt:
    """Hand something to the API, once."""
    return asking.handed(
        method,
        f"{address(account)}/{path}",
        account=account,
        judge=judged_by or judge,
        named=named,
        headers=_headers(account, ""),
        params={**(params or {}), **_proof(account)},
        body=body,
    )


def done(
    method: str,
    path: str,
    account: Account,
    *,
    params: Mapping[str, str] | None = None,
    body: Body = NO_BODY,
) -> Receipt:
    """An act: it may be tried again, and what is gone already needs no deleting."""

    def judged(answer: web.Answer) -> Trouble | None:
        return None if method == "DELETE" and gone(answer) else judge(answer)

    receipt = handed(
        method,
        path,
        account=account,
        params=params,
        body=body,
        named=lambda _: "",
        judged_by=judged,
    )
    is_broken = receipt.state is SendState.UNKNOWN
    return replace(receipt, state=SendState.FAILED) if is_broken else receipt


def every(path: str, *, account: Account, params: Mapping[str, str]) -> Iterator[Any]:
    """The items of a list, page after page, at most `PAGE_LIMIT` of them. Raises `PlaceError`."""
    after = ""
    for _ in range(PAGE_LIMIT):
        page = asked(
            "GET", path, account=account, params={**params, **({"after": after} if after else {})}
        )
        items = page.get("data") if isinstance(page, dict) else None
        if not isinstance(items, list):
            raise PlaceError("Meta answered with something that is no list.")
        yield from items
        paging = page.get("paging") or {}
        after = str((paging.get("cursors") or {}).get("after") or "")
        if not after or not paging.get("next"):
            return


def downloaded(url: str, *, account: Account, is_ours: bool = True) -> bytes:
    """The bytes behind an address that Meta gave. Raises `PlaceError`."""
    answer = asking.wanted(
        "GET",
        url,
        account=account,
        judge=asking.plainly,
        headers=_headers(account, "") if is_ours else {},
        limit_bytes=100 * 1024 * 1024,
        timeout_seconds=60,
    )
    return answer.body


def judge(answer: web.Answer) -> Trouble | None:
    """What an answer of the Graph API means."""
    error = _error(answer)
    if not error:
        if answer.is_good:
            return None
        return asking.plainly(answer)
    code, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    said = _said(error)
    if code in SESSION_ENDED or (error.get("type") == "OAuthException" and code == 0):
        return Trouble(
            f"Meta no longer knows the access token: make a new one and put it in{said}.",
            is_final=True,
            needs_person=True,
        )
    if code in TOO_MANY or answer.status == 429:
        return Trouble(
            f"Meta asks us to slow down{said}.", retry_after_seconds=_wish(answer, code=code)
        )
    if (code, subcode) in LATE or code == 131047:
        return Trouble(
            "The reply window has closed: the person's last message is too long ago.",
            is_final=True,
        )
    if code in PASSING or error.get("is_transient") is True:
        return Trouble(f"Meta has trouble of its own{said}.")
    if code in SAYINGS:
        return Trouble(f"Not sent: {SAYINGS[code]}{said}.", is_final=True)
    if code in {3, 10} or 200 <= code <= 299:
        return Trouble(
            f"The access token lacks a right: sign in again and allow it{said}.",
            is_final=True,
            needs_person=True,
        )
    return Trouble(f"Meta refused it ({code}{said}).", is_final=True)


def late(answer: web.Answer) -> bool:
    """Whether an answer says that the reply window has closed."""
    error = _error(answer)
    return (_number(error.get("code")), _number(error.get("error_subcode"))) in LATE


def gone(answer: web.Answer) -> bool:
    """Whether an answer says that what was asked for is not there any more."""
    error = _error(answer)
    return (_number(error.get("code")), _number(error.get("error_subcode"))) in GONE


def checked_token(account: Account, *, needed: frozenset[str]) -> Checked:
    """When the token ends, and which rights it lacks, as far as Meta tells. `account` is empty.

    Asks with the app's own name and secret, which Meta wants for this (debug_token). Raises
    `PlaceError`.
    """
    app = asked("GET", "app", account=account, params={"fields": "id,name"})
    about = asked(
        "GET",
        "debug_token",
        account=account,
        params={"input_token": account.secrets.get("token", "")},
        token=f"{app['id']}|{account.secrets.get('app_secret', '')}",
    ).get("data", {})
    missing = sorted(needed - set(about.get("scopes") or ()))
    warnings = [f"The access token lacks the right {name}." for name in missing]
    ends = [_number(about.get(name)) for name in ("expires_at", "data_access_expires_at")]
    expires_at = min((from_unix(end) for end in ends if end > 0), default=None)
    return Checked(account="", warnings=tuple(warnings), expires_at=expires_at)


def _headers(account: Account, token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token or account.secrets.get('token', '')}"}


def _proof(account: Account) -> dict[str, str]:
    """Proof that whoever uses the token also knows the app secret; Meta can be told to insist."""
    secret, token = account.secrets.get("app_secret", ""), account.secrets.get("token", "")
    if not secret or account.settings.get("signed_in_with") == "instagram":
        return {}
    return {"appsecret_proof": hmac.digest(secret.encode(), token.encode(), "sha256").hex()}


def _error(answer: web.Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    error = found.get("error") if isinstance(found, dict) else None
    return error if isinstance(error, dict) else {}


def _said(error: Mapping[str, Any]) -> str:
    details = error.get("error_data")
    words = (details.get("details") if isinstance(details, dict) else "") or error.get(
        "error_user_msg"
    )
    words = words or error.get("message")
    return f": “{' '.join(words.split())[:160]}”" if isinstance(words, str) and words else ""


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _wish(answer: web.Answer, *, code: int) -> int:
    """Seconds to wait: Retry-After, or the minutes that Meta reckons, or what the limit means."""
    wish = answer.retry_after_seconds(now=datetime.now(UTC))
    if wish is not None:
        return wish
    try:
        usage = json.loads(answer.headers.get("x-business-use-case-usage", ""))
        minutes = max(
            float(one.get("estimated_time_to_regain_access") or 0)
            for of_account in usage.values()
            for one in of_account
        )
    except (ValueError, TypeError, AttributeError):
        minutes = 0
    if minutes > 0:
        return min(math.ceil(minutes * 60), 24 * 3600)
    return {131056: 6, 130429: 5}.get(code, 300)
