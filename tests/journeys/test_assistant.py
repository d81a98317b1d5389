"""A model server is arranged and tried; its reading is taken, its draft shown with its sources."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from tests.assistant.far_side import CALL, said
from tests.channels.place import Place
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
QUESTION = "Dzień dobry, gdzie jest moja paczka? Ile kosztuje day ticket? Zofia Kowalska"
DRAFT = "Dzień dobry [NAME 1], dziękujemy za wiadomość. A day ticket costs 12 euros."


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
            if PICTURES:
                page.screenshot(path=Path(PICTURES, f"{name}-{scheme}.png"), full_page=True)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(PHONE)
        beyond = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if PICTURES:
            page.screenshot(path=Path(PICTURES, f"{name}-phone.png"), full_page=True)
        page.set_viewport_size(WIDE)
        if beyond > 0:
            self.faults.append(f"{name}: {beyond} pixels too wide")


def arranges(house: House, page: Page, place: Place) -> None:
    """Where the server is, that it may be asked there, and what it may do."""
    page.goto(f"{house.url}/settings/assistant/")
    expect(page.get_by_text("All of it is off until you switch it on")).to_be_visible()
    page.get_by_label("Its address").fill(f"{place.url}/v1")
    page.get_by_label("The model").fill("small")
    page.get_by_label("Its key").fill("sk-secret")
    page.get_by_label("It may stand inside our own network").check()
    page.get_by_label("It reads what the shipped reader is unsure of").check()
    page.get_by_label("It drafts replies when somebody asks for it").check()
    page.get_by_role("button", name="Keep", exact=True).click()


def test_switched_on_tried_a_suggestion_taken_and_a_draft_with_its_sources() -> None:
    house, eyes = House(), Eyes()
    try:
        link = house.start()
        with browsing() as browser, Place() as place:
            page = browser.new_context(viewport=WIDE).new_page()
            page.set_default_timeout(60_000)
            opens_the_doors(page, link)

            arranges(house, page, place)
            place.answers(CALL, said({"need": "answer", "stance": "avoid", "mood": "negative"}))
            page.get_by_role("button", name="Ask the server now").click()
            expect(page.get_by_text("It works. It says: answer, avoid, negative.")).to_be_visible()
            eyes.look("assistant", page)
            page.get_by_role("link", name="Read everything that left").click()
            page.get_by_text("What left, and what came back").first.click()
            expect(page.get_by_text("[NAME 1]")).to_be_visible()
            eyes.look("assistant-log", page)

            page.goto(f"{house.url}/settings/facts/new/")
            page.get_by_label("What it is about").fill("Day ticket")
            page.get_by_label("What is so").fill("12 euros")
            page.get_by_role("button", name="Keep", exact=True).click()

            writes(browser, contact_page(house), "Zofia Kowalska", QUESTION)
            page.goto(f"{house.url}/inbox/open/")
            page.get_by_role("link", name="Zofia Kowalska").first.click()
            suggested = page.get_by_text("The server suggests: unhappy, warns others off")
            expect(suggested).to_be_visible(timeout=150_000)
            eyes.look("second-reading", page)
            page.locator("#thread").click(position={"x": 5, "y": 5})
            page.keyboard.press("u")
            expect(suggested).to_have_count(0)
            expect(page.locator("#thread")).to_contain_text("corrected the reading")

            place._answers.clear()
            place.answers(CALL, said({"reply": DRAFT, "sources": [1]}))
            page.locator("#thread").click(position={"x": 5, "y": 5})
            page.keyboard.press("d")
            expect(page.locator("#draft")).to_have_value(
                "Dzień dobry Zofia, dziękujemy za wiadomość. A day ticket costs 12 euros.",
                timeout=60_000,  # the worker may be at something else
            )
            expect(page.locator("#drafting")).to_contain_text("Day ticket")
            expect(page.locator("#check .light").first).to_be_visible()
            eyes.look("drafted", page)
            page.locator("#draft").press("Control+Enter")
            expect(page.locator("#thread")).to_contain_text("drafted by the server, 100 %")
            for asked in place.asked:
                body = asked.body.decode()
                assert "Kowalska" not in body
                assert "Zofia" not in body
    finally:
        house.end()
    assert not eyes.faults, "\n".join(eyes.faults)
