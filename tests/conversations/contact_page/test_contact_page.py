"""The contact page promises: anybody can write, and only who has the link can read and write on."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from heard.channels import contact_page as channel
from heard.contacts.models import Contact, Handle
from heard.conversations import handling
from heard.conversations.clocks.settling import settle
from heard.conversations.contact_page.expecting import expectation
from heard.conversations.deliveries.journal import keep, take_in
from heard.conversations.models import Attachment, Conversation, Delivery, Inbox, Message, Sending
from heard.conversations.views import contact_page
from heard.conversations.views.contact_page import expected_words
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def inbox() -> Inbox:
    return make.inbox(kind="contact_page", slug="fern", name="Fern & Co")


def key_of(page: Any) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page.content.decode())
    assert found
    return found[1]


def ask(client: Client, text: str = "Do you have a table?", **fields: Any) -> Any:
    return client.post("/ask/fern/", {"text": text, **fields})


def begin(client: Client, **fields: Any) -> str:
    """The path of the private page."""
    answer = ask(client, **fields)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer.headers["Location"])


def reply(conversation: Conversation, text: str = "Yes, for two.", *, tries: int = 1) -> Message:
    bo = make.user(name="Bo Berg")
    message = Message.objects.create(
        conversation=conversation,
        inbox=conversation.inbox,
        kind="reply",
        text=text,
        at=timezone.now(),
        author=bo,
        author_name=bo.name,
    )
    state = "sent" if tries else "waiting"
    Sending.objects.create(
        message=message,
        state=state,
        not_before=message.at,
        updated_at=message.at,
        try_count=tries,
    )
    return message


class TestWriting:
    def test_a_customer_writes_and_is_led_to_a_private_page(
        self, client: Client, inbox: Inbox
    ) -> None:
        path = begin(client, name="Ann", email="ann@example.org")
        assert re.fullmatch(r"/ask/thread/[A-Za-z0-9_-]{24}/", path)
        conversation = Conversation.objects.get()
        assert conversation.contact_name == "Ann"
        assert conversation.token in path
        page = client.get(path).content.decode()
        assert "Do you have a table?" in page
        assert "ann@example.org" in page

    def test_name_and_address_are_not_asked_for(self, client: Client, inbox: Inbox) -> None:
        assert client.get(begin(client)).status_code == 200
        assert Conversation.objects.get().contact_name == "Visitor"

    def test_it_goes_through_the_journal(self, client: Client, inbox: Inbox) -> None:
        begin(client)
        delivery = Delivery.objects.get()
        assert (delivery.state, delivery.message_count) == ("taken", 1)

    def test_the_body_that_people_may_look_at_does_not_hold_the_link(
        self, client: Client, inbox: Inbox
    ) -> None:
        path = begin(client)
        token = path.split("/")[-2]
        assert token not in bytes(Delivery.objects.get().body).decode()
        assert token not in Conversation.objects.get().root
        assert token not in str(list(Message.objects.values()))

    def test_pressing_twice_sends_once(self, client: Client, inbox: Inbox) -> None:
        key = key_of(client.get("/ask/fern/"))
        assert begin(client, key=key) == begin(client, key=key)
        assert Message.objects.count() == 1
        assert begin(client, key=key_of(client.get("/ask/fern/"))) != begin(client)
        assert Message.objects.count() == 3

    def test_a_key_that_we_did_not_give_leads_to_nobody_elses_thread(
        self, client: Client, inbox: Inbox
    ) -> None:
        assert begin(client, key="1") != begin(client, key="1")

    def test_they_write_again_in_the_same_thread(self, client: Client, inbox: Inbox) -> None:
        path = begin(client, email="ann@example.org")
        answer = client.post(path, {"text": "For four, sorry.", "email": "ann@example.org"})
        assert answer.status_code == 302
        conversation = Conversation.objects.get()
        assert conversation.incoming_count == 2
        assert Contact.objects.count() == 1
        assert Message.objects.latest("id").extra == {"unverified_email": "ann@example.org"}

    def test_files_are_kept_and_given_back_as_downloads(self, client: Client, inbox: Inbox) -> None:
        path = begin(
            client,
            attached=[
                SimpleUploadedFile("menu.pdf", b"%PDF", content_type="text/html"),
                SimpleUploadedFile("pic.png", b"\x89PNG", content_type="text/html"),
            ],
        )
        pdf, png = Attachment.objects.order_by("id")
        assert (pdf.content_type, png.content_type) == ("application/pdf", "image/png")
        answer = client.get(f"{path}files/{pdf.pk}/")
        assert b"".join(answer.streaming_content) == b"%PDF"  # type: ignore[attr-defined]
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        answer = client.get(f"{path}files/{png.pk}/")
        assert answer.headers["Content-Type"] == "image/png"
        assert b"".join(answer.streaming_content) == b"\x89PNG"  # type: ignore[attr-defined]
        other = begin(client)
        assert client.get(f"{other}files/{pdf.pk}/").status_code == 404

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"text": "   "}, "a few words"),
            ({"text": "x" * 20_001}, "20000"),
            ({"email": "ann"}, "e-mail address"),
            ({"website": "http://spam.example"}, "If you are a person"),
            ({"attached": SimpleUploadedFile("a.exe", b"MZ")}, "a.exe"),
            ({"attached": SimpleUploadedFile("a.html", b"<script>")}, "a.html"),
            ({"attached": [SimpleUploadedFile(f"{n}.txt", b"x") for n in range(6)]}, "5 files"),
        ],
    )
    def test_what_cannot_be_taken_is_said_and_the_words_are_not_lost(
        self, client: Client, inbox: Inbox, fields: dict[str, Any], words: str
    ) -> None:
        answer = client.post("/ask/fern/", {"text": "Do you have a table?", "name": "Ann"} | fields)
        page = answer.content.decode()
        assert answer.status_code == 422
        assert words in page
        assert 'value="Ann"' in page
        assert not Delivery.objects.exists()

    def test_too_much_at_once_waits(self, client: Client, inbox: Inbox) -> None:
        limit = contact_page.NEW_THREADS[0]
        answers = [ask(client).status_code for _ in range(limit + 2)]
        assert answers == [302] * limit + [429] * 2
        page = ask(client, text="Please hear me").content.decode()
        assert "Please hear me" in page
        elsewhere = Client(REMOTE_ADDR="203.0.113.9")
        assert ask(elsewhere).status_code == 302

    def test_behind_a_proxy_the_last_address_it_names_counts(
        self, inbox: Inbox, settings: Any
    ) -> None:
        settings.USE_HTTPS = True
        limit = contact_page.NEW_THREADS[0]
        for number in range(limit + 1):
            chain = f"10.0.0.{number}, 203.0.113.7"
            answer = ask(Client(HTTP_X_FORWARDED_FOR=chain))
        assert answer.status_code == 429
        assert ask(Client(HTTP_X_FORWARDED_FOR="203.0.113.8")).status_code == 302

    def test_who_only_says_thanks_is_not_told_to_wait_for_an_answer(
        self, client: Client, inbox: Inbox
    ) -> None:
        path = begin(client)
        assert "The answer appears here" in client.get(path).content.decode()
        Message.objects.update(need="nothing", read_by="person")
        settle([Conversation.objects.get().pk], now=timezone.now())
        page = client.get(path).content.decode()
        assert "We have your message" in page
        assert "answer appears here" not in page


class TestWhoMayRead:
    @pytest.mark.parametrize("token", ["x", "x" * 24, "%00", "../", "a" * 500])
    def test_without_the_link_there_is_nothing(
        self, client: Client, inbox: Inbox, token: str
    ) -> None:
        begin(client)
        assert client.get(f"/ask/thread/{token}/").status_code == 404
        assert client.get(f"/ask/thread/{token}/messages/").status_code == 404
        assert client.post(f"/ask/thread/{token}/", {"text": "hello"}).status_code == 404

    def test_a_conversation_without_a_link_is_not_found_by_an_empty_one(
        self, client: Client, inbox: Inbox
    ) -> None:
        make.conversation(inbox)
        assert client.get("/ask/thread//").status_code == 404

    def test_a_typed_address_opens_and_joins_nothing(self, client: Client, inbox: Inbox) -> None:
        """Somebody who types Ann's address is not Ann: another person, another thread."""
        begin(client, name="Ann", email="ann@example.org", text="My address is Hill Road 7")
        mallory = Client()
        path = begin(mallory, name="Ann", email="ann@example.org", text="Where do I live?")
        assert "Hill Road" not in mallory.get(path).content.decode()
        assert Conversation.objects.count() == Contact.objects.count() == 2
        assert not Handle.objects.filter(address__icontains="ann@example.org").exists()

    def test_notes_are_never_shown(self, client: Client, inbox: Inbox, now: datetime) -> None:
        path = begin(client)
        conversation = Conversation.objects.get()
        handling.note(conversation, text="A difficult guest", author=make.user(), now=now)
        for address in (path, f"{path}messages/"):
            assert "difficult" not in client.get(address).content.decode()

    def test_a_reply_is_shown_when_its_seconds_of_undoing_are_over(
        self, client: Client, inbox: Inbox
    ) -> None:
        path = begin(client)
        message = reply(Conversation.objects.get(), tries=0)
        assert "for two" not in client.get(f"{path}messages/").content.decode()
        Sending.objects.filter(message=message).update(state="sent", try_count=1)
        page = client.get(f"{path}messages/").content.decode()
        assert "Yes, for two." in page
        assert "Bo" in page
        assert "Berg" not in page

    def test_what_is_written_is_text_and_nothing_else(self, client: Client, inbox: Inbox) -> None:
        path = begin(client, text="<script>alert(1)</script> http://a.example/<b>")
        page = client.get(path).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page

    def test_nothing_of_a_private_page_is_kept_by_caches_or_told_to_other_sites(
        self, client: Client, inbox: Inbox
    ) -> None:
        path = begin(client)
        for address in (path, f"{path}messages/"):
            headers = client.get(address).headers
            assert "no-store" in headers["Cache-Control"]
            assert headers["Referrer-Policy"] == "no-referrer"
            assert "noindex" in headers["X-Robots-Tag"]
        assert "Set-Cookie" not in client.get(path).headers


class TestLive:
    def test_nothing_new_costs_a_304(self, client: Client, inbox: Inbox) -> None:
        path = begin(client)
        first = client.get(f"{path}messages/")
        etag = first.headers["ETag"]
        again = client.get(f"{path}messages/", headers={"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")
        reply(Conversation.objects.get())
        changed = client.get(f"{path}messages/", headers={"If-None-Match": etag})
        assert changed.status_code == 200
        assert changed.headers["ETag"] != etag

    def test_looking_costs_the_same_however_long_the_thread_is(
        self, client: Client, inbox: Inbox, django_assert_max_num_queries: Any
    ) -> None:
        path = begin(client)
        for number in range(20):
            client.post(path, {"text": f"And {number}"})
        with django_assert_max_num_queries(3):
            client.get(f"{path}messages/")

    def test_a_message_that_is_kept_but_not_in_order_yet_is_not_lost_from_sight(
        self, client: Client, inbox: Inbox
    ) -> None:
        token = "t" * 24
        body = channel.written(
            message_id="1", thread="ask-1", text="Hello?", name="", email="", files=()
        )
        keep(inbox.pk, body=body, headers={"token": token}, external_id="1", now=timezone.now())
        page = client.get(f"/ask/thread/{token}/")
        assert page.status_code == 200
        assert "We have your message" in page.content.decode()
        Delivery.objects.update(state="set_aside", reason="No model to read with")
        assert client.get(f"/ask/thread/{token}/").status_code == 200
        Delivery.objects.update(state="waiting")
        take_in(now=timezone.now())
        assert "Hello?" in client.get(f"/ask/thread/{token}/").content.decode()


class TestOtherSites:
    def test_only_the_sites_that_were_named_may_frame_it(
        self, client: Client, inbox: Inbox
    ) -> None:
        assert (
            "frame-ancestors 'none'" in client.get("/ask/fern/").headers["Content-Security-Policy"]
        )
        inbox.settings = {"sites": ["https://fern.example", "https://x.example; script-src *"]}
        inbox.save()
        policy = client.get("/ask/fern/").headers["Content-Security-Policy"]
        assert policy.endswith("frame-ancestors 'self' https://fern.example")
        path = begin(client)
        assert client.get(path).headers["Content-Security-Policy"] == policy

    def test_in_a_frame_it_stays_in_the_frame(self, client: Client, inbox: Inbox) -> None:
        answer = client.post("/ask/fern/?embed=1", {"text": "Hello?"})
        path = answer.headers["Location"]
        assert path.endswith("/?embed=1")
        assert client.post(path, {"text": "More"}).headers["Location"].endswith("/?embed=1#end")

    def test_the_script_shows_the_page(self, client: Client, inbox: Inbox) -> None:
        answer = client.get("/ask/fern/embed.js")
        assert answer.headers["Content-Type"].startswith("text/javascript")
        assert '"http://testserver/ask/fern/"' in answer.content.decode()

    @pytest.mark.parametrize("path", ["/ask/nobody/", "/ask/nobody/embed.js", "/ask/hooked/"])
    def test_there_is_no_page_where_there_is_no_inbox(self, client: Client, path: str) -> None:
        make.inbox(kind="hook", slug="hooked")
        assert client.get(path).status_code == 404


class TestWhatMayBeExpected:
    def test_the_promise_is_told_in_opening_hours(self, now: datetime) -> None:
        week = [[["09:00", "17:00"]]] * 5 + [[], []]
        hours = make.hours(timezone="Europe/Berlin", week=week)
        inbox = make.inbox(hours=hours, policy=make.policy(first_response_minutes=60))
        words = expected_words(expectation(inbox, now=now))
        assert words == ["You will have an answer today at 14:00 at the latest."]
        friday_night = datetime.fromisoformat("2026-03-06T22:00:00+01:00")
        words = expected_words(expectation(inbox, now=friday_night))
        assert words == [
            "We are closed now and back on Monday at 09:00.",
            "You will have an answer on Monday at 10:00 at the latest.",
        ]

    def test_nothing_is_promised_that_nobody_promised(self, now: datetime) -> None:
        inbox = make.inbox(policy=make.policy(first_response_minutes=None))
        assert expected_words(expectation(inbox, now=now)) == ["We read every message."]

    def test_hours_that_never_open_promise_nothing(self, now: datetime) -> None:
        inbox = make.inbox(hours=make.hours(week=[[]] * 7))
        assert expected_words(expectation(inbox, now=now)) == ["We read every message."]

    def test_what_was_is_told_only_when_it_is_enough_and_counts_who_was_forgotten(
        self, now: datetime
    ) -> None:
        inbox = make.inbox(policy=make.policy(first_response_minutes=None))
        then = now - timedelta(days=2)

        def asked(number: int, seconds: float | None) -> Conversation:
            return Conversation(
                inbox=inbox,
                root=str(number),
                started_at=then,
                started_by_contact=True,
                first_reply_seconds=seconds,
                waiting_since=None if seconds else then,
            )

        Conversation.objects.bulk_create(asked(n, 60.0 * n) for n in range(1, 20))
        assert expectation(inbox, now=now).median_seconds is None
        Conversation.objects.bulk_create([asked(20, 1200.0)])
        assert expectation(inbox, now=now).median_seconds == 600
        Conversation.objects.bulk_create(asked(n, None) for n in range(21, 31))
        assert expectation(inbox, now=now).median_seconds == 900
        words = expected_words(expectation(inbox, now=now))
        assert words == ["Half of the recent questions were answered within 15 minutes."]
        Conversation.objects.bulk_create(asked(n, None) for n in range(31, 60))
        assert expectation(inbox, now=now).median_seconds is None
