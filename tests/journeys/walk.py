"""The walk through the product, told once: a test looks for faults on it, pictures are taken."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.journeys.house import House

Look = Callable[[str, Page], None]
"""Called with the name of what is to be seen, and the page."""

QUESTION = "Hello, is the terrace open tonight? We are six, and one of us eats no gluten."
HOT = "Hi {name}, calm down, you idiot. YOU SHOULD HAVE READ OUR MENU!!!"
KIND = (
    "Good evening Mira, thank you for asking. Yes, the terrace is open tonight until eleven, and "
    "the kitchen will gladly cook without gluten. Shall we keep a table for six at half past seven?"
)


def walk(house: House, link: str, browser: Browser, *, look: Look, shared: Path | None) -> None:
    """From the first start to the home page, with two people in two windows."""
    owner = browser.new_context(viewport={"width": 1280, "height": 860}).new_page()
    owner.set_default_timeout(60_000)
    first_start(owner, link, look=look)
    sees_home_and_inbox(house, owner, look=look)
    brings_in_an_archive(house, owner, look=look, shared=shared)
    thread = asks(house, browser, look=look)
    answers(house, owner, look=look)
    expect(thread.get_by_text("the terrace is open tonight")).to_be_visible(timeout=60_000)
    look("customer-answered", thread)
    reads_the_ledger(house, owner, look=look)
    looks_around(house, owner, look=look)


def first_start(page: Page, link: str, *, look: Look) -> None:
    """The link of the terminal offers one's own company and the sample company."""
    page.goto(link)
    expect(page.get_by_role("heading", name="The sample company")).to_be_visible()
    look("welcome", page)
    page.get_by_role("button", name="Look around in it").click()
    expect(page).to_have_url(re.compile(r":\d+/$"), timeout=180_000)


def sees_home_and_inbox(house: House, page: Page, *, look: Look) -> None:
    """Home says who waits, each figure leads to its rows; the inbox shows them."""
    page.goto(house.url)
    expect(page.get_by_role("heading", level=1)).to_contain_text("waiting")
    expect(page.locator(".drawing svg").first).to_be_attached(timeout=60_000)
    look("home", page)
    page.locator(".figures a").first.click()
    expect(page.locator(".rows .row").first).to_be_visible()
    look("figure", page)
    page.goto(f"{house.url}/inbox/waiting/")
    expect(page.locator("#lines li").first).to_be_visible()
    look("inbox-list", page)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_be_visible()
    look("inbox", page)


def brings_in_an_archive(house: House, page: Page, *, look: Look, shared: Path | None) -> None:
    """A slice of a real archive if there is one, else a made-up one in the same format."""
    questions, answers = house.home / "questions.csv", house.home / "answers.csv"
    if shared is not None:
        slice_of(shared / "data" / "thunderbird_support", questions, answers)
    else:
        made_up(questions, answers)
    said = house.command("import", "helpforum", "--inbox", "Forum", str(questions), str(answers))
    assert "taken" in said
    page.goto(f"{house.url}/search/?q=message")
    look("search", page)


def asks(house: House, browser: Browser, *, look: Look) -> Page:
    """A customer in a window of her own writes through the contact page."""
    page = browser.new_context(viewport={"width": 900, "height": 860}).new_page()
    page.set_default_timeout(60_000)
    page.goto(contact_page(house))
    look("contact-page", page)
    page.get_by_label("Your message").fill(QUESTION)
    page.get_by_label("Your name").fill("Mira Sand")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("We have your message.")).to_be_visible(timeout=30_000)
    look("customer-thread", page)
    return page


def answers(house: House, page: Page, *, look: Look) -> None:
    """The question arrives live; a hot draft is stopped; a kind one goes out."""
    page.goto(f"{house.url}/inbox/open/")
    page.get_by_role("link", name=re.compile("Mira Sand")).first.click()
    expect(page.locator("#told")).to_contain_text("eats no gluten")
    draft = page.locator("#draft")
    draft.fill(HOT)
    expect(page.locator(".findings .stop").first).to_be_visible()
    look("think-stops", page)
    draft.fill(KIND)
    expect(page.locator(".findings .stop")).to_have_count(0)
    draft.press("Control+Enter")
    expect(page.locator("#told")).to_contain_text("Shall we keep a table for six")
    look("answered", page)


def reads_the_ledger(house: House, page: Page, *, look: Look) -> None:
    """Every fail, and when nobody is at the door."""
    page.goto(f"{house.url}/ledger/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    look("ledger", page)


def looks_around(house: House, page: Page, *, look: Look) -> None:
    """The pages of the settings."""
    for name, path in (
        ("settings-inboxes", "/settings/inboxes/"),
        ("settings-hours", "/settings/hours/"),
        ("settings-profile", "/settings/profile/"),
    ):
        page.goto(f"{house.url}{path}")
        look(name, page)


def contact_page(house: House) -> str:
    """The address of a contact page of the house."""
    said = house.command("inbox", "list")
    found = re.search(r"/ask/[\w-]+/", said)
    assert found, said
    return house.url + found.group(0)


def slice_of(folder: Path, questions: Path, answers: Path, *, size: int = 400) -> None:
    """The newest questions of the forum with their answers."""
    csv.field_size_limit(10**9)
    with gzip.open(folder / "questions.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[-size:]
    known = {row["id"] for row in rows}
    write(questions, rows)
    with gzip.open(folder / "answers.csv.gz", "rt", encoding="utf-8", newline="") as file:
        write(answers, [row for row in csv.DictReader(file) if row["question_id"] in known])


def made_up(questions: Path, answers: Path) -> None:
    """Forty questions, every other answered."""
    asked = [
        {
            "id": str(n), "created": f"2026-01-{n % 28 + 1:02d} 09:00:00 UTC", "locale": "en-US",
            "title": "No message arrives", "content": f"<p>Message {n} never arrived. Why?</p>",
            "creator": f"u{n % 9}", "is_spam": "False",
        }
        for n in range(40)
    ]  # fmt: skip
    write(questions, asked)
    told = [
        {
            "id": str(n), "question_id": row["id"], "created": row["created"].replace("09", "15"),
            "content": "<p>Please look into the folder for junk.</p>", "creator": "helper",
            "is_spam": "False",
        }
        for n, row in enumerate(asked[::2])
    ]  # fmt: skip
    write(answers, told)


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, fieldnames=list(rows[0]))
        out.writeheader()
        out.writerows(rows)
