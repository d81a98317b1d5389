"""Two colleagues in two windows: cooling down, stepping back, second eyes, two answers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.browser import browsing, chromium
from tests.journeys.doors import opens_the_doors
from tests.journeys.house import House
from tests.journeys.test_by_keyboard import WIDE, faults_of

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not here: apt-get install chromium"),
]

ROOT = Path(__file__).parents[2]
PICTURES = os.environ.get("HEARD_PICTURES", "")
"""A folder in which what is seen on the way is kept, to be looked at."""

HOT = "Mira, how dare you. You people never read the card that lies in every box of ours."
COOL = (
    "Hello Mira, I am sorry that your first evening went dark. We send a new lamp today; "
    "could you tell us in a private message where to? Ada"
)
LAW = (
    "Hello Ines, I am so sorry to read this, and I hope that your son is well. Our solicitor will "
    "write to you by Friday. Please unplug the lamp until then. Ada"
)
BLUE = "Hello Kit, yes, we make the blue one, and it can be in Lund by Friday. Shall I send it? Ada"
BLUE_TOO = "Hi Kit, the blue lamp is back on the bench and leaves tomorrow, if you like. Ben"


@dataclass
class Two:
    """A house, and the windows of Ada and of Ben."""

    house: House
    ada: Page
    ben: Page
    faults: list[str]

    def look(self, name: str, page: Page) -> None:
        """Look for faults on what is seen, and keep pictures of it: light, dark, on a phone."""
        self.faults.extend(faults_of(page, name))
        if not PICTURES:
            return
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=f"{PICTURES}/{name}-{scheme}.png")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 390, "height": 844})
        page.evaluate("document.getElementById('person')?.removeAttribute('open')")
        page.screenshot(path=f"{PICTURES}/{name}-phone.png")
        page.set_viewport_size(WIDE)


@pytest.fixture(scope="module")
def two() -> Iterator[Two]:
    house = House()
    try:
        link = house.start()
        with browsing() as browser:
            owner = browser.new_context(viewport=WIDE).new_page()
            owner.set_default_timeout(60_000)
            opens_the_doors(owner, link)
            subprocess.run(
                [sys.executable, "-m", "tests.journeys.colleagues"],
                cwd=ROOT,
                env=house.environment
                | {"DJANGO_SETTINGS_MODULE": "heard.settings", "PYTHONPATH": str(ROOT)},
                check=True,
            )
            yield Two(house, enters(house, browser, "ada"), enters(house, browser, "ben"), [])
    finally:
        house.end()


def enters(house: House, browser: Browser, who: str) -> Page:
    """In a window of their own, by a link."""
    page = browser.new_context(viewport=WIDE).new_page()
    page.set_default_timeout(60_000)
    found = re.search(r"https?://\S+", house.command("signin_link", f"{who}@fern.example"))
    assert found
    page.goto(found.group(0))
    page.locator("main form button").first.click()
    expect(page.locator(".places")).to_be_visible()
    return page


def opens(two: Two, page: Page, who: str, view: str = "open") -> None:
    page.goto(f"{two.house.url}/inbox/{view}/")
    page.get_by_role("link", name=re.compile(who)).first.click()
    expect(page.locator("#told")).to_contain_text(who)


def sends(page: Page, words: str) -> None:
    page.locator("#draft").fill(words)
    expect(page.locator("#check .checked")).to_be_visible()
    page.locator("#draft").press("Control+Enter")


def test_a_hot_reply_cools_down_and_somebody_else_lets_it_go_sooner(two: Two) -> None:
    ada, ben = two.ada, two.ben
    opens(two, ada, "Mira Sand")
    ada.locator("#draft").fill(HOT)
    expect(ada.locator("#check")).to_contain_text("This is hot: it rests before it goes.")
    two.look("hot-draft", ada)
    ada.locator("#draft").press("Control+Enter")
    expect(ada.locator("#own-waiting")).to_contain_text("rests until it has cooled")
    expect(ada.locator("#own-waiting .number")).to_have_text(re.compile(r"^4:\d\d$"))
    expect(ada.locator("#thread .waits")).to_contain_text("rests, not sent")
    two.look("rests", ada)

    # Rewritten, but still hot: it rests anew. Then it is withdrawn, and is a draft again.
    ada.get_by_role("button", name="Rewrite it").click()
    expect(ada.locator("#draft")).to_have_value(HOT)
    sends(ada, HOT + " Enough is enough.")
    expect(ada.locator("#own-waiting")).to_contain_text("rests until it has cooled")

    opens(two, ben, "Mira Sand", view="eyes")
    ben.get_by_role("link", name="Look at it").click()
    expect(ben.get_by_role("heading", level=1)).to_have_text("A reply of Ada Holm")
    expect(ben.locator("main")).to_contain_text("There are words of anger in it")
    two.look("look-at-it", ben)
    ben.get_by_role("button", name="Let it go").click()
    expect(ben.locator("#thread")).to_contain_text("seen and let go by Ben Rask")
    expect(ada.locator("#own-waiting .notice")).to_have_count(0)
    expect(ada.locator("#thread .waits")).to_have_count(0)
    expect(ada.locator("#thread")).to_contain_text("Enough is enough.")
    assert not two.faults, "\n".join(two.faults)


def test_rewritten_cool_it_goes_at_once(two: Two) -> None:
    ada = two.ada
    opens(two, ada, "Mira Sand")
    sends(ada, HOT + " And another thing.")
    expect(ada.locator("#own-waiting")).to_contain_text("rests until it has cooled")
    sends(ada, COOL)
    expect(ada.locator("#thread .said.reply").last).to_contain_text("We send a new lamp today")
    expect(ada.locator("#own-waiting .notice")).to_have_count(0)
    expect(ada.locator("#thread")).not_to_contain_text("And another thing.")


def test_too_close_by_one_key_and_it_is_with_somebody_who_is_not(two: Two) -> None:
    ada, ben = two.ada, two.ben
    opens(two, ada, "Otto Lund", view="unassigned")
    ada.locator("#thread").focus()
    two.look("too-close", ada)
    ada.keyboard.press("x")
    expect(ada.locator("#toasts")).to_contain_text("Ben Rask has it now. Thank you for saying so.")
    ada.goto(f"{two.house.url}/inbox/unassigned/")
    expect(ada.locator("#lines")).not_to_contain_text("Otto Lund")
    opens(two, ben, "Otto Lund", view="mine")
    expect(ben.locator("#thread")).to_contain_text("Ada Holm stepped back: too close to this")
    opens(two, ada, "Otto Lund")
    ada.locator("#thread").focus()
    ada.keyboard.press("a")
    expect(ada.locator("#sheet")).to_contain_text("Who takes it?")
    expect(ada.locator("#sheet")).not_to_contain_text("I do")
    ada.keyboard.press("Escape")
    two.look("stepped-back", ada)
    assert not two.faults, "\n".join(two.faults)


def test_what_needs_a_second_pair_of_eyes_is_returned_then_changed_and_let_go(two: Two) -> None:
    ada, ben = two.ada, two.ben
    opens(two, ada, "Ines Vale")
    ada.locator("#draft").fill(LAW)
    expect(ada.locator("#check")).to_contain_text("Somebody else looks at it before it goes.")
    ada.locator("#draft").press("Control+Enter")
    expect(ada.locator("#own-waiting")).to_contain_text("waits for a second pair of eyes")
    expect(ada.locator("#own-waiting")).to_contain_text("The clock goes on running (first answer:")
    two.look("asked", ada)

    opens(two, ben, "Ines Vale", view="eyes")
    ben.get_by_role("link", name="Look at it").click()
    expect(ben.locator("main")).to_contain_text("The clock goes on running (first answer:")
    ben.get_by_label("Or give it back, with a word").fill("Leave the solicitor out, please.")
    ben.get_by_role("button", name="Give it back").click()
    expect(ada.locator("#own-waiting")).to_contain_text("Leave the solicitor out, please.")
    ada.reload()
    expect(ada.locator("#draft")).to_have_value(LAW)
    two.look("given-back", ada)

    sends(ada, LAW.replace("Our solicitor", "Our lawyer"))
    expect(ada.locator("#own-waiting")).to_contain_text("waits for a second pair of eyes")
    opens(two, ben, "Ines Vale", view="eyes")
    ben.get_by_role("link", name="Look at it").click()
    words = ben.locator("#review-text")
    words.fill(LAW.replace("Our solicitor", "I"))
    expect(ben.locator("#changes del")).to_contain_text("Our lawyer")
    expect(ben.locator("#changes ins")).to_contain_text("I")
    two.look("changed", ben)
    words.press("Control+Enter")
    expect(ben.locator("#thread")).to_contain_text("seen and let go by Ben Rask")
    expect(ada.locator("#thread")).to_contain_text("I will write to you by Friday")
    ada.get_by_role("link", name="seen and let go by Ben Rask").click()
    expect(ada.locator("main")).to_contain_text("What was changed")
    expect(ada.locator("main del")).to_contain_text("Our lawyer")
    two.look("what-was-changed", ada)
    assert not two.faults, "\n".join(two.faults)


def test_two_answers_meet_before_the_second_leaves(two: Two) -> None:
    ada, ben = two.ada, two.ben
    opens(two, ada, "Kit Osei")
    opens(two, ben, "Kit Osei")
    ada.locator("#draft").fill(BLUE)
    expect(ada.locator("#check .checked")).to_be_visible()
    sends(ben, BLUE_TOO)
    expect(ben.locator("#told")).to_contain_text("Somebody was at this too")
    expect(ben.locator(".two-texts")).to_contain_text("Ada Holm is writing")
    ben.get_by_role("button", name="Send mine, knowing that").click()
    expect(ben.locator("#thread")).to_contain_text("back on the bench")
    expect(ada.locator("#thread")).to_contain_text("back on the bench")

    ada.locator("#draft").press("Control+Enter")
    crossed = ada.locator("#crossed")
    expect(crossed).to_contain_text("Ben Rask answered")
    expect(crossed).to_contain_text("back on the bench")
    expect(crossed.locator("ins").first).to_be_visible()
    two.look("crossed", ada)
    ada.locator("#draft").fill("Kit, and it can be in Lund by Friday. Shall I send it? Ada")
    ada.get_by_role("button", name="Send mine too, knowing that").click()
    expect(ada.locator("#thread .said.reply")).to_have_count(2)
    expect(ada.locator("#thread")).to_contain_text("in Lund by Friday")
    assert not two.faults, "\n".join(two.faults)
