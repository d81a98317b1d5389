"""Our own words: looked at before they are posted, watched where they were; rules that give way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.browser import browsing, chromium
from tests.journeys.correspondents import Poster
from tests.journeys.doors import opens_the_doors, writes
from tests.journeys.house import House
from tests.journeys.test_by_keyboard import NARROW, WIDE, faults_of, tab_to
from tests.journeys.test_real_places import PATIENCE_SECONDS, connect, new_word, wait_until
from tests.journeys.walk import Look, contact_page
from tests.servers import running

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not here: apt-get install chromium"),
]

HEATED = "Our guests are liars. YOU SHOULD HAVE READ THE MENU!"
PLAIN = "Fresh rolls from six tomorrow. Come by, the first coffee is on us!"
BLAME = "Dear Mira, you should have told us when you booked. The terrace is open tonight."
SEEN = """
from django.utils import timezone as t
from heard.conversations.models import *
from heard.conversations.checks.weighing import weigh
from heard.staff.models import User
a = User.objects.get()
b = User.objects.create_user("kim@acme.example", name="Kim Lund")
m = Message.objects.filter(kind="reply").latest("pk")
FindingSeen.objects.bulk_create(
    FindingSeen(code="kind.blame", light="amber", inbox_id=m.inbox_id, conversation_id=m.conversation_id,
        message=m, was_kept=True, felt="not_here", by=(a, b)[n % 2], at=t.now())
    for n in range(24))
weigh(now=t.now())
"""  # noqa: E501 - a program for the shell of the house


@contextmanager
def opened() -> Iterator[tuple[House, Browser, Page, Look, list[str]]]:
    """A house with a company of its own, its owner's window, and eyes for faults."""
    house, faults = House(), list[str]()

    def look(name: str, page: Page) -> None:
        faults.extend(faults_of(page, name))

    try:
        link = house.start()
        with browsing() as browser:
            page = browser.new_context(viewport=WIDE).new_page()
            page.set_default_timeout(PATIENCE_SECONDS * 1000)
            opens_the_doors(page, link)
            yield house, browser, page, look, faults
    finally:
        house.end()


def test_a_post_is_looked_at_before_it_is_made_without_a_fault() -> None:
    with opened() as (house, browser, page, look, faults):
        looks_before_posting(house, browser, page, look=look)
    assert not faults, "\n".join(faults)


def test_a_harmful_post_of_ours_is_taken_down_where_it_stands() -> None:
    company = Poster(running("atproto"))
    with opened() as (house, _, page, look, faults):
        connect(house, company)
        takes_it_down(house, page, company, look=look)
    assert not faults, "\n".join(faults)


def test_a_finding_is_answered_and_its_rule_softens_and_comes_back() -> None:
    with opened() as (house, browser, page, look, faults):
        writes(browser, contact_page(house), "Mira Sand")
        answers_a_finding(house, page, look=look)
        puts_the_rule_back(house, page, look=look)
    assert not faults, "\n".join(faults)


def looks_before_posting(house: House, browser: Browser, page: Page, *, look: Look) -> None:
    """By keyboard from the command bar; a change taken by a key; and from outside, on a phone."""
    page.goto(f"{house.url}/inbox/open/")
    page.keyboard.press("Control+k")
    page.keyboard.type("Posting")
    page.keyboard.press("Enter")
    page.wait_for_url("**/posting/")
    tab_to(page, "Your words")
    page.keyboard.type(HEATED)
    found = page.locator("#looked-at .findings")
    expect(found).to_contain_text("This attacks people in public")
    look("before posting", page)
    expect(found.locator("[data-take]")).to_have_count(2)
    page.keyboard.press("Control+.")
    expect(page.locator("#post")).not_to_have_value(HEATED)
    page.locator("#post").fill(PLAIN)
    expect(page.locator("#looked-at")).to_contain_text("Nothing was noticed")
    assert PLAIN not in house.log.read_text()
    look("nothing noticed", page)
    page.get_by_role("button", name="Open it to everybody").click()
    expect(page.locator(".copy")).to_contain_text("/before-you-post/")
    look("open to everybody", page)

    outside = browser.new_context(viewport=NARROW, java_script_enabled=False).new_page()
    outside.goto(f"{house.url}/before-you-post/")
    outside.get_by_label("Your words").fill(HEATED)
    outside.get_by_role("button", name="Look at it").click()
    expect(outside.locator(".findings")).to_contain_text("This attacks people in public")
    outside.context.close()
    again = browser.new_context(viewport=WIDE).new_page()
    again.goto(f"{house.url}/before-you-post/")
    again.get_by_label("Your words").fill(HEATED)
    again.get_by_role("button", name="Look at it").click()
    expect(again.locator(".findings")).to_contain_text("This attacks people in public")
    look("for everybody", again)
    again.context.close()


def takes_it_down(house: House, page: Page, company: Poster, *, look: Look) -> None:
    """The company posts there itself; heard hears it, raises an alarm, and takes it down there."""
    wait_until(lambda: "well" in house.command("inbox", "list").split("(Bluesky)")[1])
    word = new_word()
    company.log_in_as_company()
    company.say_alone(f"Our {word} guests are liars, every one of them.")
    page.goto(f"{house.url}/alarms/")

    def is_raised() -> bool:
        page.reload()
        return page.locator(".alarm").filter(has_text=word).count() == 1

    wait_until(is_raised)
    alarm = page.locator(".alarm").filter(has_text=word)
    expect(alarm).to_contain_text("This attacks people in public")
    expect(alarm).to_contain_text("Public")
    look("alarm", page)
    page.goto(f"{house.url}/notices/")
    expect(page.get_by_text("may do harm")).to_be_visible()
    page.get_by_role("link", name="What we said that does harm").last.click()
    page.locator(".alarm").get_by_role("button", name="Take it down").click()
    expect(page.get_by_text("It is being taken down there.")).to_be_visible()
    wait_until(lambda: not company.stands(company.posts[-1]))
    page.goto(f"{house.url}/alarms/?which=answered")
    expect(page.locator(".alarm")).to_contain_text("Taken down")
    look("alarm answered", page)


def answers_a_finding(house: House, page: Page, *, look: Look) -> None:
    """*Not here* by keyboard; it stays pressed while one types on; the reply leaves with it."""
    page.goto(f"{house.url}/inbox/open/")
    page.get_by_role("link", name=re.compile("Mira Sand")).first.click()
    draft = page.locator("#draft")
    draft.fill(BLAME)
    finding = page.locator(".findings li").filter(has_text="This blames")
    expect(finding).to_be_visible()
    tab_to(page, "Not here")
    page.keyboard.press("Enter")
    pressed = finding.locator("[aria-pressed=true]")
    expect(pressed).to_have_text("Not here")
    look("finding answered", page)
    draft.focus()
    page.keyboard.press("End")
    page.keyboard.type(" See you!")
    expect(pressed).to_have_text("Not here")
    draft.press("Control+Enter")
    expect(page.locator("#thread")).to_contain_text("The terrace is open tonight")
    page.goto(f"{house.url}/settings/rules/kind.blame/")
    expect(page.locator(".rows .row").first).to_contain_text("sent all the same")
    expect(page.locator(".rows .row").first).to_contain_text("not here")
    look("rows of a rule", page)


def puts_the_rule_back(house: House, page: Page, *, look: Look) -> None:
    """Many overrule it: it falls silent, stands in the list, and a manager brings it back."""
    house.command("shell", "-c", SEEN)
    page.goto(f"{house.url}/settings/rules/")
    rule = page.locator("tr").filter(has_text="kind.blame")
    expect(rule).to_contain_text("silent")
    expect(rule).to_contain_text("by itself")
    look("rules", page)
    composes(house, page, BLAME)
    expect(page.locator("#check .light").first).to_be_visible()
    expect(page.locator(".findings li").filter(has_text="This blames")).to_have_count(0)
    page.goto(f"{house.url}/settings/rules/")
    rule.get_by_role("combobox").select_option("firm")
    rule.get_by_role("button", name="Keep").click()
    expect(rule).to_contain_text("as it was made")
    composes(house, page, f"{BLAME} Until then!")
    expect(page.locator(".findings li").filter(has_text="This blames")).to_be_visible()
    page.goto(f"{house.url}/worth/")
    expect(page.get_by_text("Too little to tell").first).to_be_visible()
    look("does it help", page)


def composes(house: House, page: Page, words: str) -> None:
    page.goto(f"{house.url}/inbox/all/")
    page.get_by_role("link", name=re.compile("Mira Sand")).first.click()
    page.locator("#draft").fill(words)
    expect(page.locator("#check .checked")).to_be_attached()
