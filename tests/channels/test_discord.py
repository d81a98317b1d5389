"""What Discord has of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from heard.channels import discord
from heard.channels.base import (
    Act,
    Acting,
    Deleted,
    Edited,
    Fetched,
    Incoming,
    Kind,
    PlaceError,
    SendState,
)
from tests.channels.place import Place
from tests.channels.vendors import VENDORS, delivered

[DISCORD] = [vendor for vendor in VENDORS if vendor.kind == "discord"]
CHANNEL, GUILD, ANN = "100000000000000001", "900000000000000001", "200000000000000001"


def said(name: str) -> list[Any]:
    return list(discord.parse(delivered(DISCORD.body(f"{name}.json")), DISCORD.account()))


def message(minutes: float = 1, **more: Any) -> dict[str, Any]:
    """One that was written so long ago."""
    at = datetime.now(UTC) - timedelta(minutes=minutes)
    found: dict[str, Any] = json.loads(DISCORD.body("message.json"))["message"]
    return {**found, "id": str(discord._id_at(at)), "timestamp": at.isoformat(), **more}


def heard(fetched: Fetched) -> list[Any]:
    return [
        one for delivery in fetched.deliveries for one in discord.parse(delivery, DISCORD.account())
    ]


class Server(Place):
    """A server with our channel."""

    def has(self, *messages: dict[str, Any], channel: str = CHANNEL) -> None:
        self._answers[f"GET /channels/{channel}/messages"].clear()
        self.answers(f"GET /channels/{channel}/messages", list(messages))

    def opens(self, *threads: dict[str, Any], kind_of: int = 0) -> None:
        self.answers("GET /users/@me", DISCORD.known)
        self.answers(f"GET /channels/{CHANNEL}", {"guild_id": GUILD, "type": kind_of})
        self.answers(f"GET /guilds/{GUILD}/threads/active", {"threads": list(threads)})


def test_a_message_reads_as_people_read_it() -> None:
    [one] = said("message")
    assert one.text == "Does it last, @shop? :sad: #100000000000000001"
    assert (one.sender_name, one.root, one.is_public) == ("Ann Lee", f"{CHANNEL}/{ANN}", True)
    assert one.extra["url"] == f"https://discord.com/channels/{GUILD}/{CHANNEL}/{ANN}"
    [ours] = said("own")
    assert (ours.kind, ours.parent, ours.is_automatic) == (Kind.REPLY, f"{CHANNEL}/{ANN}", False)
    assert said("bot")[0].is_automatic
    assert said("joined") == []


def test_a_thread_hangs_on_the_message_from_which_it_was_opened() -> None:
    [one] = said("in_thread")
    assert (one.external_id, one.root) == (f"{ANN}/200000000000000003", f"{CHANNEL}/{ANN}")
    assert one.files[0].name == "broken.jpg"
    assert said("message")[0].external_id == one.root


class TestAsking:
    def test_what_is_new_changed_or_gone_is_brought_once(self) -> None:
        first, second = message(3), message(1, content="And?")
        with Server() as server:
            server.opens()
            account = DISCORD.account(api_url=server.url)
            server.has(first)
            one = discord.poll("", account)
            server.has(second, first)
            two = discord.poll(one.cursor, account)
            edit = {"content": "Better.", "edited_timestamp": datetime.now(UTC).isoformat()}
            server.has(second, {**first, **edit})
            three = discord.poll(two.cursor, account)
            server.has({**first, **edit})
            four = discord.poll(three.cursor, account)
            five = discord.poll(four.cursor, account)
        assert [each.external_id for each in heard(one)] == [f"{CHANNEL}/{first['id']}"]
        assert [each.text for each in heard(two)] == ["And?"]
        assert [each.text for each in heard(three) if isinstance(each, Edited)] == ["Better."]
        [gone] = heard(four)
        assert isinstance(gone, Deleted)
        assert gone.external_id == f"{CHANNEL}/{second['id']}"
        assert five.deliveries == ()

    def test_the_first_time_nothing_older_than_two_days_is_brought(self) -> None:
        with Server() as server:
            server.opens()
            server.has(message(5), message(60 * 24 * 3))
            assert len(heard(discord.poll("", DISCORD.account(api_url=server.url)))) == 1

    def test_pages_are_turned_until_what_was_heard_before(self) -> None:
        many = [message(number / 10) for number in range(1, 151)]
        with Server() as server:
            server.opens()
            account = DISCORD.account(api_url=server.url)
            server.has(message(20))
            cursor = discord.poll("", account).cursor
            server.has(*many[:100])
            server.answers(f"GET /channels/{CHANNEL}/messages", [*many[100:], message(20)])
            fetched = discord.poll(cursor, account)
        names = {one.external_id for one in heard(fetched) if isinstance(one, Incoming)}
        assert {f"{CHANNEL}/{one['id']}" for one in many} <= names
        assert server.asked[-1].query["before"] == many[99]["id"]

    def test_threads_and_forums_are_heard_and_those_of_other_channels_not(self) -> None:
        thread = {"id": ANN, "guild_id": GUILD, "parent_id": CHANNEL, "type": 11}
        other = {**thread, "id": "200000000000000009", "parent_id": "100000000000000009"}
        with Server() as server:
            server.opens(thread, other, kind_of=15)
            server.has(message(2, channel_id=ANN), channel=ANN)
            [one] = heard(discord.poll("", DISCORD.account(api_url=server.url)))
        assert one.root == f"{CHANNEL}/{ANN}"
        assert one.external_id.startswith(f"{ANN}/")
        assert not [each for each in server.asked if each.path == f"/channels/{CHANNEL}/messages"]

    def test_what_our_people_say_is_a_reply_and_the_limit_is_shown(self) -> None:
        with Server() as server:
            limit = {"x-ratelimit-limit": "5", "x-ratelimit-remaining": "3",
                     "x-ratelimit-reset": "1795341600.5"}  # fmt: skip
            server.answers("GET /users/@me", DISCORD.known, headers=limit)
            server.opens()
            server.has(message(1))
            account = DISCORD.account(api_url=server.url, ours="700000000000000001")
            fetched = discord.poll("", account)
        assert [one.kind for one in heard(fetched)] == [Kind.REPLY]
        assert fetched.quota is not None
        assert (fetched.quota.left, fetched.quota.of) == (3, 5)

    def test_what_is_no_list_deletes_nothing(self) -> None:
        with Server() as server:
            server.opens()
            account = DISCORD.account(api_url=server.url)
            server.has(message(1))
            cursor = discord.poll("", account).cursor
            server._answers[f"GET /channels/{CHANNEL}/messages"].clear()
            server.answers(f"GET /channels/{CHANNEL}/messages", {"message": "?"})
            with pytest.raises(PlaceError):
                discord.poll(cursor, account)


class TestSending:
    def test_an_answer_refers_to_the_message_and_calls_nobody_else(self) -> None:
        with Place() as place:
            place.answers(DISCORD.call, DISCORD.taken)
            account = DISCORD.account(api_url=place.url)
            discord.send(replace(DISCORD.reply, text="@everyone"), account)
            discord.send(DISCORD.reply, account)
        first, second = (one.json() for one in place.asked)
        assert first["message_reference"]["message_id"] == ANN
        assert first["allowed_mentions"]["parse"] == []
        assert first["enforce_nonce"] is True
        assert first["nonce"] == second["nonce"]
        assert len(first["nonce"]) == 25

    def test_it_is_tried_again_only_as_long_as_the_nonce_is_known(self) -> None:
        now = datetime.now(UTC)
        assert discord.may_repeat(replace(DISCORD.reply, at=now))
        assert not discord.may_repeat(replace(DISCORD.reply, at=now - timedelta(minutes=3)))
        assert not discord.may_repeat(DISCORD.reply)

    @pytest.mark.parametrize(
        ("status", "code", "is_final", "words"),
        [(403, 50013, True, "lacks the right"), (404, 10003, True, "gone"), (500, 0, False, "500")],
    )
    def test_every_refusal_is_told_in_words(
        self, status: int, code: int, is_final: bool, words: str
    ) -> None:
        with Place() as place:
            place.answers(DISCORD.call, {"message": "No", "code": code}, status=status)
            receipt = discord.send(DISCORD.reply, DISCORD.account(api_url=place.url))
        assert (receipt.state, receipt.is_final) == (SendState.FAILED, is_final)
        assert words in receipt.reason

    @pytest.mark.parametrize(
        ("act", "call"),
        [
            (Act.LIKE, f"PUT /channels/1/messages/2/reactions/{discord.LIKE}/@me"),
            (Act.EDIT, "PATCH /channels/1/messages/2"),
            (Act.DELETE, "DELETE /channels/1/messages/2"),
        ],
    )
    def test_what_can_be_done_without_writing(self, act: Act, call: str) -> None:
        acting = Acting(act, "1/2", "key", text="Better", of_ours=act is not Act.LIKE)
        with Place() as place:
            place.answers(call, b"", status=204)
            place.answers(call, {"code": 10008}, status=404)
            account = DISCORD.account(api_url=place.url)
            assert discord.act(acting, account).state is SendState.SENT
            again = discord.act(acting, account)
            assert (again.state is SendState.SENT) == (act is Act.DELETE)
            if act is not Act.LIKE:
                assert discord.act(replace(acting, of_ours=False), account).is_final


def test_the_check_tells_what_the_bot_cannot_see() -> None:
    with Place() as place:
        place.answers("GET /users/@me", DISCORD.known)
        place.answers("GET /applications/@me", {"flags": 0})
        gone = {"message": "Missing Access", "code": 50001}
        place.answers(f"GET /channels/{CHANNEL}", gone, status=403)
        checked = discord.check(DISCORD.account(api_url=place.url))
    assert "Message Content Intent" in checked.warnings[0]
    assert "cannot see" in checked.warnings[1]
    for wrong in ("general", ""):
        with pytest.raises(PlaceError):
            discord.check(DISCORD.account(channels=wrong))
