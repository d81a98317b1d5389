"""What is arranged and looked up less often, done by keyboard alone and looked at on a phone."""

from __future__ import annotations

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

WIDE: ViewportSize = {"width": 1600, "height": 900}
NARROW: ViewportSize = {"width": 360, "height": 780}
MOST_TABS = 60


def faults_of(page: Page, name: str) -> list[str]:
    """What axe finds, and whether the page is wider than a small phone."""
    found = [f"{name}: {it['id']}" for it in Axe().run(page).response["violations"]]
    page.set_viewport_size(NARROW)
    beyond = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    page.set_viewport_size(WIDE)
    return [*found, f"{name}: {beyond} pixels too wide"] if beyond > 0 else found


def tab_to(page: Page, words: str) -> None:
    """Press Tab until the cursor stands on what bears these words."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if words in page.evaluate(
            "(document.activeElement.getAttribute('aria-label') || '') + "
            "[...(document.activeElement.labels || [])].map(it => it.textContent).join() + "
            "document.activeElement.textContent"
        ):
            return
    raise AssertionError(f"no way to {words} by Tab")


def test_notes_keys_and_the_journal_by_keyboard_without_a_fault() -> None:
    house, faults = House(), list[str]()
    try:
        link = house.start()
        with browsing() as browser:
            page = browser.new_context(viewport=WIDE).new_page()
            page.set_default_timeout(60_000)
            opens_the_doors(page, link)
            door = contact_page(house)
            writes(browser, door, "Mira Sand")
            writes(browser, door, "Mira Sandberg")

            page.goto(f"{house.url}/inbox/open/")
            page.keyboard.press("j")
            page.keyboard.press("Enter")
            expect(page.locator("#told")).to_be_visible()
            tab_to(page, "Add a note about this person")
            page.keyboard.press("Enter")
            expect(page.locator("#person-words")).to_be_focused()
            faults += faults_of(page, "note")
            page.keyboard.type("Eats no gluten.")
            page.keyboard.press("Control+Enter")
            expect(page.locator(".person-note")).to_have_text("Eats no gluten.")
            expect(page.locator("#person-note a")).to_be_focused()
            page.keyboard.press("Enter")
            expect(page.locator("#person-words")).to_be_focused()
            page.keyboard.type(" Or does she?")
            page.keyboard.press("Escape")
            expect(page.locator(".person-note")).to_have_text("Eats no gluten.")
            expect(page.locator("#person-note a")).to_be_focused()
            tab_to(page, "Also somebody else?")
            page.keyboard.press("Enter")
            expect(page.locator("#same-who")).to_be_focused()
            page.locator("#same-who").fill("Mira")
            page.keyboard.press("Enter")
            expect(page.locator("#sheet .takers button")).to_have_count(1)
            faults += faults_of(page, "same person")
            tab_to(page, "Who stays?")
            page.keyboard.press("Tab")
            expect(page.locator("#sheet .takers button")).to_be_focused()
            page.keyboard.press("Enter")
            expect(page.locator("#toasts")).to_contain_text("They are one person now.")
            expect(page.locator("#person .visits li")).to_have_count(1)

            page.goto(f"{house.url}/settings/keys/")
            tab_to(page, "What it is for")
            page.keyboard.type("Till")
            tab_to(page, "read conversations")
            page.keyboard.press("Space")
            page.keyboard.press("Enter")
            expect(page.get_by_text("Shown this once.")).to_be_visible()
            faults += faults_of(page, "key")
            tab_to(page, "Done")
            page.keyboard.press("Enter")
            expect(page.get_by_text("never used")).to_be_visible()
            faults += faults_of(page, "keys")
            tab_to(page, "Revoke")
            page.keyboard.press("Enter")
            expect(page.get_by_text("This key opens nothing any more.")).to_be_visible()

            page.goto(f"{house.url}/settings/journal/")
            expect(page.get_by_text("Became 1 message")).to_have_count(2)
            faults += faults_of(page, "journal")
            tab_to(page, "Became 1 message")
            page.keyboard.press("Enter")
            expect(page.get_by_role("heading", name="What it became")).to_be_visible()
            faults += faults_of(page, "delivery")
            tab_to(page, "Mira Sand")
            page.keyboard.press("Enter")
            expect(page.locator("#told")).to_contain_text("Is the terrace open?")
            for path in ("/notices/", "/ledger/", "/settings/aside/"):
                page.goto(house.url + path)
                faults += faults_of(page, path)
    finally:
        house.end()
    assert not faults, "\n".join(faults)
