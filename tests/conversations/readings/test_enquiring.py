from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from heard.conversations.intake.receiving import receive
from heard.conversations.models import Correction, Enquiry, Inbox, Message
from heard.conversations.queries import sight_of
from heard.conversations.readings.correcting import correct
from heard.conversations.readings.enquiring import A_DAY, A_DAY_EACH, Asked, ask, next_enquiry
from heard.conversations.readings.teaching import learn
from heard.staff.models import User
from tests import make
from tests.conversations.asking import browser

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
THINGS = [
    "soup",
    "bread",
    "cake",
    "table",
    "bill",
    "waiter",
    "garden",
    "kitchen",
    "music",
    "dog",
    "menu",
    "wine",
    "window",
    "parking",
    "candle",
    "spoon",
    "coat",
    "stairs",
]
DAYS = [
    "yesterday",
    "tonight",
    "tomorrow",
    "later",
    "Monday",
    "Tuesday",
    "Friday",
    "Sunday",
    "morning",
    "noon",
    "evening",
    "spring",
    "summer",
    "autumn",
    "winter",
    "Christmas",
    "Easter",
    "weekends",
]
DEEDS = [
    "seen",
    "heard",
    "tasted",
    "carried",
    "opened",
    "closed",
    "painted",
    "moved",
    "counted",
    "mended",
    "found",
    "lost",
    "bought",
    "sold",
    "folded",
    "lifted",
    "turned",
    "wrapped",
]


def heard(box: Inbox, *, now: datetime, start: int = 0, count: int = 18) -> None:
    """Messages of which no two are alike."""
    items = [
        make.incoming(
            f"I had {DEEDS[(n + start) % 18]} the {THINGS[n]} {DAYS[(n + 2 * start) % 18]} {n}.",
            at=now,
        )
        for n in range(count)
    ]
    receive(box, items, now=now)


def first(person: User, now: datetime) -> Asked:
    found = next_enquiry(sight=sight_of(person), now=now)
    assert found is not None
    return found


def test_a_few_readings_are_asked_about_and_no_message_twice(now: datetime) -> None:
    box = make.inbox()
    heard(box, now=now)
    assert ask(now=now) == A_DAY
    assert Enquiry.objects.values("message").distinct().count() == A_DAY
    assert ask(now=now) == 0
    later = now + timedelta(days=8)
    heard(box, now=later, start=30)
    ask(now=later)  # what nobody took up goes, and may be asked about no more: it is a week old
    assert not Enquiry.objects.filter(asked_at=now).exists()
    assert Enquiry.objects.count() == A_DAY


def test_what_a_person_or_the_place_has_said_is_not_asked_about(now: datetime) -> None:
    heard(make.inbox(), now=now, count=3)
    ann = make.user()
    judged, told, gone = Message.objects.order_by("id")
    correct(judged, head="need", to="nothing", by=ann, now=now)
    Message.objects.filter(pk=told.pk).update(need_by="place")
    Message.objects.filter(pk=gone.pk).update(deleted_at=now)
    assert ask(now=now) == 0


def test_each_person_is_asked_about_what_they_may_see(now: datetime) -> None:
    bar = make.inbox(teams=(make.team(),))
    kitchen = make.inbox(teams=(make.team(),))
    heard(bar, now=now)
    heard(kitchen, now=now, start=40)
    ask(now=now)
    per_inbox = [Enquiry.objects.filter(message__inbox=box).count() for box in (bar, kitchen)]
    assert sum(per_inbox) == A_DAY
    assert min(per_inbox) >= A_DAY // 3
    bo = make.user(teams=tuple(bar.teams.all()))
    assert first(bo, now).inbox_id == bar.pk
    stranger = make.user()
    assert next_enquiry(sight=sight_of(stranger), now=now) is None
    other = Enquiry.objects.filter(message__inbox=kitchen).first()
    assert other is not None
    client = browser(bo)
    answer = client.post(f"/enquiries/{other.pk}/", {"to": "later"}, headers=HTMX)
    assert answer.status_code == 404


def test_one_key_says_that_it_is_right_another_what_is(now: datetime) -> None:
    now = timezone.now()
    heard(make.inbox(), now=now)
    ask(now=now)
    ann = make.user()
    client = browser(ann)
    asked = first(ann, now)
    shown = client.get("/enquiries/", headers=HTMX).content.decode()
    assert "Is this right?" in shown
    assert asked.text[:20] in shown
    assert all(f'data-key="{key}"' in shown for key in "0123"[: shown.count("data-key=")])
    client.post(f"/enquiries/{asked.id}/", {"to": asked.says}, headers=HTMX)
    said = Correction.objects.get()
    assert (said.head, said.was, said.now, said.by) == (asked.head, asked.says, asked.says, ann)
    second = first(ann, now)
    other = {"need": "nothing", "mood": "negative", "stance": "avoid"}[second.head]
    if other == second.says:
        other = {"need": "answer", "mood": "positive", "stance": "recommend"}[second.head]
    client.post(f"/enquiries/{second.id}/", {"to": other}, headers=HTMX)
    assert getattr(Message.objects.get(pk=second.message_id), second.head) == other
    third = first(ann, now)
    assert client.post(f"/enquiries/{third.id}/", {"to": "cake"}, headers=HTMX).status_code == 404
    told = client.post(f"/enquiries/{third.id}/", {"to": third.says}, headers=HTMX).content.decode()
    assert "Thank you" in told
    assert next_enquiry(sight=sight_of(ann), now=now) is None
    assert client.get("/enquiries/", headers=HTMX).content.decode().strip() == ""
    assert next_enquiry(sight=sight_of(ann), now=now + timedelta(days=1, hours=1)) is not None
    assert next_enquiry(sight=sight_of(make.user()), now=now) is not None
    assert Enquiry.objects.filter(by=ann).count() == A_DAY_EACH


def test_the_open_conversation_asks_too_at_the_message_itself(now: datetime) -> None:
    now = timezone.now()
    heard(make.inbox(), now=now)
    ask(now=now)
    ann = make.user()
    client = browser(ann)
    for left in range(A_DAY_EACH, 0, -1):
        asked = first(ann, now)
        page = f"/conversations/{asked.conversation_id}/"
        shown = client.get(page).content.decode()
        assert f"/enquiries/{asked.id}/" in shown, left
        answer = client.post(
            f"/enquiries/{asked.id}/?view=all", {"to": asked.says, "here": "1"}, headers=HTMX
        )
        assert 'id="told"' in answer.content.decode()
        assert "/enquiries/" not in answer.content.decode()
        assert answer.headers["HX-Trigger-After-Swap"] == "heard:answered"
    assert Correction.objects.filter(by=ann).count() == A_DAY_EACH
    other = first(make.user(), now)
    page = f"/conversations/{other.conversation_id}/"
    assert "/enquiries/" not in client.get(page).content.decode()
    told = browser(make.user()).post(f"/enquiries/{other.id}/", {"to": "later", "here": "1"})
    assert told.status_code == 302
    assert f"/conversations/{other.conversation_id}/" in told.headers["Location"]


def test_not_now_is_a_no_for_good_and_no_label(now: datetime) -> None:
    now = timezone.now()
    heard(make.inbox(), now=now)
    ask(now=now)
    ann = make.user()
    asked = first(ann, now)
    browser(ann).post(f"/enquiries/{asked.id}/", {"to": "later"}, headers=HTMX)
    row = Enquiry.objects.get(pk=asked.id)
    assert (row.is_dismissed, row.by) == (True, ann)
    assert not Correction.objects.exists()
    assert first(make.user(), now).id != asked.id


def test_a_correction_under_the_message_answers_the_enquiry(now: datetime) -> None:
    heard(make.inbox(), now=now)
    ask(now=now)
    ann = make.user()
    asked = first(ann, now)
    correct(
        Message.objects.get(pk=asked.message_id), head=asked.head, to=asked.says, by=ann, now=now
    )
    assert Enquiry.objects.get(pk=asked.id).answered_at == now
    assert not Enquiry.objects.get(pk=asked.id).is_dismissed


def test_every_learning_asks_anew_and_the_line_costs_three_queries(now: datetime) -> None:
    heard(make.inbox(), now=now)
    learn(by=None, now=now)
    assert Enquiry.objects.count() == A_DAY
    ann = make.user()
    with CaptureQueriesContext(connection) as queries:
        sight = sight_of(ann)
        next_enquiry(sight=sight, now=now)
    assert len(queries) == 2
    assert Client().get("/enquiries/").status_code == 302
    assert browser(ann).get("/enquiries/").status_code == 302
    lists = browser(ann).get("/inbox/all/", headers=HTMX).content.decode()
    assert 'hx-get="/enquiries/"' in lists
