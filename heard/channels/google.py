"""Signing in at Google, and what its answers mean: the same for every interface of Google.

A sign-in lasts an hour. https://developers.google.com/identity/protocols/oauth2/service-account
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from heard.channels import asking, payloads, web, webtokens
from heard.channels.asking import Trouble
from heard.channels.base import Account, Grant, PlaceError, Receipt, SendState

AUTHORIZE = "https://accounts.google.com/o/oauth2/v2/auth"
TOKEN = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
HOUR_SECONDS = 3600
BY_ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ENDED = frozenset({"invalid_grant", "invalid_client", "unauthorized_client", "UNAUTHENTICATED"})
DENIED = frozenset({"PERMISSION_DENIED", "accessNotConfigured", "insufficientPermissions"})
SPENT = frozenset({"RESOURCE_EXHAUSTED", "quotaExceeded", "rateLimitExceeded"})


def judge(answer: web.Answer) -> Trouble | None:
    """What an answer of Google means."""
    if answer.is_good:
        return None
    words, sentence = _reason(answer)
    quoted = f": “{' '.join(sentence.split())[:160]}”" if sentence else ""
    wish = answer.retry_after_seconds(now=datetime.now(UTC))
    if answer.status == 429 or words & SPENT:
        return Trouble(f"Google asks us to slow down{quoted}.", retry_after_seconds=wish or 60)
    if answer.status == 401 or words & ENDED:
        return Trouble(
            f"The sign-in to Google has ended or is wrong: put in a new one{quoted}.",
            is_final=True,
            needs_person=True,
        )
    if answer.status == 403 or words & DENIED:
        return Trouble(
            f"Google does not let this sign-in do that{quoted}.", is_final=True, needs_person=True
        )
    if answer.status >= 500:
        return asking.plainly(answer)
    return Trouble(
        f"Google refused it ({answer.status}{quoted}).",
        is_final=answer.status not in asking.PASSING,
        needs_person=answer.status not in asking.PASSING,
    )


def service_token(account: Account, *, key: str, scope: str) -> str:
    """An access token of a service account, `key` being its file. Raises `PlaceError`."""
    try:
        told = json.loads(key)
        email, private = str(told["client_email"]), str(told["private_key"])
    except payloads.WRONG:
        raise PlaceError(
            "The key of the service account is not whole: put in all that stands in its file.",
            needs_person=True,
        ) from None
    now = int(datetime.now(UTC).timestamp())
    claims = {
        "iss": email,
        "scope": scope,
        "aud": TOKEN,
        "iat": now,
        "exp": now + HOUR_SECONDS,
    }
    signed = webtokens.signed(claims, key=private, key_id=str(told.get("private_key_id") or ""))
    return _token(account, {"grant_type": BY_ASSERTION, "assertion": signed})


def refreshed_token(account: Account) -> str:
    """An access token of whoever signed in once. Raises `PlaceError`.

    Needs the setting `client_id` and the secrets `client_secret` and `refresh_token`.
    """
    return _token(
        account,
        {
            "grant_type": "refresh_token",
            "client_id": str(account.settings.get("client_id") or ""),
            "client_secret": account.secrets.get("client_secret", ""),
            "refresh_token": account.secrets.get("refresh_token", ""),
        },
    )


def grant(account: Account, *, scope: str) -> Grant:
    """Where somebody signs in for `refreshed_token`. Raises `PlaceError`.

    https://developers.google.com/identity/protocols/oauth2/web-server
    """
    client = str(account.settings.get("client_id") or "")
    if not client or not account.secrets.get("client_secret"):
        raise PlaceError("The client id and client secret of your app at Google are missing.")
    own = str(account.settings.get("api_url") or "").rstrip("/")
    return Grant(
        authorize_url=f"{own}/authorize" if own else AUTHORIZE,
        token_url=f"{own}/token" if own else TOKEN,
        client_id=client,
        client_secret=account.secrets["client_secret"],
        scope=scope,
        more={"access_type": "offline", "prompt": "consent"},
    )


def address(account: Account, vendor: str) -> str:
    """Where an interface is: at `vendor`, or where the inbox's own `api_url` says."""
    return str(account.settings.get("api_url") or vendor).rstrip("/")


def not_signed_in(error: PlaceError) -> Receipt:
    """The receipt for what did not leave because the sign-in failed."""
    wish = error.retry_after_seconds
    return Receipt(
        SendState.FAILED,
        reason=str(error),
        retry_after_seconds=None if wish is None else int(wish),
        is_final=error.needs_person,
    )


def _token(account: Account, form: dict[str, str]) -> str:
    own = str(account.settings.get("api_url") or "").rstrip("/")
    said: Any = asking.wanted(
        "POST",
        f"{own}/token" if own else TOKEN,
        account=account,
        judge=judge,
        body=asking.as_form(form),
    ).json()
    token = said.get("access_token") if isinstance(said, dict) else None
    if not isinstance(token, str) or not token.isprintable() or not token.isascii():
        raise PlaceError("Google answered without a token.")
    return token


def _reason(answer: web.Answer) -> tuple[frozenset[str], str]:
    """Google's own words for what went wrong, and its sentence."""
    try:
        said = json.loads(answer.body)
        error = said["error"]
        if isinstance(error, str):  # as the sign-in answers
            return frozenset({error}), str(said.get("error_description") or "")
        reasons = [str(one.get("reason") or "") for one in error.get("errors") or ()]
        words = frozenset({*reasons, str(error.get("status") or "")})
        return words, str(error.get("message") or "")
    except payloads.WRONG:
        return frozenset(), ""
