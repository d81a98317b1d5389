"""The shortest way to a house in which something happens: one company, one door, one customer."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect


def opens_the_doors(page: Page, link: str) -> None:
    """A company of one's own, with one contact page."""
    page.goto(link)
    page.get_by_role("textbox", name="Your company").fill("Fern")
    page.get_by_role("textbox", name="Your name").fill("Ann Berg")
    page.get_by_role("textbox", name="Your e-mail address").fill("ann@fern.example")
    page.get_by_label("A password").fill("saffron-lamp-42")
    page.get_by_role("button", name="Open the doors").click()
    page.wait_for_url(re.compile(r":\d+/(?!welcome)"))


def writes(browser: Browser, door: str, name: str, words: str = "") -> None:
    """A customer asks something."""
    page = browser.new_context().new_page()
    page.goto(door)
    page.get_by_label("Your message").fill(words or f"Hello, this is {name}. Is the terrace open?")
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("We have your message.")).to_be_visible(timeout=30_000)
    page.context.close()
