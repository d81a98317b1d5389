"""Places that are asked: cursor and deliveries together, patience, and alarms in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from heard.channels.base import Account, Delivered, Fetched, PlaceError, Quota
from heard.conversations.deliveries.journal import take_in
from heard.conversations.deliveries.listening import Ear, House, OvertakenError, listen, store
from heard.conversations.deliveries.working import intake, is_unattended, stand_in
from heard.conversations.inboxes import health
from heard.conversations.models import Delivery, Inbox, Listening, Message, Notice
from heard.events.models import Event
from tests import make
from tests.conversations.places import PigeonPost, pigeons  # noqa: F401 - a fixture
from tests.make import NOON


def said(name: str) -> Delivered:
    body = b'[{"id": "%s", "text": "Where is my parcel?"}]' % name.encode()
    return Delivered(body, {}, NOON, external_id=name)


@pytest.fixture
def box(db: None, pigeons: PigeonPost) -> Inbox:  # noqa: F811
    inbox = make.inbox(kind="pigeon_post", keeper=make.user())
    health.row_of(inbox, now=NOON)
    return inbox


def test_what_is_brought_and_the_cursor_behind_it_are_kept_together(box: Inbox) -> None:
    assert store(box, Fetched((said("a"), said("b")), "2"), before="", now=NOON) == 2
    assert Listening.objects.get().cursor == "2"
    assert take_in(now=NOON) == 2
    assert Message.objects.count() == 2


def test_the_same_brought_twice_is_kept_once_and_a_changed_one_again(box: Inbox) -> None:
    store(box, Fetched((said("a"),), "1"), before="", now=NOON)
    assert store(box, Fetched((said("a"), said("a")), "2"), before="1", now=NOON) == 0
    changed = Delivered(b'[{"id": "a", "text": "x"}]', {}, NOON, external_id="a")
    assert store(box, Fetched((changed,), "3"), before="2", now=NOON) == 1


@pytest.mark.django_db(transaction=True)
def test_whoever_is_behind_keeps_nothing(pigeons: PigeonPost) -> None:  # noqa: F811
    box = make.inbox(kind="pigeon_post")
    health.row_of(box, now=NOON)
    store(box, Fetched((said("a"),), "1"), before="", now=NOON)
    with pytest.raises(OvertakenError):
        store(box, Fetched((said("b"),), "1b"), before="", now=NOON)
    assert Delivery.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_arrives_is_taken_in_by_others_while_no_worker_lives(
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    box = make.inbox(kind="pigeon_post")
    health.row_of(box, now=NOON)
    with at_work(stand_in):
        with at_work(intake):
            assert eventually(lambda: not is_unattended())
        store(box, Fetched((said("a"),), "1"), before="", now=NOON)
        assert eventually(Message.objects.exists)


def test_a_listener_that_breaks_ends_and_does_not_only_stand_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(House, "stay", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        listen()
    assert "standing in" not in {thread.name for thread in threading.enumerate()}


@contextmanager
def at_work(lane: Callable[[threading.Event], None]) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=lane, args=[stop])
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return False


def test_a_place_may_stumble_before_anybody_is_told_and_is_asked_later_and_later(
    box: Inbox,
) -> None:
    for number in range(health.TOLD_AFTER_ERRORS):
        assert Listening.objects.get().state == "new"
        assert not Notice.objects.exists()
        wait = health.wait_seconds(number + 1, wish=None, chance=0.5)
        health.went_wrong(box, "No answer.", needs_person=False, wait=wait, now=NOON)
    row = Listening.objects.get()
    assert (row.state, row.reason, row.error_count) == ("troubled", "No answer.", 4)
    assert row.next_at == NOON + timedelta(seconds=40)
    [notice] = Notice.objects.all()
    assert (notice.user, notice.inbox, notice.kind) == (box.keeper, box, "inbox.troubled")
    health.went_wrong(box, "No answer.", needs_person=False, wait=1, now=NOON)
    assert Notice.objects.count() == 1
    health.went_well(box, Fetched((), "1"), now=NOON + timedelta(minutes=3))
    row = Listening.objects.get()
    assert (row.state, row.error_count, row.next_at) == ("well", 0, None)
    assert Event.objects.filter(name__in=["inbox.troubled", "inbox.well"]).count() == 2


def test_what_needs_somebody_is_told_at_once(box: Inbox) -> None:
    health.went_wrong(box, "The key expired.", needs_person=True, wait=600, now=NOON)
    assert Listening.objects.get().state == "needs_person"
    assert Notice.objects.get().text == "The key expired."


def test_what_is_left_of_the_quota_is_kept(box: Inbox) -> None:
    health.went_well(box, Fetched((), "", quota=Quota(7, 100, NOON)), now=NOON)
    row = Listening.objects.get()
    assert (row.quota_left, row.quota_of, row.quota_renewed_at) == (7, 100, NOON)


@given(
    errors=st.integers(1, 10_000),
    wish=st.none() | st.floats(0, 86_400),
    chance=st.floats(0, 1),
)
def test_the_wait_grows_to_a_quarter_of_an_hour_and_never_undercuts_the_place(
    errors: int, wish: float | None, chance: float
) -> None:
    wait = health.wait_seconds(errors, wish=wish, chance=chance)
    assert 3.75 <= wait <= max(900 * 1.25, wish or 0)
    assert wait >= (wish or 0)


def test_silence_that_is_not_like_an_inbox_is_told_once(box: Inbox) -> None:
    for hour in range(30):
        make.conversation(box, at=NOON + timedelta(hours=hour), sender=f"p{hour}")
    last = NOON + timedelta(hours=29)
    Inbox.objects.filter(pk=box.pk).update(last_heard_at=last)
    box.refresh_from_db()
    assert health.patience(box, now=last) == timedelta(hours=4)
    assert not health.notice_silence(box, now=last + timedelta(hours=3))
    assert health.notice_silence(box, now=last + timedelta(hours=5))
    assert health.notice_silence(box, now=last + timedelta(hours=6))
    assert [notice.kind for notice in Notice.objects.all()] == ["inbox.quiet"]
    box.settings["quiet_hours"] = 0
    assert health.patience(box, now=last) is None
    box.settings["quiet_hours"] = 12
    assert health.patience(box, now=last) == timedelta(hours=12)


@pytest.mark.django_db(transaction=True)
def test_one_broken_inbox_does_not_delay_another(pigeons: PigeonPost) -> None:  # noqa: F811
    good = make.inbox(kind="pigeon_post", settings={"loft": "good"})
    bad = make.inbox(kind="pigeon_post", settings={"loft": "bad"})
    paused = make.inbox(kind="pigeon_post", settings={"is_paused": True})
    pigeons.bring({"id": "a", "text": "Hello?"}, at=NOON, name="a")
    whole, stuck = pigeons.poll, threading.Event()

    def poll(cursor: str, account: object) -> Fetched:
        if account.settings["loft"] == "bad":  # type: ignore[attr-defined]
            stuck.wait(20)
            raise PlaceError("No answer.")
        return whole(cursor, account)  # type: ignore[arg-type]

    pigeons.poll = poll  # type: ignore[method-assign]
    house = House()
    house.look()
    assert sorted(house.ears) == [good.pk, bad.pk]
    deadline = time.monotonic() + 10
    while not Delivery.objects.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    stuck.set()
    house.leave()
    assert Delivery.objects.get().inbox == good
    assert not Listening.objects.filter(inbox=paused).exists()


@pytest.mark.django_db(transaction=True)
def test_an_ear_goes_on_where_it_was_after_trouble(pigeons: PigeonPost) -> None:  # noqa: F811
    box = make.inbox(kind="pigeon_post")
    pigeons.bring({"id": "a", "text": "Hello?"}, at=NOON, name="a")
    store_row = health.row_of(box, now=timezone.now())
    pigeons.failures.append(PlaceError("Slow down.", retry_after_seconds=77))
    ear = Ear(box)
    assert ear._hear() >= 77
    store_row.refresh_from_db()
    assert (store_row.cursor, store_row.error_count) == ("", 1)
    Listening.objects.update(next_at=None)
    pigeons.failures.append(ZeroDivisionError())
    assert ear._hear() > 0
    Listening.objects.update(next_at=None)
    thread = threading.Thread(target=ear.run)
    thread.start()
    deadline = time.monotonic() + 10
    while Listening.objects.get().cursor != "1" and time.monotonic() < deadline:
        time.sleep(0.02)
    ear.leave()
    thread.join(10)
    assert Delivery.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_place_where_people_speak_is_asked_sooner_until_it_is_calm_again(
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    pigeons.every_seconds = 6.0
    ear = Ear(make.inbox(kind="pigeon_post"))
    assert waits_of(ear, pigeons, brings=(False, True, False)) == [6.0, 6.0, 6.0]
    pigeons.busy_seconds = 2.0  # type: ignore[attr-defined]
    brings = (False, True, True, False, False, False, False)
    assert waits_of(ear, pigeons, brings=brings) == [6.0, 2.0, 2.0, 3.0, 4.5, 6.0, 6.0]
    ear.inbox.settings["every_seconds"] = 30
    assert waits_of(ear, pigeons, brings=(True, False)) == [30.0, 30.0]


def waits_of(ear: Ear, place: PigeonPost, *, brings: Sequence[bool]) -> list[float]:
    """How long an ear waits after each question."""
    waits: list[float] = []
    answers = iter(brings)

    def poll(cursor: str, account: object) -> Fetched:
        return Fetched((said("a"),) if next(answers) else (), cursor)

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) == len(brings)

    place.poll = poll  # type: ignore[method-assign]
    ear._left.wait = wait  # type: ignore[assignment,method-assign]
    for _ in ear._asked(place, Account("Loft", {}), ""):
        pass
    return waits
