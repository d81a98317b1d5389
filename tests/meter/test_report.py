"""The report against a slow and obvious count of the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heard.channels.base import Incoming
from heard.contacts.models import Contact
from heard.conversations.intake.receiving import close_books, receive
from heard.conversations.models import Clock, Conversation, Inbox, Message, StaleDay
from heard.lib.shares import wilson
from heard.meter import rollups, spreads
from heard.meter.models import DayFigures
from heard.meter.report import Scope, report
from heard.reading import Mood, Need, Reading, Stance, Urgency
from tests import make
from tests.conversations.intake.test_intake import archives, reading

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def voice(stance: Stance, need: Need = Need.RECOGNITION) -> Reading:
    return Reading("en", Mood.NEGATIVE, (0.8, 0.1, 0.1), need, stance, Urgency.NORMAL)


def slow_report(inboxes: Sequence[Inbox], first: datetime, after: datetime) -> dict[str, Any]:
    """Every figure by walking over all rows."""

    def within(moment: datetime | None) -> bool:
        return moment is not None and first <= moment < after

    messages = [m for m in Message.objects.filter(inbox__in=inboxes) if within(m.at)]
    conversations = [
        c for c in Conversation.objects.filter(inbox__in=inboxes) if within(c.started_at)
    ]
    replies, asked = [], 0
    for conversation in conversations:
        said = sorted(
            conversation.messages.all(), key=lambda m: (m.at, m.kind == "reply", m.external_id)
        )
        if said[0].kind != "incoming":
            continue
        asked += 1
        later = [m.at for m in said if m.kind == "reply" and m.at > said[0].at]
        if later:
            replies.append((min(later) - said[0].at).total_seconds() / 60)
    clocks = [c for c in Clock.objects.filter(inbox__in=inboxes) if within(c.started_at)]
    responses = [c for c in clocks if c.kind == "first_response"]
    times = [(c.met_at - c.started_at).total_seconds() / 60 for c in responses if c.met_at]
    fails = [c for c in Clock.objects.filter(inbox__in=inboxes) if within(c.failed_at)]
    voices = {
        (m.contact_id, m.at.date(), m.stance)
        for m in messages
        if m.kind == "incoming" and m.is_public and m.stance in ("avoid", "recommend")
    }
    negative = [c for c in conversations if c.first_mood == "negative"]
    return {
        "incoming": sum(m.kind == "incoming" for m in messages),
        "reply": sum(m.kind == "reply" for m in messages),
        "contacts": len({c.contact_id for c in conversations if c.contact_id}),
        "conversations": sum(c.contact_id is not None for c in conversations),
        "asked": asked,
        "first_reply": (len(replies), *percentiles(replies)),
        "clocks": len(responses),
        "within": sum(c.met_at is not None and c.met_at <= c.due_at for c in responses),
        "first_response": (len(times), *percentiles(times)),
        "fails": [
            sum(c.fail == kind and (c.met_at is not None) == late for c in fails)
            for kind in ("service", "recognition")
            for late in (False, True)
        ],
        "voices": [sum(v[2] == stance for v in voices) for stance in ("recommend", "avoid")],
        "turned": (len(negative), sum(bool(c.is_turned) for c in negative)),
    }


def percentiles(values: Sequence[float]) -> tuple[Any, Any]:
    if not values:
        return None, None
    median, p90 = np.percentile(values, [50, 90])
    return pytest.approx(median), pytest.approx(p90)


def quick_report(scope: Scope) -> dict[str, Any]:
    found = report(scope)
    fails = found.fails
    return {
        "incoming": found.messages.incoming,
        "reply": found.messages.reply,
        "contacts": found.contacts,
        "conversations": found.conversations.total,
        "asked": found.first_reply.started_by_contact,
        "first_reply": (
            found.first_reply.answered,
            found.first_reply.median_minutes,
            found.first_reply.p90_minutes,
        ),
        "clocks": found.first_response.count,
        "within": found.first_response.within_target,
        "first_response": (
            found.first_response.answered,
            found.first_response.median_minutes,
            found.first_response.p90_minutes,
        ),
        "fails": [
            fails.service.unanswered,
            fails.service.late,
            fails.recognition.unanswered,
            fails.recognition.late,
        ],
        "voices": [found.meter.recommend, found.meter.avoid],
        "turned": (found.turned_round.count, found.turned_round.turned),
    }


@given(
    first=archives(),
    second=archives(),
    stances=st.lists(st.sampled_from(list(Stance)), min_size=20, max_size=20),
    span=st.tuples(st.integers(-1, 4), st.integers(0, 4)),
)
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_report_agrees_with_a_slow_count_of_all_rows(
    first: list[tuple[Incoming, Reading | None]],
    second: list[tuple[Incoming, Reading | None]],
    stances: list[Stance],
    span: tuple[int, int],
) -> None:
    Contact.objects.all().delete()
    Inbox.objects.all().delete()
    StaleDay.objects.all().delete()
    DayFigures.objects.all().delete()
    rules = make.policy(first_response_minutes=600)
    boxes = [make.inbox(kind="x", policy=rules, is_public=True) for _ in range(2)]
    for box, archive, is_history in zip(boxes, (first, second), (True, False), strict=True):
        readings = [
            one and Reading("en", one.mood, one.mood_probabilities, one.need, stance, one.urgency)
            for (_, one), stance in zip(archive, stances, strict=False)
        ]
        receive(box, [i for i, _ in archive], readings=readings, now=NOW, is_history=is_history)
    close_books(boxes[0])
    always = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    assert quick_report(Scope()) == slow_report(boxes, *always)
    assert rollups.differences() == []
    since = date(2026, 1, 5) + timedelta(days=span[0])
    until = since + timedelta(days=span[1])
    scope = Scope(inboxes=(boxes[0].pk,), since=since, until=until)
    edges = [
        datetime.combine(day, datetime.min.time(), UTC) for day in (since, until + timedelta(1))
    ]
    assert quick_report(scope) == slow_report(boxes[:1], edges[0], edges[1])


def test_a_late_correction_of_the_rows_changes_the_figures() -> None:
    box = make.inbox(is_public=True)
    receive(box, [make.incoming(external_id="q", at=START)], readings=[reading()], now=START)
    assert report(Scope()).first_reply.unanswered == 1
    later = START + timedelta(days=3)
    receive(box, [make.answer(parent="q", at=later)], now=later)
    found = report(Scope())
    assert (found.first_reply.unanswered, found.first_reply.median_minutes) == (0, 3 * 24 * 60)
    assert rollups.differences() == []


def test_one_person_is_one_voice_a_day_and_stance() -> None:
    box = make.inbox(is_public=True)
    items = [
        make.incoming(sender=who, at=START + timedelta(hours=hour))
        for who, hour in [("ann", 0), ("ann", 1), ("ann", 30), ("bo", 2)]
    ]
    stances = [Stance.AVOID, Stance.AVOID, Stance.AVOID, Stance.RECOMMEND]
    receive(box, items, readings=[voice(stance) for stance in stances], now=NOW)
    found = report(Scope()).meter
    assert (found.recommend, found.avoid) == (1, 2)
    assert found.share == pytest.approx(1 / 3)


def test_rolling_up_everything_anew_changes_nothing() -> None:
    box = make.inbox(is_public=True)
    receive(box, [make.incoming(at=START)], readings=[voice(Stance.AVOID)], now=NOW)
    before = report(Scope())
    rollups.rebuild()
    assert report(Scope()) == before
    assert rollups.differences() == []


def test_a_report_takes_the_same_few_statements_at_any_size() -> None:
    box = make.inbox()
    items = [make.incoming(at=START + timedelta(days=n % 9)) for n in range(60)]
    receive(box, items, readings=[reading()] * 60, now=NOW)
    with CaptureQueriesContext(connection) as captured:
        report(Scope())
    assert len(captured) <= 24
    with CaptureQueriesContext(connection) as captured:
        report(Scope())
    assert len(captured) <= 10


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(0, 0, None, None), (1, 1, 0.2065, 1.0), (0, 10, 0.0, 0.2775), (50, 100, 0.4038, 0.5962)],
)
def test_wilsons_interval(hits: int, count: int, low: float | None, high: float | None) -> None:
    found = wilson(hits, count)
    assert found == (low and pytest.approx(low, abs=1e-4), high and pytest.approx(high, abs=1e-4))


@given(values=st.lists(st.floats(0, 4e8), max_size=60))
def test_percentiles_from_buckets_are_exact(values: list[float]) -> None:
    ordered = sorted(values)
    counts = np.bincount(
        np.searchsorted(spreads.BOUNDS, ordered, side="right") - 1, minlength=spreads.COUNT
    )

    def look(low: float, high: float | None, skip: int) -> list[float]:
        return [v for v in ordered if v >= low and (high is None or v < high)][skip : skip + 2]

    found = spreads.percentiles(counts.astype(np.int64), look)
    assert found.count == len(values)
    if values:
        median, p90 = np.percentile(values, [50, 90])
        assert found.median_minutes == pytest.approx(median / 60)
        assert found.p90_minutes == pytest.approx(p90 / 60)
