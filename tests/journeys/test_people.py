"""People: likely pairs joined by a key and undone by another, conversations merged and split."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.browser import browsing, chromium
from tests.journeys.doors import opens_the_doors
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


def people_speak(house: House) -> None:
    """Fill the house as `tests.journeys.people` does."""
    filled = subprocess.run(
        [sys.executable, "-m", "tests.journeys.people"],
        env={**os.environ, **house.environment, "DJANGO_SETTINGS_MODULE": "heard.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert filled.returncode == 0, filled.stderr


def test_people_are_known_joined_and_told_apart_by_keys() -> None:
    house, faults = House(), list[str]()
    try:
        link = house.start()
        with browsing() as browser:
            page = browser.new_context(viewport={"width": 1600, "height": 900}).new_page()
            page.set_default_timeout(60_000)
            opens_the_doors(page, link)
            people_speak(house)

            page.goto(f"{house.url}/inbox/all/")
            row = page.locator("#lines li.line")
            expect(row.filter(has_text="Otto Reed").first).to_contain_text("at risk")
            expect(row.filter(has_text="joy").first).to_contain_text("advocate")
            faults += faults_of(page, "rows")

            row.filter(has_text="joy").first.get_by_role("link").first.click()
            expect(page.locator(".due-thanks")).to_contain_text("send others to us in public")
            expect(page.locator("#person .bond-why")).to_have_count(1)
            page.keyboard.press("c")
            page.wait_for_url("**/contacts/*/")
            expect(page.get_by_role("heading", name="Mira Sand")).to_be_visible()
            page.locator(".contact-head .bond-why summary").click()
            expect(page.get_by_text("Because they recommended us in public")).to_be_visible()
            expect(page.locator(".pair")).to_contain_text("the same word in the handle")
            faults += faults_of(page, "contact")
            page.keyboard.press("y")
            expect(page.get_by_text("They are one person now")).to_be_visible()
            expect(page.locator(".line-of-time")).to_contain_text("Do you repair lamps?")
            expect(page.locator(".line-of-time")).to_contain_text("again a joy")
            expect(page.locator(".pledges")).to_contain_text("A new lamp by Friday")
            expect(page.locator(".moods circle")).to_have_count(5)
            faults += faults_of(page, "joined")
            page.keyboard.press("z")
            expect(page.get_by_text("is a person of their own again")).to_be_visible()
            expect(page.locator(".line-of-time")).not_to_contain_text("Do you repair lamps?")
            page.keyboard.press("w")
            expect(page.get_by_text("Noted: they are two people.")).to_be_visible()
            expect(page.locator(".pair")).to_have_count(0)

            page.goto(f"{house.url}/inbox/all/")
            row.filter(has_text="And an invoice").get_by_role("link").first.click()
            expect(page.locator("#told")).to_contain_text("And an invoice")
            page.wait_for_load_state("networkidle")
            page.keyboard.press("m")
            expect(page.locator("#sheet .takers button").first).to_be_focused()
            faults += faults_of(page, "merge")
            page.keyboard.press("Enter")
            expect(page.locator("#toasts")).to_contain_text("They are one conversation now.")
            expect(page.locator("#thread")).to_contain_text("Where is my order?")
            expect(row.filter(has_text="Ines Vale")).to_have_count(1)
            page.wait_for_load_state("networkidle")
            page.keyboard.press("m")
            page.get_by_role("button", name="Make two again").click()
            expect(page.locator("#toasts")).to_contain_text("two conversations again")
            expect(page.locator("#thread")).not_to_contain_text("Where is my order?")
            expect(row.filter(has_text="Ines Vale")).to_have_count(2)

            row.filter(has_text="Blue ones").get_by_role("link").first.click()
            expect(page.locator("#thread")).to_contain_text("do you sell vases?")
            page.wait_for_load_state("networkidle")
            page.keyboard.press("m")
            page.locator("#sheet").get_by_role("button", name="do you sell vases?").click()
            expect(page.locator("#toasts")).to_contain_text("this is the new conversation")
            expect(page.locator("#thread")).not_to_contain_text("Where is my order?")
            expect(row.filter(has_text="Ines Vale")).to_have_count(3)
            page.wait_for_load_state("networkidle")
            sheet = page.locator(".same-link[data-key=m]").get_attribute("href")
            page.goto(f"{house.url}{sheet}")  # the same as a page of its own
            page.get_by_role("button", name="Make one again").click()
            expect(page.locator("#toasts")).to_contain_text("one conversation again")
            expect(page.locator("#thread")).to_contain_text("Where is my order?")

            page.get_by_role("link", name="Presence").click()
            expect(page.locator(".presence")).to_contain_text("lamps.example")
            expect(page.locator("h1")).to_contain_text("nobody of you answers")
            faults += faults_of(page, "presence")
            page.locator(".presence-place").filter(has_text="lamps.example").get_by_role(
                "link", name="1 not"
            ).click()
            expect(page.get_by_text("Ten shops, and Fern is best.")).to_be_visible()
            page.go_back()
            page.locator(".keepers").get_by_role("link", name="Ann Berg").click()
            expect(page.get_by_text("Kind words recognised in time")).to_be_visible()
            faults += faults_of(page, "keeper")
    finally:
        house.end()
    assert not faults, "\n".join(faults)
