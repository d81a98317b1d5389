"""Before one posts: what is pasted leaves no trace; what the house posts is held to its place."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from heard.conversations.checks import posting
from heard.conversations.models import CheckedPost, PostingPage
from heard.events.models import Event
from heard.knowledge.models import HouseFact
from tests import make
from tests.think.posts.test_posting import remembered

pytestmark = pytest.mark.django_db

MARK = "zebraquartz"
WORDS = f"Our {MARK} guests are liars. Call us, or write to ann.lee@mail.example about {MARK}!"


def everything() -> dict[str, int]:
    """How many rows every table of the house has."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        counts = {}
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            counts[table] = cursor.fetchone()[0]
    return counts


def test_what_is_pasted_for_ones_own_page_leaves_no_trace(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.force_login(make.user())
    client.get("/posting/")
    before = everything()
    caplog.set_level(logging.DEBUG)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = client.post("/posting/check/", {"as": "me", "text": WORDS})
        whole = client.post("/posting/", {"as": "me", "text": WORDS})
    assert "attacks people" in page.content.decode()
    assert MARK in whole.content.decode()
    assert everything() == before
    assert not [it["sql"] for it in queries.captured_queries if MARK in it["sql"].lower()]
    assert MARK not in caplog.text.lower()
    assert not remembered(MARK)
    for answer in (page, whole):
        assert "no-store" in answer["Cache-Control"]
    assert MARK not in str(dict(client.session)).lower()


def test_the_words_never_travel_in_an_address(client: Client) -> None:
    client.force_login(make.user())
    assert client.get("/posting/check/", {"text": WORDS}).status_code == 405
    assert MARK not in client.get("/posting/", {"text": WORDS}).content.decode()


def test_a_fault_of_the_check_forgets_too(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    def breaks(*_: object, **__: object) -> None:
        from heard.think.wording import folded

        folded(WORDS)
        raise RuntimeError("broken")

    monkeypatch.setattr(posting, "check_post", breaks)
    with pytest.raises(RuntimeError):
        posting.look_at(WORDS, now=now)
    assert not remembered(MARK)


def test_a_stranger_is_led_to_the_door(client: Client) -> None:
    assert client.get("/posting/").status_code == 302
    assert client.post("/posting/check/", {"text": "x"}).status_code == 302


def test_a_post_of_the_house_is_held_to_the_place(client: Client) -> None:
    place = make.inbox(
        kind="mastodon", is_public=True,
        settings={
            "server": "https://social.example", "max_length": 40, "link_domains": ["x.example"]
        },
    )  # fmt: skip
    make.inbox(is_public=False, name="Letters")
    client.force_login(make.owner())
    page = client.get("/posting/").content.decode()
    assert place.name in page
    assert "Letters" not in page
    told = {
        "as": "house",
        "place": place.pk,
        "text": "Come to https://elsewhere.example " + "a" * 40,
    }
    found = client.post("/posting/check/", told).content.decode()
    assert "This place takes 40 characters" in found
    assert "link" in found
    told["text"] = "Fresh rolls from six tomorrow."
    found = client.post("/posting/check/", told).content.decode()
    assert "Nothing was noticed" in found
    assert "https://social.example/share?text=Fresh%20rolls%20from%20six%20tomorrow." in found


def test_what_of_ours_anybody_may_read_is_no_secret_in_a_post(client: Client) -> None:
    place = make.inbox(kind="x", is_public=True, settings={"our_details": ["jobs@bakery.example"]})
    client.force_login(make.owner())
    told = {"as": "house", "place": place.pk, "text": "Write to jobs@bakery.example by Friday."}
    assert "Nothing was noticed" in client.post("/posting/check/", told).content.decode()


def test_a_post_is_held_against_the_facts_of_the_house(client: Client) -> None:
    place = make.inbox(kind="x", is_public=True)
    HouseFact.objects.create(subject="Breakfast", value="€ 12", said_at=make.NOON)
    client.force_login(make.owner())
    told = {"as": "house", "place": place.pk, "text": "Breakfast is 15 € now, from seven. Come by!"}
    assert "We know it otherwise" in client.post("/posting/check/", told).content.decode()
    told["text"] = "Breakfast is 12 € now, from seven. Come by!"
    assert "Nothing was noticed" in client.post("/posting/check/", told).content.decode()


def test_that_it_was_checked_is_written_down_when_asked(client: Client) -> None:
    place, bo = make.inbox(kind="x", is_public=True), make.user()
    client.force_login(bo)
    told = {"as": "house", "place": place.pk, "text": "The best rolls in town, come and see."}
    client.post("/posting/check/", told)
    assert not CheckedPost.objects.exists()
    client.post("/posting/checked/", told)
    kept = CheckedPost.objects.get()
    assert (kept.inbox, kept.by, kept.codes) == (place, bo, ["true.boast"])
    assert Event.objects.filter(name="post.checked", actor=bo).count() == 1
    page = client.get("/posting/").content.decode()
    assert "The best rolls in town" in page
    assert "something was noticed" in page


def test_ones_own_words_cannot_be_written_down(client: Client) -> None:
    make.inbox(kind="x", is_public=True)
    client.force_login(make.user())
    assert client.post("/posting/checked/", {"as": "me", "text": "Hello"}).status_code == 404
    assert client.post("/posting/checked/", {"as": "house", "text": " "}).status_code == 404
    assert not CheckedPost.objects.exists()


def test_nobody_posts_where_they_may_not_look(client: Client) -> None:
    theirs = make.team()
    hidden = make.inbox(kind="x", is_public=True, teams=(theirs,), name="Hidden place")
    client.force_login(make.user())
    assert "Hidden place" not in client.get("/posting/").content.decode()
    told = {"as": "house", "place": hidden.pk, "text": "Hello all"}
    assert client.post("/posting/checked/", told).status_code == 404


def test_only_the_owner_opens_the_page_to_everybody(client: Client) -> None:
    assert client.get("/before-you-post/").status_code == 404
    client.force_login(make.manager())
    assert client.post("/posting/door/", {"open": "1"}).status_code == 403
    client.force_login(make.owner())
    client.post("/posting/door/", {"open": "1"})
    assert PostingPage.objects.get().is_open
    outside = Client()
    assert outside.get("/before-you-post/").status_code == 200
    client.post("/posting/door/", {"open": "0"})
    assert outside.post("/before-you-post/", {"text": "Hello"}).status_code == 404


def test_outside_too_nothing_is_kept_but_how_often_somebody_asked(
    client: Client, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    posting.open_to_all(to=True, by=make.owner(), now=now)
    before = everything()
    caplog.set_level(logging.DEBUG)
    with CaptureQueriesContext(connection) as queries:
        page = client.post("/before-you-post/", {"text": WORDS})
    assert "attacks people" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    after = everything()
    assert {table for table in after if after[table] != before[table]} == {"attempts"}
    assert not [it["sql"] for it in queries.captured_queries if MARK in it["sql"].lower()]
    assert MARK not in caplog.text.lower()
    assert not remembered(MARK)
    assert not page.cookies


def test_whoever_asks_too_often_from_outside_waits(client: Client, now: datetime) -> None:
    posting.open_to_all(to=True, by=make.owner(), now=now)
    answers = [client.post("/before-you-post/", {"text": "Hello"}).status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]


def test_the_page_costs_the_same_however_much_was_checked(client: Client, now: datetime) -> None:
    place, bo = make.inbox(kind="x", is_public=True), make.user()
    client.force_login(bo)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get("/posting/")
        return len(captured)

    client.get("/posting/")
    few = queries()
    for number in range(30):
        CheckedPost.objects.create(
            inbox=place, text=f"Post {number}", by=bo, at=now + timedelta(minutes=number)
        )
    assert queries() <= few
    assert few <= 9
