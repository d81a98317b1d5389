"""From the code on the table to the guest who reads that somebody is on the way, in browsers."""

from __future__ import annotations

import os
import re
from io import BytesIO
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Response, ViewportSize, expect
from pypdf import PdfReader

from tests.journeys.browser import browsing, chromium
from tests.journeys.doors import opens_the_doors
from tests.journeys.house import House

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not here: apt-get install chromium"),
]
PHONE: ViewportSize = {"width": 360, "height": 740}
PICTURES = os.environ.get("HEARD_PICTURES", "")
"""A folder for what was seen, for whoever wants to look as well."""


class Eyes:
    """Looks at a page in both schemes: for faults, and for whoever keeps pictures."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def look(self, name: str, page: Page) -> None:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(250)
            for fault in Axe().run(page).response["violations"]:
                where = ", ".join(str(node["target"]) for node in fault["nodes"][:3])
                self.faults.append(f"{name} ({scheme}): {fault['id']} at {where}")
            if PICTURES:
                page.screenshot(path=Path(PICTURES, f"card-{name}-{scheme}.png"), full_page=True)
        page.emulate_media(color_scheme="light")
        beyond = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if beyond > 0:
            self.faults.append(f"{name}: {beyond} pixels too wide")


def opens_cards(house: House, page: Page) -> None:
    page.goto(f"{house.url}/settings/inboxes/new/comment_card/")
    page.get_by_label("Name", exact=True).fill("Riverside")
    page.get_by_label("Where cards lie").fill("Table 1 … Table 12\nTerrasse am Fluß")
    page.get_by_role("button", name="Open it").click()
    page.get_by_role("link", name="See and print the cards").click()


def weight(page: Page, address: str) -> int:
    """Open a page; the bytes of all that it loads."""
    loaded: list[Response] = []

    def hear(answer: Response) -> None:
        loaded.append(answer)

    page.on("response", hear)
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.remove_listener("response", hear)
    return sum(len(answer.body()) for answer in loaded)


def test_a_guest_calls_and_the_team_comes_then_praises_without_a_script() -> None:
    house, eyes = House(), Eyes()
    try:
        link = house.start()
        with browsing() as browser:
            desk = browser.new_context(viewport={"width": 1280, "height": 860}).new_page()
            desk.set_default_timeout(60_000)
            opens_the_doors(desk, link)
            opens_cards(house, desk)
            eyes.look("sheet", desk)
            printed = PdfReader(BytesIO(desk.pdf(prefer_css_page_size=True)))
            assert len(printed.pages) == 2
            address = desk.locator("table a").nth(6).get_attribute("href")
            assert address
            with desk.context.expect_page() as opened:
                desk.get_by_role("link", name="The sheet as PDF").click()
            opened.value.close()

            desk.goto(f"{house.url}/inbox/open/")
            expect(desk.locator("html")).to_have_attribute("data-stream", "live")
            guest = browser.new_context(viewport=PHONE, has_touch=True).new_page()
            guest.set_default_timeout(60_000)
            assert weight(guest, address) < 50_000
            expect(guest.get_by_text("Table 7", exact=True)).to_be_visible()
            eyes.look("card", guest)
            guest.get_by_role("button", name="Somebody help me here, now").click()
            expect(guest.get_by_text("We have called somebody to Table 7.")).to_be_visible()
            eyes.look("called", guest)

            row = desk.locator("#lines li.line").filter(has_text="Table 7")
            expect(row).to_be_visible()
            expect(desk.locator("#toasts")).to_contain_text("Table 7: somebody asks for help, now.")
            eyes.look("inbox", desk)
            row.get_by_role("link").first.click()
            expect(desk.get_by_role("button", name=re.compile("On my way"))).to_be_visible()
            expect(desk.locator("#toasts")).to_be_empty()
            eyes.look("thread", desk)
            desk.keyboard.press("w")
            expect(guest.get_by_text("Ann is on the way to you.")).to_be_visible(timeout=10_000)
            expect(desk.get_by_role("button", name=re.compile("On my way"))).not_to_be_visible()
            eyes.look("coming", guest)

            plain = browser.new_context(viewport=PHONE, java_script_enabled=False).new_page()
            plain.goto(address)
            plain.get_by_role("radio", name="very good").check()
            plain.get_by_label("In your words").fill("What a wonderful soup, and so quick!")
            plain.get_by_role("button", name="Send").click()
            expect(plain.get_by_text("Thank you. We have it.")).to_be_visible()
            praise = desk.locator("#lines li.line").filter(has_text="wonderful soup")
            expect(praise).to_be_visible()
            guest.goto(address)
            guest.get_by_role("button", name="Send").click()
            expect(guest.get_by_role("alert")).to_contain_text("Choose a face")
            guest.get_by_text("Would you like an answer?").click()
            eyes.look("asked-again", guest)
            guest.get_by_role("radio", name="very bad").check()
            guest.get_by_role("button", name="Send").click()
            expect(guest.get_by_text("1 of 5, no words")).to_be_visible()
            eyes.look("said", guest)
            expect(
                desk.locator("#lines li.line").filter(has_text="1 of 5, no words")
            ).to_be_visible()
    finally:
        house.end()
    assert not eyes.faults, "\n".join(eyes.faults)
