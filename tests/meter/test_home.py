"""Home says in a sentence how things stand, and shows each only what they may see."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from heard.conversations.intake.receiving import receive
from heard.meter import charts
from heard.meter.drawing import draw
from heard.meter.home import home
from heard.meter.models import Drawing
from heard.reading import Mood, Need, Reading, Stance, Urgency
from heard.staff.models import User
from tests import make

pytestmark = pytest.mark.django_db


def said(stance: Stance = Stance.NEITHER, need: Need = Need.ANSWER) -> Reading:
    return Reading("en", Mood.NEGATIVE, (0.8, 0.1, 0.1), need, stance, Urgency.NORMAL)


def visit(client: Client, user: User) -> str:
    client.force_login(user)
    response = client.get("/")
    assert response.status_code == 200
    return response.content.decode()


def test_a_stranger_is_led_to_the_door(client: Client) -> None:
    assert client.get("/").status_code == 302


def test_an_empty_house_says_what_will_stand_here(client: Client) -> None:
    assert "Nobody has spoken yet." in visit(client, make.owner())


def test_it_says_who_waits_longest(client: Client) -> None:
    now = timezone.now()
    box = make.inbox()
    items = [
        make.incoming(sender=name.lower(), sender_name=name, at=now - timedelta(hours=hours))
        for name, hours in [("Ann", 3), ("Bo", 1)]
    ]
    receive(box, items, readings=[said(), said()], now=now)
    page = visit(client, make.owner())
    assert "2 people are waiting; the longest, Ann" in page


def test_nobody_sees_who_waits_in_the_inbox_of_another_team(client: Client) -> None:
    now = timezone.now()
    receive(
        make.inbox(teams=(make.team(),)),
        [make.incoming(sender="ann", sender_name="Ann Secret", at=now)],
        readings=[said(Stance.AVOID)],
        now=now,
    )
    page = visit(client, make.user(teams=(make.team(),)))
    assert "Ann Secret" not in page
    assert "Nobody has spoken yet." in page


def test_what_the_public_sees_unanswered_is_listed(client: Client) -> None:
    now = timezone.now()
    box = make.inbox(is_public=True, policy=make.policy(first_response_minutes=30))
    old = make.incoming("Why was my bread mouldy?", sender_name="Cy", at=now - timedelta(hours=2))
    receive(box, [old], readings=[said(Stance.AVOID)], now=now)
    found = home(None, now=now)
    assert (found.exposed.count, found.exposed.first[0].name) == (1, "Cy")
    assert (found.meter.recommend, found.meter.avoid) == (0, 1)


def test_figures_of_an_old_archive_are_those_of_its_last_days(client: Client) -> None:
    now = timezone.now()
    old = now - timedelta(days=400)
    receive(make.inbox(), [make.incoming(at=old)], readings=[said()], now=now, is_history=True)
    from heard.meter.rollups import rebuild

    rebuild()
    found = home(None, now=now)
    assert found.is_history
    assert found.this_week.incoming == 1


def test_the_meter_is_drawn_once_and_then_kept(client: Client) -> None:
    now = timezone.now()
    box = make.inbox(is_public=True)
    receive(box, [make.incoming(at=now)], readings=[said(Stance.RECOMMEND)], now=now)
    owner = make.owner()
    assert "The picture is being drawn." in visit(client, owner)
    for key in Drawing.objects.values_list("key", flat=True):
        draw(key=key)
    page = visit(client, owner)
    assert page.count("<svg aria-hidden") == Drawing.objects.count() == 2
    assert "var(--brass)" in page


def test_the_page_takes_the_same_few_statements_at_any_size(client: Client) -> None:
    now = timezone.now()
    box = make.inbox(is_public=True)
    owner = make.owner()

    def statements(count: int) -> int:
        items = [make.incoming(at=now - timedelta(days=n % 20)) for n in range(count)]
        receive(box, items, readings=[said(Stance.AVOID)] * count, now=now)
        visit(client, owner)
        with CaptureQueriesContext(connection) as captured:
            visit(client, owner)
        return len(captured)

    assert statements(1) + 4 >= statements(80)
    assert statements(80) <= 26  # of which signing in takes seven


def test_a_week_without_voices_leaves_a_gap_and_not_a_fault() -> None:
    nothing = {"share": None, "low": None, "high": None, "count": 0}
    some = {"share": 0.5, "low": 0.2, "high": 0.8, "count": 4}
    rows = [{"week": f"2026-03-{day:02d}"} | (some if day > 5 else nothing) for day in (2, 9, 16)]
    assert charts.draw("meter", rows).startswith("<svg")
