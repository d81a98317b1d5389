"""Jobs that are killed in the middle: nothing is lost, nothing done twice, and no lock stays."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django import DjangoApp
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.models import ProcrastinateJob

from heard.assistant.budget import spent_today
from heard.assistant.models import Consultation
from heard.conversations.answers import drafting, remembering
from heard.conversations.deliveries.working import take_up_stalled
from heard.conversations.floods.sifting import look
from heard.conversations.intake.receiving import receive
from heard.conversations.models import (
    Drafted,
    Exchange,
    Flood,
    Message,
    Remembered,
    SecondReading,
    Sending,
    Sifted,
    Taking,
)
from heard.conversations.outbox import replying
from heard.conversations.readings import doubting
from heard.conversations.readings.teaching import learn_nightly
from heard.knowledge.models import SavedAnswer
from heard.learning.models import Refit
from heard.lib.jobs import jobs
from tests import make
from tests.assistant.far_side import CALL, arrange, said
from tests.channels.place import Place
from tests.conversations.readings.test_teaching import taught_house
from tests.killing import killed_at

pytestmark = pytest.mark.django_db(transaction=True)
ROOM = "heard.conversations"
CAMPAIGN = "Shame on you for closing the shop in Harbour Street without a word to anybody there"
UNREAD = "Dzień dobry, gdzie jest moja paczka? Czekam już trzy tygodnie i nikt nie odpowiada"


def first_message() -> int:
    """Lots go by numbers, and tests before this one may have used up thousands."""
    return Message.objects.order_by("pk").values_list("pk", flat=True)[0]


def test_floods_are_sifted_again_from_where_the_last_whole_lot_ended() -> None:
    box = make.inbox()
    items = [make.incoming(CAMPAIGN, sender=f"by {n}") for n in range(5)]
    receive(box, items, now=make.NOON)
    before = first_message() - 1
    Sifted.objects.create(pk=1, up_to=before)
    killed_at(
        f"{ROOM}.floods.sifting",
        "fold",
        deed=f"from {ROOM}.floods.sifting import sift; sift(timestamp=0)",
    )
    assert not Flood.objects.exists()
    assert Sifted.objects.get().up_to == before
    while look():
        pass
    flood = Flood.objects.get()
    assert flood.messages.count() == 5
    assert not look()


def test_an_exchange_is_remembered_once_and_its_answer_counted_once() -> None:
    ann = make.owner()
    opened = make.conversation(text="Is the terrace open tonight, and may I bring my dog?")
    words = "The terrace is open until eleven tonight, and dogs are welcome."
    saved = SavedAnswer.objects.create(
        short="terrace", title="Terrace", text=words, said_by=ann, said_at=make.NOON
    )
    Taking.objects.create(answer=saved, conversation=opened, by=ann, at=make.NOON)
    replying.reply(opened, text=words, author=ann, now=make.NOON)
    Sending.objects.update(state="sent")
    Remembered.objects.create(pk=1, up_to=first_message() - 1)
    later = timezone.now() + timedelta(hours=1)
    killed_at(
        f"{ROOM}.answers.remembering",
        "count_uses",
        deed=f"import datetime; from {ROOM}.answers.remembering import remember; "
        f"remember(now=datetime.datetime.fromisoformat({later.isoformat()!r}))",
    )
    assert not Exchange.objects.exists()
    assert not Taking.objects.exclude(message=None).exists()
    for _ in range(2):
        remembering.remember(now=later)
    saved.refresh_from_db()
    assert (Exchange.objects.count(), saved.used_count) == (1, 1)


def test_a_night_of_learning_is_begun_again_and_learns_once() -> None:
    now = timezone.now()
    taught_house(now)
    night = f"learn_nightly(timestamp={int(now.timestamp())})"
    killed_at(
        "heard.learning.refitting",
        "record",
        deed=f"from {ROOM}.readings.teaching import learn_nightly; {night}",
    )
    assert not Refit.objects.exists()
    for _ in range(2):
        learn_nightly(timestamp=int(now.timestamp()))
    assert Refit.objects.get().state == "active"


def test_a_draft_that_was_answered_is_not_asked_for_twice() -> None:
    ann = make.owner()
    opened = make.conversation(text="What does a day ticket cost, and can I bring my dog?")
    with Place() as place:
        arrange(place, drafts=True)
        place.answers(CALL, said({"reply": "Hello, dogs are welcome.", "sources": []}))
        wanted = drafting.ask_for_draft(opened, by=ann, now=timezone.now())
        job = f"draft_reply(drafted_id={wanted.pk})"
        killed_at(
            f"{ROOM}.answers.drafting",
            "_keep",
            deed=f"from {ROOM}.answers.drafting import draft_reply; {job}",
        )
        assert Drafted.objects.get().state == "waiting"
        for _ in range(2):
            drafting.draft_reply(drafted_id=wanted.pk)
        assert len(place.asked) == 1
    assert Drafted.objects.get().state == "ready"
    told = list(Consultation.objects.order_by("pk").values_list("outcome", flat=True))
    assert told == ["answered", "remembered"]
    assert spent_today(now=timezone.now()).calls == 1


def test_what_has_left_stands_in_the_log_though_nobody_waited_for_the_answer() -> None:
    ann = make.owner()
    opened = make.conversation(text="What does a day ticket cost, and can I bring my dog?")
    with Place() as place:
        arrange(place, drafts=True)
        wanted = drafting.ask_for_draft(opened, by=ann, now=timezone.now())
        job = f"draft_reply(drafted_id={wanted.pk})"
        killed_at(
            "heard.assistant.consulting",
            "ask",
            deed=f"from {ROOM}.answers.drafting import draft_reply; {job}",
        )
        row = Consultation.objects.get()
        assert (row.outcome, row.answer) == ("unanswered", "")
        assert "day ticket" in row.sent
        assert spent_today(now=timezone.now()).tokens > 0
        place.answers(CALL, said({"reply": "Hello, dogs are welcome.", "sources": []}))
        drafting.draft_reply(drafted_id=wanted.pk)
    told = list(Consultation.objects.order_by("pk").values_list("outcome", flat=True))
    assert told == ["unanswered", "answered"]
    assert Drafted.objects.get().state == "ready"


def test_each_reading_in_doubt_is_asked_about_once() -> None:
    now = timezone.now()
    box = make.inbox()
    receive(box, [make.incoming(f"{UNREAD} {n}.", at=now) for n in range(3)], now=now)
    Message.objects.update(heard_at=now)
    with Place() as place:
        arrange(place, reads=True, reads_since=now - timedelta(minutes=1))
        for _ in range(3):
            place.answers(CALL, said({"need": "answer", "stance": "avoid", "mood": "negative"}))
        killed_at(
            f"{ROOM}.readings.doubting",
            "_settle",
            deed=f"from {ROOM}.readings.doubting import read_again; read_again(timestamp=0)",
        )
        assert set(SecondReading.objects.values_list("state", flat=True)) == {"waiting"}
        for _ in range(2):
            doubting.read_again(timestamp=0)
        assert len(place.asked) == 3
    assert SecondReading.objects.count() == 3
    assert set(SecondReading.objects.values_list("state", flat=True)) == {"open"}


def test_a_job_of_a_killed_worker_is_done_again_and_keeps_none_of_its_kind_waiting() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
        for task, status, lock in (
            ("read_again", "doing", "read_again"),
            ("read_again", "todo", "read_again"),
            ("sift", "doing", None),
            ("draft_reply", "doing", None),
        ):
            cursor.execute(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, status, lock, "
                "queueing_lock, args) VALUES ('background', %s, %s::procrastinate_job_status, "
                "%s, %s, %s)",
                [task, status, lock, None if task == "draft_reply" else task, json.dumps({})],
            )
    asyncio.run(_take_up())
    left = ProcrastinateJob.objects.order_by("task_name").values_list("task_name", "status")
    assert list(left) == [("draft_reply", "todo"), ("read_again", "todo"), ("sift", "todo")]


async def _take_up() -> None:
    connector = jobs.connector
    assert isinstance(connector, DjangoConnector)
    app = DjangoApp(connector=connector.get_worker_connector())
    async with app.open_async():
        await take_up_stalled(app)
