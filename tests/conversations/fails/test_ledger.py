"""The ledger shows every fail that somebody may see, and nothing that they may not."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from heard.conversations.fails import ledger
from heard.conversations.fails.exporting import as_csv, as_json
from heard.conversations.fails.ledger import Filters, every_fail, fails, tally, whole_book
from heard.conversations.models import Clock, Conversation, Inbox
from heard.conversations.queries import sight_of
from heard.staff.models import Brand, Place, User
from tests import make

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_count = iter(range(1, 100_000))


def fail(box: Inbox, at: datetime = MONDAY, **fields: Any) -> Clock:
    """A conversation whose clock started at `at` and fell due four hours later."""
    name = fields.pop("name", "Ann")
    conversation = Conversation.objects.create(
        inbox=box, root=f"r{next(_count)}", contact_name=name, preview="Where is it?", last_at=at
    )
    due = at + timedelta(hours=4)
    return Clock.objects.create(
        **{
            "conversation": conversation,
            "inbox": box,
            "kind": "first_response",
            "started_at": at,
            "due_at": due,
            "failed_at": due,
            "fail": "service",
            "sighting": "unseen",
            **fields,
        }
    )


def visit(client: Client, user: User, query: str = "") -> str:
    client.force_login(user)
    response = client.get(f"/ledger/{query}")
    assert response.status_code == 200
    return response.content.decode()


def found(query: Filters | None = None, **how: Any) -> list[int]:
    now = MONDAY + timedelta(days=10)
    page = fails(query or Filters(), book=whole_book(), now=now, **how)
    return [it.id for it in page.fails]


def test_a_stranger_is_led_to_the_door(client: Client) -> None:
    for page in ("/ledger/", "/ledger/fails.csv", "/ledger/fails.json"):
        assert client.get(page).status_code == 302


def test_an_empty_ledger_says_that_nothing_was_forgotten(client: Client) -> None:
    page = visit(client, make.owner())
    assert "Nothing was forgotten." in page
    assert "A clean page" in page


def test_each_row_leads_to_its_conversation(client: Client) -> None:
    clock = fail(make.inbox(), name="Ann Late")
    page = visit(client, make.owner())
    assert f'href="/conversations/{clock.conversation_id}/?view=all"' in page
    assert "Ann Late" in page
    assert "nobody saw it" in page


def test_every_filter_keeps_what_it_says() -> None:
    brand = Brand.objects.create(name="Cork")
    place = Place.objects.create(name="Harbour", brand=brand)
    here, there = make.inbox(place=place), make.inbox()
    kim = make.user()
    one = fail(here, keeper=kim, sighting="seen")
    late = fail(there, MONDAY + timedelta(days=1, hours=5), met_at=MONDAY + timedelta(days=3))
    kind = fail(there, MONDAY + timedelta(days=2), fail="recognition", kind="recognition")
    assert found() == [kind.pk, late.pk, one.pk]
    for filters, expected in [
        (Filters(inbox=here.pk), [one]),
        (Filters(brand=brand.pk), [one]),
        (Filters(place=place.pk), [one]),
        (Filters(fail="recognition"), [kind]),
        (Filters(fail="service"), [late, one]),
        (Filters(outcome="late"), [late]),
        (Filters(outcome="unanswered"), [kind, one]),
        (Filters(sighting="seen"), [one]),
        (Filters(keeper=kim.pk), [one]),
        (Filters(keeper=0), [kind, late]),
        (Filters(weekday=1), [one]),
        (Filters(hour=14), [late]),
        (Filters(since=date(2026, 3, 3)), [kind, late]),
        (Filters(until=date(2026, 3, 3)), [late, one]),
        (Filters(fail="service", keeper=0), [late]),
    ]:
        assert found(filters) == [clock.pk for clock in expected], filters
        assert tally(filters, book=whole_book()).total == len(expected), filters


def test_days_and_hours_are_those_of_the_company(settings: Any) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    clock = fail(make.inbox(), datetime(2026, 3, 1, 20, 0, tzinfo=UTC))
    # 20:00 on Sunday in London is Monday 09:00 in Auckland; due four hours later.
    assert tally(Filters(), book=whole_book()).heat == {(1, 9): 1}
    on = date(2026, 3, 2)
    assert found(Filters(since=on, until=on, weekday=1, hour=9)) == [clock.pk]
    assert found(Filters(until=on - timedelta(days=1))) == []


def test_pages_in_both_orders_hold_each_fail_once() -> None:
    box = make.inbox()
    clocks = [fail(box, MONDAY + timedelta(minutes=n // 2)) for n in range(23)]
    for clock in clocks[::3]:
        clock.met_at = clock.due_at + timedelta(minutes=clock.pk % 5)
        clock.save()
    for order in (ledger.NEWEST, ledger.LONGEST):
        seen: list[ledger.Fail] = []
        after, now = "", MONDAY + timedelta(days=1)
        while True:
            page = fails(Filters(), book=whole_book(), now=now, order=order, after=after, size=5)
            seen += page.fails
            after, now = page.after, now + timedelta(minutes=7)
            if not after:
                break
        assert sorted(it.id for it in seen) == [clock.pk for clock in clocks]
        keys = [it.failed_at if order == ledger.NEWEST else it.overdue for it in seen]
        assert keys == sorted(keys, reverse=True)


@pytest.mark.parametrize("after", ["x", "1-", "1-2-x", "99999999999999999999-1-1", "--"])
def test_a_place_that_is_none_is_not_found(client: Client, after: str) -> None:
    client.force_login(make.owner())
    for order in ("newest", "longest"):
        answer = client.get("/ledger/", {"order": order, "after": after})
        assert answer.status_code in (200, 404)
    assert client.get("/ledger/", {"after": "x"}).status_code == 404


def test_the_figures_add_up_and_each_leads_to_its_rows(client: Client) -> None:
    box, other = make.inbox(), make.inbox()
    for n in range(6):
        fail(box, MONDAY + timedelta(days=n % 3))
    fail(other, MONDAY + timedelta(days=8), met_at=MONDAY + timedelta(days=12), sighting="seen")
    figures = tally(Filters(), book=whole_book())
    assert figures.total == 7
    assert figures.heat == {(1, 9): 2, (2, 9): 3, (3, 9): 2}
    assert (figures.hottest, figures.worst) == (3, (2, 9))
    assert figures.outcome == {"unanswered": 6, "late": 1}
    assert figures.sighting == {"unseen": 6, "seen": 1}
    assert [(pk, count) for pk, count, _ in figures.inboxes] == [(box.pk, 6), (other.pk, 1)]
    assert [spell.count for spell in figures.spells] == [6, 1]
    for (weekday, hour), count in figures.heat.items():
        assert len(found(Filters(weekday=weekday, hour=hour))) == count
    for spell in figures.spells:
        assert len(found(Filters(since=spell.since, until=spell.until))) == spell.count
    chosen = tally(Filters(weekday=2, hour=9), book=whole_book())
    assert (chosen.total, chosen.heat) == (3, figures.heat)
    assert "hour=9&amp;weekday=2" in visit(client, make.owner()).replace(
        "weekday=2&amp;hour=9", "hour=9&amp;weekday=2"
    )


def test_many_weeks_are_taken_together_and_lose_nothing() -> None:
    box = make.inbox()
    for n in range(40):
        fail(box, MONDAY - timedelta(days=30 * n))
    figures = tally(Filters(), book=whole_book())
    assert len(figures.spells) <= ledger.MOST_SPANS
    assert sum(spell.count for spell in figures.spells) == figures.total == 40
    for spell in figures.spells:
        assert len(found(Filters(since=spell.since, until=spell.until))) == spell.count


def test_figures_of_too_many_are_those_of_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "COUNTED_TO", 3)
    box = make.inbox()
    for n in range(5):
        fail(box, MONDAY + timedelta(days=n))
    figures = tally(Filters(), book=whole_book())
    assert figures.is_capped
    assert {weekday for weekday, _ in figures.heat} == {3, 4, 5}


def test_without_days_it_shows_the_last_weeks_or_those_of_the_archive(client: Client) -> None:
    box, owner = make.inbox(), make.owner()
    old = timezone.now() - timedelta(days=400)
    fail(box, old, name="Old Ann")
    fail(box, old - timedelta(days=80), name="Older Bo")
    page = visit(client, owner)
    assert "these are the eight weeks up to the last that did" in page
    assert "Old Ann" in page
    assert "Older Bo" not in page
    fail(box, timezone.now() - timedelta(days=3), name="New Cy")
    page = visit(client, owner)
    assert "New Cy" in page
    assert "Old Ann" not in page
    assert "eight weeks up to" not in page


def test_home_leads_here_by_kind_and_days(client: Client) -> None:
    fail(make.inbox(), name="Ann Service")
    fail(make.inbox(), name="Bo Kind", fail="recognition")
    page = visit(client, make.owner(), "?fail=service&since=2026-03-02&until=2026-03-08")
    assert "Ann Service" in page
    assert "Bo Kind" not in page
    assert "One was left too long." in page


def test_nobody_reads_the_fails_of_an_inbox_of_another_team(client: Client) -> None:
    hidden, bo = make.inbox(teams=(make.team(),), name="Secret door"), make.user()
    clock = fail(hidden, timezone.now() - timedelta(days=1), name="Ann Secret")
    page = visit(client, bo)
    assert "Ann Secret" not in page
    assert "Secret door" not in page
    assert "Nothing was forgotten." in page
    assert client.get("/ledger/", {"inbox": hidden.pk}).status_code == 404
    for ending in ("csv", "json"):
        told = client.get(f"/ledger/fails.{ending}").getvalue().decode()
        assert "Ann Secret" not in told
    brand = Brand.objects.create(name="Hidden brand")
    hidden.brand = brand
    hidden.save()
    assert "Ann Secret" not in visit(client, bo, f"?brand={brand.pk}")
    owner = ledger.book_of(make.owner(), sight=sight_of(make.owner()))
    assert [it.id for it in every_fail(Filters(), book=owner, now=MONDAY)] == [clock.pk]


def test_an_agent_reads_the_own_name_and_of_others_only_that_it_was_a_colleague(
    client: Client,
) -> None:
    box, bo, kim = make.inbox(), make.user(name="Bo Own"), make.user(name="Kim Other")
    at = timezone.now() - timedelta(days=1)
    fail(box, at, keeper=bo)
    fail(box, at, keeper=kim)
    fail(box, at)
    page = visit(client, bo)
    assert "kept by you" in page
    assert "kept by a colleague" in page
    assert "Kim Other" not in page
    assert f"keeper={kim.pk}" not in page
    assert client.get("/ledger/", {"keeper": kim.pk}).status_code == 404
    assert client.get("/ledger/fails.csv", {"keeper": kim.pk}).status_code == 404
    told = client.get("/ledger/fails.csv").getvalue().decode()
    assert "Bo Own" in told
    assert "Kim Other" not in told
    assert "Kim Other" in visit(client, make.manager())


def test_the_page_asks_the_same_number_of_questions_however_much_there_is(client: Client) -> None:
    boxes = [make.inbox() for _ in range(3)]
    fail(boxes[0], timezone.now() - timedelta(days=1), keeper=make.user())
    manager = make.manager()
    client.force_login(manager)
    client.get("/ledger/")
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get("/ledger/")
    for n in range(90):
        fail(boxes[n % 3], timezone.now() - timedelta(days=1 + n % 40), keeper=make.user())
    with CaptureQueriesContext(connection) as many:
        client.get("/ledger/")
    assert len(few) == len(many) <= 12


def test_more_rows_come_alone(client: Client) -> None:
    box = make.inbox()
    for n in range(ledger.PAGE_SIZE + 3):
        fail(box, timezone.now() - timedelta(days=1, minutes=n), name=f"Person {n}.")
    page = visit(client, make.owner())
    after = page.split("after=")[1].split('"')[0]
    more = client.get(
        f"/ledger/?after={after}", headers={"HX-Request": "true", "HX-Target": "more"}
    ).content.decode()
    assert "<html" not in more
    assert more.count("fail-row") == 3


def test_csv_and_json_hold_every_line(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "EXPORT_SIZE", 2)
    box = make.inbox(name="Front door")
    clocks = [fail(box, MONDAY + timedelta(hours=n), name=f"Ann {n}") for n in range(5)]
    fail(box, MONDAY, name="=cmd()", fail="recognition", met_at=MONDAY + timedelta(hours=5))
    client.force_login(make.owner())
    answer = client.get("/ledger/fails.csv")
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert len(rows) == 6
    kind = next(row for row in rows if row["fail"] == "recognition")
    assert kind["contact"] == "'=cmd()"
    assert (kind["outcome"], kind["overdue_minutes"]) == ("late", "60.0")
    answer = client.get("/ledger/fails.json", {"fail": "service"})
    told = json.loads(answer.getvalue())
    assert [row["id"] for row in told] == [clock.pk for clock in reversed(clocks)]
    assert told[0]["failed_at"] == "2026-03-02T17:30:00+00:00"
    assert told[0]["inbox"] == "Front door"


def test_nothing_makes_an_empty_array_and_a_heading() -> None:
    assert json.loads("".join(as_json([]))) == []
    assert len(list(as_csv([]))) == 1


def test_the_command_prints_the_same_lines(capsys: pytest.CaptureFixture[str]) -> None:
    kim = make.user(email="kim@house.example")
    box = make.inbox(name="Front door")
    clock = fail(box, keeper=kim)
    fail(make.inbox())
    call_command("fails", "--json", inbox="Front door", keeper="KIM@house.example")
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == [clock.pk]
    call_command("fails", "--csv", since=date(2026, 3, 2))
    assert capsys.readouterr().out.count("\n") == 3
    with pytest.raises(CommandError, match="There is no inbox named 'Back door'"):
        call_command("fails", "--json", inbox="Back door")
