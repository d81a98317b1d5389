"""Whether changed replies fared better: counted once a conversation, and said honestly."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from heard.conversations.intake.receiving import receive
from heard.conversations.models import Conversation, FindingSeen, Inbox
from heard.lib.shares import newcombe
from heard.meter.worth import Case, Comparison, Side, cases, comparisons
from tests import make

COUNTS = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def told(
    inbox: Inbox,
    *,
    at: datetime,
    was_changed: bool,
    is_turned: bool | None = None,
    who: str = "ann",
) -> Conversation:
    """A conversation with one reply before which a finding was shown."""
    asked = make.incoming("Where is it?", sender=who, at=at)
    said = make.answer(at=at + timedelta(hours=1), parent=asked.external_id, to=who)
    found = receive(inbox, [asked, said], now=at)
    opened = Conversation.objects.get(pk=found.conversations[0])
    message = opened.messages.get(kind="reply")
    for was_kept in (True, not was_changed):
        FindingSeen.objects.create(
            code="kind.blame", light="amber", inbox=inbox, conversation=opened, message=message,
            was_kept=was_kept, at=message.at,
        )  # fmt: skip
    Conversation.objects.filter(pk=opened.pk).update(is_turned=is_turned)
    return opened


@pytest.mark.django_db
def test_the_first_reply_with_a_finding_stands_for_its_conversation(now: datetime) -> None:
    inbox = make.inbox()
    opened = told(inbox, at=now, was_changed=False)
    later = make.answer(at=now + timedelta(hours=3), root=opened.root, to="ann")
    receive(inbox, [later], now=now)
    FindingSeen.objects.create(
        code="kind.blame", light="amber", inbox=inbox, conversation=opened,
        message=opened.messages.order_by("-at")[0], was_kept=False, at=now,
    )  # fmt: skip
    [case] = cases([inbox.pk], now=now + timedelta(days=1))
    assert (case.conversation, case.was_changed, case.is_turned) == (opened.pk, False, None)


@pytest.mark.django_db
def test_stars_count_when_they_came_after_the_reply(now: datetime) -> None:
    inbox = make.inbox()
    for who, stars_at, stars in (
        ("ann", now + timedelta(days=2), 5),
        ("ben", now - timedelta(days=2), 1),
        ("eva", now + timedelta(days=200), 1),
    ):
        told(inbox, at=now, was_changed=True, who=who)
        card = make.incoming("Stars", sender=who, at=stars_at, extra={"rating": stars})
        receive(inbox, [card], now=now)
    found = {case.contact: case.rating for case in cases([inbox.pk], now=now + timedelta(days=100))}
    assert found == {"ann": 5.0, "ben": None, "eva": None}


@pytest.mark.django_db
def test_the_card_given_next_tells_of_one_reply_and_only_to_who_may_see_it(now: datetime) -> None:
    inbox, hidden = make.inbox(), make.inbox()

    def card(where: Inbox, stars: int, *, days: int) -> None:
        said = make.incoming("Stars", at=now + timedelta(days=days), extra={"rating": stars})
        receive(where, [said._replace(sender="ann")], now=now)

    first = told(inbox, at=now, was_changed=True)
    card(hidden, 1, days=1)
    card(inbox, 5, days=2)
    card(inbox, 2, days=3)
    second = told(inbox, at=now + timedelta(days=4), was_changed=False)
    third = told(inbox, at=now + timedelta(days=6), was_changed=False)
    card(inbox, 3, days=7)
    found = {it.conversation: it.rating for it in cases([inbox.pk], now=now + timedelta(days=30))}
    assert found == {first.pk: 5.0, second.pk: None, third.pk: 3.0}


@pytest.mark.django_db
def test_only_what_one_may_see_and_what_is_young_enough_counts(now: datetime) -> None:
    seen, hidden = make.inbox(), make.inbox()
    told(seen, at=now, was_changed=True)
    told(hidden, at=now, was_changed=True)
    told(seen, at=now - timedelta(days=300), was_changed=True)
    assert len(cases([seen.pk], now=now + timedelta(days=1))) == 1


def case(*, was_changed: bool, is_turned: bool | None) -> Case:
    return Case(1, 1, make.NOON, was_changed, is_turned, None, "Ann", 1)


def test_conversations_that_cannot_be_told_are_left_out() -> None:
    found = [
        case(was_changed=True, is_turned=True),
        case(was_changed=True, is_turned=None),
        case(was_changed=False, is_turned=False),
    ]
    turned, card = comparisons(found)
    assert (turned.changed, turned.kept) == (Side(1, 1), Side(0, 1))
    assert (card.changed, card.kept) == (Side(0, 0), Side(0, 0))


@pytest.mark.parametrize(
    ("changed", "kept", "says"),
    [
        (Side(19, 19), Side(0, 50), "little"),
        (Side(0, 0), Side(0, 0), "little"),
        (Side(15, 30), Side(14, 30), "chance"),
        (Side(60, 80), Side(20, 80), "better"),
        (Side(20, 80), Side(60, 80), "worse"),
    ],
)
def test_only_what_the_counts_bear_is_said(changed: Side, kept: Side, says: str) -> None:
    found = Comparison("turned", changed, kept)
    assert found.says == says
    assert (found.difference is None) == (says == "little")


def test_newcombe_as_in_his_paper() -> None:
    """The examples of Newcombe (1998), table II, method 10: 56/70 less 48/80, 9/10 less 3/10 …"""
    for hits, count, other, others, low, high in (
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (10, 10, 0, 20, 0.6791, 1.0),
    ):
        assert newcombe(hits, count, other, others) == pytest.approx((low, high), abs=5e-5)
    assert newcombe(1, 2, 0, 0) == (None, None)


@given(COUNTS, COUNTS)
def test_a_difference_lies_within_its_interval(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    low, high = newcombe(*one, *other)
    assert low is not None
    assert high is not None
    difference = one[0] / one[1] - other[0] / other[1]
    assert -1 <= low <= difference + 1e-9
    assert difference - 1e-9 <= high <= 1
    mirrored_low, mirrored_high = newcombe(*other, *one)
    assert mirrored_low is not None
    assert mirrored_high is not None
    assert math.isclose(mirrored_low, -high, abs_tol=1e-9)
    assert math.isclose(mirrored_high, -low, abs_tol=1e-9)


@pytest.mark.django_db
def test_the_page_says_when_there_is_too_little(client: Client) -> None:
    client.force_login(make.manager())
    page = client.get("/worth/").content.decode()
    assert page.count("Too little to tell: it takes 20 conversations on each side") == 2
    assert "no proof that the check is the cause" in page


@pytest.mark.django_db
def test_each_share_leads_to_the_rows_that_it_counts(client: Client) -> None:
    inbox, at = make.inbox(), timezone.now() - timedelta(days=3)
    for number in range(24):
        told(inbox, at=at, was_changed=True, is_turned=number < 20, who=f"c{number}")
        told(inbox, at=at, was_changed=False, is_turned=number < 4, who=f"k{number}")
    client.force_login(make.manager())
    page = client.get("/worth/").content.decode()
    assert "20 of 24" in page
    assert "4 of 24" in page
    assert "+67" in page
    assert "fared better, by more than chance would do" in page
    rows = client.get("/worth/rows/?outcome=turned&group=changed").content.decode()
    assert "24 conversations" in rows
    assert rows.count("fared well") == 20
    assert client.get("/worth/rows/?outcome=odd&group=changed").status_code == 404


@pytest.mark.django_db
def test_it_is_for_those_who_lead_and_costs_the_same_for_many(client: Client) -> None:
    client.force_login(make.user())
    assert client.get("/worth/").status_code == 403
    client.force_login(make.manager())
    inbox, at = make.inbox(), timezone.now() - timedelta(days=3)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get("/worth/")
        return len(captured)

    client.get("/worth/")
    few = queries()
    for number in range(5):
        told(inbox, at=at, was_changed=True, who=f"w{number}")
    assert queries() == few
    assert few <= 6
