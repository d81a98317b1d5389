"""Signing in at a place's own page: the way there, and what its answer is worth.

OAuth 2.0 with an authorization code (RFC 6749, section 4.1), bound to whoever set out by PKCE
(RFC 7636). Nothing is kept here.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from heard.channels import asking
from heard.channels.base import Account, Grant, PlaceError


def new_verifier() -> str:
    """A word that whoever set out proves to know when they come back (RFC 7636, section 4.1)."""
    return secrets.token_urlsafe(48)


def way_of(grant: Grant, *, redirect: str, state: str, verifier: str) -> str:
    """The address at which somebody signs in; it sends them back to `redirect` with a code."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    wanted = {
        "response_type": "code",
        "client_id": grant.client_id,
        "redirect_uri": redirect,
        "scope": grant.scope,
        "state": state,
        "code_challenge": challenge.rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        **grant.more,
    }
    there = urlsplit(grant.authorize_url)
    query = "&".join(part for part in (there.query, urlencode(wanted)) if part)
    return urlunsplit(there._replace(query=query))


def refresh_token(
    grant: Grant, *, code: str, redirect: str, verifier: str, account: Account
) -> str:
    """The lasting key that the code is worth, once. Raises `PlaceError` in words for people."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect,
        "code_verifier": verifier,
    }
    headers = {"accept": "application/json"}
    if grant.is_basic:
        pair = f"{quote(grant.client_id, safe='')}:{quote(grant.client_secret, safe='')}"
        headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form["client_id"] = grant.client_id
        if grant.client_secret:
            form["client_secret"] = grant.client_secret
    said = asking.wanted(
        "POST", grant.token_url, account=account, headers=headers, body=asking.as_form(form)
    ).json()
    token = said.get("refresh_token") if isinstance(said, dict) else None
    if not isinstance(token, str) or not token:
        raise PlaceError(
            "The sign-in was for this once only: the place gave no refresh token.",
            needs_person=True,
        )
    return token
