"""A mention tells who can read it and why it was heard; what a place makes up is not shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from heard.conversations.intake.receiving import receive
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db


def page_of(client: Client, extra: dict[str, Any]) -> str:
    inbox = make.inbox(kind="bluesky")
    post = make.incoming("Blue Heron is lovely.", is_public=True, extra=extra)
    [pk] = receive(inbox, [post], now=NOON).conversations
    client.force_login(make.owner())
    return client.get(reverse("conversation", args=[pk])).content.decode()


def test_a_mention_tells_its_reach_and_the_names_that_were_found(client: Client) -> None:
    page = page_of(client, {"audience": 12345, "terms": ["Blue Heron", "heron.example"]})
    assert "up to 12,345 readers" in page
    assert "says Blue Heron, heron.example" in page


@pytest.mark.parametrize(
    "extra",
    [{"audience": "many", "terms": "all"}, {"audience": True, "terms": [7]}, {"audience": 0}],
)
def test_what_is_no_number_and_no_name_is_left_out(client: Client, extra: dict[str, Any]) -> None:
    page = page_of(client, extra)
    assert "up to" not in page
    assert ">says " not in page
