from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from heard.conversations.readings.correcting import correct
from heard.conversations.readings.teaching import learn
from heard.learning.models import Refit
from heard.meter import charts
from heard.meter.learning import stories
from tests import make
from tests.conversations.asking import browser
from tests.conversations.readings.test_teaching import taught_house

pytestmark = pytest.mark.django_db
CEILING = 14


def test_the_page_tells_how_each_head_learnt_and_what_is_used(now: datetime) -> None:
    lead = browser(make.manager())
    empty = lead.get("/settings/reading/").content.decode()
    assert "Read as shipped. It takes 20 labels" in empty
    taught_house(now)
    learn(by=None, now=now)
    shown = lead.get("/settings/reading/").content.decode()
    assert "Read as your house taught it since" in shown
    assert "Of 60 labels that were held out it scores 1.00" in shown
    assert "60 labels so far" in shown
    made = Refit.objects.get()
    assert f"/settings/reading/refits/{made.pk}/revert/" in shown


def test_one_click_reads_as_before(now: datetime) -> None:
    taught_house(now)
    learn(by=None, now=now)
    made = Refit.objects.get()
    lead = browser(make.manager())
    told = lead.post(f"/settings/reading/refits/{made.pk}/revert/", follow=True).content.decode()
    assert "new messages are read as shipped" in told
    made.refresh_from_db()
    assert made.state == "reverted"
    told = lead.post(f"/settings/reading/refits/{made.pk}/revert/", follow=True).content.decode()
    assert "not in use any more" in told
    assert "nothing it learnt is in use" in told


def test_only_those_who_lead_come_here(now: datetime) -> None:
    taught_house(now)
    learn(by=None, now=now)
    made = Refit.objects.get()
    agent = browser(make.user())
    for answer in (
        agent.get("/settings/reading/"),
        agent.get("/settings/reading/labels/mood/"),
        agent.post("/settings/reading/learning/"),
        agent.post(f"/settings/reading/refits/{made.pk}/revert/"),
    ):
        assert answer.status_code == 403
    made.refresh_from_db()
    assert made.state == "active"


def test_labels_are_listed_page_by_page_and_only_those_one_may_see(now: datetime) -> None:
    taught_house(now)
    hidden = make.conversation(
        make.inbox(teams=(make.team(),)), text="A secret soup"
    ).messages.get()
    correct(hidden, head="mood", to="negative", by=make.user(), now=now)
    lead, owner = browser(make.manager()), browser(make.owner())
    first = lead.get("/settings/reading/labels/mood/").content.decode()
    assert first.count('class="row"') == 50
    assert "A secret soup" not in first
    assert "A secret soup" in owner.get("/settings/reading/labels/mood/").content.decode()
    older = first.split("?before=")[1].split('"')[0]
    rest = lead.get(f"/settings/reading/labels/mood/?before={older}").content.decode()
    assert rest.count('class="row"') == 10
    assert lead.get("/settings/reading/labels/cake/").status_code == 404
    assert (
        "Nobody has said anything yet"
        in lead.get("/settings/reading/labels/need/").content.decode()
    )


def test_to_learn_now_is_queued_once(now: datetime) -> None:
    lead = browser(make.manager())
    for _ in range(2):
        told = lead.post("/settings/reading/learning/", follow=True).content.decode()
        assert "The reader is learning" in told


def test_the_page_costs_the_same_however_many_refits(now: datetime) -> None:
    taught_house(now)
    learn(by=None, now=now)
    made = Refit.objects.get()
    lead = browser(make.manager())
    lead.get("/settings/reading/")
    for number in range(80):
        made.pk, made.state = None, "replaced"
        made.at = now - timedelta(days=number + 1)
        made.save(force_insert=True)
    lead.get("/settings/reading/")  # asks for its drawing, once
    with CaptureQueriesContext(connection) as queries:
        lead.get("/settings/reading/")
    assert len(queries) <= CEILING


def test_the_line_is_drawn(now: datetime) -> None:
    taught_house(now)
    learn(by=None, now=now)
    [story] = [it for it in stories() if it.refits]
    for kind in ("learning", "learning-narrow"):
        assert charts.draw(kind, story.drawn() * 2).startswith("<svg")
