"""Whoever has to act is told, once, and no longer than they may see the inbox."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob

from heard.conversations.colleagues import noticing
from heard.conversations.colleagues.noticing import gather, mail_notices
from heard.conversations.models import Conversation, Notice
from heard.conversations.queries import sight_of
from heard.staff.models import User
from tests import make

pytestmark = pytest.mark.django_db


def told(user: User, conversation: Conversation, at: datetime, **fields: Any) -> Notice:
    return Notice.objects.create(
        **{
            "user": user,
            "conversation": conversation,
            "kind": "clock.failed",
            "text": "first_response",
            "at": at,
            **fields,
        }
    )


def test_a_stranger_is_led_to_the_door(client: Client) -> None:
    assert client.get("/notices/").status_code == 302


def test_one_reads_what_is_meant_for_oneself_until_it_is_read(
    client: Client, now: datetime
) -> None:
    bo, kim = make.user(), make.user()
    conversation = make.conversation(sender_name="Ann Late")
    told(bo, conversation, now)
    client.force_login(kim)
    assert "Nothing to tell you" in client.get("/notices/").content.decode()
    client.force_login(bo)
    page = client.get("/notices/").content.decode()
    assert "Ann Late" in page
    assert "First answer: the time has run out." in page
    told(bo, conversation, now + timedelta(minutes=1), kind="clock.warned")
    client.post("/notices/reading/", {"up_to": now.isoformat()})
    page = client.get("/notices/").content.decode()
    assert "has run out" not in page
    assert "First answer: the time is running out." in page
    for nonsense in ("", "tomorrow", "2026-13-45T00:00", "2026-03-04"):
        assert client.post("/notices/reading/", {"up_to": nonsense}).status_code == 302


def test_nobody_is_told_of_an_inbox_they_may_no_longer_see(client: Client, now: datetime) -> None:
    bo = make.user()
    conversation = make.conversation(make.inbox(teams=(make.team(),)), sender_name="Ann Secret")
    told(bo, conversation, now)
    client.force_login(bo)
    assert "Ann Secret" not in client.get("/notices/").content.decode()
    mail_notices(bo.pk, (now - timedelta(hours=1)).isoformat(), now.isoformat())
    assert mail.outbox == []


def test_the_page_asks_the_same_number_of_questions(client: Client, now: datetime) -> None:
    bo = make.user()
    client.force_login(bo)
    told(bo, make.conversation(), now)
    client.get("/notices/")
    with CaptureQueriesContext(connection) as few:
        client.get("/notices/")
    for _ in range(5):
        told(bo, make.conversation(), now)
    with CaptureQueriesContext(connection) as many:
        client.get("/notices/")
    assert len(few) == len(many) <= 6


def test_a_mail_gathers_what_is_still_unread(
    monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    monkeypatch.setenv("HEARD_URL", "https://care.example")
    bo, kim = make.user(email="bo@house.example"), make.user()
    ann, cy = make.conversation(sender_name="Ann"), make.conversation(sender_name="Cy", sender="cy")
    told(bo, ann, now)
    told(bo, cy, now - timedelta(minutes=5), kind="reply.failed", text="no such address")
    told(bo, cy, now - timedelta(minutes=11), text="promise")
    told(kim, ann, now, read_at=now)
    gone = make.user(is_active=False)
    told(gone, ann, now)
    assert gather(until=now) == [bo.pk]
    job = ProcrastinateJob.objects.get(task_name="mail_notices")
    mail_notices(**job.args)
    (letter,) = mail.outbox
    assert letter.to == ["bo@house.example"]
    assert letter.subject == "2 people wait for you"
    assert "First answer: the time has run out." in letter.body
    assert "A reply did not go out: no such address" in letter.body
    assert "promise" not in letter.body
    assert f"https://care.example/conversations/{ann.pk}/" in letter.body
    Notice.objects.update(read_at=now)
    mail_notices(**job.args)
    assert len(mail.outbox) == 1


def test_lots_follow_each_other_without_gap_or_overlap(now: datetime) -> None:
    bo = make.user()
    conversation = make.conversation()
    for minutes in range(30):
        told(bo, conversation, now + timedelta(minutes=minutes))
    lots = [
        {
            notice.id
            for notice in noticing.unread(
                bo,
                sight=sight_of(bo),
                since=now + timedelta(minutes=end) - noticing.GATHERED,
                until=now + timedelta(minutes=end),
            )
        }
        for end in (0, 10, 20, 30)
    ]
    assert sum(len(lot) for lot in lots) == len(set().union(*lots)) == 30


def test_without_a_mail_server_nothing_is_queued(settings: Any, now: datetime) -> None:
    told(make.user(), make.conversation(), now)
    stamp = int((now + noticing.SETTLED).timestamp())
    settings.EMAIL_URL = urlsplit("")
    noticing.gather_notices(stamp)
    assert not ProcrastinateJob.objects.filter(task_name="mail_notices").exists()
    settings.EMAIL_URL = urlsplit("smtp://localhost")
    noticing.gather_notices(stamp)
    assert ProcrastinateJob.objects.filter(task_name="mail_notices").count() == 1
