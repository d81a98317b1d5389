"""Saved answers by keyboard: written, found by `/`, suggested, proposed and taken over."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.browser import answers_late, browsing, chromium
from tests.journeys.doors import opens_the_doors, writes
from tests.journeys.house import House
from tests.journeys.test_by_keyboard import WIDE, faults_of, tab_to
from tests.journeys.walk import Look, contact_page

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not here: apt-get install chromium"),
]


def test_saved_answers_by_keyboard_without_a_fault() -> None:
    house, faults = House(), list[str]()

    def look(name: str, page: Page) -> None:
        faults.extend(faults_of(page, name))

    try:
        link = house.start()
        with browsing() as browser:
            goes_through(house, browser, link, look=look)
    finally:
        house.end()
    assert not faults, "\n".join(faults)


def goes_through(house: House, browser: Browser, link: str, *, look: Look) -> None:
    """A manager writes one, picks it while replying, and an agent's reply becomes the next."""
    page = browser.new_context(viewport=WIDE).new_page()
    page.set_default_timeout(60_000)
    opens_the_doors(page, link)
    door = contact_page(house)
    writes(browser, door, "Mira Sand")
    otto = browser.new_context().new_page()
    asks(otto, door)
    writes_them(house, page, look=look)
    picks_one(house, page, look=look)
    proposes_one(house, browser, page, otto, look=look)


def writes_them(house: House, page: Page, *, look: Look) -> None:
    """Two answers, tried on a real conversation while they are written."""
    page.goto(f"{house.url}/settings/answers/")
    expect(page.get_by_text("No answer is saved yet")).to_be_visible()
    look("no answers", page)
    for title, short, words in (
        ("Terrace tonight", "terrace", "Hello {contact name}, yes: {terrace hours}. {agent name}"),
        ("Dogs", "dogs", "Dogs are welcome at {place}, {contact name}."),
    ):
        page.goto(f"{house.url}/settings/answers/new/")
        tab_to(page, "What it answers")
        page.keyboard.type(title)
        tab_to(page, "Short name")
        page.keyboard.type(short)
        tab_to(page, "The words")
        page.keyboard.type(words)
        expect(page.locator("#tried")).to_contain_text(re.compile("Mira|Otto"))
        expect(page.locator("#tried")).to_contain_text("Not known there:")
        look(f"writing {short}", page)
        page.get_by_role("button", name="Keep").click()
        expect(page.get_by_text("Kept.")).to_be_visible()
    expect(page.locator(".rows .row")).to_have_count(2)
    look("answers", page)


def picks_one(house: House, page: Page, *, look: Look) -> None:
    """`/` opens the list; letters narrow it; Enter takes; a gap that is open stops the reply."""
    page.goto(f"{house.url}/inbox/open/")
    page.get_by_role("link", name=re.compile("Mira Sand")).first.click()
    draft, picker = page.locator("#draft"), page.locator("#picker")
    draft.press_sequentially("Good evening! /")
    expect(picker.get_by_role("option")).to_have_count(2)
    look("picker", page)
    page.keyboard.press("Escape")
    expect(picker).to_be_hidden()
    expect(draft).to_be_focused()
    page.keyboard.press("Backspace")
    page.keyboard.type("/")
    expect(picker.get_by_role("option")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    second = picker.get_by_role("option").nth(1)
    expect(second).to_have_attribute("aria-selected", "true")
    expect(draft).to_have_attribute("aria-activedescendant", second.get_attribute("id") or "-")
    page.keyboard.type("ter")
    expect(picker.get_by_role("option")).to_have_count(1)
    expect(page.locator("#picker-says")).to_contain_text("1 saved answers")
    page.keyboard.press("Enter")
    expect(draft).to_have_value("Good evening! Hello Mira, yes: {terrace hours}. Ann")
    expect(page.locator(".findings .stop")).to_contain_text("never filled")
    page.keyboard.type("it is open until eleven")
    expect(draft).to_have_value("Good evening! Hello Mira, yes: it is open until eleven. Ann")
    undone = re.compile(r"^Good evening! /ter$|\{terrace hours\}")
    for _ in range(40):  # the browser undoes as many letters at once as were typed in one go
        page.keyboard.press("Control+z")
        if undone.search(draft.input_value()):
            break
    expect(draft).to_have_value(undone)
    draft.fill("Hello Mira, the terrace is open until eleven tonight. Shall we keep a table? Ann")
    expect(page.locator(".findings .stop")).to_have_count(0)
    draft.press("Control+Enter")
    expect(page.locator("#thread")).to_contain_text("until eleven")


def asks(otto: Page, door: str) -> None:
    """A customer asks, and keeps the page on which the answer will stand."""
    otto.goto(door)
    otto.get_by_label("Your message").fill("Hello, this is Otto Lund. Is the terrace open?")
    otto.get_by_label("Your name").fill("Otto Lund")
    otto.get_by_role("button", name="Send").click()
    expect(otto.get_by_text("We have your message.")).to_be_visible(timeout=30_000)


def asks_on(otto: Page, agent: Page) -> None:
    """What he asks next is looked for anew in the open conversation, but not while one writes."""
    suggested, draft = agent.locator("#suggested"), agent.locator("#draft")
    looks = list[str]()
    agent.on("request", lambda it: looks.append(it.url) if "/suggestions/" in it.url else None)
    for words, is_writing in (("May I bring dogs?", False), ("And the terrace again?", True)):
        draft.fill("Hello Otto," if is_writing else "")
        otto.locator("textarea").fill(words)
        otto.get_by_role("button", name="Send").click()
        expect(agent.locator("#thread")).to_contain_text(words, timeout=30_000)
        if is_writing:
            agent.wait_for_timeout(2_500)
            assert len(looks) == 1
            with agent.expect_response("**/suggestions/"):
                draft.fill("")
        expect(suggested).to_contain_text("Dogs are welcome")


def proposes_one(house: House, browser: Browser, page: Page, otto: Page, *, look: Look) -> None:
    """What the manager said is suggested to an agent, whose own reply the manager takes over."""
    agent = browser.new_context(viewport=WIDE).new_page()
    agent.set_default_timeout(60_000)
    invited(house, page, agent)
    assert "1 exchange is kept" in house.command("answers", "renew")
    agent.goto(f"{house.url}/inbox/open/")
    agent.get_by_role("link", name=re.compile("Otto Lund")).first.click()
    draft = agent.locator("#draft")
    said = "Hello {contact name}, the terrace is open until eleven"
    suggestion = agent.locator("#suggested .suggestion").filter(has_text=said)
    expect(suggestion).to_be_visible()
    expect(agent.locator("#suggested")).to_contain_text("both say terrace")
    look("suggested", agent)
    asks_on(otto, agent)
    expect(suggestion).to_be_visible()
    draft.focus()
    agent.keyboard.press(f"Alt+{suggestion.get_attribute('data-suggestion')}")
    expect(draft).to_have_value(
        "Hello Otto, the terrace is open until eleven tonight. Shall we keep a table? Bo"
    )
    agent.keyboard.press("Control+z")
    expect(draft).to_have_value("")
    draft.fill("Hello Otto, the terrace is open; blankets are on every chair. Shall I keep one? Bo")
    expect(agent.locator("#send")).to_be_enabled()
    draft.press("Control+Enter")
    # The reply's way out changes the thread meanwhile; what was clicked is answered all the same.
    agent.route("**/saved-answer/", answers_late)
    agent.get_by_role("link", name="keep as saved answer").click()
    expect(agent.locator("#sheet")).to_contain_text("Keep as a saved answer")
    expect(agent.locator("#sheet textarea")).to_have_value(re.compile(r"^Hello \{contact name\},"))
    look("proposing", agent)
    agent.locator("#sheet input[name=title]").fill("Blankets")
    agent.get_by_role("button", name="Propose it").click()
    expect(agent.locator("#toasts")).to_contain_text("A manager looks at it")
    page.goto(f"{house.url}/settings/answers/")
    expect(page.locator(".tag")).to_have_text("proposed")
    page.get_by_role("link", name="Blankets").click()
    look("proposed", page)
    page.get_by_role("button", name="Take it over").click()
    expect(page.get_by_text("Kept.")).to_be_visible()
    agent.reload()
    draft.press_sequentially("/blan")
    expect(agent.locator("#picker").get_by_role("option")).to_have_count(1)


def invited(house: House, page: Page, agent: Page) -> None:
    """A colleague, who comes in by a link."""
    page.goto(f"{house.url}/settings/people/")
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("Name", exact=True).fill("Bo Lind")
    page.get_by_label("E-mail address").fill("bo@fern.example")
    page.locator("main form .form-end button").first.click()
    expect(page.locator("main")).to_contain_text("A link for Bo")
    said = house.command("signin_link", "bo@fern.example")
    found = re.search(r"https?://\S+", said)
    assert found, said
    agent.goto(found.group(0))
    agent.locator("main form button").first.click()
    expect(agent.locator(".places")).to_be_visible()
