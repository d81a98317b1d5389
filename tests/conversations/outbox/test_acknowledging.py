"""An acknowledgement goes to a person who begins, once, and meets no clock."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from heard.channels.base import Delivered
from heard.conversations.deliveries.journal import keep_fetched, take_in
from heard.conversations.models import Clock, Inbox, Message, Sending
from heard.conversations.outbox.sending import deliver
from heard.lib.sealing import seal
from tests import make
from tests.channels.email.lines import MailLine
from tests.channels.email.mails import letter, raw

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def mailbox(line: MailLine | None = None, **settings: Any) -> Inbox:
    asked = {"address": "support@care.test", "acknowledgement": ["We have it.", "Thank you."]}
    there = line.settings("smtp") | {"allow_private": True} if line else {}
    secret = seal(json.dumps({"password": "x"}))
    return make.inbox(kind="email", secret=secret, settings=asked | there | settings)


def bring(inbox: Inbox, *mails: str | bytes, now: datetime) -> None:
    bodies = [mail.encode() if isinstance(mail, str) else mail for mail in mails]
    keep_fetched(inbox.pk, [Delivered(body, {}, now) for body in bodies], now=now)
    while take_in(now=now):
        pass


def mail(number: int, now: datetime, *headers: str) -> str:
    date = f"Date: {now:%a, %d %b %Y %H:%M:%S +0000}"
    return letter(f"Message-ID: <{number}@example.org>", date, *headers)


def test_a_person_who_begins_is_acknowledged_once_and_still_waits(now: datetime) -> None:
    with MailLine() as line:
        inbox = mailbox(line)
        bring(inbox, mail(1, now), now=now)
        bring(inbox, mail(1, now), mail(2, now), now=now)
        sending = Sending.objects.get()
        Sending.objects.update(not_before=now - timedelta(hours=1))
        deliver(sending_id=sending.pk)
    sending.refresh_from_db()
    assert (sending.state, sending.message.is_automatic) == ("sent", True)
    assert b"Auto-Submitted: auto-replied" in line.mails[0]
    assert b"We have it.\r\nThank you." in line.mails[0]
    assert b"In-Reply-To: <1@example.org>" in line.mails[0]
    assert sending.message.conversation.waiting_since is not None
    assert not Clock.objects.filter(met_at__isnull=False).exists()


def test_nobody_is_acknowledged_unless_the_inbox_asks_for_it(now: datetime) -> None:
    bring(mailbox(acknowledgement=[]), mail(1, now), now=now)
    assert not Sending.objects.exists()
    assert Message.objects.count() == 1


def test_programs_lists_and_those_who_go_on_are_not_acknowledged(now: datetime) -> None:
    bring(
        mailbox(),
        raw("out_of_office"),
        raw("newsletter"),
        raw("list_post"),
        mail(1, now, "Auto-Submitted: auto-replied"),
        mail(2, now, "In-Reply-To: <9@example.org>"),
        now=now,
    )
    assert not Sending.objects.exists()


def test_two_programs_cannot_keep_each_other_going(now: datetime) -> None:
    inbox = mailbox()
    for number in range(5):  # each an answer of a program that hides what it is
        bring(inbox, mail(number, now), now=now)
    assert Sending.objects.count() == 1
    tomorrow = now + timedelta(days=1, minutes=1)
    bring(inbox, mail(9, tomorrow), now=tomorrow)
    assert Sending.objects.count() == 2


def test_old_mails_are_past_acknowledging(now: datetime) -> None:
    bring(mailbox(), mail(1, now - timedelta(hours=2)), now=now)
    assert not Sending.objects.exists()


def test_other_places_have_no_such_manners(now: datetime) -> None:
    inbox = make.inbox(kind="hook", secret=seal("whsec_x"), settings={"acknowledgement": ["Hi"]})
    said = json.dumps({"id": "1", "text": "Where is it?", "from": "ann"})
    bring(inbox, said, now=now)
    assert not Sending.objects.exists()
