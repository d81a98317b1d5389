"""The same words from many accounts: found, folded into one line, counted as one voice."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from heard.channels.base import Act, Edited, Incoming
from heard.conversations import handling
from heard.conversations.clocks.sweeping import sweep
from heard.conversations.fails import ledger
from heard.conversations.fails.ledger import book_of
from heard.conversations.floods import folding
from heard.conversations.floods.handling import acknowledge_all, resolve_all, sum_up, thanks_due
from heard.conversations.floods.sifting import FEWEST_SHORT, look
from heard.conversations.intake.changing import change
from heard.conversations.intake.receiving import receive
from heard.conversations.models import (
    Acknowledgement,
    Clock,
    Conversation,
    Flood,
    Flooded,
    Inbox,
    Print,
    Resolution,
)
from heard.conversations.queries import VIEWS, Filters, Row, page, sight_of, some
from heard.events.models import Event
from heard.staff.models import User
from tests import make
from tests.api.test_api import Program
from tests.conversations.asking import browser, read_as

pytestmark = pytest.mark.django_db

NOW = make.NOON + timedelta(hours=1)
SAID = (
    "Shame on you for closing the shop in Harbour Street without a word to all those who worked "
    "there for thirty years, I will never buy from you again"
)
OTHER = (
    "The blue coat that I ordered on Monday came in the wrong size, may I bring it back to the "
    "counter on Saturday morning or must I send it"
)


def copies(count: int, *, share: float = 0.2, text: str = SAID) -> list[str]:
    """Copies of a text with a share of the words replaced."""
    by = random.Random(1)
    made = []
    for _ in range(count):
        words = text.split()
        for place in by.sample(range(len(words)), int(share * len(words))):
            words[place] = f"word{by.randrange(5_000)}"
        made.append(" ".join(words))
    return made


def say(
    box: Inbox,
    texts: Iterable[str],
    *,
    at: datetime = make.NOON,
    need: str = "answer",
    mood: str = "neutral",
    **fields: Any,
) -> list[Conversation]:
    """Each by an account of its own; returns their conversations in that order."""
    items = [make.incoming(text, at=at, **fields) for text in texts]
    if "sender" not in fields:
        items = [item._replace(sender=f"by {item.external_id}") for item in items]
    return take(box, items, need=need, mood=mood)


def take(
    box: Inbox, items: list[Incoming], *, need: str = "answer", mood: str = "neutral"
) -> list[Conversation]:
    receive(box, items, now=NOW, readings=[read_as(need=need, mood=mood) for _ in items])
    by_root = {it.root: it for it in Conversation.objects.filter(inbox=box)}
    return [by_root[item.root or item.external_id] for item in items]


def sift() -> None:
    while look(lot=50):
        pass


def lines(reader: User, name: str = "waiting", **filters: Any) -> tuple[Row, ...]:
    return page(VIEWS[name], sight=sight_of(reader), filters=Filters(**filters), now=NOW).rows


@pytest.fixture
def sky() -> Inbox:
    return make.inbox(name="Sky", kind="bluesky", is_public=True)


@pytest.fixture
def olga() -> User:
    return make.owner(name="Olga Reyes")


# How they are found


def test_copies_with_a_fifth_of_the_words_changed_stand_in_one_line(sky: Inbox, olga: User) -> None:
    say(sky, [SAID, OTHER, *copies(60)])
    sift()
    flood = Flood.objects.get()
    assert flood.messages.count() == 61
    by_alike = {row.alike: row for row in lines(olga)}
    assert set(by_alike) == {1, 61}
    assert by_alike[61].flood == flood.pk
    assert by_alike[1].preview == OTHER[:160]


def test_two_alike_are_no_flood(sky: Inbox, olga: User) -> None:
    say(sky, [SAID, SAID])
    sift()
    assert not Flood.objects.exists()
    assert len(lines(olga)) == 2


def test_a_flood_may_begin_with_what_came_before_and_grow_later(sky: Inbox) -> None:
    for text in copies(5, share=0.1):
        say(sky, [text])
        sift()
    assert Flood.objects.get().messages.count() == 5


def test_short_words_are_a_flood_only_if_many_say_the_very_same(sky: Inbox) -> None:
    say(sky, ["The driver was friendly and quick"] * (FEWEST_SHORT - 1))
    say(sky, ["Thank you very much"] * (FEWEST_SHORT + 5))
    sift()
    assert not Flood.objects.exists()
    say(sky, ["The driver was friendly, and quick!"])
    sift()
    assert Flood.objects.get().messages.count() == FEWEST_SHORT


def test_somebody_who_repeats_is_folded_too(sky: Inbox, olga: User) -> None:
    say(sky, [SAID] * 4, sender="loud")
    sift()
    [line] = lines(olga)
    assert line.alike == 4


def test_the_same_words_long_after_are_no_flood(sky: Inbox) -> None:
    for weeks in range(4):
        say(sky, [SAID], at=make.NOON - timedelta(weeks=8 - 2 * weeks))
    sift()
    assert not Flood.objects.exists()


def test_what_machines_say_and_our_own_words_for_calls_are_no_flood(sky: Inbox) -> None:
    say(sky, [SAID] * 4, is_automatic=True)
    say(sky, [SAID] * 4, extra={"call": {"outcome": "missed"}})
    sift()
    assert not Print.objects.exists()


def test_history_is_sifted_too(sky: Inbox) -> None:
    items = [make.incoming(SAID, sender=f"old {n}") for n in range(5)]
    receive(sky, items, now=NOW, is_history=True)
    sift()
    assert Flood.objects.get().messages.count() == 5


def test_a_batch_costs_the_same_statements_however_long_it_is(sky: Inbox) -> None:
    def count(texts: list[str]) -> int:
        say(sky, texts)
        with CaptureQueriesContext(connection) as seen:
            assert look(lot=10_000)
        return len(seen)

    few, many = count(copies(4)), count(copies(300))
    assert many <= few + 1  # who is told of changes is told by the two hundred
    assert few <= 24


# What stays apart


def test_whoever_says_something_else_stands_by_themselves_at_once(sky: Inbox, olga: User) -> None:
    opened = say(sky, [SAID] * 5)
    sift()
    assert [row.alike for row in lines(olga)] == [5]
    item = make.incoming(OTHER, sender=f"by {opened[2].root}", root=opened[2].root)
    take(sky, [item])
    assert sorted(row.alike for row in lines(olga)) == [1, 4]
    sift()
    assert sorted(row.alike for row in lines(olga)) == [1, 4]


def test_a_copy_after_a_question_of_ones_own_hides_nothing(sky: Inbox, olga: User) -> None:
    [asked] = say(sky, [OTHER])
    say(sky, [SAID] * 3)
    take(sky, [make.incoming(SAID, sender=f"by {asked.root}", root=asked.root)])
    sift()
    assert Flooded.objects.count() == 4
    assert sorted(row.alike for row in lines(olga)) == [1, 3]


def test_what_was_edited_is_no_copy_any_more(sky: Inbox, olga: User) -> None:
    opened = say(sky, [SAID] * 4)
    sift()
    change(sky, [Edited(opened[1].root, at=NOW, text=OTHER)], now=NOW)
    assert sorted(row.alike for row in lines(olga)) == [1, 3]


def test_one_can_be_taken_out_and_does_not_come_back(sky: Inbox, olga: User) -> None:
    opened = say(sky, [SAID] * 4)
    sift()
    opened[0].refresh_from_db()
    folding.take_out(opened[0], by=olga, now=NOW)
    say(sky, [SAID])
    sift()
    assert sorted(row.alike for row in lines(olga)) == [1, 4]
    assert Event.objects.filter(name="conversation.taken_out", subject_id=opened[0].pk).exists()


def test_a_flood_can_be_dissolved_and_folded_again(sky: Inbox, olga: User) -> None:
    say(sky, [SAID] * 4)
    sift()
    flood = Flood.objects.get()
    folding.dissolve(flood, inboxes=[sky.pk], by=olga, now=NOW)
    say(sky, [SAID] * 3)
    sift()
    assert [row.alike for row in lines(olga)] == [1] * 7
    assert Flood.objects.count() == 1
    folding.fold_again(flood, inboxes=[sky.pk], by=olga, now=NOW)
    assert sorted(row.alike for row in lines(olga)) == [1, 1, 1, 4]


# How lists show them


@pytest.mark.parametrize("name", ["unassigned", "waiting", "open", "failing"])
def test_every_list_of_what_is_open_folds_and_pages_meet_each_once(
    name: str, sky: Inbox, olga: User
) -> None:
    say(sky, [SAID] * 30)
    say(sky, [f"{n} {OTHER[n:]}" for n in range(7)], at=make.NOON - timedelta(days=1))
    say(sky, copies(9, text=" ".join(reversed(OTHER.split()))))
    Flooded.objects.all().delete()
    sift()
    now = NOW + timedelta(days=30)
    met: list[Row] = []
    after = ""
    while True:
        found = page(
            VIEWS[name], sight=sight_of(olga), filters=Filters(), now=now, after=after, size=3
        )
        met += found.rows
        after = found.after
        if not after:
            break
    assert len({row.id for row in met}) == len(met)
    assert sum(row.alike for row in met) == Conversation.objects.count() == 46
    assert max(row.alike for row in met) == 30


def test_a_filter_by_the_flood_shows_each_by_itself(sky: Inbox, olga: User) -> None:
    say(sky, [SAID] * 4 + [OTHER])
    sift()
    flood = Flood.objects.get()
    assert [row.alike for row in lines(olga, flood=flood.pk)] == [1] * 4
    assert [row.alike for row in lines(olga, "all")] == [1] * 5


def test_of_a_flood_everybody_counts_only_what_they_may_see(olga: User) -> None:
    bar, kitchen = make.team(name="Bar"), make.team(name="Kitchen")
    at_bar = make.inbox(kind="bluesky", is_public=True, teams=(bar,))
    in_kitchen = make.inbox(kind="mastodon", is_public=True, teams=(kitchen,))
    bo = make.user(name="Bo Lind", teams=(bar,))
    say(at_bar, [SAID] * 2)
    say(in_kitchen, [SAID] * 5)
    sift()
    flood = Flood.objects.get()
    assert [row.alike for row in lines(bo)] == [2]
    assert [row.alike for row in lines(olga)] == [7]
    assert str(sum_up(flood, sight=sight_of(bo), now=NOW).all) == "2"
    shown = browser(bo).get(f"/floods/{flood.pk}/").content.decode()
    assert "2 conversations" in shown
    nobody = make.user(name="Cy Dunn", teams=(make.team(name="Garden"),))
    assert browser(nobody).get(f"/floods/{flood.pk}/").status_code == 404
    resolve_all(flood, inboxes=[at_bar.pk], by=bo, now=NOW)
    assert Conversation.objects.filter(inbox=in_kitchen, status="open").count() == 5


def test_what_has_changed_is_drawn_in_the_line_that_stands_for_it(sky: Inbox, olga: User) -> None:
    opened = say(sky, [SAID] * 4)
    sift()
    view, sight = VIEWS["waiting"], sight_of(olga)
    ids = [opened[3].pk]
    [line] = some(view, ids=ids, sight=sight, filters=Filters(), now=NOW)
    assert line.id == lines(olga)[0].id != opened[3].pk
    handling.resolve(Conversation.objects.get(pk=line.id), by=olga, now=NOW)
    [again] = some(view, ids=[line.id], sight=sight, filters=Filters(), now=NOW)
    assert (again.alike, again.id != line.id) == (3, True)


# What is done with all of it


def test_all_are_done_at_once_each_in_its_own_conversation(sky: Inbox, olga: User) -> None:
    say(sky, [SAID] * 6 + [OTHER])
    sift()
    done = resolve_all(Flood.objects.get(), inboxes=[sky.pk], by=olga, now=NOW)
    assert (done.count, done.is_all) == (6, True)
    assert Resolution.objects.filter(by=olga).count() == 6
    assert Event.objects.filter(name="conversation.resolved", actor_id=olga.pk).count() == 6
    assert [row.preview for row in lines(olga)] == [OTHER[:160]]
    assert Clock.objects.filter(met_at=None, ended_at=None).count() == 7  # done is not answered


def test_all_who_praise_are_liked_and_nobody_who_complains(sky: Inbox, olga: User) -> None:
    say(sky, [SAID] * 3, need="recognition", mood="positive")
    say(sky, [SAID] * 2, need="answer", mood="negative")
    sift()
    flood = Flood.objects.get()
    assert Act.LIKE in thanks_due(flood, inboxes=[sky.pk])
    done = acknowledge_all(flood, Act.LIKE, inboxes=[sky.pk], by=olga, now=NOW)
    assert (done.count, Acknowledgement.objects.count()) == (3, 3)
    assert Clock.objects.filter(kind="recognition", met_at=None).count() == 0
    assert thanks_due(flood, inboxes=[sky.pk]) == ()


def test_the_ledger_tells_how_many_fails_are_of_floods(sky: Inbox, olga: User) -> None:
    say(sky, [SAID] * 5 + [OTHER])
    sift()
    sweep(NOW + timedelta(days=5))
    book = book_of(olga, sight=sight_of(olga))
    tally = ledger.tally(ledger.Filters(), book=book)
    assert (tally.total, tally.alike) == (6, 5)
    alone = ledger.fails(ledger.Filters(alike="yes"), book=book, now=NOW)
    assert len(alone.fails) == 5


# Its page


def test_the_page_of_a_flood_costs_the_same_for_few_and_for_many(sky: Inbox, olga: User) -> None:
    client = browser(olga)

    def count() -> int:
        sift()
        with CaptureQueriesContext(connection) as seen:
            assert client.get(f"/floods/{Flood.objects.get().pk}/").status_code == 200
            assert client.get("/inbox/waiting/").status_code == 200
        return len(seen)

    say(sky, [SAID] * 3)
    few = count()
    say(sky, [SAID] * 80)
    assert count() == few <= 20


def test_the_deeds_of_the_page(sky: Inbox, olga: User) -> None:
    client = browser(olga)
    opened = say(sky, [SAID] * 4, need="recognition", mood="positive")
    sift()
    flood = Flood.objects.get()
    address = f"/floods/{flood.pk}/"
    assert "and 3 more alike" in client.get("/inbox/open/").content.decode()
    shown = client.get(address).content.decode()
    assert "4 conversations, the same words" in " ".join(shown.split())
    assert "Like all" in shown
    leave = f"/conversations/{opened[0].pk}/flood/leaving/"
    client.post(leave, {"from-flood": "1"}, headers={"HX-Request": "true"})
    assert client.post(leave).status_code == 404
    assert "and 2 more alike" in client.get("/inbox/open/").content.decode()
    client.post(f"{address}folding/")
    client.post(f"{address}acknowledgement/", {"kind": "like"})
    assert Acknowledgement.objects.count() == 4
    assert client.post(f"{address}acknowledgement/", {"kind": "spam"}).status_code == 404
    client.post(f"{address}resolution/")
    assert not lines(olga, "open")
    client.post(f"{address}dissolution/")
    assert "Each by itself" in client.get(address).content.decode()
    assert client.get(f"{address}?from=nowhere").status_code == 404
    assert client.get("/floods/99999/").status_code == 404


def test_the_command_lists_them(sky: Inbox, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("floods")
    assert "There are no floods." in capsys.readouterr().out
    say(sky, [SAID] * 4)
    call_command("floods", "--look", "--json")
    found = json.loads(capsys.readouterr().out)
    assert (found["messages"], found["people"], found["open"]) == (4, 4, 4)
    assert found["words"] == SAID
    call_command("floods")
    assert "4 messages" in capsys.readouterr().out


# The API


def test_a_program_is_told_of_floods_and_for_how_many_a_line_stands(sky: Inbox, olga: User) -> None:
    closed = make.inbox(name="Closed", kind="bluesky", is_public=True, teams=(make.team(),))
    say(sky, [SAID, OTHER, *copies(30)])
    say(closed, copies(3))
    sift()
    flood = Flood.objects.get()
    program, stranger = Program(olga, "read"), Program(make.user(), "read")
    with CaptureQueriesContext(connection) as asked:
        [told] = program.ask("GET", "/floods").json()
    assert len(asked) <= 6
    assert (told["id"], told["conversations"], told["open"], told["people"]) == (
        flood.pk,
        34,
        34,
        34,
    )
    assert told["words"]
    seen = stranger.ask("GET", "/floods").json()
    assert [it["conversations"] for it in seen] == [31]
    lines = program.ask("GET", "/conversations?view=waiting").json()["conversations"]
    assert sorted((it["alike"], it["flood"]) for it in lines) == [(1, None), (34, flood.pk)]
    each = program.ask("GET", f"/conversations?flood={flood.pk}&size=200").json()["conversations"]
    assert [it["alike"] for it in each] == [1] * 34
    folding.dissolve(flood, inboxes=sight_of(olga).doors, by=olga, now=NOW)
    assert program.ask("GET", "/floods").json() == []
