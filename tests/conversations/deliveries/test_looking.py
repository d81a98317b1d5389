"""What a delivery only points to is looked up by a job, and read as a delivery of its own."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from heard.channels import registry
from heard.channels.base import Rationed
from heard.conversations.deliveries.journal import take_in
from heard.conversations.deliveries.looking import TRIES, look_elsewhere
from heard.conversations.models import Delivery, Inbox, Message
from tests import make
from tests.channels.place import Place

pytestmark = pytest.mark.django_db
TARGET = "https://shop.example/tea"
HTML = {"content-type": "text/html"}


@pytest.fixture
def place() -> Iterator[Place]:
    with Place() as place:
        yield place


@pytest.fixture
def box() -> Inbox:
    settings = {"sites": "shop.example", "allow_private": True}
    return make.inbox(kind="webmention", token=secrets.token_hex(8), settings=settings)


def jobs_waiting() -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args FROM procrastinate_jobs WHERE task_name = 'look_elsewhere' ORDER BY id"
        )
        return [
            args if isinstance(args, dict) else json.loads(args) for (args,) in cursor.fetchall()
        ]


def done_with(task: str) -> None:
    """The jobs of a task have begun, as far as the queue knows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing' WHERE task_name = %s", [task]
        )


def taken_in() -> None:
    while take_in(now=timezone.now()):
        pass


def tell(client: Client, box: Inbox, source: str) -> dict[str, Any]:
    """Claim that a page links to us; the job that comes of it."""
    answer = client.post(
        f"/hooks/{box.token}/",
        urlencode({"source": source, "target": TARGET}),
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 202
    taken_in()
    return jobs_waiting()[-1]


def page(text: str) -> str:
    return f'<div class=h-entry><p class=e-content>{text} <a href="{TARGET}">tea</a></p></div>'


def test_a_mention_becomes_a_message_and_its_edits_are_followed(
    box: Inbox, place: Place, client: Client
) -> None:
    place.answers("GET /note", page("We like your"), headers=HTML)
    place.answers("GET /note", page("We like your"), headers=HTML)
    place.answers("GET /note", page("We loved your"), headers=HTML)
    place.answers("GET /note", "", status=410)
    job = tell(client, box, f"{place.url}/note")
    assert not Message.objects.exists()
    for text, is_edited in (("We like", False), ("We like", False), ("We loved", True)):
        look_elsewhere(**job)
        taken_in()
        message = Message.objects.get()
        assert message.text == f"{text} your tea"
        assert (message.edited_at is not None) is is_edited
    look_elsewhere(**job)
    taken_in()
    message = Message.objects.get()
    assert message.deleted_at is not None


def test_a_page_without_the_link_makes_no_message(box: Inbox, place: Place, client: Client) -> None:
    place.answers("GET /note", "<p>Nothing of yours", headers=HTML)
    look_elsewhere(**tell(client, box, f"{place.url}/note"))
    taken_in()
    assert not Message.objects.exists()


def test_a_page_that_stumbles_is_looked_at_again_and_one_that_never_answers_is_set_aside(
    box: Inbox, place: Place, client: Client
) -> None:
    place.answers("GET /note", "", status=503)
    job = tell(client, box, f"{place.url}/note")
    for number in range(1, TRIES):
        look_elsewhere(**job)
        job = jobs_waiting()[-1]
        assert job["try_count"] == number
    look_elsewhere(**job)
    assert len(jobs_waiting()) == TRIES
    delivery = Delivery.objects.get()
    assert delivery.state == "set_aside"
    assert "503" in delivery.reason


def test_an_address_inside_the_house_is_set_aside(box: Inbox, place: Place, client: Client) -> None:
    job = tell(client, box, "https://127.0.0.1/secret")
    Inbox.objects.update(settings={"sites": "shop.example"})
    look_elsewhere(**job)
    delivery = Delivery.objects.get()
    assert delivery.state == "set_aside"
    assert "inside the house" in delivery.reason


def test_what_went_with_its_inbox_is_not_looked_for(db: None) -> None:
    look_elsewhere(delivery_id=7, source="{}")


def test_the_same_claim_again_is_one_fetch_and_a_later_one_is_not_forgotten(
    box: Inbox, place: Place, client: Client
) -> None:
    first = tell(client, box, f"{place.url}/note")
    for _ in range(3):
        assert tell(client, box, f"{place.url}/note") == first
    assert len(jobs_waiting()) == 1
    done_with("look_elsewhere")
    for _ in range(3):  # the page may have changed since
        tell(client, box, f"{place.url}/note")
    assert len(jobs_waiting()) == 2
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT scheduled_at > now() FROM procrastinate_jobs WHERE status = 'todo' "
            "AND task_name = 'look_elsewhere'"
        )
        assert cursor.fetchall() == [(True,)]
    tell(client, box, f"{place.url}/other")
    assert len(jobs_waiting()) == 3


def test_claims_beyond_what_a_site_and_all_sites_may_an_hour_are_put_off(
    box: Inbox, client: Client
) -> None:
    box.settings["claims_an_hour"] = "30"
    box.save()

    def claimed(host: str, path: int) -> Any:
        form = urlencode({"source": f"https://{host}/{path}", "target": TARGET})
        kind = "application/x-www-form-urlencoded"
        return client.post(f"/hooks/{box.token}/", form, content_type=kind)

    flood = [claimed("evil.example", number) for number in range(6)]
    assert [one.status_code for one in flood] == [202, 202, 202, 429, 429, 429]
    assert 3000 < int(flood[-1].headers["Retry-After"]) <= 3600
    assert flood[-1].json()["code"] == "too_often"
    assert claimed("kind.example", 1).status_code == 202
    many = [claimed(f"h{number}.example", 1).status_code for number in range(30)]
    assert many.count(202) == 26
    assert many[-1] == 429
    with connection.cursor() as cursor:
        cursor.execute("UPDATE attempts SET ends_at = now() - interval '1 second'")
    assert claimed("evil.example", 9).status_code == 202
    assert Delivery.objects.count() == 31


def test_other_places_bring_as_much_as_they_like(client: Client) -> None:
    channel = registry.channel_of("webmention")
    assert isinstance(channel, Rationed)
    rationed = {one.kind for one in registry.channels() if isinstance(one, Rationed)}
    assert rationed == {"webmention"}
