"""Mastodon by what a real server once answered (recorded), and by its documents for the rest."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
import yaml
from websockets.sync.server import ServerConnection, serve

from heard.channels import mastodon
from heard.channels.base import (
    Account,
    Acknowledged,
    Act,
    Acted,
    Acting,
    Deleted,
    Delivered,
    Edited,
    Fetched,
    Fetching,
    File,
    Heard,
    Incoming,
    Kind,
    Listened,
    NotUnderstoodError,
    Outgoing,
    PlaceError,
    Polled,
    SendState,
)
from heard.channels.mastodon import hearing, statuses
from tests.channels.place import Place
from tests.servers import running

NOW = datetime(2026, 10, 14, 19, 30, tzinfo=UTC)
"""Shortly after the recordings were made."""
ME = "117440810532227399"


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statuses, "now", lambda: NOW)


@pytest.fixture
def place() -> Iterator[Place]:
    with Place() as place:
        yield place


@pytest.fixture
def quiet(place: Place) -> Place:
    """A server on which nothing has happened."""
    place.answers("GET /api/v1/accounts/verify_credentials", account("acme", id=ME))
    for path in ("notifications", f"accounts/{ME}/statuses", "favourites"):
        place.answers(f"GET /api/v1/{path}", [])
    return place


def account_at(place: Place, **settings: Any) -> Account:
    return Account(
        name="Mastodon",
        settings={"server": place.url, "domain": "care.example", "stream": "no", **settings},
        secrets={"token": "t0k3n"},
        allow_private=True,
    )


def account(acct: str, **other: Any) -> dict[str, Any]:
    return {"id": acct, "acct": acct, "display_name": "", "bot": False, **other}


def status(name: str, **other: Any) -> dict[str, Any]:
    return {
        "id": name,
        "created_at": "2026-10-14T19:20:00.000Z",
        "edited_at": None,
        "in_reply_to_id": None,
        "in_reply_to_account_id": None,
        "spoiler_text": "",
        "visibility": "public",
        "language": "en",
        "url": f"https://far.example/@anna/{name}",
        "content": "<p>Where is my order?</p>",
        "account": account("anna@far.example", display_name="Anna Berg", followers_count=41),
        "media_attachments": [],
        "mentions": [],
        "favourites_count": 3,
        "something_new": {"nobody": "knows"},
        **other,
    }


def noticed(name: str, kind: str, what: dict[str, Any], **other: Any) -> dict[str, Any]:
    at = "2026-10-14T19:20:01.000Z"
    return {
        "id": name, "type": kind, "created_at": at, "account": what["account"], "status": what,
        **other,
    }  # fmt: skip


def recorded(name: str) -> list[dict[str, Any]]:
    """The calls of one recording."""
    folder = Path(running("fixtures")["MASTODON_CASSETTES"])
    found = yaml.safe_load((folder / f"{name}.yaml").read_text())
    return cast("list[dict[str, Any]]", found.get("interactions") or found["connections"])


def replay(place: Place, *names: str) -> None:
    """Let the place answer as the recorded server did, call by call."""
    for name in names:
        for one in recorded(name):
            request, response = one["request"], one["response"]
            place.answers(
                f"{request['method']} {urlsplit(request['uri']).path.rstrip('/')}",
                response["body"]["string"].encode(),
                status=response["status"]["code"],
                headers={
                    name: values[0]
                    for name, values in response["headers"].items()
                    if name.startswith("x-ratelimit") or name == "link"
                },
            )


def said(fetched: Fetched) -> list[Heard]:
    account = Account(name="x", settings={})
    return [one for delivered in fetched.deliveries for one in mastodon.parse(delivered, account)]


def messages(fetched: Fetched) -> dict[str, Incoming]:
    return {one.external_id: one for one in said(fetched) if isinstance(one, Incoming)}


def told(status: dict[str, Any], *, me: str = ME) -> list[Heard]:
    """What one status says."""
    delivered = statuses.kept(
        "status", at=NOW, name="x", me=me, domain="care.example", status=statuses.shortened(status)
    )
    return list(mastodon.parse(delivered, Account(name="x", settings={})))


def message(status: dict[str, Any], *, me: str = ME) -> Incoming:
    (one,) = told(status, me=me)
    assert isinstance(one, Incoming)
    return one


REPLY = Outgoing(
    idempotency_key="reply_7_1",
    to="anna@far.example",
    text="It left on Monday.",
    parent="100",
    answered={"visibility": "unlisted"},
    at=NOW,
)


def test_it_is_polled_and_listened_to_acts_and_fetches() -> None:
    assert isinstance(mastodon, Polled)
    assert isinstance(mastodon, Listened)
    assert isinstance(mastodon, Acted)
    assert isinstance(mastodon, Fetching)


# What a real server answered


def test_a_server_is_asked_for_its_limits_and_our_name(place: Place) -> None:
    replay(place, "test_instance", "test_verify_credentials")
    place.answers(
        "GET /api/v1/apps/verify_credentials",
        {"name": "heard", "scopes": ["read", "write:statuses", "write:media"]},
    )
    checked = mastodon.check(account_at(place))
    assert checked.account == "@mastodonpy_test@localhost:3000"
    assert checked.found == {
        "account_id": "117440810532227399",
        "domain": "localhost:3000",
        "length": 468,
        "max_characters": 500,
        "link_length": 23,
        "file_count": 4,
        "streaming": "ws://localhost:4000",
        "version": "4.7.3",
    }
    assert checked.warnings == ("The token may not do everything; it lacks write:favourites.",)
    assert checked.quota is not None
    assert checked.quota.of == 300
    assert place.asked[0].headers["authorization"] == "Bearer t0k3n"


def test_a_recorded_mention_is_heard(quiet: Place) -> None:
    quiet._answers.pop("GET /api/v1/notifications")
    replay(quiet, "test_notifications")
    account = account_at(quiet)
    fetched = mastodon.poll("", account)
    (mention,) = messages(fetched).values()
    assert mention.text == "@mastodonpy_test hello!"
    assert mention.external_id == "117440821662233205"
    assert (mention.sender, mention.sender_name) == ("admin@care.example", "@admin")
    assert (mention.is_public, mention.root, mention.parent) == (True, "117440821662233205", "")
    assert mention.extra["url"] == "http://localhost:3000/@admin/117440821662233205"
    assert json.loads(fetched.cursor)["notifications"] == "20"


def test_a_recorded_quote_is_one_and_its_makeshift_link_is_left_out() -> None:
    found = [json.loads(one["response"]["body"]["string"])
             for one in recorded("test_status_reply_with_quote")
             if one["request"]["method"] == "POST"]  # fmt: skip
    quote = message(found[-1], me="someone else")
    assert quote.text == "@mastodonpy_test yoooo check this out"
    assert quote.extra["quotes"] == "117440826591388777"
    assert quote.parent == "117440826596046046"


def test_a_recorded_status_is_favourited_and_boosted(place: Place) -> None:
    replay(place, "test_status_fav_unfav", "test_status_reblog_unreblog")
    account = account_at(place)
    liked = mastodon.act(Acting(Act.LIKE, "117440831328347550", idempotency_key="a"), account)
    assert (liked.state, liked.external_id) == (SendState.SENT, "117440831328347550")
    boosted = mastodon.act(Acting(Act.SHARE, "117440831307448422", idempotency_key="b"), account)
    assert (boosted.state, boosted.external_id) == (SendState.SENT, "117440831312204861")
    gone = mastodon.act(Acting(Act.DELETE, "117440831307448422", idempotency_key="c"), account)
    assert gone.state is SendState.SENT


def test_a_recorded_status_is_edited_and_the_edit_is_heard(place: Place) -> None:
    replay(place, "test_status_edit")
    name = "117440831413709748"
    receipt = mastodon.act(
        Acting(Act.EDIT, name, idempotency_key="a", text="Kate", of_ours=True), account_at(place)
    )
    assert (receipt.state, receipt.external_id) == (SendState.SENT, name)
    sent = place.asked[-1].json()
    assert (sent["status"], sent["media_ids"]) == ("Kate", [])
    (put,) = [one for one in recorded("test_status_edit") if one["request"]["method"] == "PUT"]
    was, edit = told(json.loads(put["response"]["body"]["string"]))
    assert isinstance(was, Incoming)
    assert isinstance(edit, Edited)
    assert edit.text == "the best editor? why, of course it is the KDE Advanced Text Editor, Kate"
    assert edit.at > was.at


def test_a_recorded_upload_is_waited_for(place: Place) -> None:
    replay(place, "test_media_post[True]")
    film = File(name="Unpacking.mp4", content_type="video/mp4", content=b"film")
    outgoing = dataclasses.replace(REPLY, files=(film,), answered={"visibility": "public"})
    receipt = mastodon.send(outgoing, account_at(place))
    assert receipt.state is SendState.SENT
    upload = place.asked[0]
    assert b'name="description"\r\n\r\nUnpacking\r\n' in upload.body
    assert b"Content-Type: video/mp4\r\n\r\nfilm\r\n" in upload.body
    assert place.asked[1].path == "/api/v1/media/117440819877733537"
    assert place.asked[2].json()["media_ids"] == ["117440819877733537"]


@contextlib.contextmanager
def streaming(frames: list[str], seen: list[Any]) -> Iterator[str]:
    """A server that says these over a websocket to whoever comes, and then waits."""
    done = threading.Event()

    def say(line: ServerConnection) -> None:
        assert line.request is not None
        seen.append((line.request.path, line.request.headers.get("authorization")))
        for frame in frames:
            line.send(frame)
        done.wait(20)

    with serve(say, "localhost", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"ws://localhost:{server.socket.getsockname()[1]}"
        done.set()
        server.shutdown()
        thread.join(5)


def test_a_recorded_stream_is_heard_as_it_comes(quiet: Place) -> None:
    (connection,) = recorded("test_stream_websocket_user_direct.ws")
    frames = [json.dumps(one["receive"]) for one in connection["interactions"] if "receive" in one]
    me = json.loads(json.loads(frames[0])["payload"])["account"]["id"]
    quiet._answers.pop("GET /api/v1/accounts/verify_credentials")
    quiet.answers("GET /api/v1/accounts/verify_credentials", account("mastodonpy_test", id=me))
    quiet.answers(f"GET /api/v1/accounts/{me}/statuses", [])
    seen: list[Any] = []
    with streaming(frames, seen) as address:
        there = account_at(quiet, stream="yes", streaming=address)
        ear = cast("Generator[Fetched]", mastodon.listen("", there))
        with contextlib.closing(ear):
            found: list[Heard] = []
            while len(found) < 2:
                found += said(next(ear))
    assert seen == [("/api/v1/streaming?stream=user", "Bearer t0k3n")]
    ours, direct = found
    assert isinstance(ours, Incoming)
    assert isinstance(direct, Incoming)
    assert (ours.kind, ours.text) == (Kind.REPLY, "WebSocket user stream test")
    assert (direct.kind, direct.is_public) == (Kind.INCOMING, False)
    assert direct.text == "@mastodonpy_test WebSocket direct stream test"


def test_recorded_edits_and_deletions_in_a_stream_are_heard(quiet: Place) -> None:
    (stream,) = [one["response"]["body"]["string"] for one in recorded("test_stream_user_direct")
                 if "streaming/user" in one["request"]["uri"]]  # fmt: skip
    events: list[bytes] = []
    for block in stream.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            told = {"stream": ["user"], "event": fields["event"], "payload": fields["data"]}
            events.append(json.dumps(told).encode())
    quiet._answers.pop("GET /api/v1/accounts/verify_credentials")
    quiet.answers("GET /api/v1/accounts/verify_credentials", account("test", id=ME))
    ear = hearing.Ear("", account_at(quiet))
    ear.look()
    found = [one for event in events for one in said(ear.fetched(ear.told(event)))]
    names = [type(one).__name__ for one in found]
    assert names == [
        "Incoming",
        "Incoming",
        "Incoming",
        "Incoming",
        "Incoming",
        "Edited",
        "Deleted",
    ]
    edit, gone = found[-2:]
    assert isinstance(edit, Edited)
    assert isinstance(gone, Deleted)
    assert (edit.text, edit.kind) == ("only real animals respond.", Kind.REPLY)
    assert (gone.external_id, gone.kind) == (edit.external_id, Kind.REPLY)


# What the documents say


def test_the_recorded_error_for_a_lost_status_is_understood(place: Place) -> None:
    replay(place, "test_status_missing")
    outgoing = dataclasses.replace(REPLY, parent="0", answered={})
    receipt = mastodon.send(outgoing, account_at(place))
    assert receipt.is_final
    assert "no longer there" in receipt.reason


def test_everything_delivered_twice_and_out_of_order_says_the_same(quiet: Place) -> None:
    quiet._answers["GET /api/v1/notifications"].clear()
    asked = status("100")
    answered = status("102", in_reply_to_id="101", content="<p>Thanks!</p>")
    listed = [noticed("8", "mention", answered), noticed("7", "mention", asked)]
    quiet.answers("GET /api/v1/notifications", listed)
    changed = json.loads(
        json.dumps(listed).replace('"favourites_count": 3', '"favourites_count": 9')
    )
    quiet.answers("GET /api/v1/notifications", changed)
    first, again = (mastodon.poll("", account_at(quiet)) for _ in "ab")
    assert [one.body for one in first.deliveries] == [one.body for one in again.deliveries]
    assert [one.external_id for one in first.deliveries] == ["102", "100"]
    found = messages(first)
    assert (found["102"].root, found["102"].parent) == ("", "101")
    assert (found["100"].root, found["100"].extra["audience"]) == ("100", 41)


def test_a_look_goes_on_where_the_last_ended_page_by_page(quiet: Place) -> None:
    listed = "GET /api/v1/notifications"
    quiet._answers[listed].clear()
    address = f"{quiet.url}/api/v1/notifications"

    def link(newest: int, oldest: int) -> str:
        older, newer = f"{address}?max_id={oldest}", f"{address}?min_id={newest}"
        return f'<{older}>; rel="next", <{newer}>; rel="prev"'

    old = {**noticed("1", "mention", status("90")), "created_at": "2026-10-01T00:00:00Z"}
    quiet.answers(
        listed, [noticed("7", "mention", status("100")), old],
        headers={"link": link(7, 1)},
    )  # fmt: skip
    many = [noticed(str(n), "mention", status(str(100 + n))) for n in range(47, 7, -1)]
    quiet.answers(listed, many, headers={"link": link(47, 8)})
    quiet.answers(listed, [noticed("48", "mention", status("148"))])
    account = account_at(quiet)
    first = mastodon.poll("", account)
    assert list(messages(first)) == ["100"]  # what is older than a day is left to history
    second = mastodon.poll(first.cursor, account)
    assert len(messages(second)) == 41
    asked = [one.query.get("min_id") for one in quiet.asked if one.path.endswith("notifications")]
    assert asked == [None, "7", "47"]
    assert json.loads(second.cursor)["notifications"] == "48"


def test_boosts_bots_warnings_and_polls_are_told_as_what_they_are(quiet: Place) -> None:
    quiet._answers["GET /api/v1/notifications"].clear()
    quiet.answers(
        "GET /api/v1/notifications", [noticed("9", "reblog", status("50", account=account("acme"))
         | {"account": account("carl@far.example", bot=True)})],
    )  # fmt: skip
    (boost,) = messages(mastodon.poll("", account_at(quiet))).values()
    assert (boost.need, boost.extra["shares"], boost.parent) == ("nothing", "50", "50")
    assert boost.is_automatic
    warned = message(
        status(
            "1", spoiler_text="Broken glass", poll={"options": [{"title": "yes"}, {"title": "no"}]}
        )
    )
    assert warned.subject == "Broken glass"
    assert warned.text == "Where is my order?\n\n- yes\n- no".replace("\n\n", "\n")
    bot = message(status("1", account=account("weather@far.example", bot=True)))
    assert bot.is_automatic


@pytest.mark.parametrize(
    ("visibility", "is_public"),
    [("public", True), ("unlisted", True), ("private", False), ("direct", False)],
)
def test_only_what_everybody_sees_is_public(visibility: str, is_public: bool) -> None:
    assert message(status("1", visibility=visibility)).is_public is is_public


def test_html_becomes_words_with_whole_links() -> None:
    content = (
        '<p><span class="h-card"><a href="https://care.example/@acme" class="u-url mention">@'
        "<span>acme</span></a></span> look:<br>"
        '<a href="https://far.example/a/very/long/path?x=1"><span class="invisible">https://</span>'
        '<span class="ellipsis">far.example/a/very/lon</span>'
        '<span class="invisible">g/path?x=1</span></a></p><p>Tom &amp; Jerry</p>'
    )
    found = message(status("1", content=content))
    assert found.text == ("@acme look:\nhttps://far.example/a/very/long/path?x=1\n\nTom & Jerry")
    assert found.html == content


def test_files_are_named_by_what_they_show_and_fetched_from_where_they_are(place: Place) -> None:
    place.answers("GET /media/1.png", b"\x89PNG")
    media = [
        {
            "id": "1",
            "type": "image",
            "url": f"{place.url}/media/1.png",
            "description": "A torn\nbox",
        },
        {"id": "2", "type": "video", "url": None, "remote_url": "https://far.example/2.webm"},
        {"id": "3", "type": "unknown", "url": None},
    ]
    files = message(status("1", media_attachments=media)).files
    assert [(one.name, one.content_type) for one in files] == [
        ("A torn box", "image/png"), ("video 2", "video/webm"),
    ]  # fmt: skip
    assert mastodon.fetch(files[0].source, account_at(place)) == b"\x89PNG"
    assert "authorization" not in place.asked[0].headers  # our token is for our server alone


def test_what_our_people_do_there_is_heard_too(quiet: Place) -> None:
    own = f"GET /api/v1/accounts/{ME}/statuses"
    quiet._answers[own].clear()
    me = account("acme", id=ME, bot=True)
    answer = status(
        "101", account=me, in_reply_to_id="100", in_reply_to_account_id="77",
        mentions=[{"id": "77", "acct": "anna@far.example"}],
    )  # fmt: skip
    boost = status("103", account=me, reblog=status("100"))
    quiet.answers(own, [boost, answer])
    quiet._answers["GET /api/v1/favourites"].clear()
    mark = {"link": f'<{quiet.url}/api/v1/favourites?min_id=5>; rel="prev"'}
    quiet.answers("GET /api/v1/favourites", [status("90")], headers=mark)
    later = {"link": f'<{quiet.url}/api/v1/favourites?min_id=6>; rel="prev"'}
    quiet.answers("GET /api/v1/favourites", [status("100")], headers=later)
    there = account_at(quiet)
    first = mastodon.poll("", there)
    reply = messages(first)["101"]
    assert (reply.kind, reply.to, reply.parent) == (Kind.REPLY, "anna@far.example", "100")
    assert not reply.is_automatic
    acts = [one for one in said(first) if isinstance(one, Acknowledged)]
    assert [(one.act, one.external_id) for one in acts] == [(Act.SHARE, "100")]
    second = mastodon.poll(first.cursor, there)
    liked = [one for one in said(second) if isinstance(one, Acknowledged) and one.act is Act.LIKE]
    assert [one.external_id for one in liked] == ["100"]  # not what was liked before we listened


def test_edits_and_deletions_that_nobody_tells_are_looked_for(quiet: Place) -> None:
    quiet._answers["GET /api/v1/notifications"].clear()
    quiet.answers(
        "GET /api/v1/notifications",
        [noticed("8", "mention", status("101")), noticed("7", "mention", status("100"))],
    )
    quiet.answers("GET /api/v1/notifications", [])
    there = account_at(quiet)
    state = json.loads(mastodon.poll("", there).cursor)
    state["looked_at"] = 1.0
    edited = status("101", edited_at="2026-10-14T19:25:00.000Z", content="<p>It came!</p>")
    quiet.answers("GET /api/v1/statuses/101", edited)
    quiet.answers("GET /api/v1/statuses/100", {"error": "Record not found"}, status=404)
    found = said(mastodon.poll(json.dumps(state), there))
    assert (
        Edited("101", at=NOW - timedelta(minutes=5), text="It came!", html="<p>It came!</p>")
        in found
    )
    assert Deleted("100", at=NOW) in found


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"what": "status", "me": "1"}', b'{"what": "sung", "me": "1"}',
     b'{"what": "status", "me": "1", "status": {"id": "1", "account": {}}}', b"\xff" * 9],
)  # fmt: skip
def test_a_truncated_delivery_is_not_understood(body: bytes) -> None:
    with pytest.raises(NotUnderstoodError):
        list(mastodon.parse(Delivered(body=body, headers={}, at=NOW), Account("x", {})))


def test_nonsense_in_a_stream_is_passed_over(quiet: Place) -> None:
    ear = hearing.Ear("", account_at(quiet))
    ear.look()
    for frame in (
        b"",
        b"[]",
        b'{"event": "update"}',
        b'{"event": "delete", "payload": "9"}',
        b'{"event": "notification", "payload": "{}"}',
        b'{"error": "x", "status": 401}',
    ):
        assert ear.told(frame) == []


def test_a_rate_limit_is_waited_for_as_its_headers_say(quiet: Place) -> None:
    quiet._answers["GET /api/v1/notifications"].clear()
    reset = (datetime.now(UTC) + timedelta(seconds=100)).isoformat().replace("+00:00", "Z")
    quiet.answers(
        "GET /api/v1/notifications", {"error": "Too many requests"}, status=429,
        headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset},
    )  # fmt: skip
    with pytest.raises(PlaceError, match="slow down") as slow:
        mastodon.poll("", account_at(quiet))
    assert slow.value.retry_after_seconds is not None
    assert 90 < slow.value.retry_after_seconds <= 100


def test_few_calls_left_are_kept_for_answers(quiet: Place) -> None:
    quiet._answers["GET /api/v1/favourites"].clear()
    few = {"x-ratelimit-remaining": "7", "x-ratelimit-reset": "2026-10-14T19:33:20Z"}
    quiet.answers("GET /api/v1/favourites", [], headers=few)
    assert mastodon.poll("", account_at(quiet)).pause_seconds == 200


def test_an_ended_token_needs_a_person(place: Place) -> None:
    place.answers(
        "GET /api/v1/accounts/verify_credentials",
        {"error": "The access token was revoked"}, status=401,
    )  # fmt: skip
    for ask in (mastodon.check, lambda account: mastodon.poll("", account)):
        with pytest.raises(PlaceError, match="revoked") as refused:
            ask(account_at(place))
        assert refused.value.needs_person


def test_an_older_server_says_its_limits_in_older_words(place: Place) -> None:
    place.answers("GET /api/v1/accounts/verify_credentials", account("acme", id=7, bot=True))
    place.answers(
        "GET /api/v1/instance",
        {"uri": "old.example", "max_toot_chars": 5000, "version": "2.7",
         "urls": {"streaming_api": "wss://old.example"}},
    )  # fmt: skip
    place.answers(
        "GET /api/v1/notifications", {"error": "outside the authorized scopes"}, status=403
    )
    checked = mastodon.check(account_at(place))
    assert checked.account == "@acme@old.example"
    assert (checked.found["max_characters"], checked.found["length"]) == (5000, 4968)
    assert checked.found["streaming"] == "wss://old.example"
    assert "read:notifications" in checked.warnings[0]
    assert "bot" in checked.warnings[1]


def test_a_reply_names_whom_it_answers_and_is_as_visible_as_the_question(place: Place) -> None:
    place.answers("POST /api/v1/statuses", status("200"))
    there = account_at(place)
    receipt = mastodon.send(dataclasses.replace(REPLY, subject="Broken glass"), there)
    assert (receipt.state, receipt.external_id) == (SendState.SENT, "200")
    sent = place.asked[0]
    assert sent.headers["idempotency-key"] == "reply_7_1"
    assert sent.json() == {
        "status": "@anna@far.example It left on Monday.",
        "in_reply_to_id": "100",
        "visibility": "unlisted",
        "spoiler_text": "Broken glass",
    }
    near = dataclasses.replace(REPLY, to="bob@care.example", text="Hello @BOB, yes.")
    mastodon.send(near, there)
    assert place.asked[1].json()["status"] == "Hello @BOB, yes."
    mastodon.send(dataclasses.replace(near, text="Yes."), there)
    assert place.asked[2].json()["status"] == "@bob Yes."
    mastodon.send(dataclasses.replace(REPLY, is_private=True), there)
    assert place.asked[3].json()["visibility"] == "direct"


def test_the_visibility_is_asked_for_where_it_is_not_known(place: Place) -> None:
    place.answers("GET /api/v1/statuses/100", status("100", visibility="private"))
    place.answers("POST /api/v1/statuses", status("200"))
    mastodon.send(dataclasses.replace(REPLY, answered={}), account_at(place))
    assert place.asked[1].json()["visibility"] == "private"


def test_a_try_after_the_server_forgot_the_key_looks_for_the_first(place: Place) -> None:
    place.answers("GET /api/v1/accounts/verify_credentials", account("acme", id=ME))
    there = status(
        "200", account=account("acme", id=ME), in_reply_to_id="100",
        content='<p><span class="h-card"><a href="x">@<span>anna</span></a></span> '
        "It left on Monday.</p>",
    )  # fmt: skip
    place.answers("GET /api/v1/statuses/100/context", {"ancestors": [], "descendants": [there]})
    place.answers("GET /api/v1/statuses/100/context", {"ancestors": [], "descendants": []})
    place.answers("POST /api/v1/statuses", status("201"))
    late = dataclasses.replace(REPLY, at=NOW - timedelta(hours=2))
    assert mastodon.send(late, account_at(place)).external_id == "200"
    assert mastodon.send(late, account_at(place)).external_id == "201"
    assert mastodon.may_repeat(late)


def test_a_line_that_breaks_off_while_sending_leaves_it_unknown(place: Place) -> None:
    place.breaks_off("POST /api/v1/statuses")
    assert mastodon.send(REPLY, account_at(place)).state is SendState.UNKNOWN
    nowhere = Account("x", {"server": "http://127.0.0.1:9"}, allow_private=True)
    receipt = mastodon.send(REPLY, nowhere)
    assert (receipt.state, receipt.is_final) == (SendState.FAILED, False)


@pytest.mark.parametrize(
    ("status_code", "is_final"), [(422, True), (401, True), (403, True), (503, False), (429, False)]
)
def test_refusals_say_whether_trying_again_helps(
    place: Place, status_code: int, is_final: bool
) -> None:
    place.answers(
        "POST /api/v1/statuses", {"error": "Validation failed"}, status=status_code,
        headers={"retry-after": "9"} if status_code == 429 else {},
    )  # fmt: skip
    receipt = mastodon.send(REPLY, account_at(place))
    assert (receipt.state, receipt.is_final) == (SendState.FAILED, is_final)
    assert "Validation failed" in receipt.reason
    if status_code == 429:
        assert receipt.retry_after_seconds == 9


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("https://far.example/" + "x" * 200, 23),
        ("http://a.b", 23),
        ("@anna@far.example hello", 11),
        ("👩‍👧‍👧é", 2),
        ("mail me: anna@far.example", 25),
    ],
)
def test_length_is_counted_as_the_place_counts(text: str, count: int) -> None:
    assert statuses.length_of(text, per_link=23) == count


def test_what_the_server_cannot_take_is_refused_before_it_is_asked(place: Place) -> None:
    there = account_at(place, max_characters=50, file_count=1)
    long = mastodon.send(dataclasses.replace(REPLY, text="x" * 50), there)
    assert long.is_final
    assert "50 characters" in long.reason
    fits = dataclasses.replace(REPLY, text="y" * 20 + " https://far.example/" + "x" * 200)
    assert "characters" not in mastodon.send(fits, account_at(place, max_characters=51)).reason
    files = (File("a.png", "image/png", b"x"),) * 2
    assert "1 file." in mastodon.send(dataclasses.replace(REPLY, files=files), there).reason
    assert mastodon.send(dataclasses.replace(REPLY, parent=""), there).is_final


def test_acts_done_twice_are_done_once_and_a_lost_status_is_deleted(place: Place) -> None:
    place.answers("DELETE /api/v1/statuses/200", status("200"))
    place.answers("DELETE /api/v1/statuses/200", {"error": "Record not found"}, status=404)
    place.answers("POST /api/v1/statuses/100/favourite", status("100"))
    there = account_at(place)
    for _ in range(2):
        gone = mastodon.act(Acting(Act.DELETE, "200", idempotency_key="a", of_ours=True), there)
        assert (gone.state, gone.external_id) == (SendState.SENT, "200")
        liked = mastodon.act(Acting(Act.LIKE, "100", idempotency_key="a"), there)
        assert liked.state is SendState.SENT
    assert mastodon.act(Acting(Act.SPAM, "100", idempotency_key="a"), there).is_final


def test_an_edit_keeps_names_warning_and_files(place: Place) -> None:
    was = status("200", media_attachments=[{"id": "9"}], sensitive=True, language="en")
    place.answers("GET /api/v1/statuses/200", was)
    place.answers(
        "GET /api/v1/statuses/200/source",
        {"id": "200", "text": "@anna@far.example @bob It left.", "spoiler_text": "Glass"},
    )
    place.answers("PUT /api/v1/statuses/200", was)
    mastodon.act(
        Acting(Act.EDIT, "200", idempotency_key="a", text="It came.", of_ours=True),
        account_at(place),
    )
    assert place.asked[-1].json() == {
        "status": "@anna@far.example @bob It came.",
        "spoiler_text": "Glass",
        "sensitive": True,
        "language": "en",
        "media_ids": ["9"],
    }


def test_half_a_character_stops_nothing() -> None:
    assert message(status("1", content="<p>a\ud83d b\x00</p>")).text == "a? b"
