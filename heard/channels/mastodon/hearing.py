"""What is new for one Mastodon account: notifications, its own statuses and favourites, changes.

The cursor keeps how far each list was read, and the statuses heard lately: those are looked at
again from time to time, because no server tells everybody of edits and deletions.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from heard.channels import asking, sockets, web
from heard.channels.base import Account, Act, Delivered, Fetched, PlaceError, Quota
from heard.channels.dates import moment
from heard.channels.mastodon import statuses
from heard.channels.mastodon.statuses import account_in, kept, shortened

FIRST = timedelta(days=1)
"""How far back the first look goes."""
PAGE, PAGES = 40, 25
TYPES = ("mention", "reblog", "quote")
FOLLOWED_COUNT, FOLLOW_SECONDS = 30, 600.0
CALLS_IN_RESERVE = 30
"""With fewer calls left than these we wait for new ones: answers need calls too."""
_LINK = re.compile(r"<([^>]*)>;\s*rel=\"(\w+)\"")


@dataclass
class State:
    """What the cursor says. `followed` has the moment of the last edit of each status."""

    me: str = ""
    domain: str = ""
    is_begun: bool = False
    notifications: str = ""
    own: str = ""
    favourites: str = ""
    followed: dict[str, str] = field(default_factory=dict)
    ours: list[str] = field(default_factory=list)
    looked_at: float = 0.0


class Line:
    """Asks one server; `quota` is what its last answer said is left."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.server = server_of(account.settings)
        self.quota: Quota | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What proves who asks."""
        return {"authorization": f"Bearer {self.account.secrets.get('token', '')}"}

    def get(
        self,
        path: str,
        asked: Sequence[tuple[str, str]] = (),
        *,
        also: frozenset[int] = frozenset(),
    ) -> web.Answer:
        """The answer to a question. Raises `PlaceError` unless it is good or one of `also`."""
        url = f"{self.server}{path}" + (f"?{urlencode(asked)}" if asked else "")
        answer = asking.wanted(
            "GET", url, account=self.account, headers=self.headers, also=also | {429}
        )
        self.quota = quota_of(answer) or self.quota
        if answer.status == 429:
            raise slow(answer)
        return answer


class Ear:
    """One account, listened to. Every method raises `PlaceError` and the errors of `web`."""

    def __init__(self, cursor: str, account: Account) -> None:
        self.account = account
        self.line = Line(account)
        self.state = _state(cursor)

    def look(self) -> Fetched:
        """Everything that must be asked for."""
        now, state = statuses.now(), self.state
        if not state.me:
            self._learn()
        found = [*self._notified(now), *self._ours(now), *self._liked(now), *self._changed(now)]
        state.is_begun = True
        return self.fetched(found)

    def fetched(self, found: Sequence[Delivered]) -> Fetched:
        """What was found, and where to go on."""
        quota, pause = self.line.quota, None
        if quota and quota.left < CALLS_IN_RESERVE and quota.renewed_at:
            pause = max(0.0, (quota.renewed_at - statuses.now()).total_seconds())
        return Fetched(
            deliveries=tuple(found),
            cursor=json.dumps(asdict(self.state), separators=(",", ":")),
            pause_seconds=pause,
            quota=quota,
        )

    def stream(self) -> Any:
        """An open line on which the server tells what happens, as a context manager."""
        address = str(self.account.settings.get("streaming") or "").rstrip("/")
        if not address:
            address = "ws" + self.line.server.removeprefix("http")
        return sockets.opened(
            f"{address}/api/v1/streaming?stream=user",
            allow_private=self.account.allow_private,
            headers=self.line.headers,
        )

    def told(self, frame: bytes) -> list[Delivered]:
        """What one message of the stream says; nothing for what is none of ours."""
        now = statuses.now()
        try:
            said = json.loads(frame)
            event, payload = said["event"], said.get("payload")
            if event == "delete":
                return [self._gone_one(str(payload), now=now)] if self._knows(str(payload)) else []
            if event not in {"notification", "update", "status.update"}:
                return []
            value = json.loads(payload)
            if event == "notification":
                return [*self._notification(value, now=now)]
            is_ours = str(value["account"]["id"]) == self.state.me
            if is_ours and isinstance(value.get("reblog"), dict):
                return [self._boosted(value, now=now)]
            return [self._status(value, now=now)] if is_ours or self._knows(value["id"]) else []
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return []  # the next look asks for all of it again

    def _learn(self) -> None:
        """Who we are there."""
        me = self.line.get("/api/v1/accounts/verify_credentials").json()
        try:
            self.state.me = str(me["id"])
        except (LookupError, TypeError):
            raise PlaceError("The server does not say whose token this is.") from None
        known = str(self.account.settings.get("domain") or "")
        self.state.domain = known or urlsplit(str(me.get("url") or "")).netloc

    def _notified(self, now: datetime) -> Iterator[Delivered]:
        """Mentions, quotes and boosts; at first those of the last day."""
        wanted = [("types[]", name) for name in TYPES]
        listed, self.state.notifications = self._after(
            "/api/v1/notifications", wanted, last=self.state.notifications
        )
        for one in self._young(listed, now=now):
            yield from self._notification(one, now=now)

    def _notification(self, one: Mapping[str, Any], *, now: datetime) -> Iterator[Delivered]:
        status = one.get("status")
        if not isinstance(status, dict) or not isinstance(status.get("id"), str):
            return
        if one.get("type") in {"mention", "quote"}:
            yield self._status(status, now=now)
        elif one.get("type") == "reblog":
            name = f"boost-{one.get('id')}"
            yield kept(
                "boost", at=now, name=name, me=self.state.me, domain=self.state.domain,
                account=account_in(one.get("account")), id=status["id"], url=status.get("url"),
                seen_at=one.get("created_at"), boost=name,
            )  # fmt: skip

    def _ours(self, now: datetime) -> Iterator[Delivered]:
        """What we or our people wrote and boosted there."""
        listed, self.state.own = self._after(
            f"/api/v1/accounts/{self.state.me}/statuses", [], last=self.state.own
        )
        for one in self._young(listed, now=now):
            if isinstance(one.get("reblog"), dict):
                yield self._boosted(one, now=now)
            elif isinstance(one.get("id"), str):
                yield self._status(one, now=now)

    def _liked(self, now: datetime) -> Iterator[Delivered]:
        """What our people marked as a favourite since we listen; tokens without the right pass."""
        answer = self.line.get(
            "/api/v1/favourites",
            [("limit", str(PAGE))]
            + ([("min_id", self.state.favourites)] if self.state.favourites else []),
            also=frozenset({403}),
        )
        if not answer.is_good:
            return
        listed = _objects(answer.json())
        newest = linked(answer, "prev", "min_id")
        if newest and listed:
            self.state.favourites = newest
        if not self.state.is_begun:
            return
        for one in listed:
            author = one.get("account")
            is_ours = isinstance(author, dict) and str(author.get("id")) == self.state.me
            if isinstance(one.get("id"), str) and not is_ours:
                yield kept(
                    "acted", at=now, name=f"favourite-{one['id']}", me=self.state.me,
                    id=one["id"], act=Act.LIKE, seen_at=now.isoformat(),
                )  # fmt: skip

    def _changed(self, now: datetime) -> Iterator[Delivered]:
        """Which of the statuses heard lately were edited or deleted."""
        state = self.state
        if not state.looked_at:
            state.looked_at = time.time()
        if time.time() - state.looked_at < FOLLOW_SECONDS:
            return
        state.looked_at = time.time()
        for name, edited_at in list(state.followed.items()):
            answer = self.line.get(f"/api/v1/statuses/{name}", also=frozenset({404, 410}))
            if not answer.is_good:
                yield self._gone_one(name, now=now)
                continue
            status = answer.json()
            if isinstance(status, dict) and str(status.get("edited_at") or "") != edited_at:
                yield self._status(status, now=now)

    def _status(self, status: Mapping[str, Any], *, now: datetime) -> Delivered:
        """A status on its way to the house; it is looked after for a while."""
        state, name = self.state, str(status["id"])
        state.followed.pop(name, None)
        state.followed[name] = str(status.get("edited_at") or "")
        for old in list(state.followed)[:-FOLLOWED_COUNT]:
            del state.followed[old]
        author = status.get("account")
        if isinstance(author, dict) and str(author.get("id")) == state.me:
            state.ours = [one for one in [*state.ours, name] if one in state.followed]
        return kept(
            "status", at=now, name=name, me=state.me, domain=state.domain, status=shortened(status)
        )

    def _boosted(self, status: Mapping[str, Any], *, now: datetime) -> Delivered:
        return kept(
            "acted", at=now, name=str(status["id"]), me=self.state.me, act=Act.SHARE,
            id=str(status["reblog"].get("id")), seen_at=status.get("created_at"),
        )  # fmt: skip

    def _gone_one(self, name: str, *, now: datetime) -> Delivered:
        self.state.followed.pop(name, None)
        return kept(
            "gone", at=now, name=f"gone-{name}", me=self.state.me, id=name,
            is_ours=name in self.state.ours, seen_at=now.isoformat(),
        )  # fmt: skip

    def _knows(self, name: str) -> bool:
        return name in self.state.followed

    def _young(
        self, listed: Sequence[Mapping[str, Any]], *, now: datetime
    ) -> Iterator[Mapping[str, Any]]:
        """All of them; of the first look only those of the last day."""
        for one in listed:
            at = moment(str(one.get("created_at") or ""))
            if self.state.is_begun or (at is not None and at >= now - FIRST):
                yield one

    def _after(
        self, path: str, wanted: Sequence[tuple[str, str]], *, last: str
    ) -> tuple[list[Mapping[str, Any]], str]:
        """Everything in a list after `last`, oldest pages first, and where it ends now.

        Without `last`, its newest page.
        """
        found: list[Mapping[str, Any]] = []
        for _ in range(PAGES):
            asked = [*wanted, ("limit", str(PAGE))] + ([("min_id", last)] if last else [])
            answer = self.line.get(path, asked)
            page = _objects(answer.json())
            if not page:
                break
            found += page
            newest = linked(answer, "prev", "min_id") or str(page[0].get("id") or "")
            is_last = not last or len(page) < PAGE or newest == last
            last = newest or last
            if is_last:
                break
        return found, last


def server_of(settings: Mapping[str, Any]) -> str:
    """The address of the account's server."""
    server = str(settings.get("api_url") or settings.get("server") or "").strip().rstrip("/")
    return server if "://" in server or not server else f"https://{server}"


def quota_of(answer: web.Answer) -> Quota | None:
    """What X-RateLimit-Limit, -Remaining and -Reset (a date) tell."""
    try:
        of = answer.headers.get("x-ratelimit-limit")
        return Quota(
            left=int(answer.headers["x-ratelimit-remaining"]),
            of=int(of) if of else None,
            renewed_at=moment(answer.headers.get("x-ratelimit-reset", "")),
        )
    except (KeyError, ValueError):
        return None


def slow(answer: web.Answer) -> PlaceError:
    """The wait that a server asks for, in either of its ways."""
    error, quota = asking.refusal(answer), quota_of(answer)
    if "retry-after" in answer.headers or quota is None or quota.renewed_at is None:
        return error
    left = (quota.renewed_at - datetime.now(UTC)).total_seconds()
    return PlaceError(str(error), retry_after_seconds=max(1.0, min(left, 24 * 3600.0)))


def linked(answer: web.Answer, rel: str, name: str) -> str:
    """A parameter of the address to which the Link header leads (RFC 8288)."""
    for address, relation in _LINK.findall(answer.headers.get("link", "")):
        if relation == rel:
            return str(parse_qs(urlsplit(address).query).get(name, [""])[0])
    return ""


def _state(cursor: str) -> State:
    try:
        return State(**json.loads(cursor)) if cursor else State()
    except (ValueError, TypeError):
        return State()


def _objects(page: Any) -> list[Mapping[str, Any]]:
    if not isinstance(page, list):
        raise PlaceError("The server answered with something that cannot be understood.")
    return [one for one in page if isinstance(one, dict)]
