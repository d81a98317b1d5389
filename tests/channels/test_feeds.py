"""Feeds of every format: read politely, pushed where a hub does it, heard once."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from heard.channels import feeds, web
from heard.channels.base import (
    Account,
    Delivered,
    Edited,
    Heard,
    Incoming,
    Kind,
    NotUnderstoodError,
    Outgoing,
    PlaceError,
    RefusedError,
    SendState,
)
from tests.channels.place import Place
from tests.servers import running

PAYLOADS = Path(__file__).parent / "payloads" / "feeds"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET = "whsec_b2xkIHNlY3JldHMgYXJlIGtlcHQgd2VsbA=="
FEED = "https://blog.example/comments.xml"


@pytest.fixture
def place() -> Iterator[Place]:
    with Place() as place:
        yield place


def account_of(*urls: str, **settings: Any) -> Account:
    return Account(
        name="Feeds",
        settings={"feeds": "\n".join(urls), **settings},
        secret=SECRET,
        hook="https://care.example/hooks/x/",
        allow_private=True,
    )


def said_by(name: str, account: Account | None = None, *, typed: str = "") -> list[Incoming]:
    """What a feed in the folder says when it is read anew."""
    headers = {"feed": FEED, "content-type": typed}
    delivered = Delivered((PAYLOADS / name).read_bytes(), headers, NOW)
    account = account or account_of(FEED)
    said = list(feeds.parse(delivered, account))
    assert said == list(feeds.parse(delivered, account))
    return [one for one in said if isinstance(one, Incoming)]


def rss(*entries: tuple[str, str], at: datetime | None = None, head: str = "") -> str:
    items = "".join(
        f"<item><guid>https://blog.example/{name}</guid><description>{text}</description>"
        f"<pubDate>{(at or datetime.now(UTC)):%a, %d %b %Y %H:%M:%S +0000}</pubDate></item>"
        for name, text in entries
    )
    return f'<rss version="2.0"><channel><title>Blog</title>{head}{items}</channel></rss>'


class Reader:
    """An inbox that is asked again and again, however early."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.cursor = ""

    def heard(self) -> list[Heard]:
        state = json.loads(self.cursor or "{}")
        for one in state.values():
            one["next"] = 0
        fetched = feeds.poll(json.dumps(state) if state else "", self.account)
        self.cursor = fetched.cursor
        return [one for each in fetched.deliveries for one in feeds.parse(each, self.account)]

    def names(self) -> list[tuple[str, str]]:
        return [
            (type(one).__name__, getattr(one, "external_id", "").rpartition("/")[2])
            for one in self.heard()
        ]


def test_comments_of_a_blog_stand_under_their_page() -> None:
    first, second = said_by("comments.xml")
    assert (first.external_id, first.root) == (
        "https://blog.example/?p=7#comment-21",
        "https://blog.example/tea/",
    )
    assert second.root == first.root
    assert second.parent == first.external_id
    assert first.text == "Is it in stock?\n\nI'd like two."
    assert (first.sender, first.sender_name) == ("Ann at blog.example", "Ann")
    assert first.at == datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    assert first.extra["url"] == "https://blog.example/tea/#comment-21"
    assert first.is_public
    assert "<script" not in second.text


def test_what_our_own_people_write_is_a_reply() -> None:
    _, second = said_by("comments.xml", account_of(FEED, ours="bo of the shop"))
    assert (second.kind, second.author) == (Kind.REPLY, "Bo of the Shop")


def test_an_atom_feed_is_read() -> None:
    (said,) = said_by("search.atom")
    assert said.external_id == "tag:search.example,2026:77"
    assert (said.sender, said.sender_name) == ("https://al.example/", "Al")
    assert said.subject == "A visit"
    assert said.language == "de"


def test_a_json_feed_is_read() -> None:
    (said,) = said_by("posts.json", typed="application/feed+json")
    assert said.external_id == "blog.example#7"
    assert said.text == "Blue heron made my day."
    assert said.sender == "https://cy.example/"
    assert said.extra["url"] == "https://cy.example/7"


def test_only_what_names_us_is_heard_from_the_feeds_of_others() -> None:
    account = account_of(watched=FEED, terms="Blue Heron\nAcme", excluded="jobs")
    (said,) = said_by("posts.json", account)
    assert said.extra["terms"] == ["Blue Heron"]
    assert not said_by("comments.xml", account)
    assert not said_by("posts.json", account_of(watched=FEED, terms="Heron Blue"))


def test_what_is_older_than_a_week_is_left() -> None:
    delivered = Delivered((PAYLOADS / "comments.xml").read_bytes(), {"feed": FEED}, NOW)
    later = Delivered(delivered.body, delivered.headers, NOW + timedelta(days=8))
    assert len(list(feeds.parse(delivered, account_of(FEED)))) == 2
    assert not list(feeds.parse(later, account_of(FEED)))


def test_a_feed_is_asked_politely_and_heard_once(place: Place) -> None:
    url = f"{place.url}/f"
    tags = {"etag": '"1"', "last-modified": "Sun, 22 Nov 2026 09:00:00 GMT"}
    place.answers("GET /f", rss(("1", "One")), headers=tags)
    place.answers("GET /f", "", status=304)
    place.answers("GET /f", rss(("2", "Two"), ("1", "One")))
    place.answers("GET /f", rss(("2", "Two!"), ("1", "One")))
    place.answers("GET /f", rss(("2", "Two!"), ("1", "One"), head="<ttl>60</ttl>"))
    reader = Reader(account_of(url))
    assert reader.names() == [("Incoming", "1")]
    fetched = feeds.poll(reader.cursor, reader.account)
    assert not fetched.deliveries
    assert len(place.asked) == 1
    assert reader.names() == []
    assert place.asked[1].headers["if-none-match"] == '"1"'
    assert place.asked[1].headers["if-modified-since"] == tags["last-modified"]
    assert reader.names() == [("Incoming", "2")]
    assert reader.names() == [("Incoming", "2"), ("Edited", "2")]
    assert reader.names() == []
    assert json.loads(reader.cursor)[url]["next"] > time.time() + 3500


def test_it_begins_without_old_and_undated_entries(place: Place) -> None:
    old = rss(("old", "x"), at=datetime(2020, 1, 1, tzinfo=UTC))
    undated = "<item><guid>https://blog.example/undated</guid><title>x</title></item>"
    fresh = "<item><guid>https://blog.example/fresh</guid><title>y</title></item>"
    place.answers("GET /f", old.replace("</channel>", undated + "</channel>"))
    place.answers("GET /f", old.replace("</channel>", undated + fresh + "</channel>"))
    reader = Reader(account_of(f"{place.url}/f"))
    assert reader.names() == []
    assert reader.names() == [("Incoming", "fresh")]


def test_a_broken_feed_does_not_stop_the_others(place: Place) -> None:
    place.answers("GET /good", rss(("1", "One")))
    place.answers("GET /nonsense", "<html>no feed</html>")
    place.answers("GET /limited", "", status=429, headers={"retry-after": "7200"})
    place.answers("GET /gone", "", status=410)
    place.answers("GET /moved", "", status=301, headers={"location": "/good"})
    urls = [f"{place.url}/{name}" for name in ("nonsense", "limited", "gone", "good", "moved")]
    reader = Reader(account_of(*urls))
    assert reader.names() == [("Incoming", "1"), ("Incoming", "1")]
    state = json.loads(reader.cursor)
    assert state[urls[1]]["next"] > time.time() + 7000
    assert state[urls[0]]["errors"] == 1
    assert "errors" not in state[urls[3]]
    with pytest.raises(PlaceError, match="No feed can be read"):
        Reader(account_of(*urls[:3])).heard()


def test_nonsense_is_not_understood() -> None:
    for body in (b"", b"<html>", b"{}", b'{"items": 7}', b"[", b"\xff\xfe\x00", b"<" * 70_000):
        with pytest.raises(NotUnderstoodError):
            list(feeds.parse(Delivered(body, {"feed": FEED}, NOW), account_of(FEED)))


def test_entities_do_not_explode() -> None:
    names = "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
    body = f"<!DOCTYPE l [<!ENTITY a0 'aaaaaaaaaa'>{names}]>" + rss(("1", "&a9;"))
    started = time.process_time()
    said = list(feeds.parse(Delivered(body.encode(), {"feed": FEED}, NOW), account_of(FEED)))
    assert len(str(said)) < 100_000
    assert time.process_time() - started < 10


def test_answers_are_given_where_it_was_said() -> None:
    receipt = feeds.send(Outgoing("k", "ann", "Hello"), account_of(FEED))
    assert (receipt.state, receipt.is_final) == (SendState.FAILED, True)


def test_connecting_reads_each_feed_once(place: Place) -> None:
    place.answers("GET /good", rss(("1", "One")))
    account = account_of(f"{place.url}/good", f"{place.url}/none", watched=f"{place.url}/good")
    checked = feeds.check(account)
    assert checked.account == "Blog"
    assert len(checked.warnings) == 2
    with pytest.raises(PlaceError):
        feeds.check(account_of(f"{place.url}/none"))
    with pytest.raises(PlaceError):
        feeds.check(account_of())


# WebSub


def pushed(body: bytes, mark: str | None, *, url: str = FEED) -> Delivered:
    account = account_of(FEED)
    headers = {} if mark is None else {"x-hub-signature": mark}
    return Delivered(body, headers, NOW, url=feeds.callback(url, url, account))


def mark(body: bytes, method: str = "sha256", *, url: str = FEED) -> str:
    secret = hmac.new(SECRET.encode(), f"websub {url}".encode(), "sha256").hexdigest()
    return f"{method}={hmac.new(secret.encode(), body, method).hexdigest()}"


def test_a_signed_push_is_heard() -> None:
    body = (PAYLOADS / "comments.xml").read_bytes()
    account = account_of(FEED)
    for method in ("sha1", "sha256", "sha384", "sha512"):
        delivered = pushed(body, mark(body, method))
        feeds.authenticate(delivered, account)
    kept = Delivered(body, {"query": urlsplit(delivered.url).query}, NOW)
    assert len(list(feeds.parse(kept, account))) == 2
    with pytest.raises(NotUnderstoodError):
        list(feeds.parse(kept, account_of("https://other.example/")))


@pytest.mark.parametrize(
    "delivered",
    [
        pushed(b"x", None),
        pushed(b"x", ""),
        pushed(b"x", "sha256="),
        pushed(b"x", "md5=" + "0" * 32),
        pushed(b"x", mark(b"y")),
        pushed(b"x", mark(b"x", url="https://other.example/")),
        pushed(b"x", mark(b"x").replace("sha256", "sha512")),
        pushed(b"x", mark(b"x"), url="https://other.example/"),
        pushed(b"x", "sha256=é"),
        Delivered(b"x", {"x-hub-signature": mark(b"x")}, NOW, url="https://care.example/hooks/x/"),
    ],
)
def test_a_push_that_is_not_signed_by_the_hub_stays_outside(delivered: Delivered) -> None:
    with pytest.raises(RefusedError):
        feeds.authenticate(delivered, account_of(FEED))


def test_without_a_secret_nothing_passes() -> None:
    account = Account("Feeds", {"feeds": FEED})
    empty = hmac.new(b"", b"x", "sha256").hexdigest()
    with pytest.raises(RefusedError):
        feeds.authenticate(pushed(b"x", f"sha256={empty}"), account)


def asking(topic: str = FEED, mode: str = "subscribe", **other: str) -> Delivered:
    url = feeds.callback(FEED, FEED, account_of(FEED))
    query = {"hub.mode": mode, "hub.topic": topic, "hub.challenge": "c-1", **other}
    return Delivered(b"", {}, NOW, url=f"{url}&{urlencode(query)}", method="GET")


def test_the_hub_hears_that_we_meant_it() -> None:
    account = account_of(FEED)
    greeting = feeds.greet(asking(), account)
    assert greeting is not None
    assert greeting.body == b"c-1"
    assert feeds.greet(asking(mode="denied"), account) is not None
    assert feeds.greet(asking(mode="unsubscribe"), account_of("https://o.example/")) is not None
    assert feeds.greet(pushed(b"", None), account) is None
    for bad in (asking("https://evil.example/"), asking(mode="unsubscribe"), asking(mode="x")):
        with pytest.raises(RefusedError):
            feeds.greet(bad, account)
    with pytest.raises(RefusedError):
        feeds.greet(asking(), account_of("https://o.example/"))


def test_a_subscription_is_renewed_each_day_and_its_failure_harms_nothing(place: Place) -> None:
    hub = f'<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="hub" href="{place.url}/hub"/>'
    place.answers("GET /f", rss(("1", "One"), head=hub))
    place.answers("POST /hub", "", status=500)
    place.answers("POST /hub", "", status=202)
    url = f"{place.url}/f"
    reader = Reader(account_of(url))
    assert reader.names() == [("Incoming", "1")]
    assert json.loads(reader.cursor)[url]["renew"] < time.time() + 3700
    for expected in (1, 2, 2):
        state = json.loads(reader.cursor)
        if expected == 2 and state[url]["renew"] < time.time() + 3700:
            state[url]["renew"] = 0
            reader.cursor = json.dumps(state)
        reader.names()
        assert len([one for one in place.asked if one.method == "POST"]) == expected
    form = place.asked[-2].form() if place.asked[-1].method == "GET" else place.asked[-1].form()
    assert json.loads(reader.cursor)[url]["pushed"]
    assert form["hub.topic"] == url
    assert (
        form["hub.secret"]
        == hmac.new(SECRET.encode(), f"websub {url}".encode(), "sha256").hexdigest()
    )


# Real servers


@pytest.mark.journey
def test_every_feed_of_the_feed_readers_own_tests_is_read_or_refused() -> None:
    """Well-formed, ill-formed, in wrong encodings, cut off: never another error."""
    counts = {"heard": 0, "refused": 0}
    at = datetime(2004, 1, 5, tzinfo=UTC)
    for file in sorted(Path(running("fixtures")["FEEDS"]).rglob("*")):
        if not file.is_file():
            continue
        try:
            list(feeds.parse(Delivered(file.read_bytes(), {"feed": FEED}, at), account_of(FEED)))
            counts["heard"] += 1
        except NotUnderstoodError:
            counts["refused"] += 1
    assert counts["heard"] > 2000
    assert counts["refused"] < 50


@pytest.mark.journey
def test_a_real_hub_is_subscribed_and_pushes_what_is_new() -> None:
    env = running("indieweb")
    name = f"heard-{time.time_ns()}.xml"
    file = Path(env["FEED_DIR"]) / name
    file.write_text(rss(("1", "One")))
    url = f"{env['URL']}/feeds/{name}"
    try:
        with Listening() as hook:
            account = Account(
                "Feeds", {"feeds": url}, secret=SECRET, hook=hook.url, allow_private=True
            )
            hook.account = account
            reader = Reader(account)
            assert reader.names() == [("Incoming", "1")]
            assert reader.names() == []
            assert hook.greeted == 1
            file.write_text(rss(("2", "Two"), ("1", "One")))
            form = {"hub.mode": "publish", "hub.topic": url, "hub.url": url}
            headers = {"content-type": "application/x-www-form-urlencoded"}
            told = web.post(
                env["HUB_URL"],
                body=urlencode(form).encode(),
                headers=headers,
                allow_private=True,
            )
            assert told.is_good, told.body
            (delivered,) = hook.delivered
            feeds.authenticate(delivered, account)
            said = [one for one in feeds.parse(delivered, account) if isinstance(one, Incoming)]
            assert [one.text for one in said] == ["Two", "One"]
            assert {one.external_id for one in said} == {
                "https://blog.example/1",
                "https://blog.example/2",
            }
            assert reader.names() == [("Incoming", "2")]
    finally:
        file.unlink()


@pytest.mark.journey
def test_the_comments_feed_of_a_real_wordpress_is_read() -> None:
    env = running("wordpress")
    reader = Reader(account_of(env["COMMENTS_FEED_URL"]))
    said = [one for one in reader.heard() if isinstance(one, Incoming)]
    assert said
    assert all(one.text and one.root and one.sender_name for one in said)
    assert reader.heard() == []
    assert not [one for one in said if isinstance(one, Edited)]


class Listening:
    """Our own door on loopback, which greets the hub and keeps what it pushes."""

    def __init__(self) -> None:
        import threading
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        listening = self
        self.account: Account | None = None
        self.greeted = 0
        self.delivered: list[Delivered] = []

        class Handler(BaseHTTPRequestHandler):
            def _take(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                heeded = {name: self.headers[name] for name in feeds.heeds if name in self.headers}
                delivered = Delivered(
                    body,
                    heeded,
                    datetime.now(UTC),
                    url=f"{listening.url.rpartition('/hook')[0]}{self.path}",
                    method=self.command,
                )
                assert listening.account is not None
                greeting = feeds.greet(delivered, listening.account)
                if greeting is None:
                    listening.delivered.append(delivered)
                else:
                    listening.greeted += 1
                said = greeting.body if greeting else b""
                self.send_response(200)
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_POST = _take  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Nobody reads it."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Listening:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def test_the_address_for_a_hub_tells_which_feed_it_is() -> None:
    query = parse_qs(urlsplit(feeds.callback(FEED, FEED, account_of(FEED))).query)
    assert set(query) == {"feed", "proof"}
    assert SECRET not in str(query)
