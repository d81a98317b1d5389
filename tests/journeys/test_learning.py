"""A reading is corrected, others are confirmed by one key, and the refit reads the next message."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.browser import answers_late, browsing, chromium
from tests.journeys.doors import opens_the_doors
from tests.journeys.house import House
from tests.journeys.walk import contact_page

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not here: apt-get install chromium"),
]
FIRST = "The broth was thick today, Monday."


def faults_of(page: Page, name: str) -> list[str]:
    """What axe finds by day and by night, and whether the page is wider than a small phone."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(250)  # colours change over a moment
        found += [f"{name} ({scheme}): {it['id']}" for it in Axe().run(page).response["violations"]]
        if folder := os.environ.get("HEARD_LOOK"):
            page.screenshot(path=f"{folder}/{name}-{scheme}.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 360, "height": 780})
    beyond = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    if folder := os.environ.get("HEARD_LOOK"):
        page.screenshot(path=f"{folder}/{name}-phone.png")
    page.set_viewport_size({"width": 1440, "height": 900})
    return [*found, f"{name}: {beyond} pixels too wide"] if beyond > 0 else found


def soup_is_spoken_of(house: House) -> None:
    """Fill the house as `tests.journeys.soup` does."""
    filled = subprocess.run(
        [sys.executable, "-m", "tests.journeys.soup"],
        env={**os.environ, **house.environment, "DJANGO_SETTINGS_MODULE": "heard.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert filled.returncode == 0, filled.stderr


def test_what_people_say_of_readings_is_learnt_and_the_next_message_read_by_it() -> None:
    house, faults = House(), list[str]()
    try:
        link = house.start()
        with browsing() as browser:
            page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.set_default_timeout(60_000)
            opens_the_doors(page, link)
            soup_is_spoken_of(house)

            # A reading is corrected under its message.
            page.goto(f"{house.url}/inbox/all/")
            row = page.locator("#lines li.line").filter(has_text="broth was thick today, Monday")
            row.get_by_role("link").first.click()
            expect(page.locator("#told")).to_contain_text(FIRST)
            page.locator("details.reading summary").first.click()
            page.locator(".reading .menu-card").get_by_role(
                "button", name="happy", exact=True
            ).click()
            expect(page.locator("#thread")).to_contain_text("corrected the reading: happy")
            expect(page.locator("#told")).to_have_count(1)

            # One line under the list asks; a key answers it.
            page.goto(f"{house.url}/inbox/all/")
            line = page.locator("#enquiry")
            expect(line).to_contain_text("Is this right?")
            faults += faults_of(page, "enquiry")
            asked = line.locator("a").inner_text()
            page.keyboard.press("1")
            expect(line).not_to_contain_text(asked)
            expect(line).to_contain_text("Is this right?")
            # The open conversation asks it, too, at the message itself.
            line.locator("a").click()
            here = page.locator("#thread .second-reading")
            expect(here).to_contain_text("Is this right?")
            faults += faults_of(page, "asked-here")
            # The live change comes first and replaces what was clicked: thanks come all the same.
            page.route("**/enquiries/*/", answers_late)
            here.get_by_role("button", name="Yes").click()
            expect(page.locator("#toasts")).to_contain_text("learns from it tonight")
            expect(here).to_have_count(0)
            expect(line).to_be_empty()
            # The correction answered one of them, too: three a day.
            page.reload()
            page.wait_for_timeout(2_000)
            expect(line).to_be_empty()

            # What was said is learnt, shown with its line, and used.
            page.goto(f"{house.url}/settings/reading/")
            expect(page.get_by_role("heading", level=1)).to_have_text("What the reader learnt")
            page.get_by_role("button", name="Learn now").click()
            mood = page.locator("#mood")
            for _ in range(30):
                if mood.get_by_text("Read as your house taught it").count():
                    break
                page.wait_for_timeout(1_000)
                page.reload()
            expect(mood).to_contain_text("Read as your house taught it since")
            expect(mood.locator(".drawing.learning svg")).to_be_visible()
            faults += faults_of(page, "learnt")
            mood.get_by_role("link", name=re.compile("labels so far")).click()
            expect(page.locator(".rows")).to_contain_text("broth")
            faults += faults_of(page, "labels")

            guest = browser.new_context().new_page()
            guest.goto(contact_page(house))
            guest.get_by_label("Your message").fill("The ramen was thick today, Thursday.")
            guest.get_by_label("Your name").fill("Mira Sand")
            guest.get_by_role("button", name="Send").click()
            expect(guest.get_by_text("We have your message.")).to_be_visible()
            page.goto(f"{house.url}/inbox/all/")
            page.get_by_role("link", name=re.compile("Mira Sand")).first.click()
            expect(page.locator("details.reading summary").first).to_contain_text("happy")

            # One click reads as before.
            page.goto(f"{house.url}/settings/reading/")
            mood.get_by_role("button", name="Take back").click()
            expect(page.locator("body")).to_contain_text("new messages are read as shipped")
            expect(mood).to_contain_text("taken back")
    finally:
        house.end()
    assert not faults, "\n".join(faults)
