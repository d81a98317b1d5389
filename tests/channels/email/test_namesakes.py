"""Anybody may write a Message-ID that somebody else's mail carries: that hides no mail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from heard.channels.base import Kind
from heard.channels.email import tokens, writing
from heard.conversations.intake.receiving import receive
from heard.conversations.models import Conversation, Inbox, Message
from tests import make
from tests.channels.email.mails import NOW, account, answer, letter, only

OURS = tokens.message_id("reply_7_1", account=account())

REAL = letter(body="My lamp is broken.")
SQUATTED = letter("From: Eve <eve@evil.example>", body="Nothing to see here.")
FORGED = letter(body="I wrote this in her name.")
LATER = letter(
    "Message-ID: <2@example.org>", "In-Reply-To: <1@example.org>", body="Any news of the lamp?"
)


def filed(mails: Sequence[str | bytes], *, at_once: bool = False) -> Inbox:
    inbox = make.inbox(kind="email")
    items = [only(mail) for mail in mails]
    for lot in [items] if at_once else [[item] for item in items]:
        receive(inbox, lot, now=NOW)
    return inbox


def said(inbox: Inbox) -> list[tuple[str, list[str]]]:
    """Whose each conversation is, and the words in it."""
    rows = Conversation.objects.filter(inbox=inbox, messages__isnull=False).distinct()
    return sorted(
        (row.contact_name, sorted(row.messages.values_list("text", flat=True))) for row in rows
    )


def every_way(*mails: str | bytes) -> Iterator[Inbox]:
    """The mails in every order, each twice, one by one and all at once."""
    for order in permutations(mails):
        yield filed([*order, *order])
        yield filed([*order, *order], at_once=True)


def test_the_same_mail_over_another_way_is_the_same() -> None:
    mail = letter("Received: from a by b; Sun, 22 Nov 2026 12:00:01 +0000")
    other = letter("Received: from c by d", "Delivered-To: x@care.test", "X-Spam-Score: 3")
    assert only(mail).extra["digest"] == only(other.replace("\r\n", "\n")).extra["digest"]
    for changed in ("From: Eve <eve@evil.example>", "Date: Sun, 22 Nov 2026 12:00:01 +0000",
                    "Subject: Another", "Reply-To: eve@evil.example"):  # fmt: skip
        assert only(letter(changed)).extra["digest"] != only(mail).extra["digest"]
    assert only(letter(body="Other words")).extra["digest"] != only(mail).extra["digest"]


@pytest.mark.django_db
def test_a_stranger_who_takes_a_message_id_hides_nobodys_mail_whoever_comes_first() -> None:
    for inbox in every_way(REAL, SQUATTED):
        assert said(inbox) == [("Ann", ["My lamp is broken."]), ("Eve", ["Nothing to see here."])]


@pytest.mark.django_db
def test_a_forged_sender_hides_nobodys_mail_either() -> None:
    for inbox in every_way(REAL, FORGED, SQUATTED):
        assert said(inbox) == [
            ("Ann", ["I wrote this in her name.", "My lamp is broken."]),
            ("Eve", ["Nothing to see here."]),
        ]


@pytest.mark.django_db
def test_who_refers_to_a_message_id_means_their_own_mail_in_any_order() -> None:
    reply = letter(
        "From: Support <support@care.test>", "To: ann@example.org", "Message-ID: <s@care.test>",
        "In-Reply-To: <1@example.org>", body="It is on its way.",
    )  # fmt: skip
    for inbox in every_way(REAL, SQUATTED, LATER, reply):
        assert said(inbox) == [
            ("Ann", ["Any news of the lamp?", "It is on its way.", "My lamp is broken."]),
            ("Eve", ["Nothing to see here."]),
        ]


@pytest.mark.django_db
def test_a_mail_in_the_middle_of_a_thread_stays_there_though_its_message_id_is_taken() -> None:
    begun = letter("Message-ID: <0@example.org>", body="I want a lamp.")
    middle = letter("In-Reply-To: <0@example.org>", body="The red one.")
    for inbox in every_way(begun, middle, SQUATTED, LATER):
        assert said(inbox) == [
            ("Ann", ["Any news of the lamp?", "I want a lamp.", "The red one."]),
            ("Eve", ["Nothing to see here."]),
        ]


@pytest.mark.django_db
def test_a_mail_that_staff_wrote_elsewhere_keeps_its_answers_though_its_message_id_is_taken() -> (
    None
):
    begun = letter("Message-ID: <0@example.org>", body="I want a lamp.")
    ours = letter(
        "From: Support <support@care.test>", "To: ann@example.org", "In-Reply-To: <0@example.org>",
        body="Which one?",
    )  # fmt: skip
    for inbox in every_way(begun, ours, SQUATTED, LATER):
        assert said(inbox) == [
            ("Ann", ["Any news of the lamp?", "I want a lamp.", "Which one?"]),
            ("Eve", ["Nothing to see here."]),
        ]


@pytest.mark.django_db
def test_our_own_message_id_coming_from_somebody_else_is_no_reply_of_ours() -> None:
    ours = writing.written(answer(), account())
    echo = only(ours, account(), **{"x-heard-sent": "yes"})
    by_eve = only(letter("From: Eve <eve@evil.example>", f"Message-ID: <{OURS}>", body="Pay me."))
    assert (echo.kind, echo.external_id) == (Kind.REPLY, OURS)
    assert only(ours).kind is Kind.REPLY
    assert (by_eve.kind, by_eve.external_id != OURS) == (Kind.INCOMING, True)
    denied = letter(
        "From: Support <support@care.test>", f"Message-ID: <{OURS}>",
        "Authentication-Results: mx; dmarc=fail header.from=care.test",
    )  # fmt: skip
    assert only(denied, account(trusted_server="mx")).kind is Kind.INCOMING
    later = only(letter("Message-ID: <2@example.org>", f"In-Reply-To: <{OURS}>", body="Thanks."))
    for items in permutations([only(REAL), echo, by_eve, later]):
        inbox = make.inbox(kind="email")
        for item in [*items, *items]:
            receive(inbox, [item], now=NOW)
        assert said(inbox) == [
            ("Ann", ["It left us on Friday.", "My lamp is broken.", "Thanks."]),
            ("Eve", ["Pay me."]),
        ]


@pytest.mark.django_db
def test_our_answer_names_the_mail_by_the_message_id_that_its_writer_gave_it() -> None:
    inbox = filed([SQUATTED, REAL])
    kept = Message.objects.get(inbox=inbox, text="My lamp is broken.")
    assert kept.external_id == f"1@example.org {only(REAL).extra['digest']}"
    sent = writing.written(
        answer(parent=kept.external_id, root="1@example.org", references=(kept.external_id,)),
        account(),
    ).decode()
    assert "In-Reply-To: <1@example.org>\r\nReferences: <1@example.org>\r\n" in sent


@pytest.mark.django_db
def test_a_message_id_that_looks_like_ours_for_another_is_a_name_like_any_other() -> None:
    trick = f"1@example.org {only(REAL).extra['digest']}"
    found = only(letter(f"Message-ID: <{trick}>", "From: Eve <eve@evil.example>"))
    assert " " not in found.external_id


@pytest.mark.django_db
def test_a_flood_of_mails_with_one_message_id_is_stored_whole_and_costs_no_query_for_each() -> None:
    inbox = filed([REAL])
    flood = [only(letter("From: Eve <eve@evil.example>", body=f"{n}")) for n in range(150)]
    receive(inbox, flood[:1], now=NOW)
    with CaptureQueriesContext(connection) as few:
        receive(inbox, flood[1:5], now=NOW)
    with CaptureQueriesContext(connection) as many:
        receive(inbox, flood[5:], now=NOW)
    assert len(many) <= len(few)
    again = receive(inbox, [*flood, only(REAL)], now=NOW)
    assert (again.taken, again.known) == (0, 151)
    receive(inbox, [only(LATER)], now=NOW)
    assert Message.objects.filter(inbox=inbox).count() == 152
    assert ("Ann", ["Any news of the lamp?", "My lamp is broken."]) in said(inbox)


@pytest.mark.django_db
def test_a_sender_that_nothing_proves_is_marked_and_filed_with_the_address_it_names(
    client: Client,
) -> None:
    trusting = account(trusted_server="mx")
    proven = letter("Authentication-Results: mx; dmarc=pass header.from=example.org", body="Me.")
    inbox = make.inbox(kind="email")
    for mail in (proven, letter("Message-ID: <f@evil.example>", body="Not me.")):
        receive(inbox, [only(mail, trusting)], now=NOW)
    assert [name for name, _ in said(inbox)] == ["Ann", "Ann"]
    client.force_login(make.owner())
    for text, is_marked in (("Me.", False), ("Not me.", True)):
        row = Message.objects.get(text=text)
        page = client.get(reverse("conversation", args=[row.conversation_id])).content.decode()
        assert ("sender not proven" in page) is is_marked
