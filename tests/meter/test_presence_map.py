"""Where people speak about us and nobody answers; and how keepers do. Every figure has its rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from heard.channels.base import Incoming
from heard.contacts.models import Contact
from heard.conversations.clocks.sweeping import sweep
from heard.conversations.handling import acknowledge
from heard.conversations.intake.receiving import receive
from heard.conversations.models import Inbox, Message
from heard.conversations.queries import sight_of
from heard.lib.shares import wilson
from heard.meter.keepers import Rate, keepers
from heard.meter.presence_map import Spoken, count_there, presence_map, said_there
from tests import make
from tests.conversations.asking import browser, read_as

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def hear(box: Inbox, *, need: str = "answer", days: float = 1, **fields: Any) -> Incoming:
    fields = {"is_public": True, "at": NOW - timedelta(days=days), **fields}
    item = make.incoming(**fields)
    receive(box, [item], now=NOW, readings=[read_as(need=need, mood="positive")])
    return item


def place(found: tuple[Spoken, ...], name: str) -> Spoken:
    return next(it for it in found if name in (it.host, it.door.name))


def test_places_are_counted_and_each_figure_has_its_rows() -> None:
    mentions = make.inbox(name="Mentions", kind="webmention", is_public=True)
    sky = make.inbox(name="Sky", kind="bluesky", is_public=True)
    blog = {"url": "https://www.Lamps.example/best-of"}
    hear(mentions, sender="lamps", need="recognition", extra=blog)
    hear(mentions, sender="lamps", need="nothing", extra=blog)
    hear(mentions, sender="light", extra={"url": "http://light.example:8080/x"})
    asked = hear(sky, sender="otto")
    praised = hear(sky, sender="mira", need="recognition")
    hear(sky, sender="late", days=40)
    receive(sky, [make.answer(parent=asked.external_id, at=NOW)], now=NOW)
    owner = make.owner()
    said = Message.objects.defer("search").get(external_id=praised.external_id)
    acknowledge(said, kind="like", by=owner, now=NOW)
    sight = sight_of(owner)
    found = presence_map(sight=sight, days=30, now=NOW)
    assert [(it.host, it.messages, it.people, it.needs, it.answered) for it in found.places] == [
        ("lamps.example", 2, 1, 1, 0),
        ("light.example", 1, 1, 1, 0),
        ("", 2, 2, 2, 2),
    ]
    assert [it.host for it in found.absent] == ["lamps.example", "light.example"]
    assert place(found.places, "Sky").interval == wilson(2, 2)
    assert place(presence_map(sight=sight, days=90, now=NOW).places, "Sky").messages == 3
    for it in found.places:
        for which, number in (
            ("all", it.messages),
            ("needs", it.needs),
            ("answered", it.answered),
            ("unanswered", it.unanswered),
        ):
            how: dict[str, Any] = {"door": it.door, "host": it.host, "which": which}
            assert count_there(**how, days=30, now=NOW).number == number
            assert len(said_there(**how, days=30, now=NOW).rows) == number


def test_only_places_that_one_may_see_are_on_the_map() -> None:
    hidden = make.inbox(name="Board", kind="bluesky", is_public=True, teams=(make.team(),))
    hear(hidden)
    agent = browser(make.user())
    assert "Board" not in agent.get(reverse("presence_map")).content.decode()
    rows = f"{reverse('presence_rows')}?inbox={hidden.pk}&host=&which=all"
    assert agent.get(rows).status_code == 404
    owner = browser(make.owner())
    page = owner.get(reverse("presence_map")).content.decode()
    assert "Board" in page
    assert "nobody answers" in page
    assert "Where is my order?" in owner.get(rows).content.decode()
    for wrong in ("which=none", "after=x", "inbox=x"):
        assert owner.get(f"{rows}&{wrong}").status_code == 404


def test_colleagues_who_write_in_public_are_not_customers() -> None:
    sky = make.inbox(name="Sky", kind="bluesky", is_public=True)
    hear(sky, sender="us")
    Contact.objects.update(is_ours=True)
    assert presence_map(sight=sight_of(make.owner()), days=30, now=NOW).places == ()


def test_a_keeper_sees_their_rates_and_the_rows_behind_them() -> None:
    keeper = make.user(name="Kim Keeper")
    box = make.inbox(name="Sky", kind="bluesky", is_public=True, keeper=keeper)
    praised = hear(box, sender="mira", need="recognition", days=0.5)
    hear(box, sender="otto", need="recognition", days=3)
    hear(box, sender="new", need="recognition", days=0.01)
    said = Message.objects.defer("search").get(external_id=praised.external_id)
    acknowledge(said, kind="thank", by=keeper, now=NOW)
    sweep(NOW)
    [found] = keepers(sight=sight_of(keeper), now=NOW)
    assert found.recognition == Rate(1, 2), "what is still in its time does not count"
    assert found.answers.share is None
    mine = browser(keeper).get(reverse("keeper", args=[keeper.pk])).content.decode()
    assert "1 of 2 in time" in mine
    address = mine.partition('class="figure-number" href="')[2].partition('"')[0]
    rows = browser(keeper).get(address.replace("&amp;", "&")).content.decode()
    assert "2 rows" in rows
    other = make.user()
    assert browser(other).get(reverse("keeper", args=[keeper.pk])).status_code == 403
    assert browser(make.manager()).get(reverse("keeper", args=[keeper.pk])).status_code == 200
