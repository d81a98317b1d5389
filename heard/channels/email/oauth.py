"""OAuth 2 for mailboxes at Google and Microsoft: a kept refresh token buys short-lived ones.

What a vendor replaces is handed back to the house through `Account.renew`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from heard.channels import web
from heard.channels.base import Account, Grant, PlaceError

ADDRESSES = {
    "google": "https://oauth2.googleapis.com/token",
    "microsoft": "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
}
AUTHORIZING = {
    "google": "https://accounts.google.com/o/oauth2/v2/auth",
    "microsoft": "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
}
SCOPES = {
    "google": "https://mail.google.com/",
    "microsoft": "https://outlook.office.com/IMAP.AccessAsUser.All "
    "https://outlook.office.com/SMTP.Send offline_access",
}
VENDORS = {"google": "Google", "microsoft": "Microsoft"}
SPARE_SECONDS = 120
"""A token that ends sooner than this is not used any more."""

FINAL = frozenset({
    "invalid_grant", "invalid_client", "unauthorized_client", "interaction_required",
    "consent_required", "access_denied", "invalid_scope",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and when it ends, in seconds since 1970."""

    value: str
    ends_at: float

    def is_good(self) -> bool:
        """Whether it can be used for a while."""
        return bool(self.value) and self.ends_at - time.time() > SPARE_SECONDS


def sign_in_of(account: Account) -> str:
    """How the account signs in: "password", "google" or "microsoft"."""
    wanted = str(account.settings.get("sign_in") or "password")
    return wanted if wanted in ADDRESSES else "password"


def access_token(account: Account, *, is_forced: bool = False) -> str:
    """A token that opens the mailbox now: the kept one, or a new one (RFC 6749, section 6).

    `is_forced` asks for a new one, because the kept one was refused. Raises `PlaceError`, which
    needs a person when the vendor does not take the refresh token any more.
    """
    kept = Token(account.secrets.get("access_token", ""), _number(account.secrets, "access_ends"))
    if kept.is_good() and not is_forced:
        return kept.value
    vendor = sign_in_of(account)
    refresh = account.secrets.get("refresh_token", "")
    if not refresh:
        raise PlaceError(
            f"Sign in at {VENDORS[vendor]} first: there is no refresh token.", needs_person=True
        )
    said = _asked(account, vendor=vendor, refresh=refresh)
    token = Token(str(said.get("access_token") or ""), time.time() + _seconds(said))
    if not token.value:
        raise PlaceError(f"{VENDORS[vendor]} gave no access token.")
    if account.renew is not None:
        renewed = {"access_token": token.value, "access_ends": str(int(token.ends_at))}
        newer = said.get("refresh_token")
        account.renew(renewed | ({"refresh_token": newer} if isinstance(newer, str) else {}))
    return token.value


def grant(account: Account) -> Grant | None:
    """Where whoever owns the mailbox signs in; None for a password. Raises `PlaceError`.

    https://developers.google.com/identity/protocols/oauth2/web-server and
    https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
    """
    vendor = sign_in_of(account)
    if vendor == "password":
        return None
    client = str(account.settings.get("client_id") or "")
    if not client:
        raise PlaceError(f"The client ID of your app at {VENDORS[vendor]} is missing.")
    mailbox = str(account.settings.get("user") or account.settings.get("address") or "")
    for_long = {"access_type": "offline", "prompt": "consent"} if vendor == "google" else {}
    own = str(account.settings.get("authorize_url") or "")
    return Grant(
        authorize_url=own or AUTHORIZING[vendor].format(tenant=_tenant(account)),
        token_url=_token_url(account, vendor),
        client_id=client,
        client_secret=account.secrets.get("client_secret", ""),
        scope=SCOPES[vendor],
        more=for_long | ({"login_hint": mailbox} if mailbox else {}),
    )


def sign_in_words(user: str, token: str) -> str:
    """What XOAUTH2 sends, before base64 (Google's and Microsoft's documents)."""
    return f"user={user}\x01auth=Bearer {token}\x01\x01"


def _tenant(account: Account) -> str:
    return str(account.settings.get("tenant") or "organizations").strip()


def _token_url(account: Account, vendor: str) -> str:
    own = str(account.settings.get("token_url") or "")
    return own or ADDRESSES[vendor].format(tenant=_tenant(account))


def _asked(account: Account, *, vendor: str, refresh: str) -> Mapping[str, object]:
    """The vendor's answer to the refresh token."""
    from urllib.parse import urlencode  # noqa: PLC0415

    url = _token_url(account, vendor)
    form = {
        "grant_type": "refresh_token",
        "refresh_token": refresh,
        "client_id": str(account.settings.get("client_id") or ""),
        "scope": SCOPES[vendor],
    }
    if vendor == "google":
        del form["scope"]
    if secret := account.secrets.get("client_secret"):
        form["client_secret"] = secret
    try:
        answer = web.post(
            url,
            body=urlencode(form).encode(),
            headers={"content-type": "application/x-www-form-urlencoded"},
            allow_private=account.allow_private,
        )
    except (web.ForbiddenAddressError, web.NotReachedError, web.NoAnswerError) as error:
        raise PlaceError(f"{VENDORS[vendor]} could not be asked for a token: {error}.") from error
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        said = None
    if answer.is_good and isinstance(said, dict):
        return said
    word = str(said.get("error") or "") if isinstance(said, dict) else ""
    if word in FINAL:
        raise PlaceError(
            f"{VENDORS[vendor]} does not let us in any more ({word}): connect the mailbox again.",
            needs_person=True,
        )
    raise PlaceError(
        f"{VENDORS[vendor]} gave no token ({answer.status}{', ' + word[:80] if word else ''})."
    )


def _seconds(said: Mapping[str, object]) -> float:
    given = said.get("expires_in")
    return float(given) if isinstance(given, int | float) else _digits(given)


def _digits(given: object) -> float:
    return float(given) if isinstance(given, str) and given.isdigit() else 3600.0


def _number(secrets: Mapping[str, str], name: str) -> float:
    given = secrets.get(name, "")
    return float(given) if given.isdigit() else 0.0
