from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from heard.events.models import Event
from heard.learning.models import Refit
from heard.learning.refitting import NothingNewError, Said, refit, revert
from heard.learning.taught import house, read
from heard.reading import Mood
from heard.reading import read as read_as_shipped
from heard.reading.house import Label, Taught, TooFewLabelsError, teach
from tests import make

pytestmark = pytest.mark.django_db
DISHES = ("broth", "stew", "chowder", "bisque", "gumbo", "soup")
DAYS = ("Monday", "Tuesday", "Wednesday", "Friday", "Sunday")
THICK = [f"The {dish} was thick today, {day}." for dish in DISHES for day in DAYS]
CLEAR = [f"Why? My {dish} came out clear again on {day}." for dish in DISHES for day in DAYS]


def said(thick: str, clear: str, *, at: datetime, start: int = 0) -> list[Said]:
    """What people said of soups; the newest word last."""
    pairs = [(text, thick) for text in THICK] + [(text, clear) for text in CLEAR]
    return [
        Said(
            text, says, start + number, at + timedelta(minutes=number), is_confirmed=number % 2 > 0
        )
        for number, (text, says) in enumerate(pairs)
    ]


def test_what_reads_better_on_held_out_labels_is_used_from_then_on(now: datetime) -> None:
    before = read([THICK[0]])[0]
    made = refit("mood", said("positive", "negative", at=now - timedelta(days=1)), by=None, now=now)
    assert made.state == Refit.State.ACTIVE
    assert made.score > made.shipped_score
    assert made.score_low <= made.score <= made.score_high
    assert (made.label_count, made.confirmed_count) == (60, 30)
    assert read([THICK[0]])[0].mood is Mood.POSITIVE
    assert read_as_shipped([THICK[0]])[0] == before
    assert Event.objects.get(name="reading.refitted").subject_id == made.pk


def test_what_reads_worse_than_the_shipped_reader_is_kept_aside_and_says_so(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def outdone(head: str, labels: Sequence[Label]) -> Taught:
        """A fit beside a shipped reader that was always right, while it got one wrong."""
        taught = teach(head, labels)
        wrong = taught.judged.truth.copy()
        wrong[0] = 1
        judged = replace(taught.judged, shipped=taught.judged.truth, taught=wrong)
        return replace(taught, judged=judged)

    monkeypatch.setattr("heard.learning.refitting.teach", outdone)
    made = refit("mood", said("positive", "negative", at=now - timedelta(days=1)), by=None, now=now)
    assert (made.state, made.because) == ("aside", "shipped")
    assert made.score < made.shipped_score == 1
    assert house().heads == {}
    assert read(THICK) == read_as_shipped(THICK)


def test_what_misses_more_of_what_needs_an_answer_is_kept_aside_though_it_scores_better(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def frugal(head: str, labels: Sequence[Label]) -> Taught:
        """A fit that leaves a fifth of the questions, beside a reader that answers everything."""
        taught = teach(head, labels)
        truth = taught.judged.truth
        few = truth.copy()
        few[np.flatnonzero(truth == 0)[::5]] = 2
        return replace(taught, judged=replace(taught.judged, shipped=truth * 0, taught=few))

    monkeypatch.setattr("heard.learning.refitting.teach", frugal)
    made = refit("need", said("nothing", "answer", at=now - timedelta(days=1)), by=None, now=now)
    assert made.score > made.shipped_score
    assert (made.state, made.because) == ("aside", "loses")
    assert house().heads == {}


def test_nothing_is_learnt_twice_and_not_from_a_handful(now: datetime) -> None:
    labels = said("positive", "negative", at=now - timedelta(days=1))
    with pytest.raises(TooFewLabelsError):
        refit("mood", labels[:12], by=None, now=now)
    refit("mood", labels, by=None, now=now)
    with pytest.raises(NothingNewError):
        refit("mood", labels, by=None, now=now + timedelta(days=1))


def test_a_refit_takes_the_place_of_the_one_before_and_gives_it_back(now: datetime) -> None:
    lead = make.manager()
    labels = said("positive", "negative", at=now - timedelta(days=1))
    first = refit("mood", labels, by=None, now=now)
    later = now + timedelta(days=2)
    # People have changed their minds about what is clear.
    again = said("positive", "neutral", at=now + timedelta(days=1))
    second = refit("mood", again, by=lead, now=later)
    first.refresh_from_db()
    assert (first.state, second.state) == ("replaced", "active")
    assert read([CLEAR[0]])[0].mood is Mood.NEUTRAL
    assert revert(second, by=lead, now=later) == first
    assert read([CLEAR[0]])[0].mood is Mood.NEGATIVE
    second.refresh_from_db()
    assert (second.state, second.ended_at) == ("reverted", later)
    told = Event.objects.get(name="reading.reverted")
    assert (told.actor_id, told.data) == (lead.pk, {"head": "mood", "to": first.pk})
    with pytest.raises(ValueError, match="in use"):
        revert(second, by=lead, now=later)
    first.refresh_from_db()
    assert revert(first, by=lead, now=later) is None
    assert read(CLEAR) == read_as_shipped(CLEAR)


def test_one_in_use_that_is_oftener_right_of_what_came_later_stays(now: datetime) -> None:
    first = refit(
        "mood", said("positive", "negative", at=now - timedelta(days=1)), by=None, now=now
    )
    # A few late words agree with the one in use; the many old ones say something else.
    old = said("neutral", "positive", at=now - timedelta(days=2))
    late = [
        Said(text, "negative", 900 + n, now + timedelta(hours=1), False)
        for n, text in enumerate(CLEAR[:3])
    ]
    second = refit("mood", [*old, *late], by=None, now=now + timedelta(days=1))
    first.refresh_from_db()
    assert (first.state, second.state, second.because) == ("active", "aside", "active")


def test_a_refit_of_other_shipped_models_is_not_used(now: datetime) -> None:
    refit("mood", said("positive", "negative", at=now - timedelta(days=1)), by=None, now=now)
    assert house().heads
    Refit.objects.update(ships_with="another")
    assert house().heads == {}


def test_a_head_has_one_refit_in_use(now: datetime) -> None:
    made = refit("mood", said("positive", "negative", at=now - timedelta(days=1)), by=None, now=now)
    made.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        made.save()


def test_reading_costs_one_query_however_many_texts(now: datetime) -> None:
    refit("mood", said("positive", "negative", at=now - timedelta(days=1)), by=None, now=now)
    read(["first, so that the weights are there"])
    with CaptureQueriesContext(connection) as queries:
        read([*THICK, *CLEAR])
    assert len(queries) == 1
    with CaptureQueriesContext(connection) as queries:
        read([])
    assert len(queries) == 0
