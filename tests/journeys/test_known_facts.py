"""Typing with the five lights: a price that is known otherwise, taken with one key; a tick list."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from tests.journeys.browser import browsing, chromium
from tests.journeys.doors import opens_the_doors, writes
from tests.journeys.house import House
from tests.journeys.walk import contact_page

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not here: apt-get install chromium"),
]

WIDE: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 360, "height": 780}
PICTURES = os.environ.get("HEARD_PICTURES", "")
"""A folder for what was seen, for whoever wants to look as well."""
QUESTION = "Hello, how much is a day ticket? Can I bring my dog? Where do I park? Zofia"
SHEET = (
    "subject,words,value\nFamily ticket,,€ 30\nReturn period,returns,30 days\n"
    "Parking,,behind the house"
)


class Eyes:
    """Looks at a page in both schemes and on a phone."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def look(self, name: str, page: Page) -> None:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(250)  # colours change over a moment
            for fault in Axe().run(page).response["violations"]:
                where = ", ".join(str(node["target"]) for node in fault["nodes"][:3])
                self.faults.append(f"{name} ({scheme}): {fault['id']} at {where}")
            self._keep(f"{name}-{scheme}", page)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(PHONE)
        beyond = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        self._keep(f"{name}-phone", page)
        page.set_viewport_size(WIDE)
        if beyond > 0:
            self.faults.append(f"{name}: {beyond} pixels too wide")

    def _keep(self, name: str, page: Page) -> None:
        if PICTURES:
            page.screenshot(path=Path(PICTURES, f"{name}.png"))


def writes_down(house: House, page: Page, eyes: Eyes, folder: Path) -> None:
    """The first fact by hand, more from a sheet."""
    page.goto(f"{house.url}/settings/facts/")
    expect(page.get_by_role("heading", name="Nothing is written down yet")).to_be_visible()
    eyes.look("facts-empty", page)
    page.get_by_role("link", name="New fact").click()
    page.get_by_label("What it is about").fill("Day ticket")
    page.get_by_label("What is so").fill("€ 12.50")
    page.get_by_label("Other words for it").fill("ticket, entry")
    eyes.look("fact", page)
    page.get_by_role("button", name="Keep", exact=True).click()
    sheet = folder / "facts.csv"
    sheet.write_text(SHEET)
    page.get_by_label("A sheet of facts").set_input_files(sheet)
    page.get_by_role("button", name="Take it in").click()
    expect(page.get_by_text("3 new, 0 changed, 0 as they were.")).to_be_visible()
    eyes.look("facts", page)


def test_a_known_price_is_taken_with_one_key_and_each_question_is_ticked_off(
    tmp_path: Path,
) -> None:
    house, eyes = House(), Eyes()
    try:
        link = house.start()
        with browsing() as browser:
            page = browser.new_context(viewport=WIDE).new_page()
            page.set_default_timeout(60_000)
            opens_the_doors(page, link)
            writes_down(house, page, eyes, tmp_path)

            writes(browser, contact_page(house), "Zofia Kowalska", QUESTION)
            page.goto(f"{house.url}/inbox/open/")
            page.get_by_role("link", name="Zofia Kowalska").first.click()
            page.locator("#thread").click(position={"x": 5, "y": 5})
            page.keyboard.press("r")
            expect(page.locator("#draft")).to_be_focused()
            page.keyboard.type("Hello Zofia, a day ticket is € 15, and dogs are welcome on a lead.")

            asked = page.locator("#check .asked li")
            expect(asked).to_have_count(3)
            expect(page.locator("#check .asked .taken-up")).to_have_count(2)
            expect(asked.nth(2)).to_contain_text("Where do I park?")
            known = page.locator("#check .beside").filter(has_text="Day ticket: € 12.50")
            expect(known).to_be_visible()
            true = page.get_by_role("img", name="True: look again")
            expect(true).to_be_visible()
            eyes.look("contradicted", page)

            page.keyboard.press("Control+.")
            expect(page.locator("#draft")).to_have_value(
                "Hello Zofia, a day ticket is € 12.50, and dogs are welcome on a lead."
            )
            expect(known).to_have_count(0)
            expect(true).to_have_count(0)
            page.locator("#draft").press("Control+End")
            page.keyboard.type(" You park behind the house.")
            expect(page.locator("#check .asked .taken-up")).to_have_count(3)
            eyes.look("ticked-off", page)
            page.keyboard.press("Control+Enter")
            expect(page.locator("#thread")).to_contain_text("a day ticket is € 12.50")
    finally:
        house.end()
    assert not eyes.faults, "\n".join(eyes.faults)
