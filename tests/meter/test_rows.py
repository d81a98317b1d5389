"""Each number of home leads to as many rows, and nobody sees a row they may not see."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from heard.channels.base import Incoming, Kind
from heard.conversations.clocks.sweeping import sweep
from heard.conversations.intake.receiving import receive
from heard.conversations.models import Inbox
from heard.conversations.queries import sight_of
from heard.meter.home import home
from heard.meter.report import Scope
from heard.meter.rows import FIGURES, count, rows
from heard.reading import Mood, Need, Reading, Stance, Urgency
from tests import make

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def said(mood: Mood, stance: Stance, need: Need = Need.ANSWER) -> Reading:
    return Reading("en", mood, (0.3, 0.3, 0.4), need, stance, Urgency.NORMAL)


def busy_week(box: Inbox) -> None:
    """Three are answered, one of them late and one of those turns round; two are left alone."""
    moods = [Mood.NEGATIVE, Mood.NEGATIVE, Mood.NEUTRAL, Mood.NEUTRAL, Mood.NEGATIVE]
    stances = [Stance.AVOID, Stance.RECOMMEND, Stance.RECOMMEND, Stance.NEITHER, Stance.AVOID]
    asked: list[Incoming] = []
    read: list[Reading | None] = []
    for n, (mood, stance) in enumerate(zip(moods, stances, strict=True)):
        at = NOW - timedelta(days=2, hours=n)
        name = f"{box.slug}-{n}"
        asked.append(make.incoming(external_id=name, sender=name, at=at, is_public=True))
        read.append(said(mood, stance))
        if n < 3:
            answered = at + timedelta(minutes=(10, 90, 20)[n])
            asked.append(
                make.incoming(external_id=f"{name}-r", kind=Kind.REPLY, parent=name, at=answered)
            )
            read.append(None)
    asked.append(
        make.incoming(
            external_id=f"{box.slug}-0-thanks",
            sender=f"{box.slug}-0",
            parent=f"{box.slug}-0",
            at=NOW - timedelta(days=1),
            is_public=True,
        )
    )
    read.append(said(Mood.POSITIVE, Stance.NEITHER, Need.NOTHING))
    receive(box, asked, readings=read, now=NOW)
    sweep(NOW)


def test_each_number_of_home_has_as_many_rows() -> None:
    rules = make.policy(first_response_minutes=60)
    for _ in range(2):
        busy_week(make.inbox(is_public=True, policy=rules))
    found = home(None, now=NOW)
    mine = sight_of(make.owner())
    week = found.this_week.scope
    long = Scope(None, found.weeks[0].monday, found.as_of)

    def number(name: str, scope: Scope) -> int:
        figure = FIGURES[name]
        listed = rows(figure, scope, sight=mine, now=NOW).rows
        assert len(listed) == count(figure, scope, sight=mine, now=NOW).number
        return len(listed)

    assert number("responses", week) == found.this_week.decided == 10
    assert number("turned", long) == found.negative == 6
    assert number("recommend", long) == found.meter.recommend == 4
    assert number("avoid", long) == found.meter.avoid == 4
    assert number("exposed", Scope()) == found.exposed.count == 4
    verdicts = [it.verdict for it in rows(FIGURES["responses"], week, sight=mine, now=NOW).rows]
    assert verdicts.count("within") == found.this_week.within == 4
    assert verdicts.count("late") == 2
    turned = [it.verdict for it in rows(FIGURES["turned"], long, sight=mine, now=NOW).rows]
    assert turned.count("turned") == found.turned == 2


def test_nobody_reads_rows_of_another_team(client: Client) -> None:
    busy_week(make.inbox(is_public=True, teams=(make.team(),)))
    client.force_login(make.user(teams=(make.team(),)))
    for name in FIGURES:
        page = client.get(f"/figures/{name}/").content.decode()
        assert "No rows" in page


def test_rows_go_on_by_pages_and_miss_none() -> None:
    box = make.inbox(is_public=True)
    items = [
        make.incoming(sender=f"s{n}", at=NOW - timedelta(minutes=n // 3), is_public=True)
        for n in range(120)
    ]
    receive(box, items, readings=[said(Mood.NEUTRAL, Stance.AVOID)] * 120, now=NOW)
    mine, seen, after = sight_of(make.owner()), list[int](), ""
    while True:
        page = rows(FIGURES["avoid"], Scope(), sight=mine, now=NOW, after=after)
        seen += [it.id for it in page.rows]
        after = page.after
        if not after:
            break
        assert len(seen) < 200
    assert len(seen) == len(set(seen)) == 120


def test_a_page_of_rows_costs_the_same_however_many_there_are(client: Client) -> None:
    client.force_login(make.owner())
    busy_week(make.inbox(is_public=True))
    client.get("/figures/responses/")
    costs = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as spent:
            assert client.get("/figures/responses/?since=2020-01-01").status_code == 200
        costs.append(len(spent))
        busy_week(make.inbox(is_public=True))
    assert costs[0] == costs[1] <= 5


@pytest.mark.parametrize("address", ["nothing/", "avoid/?after=x", "avoid/?after=1-"])
def test_what_is_not_there_is_not_found(client: Client, address: str) -> None:
    client.force_login(make.owner())
    assert client.get(f"/figures/{address}").status_code == 404


def test_home_leads_to_the_rows_of_its_figures(client: Client) -> None:
    busy_week(make.inbox(is_public=True))
    client.force_login(make.owner())
    page = client.get("/").content.decode()
    for name in FIGURES.keys() - {"recognition", "answers"}:  # those stand on keepers' pages
        address = page.split(f'href="/figures/{name}/')[1].split('"')[0]
        there = client.get(f"/figures/{name}/{address.replace('&amp;', '&')}")
        assert 'class="row-title"' in there.content.decode()
