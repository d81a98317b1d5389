"""Names that only we can give: for mails that we send, and for the addresses that answer them.

A token is made from what the house calls the reply, and proven by the inbox's own key. So a reply
has the same Message-ID however often it is tried, and a name that somebody made up proves nothing.
What a token proves is the thread, never the person: who writes is told by the mail itself.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import re
from collections.abc import Iterable

from heard.channels.base import Account

MARK = "heard-"
_NAME, _PROOF = 16, 16
_TOKEN = re.compile(MARK + r"([a-z2-7]{32})", re.IGNORECASE)


def message_id(idempotency_key: str, *, account: Account) -> str:
    """The Message-ID, without brackets, of the mail that carries a reply."""
    name = _letters(hashlib.sha256(idempotency_key.encode()).digest(), _NAME)
    return f"{MARK}{name}{_proof(name, _key(account))}@{domain(account)}"


def reply_address(name: str, *, account: Account) -> str:
    """Our address with the token of a mail of ours in it; "" where it would be too long."""
    local, _, host = own_address(account).partition("@")
    token = _TOKEN.search(name)
    tagged = f"{local}+{token[0].lower()}" if token else ""
    return f"{tagged}@{host}" if tagged and len(tagged) <= 64 else ""


def proven(names: Iterable[str], *, account: Account) -> str:
    """The first of these Message-IDs that we have given; "" if none is ours."""
    for name in names:
        if MARK in name and (token := _TOKEN.match(name)) and is_ours(token[1], account=account):
            return name
    return ""


def addressed(addresses: Iterable[str], *, account: Account) -> str:
    """The Message-ID of the mail of ours that one of these addresses answers; "" if none does."""
    for address in addresses:
        local, plus, tag = address.partition("@")[0].partition("+")
        token = _TOKEN.fullmatch(tag) if plus and local else None
        if token and is_ours(token[1], account=account):
            return f"{token[0].lower()}@{domain(account)}"
    return ""


def found_in(text: str, *, account: Account) -> str:
    """The Message-ID of a mail of ours that a text names (a bounce without its parts)."""
    for token in _TOKEN.finditer(text):
        if is_ours(token[1], account=account):
            return f"{token[0].lower()}@{domain(account)}"
    return ""


def is_ours(token: str, *, account: Account) -> bool:
    """Whether a token was made with the key of this inbox."""
    key = _key(account)
    token = token.lower()
    return bool(key) and hmac.compare_digest(_proof(token[:_NAME], key), token[_NAME:])


def own_address(account: Account) -> str:
    """The address of the inbox, in small letters."""
    return str(account.settings.get("address") or "").strip().lower()


def domain(account: Account) -> str:
    """What stands behind the @ of our names."""
    return own_address(account).rpartition("@")[2] or "heard.invalid"


def _key(account: Account) -> str:
    """What nobody outside knows and nothing replaces: the secret part of the inbox's address."""
    return account.hook.rstrip("/").rpartition("/")[2]


@functools.lru_cache(maxsize=4096)
def _proof(name: str, key: str) -> str:
    return _letters(hmac.digest(key.encode(), b"mail:" + name.encode(), "sha256"), _PROOF)


def _letters(digest: bytes, count: int) -> str:
    return base64.b32encode(digest).decode().lower()[:count]
