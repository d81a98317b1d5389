"""Contents that are kept for a time alone: nothing of the words stays, and every figure does."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from heard.channels.base import Abilities, File
from heard.contacts.models import Contact, Handle, Trace
from heard.conversations import handling
from heard.conversations.abilities import ceiling_of, kept_for
from heard.conversations.deliveries.journal import (
    NotKeptError,
    keep_fetched,
    take_again,
    take_all_again,
    take_in,
)
from heard.conversations.files import attachments
from heard.conversations.forgetting import AHEAD, LOT, forget, forget_contents
from heard.conversations.intake.changing import apply
from heard.conversations.intake.receiving import receive
from heard.conversations.models import (
    Attachment,
    Clock,
    Conversation,
    Delivery,
    Draft,
    Inbox,
    Message,
    Notice,
    Sending,
    Word,
)
from heard.conversations.outbox import sending
from heard.conversations.outbox.replying import reply
from heard.conversations.queries import sight_of
from heard.conversations.search import vocabulary
from heard.conversations.search.searching import Question, count, search
from heard.events.models import Event
from heard.meter.models import DayFigures
from heard.meter.rollups import freshen
from tests import make
from tests.conversations.places import PigeonPost, pigeons  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db

DAY = timedelta(hours=24)
SECRET = "zanzibar"
"""Stands in everything that must go."""
NAME = "Quillon Zanzibar"


@pytest.fixture
def box(pigeons: PigeonPost) -> Inbox:  # noqa: F811
    pigeons.public = Abilities(keeps=DAY)
    pigeons.private = None
    return make.inbox(kind="pigeon_post", keeper=make.owner(), is_public=True)


def review(name: str = "v1", **fields: Any) -> dict[str, Any]:
    return {
        "id": name,
        "text": f"Awful! Where is my {SECRET} soup?",
        "from": "user-77",
        "public": True,
        "at": (timezone.now() - timedelta(minutes=5)).isoformat(),
        "extra": {"rating": 1, "url": "https://stars.example/v1", "quoted": SECRET},
        **fields,
    }


def tell(box: Inbox, place: PigeonPost, *said: dict[str, Any]) -> None:
    place.there.clear()
    for one in said:
        place.bring(one, at=timezone.now())
    keep_fetched(box.pk, place.there, now=timezone.now())
    while take_in(now=timezone.now()):
        pass


def grow_older(hours: float = 25) -> None:
    """Let everything be as old as this."""
    for table, column in (
        ("message", "heard_at"),
        ("change", "heard_at"),
        ("delivery", "received_at"),
        ("draft", "updated_at"),
    ):
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} SET {column} = {column} - make_interval(secs => %s)",
                [hours * 3600],
            )


def tables_with(text: str) -> set[str]:
    """Every table of the database that has this text in any column of any row."""
    found = set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(
                f'SELECT EXISTS (SELECT FROM "{table}" x WHERE x::text ILIKE %s)', [f"%{text}%"]
            )
            if cursor.fetchone()[0]:
                found.add(table)
            if table == "delivery":
                body = text.encode()
                cursor.execute(
                    "SELECT EXISTS (SELECT FROM delivery WHERE body LIKE %s)", [b"%" + body + b"%"]
                )
                if cursor.fetchone()[0]:
                    found.add("delivery")
    return found


def test_nothing_of_the_words_remains_anywhere(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    tell(box, pigeons, review())
    later = {"at": timezone.now().isoformat(), "text": f"Better {SECRET} now", "what": "edited"}
    tell(box, pigeons, {**review(), **later})
    unknown = {"id": "never", "what": "edited", "text": SECRET, "at": timezone.now().isoformat()}
    tell(box, pigeons, unknown)
    message = Message.objects.get()
    attachments.keep([(message.pk, File(f"{SECRET}.txt", "text/plain", SECRET.encode()))])
    digest = Attachment.objects.get().digest
    Contact.objects.update(name=NAME)
    Handle.objects.update(name=NAME)
    Conversation.objects.update(contact_name=NAME)
    Trace.objects.create(contact=Contact.objects.get(), sort="name", value=NAME.lower())
    bo, now = make.owner(), timezone.now()
    opened = Conversation.objects.get()
    handling.promise(opened, text=SECRET, due_at=now + DAY, by=bo, now=now)
    handling.note(opened, text=f"He means the {SECRET}.", author=bo, now=now)
    Draft.objects.create(conversation=opened, author=bo, text=SECRET, updated_at=now)
    Notice.objects.create(user=bo, conversation=opened, kind="help.called", text=SECRET, at=now)
    while vocabulary.learn():
        pass
    assert Word.objects.filter(text=SECRET).exists()
    assert tables_with(SECRET) >= {
        "message", "change", "delivery", "conversation", "attachment", "promise", "draft",
        "notice", "event", "word", "contact", "handle", "trace",
    }  # fmt: skip

    assert forget(box, now=timezone.now()) == 0
    grow_older()
    assert forget(box, now=timezone.now()) == 2

    assert tables_with(SECRET) == set()
    assert tables_with("Quillon") == set()
    assert attachments.size(digest) is None
    message.refresh_from_db()
    assert message.extra == {"rating": 1, "url": "https://stars.example/v1"}
    assert message.emptied_at is not None
    assert str(Contact.objects.get()) == "user-77"


def test_the_stars_that_were_before_are_still_told(
    box: Inbox,
    client: Client,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    tell(box, pigeons, review())
    now = timezone.now().isoformat()
    tell(box, pigeons, review(what="edited", text="Good.", extra={"rating": 4}, at=now))
    grow_older()
    forget(box, now=timezone.now())
    client.force_login(make.owner())
    address = reverse("conversation", args=[Conversation.objects.get().pk])
    assert "4 of 5, 1 before" in client.get(address).content.decode()


def test_no_figure_changes(box: Inbox, pigeons: PigeonPost) -> None:  # noqa: F811
    for number in range(4):
        tell(box, pigeons, review(f"v{number}", **{"from": f"user-{number}"}))
    tell(box, pigeons, {**review("v0"), "what": "edited", "at": timezone.now().isoformat()})
    freshen()

    def figures() -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO stale_day (inbox_id, day) SELECT inbox_id, day FROM day_figures"
            )
        freshen()
        kept = ("need", "mood", "mood_negative", "stance", "urgency", "read_by", "at", "language")
        states = ("need", "status", "waiting_since", "due_at", "incoming_count", "first_mood")
        return [
            list(DayFigures.objects.order_by("pk").values()),
            list(Message.objects.order_by("id").values_list(*kept)),
            list(Conversation.objects.order_by("id").values_list(*states)),
            list(Clock.objects.order_by("id").values()),
        ]

    before = figures()
    assert before[0]
    grow_older()
    assert forget(box, now=timezone.now()) == 4
    after = figures()
    for one, other in zip(before, after, strict=True):
        assert _without_ids(one) == _without_ids(other)


def _without_ids(rows: list[Any]) -> list[Any]:
    return [
        {key: value for key, value in row.items() if key not in {"id", "counted_at"}}
        if isinstance(row, dict)
        else row
        for row in rows
    ]


def test_it_is_told_in_the_thread_and_led_to_the_place(
    box: Inbox,
    client: Client,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    tell(box, pigeons, review())
    grow_older()
    forget_contents(0)
    client.force_login(make.owner())
    page = client.get(reverse("conversation", args=[Conversation.objects.get().pk]))
    told = page.content.decode()
    assert "The place&#39;s rules let us keep this for 24 hours." in told
    assert 'href="https://stars.example/v1"' in told
    assert "1 of 5" in told
    box.settings = {"keep": 2}
    box.save()
    page = client.get(reverse("conversation", args=[Conversation.objects.get().pk]))
    assert "This inbox keeps what is said for 2 hours." in page.content.decode()


def test_it_is_found_no_more(box: Inbox, pigeons: PigeonPost) -> None:  # noqa: F811
    tell(box, pigeons, review())
    sight = sight_of(make.owner())
    assert search(Question(words=SECRET), sight=sight).hits
    grow_older()
    forget(box, now=timezone.now())
    assert not search(Question(words=SECRET), sight=sight).hits
    assert count(Question(words=SECRET), sight=sight).number == 0


@pytest.mark.parametrize(("hours", "emptied"), [(23.5, 0), (23.9, 1)])
def test_it_goes_before_its_time_is_over_and_not_long_before(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
    hours: float,
    emptied: int,
) -> None:
    tell(box, pigeons, review())
    grow_older(hours)
    assert forget(box, now=timezone.now()) == emptied


def test_what_is_edited_afterwards_is_kept_anew_and_goes_again(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    tell(box, pigeons, review())
    grow_older()
    forget(box, now=timezone.now())
    again = {**review(), "what": "edited", "text": "All is well.", "extra": {"rating": 5}}
    tell(box, pigeons, {**again, "at": timezone.now().isoformat()})
    message = Message.objects.get()
    assert (message.text, message.emptied_at) == ("All is well.", None)
    assert message.extra == {"rating": 5, "url": "https://stars.example/v1"}
    assert forget(box, now=timezone.now()) == 0
    grow_older()
    assert forget(box, now=timezone.now()) == 1
    assert tables_with("All is well") == set()
    assert forget(box, now=timezone.now()) == 0


def test_what_is_brought_again_stays_forgotten(box: Inbox, pigeons: PigeonPost) -> None:  # noqa: F811
    said = review()
    tell(box, pigeons, said)
    tell(box, pigeons, {**said, "what": "edited", "at": timezone.now().isoformat()})
    edit = {**said, "what": "edited", "text": f"{SECRET}!", "at": timezone.now().isoformat()}
    tell(box, pigeons, edit)
    grow_older()
    need = Message.objects.get().need
    forget(box, now=timezone.now())
    tell(box, pigeons, {"id": "v1", "what": "like", "at": timezone.now().isoformat()})
    apply(box, ["v1"], now=timezone.now())
    message = Message.objects.get()
    assert (message.text, message.emptied_at is not None) == ("", True)
    assert message.need == need != ""


def test_an_emptied_delivery_is_not_read_again(box: Inbox, pigeons: PigeonPost) -> None:  # noqa: F811
    tell(box, pigeons, review())
    grow_older()
    forget(box, now=timezone.now())
    kept = Delivery.objects.get()
    assert (bytes(kept.body), kept.headers, kept.state) == (b"", {}, "taken")
    with pytest.raises(NotKeptError):
        take_again(kept, by=make.owner(), now=timezone.now())
    Delivery.objects.update(state="set_aside")
    assert take_all_again(None, by=None, now=timezone.now()) == 0


def test_a_reply_on_its_way_keeps_its_words_until_it_has_left(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    tell(box, pigeons, review())
    opened = Conversation.objects.get()
    row = reply(opened, text="We are sorry.", author=make.user(), now=timezone.now()).sending
    grow_older()
    assert forget(box, now=timezone.now()) == 1
    row.message.refresh_from_db()
    assert row.message.text == "We are sorry."
    Sending.objects.update(state="failed")
    assert forget(box, now=timezone.now()) == 1
    row.refresh_from_db()
    row.message.refresh_from_db()
    assert row.message.text == ""
    with pytest.raises(sending.NotInThatStateError):
        sending.retry(row, by=make.user(), now=timezone.now())


def test_people_keep_their_name_while_other_words_of_theirs_are_kept(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    tell(box, pigeons, review())
    ann = Contact.objects.get()
    other = make.conversation(make.inbox(), sender="elsewhere")
    Message.objects.filter(conversation=other).update(contact=ann)
    Contact.objects.filter(pk=ann.pk).update(name=NAME)
    grow_older()
    forget(box, now=timezone.now())
    assert Contact.objects.get(pk=ann.pk).name == NAME
    assert Message.objects.get(conversation=other).text != ""


def test_other_inboxes_keep_what_they_hear_for_ever(box: Inbox) -> None:
    quiet = make.inbox()
    make.conversation(quiet)
    grow_older(24 * 4000)
    forget_contents(0)
    assert (kept_for(quiet), Message.objects.get().text) == (None, "Where is my order?")
    assert box.pk


def test_a_long_history_is_emptied_in_lots(box: Inbox) -> None:
    now = timezone.now()
    receive(
        box,
        [make.incoming(f"Soup {n}", sender=f"s{n % 7}", at=now) for n in range(LOT + 50)],
        now=now,
    )
    grow_older()
    assert forget(box, now=timezone.now()) == LOT + 50
    assert not Message.objects.exclude(text="").exists()


class TestTheSetting:
    def test_a_place_gives_the_default_and_the_ceiling(self) -> None:
        assert ceiling_of("yelp") == ceiling_of("foursquare") == DAY
        assert ceiling_of("contact_page") is None
        assert kept_for(make.inbox(kind="yelp")) == DAY
        assert kept_for(make.inbox(kind="yelp", settings={"keep": 2})) == timedelta(hours=2)
        assert kept_for(make.inbox(kind="yelp", settings={"keep": 999})) == DAY
        assert kept_for(make.inbox(settings={"keep": 48})) == timedelta(days=2)

    @pytest.mark.parametrize(
        ("typed", "kept"), [("30 d", 720), ("24h", 24), ("7 days", 168), ("36", 36), ("", None)]
    )
    def test_it_is_typed_as_people_say_it(
        self, client: Client, typed: str, kept: int | None
    ) -> None:
        client.force_login(make.owner())
        row = make.inbox(kind="archive_of_old", settings={"keep": 5})
        address = reverse("settings_inbox", args=[row.pk])
        form = {"name": row.name, "policy": row.policy_id, "keep": typed}
        assert client.post(address, form).status_code == 302
        row.refresh_from_db()
        assert row.settings.get("keep") == kept

    @pytest.mark.parametrize("typed", ["0", "a while", "-3 d", "25 h", "9999999 d"])
    def test_what_the_place_does_not_allow_is_refused(self, client: Client, typed: str) -> None:
        client.force_login(make.owner())
        row = make.inbox(kind="yelp", is_public=True)
        address = reverse("settings_inbox", args=[row.pk])
        page = client.get(address).content.decode()
        assert "the longest that this place&#39;s rules allow" in page
        answer = client.post(address, {"name": row.name, "policy": row.policy_id, "keep": typed})
        assert answer.status_code == 422

    def test_it_is_set_from_the_command_line(
        self,
        box: Inbox,
        pigeons: PigeonPost,  # noqa: F811
    ) -> None:
        pigeons.public = Abilities(keeps=timedelta(days=3))
        call_command("inbox", "set", box.name, "keep=2d", stdout=StringIO(), stderr=StringIO())
        box.refresh_from_db()
        assert (box.settings["keep"], kept_for(box)) == (48, timedelta(days=2))
        call_command("inbox", "set", box.name, "keep=", stdout=StringIO(), stderr=StringIO())
        box.refresh_from_db()
        assert kept_for(box) == timedelta(days=3)
        with pytest.raises(CommandError, match="let us keep what is said there for 3 d"):
            call_command("inbox", "set", box.name, "keep=4d")
        with pytest.raises(CommandError, match="no number of days"):
            call_command("inbox", "set", box.name, "keep=soon")
        assert pigeons.accounts == []


def _checked() -> Any:
    from heard.channels.base import Checked

    return Checked(account="Loft 7")


def test_the_margin_is_longer_than_the_pause_between_two_looks() -> None:
    assert timedelta(minutes=10) < AHEAD


def test_a_broken_inbox_does_not_keep_the_contents_of_others(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tell(box, pigeons, review())
    worse = make.inbox(kind="pigeon_post", name="A broken one")
    Inbox.objects.filter(pk=worse.pk).update(settings={"keep": 1})
    grow_older()
    seen: list[int] = []

    def broken(inbox: Inbox, *, now: datetime) -> int:
        seen.append(inbox.pk)
        if inbox.pk == box.pk:
            from heard.lib.stores import StoreError

            raise StoreError("gone")
        return 0

    monkeypatch.setattr("heard.conversations.forgetting.forget", broken)
    forget_contents(0)
    assert seen == [box.pk, worse.pk]


def test_the_diary_keeps_its_lines(box: Inbox, pigeons: PigeonPost) -> None:  # noqa: F811
    tell(box, pigeons, review())
    count = Event.objects.count()
    grow_older()
    forget(box, now=timezone.now())
    assert Event.objects.count() == count
