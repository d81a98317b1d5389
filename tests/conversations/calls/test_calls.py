"""A call stands in its caller's history once, as what is known of it by now."""

from __future__ import annotations

import itertools
import json
import random
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from twilio.request_validator import RequestValidator

from heard.channels import signing
from heard.channels.base import CallEvent, File
from heard.contacts.models import Contact
from heard.conversations.calls import taking
from heard.conversations.deliveries.fetching import fetch_attachment
from heard.conversations.deliveries.journal import take_in
from heard.conversations.files import attachments
from heard.conversations.inboxes.accounts import account_of
from heard.conversations.intake.receiving import receive
from heard.conversations.models import Attachment, Call, Clock, Conversation, Inbox, Message
from heard.conversations.people.joining import join
from heard.conversations.views import hooks
from heard.lib.sealing import seal
from tests import make
from tests.channels.place import Place
from tests.conversations.asking import browser

pytestmark = pytest.mark.django_db

ANN = "+442079460000"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def it(what: Any, second: float = 0, **fields: Any) -> CallEvent:
    at = make.NOON + timedelta(seconds=second)
    return CallEvent(
        **{"external_id": f"{what}{second}", "call": "c1", "at": at, "what": what, **fields}
    )


def phone(**fields: Any) -> Inbox:
    return make.inbox(kind="phone", **fields)


def tell(box: Inbox, *events: CallEvent, later: float = 3600) -> None:
    taking.take(box, events, now=make.NOON + timedelta(seconds=later))


ABANDONED = (it("ringing", 0, caller=ANN), it("queued", 5), it("hung_up", 1205))
ANSWERED = (
    it("ringing", 0, caller=ANN),
    it("queued", 5, queue="Support"),
    it("answered", 65, agent="Bo"),
    it("hung_up", 365),
)


class TestAnAbandonedCall:
    def test_is_an_unanswered_question_and_its_clock_runs(self) -> None:
        box = phone()
        tell(box, *ABANDONED)
        told = Conversation.objects.get()
        assert (told.need, told.status, told.root) == ("answer", "open", f"calls:{ANN}")
        clock = Clock.objects.get()
        assert clock.kind == "first_response"
        assert clock.started_at == make.NOON + timedelta(seconds=1205)
        call = Call.objects.get()
        assert (call.outcome, call.hold_seconds) == ("abandoned", 1200)
        assert call.message == Message.objects.defer("search").get()

    def test_is_met_by_the_call_back(self) -> None:
        box = phone()
        tell(box, *ABANDONED)
        back = {"call": "c2", "is_outgoing": True, "caller": ANN, "agent": "Bo"}
        tell(box, it("ringing", 1500, **back), it("hung_up", 1520, **back))
        assert Clock.objects.get().met_at is None, "an attempt is no answer"
        back["call"] = "c3"
        tell(box, it("ringing", 1600, **back), it("answered", 1610, **back))
        assert Clock.objects.get().met_at == make.NOON + timedelta(seconds=1610)
        assert Conversation.objects.get().need == "nothing"

    def test_is_met_when_they_call_again_and_somebody_answers(self) -> None:
        box = phone()
        tell(box, *ABANDONED)
        again = {"call": "c2", "caller": ANN}
        tell(box, it("ringing", 2000, **again), it("answered", 2030, agent="Bo", **again))
        assert Clock.objects.get().met_at == make.NOON + timedelta(seconds=2030)


def test_an_answered_call_owes_nothing_and_is_answered_in_the_thread() -> None:
    tell(phone(), *ANSWERED)
    told = Conversation.objects.get()
    assert (told.need, told.status) == ("nothing", "resolved")
    assert not Clock.objects.exists()
    first, second = Message.objects.defer("search").order_by("at")
    assert (first.kind, second.kind, second.author_name) == ("incoming", "reply", "Bo")
    assert told.first_reply_seconds == 65
    assert Call.objects.get().talk_seconds == 300


def test_while_it_goes_on_the_words_follow() -> None:
    box = phone()
    seen = []
    for event in ANSWERED:
        tell(box, event)
        seen.append(Message.objects.defer("search").get(kind="incoming").text)
    assert seen == [
        "Is calling.",
        "Is on the phone, on hold in the queue Support.",
        "Is on the phone with Bo after 60 s on hold.",
        "Called, and talked with Bo for 5 min after 60 s on hold.",
    ]
    assert Call.objects.get().hold_since is None


def state(box: Inbox) -> Any:
    """Everything that a call left behind, without the ids."""
    return (
        list(
            Call.objects.filter(inbox=box).values_list(
                "outcome", "caller", "hold_seconds", "message__text", "recording__name", "events"
            )
        ),
        list(
            Message.objects.filter(inbox=box)
            .order_by("at", "kind")
            .values_list("kind", "external_id", "text", "need", "at", "extra", "contact__name")
        ),
        list(
            Conversation.objects.filter(inbox=box).values_list(
                "root", "need", "status", "waiting_since", "incoming_count", "reply_count"
            )
        ),
        list(Attachment.objects.filter(message__inbox=box).values_list("name", "digest")),
        list(Clock.objects.filter(inbox=box).values_list("kind", "started_at", "met_at")),
        sorted(
            Contact.objects.filter(handles__kind=box.kind).values_list("name", "handles__address")
        ),
    )


VOICEMAIL = (
    it("ringing", 0, caller=ANN, caller_name="Ann"),
    it("queued", 5, queue="Support"),
    it("voicemail", 90, seconds=20, external_id="v", file=File("v.wav", "audio/wav", b"RIFFx")),
    it("hung_up", 91, reason="done"),
    it("transcript", 95, external_id="v:text", text="My soup is cold.", written_by="w"),
)


@pytest.mark.parametrize(
    "story", [ANSWERED, VOICEMAIL, ABANDONED], ids=["answered", "voicemail", "abandoned"]
)
def test_in_any_order_and_twice_it_is_the_same_call(story: tuple[CallEvent, ...]) -> None:
    box = phone()
    tell(box, *story)
    whole = state(box)
    orders = list(itertools.permutations(story))
    for order in random.Random(7).sample(orders, min(12, len(orders))):
        box.delete()
        Contact.objects.all().delete()
        box = phone()
        for event in order:
            tell(box, event)
            tell(box, event)
        assert state(box) == whole, [event.what for event in order]


def test_a_caller_whose_number_comes_late_is_nobody_else() -> None:
    box = phone()
    sound = File("v.wav", "audio/wav", b"RIFFx")
    tell(box, it("voicemail", 30, file=sound, external_id="v"))
    assert Contact.objects.get().name == "Unknown caller"
    tell(box, it("ringing", 0, caller=ANN))
    assert Contact.objects.get().name == ANN
    assert Conversation.objects.get().root == f"calls:{ANN}"
    assert Attachment.objects.get().message == Call.objects.get().message


def test_a_voicemail_is_kept_with_its_recording_and_read_when_it_is_written_down() -> None:
    box = phone()
    tell(box, *VOICEMAIL[:4])
    said = Message.objects.defer("search").get()
    assert "not been written down" in said.text
    assert (said.need, said.attachments.get().name, said.read_by) == ("answer", "v.wav", "")
    text = "This is terrible, my soup was cold and nobody cared!"
    taking.take_text(Call.objects.get(), event="v", text=text, written_by="whisper", now=make.NOON)
    said.refresh_from_db(fields=["text", "need", "mood", "extra", "read_by"])
    assert said.text.endswith(text)
    assert (said.need, said.mood, said.read_by) == ("answer", "negative", "model")
    assert said.extra is not None
    assert said.extra["call"]["written_by"] == "whisper"


def test_what_a_person_has_corrected_stays() -> None:
    box = phone()
    tell(box, *ABANDONED[:2])
    Message.objects.update(need="nothing", read_by="person")
    tell(box, ABANDONED[2])
    assert Message.objects.defer("search").get().need == "nothing"


def test_one_caller_is_one_history_and_two_inboxes_do_not_mix() -> None:
    one, other = phone(), phone()
    for box in (one, other):
        tell(box, *ABANDONED)
        tell(box, it("ringing", 5000, call="c2", caller=ANN))
    assert Conversation.objects.filter(inbox=one).count() == 1
    assert Contact.objects.count() == 1
    assert Call.objects.count() == 4


def test_twenty_minutes_on_hold_and_the_angry_post_an_hour_later_are_one_history() -> None:
    boss = make.owner()
    tell(phone(), *ABANDONED)
    blog = make.inbox(kind="bluesky", is_public=True)
    angry = make.incoming(
        "Twenty minutes on hold, and then nobody!",
        sender="did:plc:ann",
        sender_name="Ann",
        at=make.NOON + timedelta(seconds=4800),
    )
    receive(blog, [angry], now=make.NOON + timedelta(seconds=4900))
    caller = Contact.objects.get(handles__address=ANN)
    poster = Contact.objects.get(handles__address="did:plc:ann")
    join(caller, into=poster, by=boss, now=make.NOON + timedelta(seconds=5000))
    history = Message.objects.filter(contact=poster).order_by("at").values_list("text", flat=True)
    assert [text[:40] for text in history] == [
        "Called, and hung up after 20 min on hold",
        "Twenty minutes on hold, and then nobody!",
    ]
    # Whoever calls again from that number is still the same person.
    tell(Inbox.objects.get(kind="phone"), it("ringing", 6000, call="c9", caller=ANN), later=6000)
    assert Message.objects.filter(contact=poster).count() == 3


class TestTheHook:
    @pytest.fixture(autouse=True)
    def _fresh_doors(self) -> None:
        hooks._doors.clear()

    def post(self, box: Inbox, told: Any, *, name: str = "d1", secret: str = SECRET) -> int:
        body = json.dumps(told).encode()
        headers = signing.signed(body, secret=secret, message_id=name, at=timezone.now())
        return (
            Client()
            .post(f"/hooks/{box.token}/", body, content_type="application/json", headers=headers)
            .status_code
        )

    def test_signed_events_become_a_call_and_what_is_wrong_is_set_aside(self) -> None:
        box = phone(secret=seal(SECRET), settings={"country": "GB"})
        told = [
            {"call": "7", "event": "queued", "from": '"Ann" <020 7946 0000>', "queue": "Support"},
            {"call": "7", "event": "sneezed"},
            {"call": "7", "event": "hung_up"},
        ]
        assert self.post(box, {"events": told}) == 202
        assert self.post(box, {"events": told}) == 202, "a repeated delivery is the same one"
        assert self.post(box, {"events": told}, secret="whsec_" + "A" * 32) == 401
        take_in(now=timezone.now())
        call = Call.objects.get()
        assert (call.caller, call.caller_name, call.outcome) == (ANN, "Ann", "abandoned")
        states = box.delivery_set.values_list("state", "reason")
        assert sorted(state for state, _ in states) == ["set_aside", "taken"]
        assert any("“event” is one of" in reason for _, reason in states)


def test_an_archive_of_call_records_becomes_history(tmp_path: Any) -> None:
    payload = Path(__file__).parents[2] / "channels" / "payloads" / "calls" / "asterisk.csv"
    arguments = ["import", "calls", "--inbox", "Old line", "--from", "asterisk"]
    arguments += ["--timezone", "Europe/London", "--country", "GB", str(payload)]
    out = StringIO()
    call_command(*arguments, stdout=out)
    call_command(*arguments, stdout=StringIO())
    box = Inbox.objects.get(name="Old line")
    assert (box.kind, Call.objects.filter(inbox=box, is_history=True).count()) == ("phone", 6)
    lost = Call.objects.get(outcome="abandoned")
    assert (lost.hold_seconds, lost.caller) == (1200, "+442079460002")
    assert lost.message is not None
    assert lost.message.need == "answer"
    # They were called back two hours later, so that was late or not by the promise, but met.
    clock = Clock.objects.get(message=lost.message)
    assert clock.met_at is not None
    assert not Message.objects.filter(inbox=box).exclude(mood="").exists(), "our words are not read"
    assert "2  set aside" in out.getvalue()
    assert not Conversation.objects.exclude(status="resolved").exists()


def test_the_thread_shows_hold_talk_queue_and_the_machine_that_wrote() -> None:
    box = phone()
    tell(box, *VOICEMAIL)
    page = browser(make.owner()).get(f"/conversations/{Conversation.objects.get().pk}/").content
    for words in ("on hold 65 s", "Support", "written down by a machine (w)", "<audio controls"):
        assert words in page.decode(), words


def test_the_thread_of_a_call_that_goes_on_ticks() -> None:
    box = phone()
    tell(box, it("queued", 0, caller=ANN))
    page = browser(make.owner()).get(f"/conversations/{Conversation.objects.get().pk}/").content
    assert "on the phone now" in page.decode()
    assert f'data-since="{make.NOON.timestamp()}' in page.decode()


def test_a_call_through_twilio_from_its_callbacks_to_its_recording(client: Client) -> None:
    hooks._doors.clear()
    token = "12345678901234567890123456789012"
    with Place() as place:
        place.answers("GET /RE1.mp3", b"ID3sound", headers={"content-type": "audio/mpeg"})
        box = make.inbox(
            kind="twilio_voice",
            secret=seal(json.dumps({"auth_token": token})),
            settings={"account_sid": "AC1", "api_url": place.url, "allow_private": True},
        )

        def post(**told: str) -> Any:
            form = {"AccountSid": "AC1", "CallSid": "CA1", "From": ANN, "Direction": "inbound"}
            form |= told
            mark = RequestValidator(token).compute_signature(account_of(box).hook, form)
            return client.post(
                f"/hooks/{box.token}/",
                urlencode(form),
                content_type="application/x-www-form-urlencoded",
                headers={"x-twilio-signature": mark},
            )

        answer = post(CallStatus="ringing")
        assert (answer.status_code, answer["Content-Type"]) == (200, "text/xml")
        assert b"<Response></Response>" in answer.content
        recording = {"RecordingSid": "RE1", "RecordingUrl": f"{place.url}/RE1.mp3"}
        assert post(**recording, RecordingDuration="30").status_code == 200
        assert post(CallStatus="completed").status_code == 200
        assert client.post(f"/hooks/{box.token}/", {"CallSid": "CA1"}).status_code == 401
        take_in(now=timezone.now())
        paper = Attachment.objects.get()
        assert paper.state == Attachment.State.WAITING
        fetch_attachment(attachment_id=paper.pk)
        paper.refresh_from_db()
        assert (paper.state, paper.content_type) == (Attachment.State.KEPT, "audio/mpeg")
        assert attachments.content(paper.digest) == b"ID3sound"
    call = Call.objects.get()
    assert (call.outcome, call.recording) == ("voicemail", paper)
    said = Message.objects.defer("search").get()
    assert said.extra is not None
    assert said.extra["links"] == {"phone": ANN}
