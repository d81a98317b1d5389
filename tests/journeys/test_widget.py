"""The chat widget on somebody's site, in a real browser: seen, by keyboard, offline, closed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db import connections
from django.test import Client
from playwright.sync_api import BrowserContext, FrameLocator, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from heard.conversations.models import Conversation, Inbox, Message
from tests import make
from tests.conversations.contact_page.test_contact_page import reply
from tests.journeys.browser import browsing, chromium

pytestmark = [
    pytest.mark.journey,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(chromium() is None, reason="Chromium is not here: apt-get install chromium"),
]

T = TypeVar("T")
PICTURES = os.environ.get("HEARD_WIDGET_PICTURES", "")
"""A folder, when somebody wants to look at what the tests see."""
CALM = """body {{ background: light-dark(#fff, #111); color: light-dark(#111, #eee);
color-scheme: light dark; font: 18px Georgia, serif; margin: 3rem }}"""
HOSTILE = """* {{ font: 40px cursive !important; color: #777 !important; float: left !important;
position: relative !important; background: pink !important; }}
main {{ z-index: 9999 !important; min-height: 100vh !important; min-width: 100vw !important; }}
body > * {{ rotate: 2deg !important; opacity: .9 !important; }}"""
PAGE = """<!doctype html><html lang="en"><head><title>Fern</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>
<body><main><h1>Fern, the restaurant</h1><p>A site with a style of its own.</p>
<button>Elsewhere</button></main>
<script src="{base}/static/widget.js" data-inbox="fern" async></script></body></html>"""


@pytest.fixture
def inbox() -> Inbox:
    return make.inbox(kind="widget", slug="fern", name="Fern")


@pytest.fixture
def site(live_server: LiveServer, inbox: Inbox) -> Iterator[str]:
    """Somebody's site: another origin than ours, of the same site as browsers count it."""
    base = live_server.url

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            style = (HOSTILE if "hostile" in self.path else CALM).format()
            page = PAGE.format(base=base, style=style).encode()
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(page)))
            # No style but from files, no script but ours: a strict site can have the chat.
            if "strict" in self.path:
                rules = f"default-src 'none'; script-src {base}; frame-src {base}"
                self.send_header("content-security-policy", rules)
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    url = f"http://localhost:{server.server_port}"
    inbox.settings = {"sites": [url, elsewhere(url)], "title": "Fern & Co"}
    inbox.save()
    yield url
    server.shutdown()
    server.server_close()


def elsewhere(url: str) -> str:
    """The same at an address that has nothing to do with ours."""
    return url.replace("localhost", "127.0.0.1")


@pytest.fixture
def context() -> Iterator[BrowserContext]:
    with browsing() as browser:
        yield browser.new_context(viewport={"width": 1100, "height": 800})


def rows(deed: Callable[[], T]) -> T:
    """Ask the database in a thread: the browser's driver runs a loop in ours, as Django forbids."""

    def asked() -> T:
        try:
            return deed()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asked).result()


def count() -> int:
    return rows(Message.objects.count)


def answers(text: str) -> None:
    rows(lambda: reply(Conversation.objects.get(), text))


def opened(page: Page, url: str) -> FrameLocator:
    page.goto(url)
    page.get_by_role("button", name="Chat with us").click()
    window = page.frame_locator("iframe")
    expect(window.get_by_label("Your message")).to_be_visible(timeout=20_000)
    return window


def says(window: FrameLocator, text: str) -> None:
    window.get_by_label("Your message").fill(text)
    window.get_by_label("Your message").press("Enter")


def look(page: Page, name: str) -> list[str]:
    """What axe finds in light and dark; and a picture of each where they are wanted."""
    faults = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.wait_for_timeout(150)
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"{name}-{scheme}.png")
        frame = next((one for one in page.frames if "/widget/" in one.url), None)
        for where in (page, frame):
            if where is not None:
                found = Axe().run(where).response["violations"]
                faults += [
                    f"{name} {scheme}: {one['id']} {one['nodes'][0]['html']}" for one in found
                ]
    page.emulate_media(color_scheme="light")
    return faults


def until(page: Page, true: Callable[[], bool]) -> None:
    for _ in range(200):
        if true():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not happen")


def test_a_visitor_writes_is_answered_live_and_remembered(
    site: str, context: BrowserContext
) -> None:
    page = context.new_page()
    faults: list[str] = []
    page.goto(site)
    expect(page.get_by_role("button", name="Chat with us")).to_be_visible()
    faults += look(page, "closed-button")
    window = opened(page, site)
    expect(window.get_by_text("We do not know yet how long an answer takes")).to_be_visible()
    faults += look(page, "empty")
    says(window, "Do you have a table? See https://fern.example/menu.")
    expect(window.get_by_text("We have your message.")).to_be_visible(timeout=15_000)
    assert (rows(Message.objects.get).extra or {})["page"] == f"{site}/"
    answers("Yes, for two.\nAt eight?")
    expect(window.get_by_text("Yes, for two.")).to_be_visible(timeout=15_000)
    expect(window.get_by_text("We have your message.")).to_be_hidden()
    faults += look(page, "answered")

    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Chat with us")).to_be_focused()
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.goto(f"{site}/another-page")
    answers("Are you still there?")
    unread = page.get_by_role("button", name="Chat with us, New answer (1)")
    expect(unread).to_be_visible(timeout=40_000)
    unread.click()
    expect(window.get_by_text("Are you still there?")).to_be_visible()
    expect(window.get_by_role("listitem")).to_have_count(3)
    assert faults == []

    stranger = context.browser.new_context().new_page()  # type: ignore[union-attr]
    other = opened(stranger, site)
    expect(other.get_by_role("listitem")).to_have_count(0)


def test_what_is_written_offline_is_kept_and_sent_once_across_a_reload(
    site: str, context: BrowserContext, live_server: LiveServer
) -> None:
    page = context.new_page()
    window = opened(page, site)
    says(window, "First")
    expect(window.get_by_text("We have your message.")).to_be_visible(timeout=15_000)

    context.set_offline(True)
    says(window, "Written in a tunnel")
    says(window, "And one more")
    expect(window.get_by_text("You are offline.")).to_be_visible()
    expect(window.get_by_text("it is sent by itself")).to_have_count(2)
    assert look(page, "offline") == []
    assert count() == 1

    # Back, but the house does not answer: the answers are lost on their way, and the page reloaded.
    lost = []

    def takes_and_says_nothing(route: Route) -> None:
        if route.request.method == "POST":
            route.fetch()
            lost.append(route.request.post_data)
            route.abort()
        else:
            route.continue_()

    context.route("**/messages/", takes_and_says_nothing)
    context.set_offline(False)
    until(page, lambda: len(lost) >= 1)
    expect(window.get_by_text("We cannot be reached just now.")).to_be_visible(timeout=15_000)
    assert look(page, "unreached") == []
    page.reload()
    context.unroute("**/messages/")
    window = page.frame_locator("iframe")
    expect(window.get_by_text("And one more")).to_be_visible(timeout=20_000)
    expect(window.get_by_text("it is sent by itself")).to_have_count(0, timeout=30_000)
    until(page, lambda: count() >= 3)
    page.wait_for_timeout(3500)
    texts = rows(lambda: list(Message.objects.order_by("id").values_list("text", flat=True)))
    assert texts == ["First", "Written in a tunnel", "And one more"]
    expect(window.get_by_role("listitem")).to_have_count(3)


def test_two_tabs_send_once(site: str, context: BrowserContext) -> None:
    first, second = context.new_page(), context.new_page()
    window, other = opened(first, site), opened(second, site)
    context.set_offline(True)
    says(window, "From the first")
    says(other, "From the second")
    context.set_offline(False)
    until(first, lambda: count() == 2)
    first.wait_for_timeout(3500)
    assert count() == 2
    assert rows(Conversation.objects.count) == 1
    for one in (window, other):
        expect(one.get_by_role("listitem")).to_have_count(2, timeout=15_000)


def test_when_nobody_is_there_the_answer_goes_by_mail(
    site: str, context: BrowserContext, inbox: Inbox, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    inbox.hours = rows(lambda: make.hours(week=[[]] * 6 + [[["09:00", "09:01"]]]))
    rows(inbox.save)
    page = context.new_page()
    window = opened(page, site)
    expect(window.locator("#closed")).to_be_visible()
    assert look(page, "nobody") == []
    email = window.get_by_label("Your e-mail")
    email.fill("ann")
    email.press("Enter")
    expect(window.get_by_text("does not look like an e-mail address")).to_be_visible()
    assert look(page, "wrong-address") == []
    says(window, "Is the terrace open?")
    until(page, lambda: count() == 1)
    email.fill("ann@example.org")
    email.press("Enter")
    expect(window.get_by_text("is mailed to ann@example.org")).to_be_visible(timeout=15_000)
    until(page, lambda: count() == 2)
    assert (rows(lambda: Message.objects.latest("id")).extra or {})[
        "unverified_email"
    ] == "ann@example.org"


def test_a_refused_line_comes_back_to_be_changed(site: str, context: BrowserContext) -> None:
    page = context.new_page()
    window = opened(page, site)
    page.frames[1].evaluate("document.getElementById('text').removeAttribute('maxlength')")
    says(window, "x" * 4001)
    expect(window.get_by_text("Please send it in parts.")).to_be_visible(timeout=15_000)
    assert look(page, "refused") == []
    window.get_by_role("button", name="Change it").click()
    expect(window.get_by_label("Your message")).to_have_value("x" * 4001)
    expect(window.get_by_role("listitem")).to_have_count(0)


def test_no_style_of_the_site_reaches_it_and_a_strict_site_can_have_it(
    site: str, context: BrowserContext
) -> None:
    page = context.new_page()
    for path in ("/hostile", "/strict"):
        opened(page, site + path)
        button = page.get_by_role("button", name="Close the chat").last
        box = button.bounding_box()
        assert box is not None
        assert (round(box["width"]), round(box["height"])) == (56, 56)
        panel = page.get_by_role("dialog").bounding_box()
        assert panel is not None
        assert round(panel["width"]) == 384
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"site{path.replace('/', '-')}.png")
        page.evaluate("sessionStorage.clear()")


def test_a_site_that_was_not_named_cannot_show_it(
    site: str, context: BrowserContext, inbox: Inbox
) -> None:
    inbox.settings = {"sites": ["https://another.example"]}
    rows(inbox.save)
    page = context.new_page()
    page.goto(site)
    page.get_by_role("button", name="Chat with us").click()
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached", timeout=15_000)
    assert not [fault for fault in look(page, "refused-site") if "closed" in fault]
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.set_viewport_size({"width": 360, "height": 640})
    look(page, "refused-site-phone")
    page.get_by_role("button", name="Close the chat").click()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_where_the_browser_keeps_nothing_for_frames_of_others_it_works_and_says_so(
    site: str, context: BrowserContext
) -> None:
    page = context.new_page()
    window = opened(page, elsewhere(site))
    says(window, "Do you have a table?")
    expect(window.get_by_text("We have your message.")).to_be_visible(timeout=15_000)
    expect(window.get_by_text("Your browser keeps nothing here")).to_be_visible()
    answers("Yes, for two.")
    expect(window.get_by_text("Yes, for two.")).to_be_visible(timeout=15_000)
    expect(window.get_by_role("listitem")).to_have_count(2)


def test_on_a_small_phone_it_fills_the_screen_and_closes(
    site: str, context: BrowserContext
) -> None:
    page = context.browser.new_context(  # type: ignore[union-attr]
        viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True
    ).new_page()
    window = opened(page, site)
    says(window, "Short")
    window.get_by_role("button", name="Send").click()
    expect(window.get_by_text("We have your message.")).to_be_visible(timeout=15_000)
    assert look(page, "phone") == []
    panel = page.get_by_role("dialog").bounding_box()
    assert panel == {"x": 0, "y": 0, "width": 360, "height": 640}
    inside = page.frames[1].evaluate("document.documentElement.scrollWidth")
    assert inside <= 360
    window.get_by_role("button", name="Close the chat").click()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_by_keyboard_alone(site: str, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(site)
    expect(page.get_by_role("button", name="Chat with us")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    window = page.frame_locator("iframe")
    expect(window.get_by_label("Your message")).to_be_focused(timeout=20_000)
    page.keyboard.type("By keyboard")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("in two lines")
    page.keyboard.press("Enter")
    expect(window.get_by_text("We have your message.")).to_be_visible(timeout=15_000)
    assert rows(Message.objects.get).text == "By keyboard\nin two lines"
    expect(window.get_by_label("Your message")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Chat with us")).to_be_focused()


def test_the_example_page_of_the_house_shows_it(
    live_server: LiveServer, inbox: Inbox, client: Client, context: BrowserContext
) -> None:
    rows(lambda: client.force_login(make.owner(email="bo@house.example")))
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/settings/inboxes/{inbox.pk}/")
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / "settings.png")
    with context.expect_page() as example:
        page.get_by_role("link", name="See it on an example page").click()
    window = opened(example.value, example.value.url)
    if PICTURES:
        example.value.screenshot(path=Path(PICTURES) / "example.png")
    says(window, "Just trying.")
    expect(window.get_by_text("We have your message.")).to_be_visible(timeout=15_000)
    assert count() == 1
