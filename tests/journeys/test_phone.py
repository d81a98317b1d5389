"""One walk by telephone: a real SIP call is heard with its recording, and a hold ticks on the page.

Kamailio and baresip stand for the exchange, sipp for the customer; the events of the queue are
posted by a program, signed as an exchange signs them. `HEARD_PICTURES` names a folder for pictures.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from heard.channels import signing
from tests.journeys.browser import browsing, chromium
from tests.journeys.doors import opens_the_doors
from tests.journeys.house import House
from tests.servers import running

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not here: apt-get install chromium"),
    pytest.mark.skipif(shutil.which("sipp") is None, reason="sipp, the caller, is not here"),
]
PATIENCE_MS = 90_000


@pytest.fixture(scope="module")
def server() -> dict[str, str]:
    return running("phone")


@pytest.fixture(scope="module")
def desk(server: dict[str, str]) -> Iterator[tuple[House, Browser, Page, str]]:
    """A house with one telephone, its owner at the inbox, and the secret of its hook."""
    house = House()
    log, recordings = Path(server["CDR_LOG"]), Path(server["RECORDINGS"])
    house.environment["HEARD_CALL_RECORDS"] = str(log.parent)
    try:
        link = house.start()
        with browsing() as browser:
            page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
            page.set_default_timeout(PATIENCE_MS)
            expect.set_options(timeout=PATIENCE_MS)
            opens_the_doors(page, link)
            said = house.command(
                "inbox", "add", "phone", "--name", "Telephone",
                "--set", "country=GB", "--set", "hold_target_seconds=30",
                "--set", f"records={log.name}",
                "--set", f"recordings={recordings.relative_to(log.parent)}",
                "--set", "recording_names=*-dec.wav",
            )  # fmt: skip
            secret = re.search(r"whsec_\S+", said)
            assert secret is not None, said
            token = house.command("shell", "-c", TOKEN).split("«")[1].strip()
            yield house, browser, page, f"{house.url}/hooks/{token}/ {secret.group(0)}"
    finally:
        if folder := os.environ.get("HEARD_PICTURES"):
            shutil.copy(house.log, Path(folder) / "run.log")
        house.end()


ALARM = "On hold for more than 30 s."
TOKEN = (
    "from heard.conversations.models import Inbox;"
    "print('«' + Inbox.objects.get(kind='phone').token)"
)


def post(door: str, *events: dict[str, Any]) -> None:
    """As an exchange does it."""
    url, _, secret = door.partition(" ")
    body = json.dumps({"events": events}).encode()
    now = datetime.now(UTC)
    headers = signing.signed(body, secret=secret, message_id=f"d{time.time_ns()}", at=now)
    answer = httpx.post(url, content=body, headers=headers)
    assert answer.status_code == 202, answer.text


def picture(page: Page, name: str) -> None:
    folder = os.environ.get("HEARD_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


def faults(page: Page) -> list[str]:
    """What axe finds on the page, light and dark."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.wait_for_timeout(400)
        for fault in Axe().run(page).response["violations"]:
            where = ", ".join(str(node["target"]) for node in fault["nodes"][:3])
            found.append(f"{scheme}: {fault['id']} at {where}")
    page.emulate_media(color_scheme="light")
    return found


def at(seconds: float) -> str:
    return datetime.fromtimestamp(time.time() + seconds, UTC).isoformat()


def test_a_real_call_is_heard_with_its_recording(
    desk: tuple[House, Browser, Page, str], server: dict[str, str], tmp_path: Path
) -> None:
    house, _, page, _ = desk
    began = "from heard.conversations.models import *; print('«' + Listening.objects.get().cursor)"
    ends = time.monotonic() + 60
    while not house.command("shell", "-c", began).split("«")[1].strip():
        assert time.monotonic() < ends, "listening has not begun"
        time.sleep(1)
    page.goto(f"{house.url}/inbox/all/")
    (tmp_path / "pcap").symlink_to("/usr/share/sip-tester")
    subprocess.run(
        ["sipp", "-sn", "uac_pcap", "-s", "voicemail", "-m", "1", "-i", "127.0.0.1", "-mi",
         "127.0.0.1", "-p", "15997", f"{server['HOST']}:{server['PORT']}"],
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, timeout=90, check=True,
    )  # fmt: skip
    row = page.locator("#lines li").filter(has_text="Left a voicemail")
    expect(row).to_be_visible()
    row.locator("a").first.click()
    sound = page.locator("#told audio")
    expect(sound).to_be_visible()
    expect(page.get_by_text("Its words have not been written down.").last).to_be_visible()
    length = sound.evaluate(
        "at => new Promise((done, no) => {"
        " const say = () => done(at.duration); at.onerror = () => no('it does not play');"
        " if (at.readyState > 0) say(); else { at.onloadedmetadata = say; at.load(); } })"
    )
    assert 3 < length < 30, "the browser can play what the caller said"
    picture(page, "phone-voicemail")


def test_who_is_on_hold_ticks_on_the_page_and_stands_in_the_book(
    desk: tuple[House, Browser, Page, str],
) -> None:
    house, browser, page, door = desk
    ann = {"call": "c1", "from": {"number": "020 7946 0000", "name": "Ann Archer"}}
    dan = {"call": "c2", "from": {"number": "020 7946 0001", "name": "Dan Wells"}}
    page.goto(f"{house.url}/inbox/all/")
    post(
        door,
        {**ann, "event": "queued", "at": at(-240), "queue": "Support"},
        {**dan, "event": "queued", "at": at(-5), "queue": "Support"},
    )
    panel = page.locator("#holding")
    expect(panel).to_contain_text("2 on hold now")
    clock = panel.locator("li").filter(has_text="Ann Archer").locator("time")
    expect(clock).to_have_text(re.compile(r"^[45]:\d\d$"))
    before = clock.inner_text()
    expect(clock).not_to_have_text(before)
    expect(panel.locator("li.failing")).to_contain_text("Ann Archer")
    page.locator("#lines li").filter(has_text="Ann Archer").locator("a").first.click()
    expect(page.locator("#told .call-line").last).to_contain_text("on the phone now")
    assert not faults(page)
    picture(page, "phone-on-hold-light")
    page.emulate_media(color_scheme="dark")
    picture(page, "phone-on-hold-dark")
    page.emulate_media(color_scheme="light")
    ends = time.monotonic() + 60
    while page.goto(f"{house.url}/notices/") and not page.get_by_text(ALARM).count():
        assert time.monotonic() < ends, "the keeper was not told"
        time.sleep(2)

    post(
        door,
        {**ann, "event": "hung_up", "at": at(0)},
        {**dan, "event": "answered", "at": at(0), "agent": "Bo"},
        {**dan, "event": "hung_up", "at": at(60)},
    )
    ends = time.monotonic() + 60
    given_up = page.locator("#lines li").filter(has_text="hung up after")
    while page.goto(f"{house.url}/inbox/all/") and not given_up.count():
        assert time.monotonic() < ends, "her hanging up was not heard"
        time.sleep(2)
    expect(given_up).to_contain_text("Ann Archer")
    expect(page.locator("#holding")).to_be_empty()
    page.goto(f"{house.url}/calls/")
    expect(page.get_by_role("heading", name="Calls")).to_be_visible()
    assert not faults(page)
    picture(page, "phone-book-light")
    page.get_by_role("link", name=re.compile(r"^\d+%$")).click()
    rows = page.locator("article.row")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Ann Archer")
    narrow = browser.new_context(
        viewport={"width": 390, "height": 844}, storage_state=page.context.storage_state()
    ).new_page()
    for path, name in (("/calls/", "book"), ("/inbox/all/", "inbox")):
        narrow.goto(f"{house.url}{path}")
        narrow.wait_for_load_state("networkidle")
        wide = narrow.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, f"{path} is wider than a phone: {wide}"
        picture(narrow, f"phone-{name}-narrow")
    narrow.context.close()
