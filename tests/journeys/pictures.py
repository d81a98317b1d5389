"""`make pictures`: walks through the product and keeps what is to be seen in docs/pictures."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from playwright.sync_api import Page, ViewportSize

from tests.journeys.browser import browsing, chromium
from tests.journeys.house import House
from tests.journeys.walk import walk

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
DESKTOP: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 390, "height": 844}


def main() -> None:
    """Take all pictures anew: light and dark, desktop and phone."""
    if chromium() is None:
        sys.exit("Chromium is not here: apt-get install chromium")
    FOLDER.mkdir(parents=True, exist_ok=True)
    house = House(from_nothing=True)
    shared = Path(os.environ.get("HEARD_SHARED", Path(__file__).parents[3] / "shared"))

    def look(name: str, page: Page) -> None:
        wide = page.viewport_size
        for size, view in (("desktop", DESKTOP), ("phone", PHONE)):
            page.set_viewport_size(view)
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                page.wait_for_timeout(400)
                page.screenshot(path=FOLDER / f"{name}-{size}-{scheme}.png")
        page.emulate_media(color_scheme="light")
        if wide is not None:
            page.set_viewport_size(wide)
        print(name, flush=True)

    try:
        link = house.start()
        with browsing() as browser:
            walk(house, link, browser, look=look, shared=shared if shared.is_dir() else None)
    finally:
        house.end()


if __name__ == "__main__":
    main()
