"""What Google Play has of its own, besides what `test_vendor_contract` asks of all."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from django.utils import timezone

from heard.channels import google_play
from heard.channels.base import Delivered, Edited, Incoming, Kind, PlaceError, SendState
from heard.conversations.deliveries.journal import keep_fetched, take_in
from heard.conversations.models import Inbox, Message, Sending
from heard.conversations.outbox.sending import deliver
from heard.lib.sealing import seal
from tests import make
from tests.channels.place import Place
from tests.channels.vendors import GOOGLE_FILE, GOOGLE_KEY, PLAY, VENDORS, delivered

[VENDOR] = [vendor for vendor in VENDORS if vendor.kind == "google_play"]
LIST = f"GET {PLAY}"


def said(name: str) -> list[Any]:
    return list(google_play.parse(delivered(VENDOR.body(f"{name}.json")), VENDOR.account()))


def review(name: str, *, text: str = "Good", stars: int = 4, at: int = 1795341600) -> Any:
    theirs = {"text": text, "lastModified": {"seconds": str(at)}, "starRating": stars}
    return {"reviewId": name, "authorName": "Ann", "comments": [{"userComment": theirs}]}


def answered(name: str, words: str, **more: Any) -> Any:
    one = review(name, **more)
    ours = {"text": words, "lastModified": {"seconds": "1795342000"}}
    return {**one, "comments": [*one["comments"], {"developerComment": ours}]}


def test_a_review_has_its_stars_its_page_and_our_answer_is_a_reply() -> None:
    theirs, ours = said("answered")
    assert (theirs.extra["rating"], theirs.need, theirs.is_public) == (2, "answer", True)
    assert theirs.extra["url"].endswith("?id=com.example.shop&reviewId=gp%3AAOqpTOE1")
    assert (theirs.extra["version"], theirs.language) == ("1.2.3", "en")
    assert (ours.kind, ours.parent, ours.root) == (Kind.REPLY, "gp:AOqpTOE1", "gp:AOqpTOE1")
    assert ours.at > theirs.at
    [translated] = said("translated")
    assert (translated.text, translated.language) == ("Sehr praktisch", "de")


def test_changed_stars_are_told_beneath_the_words() -> None:
    _, changed = said("edited")
    assert isinstance(changed, Edited)
    assert changed.text == "It remembers my basket now."
    assert changed.extra == {"rating": 5}


def test_what_is_new_changed_or_answered_is_brought_once() -> None:
    turns = [
        [review("A"), review("B")],
        [review("A"), review("B")],
        [review("A", text="Bad", stars=1, at=1795345000), review("B")],
        [review("A", text="Bad", stars=1, at=1795345000), answered("B", "Thanks!")],
    ]
    with Place() as place:
        VENDOR.prepares(place)
        for turn in turns:
            place.answers(LIST, {"reviews": turn})
        account = VENDOR.account(api_url=place.url)
        cursor = ""
        brought: list[list[Any]] = []
        for _ in turns:
            fetched = google_play.poll(cursor, account)
            cursor = fetched.cursor
            brought.append([h for one in fetched.deliveries
                            for h in google_play.parse(one, account)])  # fmt: skip
    assert [one.external_id for one in brought[0]] == ["A", "B"]
    assert brought[1] == []
    assert [type(one) for one in brought[2]] == [Incoming, Edited]
    assert (brought[2][1].extra, brought[2][1].need) == ({"rating": 1}, "answer")
    assert [one.kind for one in brought[3]] == [Kind.INCOMING, Kind.REPLY]


def test_pages_are_followed_while_they_bring_something() -> None:
    more = {"tokenPagination": {"nextPageToken": "two"}}
    with Place() as place:
        VENDOR.prepares(place)
        place.answers(LIST, {"reviews": [review("A")], **more})
        place.answers(LIST, {"reviews": [review("B")]})
        place.answers(LIST, {"reviews": [review("A")], **more})
        account = VENDOR.account(api_url=place.url)
        first = google_play.poll("", account)
        second = google_play.poll(first.cursor, account)
    asked = [one.query.get("token") for one in place.asked if one.method == "GET"]
    assert asked == [None, "two", None]
    assert (len(first.deliveries), len(second.deliveries)) == (2, 0)


def test_the_service_account_proves_itself_with_its_key() -> None:
    with Place() as place:
        VENDOR.prepares(place)
        place.answers(VENDOR.checks, VENDOR.known)
        google_play.check(VENDOR.account(api_url=place.url))
    token = place.asked[0].form()["assertion"]
    head, claims, proof = (
        base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")
    )
    content = token.rpartition(".")[0].encode()
    GOOGLE_KEY.public_key().verify(proof, content, padding.PKCS1v15(), hashes.SHA256())
    assert json.loads(head) == {"alg": "RS256", "typ": "JWT", "kid": "kid1"}
    told = json.loads(claims)
    assert told["iss"] == GOOGLE_FILE["client_email"]
    assert told["scope"] == "https://www.googleapis.com/auth/androidpublisher"
    assert (told["aud"], told["exp"] - told["iat"]) == ("https://oauth2.googleapis.com/token", 3600)
    assert place.asked[1].headers["authorization"] == "Bearer tok"


@pytest.mark.parametrize(
    "key",
    ["", "{}", "[]", "not json", json.dumps({**GOOGLE_FILE, "private_key": "nothing"}),
     json.dumps({**GOOGLE_FILE, "private_key": "-----BEGIN X-----\nAAAA\n-----END X-----"})],
)  # fmt: skip
def test_a_key_that_is_not_whole_needs_a_person(key: str) -> None:
    account = replace(VENDOR.account(), secrets={"key": key})
    with pytest.raises(PlaceError) as trouble:
        google_play.check(account)
    assert trouble.value.needs_person
    receipt = google_play.send(VENDOR.reply, account)
    assert (receipt.state, receipt.is_final) == (SendState.FAILED, True)


def test_a_key_whose_lines_were_lost_in_the_field_still_signs() -> None:
    flat = json.dumps({**GOOGLE_FILE, "private_key": GOOGLE_FILE["private_key"].replace("\n", " ")})
    with Place() as place:
        VENDOR.prepares(place)
        place.answers(VENDOR.checks, VENDOR.known)
        account = replace(VENDOR.account(api_url=place.url), secrets={"key": flat})
        assert google_play.check(account).account == "com.example.shop"


def test_an_answer_may_be_given_again_because_it_takes_its_own_place() -> None:
    assert google_play.may_repeat(VENDOR.reply)
    assert google_play.public.one_reply


def test_a_sign_in_that_google_does_not_know_needs_a_person() -> None:
    with Place() as place:
        ended = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
        place.answers("POST /token", ended, status=400)
        with pytest.raises(PlaceError, match="Invalid JWT Signature") as trouble:
            google_play.poll("", VENDOR.account(api_url=place.url))
    assert trouble.value.needs_person


def bring(inbox: Inbox, body: bytes) -> None:
    now = timezone.now()
    keep_fetched(inbox.pk, [Delivered(body, {}, now)], now=now)
    while take_in(now=now):
        pass


@pytest.mark.django_db
def test_a_second_answer_takes_the_first_ones_place_there_and_both_stay_here() -> None:
    with Place() as place:
        VENDOR.prepares(place)
        place.answers(VENDOR.call, {"result": {"replyText": "One."}})
        place.answers(VENDOR.call, {"result": {"replyText": "Two."}})
        inbox = make.inbox(
            kind=VENDOR.kind,
            settings={**VENDOR.settings, "allow_private": True, "api_url": place.url},
            secret=seal(json.dumps(VENDOR.secrets)),
        )
        bring(inbox, VENDOR.body("message.json"))
        question = inbox.message_set.get()
        for number, text in enumerate(("One.", "Two.")):
            at = timezone.now() - timedelta(seconds=20 - number)
            reply = Message.objects.create(
                conversation=question.conversation, inbox=inbox, kind="reply", at=at, text=text
            )
            sending = Sending.objects.create(message=reply, not_before=at, updated_at=at)
            deliver(sending_id=sending.pk)
        echo = json.loads(VENDOR.body("answered.json"))
        for text in ("One.", "Two."):
            echo["review"]["comments"][1]["developerComment"]["text"] = text
            bring(inbox, json.dumps(echo).encode())
    said = list(inbox.message_set.order_by("id").values_list("kind", "text"))
    assert said == [
        ("incoming", "It forgets my basket."),
        ("reply", "One."),
        ("reply", "Two."),
    ]
    assert inbox.message_set.values("conversation").distinct().count() == 1
