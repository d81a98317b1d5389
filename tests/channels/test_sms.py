"""SMS through Twilio: proven by its own library, heard once, STOP understood as what it is."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from heard.channels import sms
from heard.channels.base import (
    Account,
    Confirmed,
    Delivered,
    Fetching,
    Hooked,
    Incoming,
    NotUnderstoodError,
    Outgoing,
    PlaceError,
    Progress,
    RefusedError,
    SendState,
    SetAside,
)
from heard.conversations.deliveries.journal import take_in
from heard.conversations.inboxes.accounts import account_of
from heard.conversations.models import Message, Sending
from heard.conversations.outbox.sending import deliver
from heard.conversations.views import hooks
from heard.lib.sealing import seal
from tests import make
from tests.channels.place import Place

PAYLOADS = Path(__file__).parent / "payloads" / "sms"
TOKEN = "12345678901234567890123456789012"
SID = "AC00000000000000000000000000000001"
HOOK = "https://care.example/hooks/abc/"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ANN, SHOP = "+14155550100", "+14155550199"
CALL = f"POST /2010-04-01/Accounts/{SID}/Messages.json"
REPLY = Outgoing("key-1", ANN, "On its way: 1 + 1 & more.", answered={"to": SHOP}, parent="SM0001")


def account(**settings: Any) -> Account:
    return Account(
        "SMS",
        {"account_sid": SID, "number": SHOP, **settings},
        secrets={"auth_token": TOKEN},
        hook=HOOK,
        allow_private=True,
    )


def body(name: str, **more: str) -> bytes:
    told = dict(parse_qsl((PAYLOADS / f"{name}.form").read_text(), keep_blank_values=True))
    return urlencode({**told, **more}).encode()


def signed(content: bytes, *, url: str = HOOK, token: str = TOKEN) -> Delivered:
    form = dict(parse_qsl(content.decode(), keep_blank_values=True))
    mark = RequestValidator(token).compute_signature(url, form)
    return Delivered(content, {"x-twilio-signature": mark}, NOW, url=HOOK)


def said(name: str, **more: str) -> list[Any]:
    return list(sms.parse(Delivered(body(name, **more), {}, NOW), account()))


def test_it_keeps_to_the_contract() -> None:
    assert isinstance(sms, Hooked)
    assert isinstance(sms, Confirmed)
    assert isinstance(sms, Fetching)
    greeting = sms.confirm(signed(b""), account())
    assert (greeting.status, greeting.content_type) == (200, "text/xml")
    assert b"<Response></Response>" in greeting.body


@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("*.form")), ids=lambda path: path.stem)
def test_only_what_twilio_signed_gets_in(path: Path) -> None:
    content = path.read_bytes()
    good = signed(content)
    sms.authenticate(good, account())
    for bad in (
        replace(good, headers={}),
        replace(good, headers={"x-twilio-signature": "é"}),
        replace(good, body=content + b"&Body=other"),
        replace(good, url="https://other.example/hooks/abc/"),
        signed(content, token="another token"),
    ):
        with pytest.raises(RefusedError):
            sms.authenticate(bad, account())
    with pytest.raises(RefusedError):
        sms.authenticate(good, replace(account(), secrets={}))


def test_a_message_is_heard() -> None:
    [message] = said("message")
    assert (message.external_id, message.text) == ("SM0001", "Where is my parcel? 📦")
    assert (message.sender, message.root, message.at) == (ANN, ANN, NOW)
    assert message.extra == {"to": SHOP, "links": {"phone": ANN}}
    assert message.need == ""
    [short] = said("message", From="72345")
    assert (short.sender, "links" in short.extra) == ("72345", False)


def test_pictures_come_along_and_are_fetched_with_our_credentials() -> None:
    [message] = said("picture")
    assert message.text == ""
    assert [file.content_type for file in message.files] == ["image/jpeg", "text/x-vcard"]
    assert message.files[0].name == "file-1.jpg"
    with Place() as place, Place() as store:
        media = f"/2010-04-01/Accounts/{SID}/Messages/MM0002/Media/ME1"
        place.answers(f"GET {media}", status=307, headers={"location": f"{store.url}/1.jpg"})
        store.answers("GET /1.jpg", b"\xff\xd8")
        found = sms.fetch(f"{place.url}{media}", account(api_url=place.url))
        assert found == b"\xff\xd8"
        assert place.asked[0].headers["authorization"].startswith("Basic ")
    with pytest.raises(PlaceError):
        sms.fetch("https://elsewhere.example/1.jpg", account())


@pytest.mark.parametrize(
    ("words", "kind_of", "chosen", "need"),
    [
        ("STOP", "STOP", "out", "nothing"),
        ("stop.", "", "out", "nothing"),
        ("Unsubscribe", "", "out", "nothing"),
        ("Cancel", "", "out", ""),
        ("START", "START", "in", "nothing"),
        ("Yes", "START", "in", "nothing"),
        ("Yes", "", None, ""),
        ("HELP", "HELP", None, ""),
        ("Please stop the music at night", "", None, ""),
    ],
)
def test_stop_and_start_are_what_they_are(
    words: str, kind_of: str, chosen: str | None, need: str
) -> None:
    [message] = said("message", Body=words, **({"OptOutType": kind_of} if kind_of else {}))
    assert (message.extra.get("opted"), message.need, message.text) == (chosen, need, words)


def test_what_became_of_ours_is_heard() -> None:
    assert said("sent") == []
    assert said("delivered") == [Progress("SM0100", NOW, "delivered")]
    [lost] = said("undelivered")
    assert (lost.external_id, lost.state) == ("SM0101", "failed")
    assert "out of reach" in lost.reason
    [odd] = said("undelivered", ErrorCode="39999")
    assert "39999" in odd.reason


def test_fields_of_tomorrow_change_nothing() -> None:
    for path in PAYLOADS.glob("*.form"):
        assert said(path.stem) == said(path.stem, FieldOfTomorrow="x", AddOns='{"a": 1}')


def test_a_body_that_breaks_off_or_is_something_else_is_not_understood() -> None:
    for content in (b"", b"ToCountry=US&ToSt", b"{}", b"\xff\xfe=1", b"CallSid=CA1", b"[" * 9999):
        with pytest.raises(NotUnderstoodError):
            list(sms.parse(Delivered(content, {}, NOW), account()))
    cut = body("message").partition(b"&From=")[0] + b"&MessageSid=SM0001"
    [aside] = sms.parse(Delivered(cut, {}, NOW), account())
    assert isinstance(aside, SetAside)


@given(
    st.dictionaries(
        st.sampled_from(["MessageSid", "SmsStatus", "MessageStatus", "From", "To", "Body",
                         "NumMedia", "MediaUrl0", "MediaContentType0", "OptOutType", "ErrorCode"]),
        st.text(max_size=30) | st.sampled_from(["received", "failed", "٣", "²", "99999", "\0"]),
    )
)  # fmt: skip
def test_anything_is_heard_set_aside_or_not_understood(form: dict[str, str]) -> None:
    content = urlencode(form, errors="replace").encode()
    try:
        found = list(sms.parse(Delivered(content, {}, NOW), account()))
    except NotUnderstoodError:
        return
    for one in found:
        if isinstance(one, Incoming):
            assert one.external_id
            assert one.sender
            assert "\0" not in one.text


class TestSending:
    def test_an_answer_goes_out_from_the_number_that_was_written_to(self) -> None:
        with Place() as place:
            place.answers(CALL, {"sid": "SM0100", "status": "queued"}, status=201)
            receipt = sms.send(REPLY, account(api_url=place.url, number="MG1"))
            sms.send(replace(REPLY, answered={}), account(api_url=place.url, number="MG1"))
        assert (receipt.state, receipt.external_id) == (SendState.SENT, "SM0100")
        assert place.asked[0].form() == {
            "To": ANN, "From": SHOP, "Body": REPLY.text, "StatusCallback": HOOK,
        }  # fmt: skip
        assert place.asked[1].form()["MessagingServiceSid"] == "MG1"
        assert not sms.may_repeat(REPLY)

    @pytest.mark.parametrize(
        ("status", "said", "is_final", "wait", "words"),
        [
            (400, {"code": 21610, "message": "unsubscribed"}, True, None, "STOP"),
            (400, {"code": 21211, "message": "Invalid"}, True, None, "no telephone number"),
            (401, {"code": 20003, "message": "Authenticate"}, True, None, "auth token"),
            (429, {"code": 20429, "message": "Too many"}, False, 17, "slow down"),
            (503, {}, False, 17, "503"),
        ],
    )
    def test_every_refusal_is_told_in_words(
        self, status: int, said: Any, is_final: bool, wait: int | None, words: str
    ) -> None:
        with Place() as place:
            headers = {"retry-after": "17"} if wait else {}
            place.answers(CALL, said, status=status, headers=headers)
            receipt = sms.send(REPLY, account(api_url=place.url))
        assert (receipt.state, receipt.is_final) == (SendState.FAILED, is_final)
        assert receipt.retry_after_seconds == wait
        assert words in receipt.reason

    def test_a_line_that_breaks_leaves_it_open(self) -> None:
        with Place() as place:
            place.breaks_off(CALL)
            assert sms.send(REPLY, account(api_url=place.url)).state is SendState.UNKNOWN
            closed = place.url
        receipt = sms.send(REPLY, account(api_url=closed))
        assert (receipt.state, receipt.is_final) == (SendState.FAILED, False)

    def test_a_text_that_is_too_long_never_leaves(self) -> None:
        with Place() as place:
            receipt = sms.send(replace(REPLY, text="📦" * 801), account(api_url=place.url))
        assert (receipt.is_final, place.asked) == (True, [])
        inside = replace(account(api_url="http://127.0.0.1:9"), allow_private=False)
        assert sms.send(REPLY, inside).is_final


class TestChecking:
    @pytest.mark.parametrize(
        ("numbers", "words"),
        [
            ([{"sms_url": HOOK, "capabilities": {"sms": True}}], ""),
            ([{"sms_url": "https://demo.twilio.com/welcome"}], "elsewhere"),
            ([{"sms_url": HOOK, "capabilities": {"sms": False}}], "cannot"),
            ([], "not among"),
        ],
    )
    def test_it_tells_what_stands_in_the_way(self, numbers: list[Any], words: str) -> None:
        with Place() as place:
            place.answers(
                f"GET /2010-04-01/Accounts/{SID}.json",
                {"friendly_name": "The Shop", "status": "active"},
            )
            place.answers(
                f"GET /2010-04-01/Accounts/{SID}/IncomingPhoneNumbers.json",
                {"incoming_phone_numbers": numbers},
            )
            checked = sms.check(account(api_url=place.url))
        assert checked.account == f"The Shop {SHOP}"
        assert words in " ".join(checked.warnings)
        assert bool(words) == bool(checked.warnings)

    def test_wrong_credentials_and_numbers_need_a_person(self) -> None:
        with Place() as place:
            place.answers(f"GET /2010-04-01/Accounts/{SID}.json", {"code": 20003}, status=401)
            for wrong in (account(api_url=place.url), account(number="0415 555"),
                          account(account_sid="SK1")):  # fmt: skip
                with pytest.raises(PlaceError) as trouble:
                    sms.check(wrong)
                assert trouble.value.needs_person


@pytest.mark.django_db
class TestThroughTheDoor:
    @pytest.mark.parametrize("seed", [1, 2])
    def test_delivered_twice_and_out_of_order_it_is_there_once(self, seed: int) -> None:
        hooks._doors.clear()
        with Place() as place:
            place.answers(CALL, {"sid": "SM0100", "status": "queued"}, status=201)
            inbox = make.inbox(
                kind="sms",
                settings={"account_sid": SID, "number": SHOP, "allow_private": True,
                          "api_url": place.url},
                secret=seal(json.dumps({"auth_token": TOKEN})),
            )  # fmt: skip
            url = account_of(inbox).hook

            def bring(content: bytes) -> None:
                proof = signed(content, url=url).headers
                answer = Client().post(
                    f"/hooks/{inbox.token}/",
                    content,
                    content_type="application/x-www-form-urlencoded",
                    headers=dict(proof),
                )
                assert (answer.status_code, answer["content-type"]) == (200, "text/xml")

            def settle() -> None:
                while take_in(now=datetime.now(UTC)):
                    pass

            bring(body("message"))
            settle()
            question = inbox.message_set.get()
            at = datetime.now(UTC) - timedelta(seconds=20)
            reply = Message.objects.create(
                conversation=question.conversation, inbox=inbox, kind="reply", at=at, text="Soon."
            )
            sending = Sending.objects.create(message=reply, not_before=at, updated_at=at)
            names = ["message", "picture", "stop", "sent", "delivered", "undelivered"] * 2
            random.Random(seed).shuffle(names)
            early = [name for name in names[:6] if name != "stop"]  # it would keep the reply back
            for name in early:
                bring(body(name))
            settle()
            deliver(sending_id=sending.pk)
            for name in [*names[6:], *names[:6]]:
                bring(body(name))
            settle()
        incoming = inbox.message_set.filter(kind="incoming")
        assert sorted(incoming.values_list("external_id", flat=True)) == [
            "MM0002", "SM0001", "SM0003",
        ]  # fmt: skip
        [ours] = inbox.message_set.filter(kind="reply")
        sending.refresh_from_db()
        assert (ours.external_id, sending.state) == ("SM0100", "sent")
        assert not inbox.delivery_set.filter(state="waiting").exists()
        assert Client().post(f"/hooks/{inbox.token}/", {"MessageSid": "1"}).status_code == 401
