"""One walk for each real server: said there, heard here at once, answered there, and only once.

A whole house runs, with processes that are killed on the way; the customer uses a program of their
own. Pages that link to ours and a bucket for pictures are walked through in the same way. What
cannot be had (no browser, no server) is skipped, saying so.
"""

from __future__ import annotations

import hashlib
import os
import random
import secrets
import signal
import string
import struct
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from heard.lib.stores import Account, Bucket
from tests.channels.place import Place
from tests.journeys.browser import browsing, chromium
from tests.journeys.correspondents import (
    Chatter,
    Correspondent,
    Mailer,
    Poster,
    Reader,
    Talker,
)
from tests.journeys.house import House, heard
from tests.servers import running

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not here: apt-get install chromium"),
]

PLACES: dict[str, Callable[[dict[str, str]], Correspondent]] = {
    "mail": Mailer,
    "wordpress": Reader,
    "matrix": Chatter,
    "atproto": Poster,
    "xmpp": Talker,
}
PATIENCE_SECONDS = 60.0
COUNTED = "from heard.conversations.models import *; print(*[{}.objects.filter({}).count()])"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="module")
def desk(browser: Browser) -> Iterator[tuple[House, Page]]:
    """A house with a company of its own, and its owner at the inbox."""
    house = House()
    with staffed(house, browser) as page:
        yield house, page


@contextmanager
def staffed(house: House, browser: Browser) -> Iterator[Page]:
    """This house for the length of the body, and its owner at the inbox."""
    try:
        link = house.start()
        page = browser.new_context().new_page()
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        page.goto(link)
        page.get_by_label("Your company").fill("Acme Care")
        page.get_by_label("Your name").fill("Bo Marsh")
        page.get_by_label("Your e-mail address").fill("bo@acme.example")
        page.get_by_label("A password").fill("the kettle is on again")
        page.get_by_role("button", name="Open the doors").click()
        page.wait_for_url(lambda url: "/welcome/" not in url)
        yield page
        page.context.close()
    finally:
        house.end()


@pytest.mark.parametrize("server", PLACES)
def test_a_customer_is_heard_live_and_answered_there_once(
    desk: tuple[House, Page], server: str
) -> None:
    house, page = desk
    customer = PLACES[server](running(server))
    connect(house, customer)
    wait_until(lambda: "well" in house.command("inbox", "list").split(f"({title(customer)})")[1])
    page.goto(f"{house.url}/inbox/all/")
    word = new_word()
    cursor = cursor_of(house, customer)
    question, answer = f"Where is my parcel {word}?", f"Good morning, {word} reaches you tomorrow."

    customer.say(question)
    row = page.locator("#lines li").filter(has_text=word)
    expect(row).to_be_visible()

    kill(house, "listen")
    kill(house, "worker")
    row.locator("a").first.click()
    page.locator("#draft").fill(answer)
    page.locator("#draft").press("Control+Enter")
    expect(page.locator("#told .said.reply")).to_have_count(1)
    wait_until(lambda: customer.answers(answer) == 1)

    bring_again(house, customer, cursor)
    kill(house, "listen")
    time.sleep(8)
    assert customer.answers(answer) == 1
    assert counted(house, f"text__contains='{word}', kind='incoming'") == 1
    assert counted(house, f"text__contains='{word}', kind='reply'") == 1


def test_a_page_that_links_to_ours_is_heard_live_and_told_of_our_answer_once(
    desk: tuple[House, Page],
) -> None:
    house, page = desk
    peer, word = running("indieweb"), new_word()
    theirs, tell = f"{peer['URL']}/pages/{word}.html", f"{peer['URL']}/send"
    with Place() as place:
        site = place.url.replace("127.0.0.1", "localhost")  # the peer is at the other name
        added = house.command(
            "inbox", "add", "webmention", "--name", "Our site", "--set", f"sites={site}",
            "--set", f"micropub={site}/micropub", "--set", "allow_private=yes",
        ).split()  # fmt: skip
        hook, html = added[added.index("address") + 1], {"content-type": "text/html"}
        place.answers("GET /tea", f'<link rel="webmention" href="{hook}"><p>Tea.', headers=html)
        place.answers("HEAD /tea", "", headers={"link": f'<{hook}>; rel="webmention"'})
        text = f"""<div class="h-entry"><a class="u-in-reply-to" href="{site}/tea">On tea</a>
            <p class="e-content">Where is my parcel {word}? I read <a href="{site}/tea">this</a>
            </p></div>"""
        listens = f'<link rel="webmention" href="{peer["WEBMENTION_ENDPOINT"]}">'
        Path(peer["PAGE_DIR"], f"{word}.html").write_text(listens + text)
        place.answers(
            "GET /answer",
            f"""<div class="h-entry"><a class="u-in-reply-to" href="{theirs}">To you</a>
            <time class="dt-published" datetime="2026-11-22T10:00:00Z"></time>
            <p class="e-content">It reaches you tomorrow, {word}</p></div>""",
            headers=html,
        )
        published = {"location": f"{site}/answer"}
        place.answers("POST /micropub", "", status=201, headers=published)
        page.goto(f"{house.url}/inbox/all/")

        httpx.post(tell, data={"source": theirs, "text": text}).raise_for_status()
        row = page.locator("#lines li").filter(has_text=word)
        expect(row).to_be_visible()

        kill(house, "worker")
        httpx.post(tell, data={"source": theirs, "text": text}).raise_for_status()
        row.locator("a").first.click()
        page.locator("#draft").fill(f"It reaches you tomorrow, {word}.")
        page.locator("#draft").press("Control+Enter")
        expect(page.locator("#told .said.reply")).to_have_count(1)

        def told() -> int:
            asked = {"resource": theirs, "direction": "in"}
            return httpx.get(peer["WEBMENTION_ENDPOINT"], params=asked).text.count(f"{site}/answer")

        wait_until(lambda: told() > 0)
        at_first = told()
        kill(house, "worker")
        httpx.post(hook, data={"source": theirs, "target": f"{site}/tea"}).raise_for_status()
        wait_until(lambda: not counted(house, "state='waiting'", of="Delivery"))
        time.sleep(3)
        assert told() == at_first
        assert [one.path for one in place.asked].count("/micropub") == 1
    assert counted(house, f"text__contains='{word}', kind='incoming'") == 1
    assert counted(house, f"text__contains='{word}', kind='reply'") == 1


def test_a_picture_lies_in_the_bucket_and_opens_from_there_also_after_a_restart(
    browser: Browser,
) -> None:
    told, mail = running("s3"), running("mail")
    bucket = Account(
        told["BUCKET"],
        told["USER"],
        told["PASSWORD"],
        told["REGION"],
        told["URL"],
        f"walk-{secrets.token_hex(4)}",
    )
    house = House(
        HEARD_S3_ENDPOINT=bucket.endpoint,
        HEARD_S3_BUCKET=bucket.bucket,
        HEARD_S3_REGION=bucket.region,
        HEARD_S3_KEY=bucket.key,
        HEARD_S3_SECRET=bucket.secret,
        HEARD_S3_PREFIX=bucket.prefix,
    )
    with staffed(house, browser) as page:
        customer, word, drawn = Mailer(mail), new_word(), picture(31, 17)
        connect(house, customer)
        cursor = cursor_of(house, customer)
        page.goto(f"{house.url}/inbox/all/")
        customer.say(f"It came like this, {word}", picture=drawn)
        row = page.locator("#lines li").filter(has_text=word)
        expect(row).to_be_visible()
        row.locator("a").first.click()
        digest = hashlib.sha256(drawn).hexdigest()
        try:
            opens(page, drawn)
            assert Bucket(bucket).size(digest) == len(drawn)
            assert not list(Path(house.home, "attachments").rglob(f"*{digest[-20:]}*"))

            bring_again(house, customer, cursor)
            house.restart()
            page.reload()
            opens(page, drawn)
            wait_until(lambda: cursor_of(house, customer) != cursor)
            assert counted(house, f"text__contains='{word}'") == 1
            assert counted(house, f"digest='{digest}'", of="Attachment") == 1
        finally:
            Bucket(bucket).remove(digest)


def opens(page: Page, drawn: bytes) -> None:
    """The picture in the thread is seen at its full size, and is the one that was sent."""
    shown = page.locator("#told .papers img")
    expect(shown).to_have_count(1)
    shown.scroll_into_view_if_needed()
    width, height = struct.unpack(">II", drawn[16:24])
    page.wait_for_function(
        "([image, width, height]) => image.naturalWidth == width && image.naturalHeight == height",
        arg=[shown.element_handle(), width, height],
    )
    with page.context.expect_page() as opened:
        page.locator("#told .papers a.paper").click()
    assert opened.value.evaluate("document.contentType") == "image/png"
    opened.value.close()


def picture(width: int, height: int) -> bytes:
    """A PNG of noise."""

    def part(name: bytes, said: bytes) -> bytes:
        return (
            struct.pack(">I", len(said)) + name + said + struct.pack(">I", zlib.crc32(name + said))
        )

    rows = b"".join(b"\0" + os.urandom(3 * width) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (part(b"IHDR", head), part(b"IDAT", zlib.compress(rows)), part(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def new_word() -> str:
    """A word that nobody has said: a number might be somebody's."""
    return "".join(random.choices(string.ascii_lowercase, k=12))


def connect(house: House, customer: Correspondent) -> None:
    """As an operator does it: settings as arguments, secrets on standard input."""
    words = ["inbox", "add", customer.kind, "--name", f"Our {customer.kind}"]
    for name, value in customer.settings.items():
        words += ["--set", f"{name}={value}"]
    for name in customer.secrets:
        words += ["--set", f"{name}=-"]
    done = subprocess.run(
        [heard(), *words, "--set", "allow_private=yes"],
        env=house.environment,
        input="".join(f"{secret}\n" for secret in customer.secrets.values()),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def title(customer: Correspondent) -> str:
    from heard.channels.registry import channel_of

    channel = channel_of(customer.kind)
    assert channel is not None
    return channel.title


def cursor_of(house: House, customer: Correspondent) -> str:
    """Where listening stands, once it has begun."""
    ask = "from heard.conversations.models import *; print('«' + Listening.objects.get({}).cursor)"
    of_it = f"inbox__kind='{customer.kind}'"
    wait_until(lambda: bool(house.command("shell", "-c", ask.format(of_it)).split("«")[1].strip()))
    return house.command("shell", "-c", ask.format(of_it)).split("«")[1].strip()


def bring_again(house: House, customer: Correspondent, cursor: str) -> None:
    """Set listening back to where it stood before the question."""
    house.command(
        "shell",
        "-c",
        "from heard.conversations.models import *;"
        f"Listening.objects.filter(inbox__kind='{customer.kind}').update(cursor={cursor!r})",
    )


def counted(house: House, which: str, *, of: str = "Message") -> int:
    return int(house.command("shell", "-c", COUNTED.format(of, which)).split()[-1])


def kill(house: House, part: str) -> None:
    """End a process of this house without a word; it is started again by itself."""
    mark = f"HEARD_HOME={house.home}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if words[-2:-1] == [part.encode()] and mark in (folder / "environ").read_bytes():
                os.kill(int(folder.name), signal.SIGKILL)
        except OSError:
            continue


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.5)
