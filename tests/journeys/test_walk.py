"""The promise of the README, walked: first start, archive, question, THINK, answer, ledger."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

from tests.journeys.browser import browsing, chromium
from tests.journeys.house import House
from tests.journeys.walk import walk

pytestmark = pytest.mark.journey

PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.mark.skipif(chromium() is None, reason="Chromium is not here: apt-get install chromium")
def test_from_the_first_start_to_an_answered_customer_without_a_fault_on_any_page() -> None:
    house = House(from_nothing=True)
    faults: list[str] = []
    shared = Path(os.environ.get("HEARD_SHARED", Path(__file__).parents[3] / "shared"))

    def look(name: str, page: Page) -> None:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(250)  # colours change over a moment
            for fault in Axe().run(page).response["violations"]:
                where = ", ".join(str(node["target"]) for node in fault["nodes"][:3])
                faults.append(f"{name} ({scheme}): {fault['id']} at {where}")
        page.emulate_media(color_scheme="light")
        wide = page.viewport_size
        page.set_viewport_size(PHONE)
        beyond = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if beyond > 0:
            faults.append(f"{name}: {beyond} pixels wider than a phone")
        if wide is not None:
            page.set_viewport_size(wide)

    try:
        link = house.start()
        with browsing() as browser:
            walk(house, link, browser, look=look, shared=shared if shared.is_dir() else None)
    finally:
        house.end()
    assert not faults, "\n".join(faults)
