"""Twilio, whatever it carries: what proves its callbacks, and how it is asked.

https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import parse_qs, parse_qsl, urlsplit, urlunsplit

from heard.channels import asking, web
from heard.channels.base import Account, Delivered, PlaceError, RefusedError, Setting

ACCOUNT_SID = Setting(
    "account_sid",
    "Account SID",
    help="On the first page of the Twilio Console; it begins with AC.",
)
AUTH_TOKEN = Setting(
    "auth_token",
    "Auth Token",
    help="Beside it. Twilio signs what it tells with it, and is asked with it.",
    is_secret=True,
)
API = "https://api.twilio.com"
FILE_BYTES = 20 * 1024 * 1024
PATIENCE_SECONDS = 60.0


def authenticate(delivered: Delivered, account: Account) -> None:
    """Let in what is signed with the auth token over the address that was called and its values.

    Twilio puts no time into it: a repetition is recognised by its names, and changes nothing.
    """
    token = account.secrets.get("auth_token", "")
    given = delivered.headers.get("x-twilio-signature", "")
    if not token or not given:
        raise RefusedError("The header x-twilio-signature is needed, and an auth token here.")
    fits = [
        hmac.compare_digest(signature(url, delivered, token=token).encode(), given.encode())
        for url in _spellings(delivered.url)
    ]
    if not any(fits) or not _body_fits(delivered):
        raise RefusedError(
            f"The signature is not that of the auth token for {delivered.url.partition('?')[0]}."
        )


def signature(url: str, delivered: Delivered, *, token: str) -> str:
    """What Twilio writes into X-Twilio-Signature for this delivery at this address."""
    pairs: set[tuple[str, str]] = set()
    if not _has_body_digest(delivered.url):
        pairs = set(form(delivered.body))
    content = url + "".join(f"{name}{value}" for name, value in sorted(pairs))
    mark = hmac.new(token.encode(), content.encode("utf-8", "surrogateescape"), hashlib.sha1)
    return base64.b64encode(mark.digest()).decode()


def form(body: bytes) -> list[tuple[str, str]]:
    """The names and values that Twilio posted; none for what is no form."""
    try:
        return parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, strict_parsing=bool(body.strip())
        )
    except ValueError:
        return []


def known(account: Account) -> tuple[str, tuple[str, ...]]:
    """Whose account it is, and what is wrong with it. Raises `PlaceError`."""
    sid = sid_of(account)
    if not sid.startswith("AC") or not sid.isalnum():
        raise PlaceError("An account SID begins with AC.", needs_person=True)
    found = asking.wanted(
        "GET",
        f"{api(account)}/2010-04-01/Accounts/{sid}.json",
        account=account,
        headers=proof(account),
    ).json()
    state = str(found.get("status", "")) if isinstance(found, dict) else ""
    name = str(found.get("friendly_name", "")) if isinstance(found, dict) else ""
    warnings = (f"Twilio says that the account is {state}.",) if state not in {"", "active"} else ()
    return name or sid, warnings


def sid_of(account: Account) -> str:
    """The account's own name at Twilio."""
    return str(account.settings.get("account_sid") or "").strip()


def fetch(source: str, account: Account) -> bytes:
    """A recording or a picture. Our credentials go to Twilio and nowhere else.

    Raises `PlaceError`, and those of `web`.
    """
    host = urlsplit(source).hostname or ""
    is_theirs = host == "api.twilio.com" or host.endswith(".api.twilio.com")
    if not is_theirs and host != urlsplit(api(account)).hostname:
        raise PlaceError(f"{host} is not Twilio: nothing is fetched there.", needs_person=True)
    answer = web.ask(
        "GET",
        source,
        headers=proof(account),
        allow_private=account.allow_private,
        follows=True,
        limit_bytes=FILE_BYTES,
        timeout_seconds=PATIENCE_SECONDS,
    )
    if not answer.is_good:
        raise asking.refusal(answer)
    return answer.body


def api(account: Account) -> str:
    """Where Twilio is asked."""
    return str(account.settings.get("api_url") or API).rstrip("/")


def proof(account: Account) -> dict[str, str]:
    """The header that lets us in: account SID and auth token."""
    pair = f"{sid_of(account)}:{account.secrets.get('auth_token', '')}".encode()
    return {"authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _has_body_digest(url: str) -> bool:
    return "bodySHA256" in parse_qs(urlsplit(url).query)


def _body_fits(delivered: Delivered) -> bool:
    """A body that is no form is not signed; then its digest stands in the address, which is."""
    told = parse_qs(urlsplit(delivered.url).query).get("bodySHA256")
    if told is None:
        return True
    digest = hashlib.sha256(delivered.body).hexdigest()
    return hmac.compare_digest(digest.encode(), told[0].lower().encode())


def _spellings(url: str) -> tuple[str, ...]:
    """With the port of its scheme and without: Twilio signs either."""
    parts = urlsplit(url)
    port = {"https": 443, "http": 80}.get(parts.scheme)
    host = parts.netloc.rpartition("@")[2]
    bare = host.removesuffix(f":{port}")
    with_port = host if ":" in bare else f"{bare}:{port}"
    return tuple(
        dict.fromkeys(
            (url, *(urlunsplit(parts._replace(netloc=each)) for each in (bare, with_port)))
        )
    )
