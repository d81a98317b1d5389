"""A flood is one voice in the meter, however many say the same words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from heard.contacts.models import Contact
from heard.conversations.floods import folding
from heard.conversations.floods.sifting import look
from heard.conversations.intake.receiving import receive
from heard.conversations.models import Conversation, Flood, Inbox
from heard.conversations.queries import sight_of
from heard.meter import rollups
from heard.meter.home import home
from heard.meter.report import Alike, Scope, report
from heard.meter.rows import FIGURES, rows
from heard.reading import Stance
from tests import make
from tests.conversations.asking import browser, read_as

pytestmark = pytest.mark.django_db

NOW = make.NOON + timedelta(hours=1)
SAID = "never go to this shop again, they closed the branch in harbour street without a word"


def say(box: Inbox, *senders: str, text: str = SAID, stance: Stance = Stance.AVOID) -> None:
    items = [make.incoming(text, sender=sender) for sender in senders]
    readings = [replace(read_as(), stance=stance) for _ in items]
    receive(box, items, now=NOW, readings=readings)


def sift() -> None:
    while look():
        pass


@pytest.fixture
def sky() -> Inbox:
    return make.inbox(kind="bluesky", is_public=True)


@pytest.fixture
def forum() -> Inbox:
    return make.inbox(kind="mastodon", is_public=True)


def avoid(*inboxes: Inbox) -> int:
    scope = Scope(tuple(box.pk for box in inboxes) or None)
    found = report(scope)
    assert rollups.differences() == []
    return found.meter.avoid


def test_a_flood_is_one_voice_in_each_inbox_and_in_the_house(sky: Inbox, forum: Inbox) -> None:
    say(sky, "ann", "bob", "cyd", "dan")
    say(forum, "eve", "fay")
    say(sky, "gus", text="I would stay away from there, the soup was cold twice")
    assert (avoid(), avoid(sky), avoid(forum), avoid(sky, forum)) == (7, 5, 2, 7)
    sift()
    assert (avoid(), avoid(sky), avoid(forum), avoid(sky, forum)) == (2, 2, 1, 2)
    assert report(Scope()).alike == Alike(messages=6, voices=1)


def test_who_says_something_of_their_own_besides_is_a_voice_as_well(sky: Inbox) -> None:
    say(sky, "ann", "bob", "cyd")
    say(sky, "ann", text="and the soup was cold")
    sift()
    assert avoid() == 2


def test_each_side_of_a_flood_is_a_voice_and_each_day(sky: Inbox) -> None:
    say(sky, "ann", "bob", "cyd")
    say(sky, "dan", stance=Stance.RECOMMEND)
    sift()
    found = report(Scope())
    assert (found.meter.avoid, found.meter.recommend) == (1, 1)


def test_what_is_taken_out_is_a_voice_again(sky: Inbox) -> None:
    say(sky, "ann", "bob", "cyd", "dan")
    sift()
    olga = make.owner()
    folding.take_out(Conversation.objects.earliest("pk"), by=olga, now=NOW)
    assert avoid() == 2
    folding.dissolve(Flood.objects.get(), inboxes=[sky.pk], by=olga, now=NOW)
    assert avoid() == 4
    folding.fold_again(Flood.objects.get(), inboxes=[sky.pk], by=olga, now=NOW)
    assert avoid() == 1


def test_our_own_people_are_no_voice_though_they_join_a_flood(sky: Inbox) -> None:
    say(sky, "ann", "bob", "cyd")
    Contact.objects.update(is_ours=True)
    sift()
    assert avoid() == 0
    assert report(Scope()).alike == Alike(0, 0)


def test_history_is_counted_so_too(sky: Inbox) -> None:
    items = [make.incoming(SAID, sender=sender) for sender in ("ann", "bob", "cyd")]
    readings = [replace(read_as(), stance=Stance.AVOID) for _ in items]
    receive(sky, items, now=NOW, readings=readings, is_history=True)
    rollups.rebuild()
    assert avoid() == 3
    sift()
    assert avoid() == 1


def test_home_says_how_many_alike_were_counted_as_one(sky: Inbox, forum: Inbox) -> None:
    say(sky, *(f"by{n}" for n in range(14)))
    sift()
    olga = make.owner()
    found = home(None, now=NOW)
    assert (found.meter.avoid, found.alike) == (1, Alike(14, 1))
    assert home((sky.pk, forum.pk), now=NOW).meter.avoid == 1
    assert home((forum.pk,), now=NOW).alike == Alike(0, 0)
    behind = rows(FIGURES["avoid"], Scope(), sight=sight_of(olga), now=NOW).rows
    assert {row.verdict for row in behind} == {"alike"}
    shown = browser(olga).get("/figures/avoid/").content.decode()
    assert "one of several alike" in shown
