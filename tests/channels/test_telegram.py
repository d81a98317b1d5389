"""What Telegram has of its own, besides what `test_vendor_contract` asks of all."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from heard.channels import telegram
from heard.channels.base import (
    Act,
    Acting,
    Deleted,
    Fetched,
    File,
    Incoming,
    Kind,
    PlaceError,
    SendState,
    SetAside,
)
from tests.channels.place import Place
from tests.channels.vendors import VENDORS, delivered, soon

[TELEGRAM] = [vendor for vendor in VENDORS if vendor.kind == "telegram"]
BOT = "bot5550:made-up"


def said(name: str) -> list[Any]:
    body = delivered(TELEGRAM.body(f"{name}.json"))
    return list(telegram.parse(body, TELEGRAM.account()))


def one(name: str) -> Incoming:
    [message] = said(name)
    assert isinstance(message, Incoming)
    return message


def test_all_that_people_send_is_heard() -> None:
    photo = one("photo")
    assert (photo.text, photo.files[0].source) == ("It came like this", "big")
    invoice = one("document")
    assert invoice.files == (File("invoice.pdf", "application/pdf", b"", "doc1"),)
    assert invoice.parent == "7771/11"
    assert one("place").text == "Hill Street shop\nHill Street 1\ngeo:52.5,13.4"
    assert one("start").need == "nothing"
    assert (one("pressed").text, one("pressed").parent) == ("refund", "7771/17")
    group = one("group")
    assert (group.root, group.is_public, group.sender) == ("-1001234", True, "7771")
    assert group.extra["url"] == "https://t.me/shoptalk/15"
    assert said("joined") == []
    assert isinstance(said("novelty")[0], SetAside)


def test_a_reaction_is_a_message_that_can_be_taken_back() -> None:
    heart = one("reaction")
    [gone] = said("reaction_undone")
    assert isinstance(gone, Deleted)
    assert (heart.text, heart.need, heart.parent) == ("❤", "nothing", "7771/18")
    assert gone.external_id == heart.external_id


def test_the_business_account_hears_both_sides() -> None:
    asked, own, by_bot = one("business"), one("business_own"), one("business_bot")
    assert (asked.kind, asked.root) == (Kind.INCOMING, "business/7771")
    assert (own.kind, own.to, own.is_automatic) == (Kind.REPLY, "7771", False)
    assert (by_bot.kind, by_bot.is_automatic) == (Kind.REPLY, True)
    assert {(gone.external_id, gone.kind) for gone in said("business_deleted")} == {
        (f"business/7771/{number}", kind) for number in (21, 22) for kind in Kind
        if kind is not Kind.NOTE
    }  # fmt: skip


def test_updates_are_asked_for_from_where_the_cursor_stands() -> None:
    updates = [json.loads(TELEGRAM.body(f"{name}.json")) for name in ("message", "photo")]
    with Place() as place:
        place.answers(f"POST /{BOT}/getUpdates", {"ok": True, "result": updates})
        place.answers(f"POST /{BOT}/getUpdates", {"ok": True, "result": []})
        account = TELEGRAM.account(api_url=place.url, arrives="asked")
        first = telegram.poll("", account)
        second = telegram.poll(first.cursor, account)
    assert "offset" not in place.asked[0].json()
    assert place.asked[1].json()["offset"] == int(first.cursor) == updates[1]["update_id"] + 1
    assert second == Fetched((), first.cursor)
    assert [one.external_id for one in first.deliveries] == [
        f"update/{update['update_id']}" for update in updates
    ]
    heard = [value for body in first.deliveries for value in telegram.parse(body, account)]
    assert [value.external_id for value in heard if isinstance(value, Incoming)] == [
        "7771/11", "7771/12",
    ]  # fmt: skip
    assert telegram.poll("7", TELEGRAM.account()).pause_seconds == telegram.IDLE_SECONDS


def test_two_programs_at_one_bot_need_a_person() -> None:
    conflict = {"ok": False, "error_code": 409, "description": "Conflict: terminated by other"}
    with Place() as place:
        place.answers(f"POST /{BOT}/getUpdates", conflict, status=409)
        place.answers(f"POST /{BOT}/getMe", {"ok": True, "result": {"id": 1, "username": "b"}})
        info = {"ok": True, "result": {"url": "https://other.example/in"}}
        place.answers(f"POST /{BOT}/getWebhookInfo", info)
        account = TELEGRAM.account(api_url=place.url, arrives="asked")
        with pytest.raises(PlaceError, match="Another program") as trouble:
            telegram.poll("", account)
        with pytest.raises(PlaceError, match=r"other\.example"):
            telegram.check(account)
    assert trouble.value.needs_person


def test_the_address_is_told_to_telegram_and_taken_back() -> None:
    good = {"ok": True, "result": True}
    me = {"ok": True, "result": {"id": 5550, "username": "shop_bot"}}
    with Place() as place:
        place.answers(f"POST /{BOT}/getMe", me)
        place.answers(f"POST /{BOT}/getWebhookInfo", {"ok": True, "result": {"url": ""}})
        info = {"ok": True, "result": {"url": "https://care.example/hooks/x/"}}
        place.answers(f"POST /{BOT}/getWebhookInfo", info)
        place.answers(f"POST /{BOT}/setWebhook", good)
        place.answers(f"POST /{BOT}/deleteWebhook", good)
        checked = telegram.check(TELEGRAM.account(api_url=place.url))
        telegram.check(TELEGRAM.account(api_url=place.url, arrives="asked"))
    assert checked.account == "@shop_bot"
    told = place.asked[2].json()
    assert told["url"] == "https://care.example/hooks/x/"
    assert told["secret_token"] == telegram.secret_token(TELEGRAM.account())
    assert place.asked[-1].path == f"/{BOT}/deleteWebhook"


def test_a_picture_goes_with_its_words_and_files_are_fetched() -> None:
    picture = File("a.png", "image/png", b"\x89PNG")
    taken = {"ok": True, "result": {"message_id": 30, "chat": {"id": 7771}}}
    with Place() as place:
        place.answers(f"POST /{BOT}/sendPhoto", taken)
        place.answers(f"POST /{BOT}/getFile", {"ok": True, "result": {"file_path": "photos/1.jpg"}})
        place.answers(f"GET /file/{BOT}/photos/1.jpg", b"\xff\xd8")
        account = TELEGRAM.account(api_url=place.url)
        outgoing = soon(to="7771", root="7771", parent="7771/11", files=(picture,))
        receipt = telegram.send(outgoing, account)
        content = telegram.fetch("big", account)
        two = telegram.send(replace(outgoing, files=(picture, picture)), account)
        long = telegram.send(replace(outgoing, text="x" * 1025), account)
    assert receipt.external_id == "7771/30"
    assert b"\x89PNG" in place.asked[0].body
    assert b'name="caption"' in place.asked[0].body
    assert content == b"\xff\xd8"
    assert two.is_final
    assert long.is_final


def test_in_a_group_the_answer_stands_beneath_the_question() -> None:
    taken = {"ok": True, "result": {"message_id": 31, "chat": {"id": -1001234}}}
    with Place() as place:
        place.answers(f"POST /{BOT}/sendMessage", taken)
        account = TELEGRAM.account(api_url=place.url)
        outgoing = soon(to="7771", root="-1001234", parent="-1001234/15")
        receipt = telegram.send(outgoing, account)
    assert receipt.external_id == "-1001234/31"
    assert place.asked[0].json()["chat_id"] == "-1001234"
    assert place.asked[0].json()["reply_parameters"]["message_id"] == 15


def test_who_blocked_the_bot_is_not_written_to_again() -> None:
    blocked = {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked"}
    with Place() as place:
        place.answers(TELEGRAM.call, blocked, status=403)
        receipt = telegram.send(TELEGRAM.reply, TELEGRAM.account(api_url=place.url))
    assert (receipt.is_final, "blocked" in receipt.reason) == (True, True)


def test_acts_done_twice_are_done_once() -> None:
    same = {"ok": False, "error_code": 400, "description": "Bad Request: message is not modified"}
    with Place() as place:
        place.answers(f"POST /{BOT}/setMessageReaction", {"ok": True, "result": True})
        place.answers(f"POST /{BOT}/editMessageText", same, status=400)
        place.breaks_off(f"POST /{BOT}/deleteMessage")
        account = TELEGRAM.account(api_url=place.url)
        liked = telegram.act(Acting(Act.LIKE, "7771/11", "k"), account)
        edited = telegram.act(Acting(Act.EDIT, "7771/30", "k", text="x", of_ours=True), account)
        broken = telegram.act(Acting(Act.DELETE, "7771/30", "k", of_ours=True), account)
        theirs = telegram.act(Acting(Act.DELETE, "7771/11", "k"), account)
        odd = telegram.act(Acting(Act.LIKE, "callback/abc", "k"), account)
    assert (liked.state, edited.state) == (SendState.SENT, SendState.SENT)
    assert (broken.state, broken.is_final) == (SendState.FAILED, False)
    assert theirs.is_final
    assert odd.is_final
