"""The journal promises: kept before it is understood, taken in once, and one bad one stops none."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from heard.channels import registry
from heard.channels.base import (
    Abilities,
    Account,
    Checked,
    Delivered,
    Incoming,
    Outgoing,
    Receipt,
    SetAside,
)
from heard.conversations.deliveries import journal
from heard.conversations.deliveries.journal import (
    FromAnArchiveError,
    WaitsAlreadyError,
    keep,
    take_again,
    take_all_again,
    take_in,
)
from heard.conversations.models import Delivery, ImportRun, Inbox, Message
from heard.events.models import Event
from tests import make

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 4, 11, 0, tzinfo=UTC)
NOW = AT + timedelta(seconds=1)


class Crash(BaseException):
    """What ends a program."""


class Odd:
    """A place that says one message a line, and has its moods."""

    kind = "odd"
    title = "Odd"
    settings = ()
    public = Abilities()
    private = Abilities()

    def authenticate(self, delivered: Delivered, account: Account) -> None: ...

    def parse(self, delivered: Delivered, account: Account) -> Iterator[Incoming | SetAside]:
        for line in delivered.body.decode().splitlines():
            if line == "crash":
                raise Crash
            if line == "break":
                raise ZeroDivisionError
            if line.startswith("aside"):
                yield SetAside(where=f"line {line}", reason="no sense", raw=line)
                continue
            at = AT.replace(tzinfo=None) if line == "naive" else AT
            yield Incoming(external_id=line, at=at, text=line, sender="ann")

    def send(self, outgoing: Outgoing, account: Account) -> Receipt:
        raise NotImplementedError

    def may_repeat(self, outgoing: Outgoing) -> bool:
        return False

    def check(self, account: Account) -> Checked:
        raise NotImplementedError


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Inbox:
    monkeypatch.setitem(sys.modules, "tests.conversations.odd", Odd())
    monkeypatch.setitem(registry.MODULES, "odd", "tests.conversations.odd")
    return make.inbox(kind="odd")


def bring(inbox: Inbox, *lines: str, external_id: str = "") -> Delivery:
    body = "\n".join(lines).encode()
    pk = keep(inbox.pk, body=body, headers={}, external_id=external_id, now=AT)
    return Delivery.objects.get(pk=pk)


def hook_says(**message: Any) -> bytes:
    return json.dumps({"id": "1", "text": "Hello?", "from": "ann", **message}).encode()


def texts() -> list[str]:
    return sorted(Message.objects.values_list("text", flat=True))


def test_what_is_brought_is_kept_and_then_taken_in(odd: Inbox) -> None:
    delivery = bring(odd, "one", "two")
    assert (delivery.state, bytes(delivery.body)) == ("waiting", b"one\ntwo")
    assert take_in(now=NOW) == 1
    assert take_in(now=NOW) == 0
    delivery.refresh_from_db()
    assert (delivery.state, delivery.message_count) == ("taken", 2)
    assert texts() == ["one", "two"]


def test_a_delivery_brought_again_is_the_first_one(odd: Inbox) -> None:
    first = bring(odd, "one", external_id="d1")
    assert bring(odd, "one", external_id="d1") == first
    assert bring(odd, "one") != bring(odd, "one")
    assert bring(odd, "one", external_id="x" * 500) == bring(odd, "one", external_id="x" * 500)
    assert bring(make.inbox(kind="odd"), "one", external_id="d1") != first


def test_many_deliveries_of_many_inboxes_cost_one_receive_an_inbox(
    odd: Inbox, django_assert_max_num_queries: Any
) -> None:
    other = make.inbox(kind="odd")
    for number in range(30):
        bring(odd, f"a{number}")
        bring(other, f"b{number}")
    with django_assert_max_num_queries(64):
        assert take_in(now=NOW) == 60
    assert Message.objects.count() == 60


def test_one_bad_delivery_does_not_stop_the_others(odd: Inbox) -> None:
    bring(odd, "one")
    broken, naive, empty = bring(odd, "break"), bring(odd, "naive"), bring(odd)
    bring(odd, "two")
    assert take_in(now=NOW) == 5
    assert texts() == ["one", "two"]
    for delivery, reason in (
        (broken, "ZeroDivisionError"),
        (naive, "time zone"),
    ):
        delivery.refresh_from_db()
        assert delivery.state == "set_aside"
        assert reason in delivery.reason
    empty.refresh_from_db()
    assert (empty.state, empty.message_count) == ("taken", 0)


def test_part_of_a_delivery_is_set_aside_by_itself(odd: Inbox) -> None:
    delivery = bring(odd, "one", "aside a", "two", "aside b")
    take_in(now=NOW)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.message_count) == ("taken", 2)
    aside = Delivery.objects.filter(state="set_aside").order_by("id")
    assert [(part.where, bytes(part.body)) for part in aside] == [
        ("line aside a", b"aside a"),
        ("line aside b", b"aside b"),
    ]
    take_again(delivery, by=make.owner(), now=NOW)
    take_in(now=NOW)
    assert aside.count() == 2


def test_what_ends_the_program_three_times_is_set_aside_and_the_others_are_taken_in(
    odd: Inbox,
) -> None:
    bring(odd, "one")
    poison = bring(odd, "crash")
    bring(odd, "two")
    crashes = 0
    for _ in range(20):
        try:
            if take_in(now=NOW) == 0:
                break
        except Crash:
            crashes += 1
    poison.refresh_from_db()
    assert poison.state == "set_aside"
    assert "ended three times" in poison.reason
    assert crashes == 3
    assert texts() == ["one", "two"]


def test_what_a_killed_program_was_reading_is_taken_in_by_the_lot(odd: Inbox) -> None:
    for number in range(60):
        bring(odd, f"left {number}")
    Delivery.objects.update(try_count=1)
    assert [take_in(now=NOW) for _ in range(4)] == [25, 25, 10, 0]


def test_new_deliveries_do_not_wait_for_one_that_ends_the_program(odd: Inbox) -> None:
    bring(odd, "crash")
    with pytest.raises(Crash):
        take_in(now=NOW)
    bring(odd, "one")
    with pytest.raises(Crash):
        take_in(now=NOW)
    assert texts() == ["one"]


def test_what_a_killed_program_left_does_not_wait_until_nothing_new_comes(odd: Inbox) -> None:
    left = bring(odd, "left")
    Delivery.objects.filter(pk=left.pk).update(try_count=1)
    bring(odd, "new")
    assert take_in(now=NOW) == 2
    assert texts() == ["left", "new"]


def test_a_delivery_set_aside_can_be_tried_again_by_a_person(now: datetime) -> None:
    inbox = make.inbox(kind="hook")
    pk = keep(inbox.pk, body=hook_says(text=""), headers={}, external_id="", now=AT)
    take_in(now=NOW)
    delivery = Delivery.objects.get(pk=pk)
    assert (delivery.state, delivery.reason) == ("set_aside", "“text” is missing")
    Delivery.objects.update(body=hook_says())  # as if heard had learnt to read it
    bo = make.owner()
    take_again(delivery, by=bo, now=now)
    with pytest.raises(WaitsAlreadyError):
        take_again(delivery, by=bo, now=now)
    take_in(now=NOW)
    delivery.refresh_from_db()
    assert (delivery.state, texts()) == ("taken", ["Hello?"])
    assert Event.objects.get(name="delivery.repeated").actor == bo


def test_everything_set_aside_can_be_read_again_at_once() -> None:
    inbox, other = make.inbox(kind="hook"), make.inbox(kind="hook")
    for box in (inbox, inbox, other):
        keep(box.pk, body=hook_says(text=""), headers={}, external_id="", now=AT)
    take_in(now=NOW)
    out = StringIO()
    call_command("deliveries", "list", stdout=out)
    assert out.getvalue().count("“text” is missing") == 3
    Delivery.objects.update(body=hook_says())
    call_command("deliveries", "again", "--inbox", inbox.name, stdout=out)
    assert Delivery.objects.filter(state="waiting").count() == 2
    call_command("deliveries", "again", stdout=out)
    take_in(now=NOW)
    assert not Delivery.objects.exclude(state="taken").exists()
    with pytest.raises(CommandError):
        call_command("deliveries", "again", "--inbox", "Nobody's", stdout=out)


def test_a_part_of_an_archive_is_not_read_again_from_here(now: datetime) -> None:
    run = ImportRun.objects.create(archive="csv", source="x", started_at=now, updated_at=now)
    inbox = make.inbox(kind="hook")
    part = Delivery.objects.create(
        inbox=inbox, run=run, received_at=now, body=b"", state="set_aside", reason="no date"
    )
    with pytest.raises(FromAnArchiveError):
        take_again(part, by=make.owner(), now=now)
    assert take_all_again(None, by=None, now=now) == 0


def test_a_delivery_taken_in_again_changes_nothing() -> None:
    inbox = make.inbox(kind="hook")
    pk = keep(inbox.pk, body=hook_says(), headers={}, external_id="", now=AT)
    take_in(now=NOW)
    message = Message.objects.get()
    take_again(Delivery.objects.get(pk=pk), by=make.owner(), now=NOW)
    take_in(now=NOW + timedelta(days=1))
    assert Message.objects.get() == message
    assert Message.objects.get().at == AT


def test_an_archive_takes_no_deliveries() -> None:
    inbox = make.inbox(kind="helpforum")
    keep(inbox.pk, body=b"{}", headers={}, external_id="", now=AT)
    take_in(now=NOW)
    assert "Nothing can be delivered" in Delivery.objects.get().reason


def test_a_secret_of_another_installation_sets_aside_and_says_so() -> None:
    inbox = make.inbox(kind="hook", secret="sealed elsewhere")
    keep(inbox.pk, body=hook_says(), headers={}, external_id="", now=AT)
    take_in(now=NOW)
    assert "enter it again" in Delivery.objects.get().reason


def test_large_deliveries_are_taken_in_a_few_at_a_time(
    odd: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "BATCH_BYTES", 10)
    for number in range(3):
        bring(odd, f"number {number}")
    assert [take_in(now=NOW) for _ in range(4)] == [1, 1, 1, 0]


def test_looking_for_work_when_there_is_none_reads_only_what_waits(odd: Inbox) -> None:
    for number in range(50):
        bring(odd, f"a{number}")
    take_in(now=NOW)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE delivery")
        cursor.execute(
            "EXPLAIN SELECT id FROM delivery WHERE state = 'waiting' AND try_count = 0 "
            "ORDER BY try_count, id LIMIT 250 FOR UPDATE SKIP LOCKED"
        )
        plan = "\n".join(row[0] for row in cursor)
    assert "delivery_waiting" in plan
