"""The outbox promises: sent once, or shown why not; and nothing but a reply ever leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from heard.channels import signing
from heard.channels.base import File
from heard.conversations import handling
from heard.conversations.files import attachments
from heard.conversations.intake.receiving import receive
from heard.conversations.models import Conversation, Inbox, Message, Notice, Sending
from heard.conversations.outbox import sending
from heard.conversations.outbox.sending import (
    LONGEST_WAIT_SECONDS,
    TRIES,
    NotInThatStateError,
    deliver,
    mark_sent,
    recover,
    retry,
    wait_seconds,
)
from heard.events.models import Event
from heard.lib.sealing import seal
from heard.staff.models import User
from tests import make
from tests.journeys.program import Program, listening

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def program() -> Iterator[Program]:
    with listening() as server:
        yield server


def hook(program: Program | None = None, **settings: Any) -> Inbox:
    url = {"reply_url": program.url, "allow_private": True} if program else {}
    return make.inbox(kind="hook", secret=seal(SECRET), settings=url | settings)


def queued(inbox: Inbox, *, author: User | None = None, text: str = "It is here.") -> Sending:
    """A reply whose seconds of undoing are over."""
    conversation = make.conversation(inbox, extra={"order": 7})
    at = timezone.now() - timedelta(seconds=20)
    message = Message.objects.create(
        conversation=conversation,
        inbox=inbox,
        kind="reply",
        text=text,
        at=at,
        author=author,
        author_name=author.name if author else "",
    )
    return Sending.objects.create(message=message, not_before=at, updated_at=at)


@pytest.mark.django_db
class TestOneTry:
    def test_a_reply_is_posted_signed_and_marked_sent(self, program: Program) -> None:
        row = queued(hook(program), author=make.user(name="Bo"))
        deliver(sending_id=row.pk)
        row.refresh_from_db()
        assert (row.state, row.try_count, row.reason) == ("sent", 1, "")
        [heard] = program.heard
        signing.verify(heard["body"], headers=heard["headers"], secret=SECRET, now=timezone.now())
        said = json.loads(heard["body"])
        question = Message.objects.get(kind="incoming")
        assert said["text"] == "It is here."
        assert said["parent"] == question.external_id
        assert (said["to"], said["author"]) == ("ann", "Bo")
        assert said["id"] == heard["headers"]["webhook-id"]
        assert Event.objects.filter(name="reply.sent").exists()

    def test_a_second_run_finds_it_sent_and_stops(self, program: Program) -> None:
        row = queued(hook(program))
        deliver(sending_id=row.pk)
        deliver(sending_id=row.pk)
        assert len(program.heard) == 1

    def test_its_name_at_the_place_is_kept_even_if_the_place_told_us_of_it_first(
        self, program: Program, now: datetime
    ) -> None:
        program.answers.append((200, {}, b'{"id": "their-77"}'))
        row = queued(hook(program))
        question = Message.objects.get(kind="incoming")
        echo = make.answer(
            external_id="their-77", parent=question.external_id, at=question.at, text="It is here."
        )
        receive(row.message.inbox, [echo], now=now)
        assert Message.objects.filter(kind="reply").count() == 2
        deliver(sending_id=row.pk)
        reply = Message.objects.get(kind="reply")
        assert (reply.pk, reply.external_id) == (row.message_id, "their-77")
        conversation = Conversation.objects.get()
        assert conversation.reply_count == 1

    def test_a_reply_that_is_not_due_stays(self, program: Program) -> None:
        row = queued(hook(program))
        Sending.objects.update(not_before=timezone.now() + timedelta(minutes=1))
        deliver(sending_id=row.pk)
        row.refresh_from_db()
        assert (row.state, program.heard) == ("waiting", [])

    def test_a_note_never_leaves(self, program: Program) -> None:
        row = queued(hook(program))
        Message.objects.filter(pk=row.message_id).update(kind="note")
        deliver(sending_id=row.pk)
        row.refresh_from_db()
        assert (row.state, program.heard) == ("waiting", [])

    def test_attachments_go_along(self, program: Program) -> None:
        row = queued(hook(program))
        attachments.keep([(row.message_id, File("menu.txt", "text/plain", b"Soup"))])
        deliver(sending_id=row.pk)
        [file] = json.loads(program.heard[0]["body"])["attachments"]
        assert (file["name"], file["base64"]) == ("menu.txt", "U291cA==")

    def test_an_archive_cannot_answer_and_says_so(self) -> None:
        bo = make.user()
        row = queued(make.inbox(kind="helpforum"), author=bo)
        deliver(sending_id=row.pk)
        row.refresh_from_db()
        assert row.state == "failed"
        assert "only holds history" in row.reason
        assert Notice.objects.get(user=bo).kind == "reply.failed"


@pytest.mark.django_db
class TestWhenItFails:
    def test_a_failure_is_tried_again_later_and_says_why(self, program: Program) -> None:
        program.answers += [(503, {}, b"")]
        row = queued(hook(program))
        deliver(sending_id=row.pk)
        row.refresh_from_db()
        assert (row.state, row.try_count) == ("waiting", 1)
        assert row.reason == "The program answered 503."
        assert row.not_before > timezone.now()
        Sending.objects.update(not_before=timezone.now() - timedelta(seconds=1))
        deliver(sending_id=row.pk)
        row.refresh_from_db()
        assert row.state == "sent"
        first, second = (heard["headers"]["webhook-id"] for heard in program.heard)
        assert first == second

    def test_the_place_says_when_to_come_back(self, program: Program) -> None:
        program.answers += [(429, {"Retry-After": "1000"}, b"")]
        row = queued(hook(program))
        deliver(sending_id=row.pk)
        row.refresh_from_db()
        assert row.not_before >= timezone.now() + timedelta(seconds=990)

    def test_what_cannot_get_better_is_not_tried_again(self, program: Program) -> None:
        program.answers += [(410, {}, b"")]
        author, keeper = make.user(), make.user()
        inbox = hook(program)
        inbox.keeper = keeper
        inbox.save()
        row = queued(inbox, author=author)
        deliver(sending_id=row.pk)
        row.refresh_from_db()
        assert row.state == "failed"
        assert {notice.user for notice in Notice.objects.all()} == {author, keeper}

    def test_after_the_last_try_it_has_failed_for_good(self, program: Program) -> None:
        program.answers += [(500, {}, b"")]
        row = queued(hook(program))
        Sending.objects.update(try_count=TRIES - 1)
        deliver(sending_id=row.pk)
        row.refresh_from_db()
        assert row.state == "failed"

    def test_a_program_that_is_not_there_is_tried_again(self) -> None:
        row = queued(hook(None, reply_url="http://127.0.0.1:9/", allow_private=True))
        deliver(sending_id=row.pk)
        row.refresh_from_db()
        assert row.state == "waiting"
        assert "could not be reached" in row.reason

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1:8000/",
            "https://127.0.0.1/",
            "https://localhost/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest/meta-data/",
            "https://10.1.2.3/",
            "ftp://example.org/",
            "https://",
            "no address",
        ],
    )
    def test_an_answer_is_never_posted_into_the_house(self, url: str) -> None:
        row = queued(hook(None, reply_url=url))
        deliver(sending_id=row.pk)
        row.refresh_from_db()
        assert row.state == "failed"
        assert row.reason.startswith("The answer was not sent")

    def test_a_person_may_have_it_tried_again(self, program: Program, now: datetime) -> None:
        bo = make.user()
        row = queued(hook(program))
        Sending.objects.update(state="failed", try_count=TRIES, reason="gone")
        retry(row, by=bo, now=now)
        assert (row.state, row.reason) == ("waiting", "")
        with pytest.raises(NotInThatStateError):
            retry(row, by=bo, now=now)
        deliver(sending_id=row.pk)
        row.refresh_from_db()
        assert row.state == "sent"
        assert Event.objects.get(name="reply.retried").actor == bo

    def test_a_person_may_say_that_it_arrived(self, now: datetime) -> None:
        row = queued(hook())
        Sending.objects.update(state="unknown")
        mark_sent(row, by=make.user(), now=now)
        assert row.state == "sent"
        with pytest.raises(NotInThatStateError):
            mark_sent(row, by=make.user(), now=now)


@pytest.mark.django_db
class TestTheContactPage:
    def test_the_answer_is_mailed_to_whoever_left_an_address_and_to_nobody_else(self) -> None:
        inbox = make.inbox(kind="contact_page", name="Fern & Co")
        conversation = make.conversation(inbox, extra={"unverified_email": "ann@example.org"})
        Conversation.objects.update(token="t" * 24)
        row = queued(inbox, text="Table for two is kept.")
        Message.objects.filter(pk=row.message_id).update(conversation=conversation)
        deliver(sending_id=row.pk)
        row.refresh_from_db()
        assert row.state == "sent"
        [letter] = mail.outbox
        assert (letter.to, letter.cc, letter.bcc) == (["ann@example.org"], [], [])
        assert "Table for two is kept." in letter.body
        assert f"/ask/thread/{'t' * 24}/" in letter.body
        assert letter.extra_headers["Message-ID"].startswith(f"<reply_{row.message_id}_")

    def test_without_an_address_the_page_is_enough(self) -> None:
        row = queued(make.inbox(kind="contact_page"))
        deliver(sending_id=row.pk)
        row.refresh_from_db()
        assert (row.state, mail.outbox) == ("sent", [])

    def test_a_mail_server_that_is_away_is_shown_and_tried_again(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
        inbox = make.inbox(kind="contact_page")
        row = queued(inbox)
        Message.objects.filter(kind="incoming").update(extra={"unverified_email": "a@b.example"})
        deliver(sending_id=row.pk)
        row.refresh_from_db()
        assert row.state == "waiting"
        assert "was not mailed yet" in row.reason


@given(st.integers(1, 40), st.one_of(st.none(), st.integers(0, 86400)), st.floats(0, 1))
def test_waits_grow_but_not_for_ever_and_never_undercut_the_place(
    tries: int, wish: int | None, chance: float
) -> None:
    wait = wait_seconds(tries, wish=wish, chance=chance)
    assert wait >= (wish or 0)
    assert wait <= max(LONGEST_WAIT_SECONDS * 1.25, wish or 0)
    assert wait_seconds(tries + 1, wish=wish, chance=chance) >= wait


@pytest.mark.django_db(transaction=True)
class TestWhatIsKilled:
    """These commit: other connections and processes look at the rows."""

    def test_two_workers_at_the_same_time_send_once(self, program: Program) -> None:
        program.delay = 0.1
        row = queued(hook(program))

        def run() -> None:
            try:
                deliver(sending_id=row.pk)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(program.heard) == 1
        row.refresh_from_db()
        assert (row.state, row.try_count) == ("sent", 1)

    def test_what_is_being_sent_just_now_is_left_alone(self, now: datetime) -> None:
        row = queued(hook())
        Sending.objects.update(state="sending")
        with sending._only_worker(row.pk) as is_ours:
            assert is_ours
            seen: list[int] = []

            def look() -> None:
                seen.append(recover(now=now))
                connections.close_all()

            thread = threading.Thread(target=look)
            thread.start()
            thread.join()
        assert seen == [0]
        row.refresh_from_db()
        assert row.state == "sending"

    def test_a_worker_killed_while_sending_leaves_an_unknown_that_asks_a_person(
        self, program: Program, now: datetime
    ) -> None:
        """The mail might have gone out: nobody but a person may decide to send it again."""
        bo = make.user()
        row = queued(make.inbox(kind="contact_page"), author=bo)
        Message.objects.filter(kind="incoming").update(extra={"unverified_email": "a@b.example"})
        killed_while_sending(row, stuck_at=program)
        row.refresh_from_db()
        assert row.state == "sending"
        assert recover(now=timezone.now()) == 1
        row.refresh_from_db()
        assert row.state == "unknown"
        assert "interrupted" in row.reason
        assert Notice.objects.get().kind == "reply.unknown"
        assert recover(now=timezone.now()) == 0

    def test_a_worker_killed_while_sending_is_followed_by_another_where_that_does_no_harm(
        self, program: Program
    ) -> None:
        row = queued(hook(program))
        program.delay = 30
        killed_while_sending(row, stuck_at=program)
        program.delay = 0
        assert recover(now=timezone.now()) == 1
        deliver(sending_id=row.pk)
        row.refresh_from_db()
        assert row.state == "sent"
        assert len({heard["headers"]["webhook-id"] for heard in program.heard}) == 1

    def test_a_lost_job_is_replaced(self) -> None:
        row = queued(hook())
        later = timezone.now() + timedelta(minutes=2)
        assert recover(now=later) == 1
        assert recover(now=later) == 0
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM procrastinate_jobs WHERE args @> %s",
                [json.dumps({"sending_id": row.pk})],
            )
            assert cursor.fetchone() == (1,)


def killed_while_sending(row: Sending, *, stuck_at: Program) -> None:
    """Run `deliver` in another process, kill it in the middle, and wait until PostgreSQL knows."""
    database = connection.settings_dict
    program = f"""
import os, sys, time, django
django.setup()
from django.conf import settings
from django.db import connection
from heard.channels.base import Receipt
from heard.conversations.outbox import sending
connection.settings_dict["NAME"] = {database["NAME"]!r}
real = sending._hand_over
def stuck(claim):
    print("sending", flush=True)
    if claim.inbox.kind == "hook":
        return real(claim)
    time.sleep(60)
sending._hand_over = stuck
sending.deliver(sending_id={row.pk})
"""
    worker = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "heard.settings"},
        stdout=subprocess.PIPE,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"sending\n"
    if row.message.inbox.kind == "hook":
        while not stuck_at.heard:
            time.sleep(0.01)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    with connection.cursor() as cursor:
        for _ in range(500):
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s",
                [sending.SENDING_LOCK_SPACE],
            )
            if cursor.fetchone()[0] == 0:
                return
            time.sleep(0.01)
    raise AssertionError("the lock of a dead worker stayed")


@pytest.mark.django_db
def test_a_reply_undone_in_time_sends_nothing(program: Program, now: datetime) -> None:
    from heard.conversations.outbox.replying import reply, undo

    bo = make.user(name="Bo")
    conversation = make.conversation(hook(program))
    message = reply(
        conversation,
        text="Your order left us this morning and arrives tomorrow.",
        author=bo,
        now=now,
        overruled=("",),
    )
    row = message.sending
    assert undo(message, by=bo, now=now) == message.text
    deliver(sending_id=row.pk)
    assert program.heard == []
    assert not Sending.objects.exists()


@pytest.mark.django_db
def test_the_database_lets_nothing_but_replies_into_the_outbox(now: datetime) -> None:
    conversation = make.conversation()
    note = handling.note(conversation, text="Ask Bo.", author=make.user(), now=now)
    for message in (note, conversation.messages.get(kind="incoming")):
        with pytest.raises(IntegrityError, match="only a reply"), transaction.atomic():
            Sending.objects.create(message=message, not_before=now, updated_at=now)


@pytest.mark.django_db
def test_a_note_makes_no_sending(now: datetime) -> None:
    handling.note(make.conversation(), text="Ask Bo.", author=make.user(), now=now)
    assert not Sending.objects.exists()
