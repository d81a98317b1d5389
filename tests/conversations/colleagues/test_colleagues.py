"""Somebody leaves: nothing stays with a person who cannot come in any more."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from heard.conversations import handling
from heard.conversations.models import Conversation, Inbox
from heard.events.models import Event
from heard.staff.models import Team, User
from tests import make
from tests.conversations.asking import ask, browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def bar() -> Team:
    return make.team(name="Bar")


@pytest.fixture
def box() -> Inbox:
    return make.inbox(name="Door")


def given(box: Inbox, bo: User, team: Team | None = None) -> Conversation:
    opened = ask(box)
    handling.assign(opened, to=bo, team=team, by=None, now=make.NOON)
    return opened


def test_what_a_colleague_had_goes_back_to_everybody(box: Inbox, bar: Team) -> None:
    bo, cy, ann = make.user(name="Bo Lind"), make.user(), make.owner(name="Ann Berg")
    opened, of_the_bar, done = given(box, bo), given(box, bo, bar), given(box, bo)
    handling.resolve(done, by=bo, now=make.NOON)
    other = given(box, cy)
    Inbox.objects.filter(pk=box.pk).update(keeper=bo)
    page = browser(ann).post(reverse("settings_dismiss", args=[bo.pk]), follow=True)
    said = page.content.decode()
    assert "Bo Lind cannot sign in any more." in said
    assert "2 conversations of theirs wait for somebody else now. 1 inbox has no keeper" in said
    rows = Conversation.objects.in_bulk()
    assert [rows[it.pk].assignee for it in (opened, of_the_bar, done)] == [None] * 3
    assert rows[of_the_bar.pk].team == bar
    assert rows[other.pk].assignee == cy
    assert Inbox.objects.get().keeper is None
    written = Event.objects.filter(name="conversation.assigned", actor_id=ann.pk)
    told = {event.subject_id: event.data for event in written}
    assert set(told) == {opened.pk, of_the_bar.pk, done.pk}
    assert told[of_the_bar.pk] == {"to": "", "team": "Bar", "from": "Bo Lind"}
    pane = browser(ann).get(reverse("conversation", args=[opened.pk])).content.decode()
    assert "Ann Berg gave it back to everybody" in pane


def test_the_last_owner_keeps_the_door_and_what_is_theirs(box: Inbox, client: Client) -> None:
    ann = make.owner()
    opened = given(box, ann)
    client.force_login(ann)
    client.post(reverse("settings_dismiss", args=[ann.pk]))
    opened.refresh_from_db()
    assert opened.assignee == ann
    assert not Event.objects.filter(name="user.dismissed").exists()


def test_leaving_costs_the_same_however_much_there_was(
    box: Inbox, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    bo, ann = make.user(), make.owner()
    for _ in range(12):
        given(box, bo)
    with django_assert_max_num_queries(8):
        assert handling.hand_back(bo, by=ann, now=make.NOON) == handling.HandedBack(12, 0)
