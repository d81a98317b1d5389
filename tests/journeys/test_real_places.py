"""One walk for each real server: said there, heard here at once, answered there, and only once.

A whole house runs, with processes that are killed on the way; the customer uses a program of their
own. What cannot be had (no browser, no server) is skipped, saying so.
"""

from __future__ import annotations

import os
import random
import signal
import string
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.browser import browsing, chromium
from tests.journeys.correspondents import Chatter, Correspondent, Mailer, Poster, Reader
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
}
PATIENCE_SECONDS = 60.0
COUNTED = "from heard.conversations.models import *; print(*[Message.objects.filter({}).count()])"


@pytest.fixture(scope="module")
def desk() -> Iterator[tuple[House, Page]]:
    """A house with a company of its own, and its owner at the inbox."""
    house = House()
    try:
        link = house.start()
        with browsing() as browser:
            page = browser.new_page()
            page.set_default_timeout(PATIENCE_SECONDS * 1000)
            page.goto(link)
            page.get_by_label("Your company").fill("Acme Care")
            page.get_by_label("Your name").fill("Bo Marsh")
            page.get_by_label("Your e-mail address").fill("bo@acme.example")
            page.get_by_label("A password").fill("the kettle is on again")
            page.get_by_role("button", name="Open the doors").click()
            page.wait_for_url(lambda url: "/welcome/" not in url)
            yield house, page
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
    word = "".join(random.choices(string.ascii_lowercase, k=12))  # a number might be somebody's
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


def counted(house: House, which: str) -> int:
    return int(house.command("shell", "-c", COUNTED.format(which)).split()[-1])


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
