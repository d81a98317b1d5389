"""A signed-in line to the server that keeps a Bluesky account (XRPC over HTTP).

Sessions are opened rarely (the place allows 300 a day): the tokens of one are renewed with its own
refresh token, kept by the house, and shared by everything that this process does for the account.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from heard.channels import asking, web
from heard.channels.base import Account, PlaceError, Quota

SERVICE = "https://bsky.social"
LIMIT_BYTES = 8 * 1024 * 1024
EARLY_SECONDS = 60
"""A token that ends within this time is renewed before it is used."""
ENDED = frozenset({"ExpiredToken", "InvalidToken", "AuthMissing", "AuthenticationRequired"})
MAIN_PASSWORD_SCOPE = "com.atproto.access"  # noqa: S105 - the name of a scope


@dataclass(frozen=True, slots=True)
class Session:
    """Who we are there, where our records are kept, and the two tokens of the moment.

    `opened_with` tells whether it belongs to the password that the inbox has now.
    """

    did: str
    handle: str
    server: str
    access: str
    refresh: str
    opened_with: str

    def is_fresh(self) -> bool:
        """Whether the access token will still be good when it gets there."""
        ends = _claim(self.access, "exp")
        return not isinstance(ends, int | float) or ends > time.time() + EARLY_SECONDS

    def is_of_main_password(self) -> bool:
        """Whether the password was that of the account itself, which can do everything."""
        return bool(_claim(self.access, "scope") == MAIN_PASSWORD_SCOPE)


_sessions: dict[str, Session] = {}
_locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
"""One for each account: a server that takes its time keeps nobody else waiting."""


class Line:
    """Asks the server of one account; `quota` is what the last answer said is left."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._service = str(account.settings.get("service") or SERVICE).strip().rstrip("/")
        self._handle = str(account.settings.get("handle") or "").strip().lstrip("@")
        password = account.secrets.get("password", "")
        named = f"{self._service}\n{self._handle}\n{password}"
        self._opened_with = hashlib.sha256(named.encode()).hexdigest()
        self._password = password
        self.quota: Quota | None = None

    @property
    def session(self) -> Session:
        """The session, opened or renewed where that is needed. Raises as `ask` does."""
        with _locks[self._opened_with]:
            known = _sessions.get(self._opened_with) or self._kept()
            if known is None or not known.is_fresh():
                known = (self._renewed(known) if known else None) or self._opened()
                self._keep(known)
            _sessions[self._opened_with] = known
            return known

    @property
    def did(self) -> str:
        """The account's lasting name."""
        return self.session.did

    def get(self, method: str, *, params: Mapping[str, str]) -> Any:
        """The JSON answer to a question. Raises `PlaceError`, with the place's own words."""
        answer = self.ask("GET", method, params=params)
        if not answer.is_good:
            raise refusal(answer)
        return answer.json()

    def ask(
        self,
        verb: str,
        method: str,
        *,
        params: Mapping[str, str] | None = None,
        data: Any = None,
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> web.Answer:
        """Whatever the server answers, good or bad; an ended session is renewed once.

        Raises the errors of `web`, and `PlaceError` when no session can be had.
        """
        sent = json.dumps(data, ensure_ascii=False).encode() if data is not None else body
        session = self.session
        answer = self._asked(verb, method, session, params, sent, content_type)
        if answer.status in {400, 401} and said(answer) in ENDED:
            with _locks[self._opened_with]:
                known = _sessions.get(self._opened_with)
                if known is None or known.access == session.access:
                    known = self._renewed(session) or self._opened()
                    self._keep(known)
                    _sessions[self._opened_with] = known
            answer = self._asked(verb, method, known, params, sent, content_type)
        return answer

    def _asked(
        self,
        verb: str,
        method: str,
        session: Session,
        params: Mapping[str, str] | None,
        body: bytes | None,
        content_type: str,
    ) -> web.Answer:
        headers = {"authorization": f"Bearer {session.access}"}
        if body is not None:
            headers["content-type"] = content_type
        address = _with(f"{session.server}/xrpc/{method}", params)
        answer = self._raw(verb, address, body=body, headers=headers)
        self.quota = quota_of(answer) or self.quota
        return answer

    def _raw(
        self, verb: str, url: str, *, body: bytes | None, headers: Mapping[str, str]
    ) -> web.Answer:
        return web.ask(
            verb,
            url,
            body=body,
            headers=headers,
            allow_private=self._account.allow_private,
            limit_bytes=LIMIT_BYTES,
        )

    def _opened(self) -> Session:
        """A new session with the password."""
        answer = self._raw(
            "POST",
            f"{self._service}/xrpc/com.atproto.server.createSession",
            body=json.dumps({"identifier": self._handle, "password": self._password}).encode(),
            headers={"content-type": "application/json"},
        )
        if not answer.is_good:
            raise _not_opened(answer)
        return self._read(answer.json())

    def _renewed(self, session: Session) -> Session | None:
        """The session with new tokens; None if it has ended and must be opened anew."""
        answer = self._raw(
            "POST",
            f"{session.server}/xrpc/com.atproto.server.refreshSession",
            body=None,
            headers={"authorization": f"Bearer {session.refresh}"},
        )
        if answer.is_good:
            return replace(self._read(answer.json()), server=session.server)
        if answer.status in {400, 401}:
            return None
        raise refusal(answer)

    def _read(self, said: Any) -> Session:
        try:
            return Session(
                did=str(said["did"]),
                handle=str(said.get("handle") or ""),
                server=_server_in(said.get("didDoc")) or self._service,
                access=str(said["accessJwt"]),
                refresh=str(said["refreshJwt"]),
                opened_with=self._opened_with,
            )
        except (LookupError, TypeError, AttributeError):
            raise PlaceError("The server opened a session that cannot be understood.") from None

    def _kept(self) -> Session | None:
        """The session that the house kept, if it is one of this password."""
        try:
            session = Session(**json.loads(self._account.secrets.get("session") or "{}"))
        except (ValueError, TypeError):
            return None
        return session if session.opened_with == self._opened_with else None

    def _keep(self, session: Session) -> None:
        if self._account.renew is not None:
            self._account.renew({"session": json.dumps(asdict(session))})


def said(answer: web.Answer) -> str:
    """The name of the error in an answer; empty where there is none."""
    try:
        found = answer.json()
    except PlaceError:
        return ""
    return str(found.get("error") or "") if isinstance(found, dict) else ""


def refusal(answer: web.Answer) -> PlaceError:
    """What a bad answer means; the wait of a rate limit is read from its own headers."""
    name = said(answer)
    if name in {"AccountTakedown", "AccountDeactivated", "AccountSuspended"}:
        return PlaceError("The account is switched off at Bluesky.", needs_person=True)
    if name in ENDED:
        return PlaceError("Bluesky does not accept our session any more.", needs_person=True)
    error = asking.refusal(answer)
    if answer.status == 429 and "retry-after" not in answer.headers:
        quota = quota_of(answer)
        if quota and quota.renewed_at:
            left = (quota.renewed_at - datetime.now(UTC)).total_seconds()
            return PlaceError(str(error), retry_after_seconds=max(1.0, min(left, 24 * 3600.0)))
    return error


def quota_of(answer: web.Answer) -> Quota | None:
    """What the rate limit headers tell (ratelimit-limit, -remaining, -reset in Unix seconds)."""
    try:
        left = int(answer.headers["ratelimit-remaining"])
        of = answer.headers.get("ratelimit-limit")
        reset = answer.headers.get("ratelimit-reset")
        return Quota(
            left=left,
            of=int(of) if of else None,
            renewed_at=datetime.fromtimestamp(int(reset), UTC) if reset else None,
        )
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def forget() -> None:
    """Forget every session that this process knows."""
    _sessions.clear()


def _not_opened(answer: web.Answer) -> PlaceError:
    name = said(answer)
    if name == "AuthFactorTokenRequired":
        return PlaceError(
            "The account asks for a code by e-mail: use an app password instead.",
            needs_person=True,
        )
    if answer.status == 401 and name in {"AuthenticationRequired", ""}:
        return PlaceError(
            "Bluesky does not know this handle and app password together.", needs_person=True
        )
    return refusal(answer)


def _with(url: str, params: Mapping[str, str] | None) -> str:
    """The address with its parameters; several lines in a value are several values."""
    if not params:
        return url
    return (
        url
        + "?"
        + urlencode([(name, one) for name, value in params.items() for one in value.split("\n")])
    )


def _server_in(document: Any) -> str:
    """The server that keeps the account's records, as its DID document says."""
    services = document.get("service") if isinstance(document, dict) else None
    for service in services if isinstance(services, list) else ():
        if isinstance(service, dict) and service.get("type") == "AtprotoPersonalDataServer":
            return str(service.get("serviceEndpoint") or "").rstrip("/")
    return ""


def _claim(token: str, name: str) -> Any:
    """One claim of a token, without judging it: it is the server's, not ours."""
    try:
        middle = token.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4))).get(name)
    except (IndexError, ValueError, AttributeError):
        return None
