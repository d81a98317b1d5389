from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.think import (
    Check,
    Facts,
    Finding,
    Known,
    Letter,
    Light,
    Opening,
    Turn,
    check,
)
from heard.think.scores.scoring import scores
from tests.think.looking import codes

# Pieces of drafts that set off every concern, whole so that they may stand side by side.
PIECES = [
    "You should have told us first.",
    "As we already said, it is closed.",
    "Please calm down.",
    "I'm sorry you feel that way.",
    "PLEASE READ THE MENU.",
    "What do you want?!?",
    "We will call you back soon.",
    "We'll refund you by Friday.",
    "Hello {name}, welcome.",
    "Dear customer, it is here.",
    "Send us your booking number here.",
    "What's your order number?",
    "Your order 20931847 left today.",
    "We sent it to ann@example.com.",
    "We will deliver it to 12 Baker Street.",
    "The refund goes to 4111 1111 1111 1111.",
    "We paid it to DE89 3704 0044 0532 0130 00.",
    "We called you on +44 7700 900123.",
    "See http//example.com/a and more.",
    "See https://bit.ly/3abc for it.",
    "Reply here with your surname and postcode.",
    "Scrivi qui sotto il tuo indirizzo.",
    "It was left with Mrs Stone at number 4.",
    "Your chemo is on Monday, you're at work till six.",
    "It went back to the card ending 4471.",
    "You are an idiot.",
    "We apologise for any inconvenience caused.",
    "Thank you so much, Ann 😊",
    "Wir freuen uns über Ihre Nachricht und melden uns.",
    "“You are an idiot” is what the sign says.",
    "> You are an idiot",
    "The day ticket is € 15 and two of them € 30.",
    "A day ticket costs 12,50 euros.",
    "We are open from 9 to 5 on Sundays.",
    "Wir haben freitags bis 22 Uhr geöffnet.",
    "Your lamp arrives at the shop on Friday, 4 May.",
    "Your lamp never arrives at the shop on Monday.",
    "Hi Tom, it takes 3 to 5 days at 20% off.",
    "Ring our hotline on 020 7946 9999.",
    "Sie haben vergessen, es zu unterschreiben.",
    "Comme déjà dit, nous sommes désolés que vous le preniez mal.",
    "Hola Ann, se olvidó de adjuntar la foto.",
    "Acalme-se, por favor.",
    "Ci scusiamo per il disagio arrecato.",
    "\n",
]
TURNS = st.builds(
    Turn, is_ours=st.booleans(), text=st.sampled_from(PIECES), by=st.sampled_from(["", "Bo"])
)
KNOWN = st.builds(
    Known,
    subject=st.sampled_from(["Day ticket", "Phone", "Delivery time", "Öffnungszeiten", ""])
    | st.text(max_size=8),
    value=st.sampled_from(["€ 12.50", "€ 9, children 5 €", "2 to 4 days", "+44 20 7946 0000"])
    | st.text(max_size=8),
    words=st.sampled_from([(), ("hotline", "call us"), ("ticket",)]),
)
MESSAGES = [
    "",
    "Where is it?",
    "How much is a day ticket? When do you open?",
    "Worst place ever!!!",
    "I love you all, thanks!",
]
SPANS = st.sampled_from([(), ((540, 1080),), ((0, 720), (780, 1440))])
FACTS = st.builds(
    Facts,
    message=st.sampled_from(
        [
            "",
            "Where is it?",
            "How much is a day ticket? When do you open?",
            "Worst place ever!!!",
            "I love you all, thanks!",
        ]
    ),
    is_public=st.booleans(),
    contact_name=st.sampled_from(["", "Ann Lee", "shop_77", "{name}"]) | st.text(max_size=8),
    contact_language=st.sampled_from(["", "en", "de"]) | st.text(max_size=3),
    contact_details=st.lists(st.text(max_size=8), max_size=2).map(tuple),
    contact_is_upset=st.sampled_from([None, True, False]),
    agent_name=st.text(max_size=6),
    earlier_replies=st.lists(st.sampled_from(PIECES), max_size=3).map(tuple),
    thread=st.lists(TURNS, max_size=4).map(tuple),
    known=st.lists(KNOWN, max_size=3).map(tuple),
    opening=st.none() | st.builds(Opening, week=st.tuples(*[SPANS] * 7)),
    saved_answers=st.lists(st.sampled_from(PIECES), max_size=2).map(tuple),
    our_names=st.sampled_from([(), ("Maple",)]),
    our_details=st.lists(st.text(max_size=8), max_size=2).map(tuple),
    private_way=st.sampled_from(["", "at https://care.example/ask/shop"]),
    allowed_domains=st.lists(st.text(max_size=8), max_size=2).map(tuple),
    max_length=st.none() | st.integers(1, 400),
    now=st.none() | st.datetimes(timezones=st.sampled_from([UTC, None])),
    timezone=st.sampled_from(["UTC", "Europe/Berlin"]) | st.text(max_size=5),
)
WILD = st.text(max_size=120) | st.text(
    alphabet="@.:/ {}[]<>%_XY0123456789aeiou?!'\"“’\n-+()€", max_size=80
)
DRAFTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=12), max_size=5).map(" ".join)


@given(WILD | DRAFTS, FACTS)
def test_any_draft_is_answered_with_true_places(draft: str, facts: Facts) -> None:
    found = check(draft, facts)
    for finding in found.findings:
        assert draft[finding.start : finding.end] == finding.matched
        assert finding.code.startswith(f"{finding.letter}.")
        assert finding.says.endswith((".", "?"))
    assert list(found.findings) == sorted(found.findings, key=lambda f: (f.start, f.end, f.code))
    assert found.promise_text in draft
    assert set(found.lights) == set(Letter)
    for value in vars_of(draft, facts, found):
        assert 0 <= value <= 1


def vars_of(draft: str, facts: Facts, found: Check) -> list[float]:
    figures = scores(draft, facts, found=found)
    return [figures.kind, figures.helpful, figures.personal, figures.private]


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=4, unique=True), FACTS)
def test_taking_a_change_removes_its_finding(pieces: list[str], facts: Facts) -> None:
    draft = "\n".join(pieces)
    found = check(draft, facts)
    for finding in found.findings:
        if finding.change is None:
            continue
        left = check(finding.changed(draft), facts).findings
        assert count(left, finding.code) < count(found.findings, finding.code), finding


def count(findings: tuple[Finding, ...], code: str) -> int:
    return sum(finding.code == code for finding in findings)


@given(DRAFTS, FACTS)
def test_the_same_question_has_the_same_answer(draft: str, facts: Facts) -> None:
    assert check(draft, facts) == check(draft, facts)


@given(DRAFTS, FACTS)
def test_a_light_is_as_bad_as_the_worst_finding_of_its_letter(draft: str, facts: Facts) -> None:
    found = check(draft, facts)
    for letter in Letter:
        own = [finding for finding in found.findings if finding.letter is letter]
        if any(finding.stops or finding.light is Light.RED for finding in own):
            assert found.lights[letter] is Light.RED
        elif any(finding.light is Light.AMBER for finding in own):
            assert found.lights[letter] is Light.AMBER
        else:
            assert found.lights[letter] is Light.GREEN


def test_a_decent_reply_has_five_green_lights() -> None:
    found = check(
        "Hi Ann, I am so sorry that your lamp came broken. A new one leaves today, and I will"
        " call you tomorrow at 10 am to hear whether it is all right. Bo",
        Facts(
            message="My lamp came broken, second time! What will you do?",
            is_public=True,
            contact_name="Ann Lee",
            contact_language="en",
            contact_is_upset=True,
            now=datetime(2026, 3, 11, 10, 30, tzinfo=UTC),
        ),
    )
    assert set(found.lights.values()) == {Light.GREEN}
    assert found.promise_at == datetime(2026, 3, 12, 10, tzinfo=UTC)


def test_findings_come_in_the_order_of_the_draft() -> None:
    found = check("Hello {name}. You should have told us. {date}", Facts())
    assert [finding.code for finding in found.findings] == [
        "true.placeholder",
        "kind.blame",
        "true.placeholder",
    ]


@pytest.mark.parametrize(
    "draft",
    ["a" * 20_000, "you " * 5_000, "1 " * 8_000, "(" * 5_000, "A B " * 3_000, "@a.b" * 4_000],
)
def test_a_monstrous_draft_is_still_answered(draft: str) -> None:
    assert "kind.insult" not in codes(draft, is_public=True, message="Why?")
