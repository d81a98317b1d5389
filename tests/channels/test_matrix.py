"""Matrix: what a room brings, what is sent, and all of it against a real Synapse."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from heard.channels import matrix
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
    Progress,
    SendState,
    SetAside,
)
from heard.channels.lengths import length
from tests.channels.place import Place
from tests.servers import running

PAYLOAD = (Path(__file__).parent / "payloads" / "matrix" / "room.json").read_bytes()
AT = datetime(2026, 3, 5, tzinfo=UTC)
API = "/_matrix/client/v3"
ROOM = "!kitchen:fern.example"


def heard(body: bytes = PAYLOAD) -> list[Heard]:
    return list(matrix.parse(Delivered(body, {}, AT), Account("Rooms", {})))


def messages(items: list[Heard]) -> dict[str, Incoming]:
    return {item.external_id: item for item in items if isinstance(item, Incoming)}


def account(url: str, **settings: Any) -> Account:
    return Account(
        "Rooms",
        {"homeserver": url, **settings},
        secrets={"access_token": "syt_secret"},
        allow_private=True,
    )


def outgoing(text: str = "Yes, until eleven.", **fields: Any) -> Outgoing:
    fields = {
        "to": "@ann:home.example", "root": ROOM, "parent": "$ann1", "answered": {"room": ROOM},
        **fields,
    }  # fmt: skip
    return Outgoing("reply_7", text=text, **fields)


def put(key: str = "reply_7", sort: str = "m.room.message") -> str:
    return f"PUT {API}/rooms/{quote(ROOM, safe='')}/send/{sort}/{key}"


class TestParsing:
    def test_it_is_a_channel_that_listens_acts_and_fetches(self) -> None:
        assert isinstance(matrix, Listened)
        assert isinstance(matrix, Acted)
        assert isinstance(matrix, Fetching)

    def test_a_message_stands_in_its_room(self) -> None:
        ann = messages(heard())["$ann1"]
        assert (ann.sender, ann.sender_name, ann.root) == ("@ann:home.example", "Ann", ROOM)
        assert ann.text == "Is the terrace open?"
        assert ann.is_public
        assert ann.at == datetime(2026, 3, 4, 12, tzinfo=UTC)
        assert ann.extra["audience"] == 212
        assert ann.extra["url"] == "https://matrix.to/#/!kitchen:fern.example/$ann1"

    def test_our_own_words_are_a_reply_to_whom_they_answer_without_the_quote(self) -> None:
        found = messages(heard())
        assert found["$care1"].kind is Kind.REPLY
        assert found["$care1"].parent == "$ann1"
        assert found["$care1"].text == "Yes, until eleven."
        assert found["$care1"].html == "Yes, until <b>eleven</b>."
        assert found["$named"].to == "@ann:home.example"

    def test_a_thread_and_a_picture_with_its_caption(self) -> None:
        picture = messages(heard())["$ann2"]
        assert (picture.parent, picture.extra["thread"]) == ("$care1", "$ann1")
        assert picture.text == "Our table"
        assert picture.files == (File("table.jpg", "image/jpeg", b"", "mxc://home.example/abc"),)

    def test_edits_deletions_likes_and_receipts(self) -> None:
        items = heard()
        edits = [item for item in items if isinstance(item, Edited)]
        assert [(one.external_id, one.text) for one in edits] == [
            ("$ann1", "Is the terrace open tonight?")
        ]
        gone = [item for item in items if isinstance(item, Deleted)]
        assert [(one.external_id, one.kind) for one in gone] == [
            ("$ann1", Kind.INCOMING),
            ("$care1", Kind.REPLY),
        ]
        likes = [item for item in items if isinstance(item, Acknowledged)]
        assert [(one.external_id, one.act) for one in likes] == [("$ann2", Act.LIKE)]
        read = [item for item in items if isinstance(item, Progress)]
        assert [(one.external_id, one.state) for one in read] == [("$care1", "read")]

    def test_what_is_encrypted_is_said_plainly_and_asks_for_a_person(self) -> None:
        secret = messages(heard())["$secret"]
        assert "cannot read" in secret.text
        assert secret.need == "answer"
        assert secret.extra["encrypted"] is True

    def test_a_notice_is_a_machines_word(self) -> None:
        assert messages(heard())["$bot"].is_automatic

    def test_what_was_taken_back_before_we_heard_it_and_our_own_files_are_no_messages(self) -> None:
        assert not {"$redacted", "$ours"} & messages(heard()).keys()

    def test_one_bad_event_is_set_aside_alone(self) -> None:
        aside = [item for item in heard() if isinstance(item, SetAside)]
        assert [item.where for item in aside] == ["event 14"]

    def test_twice_and_backwards_it_says_the_same(self) -> None:
        said = json.loads(PAYLOAD)
        said["events"].reverse()
        again = heard(json.dumps(said).encode())
        assert heard() == heard()
        assert {item for item in map(repr, again) if "SetAside" not in item} == {
            item for item in map(repr, heard()) if "SetAside" not in item
        }

    @pytest.mark.parametrize("size", [0, 1, 50, len(PAYLOAD) // 2, len(PAYLOAD) - 3])
    def test_a_truncated_body_is_refused_whole(self, size: int) -> None:
        with pytest.raises(NotUnderstoodError):
            heard(PAYLOAD[:size])

    def test_a_clock_that_runs_ahead_does_not_put_it_into_the_future(self) -> None:
        said = json.loads(PAYLOAD)
        said["events"] = [{**said["events"][0], "origin_server_ts": 9e15}]
        assert messages(heard(json.dumps(said).encode()))["$ann1"].at == AT


class TestSending:
    def test_the_key_is_the_transaction_and_the_answer_names_the_event(self) -> None:
        with Place() as place:
            place.answers(put(), {"event_id": "$e1"})
            receipt = matrix.send(outgoing(), account(place.url))
            assert (receipt.state, receipt.external_id) == (SendState.SENT, "$e1")
            said = place.asked[0].json()
            assert said["m.relates_to"] == {"m.in_reply_to": {"event_id": "$ann1"}}
            assert said["m.mentions"] == {"user_ids": ["@ann:home.example"]}
            assert place.asked[0].headers["authorization"] == "Bearer syt_secret"

    def test_in_a_thread_the_answer_stays_in_the_thread(self) -> None:
        with Place() as place:
            place.answers(put(), {"event_id": "$e1"})
            answered = {"room": ROOM, "thread": "$ann1"}
            matrix.send(outgoing(answered=answered), account(place.url))
            assert place.asked[0].json()["m.relates_to"]["rel_type"] == "m.thread"

    def test_slow_down_is_heard_from_the_body(self) -> None:
        with Place() as place:
            said = {"errcode": "M_LIMIT_EXCEEDED", "error": "Slow", "retry_after_ms": 2500}
            place.answers(put(), said, status=429)
            receipt = matrix.send(outgoing(), account(place.url))
        assert (receipt.state, receipt.is_final) == (SendState.FAILED, False)
        assert receipt.retry_after_seconds == 3

    def test_an_ended_token_asks_for_a_person(self) -> None:
        with Place() as place:
            said = {"errcode": "M_UNKNOWN_TOKEN", "error": "Invalid access token passed."}
            place.answers(put(), said, status=401)
            place.answers(f"GET {API}/account/whoami", said, status=401)
            receipt = matrix.send(outgoing(), account(place.url))
            assert (receipt.state, receipt.is_final) == (SendState.FAILED, True)
            with pytest.raises(PlaceError) as refused:
                next(matrix.listen("", account(place.url)))
            assert refused.value.needs_person

    def test_a_line_that_breaks_leaves_it_unknown_and_may_be_repeated(self) -> None:
        with Place() as place:
            place.breaks_off(put())
            receipt = matrix.send(outgoing(), account(place.url))
        assert receipt.state is SendState.UNKNOWN
        assert matrix.may_repeat(outgoing())

    def test_nobody_there_is_a_failure_that_is_tried_again(self) -> None:
        receipt = matrix.send(outgoing(), account("http://127.0.0.1:1"))
        assert (receipt.state, receipt.is_final) == (SendState.FAILED, False)

    def test_into_an_encrypted_room_nothing_is_said_in_the_clear(self) -> None:
        with Place() as place:
            answered = {"room": ROOM, "encrypted": True}
            receipt = matrix.send(outgoing(answered=answered), account(place.url))
            assert (receipt.state, receipt.is_final) == (SendState.FAILED, True)
            assert not place.asked

    def test_addresses_inside_the_house_are_not_asked(self) -> None:
        inside = Account("Rooms", {"homeserver": "https://127.0.0.1:1"}, secrets={})
        assert matrix.send(outgoing(), inside).is_final
        with pytest.raises(PlaceError) as refused:
            matrix.check(inside)
        assert refused.value.needs_person

    def test_a_long_answer_fits_into_an_event(self) -> None:
        assert matrix.private.length
        text = '"' * matrix.private.length
        assert length(text, matrix.private.unit) == matrix.private.length
        assert len(json.dumps({"msgtype": "m.text", "body": text})) < 65_000

    def test_what_is_not_ours_cannot_be_changed(self) -> None:
        with Place() as place:
            acting = Acting(Act.DELETE, "$ann1", "k", root=ROOM)
            assert matrix.act(acting, account(place.url)).is_final
            assert not place.asked

    def test_a_second_like_is_a_like(self) -> None:
        with Place() as place:
            said = {"errcode": "M_DUPLICATE_ANNOTATION", "error": "Can't send same reaction twice"}
            place.answers(put("k", "m.reaction"), said, status=400)
            acting = Acting(Act.LIKE, "$ann1", "k", root=ROOM)
            assert matrix.act(acting, account(place.url)).state is SendState.SENT


class TestFinding:
    def test_the_server_behind_a_domain_is_found(self) -> None:
        with Place() as place:
            place.answers(
                "GET /.well-known/matrix/client",
                {"m.homeserver": {"base_url": f"{place.url}/behind/"}},
            )
            place.answers(f"GET /behind{API}/account/whoami", {"user_id": "@care:fern.example"})
            checked = matrix.check(account(place.url))
        assert checked.account == "@care:fern.example"
        assert checked.found["base_url"] == f"{place.url}/behind"

    def test_a_room_that_is_closed_to_us_is_named_and_does_not_close_the_others(self) -> None:
        with Place() as place:
            place.answers(f"GET {API}/account/whoami", {"user_id": "@care:fern.example"})
            said = {"errcode": "M_FORBIDDEN", "error": "You are not invited to this room."}
            place.answers(f"POST {API}/join/%23shut%3Afern.example", said, status=403)
            place.answers(f"GET {API}/sync", {"next_batch": "s1"})
            named = account(place.url, rooms="#shut:fern.example")
            assert "#shut:fern.example" in matrix.check(named).warnings[0]
            assert next(matrix.listen("", named)) == Fetched((), "s1")

    def test_files_are_fetched_with_the_token_or_the_older_way(self) -> None:
        with Place() as place:
            place.answers("GET /_matrix/client/v1/media/download/home.example/abc", b"new")
            place.answers("GET /_matrix/media/v3/download/home.example/old", b"old")
            assert matrix.fetch("mxc://home.example/abc", account(place.url)) == b"new"
            assert place.asked[0].headers["authorization"]
            assert matrix.fetch("mxc://home.example/old", account(place.url)) == b"old"
            with pytest.raises(PlaceError):
                matrix.fetch("https://home.example/abc", account(place.url))


# Against a real Synapse


class Person:
    """A customer with a client of her own."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token

    def ask(self, method: str, path: str, said: Any = None) -> Any:
        answer = httpx.request(
            method,
            f"{self.url}{API}{path}",
            json=said,
            headers={"authorization": f"Bearer {self.token}"},
        )
        answer.raise_for_status()
        return answer.json()

    def room(self, **fields: Any) -> str:
        return str(self.ask("POST", "/createRoom", fields)["room_id"])

    def says(self, room: str, text: str, **content: Any) -> str:
        said = {"msgtype": "m.text", "body": text, **content}
        path = f"/rooms/{room}/send/m.room.message/{uuid.uuid4()}"
        return str(self.ask("PUT", path, said)["event_id"])


def until(
    line: Iterator[Fetched], rooms: Account, room: str, wanted: int = 1
) -> tuple[list[Heard], str]:
    """What a room's next deliveries say, until that is so much; and the cursor after them.

    Other rooms may bring what was there before: Synapse remembers a first sync for two minutes.
    """
    found: list[Heard] = []
    for _ in range(8):
        fetched = next(line)
        for delivered in fetched.deliveries:
            if json.loads(delivered.body)["room"] == room:
                found += matrix.parse(delivered, rooms)
        if len(messages(found)) and len(found) >= wanted:
            return found, fetched.cursor
    raise AssertionError(len(found))


@pytest.fixture(scope="module")
def server() -> dict[str, str]:
    return running("matrix")


@pytest.fixture
def rooms(server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setattr(matrix, "WAIT_MILLISECONDS", 3000)
    return Account(
        "Rooms",
        {"homeserver": server["URL"], "accepts_invitations": "yes"},
        secrets={"access_token": server["TOKEN"]},
        allow_private=True,
    )


@pytest.fixture
def ann(server: dict[str, str]) -> Person:
    return Person(server["URL"], server["CUSTOMER_TOKEN"])


@pytest.mark.journey
class TestAgainstSynapse:
    def test_an_invitation_is_accepted_answered_and_what_follows_is_followed(
        self, server: dict[str, str], rooms: Account, ann: Person
    ) -> None:
        assert matrix.check(rooms).account == server["USER"]
        line = matrix.listen("", rooms)
        assert next(line).deliveries == ()
        room = ann.room(invite=[server["USER"]], is_direct=True, preset="trusted_private_chat")
        first = ann.says(room, "Is the terrace open?")
        found, _ = until(line, rooms, room)
        (question,) = messages(found).values()
        assert (question.external_id, question.is_public) == (first, False)

        reply = Outgoing(
            f"reply_{uuid.uuid4().hex}", server["CUSTOMER_USER"], "Until eleven.", root=room,
            parent=first, answered=question.extra, files=(File("ü.png", "image/png", b"\x89PNG"),),
        )  # fmt: skip
        sent = matrix.send(reply, rooms)
        assert sent.state is SendState.SENT
        assert matrix.send(reply, rooms).external_id == sent.external_id
        like = Acting(Act.LIKE, first, uuid.uuid4().hex, root=room)
        again = Acting(Act.LIKE, first, uuid.uuid4().hex, root=room)
        assert matrix.act(like, rooms).state is SendState.SENT
        assert matrix.act(again, rooms).state is SendState.SENT
        edit = Acting(
            Act.EDIT, sent.external_id, uuid.uuid4().hex, root=room, text="Until ten.", of_ours=True
        )
        assert matrix.act(edit, rooms).state is SendState.SENT
        ann.ask("POST", f"/rooms/{room}/receipt/m.read/{sent.external_id}", {})
        ann.ask("PUT", f"/rooms/{room}/redact/{first}/{uuid.uuid4()}", {})
        found, _ = until(line, rooms, room, wanted=5)
        line.close()  # type: ignore[attr-defined]
        echo = messages(found)
        assert list(echo) == [sent.external_id]
        assert echo[sent.external_id].kind is Kind.REPLY
        assert {type(item) for item in found} >= {Incoming, Acknowledged, Edited, Progress, Deleted}

    def test_nothing_is_missed_between_two_connections(
        self, server: dict[str, str], rooms: Account, ann: Person
    ) -> None:
        line = matrix.listen("", rooms)
        next(line)
        room = ann.room(invite=[server["USER"]], is_direct=True)
        ann.says(room, "0")
        _, cursor = until(line, rooms, room)
        line.close()  # type: ignore[attr-defined]
        for number in range(1, 131):
            ann.says(room, str(number))
        again = matrix.listen(cursor, rooms)
        found, _ = until(again, rooms, room, wanted=130)
        again.close()  # type: ignore[attr-defined]
        assert [one.text for one in messages(found).values()] == [str(n) for n in range(1, 131)]

    def test_what_was_written_to_us_before_we_came_is_heard(
        self, server: dict[str, str], rooms: Account, ann: Person
    ) -> None:
        line = matrix.listen("", rooms)
        next(line)
        room = ann.room(invite=[server["USER"]], is_direct=True)
        for number in range(120):
            ann.says(room, str(number))
        found, _ = until(line, rooms, room, wanted=120)
        line.close()  # type: ignore[attr-defined]
        assert [one.text for one in messages(found).values()] == [str(n) for n in range(120)]

    def test_a_public_room_is_entered_and_its_past_left_alone(
        self, server: dict[str, str], rooms: Account, ann: Person
    ) -> None:
        room = ann.room(preset="public_chat", name="Fern, help")
        ann.says(room, "An old question")
        here = Account(
            "Rooms", {**rooms.settings, "rooms": room}, secrets=rooms.secrets, allow_private=True
        )
        line = matrix.listen("", here)
        next(line)
        asked = ann.says(room, "Do you have a table?")
        found, _ = until(line, here, room)
        (question,) = messages(found).values()
        line.close()  # type: ignore[attr-defined]
        assert (question.external_id, question.is_public) == (asked, True)
        assert question.extra["room_name"] == "Fern, help"
        private = Outgoing(
            f"reply_{uuid.uuid4().hex}", server["CUSTOMER_USER"], "Between us.", root=room,
            parent=asked, answered=question.extra, is_private=True,
        )  # fmt: skip
        assert matrix.send(private, here).state is SendState.SENT

    def test_a_file_that_came_is_fetched(
        self, server: dict[str, str], rooms: Account, ann: Person
    ) -> None:
        answer = httpx.post(
            f"{server['URL']}/_matrix/media/v3/upload",
            content=b"\x89PNG",
            headers={"authorization": f"Bearer {ann.token}", "content-type": "image/png"},
        )
        assert matrix.fetch(answer.json()["content_uri"], rooms) == b"\x89PNG"

    def test_a_wrong_token_asks_for_a_person(self, server: dict[str, str]) -> None:
        wrong = Account(
            "Rooms", {"homeserver": server["URL"]}, secrets={"access_token": "no"},
            allow_private=True,
        )  # fmt: skip
        with pytest.raises(PlaceError) as refused:
            matrix.check(wrong)
        assert refused.value.needs_person
