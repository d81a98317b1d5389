"""What Meta's four kinds have of their own, besides what `test_vendor_contract` asks of all."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from heard.channels.base import (
    Acknowledged,
    Act,
    Acting,
    Delivered,
    Edited,
    Elsewhere,
    File,
    Incoming,
    Kind,
    Looking,
    Outgoing,
    PlaceError,
    Progress,
    RefusedError,
    SendState,
    SetAside,
)
from heard.channels.meta import facebook, graph, instagram, messenger, whatsapp
from heard.channels.registry import channel_of
from tests.channels.place import Place
from tests.channels.vendors import META_EXPIRED, NOW, VENDORS, Vendor, delivered, soon

BY_KIND = {vendor.kind: vendor for vendor in VENDORS}
LATE = {"error": {"message": "(#10) outside the window", "code": 10, "error_subcode": 2018278}}


def said(kind: str, name: str) -> list[Any]:
    vendor = BY_KIND[kind]
    module: Any = channel_of(kind)
    return list(module.parse(delivered(vendor.body(f"{name}.json")), vendor.account()))


def by_id(kind: str, name: str) -> dict[str, Incoming]:
    return {one.external_id: one for one in said(kind, name) if isinstance(one, Incoming)}


def knock(query: str, method: str = "GET") -> Delivered:
    return Delivered(b"", {}, NOW, url=f"https://care.example/hooks/x/?{query}", method=method)


@pytest.mark.parametrize(
    "vendor", [v for v in VENDORS if v.kind in {"facebook", "messenger", "instagram", "whatsapp"}]
)
def test_the_handshake_is_answered_to_who_knows_the_token(vendor: Vendor) -> None:
    module: Any = channel_of(vendor.kind)
    account = vendor.account()
    good = "hub.mode=subscribe&hub.verify_token=handshake&hub.challenge=1158201444"
    greeting = module.greet(knock(good), account)
    assert greeting.body == b"1158201444"
    assert module.greet(knock(good, method="POST"), account) is None
    for bad in (
        good.replace("handshake", "guess"),
        good.replace("=handshake", "="),
        "hub.mode=subscribe&hub.challenge=1",
        "",
    ):
        with pytest.raises(RefusedError):
            module.greet(knock(bad), account)
    with pytest.raises(RefusedError):
        module.greet(knock(good.replace("handshake", "")), replace(account, secrets={}))


def test_comments_posts_and_mentions_of_a_page() -> None:
    found = by_id("facebook", "posts")
    own = found["1000200030004_5001"]
    assert (own.kind, own.root, own.is_public) == (Kind.REPLY, "1000200030004_5001", True)
    theirs = found["1000200030004_5002"]
    assert (theirs.kind, theirs.sender, theirs.sender_name) == (Kind.INCOMING, "7771", "Ann Lee")
    assert theirs.files[0].source == "https://scontent.example/p.jpg"
    nameless = found["5001_9005"]
    assert nameless.sender == "unnamed/5001_9005"
    assert nameless.parent == "5001_9001"
    assert found["888_777"].extra["mention"] is True
    kinds = [type(one).__name__ for one in said("facebook", "posts")]
    assert kinds.count("Acknowledged") == 1
    [liked] = [one for one in said("facebook", "posts") if isinstance(one, Acknowledged)]
    assert (liked.external_id, liked.act) == ("5001_9001", Act.LIKE)


def test_a_recommendation_is_a_public_message_with_its_mark() -> None:
    found = by_id("facebook", "reviews")
    assert (found["3301"].extra["rating"], found["3302"].extra["rating"]) == (1, 5)
    assert found["3302"].text == "(Recommends us.)"
    assert (found["3301_1"].kind, found["3301_1"].root) == (Kind.REPLY, "3301")
    [edited] = [one for one in said("facebook", "reviews") if isinstance(one, Edited)]
    assert (edited.text, edited.extra) == ("Waited an hour, then they were kind.", {"rating": 5})


def test_what_belongs_to_another_page_is_set_aside_with_a_plain_reason() -> None:
    other, ours = said("facebook", "several_pages")
    assert isinstance(other, SetAside)
    assert other.reason == (
        "This belongs to another Page (2222); this inbox hears only 1000200030004."
    )
    assert ours.text == "For us"


def test_a_page_hears_its_messages_too_and_answers_on_either_side() -> None:
    [message] = said("facebook", "private_message")
    assert (message.is_public, message.root, message.extra) == (False, "7771", {})
    account = BY_KIND["facebook"].account
    with Place() as place:
        place.answers("POST /me/messages", {"message_id": "m_1", "recipient_id": "7771"})
        privately = soon(to="7771", root="p", parent="5001_9001", answered={"item": "comment"})
        facebook.send(replace(privately, is_private=True), account(api_url=place.url))
        to_post = replace(privately, parent="p_1", answered={"item": "post"}, is_private=True)
        facebook.send(to_post, account(api_url=place.url))
        receipt = facebook.send(soon(to="7771", root="7771"), account(api_url=place.url))
    assert [one.json()["recipient"] for one in place.asked] == [
        {"comment_id": "5001_9001"},
        {"post_id": "p_1"},
        {"id": "7771"},
    ]
    assert receipt.external_id == "m_1"
    assert place.asked[0].headers["authorization"] == "Bearer tok"
    assert len(place.asked[0].query["appsecret_proof"]) == 64


def test_who_posted_at_our_page_is_written_to_for_seven_days() -> None:
    [comment] = said("facebook", "message")
    assert comment.extra["private_until"] == "2026-11-29T10:00:00+00:00"
    [own] = [one for one in said("facebook", "own_comment") if isinstance(one, Incoming)]
    assert "private_until" not in own.extra
    privately = soon(to="7771", root="p", parent="5001_9001", is_private=True)
    account = BY_KIND["facebook"].account()
    for answered in (
        {"item": "comment", "private_until": "2020-01-01T00:00:00+00:00"},
        {"item": "review"},
        {"item": "post", "mention": True},
    ):
        receipt = facebook.send(replace(privately, answered=answered), account)
        assert receipt.is_final
        assert "privately" in receipt.reason


def test_acts_at_a_page_are_done_once_however_often() -> None:
    gone = {"error": {"message": "Unsupported delete request", "code": 100, "error_subcode": 33}}
    account = BY_KIND["facebook"].account
    with Place() as place:
        place.answers("POST /5001_9001/likes", {"success": True})
        place.answers("POST /5001_9001", {"success": True})
        place.answers("DELETE /5001_9002", gone, status=400)
        place.breaks_off("POST /5001_9003/likes")
        acting = Acting(Act.LIKE, "5001_9001", "key")
        at = account(api_url=place.url)
        receipts = [
            facebook.act(acting, at),
            facebook.act(replace(acting, act=Act.SPAM), at),
            facebook.act(Acting(Act.DELETE, "5001_9002", "key", of_ours=True), at),
        ]
        broken = facebook.act(Acting(Act.LIKE, "5001_9003", "key"), at)
        refused = facebook.act(Acting(Act.EDIT, "5001_9001", "key", text="x"), at)
    assert {receipt.state for receipt in receipts} == {SendState.SENT}
    assert place.asked[1].json() == {"is_hidden": True}
    assert (broken.state, broken.is_final) == (SendState.FAILED, False)
    assert refused.is_final


def test_a_chat_says_all_that_is_in_it() -> None:
    found = by_id("messenger", "many")
    picture = found["m_P1"]
    assert picture.text == "geo:52.5,13.4\nHere"
    assert picture.files[0].source == "https://cdn.example/i.jpg"
    assert found["m_P2"].text == "and this\nThe thing https://shop.example/x"
    assert found["m_P2"].parent == "m_BBB222"
    assert found["m_P3"].text == "(A kind of message that only the app shows.)"
    assert found["m_P4"].text == "Where is my order?"
    heart = found["reaction/7771/m_BBB222"]
    assert (heart.text, heart.need, heart.parent) == ("❤", "nothing", "m_BBB222")
    rest = [one for one in said("messenger", "many") if not isinstance(one, Incoming)]
    assert [type(one).__name__ for one in rest] == ["Deleted", "Progress", "SetAside", "SetAside"]
    assert (rest[1].external_id, rest[1].state) == ("m_BBB222", "delivered")


def test_bots_and_our_own_words_are_told_apart() -> None:
    vendor = BY_KIND["messenger"]
    body = delivered(vendor.body("bot_echo.json"))
    [bot] = messenger.parse(body, vendor.account(bots=["9999", "1"]))
    [person] = messenger.parse(body, vendor.account())
    assert isinstance(bot, Incoming)
    assert isinstance(person, Incoming)
    assert (bot.is_automatic, person.is_automatic) == (True, False)
    assert (bot.kind, bot.to, bot.root, bot.sender) == (
        Kind.REPLY, "7771", "7771", "1000200030004",
    )  # fmt: skip


def test_what_another_app_answers_is_heard_and_comments_are_not_ours() -> None:
    found = said("messenger", "standby")
    assert [one.external_id for one in found if isinstance(one, Incoming)] == ["m_S1", "m_T1"]
    assert [one.reason for one in found if isinstance(one, SetAside)] == [
        "This belongs to another Page (2222); this inbox hears only 1000200030004.",
        "This is not a private message; an inbox of the kind “facebook” hears it.",
    ]


def test_after_a_day_only_the_human_agent_may_answer() -> None:
    vendor = BY_KIND["messenger"]
    with Place() as place:
        place.answers(vendor.call, LATE, status=400)
        place.answers(vendor.call, vendor.taken)
        receipt = messenger.send(vendor.reply, vendor.account(api_url=place.url, human_agent="yes"))
    assert receipt.state is SendState.SENT
    assert [one.json()["messaging_type"] for one in place.asked] == ["RESPONSE", "MESSAGE_TAG"]
    assert place.asked[1].json()["tag"] == "HUMAN_AGENT"
    with Place() as place:
        place.answers(vendor.call, LATE, status=400)
        receipt = messenger.send(vendor.reply, vendor.account(api_url=place.url))
    assert receipt.is_final
    assert receipt.reason.startswith("The reply window has closed")
    assert len(place.asked) == 1


def test_comments_of_instagram_on_posts_ads_and_live() -> None:
    found = by_id("instagram", "comments")
    ad, live, own = (found[f"1790000000000000{n}"] for n in (3, 4, 5))
    assert (ad.extra["ad"], ad.root, ad.parent) == ("Winter",) + ("18000000000000002",) * 2
    assert ad.extra["private_until"] == "2026-11-29T10:00:00+00:00"
    assert live.extra["item"] == "live_comment"
    assert own.kind is Kind.REPLY
    pointed = [one for one in said("instagram", "comments") if isinstance(one, Elsewhere)]
    assert [json.loads(one.source)["comment_id"] for one in pointed] == ["17900000000000009", ""]


def test_the_author_of_a_comment_is_written_to_once_within_seven_days() -> None:
    vendor = BY_KIND["instagram"]
    privately = replace(vendor.reply, is_private=True)
    over = replace(privately, answered={"item": "comment", "private_until": "2020-01-01T00:00:00Z"})
    twice = {"error": {"message": "Activity already replied to", "code": 10900}}
    with Place() as place:
        place.answers("POST /me/messages", {"message_id": "aWdf1"})
        place.answers("POST /me/messages", twice, status=400)
        at = vendor.account(api_url=place.url)
        receipts = [instagram.send(one, at) for one in (privately, privately, over)]
        live = replace(vendor.reply, answered={"item": "live_comment"})
        spoken = instagram.send(live, at)
        mention = replace(privately, answered={"item": "mention"})
        nobody = instagram.send(mention, at)
    assert [one.state for one in receipts] == [SendState.SENT, SendState.FAILED, SendState.FAILED]
    assert "one private reply already" in receipts[1].reason
    assert "more than 7 days ago" in receipts[2].reason
    assert "only be answered privately" in spoken.reason
    assert nobody.is_final
    assert [one.json()["recipient"] for one in place.asked] == [
        {"comment_id": "17900000000000001"}
    ] * 2


def test_a_mention_is_looked_up_and_answered_where_it_stands() -> None:
    vendor = BY_KIND["instagram"]
    first, second = (one for one in said("instagram", "comments") if isinstance(one, Elsewhere))
    in_comment = json.loads(vendor.body("mention_in_comment.json"))["found"]
    in_post = json.loads(vendor.body("mention_in_post.json"))["found"]
    assert isinstance(channel_of("instagram"), Looking)
    with Place() as place:
        me = vendor.settings["account_id"]
        place.answers(f"GET /{me}", {"mentioned_comment": in_comment, "id": me})
        place.answers(f"GET /{me}", {"mentioned_media": in_post, "id": me})
        place.answers(f"GET /{me}", {"id": me})
        place.answers(f"POST /{me}/mentions", {"id": "17900000000000010"})
        at = vendor.account(api_url=place.url)
        [looked] = instagram.look(first.source, at)
        [other] = instagram.look(second.source, at)
        assert instagram.look(second.source, at) == ()
        [mention], [post] = instagram.parse(looked, at), instagram.parse(other, at)
        assert isinstance(mention, Incoming)
        assert isinstance(post, Incoming)
        answer = soon(to=mention.sender, parent=mention.external_id, answered=mention.extra)
        receipt = instagram.send(answer, at)
    fields = [one.query["fields"] for one in place.asked[:2]]
    assert fields[0].startswith("mentioned_comment.comment_id(17900000000000009)")
    assert fields[1].startswith("mentioned_media.media_id(18000000000000010)")
    assert (mention.text, mention.sender) == ("@shop is great", "unnamed/17900000000000009")
    assert mention.extra["url"] == "https://www.instagram.com/p/x/"
    assert (post.external_id, post.sender) == ("mention/18000000000000010", "@dora")
    assert place.asked[3].json() == {
        "message": "We are looking into it.",
        "media_id": "18000000000000009",
        "comment_id": "17900000000000009",
    }
    assert receipt.external_id == "17900000000000010"


def test_messages_of_instagram_their_stories_and_what_was_read() -> None:
    found = by_id("instagram", "messages")
    assert found["aWdfS"].extra["url"] == "https://cdn.example/story"
    assert found["aWdfM"].text == "https://cdn.example/mention"
    assert (found["aWdfE"].kind, found["aWdfE"].to) == (Kind.REPLY, "4441")
    [read] = [one for one in said("instagram", "messages") if isinstance(one, Progress)]
    assert (read.external_id, read.state) == ("aWdfE", "read")
    chat = soon("ä" * 501, to="4441", root="4441")
    assert instagram.send(chat, BY_KIND["instagram"].account()).is_final


def test_a_token_of_instagram_is_made_young_again() -> None:
    vendor = BY_KIND["instagram"]
    kept: dict[str, str] = {}
    with Place() as place:
        place.answers("GET /me", {"user_id": vendor.settings["account_id"], "username": "shop"})
        place.answers("GET /refresh_access_token", {"access_token": "new", "expires_in": 5184000})
        place.answers("GET /me/subscribed_apps", {"data": [{"subscribed_fields": ["messages"]}]})
        account = replace(vendor.account(api_url=place.url), renew=kept.update)
        checked = instagram.check(account)
    assert kept == {"token": "new"}
    assert checked.account == "@shop"
    assert checked.expires_at is not None
    assert "comments, live_comments, mentions" in checked.warnings[0]
    again = replace(account, settings={**account.settings, **checked.found})
    with Place() as place:
        place.answers("GET /me", {"user_id": vendor.settings["account_id"], "username": "shop"})
        place.answers("GET /me/subscribed_apps", {"data": []})
        again = replace(again, settings={**again.settings, "api_url": place.url})
        assert instagram.check(again).expires_at is not None
    assert all("refresh" not in one.path for one in place.asked)


def test_everything_that_whatsapp_brings() -> None:
    found = by_id("whatsapp", "many")
    picture = found["wamid.M1"]
    assert (picture.text, picture.sender_name) == ("It arrived like this", "Sheena Nelson")
    assert picture.files == (File("picture.jpg", "image/jpeg", b"", "1003383421387256"),)
    assert found["wamid.M2"].files[0].name == "invoice.pdf"
    assert found["wamid.M3"].files[0].name == "sound.ogg"
    assert found["wamid.M4"].text == "Hill Street\nHill Street 1\ngeo:52.5,13.4"
    assert found["wamid.M5"].text == "Bo +49 30 1"
    assert (found["wamid.M6"].text, found["wamid.M6"].parent) == ("Yes", "wamid.OUT1")
    assert found["wamid.M7"].text == "Refund\nto my card"
    thanks = found["reaction/16505551234/wamid.OUT1"]
    assert (thanks.text, thanks.parent, thanks.need) == ("🙏", "wamid.OUT1", "nothing")
    assert found["wamid.M10"].text == "please\n2 × SKU1"
    assert found["wamid.M11"].text == "(A kind of message that only the app shows.)"
    hidden = found["wamid.M13"]
    assert (hidden.sender, hidden.sender_name) == ("US.13491208655302741918", "Hidden One")


def test_what_became_of_our_messages_on_whatsapp() -> None:
    found = said("whatsapp", "statuses")
    assert [(one.external_id, one.state) for one in found] == [
        ("wamid.OUT1", "delivered"), ("wamid.OUT1", "read"), ("wamid.OUT2", "failed"),
    ]  # fmt: skip
    assert found[2].reason == "this number cannot be reached on WhatsApp"


def test_other_numbers_and_news_about_the_account_are_set_aside() -> None:
    assert [one.reason for one in said("whatsapp", "others")] == [
        "This belongs to another number (999); this inbox hears only 106540352242922.",
        (
            "This belongs to another WhatsApp Business account (555); this inbox hears only"
            " 102290129340398."
        ),
        "WhatsApp tells about the account: REJECTED",
        "changes of “novelty” are not known here",
    ]


TEMPLATES = [
    {
        "name": "delay",
        "language": "en_US",
        "status": "APPROVED",
        "components": [
            {"type": "HEADER", "format": "TEXT", "text": "Hello"},
            {"type": "BODY", "text": "Your order {{1}} comes on {{2}}."},
        ],
    },
    {
        "name": "hello",
        "language": "de",
        "status": "APPROVED",
        "components": [{"type": "BODY", "text": "Hallo {{first_name}}"}],
    },
    {"name": "no", "language": "de", "status": "REJECTED", "components": []},
    {
        "name": "pic",
        "language": "de",
        "status": "APPROVED",
        "components": [{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "x"}],
    },
]


def test_the_templates_are_found_page_by_page_and_their_blanks_filled() -> None:
    vendor = BY_KIND["whatsapp"]
    number, business = vendor.settings["phone_number_id"], vendor.settings["business_account_id"]
    with Place() as place:
        place.answers(
            f"GET /{number}",
            {
                "display_phone_number": "+1 555",
                "verified_name": "The Shop",
                "quality_rating": "RED",
            },
        )
        path = f"GET /{business}/message_templates"
        more = {"cursors": {"after": "two"}, "next": "https://graph.example/next"}
        place.answers(path, {"data": TEMPLATES[:1], "paging": more})
        place.answers(path, {"data": TEMPLATES[1:], "paging": {"cursors": {"after": "three"}}})
        place.answers("GET /app", {"id": "4242"})
        place.answers("GET /debug_token", {"data": {"scopes": [], "expires_at": 1800000000}})
        place.answers(f"POST /{number}/messages", vendor.taken)
        checked = whatsapp.check(vendor.account(api_url=place.url))
        assert [one.query.get("after") for one in place.asked[1:3]] == [None, "two"]
        assert place.asked[4].headers["authorization"].startswith("Bearer 4242|")
        account = vendor.account(api_url=place.url, **checked.found)
        delay = soon("4711\nMonday", to="16505551234", template="delay/en_US")
        sent = whatsapp.send(delay, account)
        hello = whatsapp.send(replace(delay, text="Ann", template="hello/de"), account)
        wrong = whatsapp.send(replace(delay, text="4711"), account)
    assert checked.account == "The Shop +1 555"
    assert checked.expires_at == datetime.fromtimestamp(1800000000, UTC)
    assert checked.found["templates"] == [
        {"name": "delay/en_US", "body": "Your order {{1}} comes on {{2}}."},
        {"name": "hello/de", "body": "Hallo {{first_name}}"},
    ]
    assert any("quality is low" in one for one in checked.warnings)
    assert any("whatsapp_business_messaging" in one for one in checked.warnings)
    assert (sent.state, hello.state, wrong.is_final) == (SendState.SENT, SendState.SENT, True)
    assert wrong.reason.startswith("The template has 2 blanks, but 1 lines")
    first, second = (one.json()["template"] for one in place.asked[-2:])
    assert first["language"] == {"code": "en_US"}
    assert [one["text"] for one in first["components"][0]["parameters"]] == ["4711", "Monday"]
    assert second["components"][0]["parameters"][0]["parameter_name"] == "first_name"


def test_after_the_window_whatsapp_says_that_a_template_is_needed() -> None:
    vendor = BY_KIND["whatsapp"]
    late = {"error": {"message": "Re-engagement message", "code": 131047}}
    with Place() as place:
        place.answers(vendor.call, late, status=400)
        receipt = whatsapp.send(vendor.reply, vendor.account(api_url=place.url))
    assert (receipt.is_final, "window has closed" in receipt.reason) == (True, True)


def test_a_file_is_handed_over_first_and_shown_then() -> None:
    vendor = BY_KIND["whatsapp"]
    number = vendor.settings["phone_number_id"]
    file = File('the "new" invoice.pdf', "application/pdf", b"%PDF-\r\n\x00")
    with Place() as place:
        place.answers(f"POST /{number}/media", {"id": "77"})
        place.answers(vendor.call, vendor.taken)
        at = vendor.account(api_url=place.url)
        receipt = whatsapp.send(replace(vendor.reply, files=(file,)), at)
        two = whatsapp.send(replace(vendor.reply, files=(file, file)), at)
        long = whatsapp.send(replace(vendor.reply, files=(file,), text="x" * 1025), at)
    assert receipt.external_id == "wamid.OUT1"
    assert b'filename="the new invoice.pdf"' in place.asked[0].body
    assert b"%PDF-\r\n\x00" in place.asked[0].body
    assert place.asked[1].json()["document"] == {
        "id": "77", "caption": vendor.reply.text, "filename": file.name,
    }  # fmt: skip
    assert two.is_final
    assert long.is_final
    assert len(place.asked) == 2


def test_media_is_fetched_by_its_id_and_a_thumb_is_a_reaction() -> None:
    vendor = BY_KIND["whatsapp"]
    with Place() as place:
        place.answers("GET /1003", {"url": f"{place.url}/bytes"})
        place.answers("GET /bytes", b"\xff\xd8\xff")
        place.answers(vendor.call, vendor.taken)
        at = vendor.account(api_url=place.url)
        content = whatsapp.fetch("1003", at)
        receipt = whatsapp.act(Acting(Act.LIKE, "wamid.IN1", "k", root="16505551234"), at)
        hidden = soon(to="US.134", root="US.134")
        whatsapp.send(hidden, at)
    assert content == b"\xff\xd8\xff"
    assert receipt.state is SendState.SENT
    assert place.asked[2].json()["reaction"] == {"message_id": "wamid.IN1", "emoji": "👍"}
    assert place.asked[3].json()["recipient"] == "US.134"


@pytest.mark.parametrize(
    ("error", "status", "seconds"),
    [
        ({"code": 4}, 400, 300),
        ({"code": 131056}, 400, 6),
        ({"code": 2, "is_transient": True}, 500, None),
    ],
)
def test_what_passes_is_tried_again(error: dict[str, Any], status: int, seconds: int) -> None:
    vendor = BY_KIND["whatsapp"]
    with Place() as place:
        place.answers(vendor.call, {"error": {"message": "later", **error}}, status=status)
        receipt = whatsapp.send(vendor.reply, vendor.account(api_url=place.url))
    assert (receipt.is_final, receipt.retry_after_seconds) == (False, seconds)


def test_the_minutes_that_meta_reckons_are_waited() -> None:
    vendor = BY_KIND["messenger"]
    usage = {"1000200030004": [{"type": "messenger", "estimated_time_to_regain_access": 7}]}
    with Place() as place:
        place.answers(
            vendor.call,
            {"error": {"message": "slow", "code": 80006}},
            status=400,
            headers={"x-business-use-case-usage": json.dumps(usage)},
        )
        receipt = messenger.send(vendor.reply, vendor.account(api_url=place.url))
    assert receipt.retry_after_seconds == 420


def test_a_gateway_that_gives_up_leaves_it_open() -> None:
    vendor = BY_KIND["messenger"]
    with Place() as place:
        place.answers(vendor.call, "<html>", status=504)
        receipt = messenger.send(vendor.reply, vendor.account(api_url=place.url))
    assert receipt.state is SendState.UNKNOWN


def test_a_page_is_checked_for_its_token_rights_and_deliveries() -> None:
    vendor = BY_KIND["facebook"]
    page = vendor.settings["page_id"]
    with Place() as place:
        place.answers("GET /me", {"id": page, "name": "The Shop"})
        place.answers("GET /app", {"id": "4242"})
        place.answers(
            "GET /debug_token", {"data": {"expires_at": 0, "scopes": ["pages_messaging"]}}
        )
        place.answers(f"GET /{page}/subscribed_apps", {"data": [{"subscribed_fields": ["feed"]}]})
        checked = facebook.check(vendor.account(api_url=place.url))
    assert checked.account == "The Shop"
    assert checked.expires_at is None
    assert "The access token lacks the right pages_read_user_content." in checked.warnings
    assert checked.warnings[-1].startswith("The Page does not deliver ratings, mention, messages")
    with Place() as place:
        place.answers("GET /me", {"id": "1", "name": "Ann"})
        with pytest.raises(PlaceError, match="not to the Page"):
            facebook.check(vendor.account(api_url=place.url))


def test_an_expired_token_says_what_to_do() -> None:
    vendor = BY_KIND["messenger"]
    with Place() as place:
        place.answers(vendor.call, META_EXPIRED.body, status=400)
        receipt = messenger.send(vendor.reply, vendor.account(api_url=place.url))
    assert receipt.reason.startswith("Meta no longer knows the access token: make a new one")


def test_lists_end_after_so_many_pages() -> None:
    endless = {"data": [1], "paging": {"cursors": {"after": "x"}, "next": "https://x/"}}
    with Place() as place:
        place.answers("GET /list", endless)
        account = BY_KIND["messenger"].account(api_url=place.url)
        assert len(list(graph.every("list", account=account, params={}))) == graph.PAGE_LIMIT


def test_nothing_of_meta_may_be_repeated_blindly() -> None:
    outgoing = Outgoing(idempotency_key="k", to="1", text="x")
    for module in (facebook, messenger, instagram, whatsapp):
        assert module.may_repeat(outgoing) is False
