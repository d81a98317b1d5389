"""Vendors through the house's own door: exactly once, whatever is delivered how often and when."""

from __future__ import annotations

import json
import random
import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from heard.channels import registry
from heard.channels.base import Deleted, Delivered, Edited, Incoming
from heard.conversations.deliveries.journal import keep_fetched, take_in
from heard.conversations.deliveries.listening import store
from heard.conversations.inboxes import health
from heard.conversations.inboxes.accounts import account_of
from heard.conversations.inboxes.arranging import new_inbox
from heard.conversations.inboxes.connecting import check, connect
from heard.conversations.models import Inbox, Listening, Message, Sending
from heard.conversations.outbox.sending import deliver
from heard.conversations.views import hooks
from heard.lib.sealing import seal
from tests import make
from tests.channels.place import Place
from tests.channels.vendors import VENDORS, Vendor, delivered

pytestmark = pytest.mark.django_db
every = pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.kind)


@pytest.fixture(autouse=True)
def _fresh_doors() -> None:
    hooks._doors.clear()


def connected(vendor: Vendor, **settings: Any) -> Inbox:
    secrets = {**vendor.secrets, "signing_secret": vendor.secret}
    return make.inbox(
        kind=vendor.kind,
        settings={**vendor.settings, "allow_private": True, **settings},
        secret=seal(json.dumps(secrets)),
    )


def bring(vendor: Vendor, inbox: Inbox, body: bytes) -> None:
    """As the vendor does: signed and posted; or as what asking it has found."""
    now = timezone.now()
    if vendor.sign is None:
        keep_fetched(inbox.pk, [Delivered(body, {}, now)], now=now)
        return
    answer = Client().post(
        f"/hooks/{inbox.token}/",
        body,
        content_type="application/json",
        headers=dict(vendor.sign(body, now)),
    )
    assert answer.status_code == 200, answer.content


def settle() -> None:
    while take_in(now=timezone.now()):
        pass


def expected(vendor: Vendor) -> list[Any]:
    module: Any = registry.channel_of(vendor.kind)
    return [
        one
        for path in vendor.payloads()
        for one in module.parse(delivered(path.read_bytes()), vendor.account())
    ]


@every
@pytest.mark.parametrize("seed", [1, 2])
def test_each_message_is_there_once_in_its_last_words(vendor: Vendor, seed: int) -> None:
    inbox = connected(vendor)
    bodies = [path.read_bytes() for path in vendor.payloads()] * 2
    random.Random(seed).shuffle(bodies)
    for number, body in enumerate(bodies):
        bring(vendor, inbox, body)
        if number % 3 == seed % 3:
            settle()
    settle()
    said = expected(vendor)
    wanted = {(one.external_id, one.kind) for one in said if isinstance(one, Incoming)}
    there = list(inbox.message_set.values_list("external_id", "kind"))
    assert sorted(there) == sorted((name, kind.value) for name, kind in wanted)
    assert not inbox.delivery_set.filter(state="waiting").exists()
    for name, kind in wanted:
        changed = [one for one in said if isinstance(one, Edited)
                   and (one.external_id, one.kind) == (name, kind)]  # fmt: skip
        gone = [one for one in said if isinstance(one, Deleted)
                and (one.external_id, one.kind) == (name, kind)]  # fmt: skip
        message = inbox.message_set.get(external_id=name, kind=kind.value)
        if changed:
            assert message.text == max(changed, key=lambda one: one.at).text
        assert (message.deleted_at is not None) == bool(gone)


@every
def test_an_inbox_is_connected_as_a_person_would_do_it(vendor: Vendor) -> None:
    module: Any = registry.channel_of(vendor.kind)
    names = {setting.name for setting in module.settings}
    plain = {name: value for name, value in vendor.settings.items() if name in names}
    with Place() as place:
        vendor.prepares(place)
        place.answers(vendor.checks, vendor.known)
        inbox = new_inbox(vendor.kind, name="Shop", keeper=None, now=make.NOON)
        inbox.settings = {"api_url": place.url, "allow_private": True}
        connect(inbox, {**plain, **vendor.secrets}, by=None, now=make.NOON)
        check(inbox, now=make.NOON)
    state = Listening.objects.get(inbox=inbox)
    assert (state.state, state.account) == ("well", vendor.account_name)
    kept = str(Inbox.objects.get().settings)
    assert not [secret for secret in vendor.secrets.values() if f"'{secret}'" in kept]
    if vendor.sign is not None:
        bring(vendor, inbox, vendor.body(vendor.message))
        settle()
        assert inbox.message_set.filter(external_id=vendor.heard_as).exists()


@pytest.mark.parametrize(
    ("kind", "query", "answer"),
    [
        ("facebook", "hub.mode=subscribe&hub.verify_token=handshake&hub.challenge=77", b"77"),
        ("facebook", "hub.mode=subscribe&hub.verify_token=guess&hub.challenge=77", None),
        ("x", "crc_token=abc", b'{"response_token": "sha256='),
        ("x", "crc_token=%7B%7D", None),
        ("line", "", None),
    ],
)
def test_handshakes_are_answered_at_the_door(kind: str, query: str, answer: bytes | None) -> None:
    [vendor] = [vendor for vendor in VENDORS if vendor.kind == kind]
    response = Client().get(f"/hooks/{connected(vendor).token}/?{query}")
    if answer is None:
        assert response.status_code in {401, 405}
    else:
        assert response.status_code == 200
        assert response.content.startswith(answer)


@every
def test_an_answer_is_said_once_though_its_echo_comes_before_and_after(vendor: Vendor) -> None:
    with Place() as place:
        vendor.prepares(place)
        place.answers(vendor.call, vendor.taken)
        inbox = connected(vendor, api_url=place.url)
        name = vendor.reply.parent
        bodies = [path.read_bytes() for path in vendor.payloads()]
        module: Any = registry.channel_of(vendor.kind)
        [asked] = [
            body
            for body in bodies
            for one in module.parse(delivered(body), vendor.account())
            if isinstance(one, Incoming) and one.external_id == name and one.kind == "incoming"
        ][:1]
        bring(vendor, inbox, asked)
        settle()
        question = inbox.message_set.get(external_id=name)
        at = timezone.now() - timedelta(seconds=20)
        reply = Message.objects.create(
            conversation=question.conversation, inbox=inbox, kind="reply", at=at,
            text=vendor.reply.text,
        )  # fmt: skip
        sending = Sending.objects.create(message=reply, not_before=at, updated_at=at)
        if vendor.echo:
            bring(vendor, inbox, vendor.body(vendor.echo))
            settle()
        deliver(sending_id=sending.pk)
        if vendor.echo:
            bring(vendor, inbox, vendor.body(vendor.echo))
            settle()
    sending.refresh_from_db()
    assert (sending.state, sending.reason) == ("sent", "")
    [ours] = inbox.message_set.filter(kind="reply")
    assert (ours.pk, ours.external_id, ours.text) == (reply.pk, vendor.sent_as, vendor.reply.text)
    calls = [f"{one.method} {one.path}" for one in place.asked]
    assert calls.count(vendor.call) == 1


def youtube_threads() -> list[Any]:
    names = ("message.json", "answered.json", "held.json")
    [youtube] = [vendor for vendor in VENDORS if vendor.kind == "youtube"]
    said = [json.loads(youtube.body(name)) for name in names]
    return [{**one["thread"], "replies": {"comments": one["answers"]}} for one in said]


def reddit_listing(name: str, **more: Any) -> dict[str, Any]:
    [reddit] = [vendor for vendor in VENDORS if vendor.kind == "reddit"]
    item = json.loads(reddit.body(name))["item"]
    item["data"] |= {"created_utc": time.time() - 60, **more}
    return {"kind": "Listing", "data": {"after": None, "children": [item]}}


def discord_messages(*names: str) -> list[Any]:
    """Newest first, with ids of the last minute."""
    [vendor] = [vendor for vendor in VENDORS if vendor.kind == "discord"]
    newest = (int(time.time() * 1000) - 1_420_070_400_000) << 22
    said = [json.loads(vendor.body(f"{name}.json"))["message"] for name in names]
    return [{**one, "id": str(newest - (number << 30))} for number, one in enumerate(said)]


ASKED: dict[str, tuple[dict[str, Any], dict[str, list[Any]]]] = {
    "telegram": (
        {"arrives": "asked"},
        {
            "POST /bot5550:made-up/getUpdates": [
                {
                    "ok": True,
                    "result": [
                        {
                            "update_id": 7,
                            "message": {
                                "message_id": 11,
                                "date": 1795341600,
                                "text": "Where is it?",
                                "chat": {"id": 7771, "type": "private"},
                                "from": {"id": 7771, "first_name": "Ann"},
                            },
                        }
                    ],
                },
            ]
        },
    ),
    "x": (
        {"arrives": "asked"},
        {
            "GET /2/users/4242/mentions": [
                {
                    "data": [
                        {
                            "id": "30",
                            "text": "@shop where is it?",
                            "author_id": "7771",
                            "conversation_id": "30",
                            "created_at": "2026-11-22T10:00:00.000Z",
                        }
                    ]
                }
            ],
            "GET /2/dm_events": [{"meta": {}}],
            "GET /2/users/4242/tweets": [{"meta": {}}],
        },
    ),
    "reddit": (
        {},
        {
            "GET /message/inbox": [reddit_listing("message.json")],
            "GET /message/sent": [reddit_listing("letter_own.json")],
            "GET /user/the_shop/comments": [reddit_listing("own.json")],
            "GET /r/example/comments": [reddit_listing("message.json", link_id="t3_p1")],
            "GET /r/example/new": [reddit_listing("post.json")],
            "GET /api/info": [reddit_listing("message.json", body="Changed.", edited=time.time())],
        },
    ),
    "discord": (
        {},
        {
            "GET /channels/100000000000000001": [{"guild_id": "900000000000000001", "type": 0}],
            "GET /guilds/900000000000000001/threads/active": [{"threads": []}],
            "GET /channels/100000000000000001/messages": [discord_messages("own", "message")],
        },
    ),
    "youtube": (
        {},
        {
            "GET /youtube/v3/commentThreads": [
                {"items": youtube_threads()[:1]},
                {"items": []},
                {"items": youtube_threads()[1:2]},
                {"items": youtube_threads()[2:]},
            ]
        },
    ),
}


@pytest.mark.parametrize("kind", ASKED)
def test_what_was_asked_for_twice_is_there_once(kind: str) -> None:
    [vendor] = [vendor for vendor in VENDORS if vendor.kind == kind]
    settings, answers = ASKED[kind]
    with Place() as place:
        vendor.prepares(place)
        place.answers(vendor.checks, vendor.known)
        for call, bodies in answers.items():
            for body in bodies:
                place.answers(call, body)
        inbox = connected(vendor, api_url=place.url, **settings)
        row = health.row_of(inbox, now=timezone.now())
        module: Any = registry.channel_of(kind)
        for cursor in ("", "", "again"):  # the cursor of the first time was lost on its way
            before = row.cursor if cursor else ""
            fetched = module.poll(before, account_of(inbox))
            assert store(inbox, fetched, before=row.cursor, now=timezone.now()) >= 0
            row.refresh_from_db()
            settle()
    names = list(inbox.message_set.values_list("external_id", flat=True))
    assert names
    assert len(names) == len(set(names))
    assert row.cursor == fetched.cursor
