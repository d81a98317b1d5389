"""What Slack has of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from heard.channels import slack
from heard.channels.base import (
    Acknowledged,
    Act,
    Acting,
    Deleted,
    Kind,
    PlaceError,
    RefusedError,
    SendState,
    SetAside,
)
from tests.channels.place import Place
from tests.channels.vendors import NOW, VENDORS, delivered, soon
from tests.channels.vendors import slack as sign

[SLACK] = [vendor for vendor in VENDORS if vendor.kind == "slack"]
ASKED = "C0HELP/1795341600.000100"


def said(name: str) -> list[Any]:
    return list(slack.parse(delivered(SLACK.body(f"{name}.json")), SLACK.account()))


def test_a_message_reads_as_people_read_it() -> None:
    [message] = said("message")
    assert message.text == "Does the blue one (https://shop.example/a) fit & last, @U0BOT?"
    assert (message.sender_name, message.root, message.is_public) == ("ann", ASKED, True)
    assert message.extra == {
        "url": "https://the-shop.slack.com/archives/C0HELP/p1795341600000100",
    }
    assert slack.plain(
        "<!here> <#C1|help> <mailto:a@b.example|a@b.example> 1 &lt; 2 <@U1|ann>"
    ) == ("@here #help a@b.example 1 < 2 @ann")


def test_threads_hold_together_and_ours_are_replies() -> None:
    [more] = said("in_thread")
    assert (more.root, more.parent, more.kind) == (ASKED, ASKED, Kind.INCOMING)
    for name, sender in (("own", "U0BOT"), ("staff", "U0STAFF")):
        [reply] = said(name)
        assert (reply.kind, reply.root, reply.sender) == (Kind.REPLY, ASKED, sender)
        assert not reply.is_automatic
    [news] = said("other_bot")
    assert (news.sender, news.sender_name, news.is_automatic) == ("B0NEWS", "News", True)


def test_a_direct_message_is_one_conversation_and_files_come_along() -> None:
    [message] = said("file")
    assert (message.root, message.is_public, message.text) == ("D0BEA", False, "")
    assert message.extra["thread_ts"] == "1795341990.000800"
    [file] = message.files
    assert (file.name, file.content_type) == ("broken.jpg", "image/jpeg")
    assert file.source.endswith("/download/broken.jpg")


def test_reactions_of_ours_are_likes_and_those_of_others_nothing() -> None:
    [like] = said("liked")
    assert isinstance(like, Acknowledged)
    assert (like.external_id, like.act) == (ASKED, Act.LIKE)
    assert said("liked_by_others") == []


def test_previews_and_notices_of_slack_itself_say_nothing() -> None:
    assert said("unfurled") == said("joined") == said("trial") == []
    [gone] = said("tombstone")
    assert isinstance(gone, Deleted)
    assert (gone.external_id, gone.kind) == ("C0HELP/1795341605.000150", Kind.REPLY)
    for name in ("novelty", "held_back"):
        [aside] = said(name)
        assert isinstance(aside, SetAside)


def test_the_address_is_proven_to_slack_and_to_nobody_else() -> None:
    body = SLACK.body("trial.json")
    signed = delivered(body, headers=sign(body, NOW))
    greeting = slack.greet(signed, SLACK.account())
    assert greeting is not None
    assert greeting.body == json.loads(body)["challenge"].encode()
    with pytest.raises(RefusedError):
        slack.greet(delivered(body), SLACK.account())
    for other in (b"url_verification", b'["url_verification"]', SLACK.body("message.json")):
        assert slack.greet(delivered(other), SLACK.account()) is None
    quoted = SLACK.body("message.json").replace(b"fit", b"url_verification")
    assert slack.greet(delivered(quoted), SLACK.account()) is None


def test_a_moment_in_the_future_is_refused_too() -> None:
    body = SLACK.body("message.json")
    for stamp in ("99999999999", "-5", "x", "１"):
        proof = {**sign(body, NOW), "x-slack-request-timestamp": stamp}
        with pytest.raises(RefusedError):
            slack.authenticate(delivered(body, headers=proof), SLACK.account())


def test_an_answer_goes_into_the_thread_with_its_signs_escaped() -> None:
    with Place() as place:
        place.answers(SLACK.call, SLACK.taken)
        account = SLACK.account(api_url=place.url)
        slack.send(replace(SLACK.reply, text="a < b & <!channel>"), account)
        slack.send(replace(SLACK.reply), account)
        direct = soon(to="U0BEA", root="D0BEA", answered={"thread_ts": "1795341990.000800"})
        slack.send(direct, account)
    first, second, third = (one.json() for one in place.asked)
    assert first["text"] == "a &lt; b &amp; &lt;!channel&gt;"
    assert (first["channel"], first["thread_ts"]) == ("C0HELP", "1795341600.000100")
    assert first["client_msg_id"] == second["client_msg_id"]
    assert (third["channel"], third["thread_ts"]) == ("D0BEA", "1795341990.000800")
    assert not slack.may_repeat(SLACK.reply)


def test_a_private_answer_opens_a_conversation_first() -> None:
    private = replace(SLACK.reply, is_private=True)
    with Place() as place:
        place.answers("POST /api/conversations.open", {"ok": True, "channel": {"id": "D0ANN"}})
        place.answers(SLACK.call, {"ok": True, "channel": "D0ANN", "ts": "1795341800.000100"})
        receipt = slack.send(private, SLACK.account(api_url=place.url))
    assert receipt.external_id == "D0ANN/1795341800.000100"
    assert "thread_ts" not in place.asked[1].json()
    with Place() as place:
        place.answers("POST /api/conversations.open", {"ok": False, "error": "user_disabled"})
        receipt = slack.send(private, SLACK.account(api_url=place.url))
        assert (receipt.state, len(place.asked)) == (SendState.FAILED, 1)


@pytest.mark.parametrize(
    ("error", "state", "is_final", "words"),
    [
        ("not_in_channel", SendState.FAILED, True, "invite"),
        ("missing_scope", SendState.FAILED, True, "install the app again"),
        ("internal_error", SendState.UNKNOWN, False, "trouble of its own"),
        ("service_unavailable", SendState.FAILED, False, "not available"),
        ("ratelimited", SendState.FAILED, False, "slow down"),
        ("something_new", SendState.FAILED, True, "something_new"),
    ],
)
def test_a_refusal_that_comes_as_200_is_one(
    error: str, state: SendState, is_final: bool, words: str
) -> None:
    with Place() as place:
        place.answers(SLACK.call, {"ok": False, "error": error})
        receipt = slack.send(SLACK.reply, SLACK.account(api_url=place.url))
    assert (receipt.state, receipt.is_final) == (state, is_final)
    assert words in receipt.reason


@pytest.mark.parametrize(
    ("act", "call", "again"),
    [
        (Act.LIKE, "reactions.add", "already_reacted"),
        (Act.DELETE, "chat.delete", "message_not_found"),
        (Act.EDIT, "chat.update", ""),
    ],
)
def test_what_was_done_before_is_done(act: Act, call: str, again: str) -> None:
    acting = Acting(act, ASKED, "key", text="Better & new", of_ours=act is not Act.LIKE)
    with Place() as place:
        account = SLACK.account(api_url=place.url)
        place.answers(f"POST /api/{call}", {"ok": True})
        place.answers(f"POST /api/{call}", {"ok": False, "error": again or "ratelimited"})
        assert slack.act(acting, account).state is SendState.SENT
        assert (slack.act(acting, account).state is SendState.SENT) == bool(again)
        body = place.asked[0].json()
    assert body["channel"] == "C0HELP"
    assert "1795341600.000100" in {body.get("ts"), body.get("timestamp")}
    if act is not Act.LIKE:
        assert slack.act(replace(acting, of_ours=False), account).is_final


def test_files_are_fetched_from_slack_alone() -> None:
    with Place() as place:
        place.answers("GET /f/1.jpg", b"\xff\xd8")
        place.answers("GET /f/2.jpg", status=302, headers={"location": "/signin"})
        account = SLACK.account(api_url=place.url)
        assert slack.fetch(f"{place.url}/f/1.jpg", account) == b"\xff\xd8"
        assert place.asked[0].headers["authorization"] == "Bearer xoxb-made-up"
        with pytest.raises(PlaceError, match="files:read"):
            slack.fetch(f"{place.url}/f/2.jpg", account)
        for other in ("https://evilslack.com/1", "https://slack.com.example/1", "x"):
            with pytest.raises(PlaceError):
                slack.fetch(other, account)


def test_the_check_tells_which_rights_are_lacking() -> None:
    with Place() as place:
        scopes = {"x-oauth-scopes": "channels:history,chat:write, files:read"}
        place.answers(SLACK.checks, SLACK.known, headers=scopes)
        checked = slack.check(SLACK.account(api_url=place.url))
    assert checked.found == {"user_id": "U0BOT", "team_url": "https://the-shop.slack.com/"}
    assert checked.warnings == ("The app lacks the rights reactions:write.",)
