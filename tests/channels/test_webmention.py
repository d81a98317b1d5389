"""Pages that link to us: a claim is believed once the page itself shows the link."""

from __future__ import annotations

import contextlib
import json
import xmlrpc.client
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from heard.channels import web, webmention
from heard.channels.base import (
    Account,
    Deleted,
    Delivered,
    Edited,
    Elsewhere,
    Heard,
    Incoming,
    NotUnderstoodError,
    Outgoing,
    PlaceError,
    RefusedError,
    SendState,
    SetAside,
)
from tests.channels.place import Place
from tests.servers import running

PAYLOADS = Path(__file__).parent / "payloads" / "webmention"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TARGET = "https://shop.example/tea"
ACCOUNT = Account(
    name="Shop",
    settings={"sites": "shop.example\nhttps://blog.shop.example/"},
    hook="https://care.shop.example/hooks/x/",
    allow_private=True,
)
HTML = {"content-type": "text/html; charset=utf-8"}


@pytest.fixture
def place() -> Iterator[Place]:
    with Place() as place:
        yield place


def claim(source: str, target: str = TARGET, **other: str) -> Delivered:
    body = urlencode({"source": source, "target": target, **other}).encode()
    return Delivered(body, {"content-type": "application/x-www-form-urlencoded"}, NOW)


def ping(body: bytes) -> Delivered:
    return Delivered(body, {"content-type": "text/xml; charset=utf-8"}, NOW)


def call(*params: Any, method: str = "pingback.ping") -> bytes:
    return xmlrpc.client.dumps(params, method).encode()


def heard(delivered: Delivered, account: Account = ACCOUNT) -> list[Heard]:
    """All that comes of a claim, as the house goes about it."""
    webmention.authenticate(delivered, account)
    (there,) = webmention.parse(delivered, account)
    assert isinstance(there, Elsewhere)
    (looked,) = webmention.look(there.source, account)
    said = list(webmention.parse(looked, account))
    assert said == list(webmention.parse(looked, account))
    return said


def shown(html: str, *, source: str = "https://ann.example/note", **other: Any) -> list[Heard]:
    """What a page says."""
    found = {"source": source, "target": TARGET, "by": "webmention", "url": source}
    body = json.dumps({**found, "status": 200, "page": html, **other}).encode()
    return list(
        webmention.parse(Delivered(body, {"content-type": webmention.LOOKED}, NOW), ACCOUNT)
    )


def mention(html: str, **other: Any) -> Incoming:
    said = shown(html, **other)
    assert isinstance(said[0], Incoming)
    assert said[0].is_public
    return said[0]


def test_a_reply_is_read_with_its_author_and_words() -> None:
    said = mention((PAYLOADS / "reply.html").read_text())
    assert said.text == "Is the tea in stock again?\n\nI looked twice."
    assert (said.sender, said.sender_name) == ("https://ann.example", "Ann Example")
    assert said.extra["mention"] == "reply"
    assert said.extra["url"] == "https://ann.example/note"
    assert said.extra["trust"] == {"webmention": "the author's own site"}
    assert said.at == datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    assert said.root == TARGET
    assert said.need == ""


@pytest.mark.parametrize(
    ("rel", "what", "need"),
    [
        ("u-like-of", "like", "recognition"),
        ("u-repost-of", "repost", "recognition"),
        ("u-bookmark-of", "bookmark", ""),
        ("u-in-reply-to", "reply", ""),
        ("u-other", "mention", ""),
    ],
)
def test_likes_and_reposts_want_recognition(rel: str, what: str, need: str) -> None:
    said = mention(f"<div class=h-entry><a class={rel} href={TARGET}></a></div>")
    assert (said.extra["mention"], said.need) == (what, need)
    assert TARGET in said.text
    assert said.sender == "https://ann.example"


def test_the_entry_that_speaks_of_us_is_found_among_others() -> None:
    page = f"""<div class=h-feed>
      <div class=h-entry><p class=e-content>Something else</p></div>
      <div class=h-entry><p class=e-content>See <a href="{TARGET}#cup">this</a></p></div>
      <div class=h-entry><p class=e-content>Cake</p></div></div>"""
    assert mention(page).text == "See this"


def test_a_page_without_microformats_shows_the_words_around_the_link() -> None:
    words = f"We had <b>tea</b> at <a href='{TARGET}'>the shop</a> and it was fine."
    said = mention(f"<title>My  day</title><p>Hello.<p>{words}<p>Bye")
    assert said.text == "We had tea at the shop and it was fine."
    assert said.subject == "My day"


def test_an_author_that_a_page_claims_elsewhere_is_kept_apart() -> None:
    page = f"""<div class=h-entry><a class="p-author h-card" href="https://victim.example/">Vic</a>
      <a class=u-like-of href={TARGET}></a></div>"""
    said = mention(page)
    assert said.sender == "https://victim.example via ann.example"
    assert "trust" not in said.extra


def test_an_old_page_is_dated_by_when_we_heard_of_it() -> None:
    page = f"""<div class=h-entry><time class=dt-published datetime=2019-01-01></time>
      <a href={TARGET}>x</a></div>"""
    assert mention(page).at == NOW


def test_a_page_without_the_link_is_refused_and_takes_back_what_it_said() -> None:
    for page in (
        "<p>Nothing",
        f"<p>{TARGET}",
        f"<a href={TARGET}2>x</a>",
        f"<!-- <a href={TARGET}> -->",
    ):
        gone, why = shown(page)
        assert isinstance(gone, Deleted)
        assert isinstance(why, SetAside)
        assert gone.external_id == mention(f"<a href={TARGET}>x</a>").external_id


def test_a_page_that_is_gone_takes_back_what_it_said(place: Place) -> None:
    place.answers("GET /note", f"<a href={TARGET}>x</a> was here", headers=HTML)
    place.answers("GET /note", "", status=410)
    place.answers("GET /note", "", status=404)
    place.answers("GET /note", "", status=503, headers={"retry-after": "60"})
    delivered = claim(f"{place.url}/note")
    first, edited = heard(delivered)
    assert isinstance(first, Incoming)
    assert isinstance(edited, Edited)
    assert edited.text == first.text
    (gone,) = heard(delivered)
    assert isinstance(gone, Deleted)
    assert gone.external_id == first.external_id
    (missing,) = heard(delivered)
    assert isinstance(missing, SetAside)
    with pytest.raises(PlaceError) as later:
        heard(delivered)
    assert later.value.retry_after_seconds == 60


@pytest.mark.parametrize(
    "delivered",
    [
        claim("https://a.example/", "https://other.example/"),
        claim("https://a.example/", "https://shop.example.evil.example/"),
        claim("https://a.example/", "https://shop.example@evil.example/"),
        claim(TARGET + "#x", TARGET),
        claim("https://www.shop.example/other", TARGET),
        claim("ftp://a.example/", TARGET),
        claim("javascript:alert(1)", TARGET),
        claim("https://a.example/ b", TARGET),
        claim("https://a.example/" + "a" * 2000, TARGET),
        claim("https://[", TARGET),
        Delivered(b"source=https://a.example/", claim("x").headers, NOW),
        Delivered(b"source=a&source=b&target=c", claim("x").headers, NOW),
        Delivered(b"\xff\xfe", claim("x").headers, NOW),
        Delivered(b"{}", {"content-type": "application/json"}, NOW),
        Delivered(b"{}", {"content-type": webmention.LOOKED}, NOW),
        Delivered(claim("https://a.example/").body, {}, NOW),
        ping(b"<methodCall>"),
        ping(call("https://a.example/")),
        ping(call("https://a.example/", 7)),
        ping(call("https://a.example/", TARGET, method="system.listMethods")),
        ping(b'<!DOCTYPE x [<!ENTITY a "b">]>' + call("https://a.example/", TARGET)),
        ping('<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'.encode("utf-16")),
    ],
)
def test_what_is_no_claim_about_us_stays_outside(delivered: Delivered) -> None:
    with pytest.raises(RefusedError):
        webmention.authenticate(delivered, ACCOUNT)


def test_a_pingback_is_a_claim_too(place: Place) -> None:
    place.answers("GET /post", f"<p>I like <a href={TARGET}>tea</a></p>", headers=HTML)
    delivered = ping(call(f"{place.url}/post", TARGET))
    said = heard(delivered)[0]
    assert isinstance(said, Incoming)
    assert said.extra["by"] == "pingback"
    assert xmlrpc.client.loads(webmention.confirm(delivered, ACCOUNT).body)[0]
    assert webmention.confirm(claim("x"), ACCOUNT).status == 202
    assert webmention.greet(delivered, ACCOUNT) is None


def test_a_page_inside_the_house_is_not_opened() -> None:
    account = Account(name="Shop", settings=ACCOUNT.settings)
    for source in ("https://127.0.0.1/x", "https://localhost/", "http://1.1.1.1/"):
        with pytest.raises(PlaceError) as refused:
            heard(claim(source), account)
        assert refused.value.needs_person


def test_a_redirect_is_followed_and_a_large_page_is_cut(place: Place) -> None:
    place.answers("GET /a", "", status=302, headers={"location": "/b"})
    page = f"<div class=h-entry><a class=u-like-of href={TARGET}>x</a></div>" + "<p>x</p>" * 100_000
    place.answers("GET /b", page, headers=HTML)
    assert isinstance(heard(claim(f"{place.url}/a"))[0], Incoming)


def test_broken_bodies_are_not_understood() -> None:
    for body in (b'{"source":', b"[]", b"{}", b'{"source": 1, "target": 2, "status": 200}'):
        with pytest.raises(NotUnderstoodError):
            list(
                webmention.parse(Delivered(body, {"content-type": webmention.LOOKED}, NOW), ACCOUNT)
            )
    with pytest.raises(NotUnderstoodError):
        list(webmention.parse(Delivered(b"x", {}, NOW), ACCOUNT))


@pytest.mark.parametrize(
    "page",
    [
        f"<a href={TARGET}>" + "<div>" * 20_000,
        f"<a href={TARGET}><div class=h-entry>" * 3000,
        f"<a href={TARGET}><a href='http://[x'><base href='http://[y'>",
        f"<?xml version='1.0'?><a href='{TARGET}'>",
        f"<a href={TARGET}><i class='h-entry'><i class='p-author h-card'><i class='u-url'>x",
        f"\x00<a href={TARGET}>\ud83d",
    ],
)
def test_no_page_breaks_it(page: str) -> None:
    with contextlib.suppress(NotUnderstoodError):
        assert shown(page)


# Answers


def test_an_answer_of_ours_is_told_to_the_endpoint_of_their_page(place: Place) -> None:
    theirs = f"{place.url}/theirs"
    ours = f"{place.url}/ours"
    account = Account("Shop", {"sites": place.url}, allow_private=True)
    place.answers("GET /ours", f'<a class="u-in-reply-to" href="{theirs}">', headers=HTML)
    place.answers("GET /theirs", "x", headers={"link": '</wm?v=1>; rel="x webmention"'})
    place.answers("POST /wm", "", status=201)
    outgoing = Outgoing("k", "ann", f"We answered: {ours}.", answered={"source": theirs})
    sent = webmention.send(outgoing, account)
    assert sent.state is SendState.SENT, sent
    assert place.asked[-1].form() == {"source": ours, "target": theirs}
    assert place.asked[-1].query == {"v": "1"}


def test_an_answer_without_a_page_of_ours_is_not_sent(place: Place) -> None:
    account = Account("Shop", {"sites": place.url}, allow_private=True)
    answered = {"source": f"{place.url}/theirs"}
    for text in ("Hello", "See https://other.example/"):
        assert webmention.send(Outgoing("k", "", text, answered=answered), account).is_final
    place.answers("GET /ours", "no link", headers=HTML)
    sent = webmention.send(Outgoing("k", "", f"{place.url}/ours", answered=answered), account)
    assert sent.is_final
    assert "does not link" in sent.reason
    assert webmention.send(Outgoing("k", "", f"{place.url}/ours"), account).is_final


def test_an_answer_is_published_on_our_site_where_that_takes_posts(place: Place) -> None:
    theirs = f"{place.url}/theirs"
    settings = {"sites": "shop.example", "micropub": f"{place.url}/micropub"}
    account = Account("Shop", settings, secrets={"token": "t-1"}, allow_private=True)
    place.answers("POST /micropub", "", status=201, headers={"location": "/notes/9"})
    place.answers("GET /theirs", "<link rel=webmention href=/wm>", headers=HTML)
    place.answers("POST /wm", "", status=202)
    place.answers("POST /wm", "", status=500)
    outgoing = Outgoing("k", "ann", "It is in stock again.", answered={"source": theirs})
    sent = webmention.send(outgoing, account)
    assert (sent.state, sent.reason) == (SendState.SENT, "")
    assert place.asked[0].headers["authorization"] == "Bearer t-1"
    assert place.asked[0].form() == {
        "h": "entry",
        "content": "It is in stock again.",
        "in-reply-to": theirs,
    }
    assert place.asked[-1].form() == {"source": f"{place.url}/notes/9", "target": theirs}
    untold = webmention.send(outgoing, account)
    assert untold.state is SendState.SENT
    assert f"{place.url}/notes/9" in untold.reason


@pytest.mark.parametrize(
    ("answer", "state", "is_final"),
    [
        ({"status": 401}, SendState.FAILED, True),
        ({"status": 503}, SendState.FAILED, False),
        ({"status": 201}, SendState.UNKNOWN, False),
        (None, SendState.UNKNOWN, False),
    ],
)
def test_our_site_may_refuse_the_answer_or_break_off(
    place: Place, answer: dict[str, Any] | None, state: SendState, is_final: bool
) -> None:
    if answer is None:
        place.breaks_off("POST /micropub")
    else:
        place.answers("POST /micropub", "", **answer)
    account = Account("Shop", {"micropub": f"{place.url}/micropub"}, allow_private=True)
    outgoing = Outgoing("k", "ann", "It is in stock again.", answered={"source": place.url})
    receipt = webmention.send(outgoing, account)
    assert (receipt.state, receipt.is_final) == (state, is_final)
    assert not webmention.may_repeat(outgoing)


@pytest.mark.parametrize(
    ("answer", "state", "is_final"),
    [
        ({"status": 202}, SendState.SENT, False),
        ({"status": 400}, SendState.FAILED, True),
        ({"status": 429, "headers": {"retry-after": "5"}}, SendState.FAILED, False),
        ({"status": 500}, SendState.FAILED, False),
        (None, SendState.UNKNOWN, False),
    ],
)
def test_an_endpoint_may_take_refuse_or_break_off(
    place: Place, answer: dict[str, Any] | None, state: SendState, is_final: bool
) -> None:
    if answer is None:
        place.breaks_off("POST /wm")
    else:
        place.answers("POST /wm", "", **answer)
    endpoint = webmention.Endpoint(f"{place.url}/wm", "webmention")
    receipt = webmention.told("https://a.example/", "https://b.example/", endpoint, ACCOUNT)
    assert (receipt.state, receipt.is_final) == (state, is_final)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (xmlrpc.client.dumps(("ok",), methodresponse=True), SendState.SENT),
        (xmlrpc.client.dumps(xmlrpc.client.Fault(48, "again")), SendState.SENT),
        (xmlrpc.client.dumps(xmlrpc.client.Fault(17, "no link")), SendState.FAILED),
    ],
)
def test_a_page_with_only_a_pingback_server_is_pinged(
    place: Place, answer: str, state: SendState
) -> None:
    page = web.Answer(200, b"", {"x-pingback": f"{place.url}/rpc"}, "https://a.example/")
    endpoint = webmention.discovered(page)
    place.answers("POST /rpc", answer, headers={"content-type": "text/xml"})
    receipt = webmention.told("https://o.example/", "https://a.example/", endpoint, ACCOUNT)
    assert receipt.state is state
    params, method = xmlrpc.client.loads(place.asked[0].body)
    assert (params, method) == (("https://o.example/", "https://a.example/"), "pingback.ping")


@pytest.mark.parametrize(
    ("headers", "page", "url"),
    [
        ({"link": "</a>; rel=webmention"}, "", "https://x.example/a"),
        ({"link": '<b>; rel="next", <c?d,e>; rel="webmention"'}, "", "https://x.example/p/c?d,e"),
        ({}, '<link rel="webmention" href="">', "https://x.example/p/q"),
        (
            {},
            '<a href=/1 rel="me webmention">x</a><link rel=webmention href=/2>',
            "https://x.example/1",
        ),
        ({}, '<!-- <link rel=webmention href=/n> --><link rel="not-webmention" href=/m>', ""),
        ({}, "<link rel=webmention><a rel=webmention href=/y>", "https://x.example/y"),
        ({}, '<link rel="pingback" href="/rpc">', "https://x.example/rpc"),
        ({}, "", ""),
    ],
)
def test_endpoints_are_discovered(headers: dict[str, str], page: str, url: str) -> None:
    answer = web.Answer(200, page.encode(), headers, "https://x.example/p/q")
    assert webmention.discovered(answer).url == url


def test_connecting_says_where_the_address_is_still_missing(place: Place) -> None:
    account = Account(
        "S", {"sites": place.url}, hook="https://h.example/hooks/x/", allow_private=True
    )
    place.answers("GET /", "<p>", headers=HTML)
    place.answers("GET /", '<link rel=webmention href="https://h.example/hooks/x/">', headers=HTML)
    (warning,) = webmention.check(account).warnings
    assert 'href="https://h.example/hooks/x/"' in warning
    assert not webmention.check(account).warnings
    with pytest.raises(PlaceError):
        webmention.check(Account("S", {}))


# Real peers


@pytest.mark.journey
def test_the_pages_of_a_test_pinger_are_read() -> None:
    env = running("indieweb")
    expected = {
        "aaronparecki-com": "reply",
        "adactio-com": "mention",
        "basic-like": "like",
        "basic-multi": "mention",
        "basic-reply": "reply",
        "basic-with-comments": "reply",
        "brid-gy": "repost",
        "brid-gy-emoji": "reply",
        "checkmention-hcardxss": "reply",
        "checkmention-xss": "reply",
        "notizblog-org": "reply",
        "sandeep-io": "like",
        "tantek-com": "reply",
        "voxpelli-com": "mention",
    }
    for name, what in expected.items():
        source = f"{env['URL']}/mention/{name}?{urlencode({'target': TARGET})}"
        said = heard(claim(source))
        first = said[0]
        assert isinstance(first, Incoming), (name, said)
        assert (name, first.extra["mention"]) == (name, what)
        assert first.text
        assert first.sender_name
        assert "javascript:" not in f"{first.sender} {first.extra['url']} {first.text}"


@pytest.mark.journey
def test_a_real_receiver_takes_what_we_send() -> None:
    env = running("indieweb")
    with Place() as place:
        target = f"{env['URL']}/pages/theirs.html"
        folder = Path(env["PAGE_DIR"])
        (folder / "theirs.html").write_text(
            f'<link rel="webmention" href="{env["WEBMENTION_ENDPOINT"]}"><p>Hello'
        )
        page = f"""<div class="h-entry"><a class="u-in-reply-to" href="{target}">To you</a>
            <time class="dt-published" datetime="2026-11-22T10:00:00Z"></time>
            <p class="e-content">We hear you</p></div>"""
        place.answers("GET /ours", page, headers=HTML)
        account = Account("Shop", {"sites": place.url}, allow_private=True)
        outgoing = Outgoing("k", "", f"{place.url}/ours", answered={"source": target})
        sent = webmention.send(outgoing, account)
        assert sent.state is SendState.SENT, sent
        got = web.ask(
            "GET",
            env["WEBMENTION_ENDPOINT"],
            params={"resource": target, "direction": "in"},
            allow_private=True,
            limit_bytes=1_000_000,
        )
    assert f"{place.url}/ours" in got.body.decode()


@pytest.mark.journey
def test_a_real_sender_finds_our_address(place: Place) -> None:
    env = running("indieweb")
    target = f"{place.url}/tea"
    place.answers("GET /tea", f'<link rel="webmention" href="{place.url}/hook">', headers=HTML)
    place.answers("HEAD /tea", "", headers={"link": f'<{place.url}/hook>; rel="webmention"'})
    place.answers("POST /hook", "", status=202)
    folder = Path(env["PAGE_DIR"])
    text = f'<div class="h-entry"><p class="e-content">See <a href="{target}">this</a></p></div>'
    (folder / "mine.html").write_text(text)
    source = f"{env['URL']}/pages/mine.html"
    body = urlencode({"source": source, "text": text}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    web.post(f"{env['URL']}/send", body=body, headers=headers, allow_private=True)
    (posted,) = [one for one in place.asked if one.method == "POST"]
    account = Account("Shop", {"sites": place.url}, allow_private=True)
    delivered = Delivered(posted.body, posted.headers, NOW)
    place.answers("GET /x", "")
    # The sender's site is the same loopback host as ours: only the port tells them apart.
    with pytest.raises(RefusedError, match="source is a page of this site"):
        webmention.authenticate(delivered, account)
    (there,) = webmention.parse(delivered, account)
    assert isinstance(there, Elsewhere)
    (looked,) = webmention.look(there.source, account)
    first = next(iter(webmention.parse(looked, account)))
    assert isinstance(first, Incoming)
    assert first.text == "See this"
