"""What a place tells of messages after they were written, in whatever order it tells it."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from heard.channels.base import Abilities
from heard.conversations.deliveries.journal import keep_fetched, take_in
from heard.conversations.models import (
    Acknowledgement,
    Change,
    Clock,
    Conversation,
    Inbox,
    Message,
    Sending,
)
from heard.conversations.queries import sight_of
from heard.conversations.readings.correcting import correct
from heard.conversations.thread import Said, thread
from tests import make
from tests.conversations.places import PigeonPost, pigeons  # noqa: F401 - a fixture
from tests.make import NOON

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(minutes=5)
ASKED = {"id": "m1", "text": "Where is my parcel?", "at": NOON.isoformat()}
EDITED = {"id": "m1", "what": "edited", "text": "Thank you, it is here!", "at": LATER.isoformat()}
DELETED = {
    "id": "m1",
    "what": "deleted",
    "at": (LATER + timedelta(minutes=1)).isoformat(),
}


@pytest.fixture
def box(pigeons: PigeonPost) -> Inbox:  # noqa: F811
    return make.inbox(kind="pigeon_post")


def tell(box: Inbox, place: PigeonPost, *said: dict[str, Any]) -> None:
    place.there.clear()
    for one in said:
        place.bring(one, at=LATER)
    keep_fetched(box.pk, place.there, now=LATER)
    while take_in(now=LATER):
        pass


@pytest.mark.parametrize("order", list(itertools.permutations([ASKED, EDITED, DELETED])))
def test_whatever_comes_first_and_twice_the_message_stands_the_same(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
    order: tuple[dict[str, Any], ...],
) -> None:
    for one in order:
        tell(box, pigeons, one)
        tell(box, pigeons, one)
    [message] = Message.objects.all()
    assert message.text == "Thank you, it is here!"
    assert message.need == "recognition"
    assert message.edited_at == LATER
    assert message.deleted_at == LATER + timedelta(minutes=1)
    first = Change.objects.get(what="written")
    assert first.text == "Where is my parcel?"


REVIEW = {
    "id": "v1",
    "text": "Cold soup. Where was the waiter?",
    "at": NOON.isoformat(),
    "public": True,
    "need": "answer",
    "extra": {"rating": 1, "url": "https://stars.example/v1"},
}
MADE_GOOD = {
    "id": "v1",
    "what": "edited",
    "text": "They made it good. Wonderful people!",
    "at": LATER.isoformat(),
    "need": "",
    "extra": {"rating": 5},
}
AT_FIRST = {**MADE_GOOD, "at": (NOON + timedelta(minutes=2)).isoformat(), "extra": {"rating": 3}}
AT_FIRST |= {"text": "They called. Let us see.", "need": "answer"}


def test_what_the_place_says_is_needed_stays_when_the_words_are_edited(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    tell(box, pigeons, {**ASKED, "need": "nothing", "text": "↻ Where is my parcel?"})
    tell(box, pigeons, {**EDITED, "text": "↻ And where is the other one, please?"})
    message = Message.objects.get()
    assert (message.text, message.need) == ("↻ And where is the other one, please?", "nothing")
    assert Conversation.objects.get().waiting_since is None


def test_what_a_person_says_is_needed_stays_when_the_words_are_edited(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    tell(box, pigeons, {**ASKED, "need": "nothing"})
    by = make.user()
    correct(Message.objects.get(), head="need", to="answer", by=by, now=LATER)
    tell(box, pigeons, {**EDITED, "need": "recognition"})
    message = Message.objects.get()
    assert (message.text, message.need) == ("Thank you, it is here!", "answer")


@pytest.mark.parametrize("order", list(itertools.permutations([REVIEW, AT_FIRST, MADE_GOOD])))
def test_stars_that_change_are_followed_whatever_comes_first(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
    order: tuple[dict[str, Any], ...],
) -> None:
    for one in order:
        tell(box, pigeons, one)
        tell(box, pigeons, one)
    message = Message.objects.get()
    assert message.extra == {"rating": 5, "url": "https://stars.example/v1"}
    assert (message.need, message.need_by) == ("recognition", "")
    assert message.text == MADE_GOOD["text"]
    first = Change.objects.get(what="written")
    assert (first.text, first.told) == (REVIEW["text"], {"extra": {"rating": 1}})


def test_stars_that_change_without_a_word_ask_for_what_they_ask(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    good = {**REVIEW, "text": "Soup.", "need": "recognition", "extra": {"rating": 5}}
    tell(box, pigeons, good)
    tell(box, pigeons, {**MADE_GOOD, "text": "Soup.", "need": "answer", "extra": {"rating": 1}})
    message = Message.objects.get()
    assert (message.extra, message.need, message.edited_at) == ({"rating": 1}, "answer", LATER)
    assert Conversation.objects.get().need == "answer"


def test_a_question_taken_back_in_time_is_owed_no_more_and_is_no_fail(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    tell(box, pigeons, ASKED)
    assert Conversation.objects.get().need == "answer"
    tell(box, pigeons, DELETED)
    opened = Conversation.objects.get()
    assert (opened.need, opened.waiting_since, opened.status) == ("nothing", None, "resolved")
    clock = Clock.objects.get()
    assert (clock.ended_at is not None, clock.failed_at, clock.met_at) == (True, None, None)


def test_another_question_in_the_meantime_is_still_owed_from_its_own_time(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    again = {**ASKED, "id": "m1b", "text": "And where is the other one?"}
    again["at"] = (NOON + timedelta(minutes=2)).isoformat()
    pigeons.there.clear()
    tell(box, pigeons, {**ASKED})
    tell(box, pigeons, {**again})
    # two messages of one person under one root
    Message.objects.update(conversation=Conversation.objects.order_by("pk").first())
    tell(box, pigeons, DELETED)
    opened = Message.objects.get(external_id="m1").conversation
    assert opened.need == "answer"
    assert opened.waiting_since == NOON + timedelta(minutes=2)


def test_a_like_given_directly_at_the_place_meets_the_recognition_clock(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    praise = {"id": "m2", "text": "You were wonderful, thank you so much!", "at": NOON.isoformat()}
    like = {"id": "m2", "what": "like", "at": LATER.isoformat()}
    tell(box, pigeons, like)
    tell(box, pigeons, praise)
    tell(box, pigeons, like)
    [done] = Acknowledgement.objects.all()
    assert (done.kind, done.at, done.by) == ("like", LATER, None)
    assert Clock.objects.get().met_at == LATER


def test_a_receipt_that_comes_before_we_know_the_name_of_our_reply_is_not_lost(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    tell(box, pigeons, ASKED)
    tell(box, pigeons, {"id": "r1", "what": "read", "at": LATER.isoformat()})
    reply = Message.objects.create(
        conversation=Conversation.objects.get(), inbox=box, kind="reply", text="Here.", at=NOON
    )
    sending = Sending.objects.create(
        message=reply, state="sending", try_count=1, not_before=NOON, updated_at=NOON
    )
    from heard.conversations.outbox.sending import _name

    _name(reply, "r1", now=LATER)
    sending.refresh_from_db()
    assert sending.read_at == LATER


def test_a_reply_that_could_not_be_delivered_after_all_asks_a_person(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    box.keeper = make.user()
    box.save()
    tell(box, pigeons, ASKED)
    reply = Message.objects.create(
        conversation=Conversation.objects.get(),
        inbox=box,
        kind="reply",
        text="Here.",
        at=NOON,
        external_id="r1",
    )
    Sending.objects.create(message=reply, state="sent", not_before=NOON, updated_at=NOON)
    failed = {"id": "r1", "what": "failed", "reason": "No such loft.", "at": LATER.isoformat()}
    tell(box, pigeons, failed)
    tell(box, pigeons, failed)
    sending = Sending.objects.get()
    assert (sending.state, sending.reason) == ("failed", "No such loft.")
    [notice] = box.keeper.notices.all()
    assert notice.kind == "reply.failed"


def test_how_long_the_place_lets_us_write_counts_from_the_last_word_of_the_contact(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    pigeons.private = Abilities(window=timedelta(hours=24))
    tell(box, pigeons, ASKED)
    assert Conversation.objects.get().closes_at == NOON + timedelta(hours=24)
    from heard.conversations.clocks.settling import settle

    settle([Conversation.objects.get().pk], now=LATER)
    assert Conversation.objects.get().closes_at == NOON + timedelta(hours=24)


def test_an_edit_that_says_the_same_changes_nothing(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    tell(box, pigeons, ASKED)
    tell(box, pigeons, {**EDITED, "text": ASKED["text"]})
    message = Message.objects.get()
    assert message.edited_at is None
    assert not Change.objects.filter(what=Change.What.WRITTEN).exists()


def test_the_thread_shows_the_stars_and_the_words_that_were_before(
    box: Inbox,
    client: Client,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    for one in (REVIEW, AT_FIRST, MADE_GOOD):
        tell(box, pigeons, one)
    owner = make.owner()
    opened = Conversation.objects.get()
    [said] = [
        entry
        for day in thread(opened, sight=sight_of(owner), now=LATER).days
        for entry in day.entries
        if isinstance(entry, Said)
    ]
    assert [(it.text, it.rating) for it in said.earlier] == [
        (REVIEW["text"], 1),
        (AT_FIRST["text"], 3),
    ]
    assert said.rating_before == 3
    client.force_login(owner)
    page = client.get(f"/conversations/{opened.pk}/").content.decode()
    assert "5 of 5, 3 before" in page
    assert "Cold soup. Where was the waiter?" in page
