"""The open list goes on when the live events cannot be reached, and hears them again afterwards."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.journeys.browser import browsing, chromium
from tests.journeys.doors import opens_the_doors, writes
from tests.journeys.house import House
from tests.journeys.line import Line
from tests.journeys.walk import contact_page

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not here: apt-get install chromium"),
]


def test_messages_show_while_the_line_is_cut_and_by_events_once_it_is_back() -> None:
    house = House()
    line = Line(to=house.live_port)
    house.environment["HEARD_LIVE_URL"] = f"http://localhost:{line.port}"
    try:
        link = house.start()
        with browsing() as browser:
            page = browser.new_context(viewport={"width": 1280, "height": 860}).new_page()
            page.set_default_timeout(60_000)
            opens_the_doors(page, link)
            door = contact_page(house)
            stream, row = page.locator("html"), page.locator("#lines li.line")
            page.goto(f"{house.url}/inbox/open/")
            expect(stream).to_have_attribute("data-stream", "live")
            writes(browser, door, "Mira Sand")
            expect(row.filter(has_text="Mira Sand")).to_be_visible()

            line.cut()
            expect(stream).to_have_attribute("data-stream", "polling")
            writes(browser, door, "Otto Reed")
            expect(row.filter(has_text="Otto Reed")).to_be_visible(timeout=30_000)
            row.filter(has_text="Mira Sand").get_by_role("link").first.click()
            expect(page.locator("#told")).to_contain_text("this is Mira Sand")
            expect(stream).to_have_attribute("data-stream", "polling")

            line.mend()
            expect(stream).to_have_attribute("data-stream", "live", timeout=60_000)
            page.wait_for_timeout(2000)  # back on the line, the page looks once for what it missed
            asked: list[dict[str, list[str]]] = []
            page.on(
                "request",
                lambda sent: (
                    asked.append(parse_qs(urlsplit(sent.url).query))
                    if "/rows/" in sent.url
                    else None
                ),
            )
            writes(browser, door, "Ines Vale")
            expect(row.filter(has_text="Ines Vale")).to_be_visible()
            assert asked
            assert not any("top" in query for query in asked), (
                "it was told, and did not have to look"
            )

            # A line that stays open and says nothing is noticed as well.
            page.clock.install()
            page.goto(f"{house.url}/inbox/open/")
            expect(stream).to_have_attribute("data-stream", "live")
            page.wait_for_load_state("networkidle")
            line.hold()
            page.clock.fast_forward(41_000)
            expect(stream).to_have_attribute("data-stream", "polling")
            writes(browser, door, "Paul Moor")
            expect(row.filter(has_text="Paul Moor")).to_be_visible(timeout=30_000)
            line.let_go()
            expect(stream).to_have_attribute("data-stream", "live", timeout=60_000)

            # A page that is opened while the line is cut looks by itself, too.
            line.cut()
            page.goto(f"{house.url}/inbox/open/")
            expect(stream).to_have_attribute("data-stream", "polling")
            writes(browser, door, "Uma Frost")
            expect(row.filter(has_text="Uma Frost")).to_be_visible(timeout=30_000)
    finally:
        line.end()
        house.end()
