"""A flood by keyboard: one line for a campaign, opened, one taken out, all done, unfolded."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.browser import browsing, chromium
from tests.journeys.house import House

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not here: apt-get install chromium"),
]


def faults_of(page: Page, name: str) -> list[str]:
    """What axe finds, and whether the page is wider than a small phone."""
    found = [f"{name}: {it['id']}" for it in Axe().run(page).response["violations"]]
    page.set_viewport_size({"width": 360, "height": 780})
    beyond = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    page.set_viewport_size({"width": 1600, "height": 900})
    return [*found, f"{name}: {beyond} pixels too wide"] if beyond > 0 else found


def test_a_campaign_is_one_line_and_is_done_at_once() -> None:
    house, faults = House(), list[str]()
    try:
        link = house.start()
        with browsing() as browser:
            page = browser.new_context(viewport={"width": 1600, "height": 900}).new_page()
            page.set_default_timeout(60_000)
            page.goto(link)
            page.get_by_role("button", name="Look around in it").click()
            expect(page).to_have_url(re.compile(r":\d+/$"), timeout=180_000)
            expect(page.locator("h1")).to_contain_text("waiting", timeout=180_000)
            house.command("floods", "--look")  # its job does that by the minute

            page.goto(f"{house.url}/inbox/open/")
            line = page.locator("#lines li.line").filter(has_text="more alike")
            expect(line).to_have_count(1)
            expect(line).to_contain_text("and 11 more alike")
            expect(page.locator("#lines li.line").filter(has_text="Dot Winslade")).to_have_count(1)
            faults += faults_of(page, "line")

            line.get_by_role("link").click()
            flood = page.locator("#flood")
            expect(flood).to_contain_text("12 conversations, the same words")
            expect(flood.locator(".row")).to_have_count(12)
            faults += faults_of(page, "flood")

            odd = flood.locator(".row").filter(has_text="Ned Farrow")
            odd.get_by_role("button", name="not the same").click()
            expect(flood).to_contain_text("11 conversations, the same words")
            expect(flood).to_contain_text("One message was taken out.")
            expect(line).to_contain_text("and 10 more alike")
            expect(page.locator("#lines li.line").filter(has_text="Ned Farrow")).to_have_count(1)

            page.keyboard.press("u")
            each = page.locator("#lines li.line")
            expect(each).to_have_count(11)
            expect(page.locator(".unfolded")).to_contain_text("Those of one flood")
            each.first.get_by_role("link").click()
            expect(page.locator("#thread")).to_contain_text("goose liver")
            page.get_by_role("link", name="one of several alike").click()
            expect(flood).to_contain_text("11 open")
            page.wait_for_load_state("networkidle")
            page.keyboard.press("e")
            expect(page.locator("#toasts")).to_contain_text("11 conversations are done.")
            expect(flood).to_contain_text("0 open")

            page.goto(f"{house.url}/inbox/open/")
            expect(page.locator("#lines li.line").filter(has_text="more alike")).to_have_count(0)
            page.goto(house.url)
            expect(page.get_by_text(re.compile(r"\d+ alike counted as"))).to_be_visible()
    finally:
        house.end()
    assert not faults, "\n".join(faults)
