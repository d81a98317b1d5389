"""Everybody who speaks is looked at: proofs join, likeness is suggested, bonds are counted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from heard.channels.base import Incoming
from heard.contacts.models import Contact, Handle, Joining, Likeness
from heard.conversations.clocks.sweeping import sweep
from heard.conversations.contact_page.privacy import went_private
from heard.conversations.intake.receiving import receive
from heard.conversations.models import Bond, Conversation, Inbox
from heard.conversations.people import joining, meeting, recognising, suggesting
from heard.conversations.people.proving import vouch
from heard.conversations.queries import sight_of
from tests import make
from tests.conversations.asking import read_as

pytestmark = pytest.mark.django_db


def hear(box: Inbox, *items: Incoming, need: str = "answer", mood: str = "neutral") -> None:
    readings = [read_as(need=need, mood=mood) for _ in items]
    receive(box, list(items), now=make.NOON, readings=readings)


def look() -> None:
    while meeting.look(now=make.NOON, lot=3):
        pass


def person(address: str) -> Contact:
    return Handle.objects.select_related("contact").get(address=address).contact


@pytest.fixture
def mail() -> Inbox:
    return make.inbox(kind="email")


@pytest.fixture
def sky() -> Inbox:
    return make.inbox(kind="bluesky", is_public=True)


def test_a_place_that_vouches_for_another_address_joins(mail: Inbox, sky: Inbox) -> None:
    hear(mail, make.incoming(sender="ann@garden.example"))
    links = {"email": ["ann@garden.example"], "phone": "+4989123456", "odd": 7}
    hear(sky, make.incoming(sender="@ann", extra={"links": links}))
    look()
    ann = person("ann@garden.example")
    assert {handle.address for handle in ann.handles.all()} == {
        "ann@garden.example", "@ann", "+4989123456",
    }  # fmt: skip
    joined = Joining.objects.get()
    assert (joined.proof, joined.by, joined.kept) == ("place", None, ann)
    assert meeting.look(now=make.NOON) == 0


def test_the_same_number_at_two_networks_joins_and_a_name_does_not(mail: Inbox) -> None:
    phone, texts = make.inbox(kind="phone"), make.inbox(kind="sms")
    for box in (phone, texts):
        hear(box, make.incoming(sender="+4989123456", sender_name="Ann Miller"))
        hear(box, make.incoming(sender="anonymous"))
    hear(mail, make.incoming(sender="x@garden.example", sender_name="Ann Miller"))
    look()
    assert Joining.objects.get().proof == "address"
    assert Handle.objects.filter(address="+4989123456").values("contact").distinct().count() == 1
    assert Handle.objects.filter(address="anonymous").values("contact").distinct().count() == 2
    assert Likeness.objects.get().reasons == [["same_name", "Ann Miller"]]


def test_a_mail_joins_nobody_and_one_that_is_not_proven_tells_nothing_of_its_sender(
    mail: Inbox, sky: Inbox
) -> None:
    phone = make.inbox(kind="phone")
    hear(phone, make.incoming(sender="+4989123456"))
    for address, extra in {
        "ann@garden.example": {"trust": {"spf": "softfail"}, "is_proven": False},
        "bo@garden.example": {"trust": {"dmarc": "pass"}, "is_proven": True},
    }.items():
        words = f"I am {address}, +49 89 123456"
        hear(mail, make.incoming(words, sender=address, extra=extra))
    hear(sky, make.incoming("ann@garden.example is me", sender="@ann"))
    look()
    assert not Joining.objects.exists()
    suggested = {frozenset((pair.one_id, pair.other_id)) for pair in Likeness.objects.all()}
    number, ann, bo = (
        person(one).pk for one in ("+4989123456", "ann@garden.example", "bo@garden.example")
    )
    assert frozenset((number, bo)) in suggested
    assert frozenset((number, ann)) not in suggested


def test_a_private_link_that_was_opened_joins(mail: Inbox) -> None:
    page = make.inbox(kind="contact_page")
    hear(mail, make.incoming(sender="ann@garden.example"))
    ann = person("ann@garden.example")
    assert (
        vouch(ann, kind="contact_page", address="ask-1", proof="private_link", now=make.NOON) == ann
    )
    hear(page, make.incoming(sender="ask-1", root="ask-1"))
    assert person("ask-1") == ann
    hear(page, make.incoming(sender="ask-2", root="ask-2"))
    stranger = person("ask-2")
    assert (
        vouch(ann, kind="contact_page", address="ask-2", proof="private_link", now=make.NOON) == ann
    )
    stranger.refresh_from_db()
    assert stranger.into == ann


def test_likely_pairs_are_suggested_dismissed_for_good_and_seen_by_who_may(
    mail: Inbox, sky: Inbox
) -> None:
    hidden = make.inbox(kind="mastodon", teams=(make.team(),))
    hear(mail, make.incoming(sender="lampfan77@garden.example", sender_name="Ann Miller"))
    hear(sky, make.incoming(sender="@lampfan77", sender_name="Ann Miller"))
    hear(hidden, make.incoming(sender="lampfan77@far.example"))
    look()
    everybody, agent = sight_of(make.owner()), sight_of(make.user())
    assert len(suggesting.suggestions(everybody)) == 3
    [seen] = suggesting.suggestions(agent)
    assert {seen.one.name, seen.other.name} == {"Ann Miller"}
    assert [sign for sign, _ in seen.reasons] == ["same_word", "same_name"]
    suggesting.dismiss(Likeness.objects.get(pk=seen.id), by=make.owner(), now=make.NOON)
    hear(sky, make.incoming(sender="@lampfan77"))
    look()
    assert suggesting.suggestions(agent) == []
    assert len(suggesting.suggestions(everybody)) == 2


def test_who_writes_where_we_asked_somebody_in_public_is_perhaps_them(sky: Inbox) -> None:
    page = make.inbox(kind="contact_page")
    hear(sky, make.incoming(sender="@ann", sender_name="annie"))
    public = Conversation.objects.get()
    went_private(public.pk, thread="ask-1", now=make.NOON)
    hear(page, make.incoming(sender="ask-1", sender_name="Visitor", root="ask-1"))
    look()
    assert Likeness.objects.get().reasons == [["went_private", ""]]


def test_who_was_joined_is_not_suggested(mail: Inbox, sky: Inbox) -> None:
    hear(mail, make.incoming(sender="lampfan77@garden.example"))
    hear(sky, make.incoming(sender="@lampfan77"))
    look()
    one, other = person("lampfan77@garden.example"), person("@lampfan77")
    joined = joining.join(other, into=one, by=make.owner(), now=make.NOON)
    sight = sight_of(make.owner())
    assert suggesting.suggestions(sight) == []
    joining.undo(joined, by=make.owner(), now=make.NOON)
    assert len(suggesting.suggestions(sight)) == 1


def test_a_look_costs_by_who_spoke_and_not_by_who_is_known(mail: Inbox, sky: Inbox) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            look()
        return len(asked)

    hear(sky, make.incoming(sender="@first"))
    look()
    hear(sky, make.incoming(sender="@second"))
    before = queries()
    hear(mail, *(make.incoming(sender=f"p{n}@x.example", sender_name="Ann") for n in range(90)))
    look()
    hear(sky, make.incoming(sender="@third"))
    assert queries() <= before + 2
    assert not Likeness.objects.exists()


def test_numbers_without_a_message_cost_nothing(sky: Inbox) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('message', 'id')) FROM generate_series(1, 50)"
        )
    hear(sky, make.incoming(sender="@ann"))
    assert [meeting.look(now=make.NOON, lot=1) for _ in range(2)] == [1, 0]


def test_what_somebody_is_to_us_is_kept_at_the_contact_and_each_inbox(
    mail: Inbox, sky: Inbox
) -> None:
    def say(box: Inbox, days: float, **fields: Any) -> None:
        need, mood = fields.pop("need", "answer"), fields.pop("mood", "neutral")
        hear(
            box,
            make.incoming(sender="ann", at=make.NOON - timedelta(days=days), **fields),
            need=need,
            mood=mood,
        )

    say(mail, 40)
    ann = person("ann")
    assert ann.bond == "first_time", "until somebody has looked"
    say(mail, 20)
    say(mail, 10)
    look()
    ann.refresh_from_db()
    assert ann.bond == "regular"
    bond = Bond.objects.get(contact=ann)
    assert (bond.word, bond.visit_count, bond.conversations) == ("regular", 3, 3)
    for days in (6, 5, 4):
        say(mail, days, need="recognition", mood="positive")
    look()
    ann.refresh_from_db()
    assert ann.bond == "advocate"


def test_a_fail_alone_changes_what_somebody_is(mail: Inbox) -> None:
    hear(mail, make.incoming(sender="ann"), mood="negative")
    look()
    later = make.NOON + timedelta(hours=5)
    sweep(later)
    assert recognising.to_count_again(now=later) == [person("ann").pk]
    recognising.count([person("ann").pk], now=later)
    assert person("ann").bond == "at_risk"
    assert recognising.to_count_again(now=later) == []
    found = recognising.recognised(person("ann").pk, inboxes=None, now=later)
    assert [reason.name for reason in found.because] == ["failed_unhappy"]
    assert recognising.recognised(person("ann").pk, inboxes=[], now=later).word == ""
    months_later = make.NOON + timedelta(days=120)
    recognising.count(recognising.to_count_again(now=months_later), now=months_later)
    assert person("ann").bond == ""
    assert Conversation.objects.count() == 1
