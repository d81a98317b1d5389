"""Settings of answering: who may arrange what, and what is kept."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from heard.conversations.clocks.hours import OpeningHours
from heard.conversations.inboxes.accounts import secrets_of
from heard.conversations.models import Delivery, Hours, Inbox, Message, Policy
from heard.events.models import Event
from tests import make

pytestmark = pytest.mark.django_db

WEEK = {f"day_{number}": "9-17" for number in range(7)}


def aside(inbox: Inbox, **fields: object) -> Delivery:
    fields = {"received_at": make.NOON, "body": b"{", "reason": "This is not JSON", **fields}
    return Delivery.objects.create(inbox=inbox, state=Delivery.State.SET_ASIDE, **fields)


def test_a_contact_page_is_opened_with_an_address_of_its_own(client: Client) -> None:
    ann = make.owner()
    client.force_login(ann)
    taken = make.inbox(slug="ask-us")
    policy = Policy.objects.get()
    filled = {"name": "Ask us!", "policy": policy.pk, "sites": "https://shop.example/page"}
    opened = client.post(reverse("settings_new_inbox", args=["contact_page"]), filled)
    inbox = Inbox.objects.exclude(pk=taken.pk).get()
    assert opened.headers["Location"] == reverse("settings_inbox", args=[inbox.pk])
    assert (inbox.slug, inbox.settings) == ("ask-us-2", {"sites": ["https://shop.example"]})
    page = client.get(opened.headers["Location"]).content.decode()
    assert "/ask/ask-us-2/embed.js" in page
    assert Event.objects.get(name="inbox.added").actor_id == ann.pk


def test_a_hook_shows_its_secret_once_and_keeps_it_sealed(client: Client) -> None:
    client.force_login(make.owner())
    new = reverse("settings_new_inbox", args=["hook"])
    filled = {"name": "Till", "policy": make.policy().pk, "reply_url": "https://till.example/in"}
    shown = client.post(new, filled).content.decode()
    inbox = Inbox.objects.get()
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", shown)
    assert secret is not None
    assert secrets_of(inbox)["signing_secret"] == secret.group()
    assert secret.group() not in inbox.secret
    assert inbox.settings["reply_url"] == "https://till.example/in"
    page = client.get(reverse("settings_inbox", args=[inbox.pk])).content.decode()
    assert inbox.token in page
    assert "whsec_" not in page
    client.post(reverse("settings_inbox_secret", args=[inbox.pk]))
    inbox.refresh_from_db()
    assert secrets_of(inbox)["signing_secret"] != secret.group()


def test_no_inbox_of_another_kind_is_opened_here(client: Client) -> None:
    client.force_login(make.owner())
    assert client.get(reverse("settings_new_inbox", args=["forum"])).status_code == 404


def test_a_manager_arranges_what_their_teams_see(client: Client) -> None:
    mine, other = make.team(), make.team()
    client.force_login(make.manager(teams=(mine,)))
    seen, hidden = make.inbox(teams=(mine,)), make.inbox(teams=(other,), kind="hook")
    aside(hidden, reason="A secret of another team")
    page = client.get(reverse("settings_inboxes")).content.decode()
    assert seen.name in page
    assert hidden.name not in page
    assert client.get(reverse("settings_inbox", args=[hidden.pk])).status_code == 404
    assert client.post(reverse("settings_inbox_secret", args=[hidden.pk])).status_code == 404
    assert "another team" not in client.get(reverse("settings_aside")).content.decode()
    delivery = Delivery.objects.get()
    assert client.post(reverse("settings_retry_aside", args=[delivery.pk])).status_code == 404


def test_an_inbox_keeps_what_was_filled_in(client: Client) -> None:
    client.force_login(make.owner())
    inbox, policy, team = make.inbox(kind="forum"), make.policy(), make.team()
    filled = {"name": "Sky", "policy": policy.pk, "teams": [team.pk], "is_public": "on"}
    client.post(reverse("settings_inbox", args=[inbox.pk]), filled)
    inbox.refresh_from_db()
    assert (inbox.name, inbox.policy, inbox.is_public) == ("Sky", policy, True)
    assert list(inbox.teams.all()) == [team]


def test_a_policy_is_told_in_words_and_kept_in_minutes(client: Client) -> None:
    client.force_login(make.owner())
    filled = {
        "name": "Quick",
        "first_response_minutes": "1 h 30 min",
        "recognition_minutes": "",
        "warn_assignee_percent": "50",
        "warn_manager_percent": "80",
    }
    client.post(reverse("settings_new_policy"), filled)
    policy = Policy.objects.get()
    assert (policy.first_response_minutes, policy.recognition_minutes) == (90, None)
    assert "first answer in 1 h 30 min" in client.get(reverse("settings_policies")).content.decode()
    wrong = {
        **filled,
        "name": "Other",
        "next_response_minutes": "soon",
        "warn_manager_percent": "0",
    }
    page = client.post(reverse("settings_new_policy"), wrong)
    assert page.status_code == 422
    assert page.content.decode().count('class="error"') == 2


def test_what_an_inbox_counts_by_cannot_be_removed(client: Client) -> None:
    client.force_login(make.owner())
    policy, hours = make.policy(), make.hours(week=[[]] * 7)
    inbox = make.inbox(policy=policy, hours=hours)
    pages = [
        reverse("settings_policy", args=[policy.pk]),
        reverse("settings_one_hours", args=[hours.pk]),
    ]
    for page in pages:
        client.post(page, {"remove": "1"})
    assert Policy.objects.filter(pk=policy.pk).exists()
    assert Hours.objects.filter(pk=hours.pk).exists()
    inbox.delete()
    for page in pages:
        client.post(page, {"remove": "1"})
    assert not Policy.objects.exists()
    assert not Hours.objects.exists()


def test_opening_hours_are_written_as_people_write_them(client: Client) -> None:
    client.force_login(make.owner())
    filled = {
        **WEEK,
        "name": "Bar",
        "timezone": "Europe/Berlin",
        "country": "DE",
        "subdivision": "by",
        "day_4": "12-14, 18-2",
        "day_6": "",
        "closed_days": "2026-12-31",
        "other_days": "2026-12-24: 9-13\n2026-12-25: closed",
    }
    assert client.post(reverse("settings_new_hours"), filled).status_code == 302
    row = Hours.objects.get()
    assert row.week[4] == [["12:00", "14:00"], ["18:00", "24:00"]]
    assert row.week[5] == [["00:00", "02:00"], ["09:00", "17:00"]]
    assert row.extra == {"2026-12-24": [["09:00", "13:00"]], "2026-12-25": []}
    assert (row.country, row.subdivision, row.closed) == ("DE", "BY", ["2026-12-31"])
    assert OpeningHours.from_json(
        {"timezone": row.timezone, "week": row.week, "closed": row.closed, "extra": row.extra}
    )
    address = reverse("settings_one_hours", args=[row.pk])
    page = client.get(address).content.decode()
    assert "2026-12-24: 09:00–13:00" in page
    assert client.post(address, {**filled, "name": "Bar 2"}).status_code == 302
    assert Hours.objects.get().week == row.week


@pytest.mark.parametrize(
    "wrong",
    [
        {"day_0": "morning"},
        {"day_0": "9-12, 11-13"},
        {"closed_days": "Christmas"},
        {"other_days": "2026-12-24 9-13"},
        {"country": "DE", "subdivision": "XX"},
    ],
)
def test_hours_that_make_no_sense_are_refused(client: Client, wrong: dict[str, str]) -> None:
    client.force_login(make.owner())
    filled = {**WEEK, "name": "Bar", "timezone": "UTC", **wrong}
    assert client.post(reverse("settings_new_hours"), filled).status_code == 422
    assert not Hours.objects.exists()


def test_what_was_set_aside_is_shown_and_read_again(client: Client) -> None:
    client.force_login(make.owner())
    delivery = aside(make.inbox(kind="hook"), body=b'{"id": "caf\xc3\xa9' + b"x" * 5000)
    page = client.get(reverse("settings_aside")).content.decode()
    assert "This is not JSON" in page
    assert "café" in page
    assert "x" * 2500 not in page
    retry = reverse("settings_retry_aside", args=[delivery.pk])
    assert client.get(retry).status_code == 405
    client.post(retry)
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.WAITING
    assert client.post(retry).status_code == 404


def test_set_aside_goes_on_by_pages_and_misses_none(client: Client) -> None:
    client.force_login(make.owner())
    inbox = make.inbox(kind="hook")
    for number in range(120):
        at = make.NOON - timedelta(minutes=number // 7)
        aside(inbox, received_at=at, where=f"line {number};")
    seen: list[str] = []
    address: str | None = reverse("settings_aside")
    while address:
        page = client.get(address).content.decode()
        seen += re.findall(r"line \d+;", page)
        more = re.search(r"\?before=\d+", page)
        address = reverse("settings_aside") + more.group() if more else None
    assert len(seen) == len(set(seen)) == 120


def test_the_journal_shows_what_arrived_and_what_became_of_it(client: Client) -> None:
    client.force_login(make.owner())
    page_of_ours = make.inbox(slug="fern", name="Fern")
    Client().post("/ask/fern/", {"text": "Do you have a table?", "name": "Ann"})
    taken = Delivery.objects.get()
    assert taken.state == Delivery.State.TAKEN
    wrong = aside(make.inbox(kind="hook", name="Till"), reason="Not signed")
    waiting = Delivery.objects.create(inbox=page_of_ours, received_at=make.NOON, body=b"{}")
    address = reverse("settings_journal")
    page = client.get(address).content.decode()
    order = [page.index(f"/settings/journal/{it.pk}/") for it in (waiting, wrong, taken)]
    assert order == sorted(order)
    assert "Became 1 message" in page
    only = client.get(f"{address}?inbox={page_of_ours.pk}&state=taken").content.decode()
    assert re.findall(r"/settings/journal/(\d+)/", only) == [str(taken.pk)]
    became = client.get(reverse("settings_delivery", args=[taken.pk])).content.decode()
    said = Message.objects.get()
    assert f"/conversations/{said.conversation_id}/?view=all#m{said.pk}" in became
    assert "Do you have a table?" in became
    why = client.get(reverse("settings_delivery", args=[wrong.pk])).content.decode()
    assert "Not signed" in why
    assert reverse("settings_retry_aside", args=[wrong.pk]) in why


def test_the_journal_shows_nobody_what_they_may_not_see(client: Client) -> None:
    mine = make.team()
    hidden = aside(make.inbox(teams=(make.team(),), name="Hidden"), reason="A secret")
    client.force_login(make.manager(teams=(mine,)))
    address = reverse("settings_journal")
    for query in ("", f"?inbox={hidden.inbox_id}", "?state=set_aside"):
        page = client.get(address + query).content.decode()
        assert "A secret" not in page
        assert "Hidden" not in page
    assert client.get(reverse("settings_delivery", args=[hidden.pk])).status_code == 404
    assert client.get(f"{address}?before={hidden.pk}").status_code == 404
    client.force_login(make.user())
    assert client.get(address).status_code == 403


@pytest.mark.parametrize("query", ["", "?state=set_aside&inbox={inbox}"])
def test_the_journal_goes_on_by_pages_and_misses_none(client: Client, query: str) -> None:
    client.force_login(make.owner())
    inbox = make.inbox(kind="hook")
    make.inbox()
    for number in range(120):
        aside(inbox, received_at=make.NOON - timedelta(minutes=number % 5))
    seen: list[str] = []
    address: str | None = reverse("settings_journal") + query.format(inbox=inbox.pk)
    while address and len(seen) < 200:
        page = client.get(address).content.decode()
        seen += re.findall(r"/settings/journal/(\d+)/", page)
        more = re.search(r'href="(\?[^"]*before=\d+)"', page)
        address = reverse("settings_journal") + html.unescape(more[1]) if more else None
    assert len(seen) == len(set(seen)) == 120


def test_lists_cost_the_same_however_long_they_are(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(make.owner())
    for _ in range(6):
        aside(make.inbox(hours=make.hours(week=[[]] * 7), keeper=make.user(), kind="hook"))
    for name in ("settings_inboxes", "settings_policies", "settings_hours", "settings_journal"):
        with django_assert_max_num_queries(4):
            client.get(reverse(name))
