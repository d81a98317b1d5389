"""What is new for one Bluesky account: notifications, our own repository, names, and what is gone.

The cursor remembers what was handed on lately, so that looking again, with an overlap against late
arrivals, brings each thing once.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from heard.channels.base import Account, Act, Delivered, Fetched, PlaceError
from heard.channels.bluesky import posts
from heard.channels.bluesky.firehose import Found, Stream, cid_text, plain
from heard.channels.bluesky.posts import LIKE, POST, REPOST, author_of, kept, person
from heard.channels.bluesky.session import Line, refusal, said
from heard.channels.bluesky.writing import stamp
from heard.channels.dates import moment
from heard.channels.terms import Terms

FIRST_DAYS = 1
"""How far back the first look goes."""
OVERLAP, NEAR = timedelta(hours=1), timedelta(minutes=2)
"""Notifications are sorted by when posts say that they were written, so late ones stand lower. A
long list is read again as far as `NEAR`, and every `WIDE_SECONDS` as far as `OVERLAP`."""
PAGE, PAGES = 100, 10
WORDS = frozenset({"mention", "reply", "quote"})
SEEN_COUNT, OURS_COUNT, FOLLOWED_COUNT, PEOPLE_COUNT = 500, 400, 100, 5000
GONE_SECONDS, SEARCH_SECONDS, WIDE_SECONDS = 600.0, 60.0, 600.0
SEARCHES_AT_ONCE, SEARCHED_COUNT = 10, 100
CALLS_IN_RESERVE = 50
"""With fewer calls left than these we wait for new ones: answers need calls too."""


@dataclass
class State:
    """What the cursor says. `seen` and `ours` are short digests of names."""

    since: str = ""
    top: str = ""
    page: str = ""
    wide_at: float = 0.0
    is_wide: bool = False
    seen: list[str] = field(default_factory=list)
    rev: str = ""
    ours: list[str] = field(default_factory=list)
    followed: list[str] = field(default_factory=list)
    gone_at: float = 0.0
    searched: dict[str, float] = field(default_factory=dict)
    search_at: float = 0.0
    stream: str = ""
    position: int | None = None


class Ear:
    """One account, listened to. Every method raises `PlaceError` and the errors of `web`."""

    def __init__(self, cursor: str, account: Account) -> None:
        self.account = account
        self.line = Line(account)
        self.state = _state(cursor)
        self.terms = terms_of(account.settings)
        self._people: dict[str, dict[str, Any]] = {}

    def look(self) -> Fetched:
        """Everything that must be asked for."""
        now = posts.now()
        is_first = not self.state.since
        if is_first:
            self.state.since = stamp(now - timedelta(days=FIRST_DAYS))
        found = [*self._notified(now), *self._ours(now)]
        if self.terms and not has_stream(self.account.settings):
            found += self._searched(now)
        found += self._gone(now)
        return self.fetched(found)

    def fetched(self, found: Sequence[Delivered]) -> Fetched:
        """What was found, and where to go on."""
        quota, pause = self.line.quota, None
        if quota and quota.left < CALLS_IN_RESERVE and quota.renewed_at:
            pause = max(0.0, (quota.renewed_at - posts.now()).total_seconds())
        return Fetched(
            deliveries=tuple(found),
            cursor=json.dumps(asdict(self.state), separators=(",", ":")),
            has_more=bool(self.state.page),
            pause_seconds=pause,
            quota=quota,
        )

    def stream(self) -> Stream:
        """The stream that the settings ask for, from where we were."""
        position = self.state.position
        stream = Stream(self.account, terms=self.terms, position=position, knows=self._follows)
        if self.state.stream != stream.url:
            stream.position, self.state.stream = None, stream.url
        return stream

    def streamed(self, found: Sequence[Found], *, position: int | None) -> list[Delivered]:
        """What the stream brought, with the people who wrote it."""
        self.state.position = position
        own, now = self.line.did, posts.now()
        words = [
            (seen, names)
            for seen, names in found
            if seen.record is not None and author_of(seen.uri) != own
        ]
        people = self._profiles([author_of(seen.uri) for seen, _ in words])
        brought = [
            kept(
                "post",
                at=now,
                name=seen.uri,
                own=own,
                uri=seen.uri,
                cid=cid_text(seen.cid),
                author=people.get(author_of(seen.uri), {"did": author_of(seen.uri)}),
                record=plain(seen.record),
                terms=list(names),
                is_edit=seen.action == "update",
            )
            for seen, names in words
        ]
        self._follow(seen.uri for seen, _ in words)
        for seen, _ in found:
            if seen.record is None:
                brought.append(self._gone_one(seen.uri, now=now))
        return brought

    def _notified(self, now: datetime) -> Iterator[Delivered]:
        """Mentions, replies, quotes and reposts, newest first; a long list is continued later."""
        state, own = self.state, self.line.did
        since = moment(state.since) or now
        oldest = since - OVERLAP
        if not state.page:  # else a long list is continued as it was begun
            state.is_wide = time.time() - state.wide_at >= WIDE_SECONDS
            state.wide_at = time.time() if state.is_wide else state.wide_at
        enough = oldest if state.is_wide else since - NEAR
        views: list[Mapping[str, Any]] = []
        for _ in range(PAGES):
            asked = {"limit": str(PAGE)} | ({"cursor": state.page} if state.page else {})
            page = self.line.get("app.bsky.notification.listNotifications", params=asked)
            listed = _objects(page, "notifications")
            if not state.page and listed:
                state.top = str(listed[0].get("indexedAt") or "")
            views += listed
            state.page = str(page.get("cursor") or "") if isinstance(page, dict) else ""
            ends = moment(str(listed[-1].get("indexedAt") or "")) if listed else None
            if not state.page or ends is None or ends < enough:
                state.page = ""
                break
        if not state.page and state.top:
            state.since = max(state.since, stamp(min(moment(state.top) or now, now)))
        fresh = [view for view in views if self._is_fresh(view, oldest=oldest)]
        people = self._profiles([str(view["author"].get("did")) for view in fresh])
        for view in fresh:
            uri = str(view["uri"])
            author = people.get(str(view["author"].get("did"))) or person(view["author"])
            told = {"own": own, "uri": uri, "author": author, "seen_at": view["indexedAt"]}
            if view["reason"] == "repost":
                yield kept("repost", at=now, name=uri, subject=view.get("reasonSubject"), **told)
            else:
                cid, record = view.get("cid"), view["record"]
                yield kept("post", at=now, name=uri, cid=cid, record=record, **told)
        self._follow(str(view["uri"]) for view in fresh if view["reason"] != "repost")
        state.seen = state.seen[-SEEN_COUNT:]

    def _is_fresh(self, view: Mapping[str, Any], *, oldest: datetime) -> bool:
        if view.get("reason") not in WORDS | {"repost"} or not isinstance(view.get("uri"), str):
            return False
        if not isinstance(view.get("author"), dict) or not isinstance(view.get("record"), dict):
            return False
        at, name = moment(str(view.get("indexedAt") or "")), _digest(view["uri"])
        if at is None or at < oldest or name in self.state.seen:
            return False
        self.state.seen.append(name)
        return True

    def _ours(self, now: datetime) -> Iterator[Delivered]:
        """What we or our people wrote, liked and reposted there, if anything has changed."""
        own = self.line.did
        latest = self.line.get("com.atproto.sync.getLatestCommit", params={"did": own})
        rev = str(latest.get("rev") or "") if isinstance(latest, dict) else ""
        if rev and rev == self.state.rev:
            return
        for collection in (POST, REPOST, LIKE):
            for uri, cid, record in self._new_records(collection, now=now):
                at = str(record.get("createdAt") or "")
                if collection == POST:
                    me = {"did": own, "handle": self.line.session.handle}
                    yield kept(
                        "post", at=now, name=uri, own=own, uri=uri, cid=cid, author=me,
                        record=record,
                    )  # fmt: skip
                    self._follow([uri])
                    continue
                subject = record.get("subject")
                about = subject.get("uri") if isinstance(subject, dict) else None
                if isinstance(about, str) and f"/{POST}/" in about and author_of(about) != own:
                    act = Act.LIKE if collection == LIKE else Act.SHARE
                    yield kept("acted", at=now, name=uri, own=own, uri=about, act=act, seen_at=at)
        self.state.rev = rev
        self.state.ours = self.state.ours[-OURS_COUNT:]

    def _new_records(
        self, collection: str, *, now: datetime
    ) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Records of ours that were not handed on yet, as far back as the first look goes."""
        oldest = (moment(self.state.since) or now) - timedelta(days=FIRST_DAYS)
        after = ""
        for _ in range(PAGES):
            asked = {"repo": self.line.did, "collection": collection, "limit": str(PAGE)}
            page = self.line.get(
                "com.atproto.repo.listRecords",
                params=asked | ({"cursor": after} if after else {}),
            )
            listed = _objects(page, "records")
            is_known = False
            for one in listed:
                uri, record = one.get("uri"), one.get("value")
                if not isinstance(uri, str) or not isinstance(record, dict):
                    continue
                at = moment(str(record.get("createdAt") or ""))
                if at is None or at < oldest or _digest(uri) in self.state.ours:
                    is_known = True
                    continue
                self.state.ours.append(_digest(uri))
                yield uri, str(one.get("cid") or ""), record
            after = str(page.get("cursor") or "")
            if is_known or not after or not listed:
                return

    def _searched(self, now: datetime) -> Iterator[Delivered]:
        """Posts that name us, by the place's own search: a few names at a time, oldest first."""
        state = self.state
        if time.time() - state.search_at < SEARCH_SECONDS:
            return
        state.search_at = time.time()
        wanted = queries_of(self.account.settings)[:SEARCHED_COUNT]
        state.searched = {name: at for name, at in state.searched.items() if name in wanted}
        wanted.sort(key=lambda name: state.searched.get(name, 0.0))
        own, views = self.line.did, dict[str, tuple[Mapping[str, Any], tuple[str, ...]]]()
        for query in wanted[:SEARCHES_AT_ONCE]:
            last = state.searched.get(query, time.time() - FIRST_DAYS * 86400) - 600
            asked = {
                "q": f'"{query}"' if " " in query else query,
                "sort": "latest",
                "limit": str(PAGE),
                "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(last)),
            }
            page = self.line.get("app.bsky.feed.searchPosts", params=asked)
            state.searched[query] = time.time()
            for view in _objects(page, "posts"):
                uri, record = view.get("uri"), view.get("record")
                if not isinstance(uri, str) or not isinstance(record, dict):
                    continue
                names = self.terms.found(posts.searched_in(record))
                if names and author_of(uri) != own and _digest(uri) not in state.seen:
                    state.seen.append(_digest(uri))
                    views[uri] = view, names
        people = self._profiles([author_of(uri) for uri in views])
        for uri, (view, names) in views.items():
            author = view.get("author")
            yield kept(
                "post", at=now, name=uri, own=own, uri=uri, cid=view.get("cid"),
                record=view["record"], terms=list(names),
                author=people.get(author_of(uri))
                or person(author if isinstance(author, dict) else {}),
                seen_at=view.get("indexedAt"),
            )  # fmt: skip
        self._follow(views)

    def _gone(self, now: datetime) -> Iterator[Delivered]:
        """Which of the last posts that we heard have been deleted; the place does not tell."""
        state = self.state
        if not state.gone_at:
            state.gone_at = time.time()
        if time.time() - state.gone_at < GONE_SECONDS:
            return
        state.gone_at = time.time()
        for uri in self._not_shown(list(state.followed)):
            asked = {
                "repo": author_of(uri),
                "collection": POST,
                "rkey": posts.key_of(uri),
            }
            answer = self.line.ask("GET", "com.atproto.repo.getRecord", params=asked)
            if answer.status == 429:
                raise refusal(answer)
            if said(answer) == "RecordNotFound":
                yield self._gone_one(uri, now=now)

    def _not_shown(self, uris: list[str]) -> Iterator[str]:
        """Posts that the place leaves out: deleted, or hidden from us by a block."""
        for start in range(0, len(uris), 25):
            some = uris[start : start + 25]
            page = self.line.get("app.bsky.feed.getPosts", params={"uris": "\n".join(some)})
            shown = {view.get("uri") for view in _objects(page, "posts")}
            yield from (uri for uri in some if uri not in shown)

    def _gone_one(self, uri: str, *, now: datetime) -> Delivered:
        if uri in self.state.followed:
            self.state.followed.remove(uri)
        name = f"gone {uri}"
        return kept("gone", at=now, name=name, own=self.line.did, uri=uri, seen_at=stamp(now))

    def _follow(self, uris: Iterable[str]) -> None:
        """Look after these for a while: the latest hundred."""
        for uri in uris:
            if uri not in self.state.followed:
                self.state.followed.append(uri)
        self.state.followed = self.state.followed[-FOLLOWED_COUNT:]

    def _follows(self, uri: str) -> bool:
        return uri in self.state.followed

    def _profiles(self, dids: Sequence[str]) -> Mapping[str, dict[str, Any]]:
        """Who they are. Nobody is missed by missing this: a refusal is an empty answer."""
        wanted = list(dict.fromkeys(did for did in dids if did and did not in self._people))
        if len(self._people) > PEOPLE_COUNT:
            self._people.clear()
        for start in range(0, len(wanted), 25):
            some = wanted[start : start + 25]
            try:
                page = self.line.get(
                    "app.bsky.actor.getProfiles", params={"actors": "\n".join(some)}
                )
            except PlaceError:
                break
            for view in _objects(page, "profiles"):
                self._people[str(view.get("did"))] = person(view)
        return self._people


def has_stream(settings: Mapping[str, Any]) -> bool:
    """Whether posts are found in a stream, and not by the place's own search."""
    return settings.get("stream") in {"firehose", "jetstream"}


def terms_of(settings: Mapping[str, Any]) -> Terms:
    """The names to listen for."""
    return Terms(_lines(settings.get("terms")), excluded=_lines(settings.get("excluded")))


def queries_of(settings: Mapping[str, Any]) -> list[str]:
    """The same as questions to the place's own search, every spelling one."""
    spellings = [
        spelling.strip()
        for line in _lines(settings.get("terms"))
        for spelling in line.replace("=", ",").split(",")
    ]
    return list(dict.fromkeys(spelling for spelling in spellings if spelling))


def _lines(value: Any) -> list[str]:
    lines = value if isinstance(value, list) else str(value or "").splitlines()
    return [line.strip() for line in map(str, lines) if line.strip()]


def _state(cursor: str) -> State:
    try:
        return State(**json.loads(cursor)) if cursor else State()
    except (ValueError, TypeError):
        return State()


def _digest(name: str) -> str:
    return hashlib.blake2b(name.encode(), digest_size=6).hexdigest()


def _objects(page: Any, name: str) -> list[Mapping[str, Any]]:
    listed = page.get(name) if isinstance(page, dict) else None
    if not isinstance(listed, list):
        raise PlaceError("Bluesky answered with something that cannot be understood.")
    return [one for one in listed if isinstance(one, dict)]
