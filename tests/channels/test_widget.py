"""The chat widget promises: one line once, nobody else's key, no number that was not counted."""

from __future__ import annotations

import gzip
import html
import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from heard.channels import widget
from heard.channels.base import (
    Account,
    Channel,
    Delivered,
    Incoming,
    Letter,
    NotUnderstoodError,
    Outgoing,
    SendState,
)
from heard.channels.registry import channel_of
from heard.contacts.models import Contact
from heard.conversations.contact_page.expecting import pace
from heard.conversations.models import Clock, Conversation, Delivery, Inbox, Message
from heard.conversations.views import widget as views
from tests import make
from tests.conversations.contact_page.test_contact_page import reply

pytestmark = pytest.mark.django_db

KEY, OTHER = "k" * 32, "o" * 32
ADDRESS = "/widget/fern/messages/"


@pytest.fixture
def inbox() -> Inbox:
    sites = ["https://fern.example", "*.fern.example", "javascript:alert(1)", "x; script-src *"]
    return make.inbox(kind="widget", slug="fern", name="Fern", settings={"sites": sites})


def write(
    client: Client, text: str = "Do you have a table?", *, key: str = KEY, **said: Any
) -> Any:
    body = {"id": "0123456789abcdef", "text": text, **said}
    return client.post(
        ADDRESS, json.dumps(body), content_type="application/json", headers={"X-Heard-Key": key}
    )


def look(client: Client, *, key: str = KEY, **headers: str) -> Any:
    return client.get(ADDRESS, headers={"X-Heard-Key": key, **headers})


class TestWriting:
    def test_it_is_a_channel(self) -> None:
        channel: Channel | None = channel_of("widget")
        assert channel is not None
        assert channel.private is not None

    def test_a_line_goes_through_the_journal_and_is_seen_again(
        self, client: Client, inbox: Inbox
    ) -> None:
        answer = write(client, page="https://fern.example/menu?secret=1#x", email="ann@example.org")
        assert answer.status_code == 200
        message = Message.objects.get()
        assert message.text == "Do you have a table?"
        assert message.extra == {
            "unverified_email": "ann@example.org",
            "page": "https://fern.example/menu",
        }
        delivery = Delivery.objects.get()
        assert (delivery.state, delivery.message_count) == ("taken", 1)
        (line,) = look(client).json()["lines"]
        assert (line["text"], line["ours"]) == ("Do you have a table?", False)
        assert line["called"] == answer.json()["name"]

    def test_however_often_a_line_comes_it_stands_there_once(
        self, client: Client, inbox: Inbox
    ) -> None:
        names = {write(client).json()["name"] for _ in range(3)}
        assert len(names) == 1
        assert Message.objects.count() == 1
        write(client, "Again", id="another-line-1")
        assert Message.objects.count() == 2
        assert Conversation.objects.count() == Contact.objects.count() == 1

    def test_two_visitors_whose_lines_have_the_same_name_do_not_meet(
        self, client: Client, inbox: Inbox
    ) -> None:
        write(client)
        write(client, "Where is my order?", key=OTHER)
        assert Conversation.objects.count() == 2
        assert [line["text"] for line in look(client, key=OTHER).json()["lines"]] == [
            "Where is my order?"
        ]

    def test_an_address_alone_asks_for_nothing_and_is_seen_by_us(
        self, client: Client, inbox: Inbox
    ) -> None:
        write(client)
        write(client, "", id="address-1", email="ann@example.org", is_address=True)
        last = Message.objects.latest("id")
        assert last.text == "Please send the answer to ann@example.org as well."
        assert last.need == "nothing"
        assert (last.extra or {})["unverified_email"] == "ann@example.org"
        assert Conversation.objects.get().waiting_since is not None

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            ({"text": "  "}, "a few words"),
            ({"text": "x" * 4001}, "in parts"),
            ({"id": "short"}, "load the page again"),
            ({"email": "ann"}, "e-mail address"),
            ({"is_address": True}, "your e-mail"),
        ],
    )
    def test_what_cannot_be_taken_is_said(
        self, client: Client, inbox: Inbox, said: dict[str, Any], words: str
    ) -> None:
        answer = write(client, **said)
        assert answer.status_code == 422
        assert words in answer.json()["problem"]
        assert not Delivery.objects.exists()

    @pytest.mark.parametrize("body", [b"", b"[", b"[]", b'"x"', b"[" * 50_000, b"x" * 70_000])
    def test_what_is_no_line_at_all_is_refused(
        self, client: Client, inbox: Inbox, body: bytes
    ) -> None:
        answer = client.post(
            ADDRESS, body, content_type="application/json", headers={"X-Heard-Key": KEY}
        )
        assert answer.status_code == 422

    def test_too_much_at_once_waits_and_says_how_long(self, client: Client, inbox: Inbox) -> None:
        keys = [chr(ord("a") + n) * 32 for n in range(8)]
        answers = [write(client, key=key) for key in keys]
        assert [answer.status_code for answer in answers] == [200] * 6 + [429] * 2
        assert answers[-1].headers["Retry-After"] == "120"
        assert write(client, "More", key=keys[0], id="more-line-1").status_code == 200
        statuses = [
            write(client, "More", key=keys[0], id=f"more-line-{n}").status_code
            for n in range(2, views.MORE_LINES[0] + 3)
        ]
        assert statuses[-1] == 429

    def test_the_body_that_people_may_look_at_holds_neither_key_nor_link(
        self, client: Client, inbox: Inbox
    ) -> None:
        write(client)
        token = Conversation.objects.get().token
        body = bytes(Delivery.objects.get().body).decode()
        assert KEY not in body
        assert token not in body
        assert token not in Conversation.objects.get().root

    @pytest.mark.parametrize("body", [b"", b"{}", b'{"id": 1}', b"[]"])
    def test_a_body_that_we_did_not_write_is_not_understood(
        self, body: bytes, now: datetime
    ) -> None:
        with pytest.raises(NotUnderstoodError):
            list(widget.parse(Delivered(body, {}, now), Account("Fern", {})))

    def test_it_reads_the_same_twice(self, now: datetime) -> None:
        body = widget.written(
            message_id="chat-1", thread="ask-1", text="Hello", page="https://a.b/"
        )
        delivered = Delivered(body, {"token": "t"}, now)
        first, again = (list(widget.parse(delivered, Account("Fern", {}))) for _ in range(2))
        assert first == again
        assert isinstance(first[0], Incoming)


class TestWhoMayRead:
    @pytest.mark.parametrize("key", ["", "x", "k" * 31, "k" * 33, "ü" * 32, "k" * 31 + "/"])
    def test_without_a_key_there_is_nothing(self, client: Client, inbox: Inbox, key: str) -> None:
        assert look(client, key=key.encode().decode("latin-1")).status_code == 403

    def test_another_key_sees_nothing(self, client: Client, inbox: Inbox) -> None:
        write(client)
        assert look(client, key=OTHER).json()["lines"] == []

    def test_the_same_key_at_another_inbox_is_another_person(
        self, client: Client, inbox: Inbox
    ) -> None:
        make.inbox(kind="widget", slug="moss", name="Moss")
        write(client)
        answer = client.get("/widget/moss/messages/", headers={"X-Heard-Key": KEY})
        assert answer.json()["lines"] == []

    def test_other_sites_can_neither_read_nor_write(self, client: Client, inbox: Inbox) -> None:
        answer = look(client, **{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"})
        assert answer.status_code == 403
        allowed = look(client, Origin="https://fern.example")
        assert "Access-Control-Allow-Origin" not in allowed.headers

    def test_nothing_of_it_is_kept_by_caches(self, client: Client, inbox: Inbox) -> None:
        write(client)
        assert "no-store" in look(client).headers["Cache-Control"]
        assert "Set-Cookie" not in look(client).headers

    def test_the_mailed_link_leads_to_the_same_conversation(
        self, client: Client, inbox: Inbox
    ) -> None:
        write(client)
        path = f"/ask/thread/{Conversation.objects.get().token}/"
        page = client.get(path)
        assert "Do you have a table?" in page.content.decode()
        assert client.post(path, {"text": "For four."}).status_code == 302
        assert [line["text"] for line in look(client).json()["lines"]][-1] == "For four."
        assert Conversation.objects.count() == 1

    @pytest.mark.parametrize(
        "path", ["/widget/nobody/", "/widget/hooked/", "/widget/hooked/messages/"]
    )
    def test_there_is_no_chat_where_there_is_no_inbox(self, client: Client, path: str) -> None:
        make.inbox(kind="hook", slug="hooked")
        assert client.get(path).status_code == 404


class TestAnswers:
    def test_an_answer_appears_with_the_first_name_alone_and_notes_never(
        self, client: Client, inbox: Inbox
    ) -> None:
        write(client)
        first = look(client)
        etag = first.headers["ETag"]
        assert look(client, **{"If-None-Match": etag}).status_code == 304
        reply(Conversation.objects.get())
        answer = look(client, **{"If-None-Match": etag})
        line = answer.json()["lines"][-1]
        assert (line["by"], line["text"], line["ours"]) == ("Bo", "Yes, for two.", True)
        assert "Berg" not in answer.content.decode()

    def test_looking_is_cheap(
        self, client: Client, inbox: Inbox, django_assert_max_num_queries: Any
    ) -> None:
        write(client)
        with django_assert_max_num_queries(6):
            look(client)

    def test_it_is_mailed_to_who_left_an_address_with_the_link_back(self) -> None:
        letters: list[Letter] = []
        outgoing = Outgoing(
            "reply_1",
            "ask-1",
            "Yes, for two.",
            answered={"unverified_email": "ann@example.org"},
            link="https://care.example/ask/thread/t/",
        )
        receipt = widget.send(outgoing, Account("Fern", {}, post=letters.append))
        assert receipt.state is SendState.SENT
        assert letters[0].to == "ann@example.org"
        assert "https://care.example/ask/thread/t/" in letters[0].text
        assert not widget.may_repeat(outgoing)
        assert widget.may_repeat(Outgoing("reply_2", "ask-1", "Yes."))


class TestTheWindow:
    def test_only_the_sites_that_were_named_may_show_it(self, client: Client, inbox: Inbox) -> None:
        policy = client.get("/widget/fern/").headers["Content-Security-Policy"]
        assert policy.endswith("frame-ancestors 'self' https://fern.example https://*.fern.example")
        assert "script-src 'self';" in policy

    def test_what_the_house_typed_is_text_in_it(self, client: Client) -> None:
        make.inbox(
            kind="widget", slug="fern", settings={"title": "<b>Fern", "greeting": "</script><b>"}
        )
        page = client.get("/widget/fern/").content.decode()
        assert "<b>" not in page
        assert page.count("</script>") == 3

    def test_all_of_it_weighs_less_than_15_kilobytes(self, client: Client, inbox: Inbox) -> None:
        page = client.get("/widget/fern/").content
        parts = [finders.find(name) for name in ("widget.js", "widget_frame.js", "widget.css")]
        bodies = [page, *(Path(str(part)).read_bytes() for part in parts)]
        assert sum(len(gzip.compress(body)) for body in bodies) < 15_000

    def test_it_loads_nothing_from_elsewhere(self, client: Client, inbox: Inbox) -> None:
        page = client.get("/widget/fern/").content.decode()
        assert all(
            one.startswith("/static/") for one in re.findall(r'(?:src|href)="([^"]+)"', page)
        )

    def test_the_settings_show_the_line_and_an_example_page(
        self, client: Client, inbox: Inbox
    ) -> None:
        client.force_login(make.owner())
        page = client.get(f"/settings/inboxes/{inbox.pk}/").content.decode()
        assert "static/widget.js" in page
        assert "/widget/fern/preview/" in page
        example = client.get("/widget/fern/preview/").content.decode()
        assert 'data-inbox="fern"' in example
        client.logout()
        assert client.get("/widget/fern/preview/").status_code == 302


class TestConnecting:
    def test_a_page_asks_for_what_is_needed_and_shows_the_line(self, client: Client) -> None:
        client.force_login(make.owner())
        page = client.get("/settings/inboxes/new/widget/").content.decode()
        assert "Sites that show it" in page
        policy = make.policy()
        answer = client.post(
            "/settings/inboxes/new/widget/",
            {"name": "Chat", "policy": policy.pk, "place_sites": "https://fern.example\nfern.org"},
        )
        assert answer.status_code == 302, answer.content.decode()
        inbox = Inbox.objects.get(kind="widget")
        assert f'data-inbox="{inbox.slug}"' in html.unescape(
            client.get(f"/settings/inboxes/{inbox.pk}/").content.decode()
        )
        policy_of_frame = client.get(f"/widget/{inbox.slug}/").headers["Content-Security-Policy"]
        assert policy_of_frame.endswith("'self' https://fern.example https://fern.org")

    def test_from_the_command_line(self) -> None:
        make.policy()
        call_command("inbox", "add", "widget", "--name", "Chat", "--set", "sites=https://a.example")
        assert Inbox.objects.get(kind="widget").settings["sites"] == ["https://a.example"]


class TestWhatMayBeExpected:
    def asked(
        self, inbox: Inbox, number: int, *, minutes: float | None, late: bool = False
    ) -> None:
        at = timezone.now() - timedelta(days=2)
        Clock.objects.create(
            conversation=make.conversation(inbox, external_id=f"q{number}", sender=f"p{number}"),
            inbox=inbox,
            kind="first_response",
            started_at=at,
            due_at=at + timedelta(hours=1),
            met_at=None if minutes is None else at + timedelta(minutes=minutes),
            open_minutes=minutes,
        )

    def test_with_fewer_than_ten_we_say_that_we_do_not_know(
        self, client: Client, inbox: Inbox
    ) -> None:
        now = timezone.now()
        Clock.objects.all().delete()
        for number in range(9):
            self.asked(inbox, number, minutes=5)
        Clock.objects.filter(started_at__lt=now - timedelta(days=3)).delete()
        assert pace(inbox, now=now) is None
        page = client.get("/widget/fern/").content.decode()
        assert "We do not know yet how long an answer takes" in page

    def test_who_was_never_answered_counts(self, inbox: Inbox) -> None:
        now = timezone.now()
        for number in range(12):
            self.asked(inbox, number, minutes=10 * (number + 1) if number < 8 else None)
        Clock.objects.filter(started_at__lt=now - timedelta(days=3)).delete()
        found = pace(inbox, now=now)
        assert found is not None
        assert (found.count, found.median_minutes) == (12, 60)
        assert found.share_in_time == pytest.approx(6 / 12)
        assert views.pace_words(found) == (
            "50 % of the last 12 questions were answered in time, half of them within 60 minutes"
            " of opening time."
        )
        Clock.objects.filter(open_minutes__gt=30).update(met_at=None, open_minutes=None)
        found = pace(inbox, now=now)
        assert found is not None
        assert found.median_minutes is None
        assert "without an answer" in views.pace_words(found)

    def test_without_opening_hours_nobody_is_said_to_be_there(
        self, client: Client, inbox: Inbox
    ) -> None:
        assert look(client).json()["open"] is None

    def test_closed_is_said(self, client: Client, inbox: Inbox) -> None:
        inbox.hours = make.hours(week=[[]] * 6 + [[["09:00", "09:01"]]])
        inbox.save()
        assert look(client).json()["open"] is False
        assert "We are closed now" in " ".join(look(client).json()["when"])
