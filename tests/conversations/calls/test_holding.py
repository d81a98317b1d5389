"""Whoever is on hold is seen at once, told of in time, and counted afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from heard.channels.base import CallEvent
from heard.conversations.calls import callbook, taking
from heard.conversations.calls.callbook import Filters
from heard.conversations.calls.holding import LONGEST, alarm, on_hold
from heard.conversations.colleagues import noticing
from heard.conversations.models import Call, Inbox, Notice
from heard.conversations.queries import sight_of
from heard.lib.shares import wilson
from tests import make
from tests.conversations.asking import browser

pytestmark = pytest.mark.django_db


def it(call: str, what: Any, second: float = 0, **fields: Any) -> CallEvent:
    at = make.NOON + timedelta(seconds=second)
    caller = f"+44207946{int(call):04}"
    return CallEvent(f"{what}{second}", call, at, what, caller=caller, **fields)


def after(seconds: float) -> Any:
    return make.NOON + timedelta(seconds=seconds)


def tell(box: Inbox, *events: CallEvent) -> None:
    taking.take(box, events, now=max(event.at for event in events))


class TestWhoIsOnHold:
    def test_the_longest_stands_first_and_is_marked_when_it_is_too_long(self) -> None:
        box = make.inbox(kind="phone", settings={"hold_target_seconds": "60"})
        tell(box, it("1", "queued", 0), it("2", "queued", 50), it("3", "queued", 55))
        tell(box, it("3", "answered", 58))
        found = on_hold(sight_of(make.owner()), now=after(70))
        assert [(one.seconds(after(70)), one.is_too_long(after(70))) for one in found] == [
            (70, True),
            (20, False),
        ]

    def test_only_those_see_it_who_may_see_the_inbox(self) -> None:
        team = make.team()
        tell(make.inbox(kind="phone", teams=(team,)), it("1", "queued"))
        insider, stranger = make.user(teams=(team,)), make.user()
        assert len(on_hold(sight_of(insider), now=after(9))) == 1
        assert not on_hold(sight_of(stranger), now=after(9))
        page = browser(stranger).get("/calls/holding/").content
        assert not page.strip()

    def test_whose_end_was_never_told_does_not_wait_for_ever(self) -> None:
        tell(make.inbox(kind="phone"), it("1", "queued"))
        boss = sight_of(make.owner())
        assert on_hold(boss, now=make.NOON + LONGEST - timedelta(seconds=1))
        assert not on_hold(boss, now=make.NOON + LONGEST)


class TestTheAlarm:
    def test_tells_the_keeper_once(self) -> None:
        keeper = make.user()
        box = make.inbox(kind="phone", keeper=keeper, settings={"hold_target_seconds": 60})
        tell(box, it("1", "queued", 0), it("2", "queued", 30))
        assert alarm(after(59)) == 0
        assert alarm(after(60)) == 1
        assert alarm(after(61)) == 0
        notice = Notice.objects.get()
        assert (notice.user, notice.kind) == (keeper, "call.on_hold")
        [unread] = noticing.unread(keeper, sight=sight_of(keeper))
        assert noticing.words(unread) == "On hold for more than 60 s."
        assert unread.is_failing
        page = browser(keeper).get("/notices/").content.decode()
        assert "On hold for more than 60 s." in page

    def test_tells_those_who_lead_where_nobody_keeps_it_and_by_the_usual_target(self) -> None:
        boss = make.owner()
        make.user()
        tell(make.inbox(kind="phone"), it("1", "ringing", 0))
        assert alarm(after(119)) == 0
        assert alarm(after(120)) == 1
        assert Notice.objects.get().user == boss

    def test_nobody_is_told_of_a_call_that_is_answered(self) -> None:
        make.owner()
        box = make.inbox(kind="phone")
        tell(box, it("1", "queued", 0), it("1", "answered", 100))
        tell(box, it("2", "queued", 0), it("2", "hung_up", 100))
        assert alarm(after(1000)) == 0

    def test_a_new_wait_counts_on_from_the_one_before(self) -> None:
        make.owner()
        box = make.inbox(kind="phone")
        tell(box, it("1", "queued", 0), it("1", "answered", 100), it("1", "held", 500))
        assert alarm(after(519)) == 0
        assert alarm(after(520)) == 1


class TestTheBook:
    @pytest.fixture
    def box(self) -> Inbox:
        """Ten calls: holds of 10 to 100 seconds, the last three given up."""
        box = make.inbox(kind="phone")
        for n in range(1, 11):
            end = "hung_up" if n > 7 else "answered"
            tell(box, it(str(n), "queued", 0), it(str(n), end, n * 10))
            tell(box, it(str(n), "hung_up", 500)) if end == "answered" else None
        tell(box, it("11", "queued", 0))
        tell(box, it("12", "ringing", 0, is_outgoing=True), it("12", "hung_up", 30))
        return box

    def test_each_figure_leads_to_the_rows_it_counts(self, box: Inbox) -> None:
        sight = sight_of(make.owner())
        today = make.NOON.date()
        whole = Filters(since=today, until=today)
        found = callbook.figures(whole, sight=sight)
        assert (found.count, found.median, found.p90) == (10, 50, 90)
        assert (found.lost, found.answered) == (3, 7)
        assert found.interval == wilson(3, 10)

        def rows(**narrowed: Any) -> int:
            asked = Filters(since=today, until=today, **narrowed)
            return len(callbook.page(asked, sight=sight).rows)

        assert rows(shown="incoming") == found.count
        assert rows(shown="lost") == found.lost
        assert rows(shown="incoming", held=found.p90) == found.at_least_p90 == 2
        assert rows(shown="incoming", held=found.median) == found.at_least_median == 6
        assert rows() == 12

    def test_pages_follow_each_other_without_a_gap(
        self, box: Inbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(callbook, "PAGE_SIZE", 5)
        sight = sight_of(make.owner())
        asked = Filters(since=make.NOON.date(), until=make.NOON.date())
        seen, after = [], ""
        while True:
            page = callbook.page(asked, sight=sight, after=after)
            seen += [row.id for row in page.rows]
            if not (after := page.after):
                break
        assert sorted(seen) == sorted(Call.objects.values_list("pk", flat=True))

    def test_its_page_and_what_it_says(self, box: Inbox) -> None:
        day = make.NOON.date().isoformat()
        page = browser(make.owner()).get(f"/calls/?since={day}&until={day}").content.decode()
        for words in ("50 s", "90 s", "30%", "3 of 10 calls", "nobody answered", "our call"):
            assert words in page, words

    def test_others_inboxes_are_not_in_it(self, box: Inbox) -> None:
        box.teams.set([make.team()])
        page = browser(make.user()).get("/calls/").content.decode()
        assert "No calls" in page
        assert browser(make.user()).get(f"/calls/?inbox={box.pk}").status_code == 404

    def test_what_is_asked_for_in_vain_is_not_an_error(self, box: Inbox) -> None:
        boss = browser(make.owner())
        for query in ("since=x", "held=nan", "held=-1", "shown=x", "inbox=x", "since=0001-01-01"):
            assert boss.get(f"/calls/?{query}").status_code == 200, query
        assert boss.get("/calls/?after=x").status_code == 404
