"""Feeds: RSS, Atom and JSON Feed, asked politely, and pushed by WebSub where the feed names a hub.

Comments of any blog engine, searches that come as feeds, and the posts of others that name us.
https://www.w3.org/TR/websub/ · https://www.jsonfeed.org/version/1.1/ · RFC 4287 · RFC 4685
"""

from __future__ import annotations

import calendar
import contextlib
import hashlib
import hmac
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from heard.channels import asking, payloads, terms, web
from heard.channels.base import (
    Abilities,
    Account,
    Checked,
    Delivered,
    Edited,
    Fetched,
    Greeting,
    Heard,
    Incoming,
    Kind,
    NotUnderstoodError,
    Outgoing,
    PlaceError,
    Receipt,
    RefusedError,
    SetAside,
    Setting,
)
from heard.channels.dates import moment
from heard.channels.texts import plain, repair

kind = "feeds"
title = "Feeds"
settings = (
    Setting(
        "feeds",
        "Feeds about you",
        help="One address a line: the comments on your pages, a search for your name. Everything in"
        " them is heard.",
        is_needed=False,
        form="lines",
    ),
    Setting(
        "watched",
        "Feeds of others",
        help="One address a line: blogs, news, forums. Heard is what has one of your names in it.",
        is_needed=False,
        form="lines",
    ),
    Setting(
        "terms",
        "Names to listen for",
        help="One a line: your names, products, domains. Other spellings behind “=”, parted by"
        " commas.",
        is_needed=False,
        form="lines",
    ),
    Setting(
        "excluded",
        "Words that rule a post out",
        help="One a line. A post with one of them is not taken for one about you.",
        is_needed=False,
        form="lines",
    ),
    Setting(
        "ours",
        "Names of your own people",
        help="One a line, as they stand in the feeds. What they write is an answer of yours.",
        is_needed=False,
        form="lines",
    ),
)
public = Abilities(replies=False, by_link=True)
private = None
has_own_secret = True
heeds = ("content-type", "x-hub-signature")
every_seconds = 60.0

FEED_LIMIT_BYTES, TAG_LIMIT = 2 * 1024 * 1024, 40_000
"""More than any feed of use has; some of what is longer would be read for minutes."""
TURN, ENTRIES = 20, 500
"""Feeds asked in one turn, and entries read of one feed."""
PAUSE, PUSHED_PAUSE, LONGEST_PAUSE = 900, 3600, 24 * 3600
"""Seconds between two questions to a feed: plainly, where a hub tells us, at most."""
FIRST = timedelta(days=7)
RENEWAL, LEASE = 24 * 3600, 10 * 24 * 3600
"""Seconds until a subscription is renewed, and how long we ask for it to hold."""
METHODS = ("sha1", "sha256", "sha384", "sha512")
"""Of X-Hub-Signature (WebSub, 7.1.1). Made with a key, sha1 has no known weakness."""
TEXT_LIMIT = 50_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a feed, whatever its format."""

    id: str
    link: str = ""
    title: str = ""
    html: str = ""
    text: str = ""
    author: str = ""
    author_url: str = ""
    published: datetime | None = None
    updated: datetime | None = None
    parent: str = ""
    language: str = ""

    @property
    def key(self) -> str:
        """A short name of the entry."""
        return _short(self.id)

    @property
    def look(self) -> str:
        """A short mark of what it says."""
        return _short(f"{self.title}\n{self.html}\n{self.text}")


@dataclass(frozen=True, slots=True)
class Feed:
    """What a feed says of itself, and its entries. `hub` and `topic` are where it can be had."""

    title: str
    entries: Sequence[Entry]
    hub: str = ""
    topic: str = ""
    pause: int = 0


@dataclass(slots=True)
class _State:
    """What is remembered of one feed: how it was, and when to ask again (seconds since 1970)."""

    etag: str = ""
    modified: str = ""
    next: float = 0
    errors: int = 0
    reason: str = ""
    renew: float = 0
    pushed: bool = False
    seen: dict[str, str] = field(default_factory=dict)
    known: bool = False


def poll(cursor: str, account: Account) -> Fetched:
    """The feeds that are due and have changed. Begins with what is not older than seven days.

    A feed that breaks is asked later and later, and never stops the others; only where all are
    broken is it the inbox that is.
    """
    said = json.loads(cursor) if cursor else {}
    now = datetime.now(UTC)
    states = {url: _State(**said.get(url, {})) for url in _urls(account)}
    if not states:
        raise PlaceError("There is no feed to read.", needs_person=True)
    due = [url for url, state in states.items() if state.next <= now.timestamp()]
    found = []
    for url in due[:TURN]:
        state = states[url]
        try:
            found += _asked(url, state, account, now=now)
            state.errors, state.reason = 0, ""
        except PlaceError as error:
            state.errors, state.reason = state.errors + 1, str(error)[:200]
            wish = error.retry_after_seconds or PAUSE * 2 ** min(state.errors - 1, 7)
            state.next = now.timestamp() + min(max(wish, PAUSE), LONGEST_PAUSE)
    if all(state.errors for state in states.values()) and len(due) == len(states):
        (reason, *_) = (state.reason for state in states.values())
        raise PlaceError(f"No feed can be read: {reason}")
    kept = {url: _kept(state) for url, state in states.items()}
    return Fetched(tuple(found), json.dumps(kept, separators=(",", ":")), has_more=len(due) > TURN)


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:
    """The entries of a feed that `poll` found changed, or that a hub pushed."""
    url = delivered.headers.get("feed") or _pushed_feed(delivered, account)
    is_asked = "feed" in delivered.headers
    unchanged = set(delivered.headers.get("skip", "").split())
    edited = set(delivered.headers.get("edited", "").split())
    feed = read(delivered.body, url=url, content_type=delivered.headers.get("content-type", ""))
    for entry in feed.entries[:ENTRIES]:
        if entry.key in unchanged:
            continue
        try:
            is_edited = entry.key in edited if is_asked else _is_edited(entry)
            yield from _said(entry, feed, url, account, at=delivered.at, is_edited=is_edited)
        except payloads.WRONG as error:
            yield SetAside(where=entry.id[:200], reason=str(error)[:300])


def greet(delivered: Delivered, account: Account) -> Greeting | None:
    """The hub asks whether we meant it: yes for the feeds of this inbox (WebSub, 5.3)."""
    if delivered.method != "GET":
        return None
    query = _query(delivered.url)
    topic, mode = query.get("hub.topic", ""), query.get("hub.mode", "")
    url = _feed_named(query.get("feed", ""), account)
    if not hmac.compare_digest(query.get("proof", ""), _proof(topic, account)):
        raise RefusedError("This inbox has not asked for that.")
    if mode == "denied":
        return Greeting(b"")
    wanted = {"subscribe": bool(url), "unsubscribe": not url}.get(mode, False)
    challenge = query.get("hub.challenge", "")
    if not (wanted and challenge and account.secret):
        raise RefusedError("This inbox has not asked for that.")
    return Greeting(challenge.encode(), "text/plain; charset=utf-8")


def authenticate(delivered: Delivered, account: Account) -> None:
    """Let in what a hub has signed with the secret of the subscription (WebSub, 7.1)."""
    query = _query(delivered.url)
    url = _feed_named(query.get("feed", ""), account)
    if not url:
        raise RefusedError("This inbox does not read that feed.")
    method, _, mark = delivered.headers.get("x-hub-signature", "").partition("=")
    if method not in METHODS:
        raise RefusedError("The header X-Hub-Signature is needed, by sha256 or sha512.")
    given = mark.strip().lower().encode()
    marks = [
        hmac.new(secret.encode(), delivered.body, method).hexdigest().encode()
        for secret in _secrets(url, account)
    ]
    if not any([hmac.compare_digest(given, ours) for ours in marks]):  # noqa: C419 - all, always
        raise RefusedError("The signature is not made with the secret of this subscription.")


def send(outgoing: Outgoing, account: Account) -> Receipt:  # noqa: ARG001
    """Never: people open the page and answer there."""
    return asking.failed("A feed takes no answers: open the page and answer there.", is_final=True)


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """Yes: nothing is ever sent."""
    return True


def check(account: Account) -> Checked:
    """Whether each feed can be read, and what is missing to find us in those of others."""
    urls = _urls(account)
    if not urls:
        raise PlaceError("There is no feed to read.", needs_person=True)
    titles, warnings = [], []
    for url in urls[:TURN]:
        try:
            answer = _fetched(url, {}, account)
            feed = read(answer.body, url=url, content_type=answer.headers.get("content-type", ""))
            titles.append(feed.title or _host(url))
        except (PlaceError, NotUnderstoodError) as error:
            warnings.append(f"{url}: {error}")
    if not titles:
        raise PlaceError(warnings[0], needs_person=True)
    if terms.lines(account.settings.get("watched")) and not terms.told_by(account.settings):
        warnings.append("There is no name to look for in the feeds of others.")
    return Checked(account=", ".join(titles)[:200], warnings=tuple(warnings))


# Asking


def _urls(account: Account) -> list[str]:
    both = (
        *terms.lines(account.settings.get("feeds")),
        *terms.lines(account.settings.get("watched")),
    )
    return list(dict.fromkeys(url if "://" in url else f"https://{url}" for url in both))


def _asked(url: str, state: _State, account: Account, *, now: datetime) -> list[Delivered]:
    """The feed if it says something new; the state is brought up to date."""
    headers = {}
    if state.etag:
        headers["if-none-match"] = state.etag
    if state.modified:
        headers["if-modified-since"] = state.modified
    answer = _fetched(url, headers, account)
    pause = max(PAUSE, _freshness(answer))
    if answer.status == 304:
        _renew(url, None, answer, state, account, now=now)
        state.next = now.timestamp() + (max(pause, PUSHED_PAUSE) if state.pushed else pause)
        return []
    content_type = answer.headers.get("content-type", "")
    try:
        feed = read(answer.body, url=answer.url or url, content_type=content_type)
    except NotUnderstoodError as error:
        raise PlaceError(f"{_host(url)}: {error}") from None
    _renew(url, feed, answer, state, account, now=now)
    pause = max(pause, feed.pause)
    state.next = now.timestamp() + min(
        max(pause, PUSHED_PAUSE) if state.pushed else pause, LONGEST_PAUSE
    )
    state.etag = answer.headers.get("etag", "")[:200]
    state.modified = answer.headers.get("last-modified", "")[:60]
    looks = {entry.key: entry.look for entry in feed.entries[:ENTRIES]}
    if state.known:
        skip = [key for key, look in looks.items() if state.seen.get(key) == look]
        edited = [key for key in looks if key in state.seen and key not in skip]
    else:
        since = now - FIRST
        skip = [
            entry.key
            for entry in feed.entries[:ENTRIES]
            if (entry.published or entry.updated or since) <= since
        ]
        edited = []
    state.seen, state.known = looks, True
    if len(skip) == len(looks):
        return []
    kept = {"feed": url, "content-type": content_type, "skip": " ".join(skip)}
    if edited:
        kept["edited"] = " ".join(edited)
    return [Delivered(answer.body, kept, now)]


def _fetched(url: str, headers: Mapping[str, str], account: Account) -> web.Answer:
    """The feed, or that it is unchanged. Raises `PlaceError` for all else."""
    accept = "application/atom+xml, application/rss+xml, application/feed+json, */*;q=0.5"
    try:
        answer = web.ask(
            "GET",
            url,
            headers={"accept": accept, **headers},
            allow_private=account.allow_private,
            follows=True,
            limit_bytes=FEED_LIMIT_BYTES,
        )
    except web.ForbiddenAddressError as error:
        raise PlaceError(f"{_host(url)} was not asked: {error}.", needs_person=True) from error
    except (web.NotReachedError, web.NoAnswerError) as error:
        raise PlaceError(f"{_host(url)} could not be read: {error}.") from error
    except web.TooLongError as error:
        raise PlaceError(
            f"{_host(url)} sends {error}.", retry_after_seconds=LONGEST_PAUSE
        ) from error
    if answer.status == 410:
        raise PlaceError(f"{_host(url)} has ended.", retry_after_seconds=LONGEST_PAUSE)
    if not answer.is_good and answer.status != 304:
        raise asking.refusal(answer)
    return answer


def _freshness(answer: web.Answer) -> int:
    """For how many seconds the place says that its answer holds (RFC 9111, 5.2.2.1)."""
    told = re.search(r"\bmax-age=(\d{1,9})", answer.headers.get("cache-control", ""))
    return min(int(told[1]), LONGEST_PAUSE) if told else 0


def _kept(state: _State) -> dict[str, Any]:
    plainly = _State()
    return {
        name: getattr(state, name)
        for name in _State.__dataclass_fields__
        if getattr(state, name) != getattr(plainly, name)
    }


# WebSub


def _renew(
    url: str,
    feed: Feed | None,
    answer: web.Answer,
    state: _State,
    account: Account,
    *,
    now: datetime,
) -> None:
    """Subscribe where the feed names a hub, and again every day, long before the lease ends.

    Nothing depends on it: the feed is asked besides, less often.
    """
    if state.renew > now.timestamp() or not (account.hook and account.secret):
        return
    linked = dict(reversed(list(_links(answer.headers.get("link", "")))))
    hub = linked.get("hub") or (feed.hub if feed else "")
    if not hub:
        return
    topic = linked.get("self") or (feed.topic if feed else "") or url
    state.renew = now.timestamp() + PUSHED_PAUSE
    state.pushed = False
    form = {
        "hub.mode": "subscribe",
        "hub.topic": topic,
        "hub.callback": callback(url, topic, account),
        "hub.secret": _secrets(url, account)[0],
        "hub.lease_seconds": str(LEASE),
    }
    with contextlib.suppress(PlaceError):
        asking.wanted("POST", urljoin(url, hub), account=account, body=asking.as_form(form))
        state.renew = now.timestamp() + RENEWAL
        state.pushed = True


def callback(url: str, topic: str, account: Account) -> str:
    """The address at which the hub finds us: it carries which feed it is, and that we asked."""
    query = urlencode({"feed": _short(url), "proof": _proof(topic, account)})
    return f"{account.hook}{'&' if '?' in account.hook else '?'}{query}"


def _proof(topic: str, account: Account) -> str:
    """What only we can have put into a callback for this topic."""
    secret = (account.secret.split() or [""])[0]
    return hmac.new(secret.encode(), f"topic {topic}".encode(), "sha256").hexdigest()[:32]


def _secrets(url: str, account: Account) -> list[str]:
    """The secrets shared with a hub for one feed, newest first; none without a secret of ours."""
    return [
        hmac.new(secret.encode(), f"websub {url}".encode(), "sha256").hexdigest()
        for secret in account.secret.split()
    ]


def _links(header: str) -> Iterator[tuple[str, str]]:
    """Relation and address of each link in a Link header (RFC 8288)."""
    for match in re.finditer(r"<([^<>]*)>((?:[^,\"<]|\"[^\"]*\")*)", header):
        rel = re.search(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,]+))", match[2], re.IGNORECASE)
        for name in ((rel[1] or rel[2] or "") if rel else "").lower().split():
            yield name, match[1]


def _feed_named(short: str, account: Account) -> str:
    return next((url for url in _urls(account) if _short(url) == short), "")


def _pushed_feed(delivered: Delivered, account: Account) -> str:
    """Which feed a hub has pushed."""
    query = delivered.headers.get("query") or urlsplit(delivered.url).query
    url = _feed_named(_query(f"?{query}").get("feed", ""), account)
    if not url:
        raise NotUnderstoodError("This inbox does not read that feed any more.")
    return url


def _query(url: str) -> dict[str, str]:
    try:
        said = parse_qs(urlsplit(url).query, keep_blank_values=True, max_num_fields=50)
    except ValueError:
        return {}
    return {name: values[0] for name, values in said.items()}


# Reading


def read(body: bytes, *, url: str, content_type: str) -> Feed:
    """A feed of any format. Raises `NotUnderstoodError` for what is none."""
    if "json" in content_type or body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _json_feed(body)
    return _xml_feed(body, url=url, content_type=content_type)


def _json_feed(body: bytes) -> Feed:
    said = payloads.read(body)
    items = said.get("items")
    if not isinstance(items, list):
        raise NotUnderstoodError("This is JSON, but no feed: it has no “items”.")
    hub = next(
        (
            str(one.get("url"))
            for one in _list(said.get("hubs"))
            if isinstance(one, dict) and str(one.get("type", "")).lower() == "websub"
        ),
        "",
    )
    entries = [
        entry for one in items if isinstance(one, dict) and (entry := _json_entry(one, said))
    ]
    return Feed(
        title=payloads.words(said.get("title")),
        entries=entries,
        hub=hub,
        topic=payloads.words(said.get("feed_url")),
    )


def _json_entry(one: Mapping[str, Any], feed: Mapping[str, Any]) -> Entry | None:
    authors = [one.get("author"), *_list(one.get("authors")), *_list(feed.get("authors"))]
    author = next((who for who in authors if isinstance(who, dict)), {})
    link = _address(one.get("url")) or _address(one.get("external_url"))
    name = str(one.get("id") or "") or link
    if not name:
        return None
    return Entry(
        id=name,
        link=link,
        title=payloads.words(one.get("title")),
        html=payloads.words(one.get("content_html")),
        text=payloads.words(one.get("content_text")) or payloads.words(one.get("summary")),
        author=payloads.words(author.get("name")),
        author_url=payloads.words(author.get("url")),
        published=moment(str(one.get("date_published") or "")),
        updated=moment(str(one.get("date_modified") or "")),
        language=payloads.words(one.get("language")) or payloads.words(feed.get("language")),
    )


def _xml_feed(body: bytes, *, url: str, content_type: str) -> Feed:
    import feedparser  # noqa: PLC0415 - only processes that read feeds need it

    if body.count(b"<") > TAG_LIMIT:
        raise NotUnderstoodError(f"This feed has more than {TAG_LIMIT} tags.")
    headers = {"content-location": url}
    if content_type:
        headers["content-type"] = content_type
    try:
        # A stream: what is no stream might be taken for the name of a file.
        said = feedparser.parse(io.BytesIO(body), response_headers=headers)
        entries = [
            entry for one in said.get("entries", [])[:ENTRIES] if (entry := _xml_entry(one, said))
        ]
        head = said.get("feed") or {}
        links = {str(one.get("rel")): str(one.get("href", "")) for one in head.get("links") or []}
        ttl = str(head.get("ttl") or "")
    except Exception as error:  # noqa: BLE001 - a parser for all that is ill-formed breaks in any way
        raise NotUnderstoodError(f"This feed breaks its reader: {type(error).__name__}") from None
    if not entries and not said.get("version"):
        raise NotUnderstoodError("This is no feed.")
    return Feed(
        title=plain(str(head.get("title") or "")),
        entries=entries,
        hub=links.get("hub", ""),
        topic=links.get("self", ""),
        pause=min(int(ttl) * 60, LONGEST_PAUSE) if re.fullmatch(r"\d{1,6}", ttl) else 0,
    )


def _xml_entry(one: Any, feed: Any) -> Entry | None:
    link = _address(one.get("link"))
    name = str(one.get("id") or link)
    content = next((part for part in one.get("content") or [] if part.get("value")), None)
    if content is None:
        content = one.get("summary_detail") or {}
    value, is_html = str(content.get("value") or ""), "html" in str(content.get("type", ""))
    heading = plain(str(one.get("title") or ""))
    if not name:
        if not (heading or value):
            return None
        name = "entry-" + hashlib.sha256(f"{heading}\n{value}".encode()).hexdigest()[:32]
    author = one.get("author_detail") or {}
    answered = one.get("thr_in-reply-to") or one.get("in-reply-to") or {}
    language = one.get("language") or (feed.get("feed") or {}).get("language")
    return Entry(
        id=name,
        link=link,
        title=heading,
        html=value if is_html else "",
        text="" if is_html else plain(value),
        author=plain(str(author.get("name") or one.get("author") or "")),
        author_url=str(author.get("href") or author.get("email") or ""),
        published=_parsed(one.get("published_parsed")) or _parsed(one.get("created_parsed")),
        updated=_parsed(one.get("updated_parsed")) if "updated_parsed" in one else None,
        parent=str(answered.get("ref") or "") if isinstance(answered, dict) else "",
        language=str(language or ""),
    )


def _list(said: Any) -> list[Any]:
    return said if isinstance(said, list) else []


def _address(said: Any) -> str:
    """An address that people can follow; nothing for any other."""
    address = said.strip() if isinstance(said, str) else ""
    return address if address.lower().startswith(("https://", "http://")) else ""


def _parsed(said: Any) -> datetime | None:
    """A date as the feed reader gives it: nine numbers in UTC."""
    try:
        return moment(datetime.fromtimestamp(calendar.timegm(said), UTC).isoformat())
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _is_edited(entry: Entry) -> bool:
    """Whether a pushed entry was changed after it was published."""
    return bool(
        entry.published and entry.updated and entry.updated - entry.published > timedelta(minutes=1)
    )


def _said(
    entry: Entry, feed: Feed, url: str, account: Account, *, at: datetime, is_edited: bool
) -> Iterator[Heard]:
    """An entry as a message, if it is one for us."""
    wrote = entry.published or entry.updated
    if wrote and wrote < at - FIRST and not is_edited:
        return
    body = (entry.text or plain(entry.html))[:TEXT_LIMIT]
    named = terms.told_by(account.settings).found(f"{entry.title}\n{body}\n{entry.link}")
    everything = terms.lines(account.settings.get("feeds"))
    is_about_us = any(url == one or url == f"https://{one}" for one in everything)
    if not (named or is_about_us):
        return
    text = repair(body).strip() or repair(entry.title).strip() or entry.link
    if not text:
        raise ValueError("it says nothing")
    name = _name(entry, url)
    ours = {one.casefold() for one in terms.lines(account.settings.get("ours"))}
    is_ours = entry.author.casefold() in ours if entry.author else False
    which = Kind.REPLY if is_ours else Kind.INCOMING
    subject = " ".join(repair(entry.title).split())[:300]
    page, _, fragment = entry.link.partition("#")
    author = " ".join(repair(entry.author).split())[:200]
    yield Incoming(
        external_id=name,
        at=min(wrote, at) if wrote else at,
        text=text,
        html=entry.html[: TEXT_LIMIT * 4],
        sender=_sender(entry, url),
        sender_name=author or feed.title[:200] or _host(url),
        kind=which,
        author=author if is_ours else "",
        root=repair(page)[:300] if fragment else "",
        parent=_bounded(entry.parent) if entry.parent else "",
        subject="" if subject == text else subject,
        language=_language(entry.language),
        is_public=True,
        extra={
            "url": entry.link or url,
            "feed": url,
            **({"terms": list(named)} if named else {}),
        },
    )
    if is_edited:
        yield Edited(name, min(entry.updated or at, at), text=text, html=entry.html, kind=which)


def _name(entry: Entry, url: str) -> str:
    """The entry's own name; one that only this feed can know is kept apart by the feed's site."""
    name = repair(entry.id).strip()
    return _bounded(name if ":" in name else f"{_host(url)}#{name}")


def _bounded(name: str) -> str:
    name = repair(name).strip().replace("\n", " ")
    return name if len(name) <= 300 else f"entry-{hashlib.sha256(name.encode()).hexdigest()[:40]}"


def _sender(entry: Entry, url: str) -> str:
    """Who writes, as far as a feed can tell: an address, or a name at that site."""
    if entry.author_url:
        return repair(entry.author_url).strip()[:300]
    site = _host(entry.link) or _host(url)
    author = " ".join(repair(entry.author).split())
    return f"{author} at {site}"[:300] if author else site


def _language(said: str) -> str:
    code = said.partition("-")[0].partition("_")[0].strip().lower()
    return code if 2 <= len(code) <= 3 and code.isascii() and code.isalpha() else ""


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _short(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:12]
