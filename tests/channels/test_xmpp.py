"""XMPP: what a stanza says, who may pass it on, and all of it against a real Prosody."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import slixmpp
from django.utils import timezone

from heard.channels import web, xmpp
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
from heard.conversations.deliveries.journal import keep, take_in
from heard.conversations.inboxes.accounts import account_of
from heard.conversations.models import Conversation, Delivery, Inbox, Message, Sending
from heard.conversations.outbox.sending import deliver
from heard.lib.sealing import seal
from tests import make
from tests.channels.place import Place
from tests.journeys.house import free_port
from tests.servers import running

FOLDER = Path(__file__).parent / "payloads" / "xmpp"
STANZAS: dict[str, str] = json.loads((FOLDER / "stanzas.json").read_text())
AT = datetime(2026, 3, 5, tzinfo=UTC)
ROOM = "help@rooms.fern.example"
FIRST = "ann@home.example|b6f2c1d0-0001-4aaa-8888-000000000001"


def body_of(name: str, **said: Any) -> bytes:
    rooms = {ROOM: {"is_public": True, "ours": ["care"]}}
    found = {"me": "care@fern.example", "xml": STANZAS[name], "rooms": rooms, **said}
    return json.dumps(found).encode()


def heard(name: str, **said: Any) -> list[Heard]:
    delivered = Delivered(body_of(name, **said), {}, AT)
    return list(xmpp.parse(delivered, Account("Chat", {})))


def message(name: str, **said: Any) -> Incoming:
    (item,) = heard(name, **said)
    assert isinstance(item, Incoming)
    return item


class TestParsing:
    def test_it_is_a_channel_that_listens_acts_and_fetches(self) -> None:
        assert isinstance(xmpp, Listened)
        assert isinstance(xmpp, Acted)
        assert isinstance(xmpp, Fetching)

    def test_a_message_has_one_name_live_and_from_the_archive(self) -> None:
        live, archived = message("chat"), message("chat_archived")
        assert live.external_id == archived.external_id == FIRST
        assert (live.sender, live.root) == ("ann@home.example", "ann@home.example")
        assert archived.at == datetime(2026, 3, 4, 12, tzinfo=UTC)
        assert not live.is_public

    def test_a_name_that_may_be_a_counter_is_not_relied_on(self) -> None:
        one = message("counter", archive_id="a2")
        other = message("counter", archive_id="a3")
        assert one.external_id != other.external_id

    def test_what_staff_answered_from_a_client_of_their_own_is_a_reply(self) -> None:
        item = message("carbon_sent")
        assert item.kind is Kind.REPLY
        assert (item.to, item.root) == ("ann@home.example", "ann@home.example")
        assert item.external_id == "care@fern.example|9d5c4f7e-0002-4aaa-8888-000000000002"

    @pytest.mark.parametrize("name", ["carbon_forged", "archive_forged"])
    def test_a_stranger_cannot_pass_on_what_others_said(self, name: str) -> None:
        (item,) = heard(name)
        assert isinstance(item, SetAside)
        assert "may not" in item.reason

    def test_corrections_retractions_receipts_and_likes(self) -> None:
        assert heard("correction") == [Edited(FIRST, AT, "Is the terrace open tonight?")]
        assert heard("retraction") == [Deleted(FIRST, AT)]
        ours = "care@fern.example|reply_7_1772625660000"
        assert heard("receipt") == [Progress(ours, AT, "delivered")]
        assert heard("displayed") == [Progress(ours, AT, "read")]
        assert heard("error") == [Progress(ours, AT, "failed", "service-unavailable")]
        assert heard("reaction") == [Acknowledged(FIRST, AT, Act.LIKE)]

    def test_what_machines_tell_each_other_is_nothing(self) -> None:
        assert heard("composing") == []

    def test_what_is_encrypted_is_said_plainly_and_asks_for_a_person(self) -> None:
        item = message("encrypted")
        assert "cannot read" in item.text
        assert item.need == "answer"
        assert item.extra["encrypted"] is True

    def test_a_file_stays_at_its_place_until_it_is_asked_for(self) -> None:
        item = message("file")
        source = "https://upload.home.example/x/our%20table.jpg"
        assert item.files == (File("our table.jpg", "application/octet-stream", b"", source),)
        assert item.text == ""

    def test_in_a_room_people_are_known_by_what_lasts_there(self) -> None:
        live, archived = message("room", archive_id="m1"), message("room_archived")
        assert live.external_id == archived.external_id
        assert live.sender == archived.sender == f"{ROOM}#occ1"
        assert (live.sender_name, live.root, live.is_public) == ("Bea", ROOM, True)
        assert archived.extra["links"] == {"xmpp": "bea@home.example"}

    def test_our_words_in_a_room_are_a_reply_to_whom_they_name(self) -> None:
        known = {"m1": f"{ROOM}/Bea|c0ffee00-0008-4aaa-8888-000000000008"}
        item = message("room_ours", known=known, people={"Bea": f"{ROOM}#occ1"})
        assert item.kind is Kind.REPLY
        assert item.parent == known["m1"]
        assert item.to == f"{ROOM}#occ1"

    def test_a_word_aside_in_a_room_is_private(self) -> None:
        item = message("whisper")
        assert not item.is_public
        assert item.root == item.sender == f"{ROOM}/Bea"

    @pytest.mark.parametrize("name", STANZAS)
    def test_twice_it_says_the_same(self, name: str) -> None:
        assert heard(name) == heard(name)

    @pytest.mark.parametrize("size", [0, 1, 40, 200, -3])
    def test_a_truncated_body_is_refused_whole(self, size: int) -> None:
        with pytest.raises(NotUnderstoodError):
            list(xmpp.parse(Delivered(body_of("chat")[:size], {}, AT), Account("Chat", {})))

    def test_nothing_is_expanded(self) -> None:
        bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><message><body>&a;</body></message>'
        body = json.dumps({"me": "care@fern.example", "xml": bomb}).encode()
        with pytest.raises(NotUnderstoodError):
            list(xmpp.parse(Delivered(body, {}, AT), Account("Chat", {})))


class TestConnecting:
    def test_an_address_inside_the_house_is_not_asked(self) -> None:
        inside = Account(
            "Chat", {"jid": "care@fern.example", "host": "127.0.0.1"}, secrets={"password": "x"}
        )
        with pytest.raises(PlaceError) as refused:
            xmpp.check(inside)
        assert refused.value.needs_person
        receipt = xmpp.send(Outgoing("reply_1", "ann@home.example", "Yes."), inside)
        assert (receipt.state, receipt.is_final) == (SendState.FAILED, True)

    def test_nobody_there_is_a_failure_that_is_tried_again(self) -> None:
        nobody = Account(
            "Chat",
            {"jid": "care@fern.example", "host": "127.0.0.1", "port": 1},
            secrets={"password": "x"},
            allow_private=True,
        )
        receipt = xmpp.send(Outgoing("reply_1", "ann@home.example", "Yes."), nobody)
        assert (receipt.state, receipt.is_final) == (SendState.FAILED, False)

    def test_what_is_no_address_is_said(self) -> None:
        for jid in ("fern", "@fern.example", "a b@fern.example", ""):
            with pytest.raises(PlaceError) as refused:
                xmpp.check(Account("Chat", {"jid": jid}))
            assert refused.value.needs_person

    def test_a_file_is_fetched_through_the_guard(self) -> None:
        with Place() as place:
            place.answers("GET /table.jpg", b"\xff\xd8")
            near = Account("Chat", {}, allow_private=True)
            assert xmpp.fetch(f"{place.url}/table.jpg", near) == b"\xff\xd8"
            with pytest.raises(PlaceError):
                xmpp.fetch(f"{place.url}/table.jpg", Account("Chat", {}))

    def test_nothing_is_repeated_unasked(self) -> None:
        assert not xmpp.may_repeat(Outgoing("reply_1", "ann@home.example", "Yes."))


# Against a real Prosody


@pytest.fixture(scope="module")
def server() -> dict[str, str]:
    return running("xmpp")


def account(server: dict[str, str], who: str, **settings: Any) -> Account:
    return Account(
        who,
        {"jid": server[who], "host": server["HOST"], "port": server["PORT"], **settings},
        secrets={"password": server["PASSWORD"]},
        allow_private=True,
    )


@pytest.fixture
def ours(server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setattr(xmpp, "QUIET_SECONDS", 1.0)
    return account(server, "USER")


@pytest.fixture
def theirs(server: dict[str, str]) -> Account:
    return account(server, "CUSTOMER_USER")


def says(who: Account, to: str, text: str, **answered: Any) -> str:
    """Somebody says something by a client of their own."""
    key = f"said-{uuid.uuid4()}"
    receipt = xmpp.send(Outgoing(key, to, text, root=to, answered=answered), who)
    assert receipt.state is SendState.SENT, receipt
    return receipt.external_id


def says_as_guest(server: dict[str, str], text: str) -> None:
    """Somebody without an account, as a chat on a site lets them in (SASL ANONYMOUS)."""
    loop = asyncio.new_event_loop()
    guest = slixmpp.ClientXMPP(server["GUEST_DOMAIN"], "", sasl_mech="ANONYMOUS", loop=loop)
    guest.enable_direct_tls, guest.enable_plaintext = False, True

    async def speak() -> None:
        inside = asyncio.Event()
        guest.add_event_handler("session_start", lambda _: inside.set())
        guest.connect(host=server["HOST"], port=int(server["PORT"]))
        await inside.wait()
        guest.send_message(mto=slixmpp.JID(server["USER"]), mbody=text, mtype="chat")
        await asyncio.sleep(0.5)
        guest.abort()

    loop.run_until_complete(asyncio.wait_for(speak(), 20))
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.close()


def until(line: Iterator[Fetched], own: Account, wanted: int) -> tuple[list[Heard], str]:
    found: list[Heard] = []
    for _ in range(12):
        fetched = next(line)
        for delivered in fetched.deliveries:
            found += [item for item in xmpp.parse(delivered, own) if item not in found]
        if len(found) >= wanted:
            return found, fetched.cursor
    raise AssertionError(found)


def names(items: list[Heard]) -> list[str]:
    return list(dict.fromkeys(item.external_id for item in items if isinstance(item, Incoming)))


SEALED = """
run_as_root = true
pidfile = "{home}/own.pid"
data_path = "{home}/data"
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
s2s_ports = {{ }}
http_ports = {{ }}
https_ports = {{ }}
modules_enabled = {{ "saslauth", "disco", "carbons", "ping", "mam", "tls" }}
modules_disabled = {{ "s2s" }}
c2s_require_encryption = true
VirtualHost "care.test"
  authentication = "internal_plain"
  ssl = {{ key = "{home}/key.pem"; certificate = "{home}/cert.pem" }}
"""


@pytest.fixture
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Account, Path]]:
    """A server that speaks TLS alone, for a domain of its own, and its certificate."""
    if not (shutil.which("prosody") and shutil.which("openssl")):
        pytest.skip("Prosody or OpenSSL is not here")
    request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    name = ["-subj", "/CN=care.test", "-addext", "subjectAltName=DNS:care.test"]
    subprocess.run(["openssl", *request, *files, *name], check=True, capture_output=True)
    accounts = tmp_path / "data" / "care%2etest" / "accounts"
    accounts.mkdir(parents=True)
    (accounts / "support.dat").write_text('return { ["password"] = "sealed" };')
    port = free_port()
    (tmp_path / "own.cfg.lua").write_text(SEALED.format(home=tmp_path, port=port))
    ours = ["prosody", "--config", str(tmp_path / "own.cfg.lua"), "-F"]
    running_server = subprocess.Popen(ours, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
        time.sleep(0.1)
    # As if it were outside: nothing is let pass that is for the house's own network.
    monkeypatch.setattr(web, "checked_address", lambda *_, **__: "127.0.0.1")
    where = {"jid": "support@care.test", "host": "127.0.0.1", "port": port}
    yield Account("Chat", where, secrets={"password": "sealed"}), tmp_path / "cert.pem"
    running_server.terminate()
    running_server.wait(10)


@pytest.mark.journey
class TestSealed:
    def test_a_known_certificate_lets_us_in_without_a_warning(
        self, sealed: tuple[Account, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outside, certificate = sealed
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert xmpp.check(outside).warnings == ()

    def test_an_unknown_certificate_hears_no_password(self, sealed: tuple[Account, Path]) -> None:
        outside, _ = sealed
        with pytest.raises(PlaceError) as refused:
            xmpp.check(outside)
        assert "certificate" in str(refused.value)
        assert refused.value.needs_person

    def test_the_certificate_of_another_domain_is_none(
        self, sealed: tuple[Account, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outside, certificate = sealed
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        elsewhere = {**outside.settings, "jid": "support@other.test"}
        with pytest.raises(PlaceError):
            xmpp.check(Account("Chat", elsewhere, secrets=outside.secrets))


@pytest.mark.journey
class TestAgainstProsody:
    def test_a_question_an_answer_and_its_correction(
        self, server: dict[str, str], ours: Account, theirs: Account
    ) -> None:
        assert xmpp.check(ours).account == server["USER"]
        line = xmpp.listen("", ours)
        next(line)
        asked = says(theirs, server["USER"], "Is the terrace open?")
        (question,), _ = until(line, ours, 1)
        assert isinstance(question, Incoming)
        assert (question.external_id, question.sender) == (asked, server["CUSTOMER_USER"])

        key = f"reply_{uuid.uuid4().hex}"
        reply = Outgoing(
            key, question.sender, "Until ten.", root=question.root, answered=question.extra
        )
        sent = xmpp.send(reply, ours)
        edit = Acting(
            Act.EDIT, sent.external_id, uuid.uuid4().hex, root=question.root, text="Until nine.",
            of_ours=True, extra=question.extra,
        )  # fmt: skip
        like = Acting(Act.LIKE, asked, uuid.uuid4().hex, root=question.root, extra=question.extra)
        assert xmpp.act(edit, ours).state is SendState.SENT
        assert xmpp.act(like, ours).state is SendState.SENT
        found, _ = until(line, ours, 3)
        line.close()  # type: ignore[attr-defined]
        assert names(found) == [sent.external_id]
        assert [(i.external_id, i.text) for i in found if isinstance(i, Edited)] == [
            (sent.external_id, "Until nine.")
        ]
        assert [i.external_id for i in found if isinstance(i, Acknowledged)] == [asked]

    def test_nothing_is_missed_between_two_connections(
        self,
        server: dict[str, str],
        ours: Account,
        theirs: Account,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(xmpp, "PAGE", 2)
        line = xmpp.listen("", ours)
        next(line)
        says(theirs, server["USER"], "Hello?")
        _, cursor = until(line, ours, 1)
        line.close()  # type: ignore[attr-defined]
        said = [says(theirs, server["USER"], f"While you were away {n}") for n in range(5)]
        again = xmpp.listen(cursor, ours)
        found, cursor = until(again, ours, 5)
        again.close()  # type: ignore[attr-defined]
        assert names(found) == said

    def test_a_cursor_that_the_archive_has_forgotten_goes_on_from_its_moment(
        self, server: dict[str, str], ours: Account, theirs: Account
    ) -> None:
        at = datetime.now(UTC).isoformat()
        said = says(theirs, server["USER"], "Since then")
        cursor = json.dumps({"at": at, "archives": {server["USER"]: "thrown-away"}})
        line = xmpp.listen(cursor, ours)
        found, _ = until(line, ours, 1)
        line.close()  # type: ignore[attr-defined]
        assert said in names(found)

    def test_in_a_room(self, server: dict[str, str], ours: Account, theirs: Account) -> None:
        room = f"room-{uuid.uuid4().hex[:8]}@rooms.{server['DOMAIN']}"
        own = account(server, "USER", rooms=[room])
        line = xmpp.listen("", own)
        next(line)
        asked = says(theirs, room, "Do you have a table?", type="groupchat")
        (question,), _ = until(line, own, 1)
        assert isinstance(question, Incoming)
        assert question.external_id == asked
        assert question.is_public
        reply = Outgoing(
            f"reply_{uuid.uuid4().hex}", question.sender, "Yes, for two.", root=room,
            answered=question.extra,
        )  # fmt: skip
        sent = xmpp.send(reply, own)
        assert sent.state is SendState.SENT
        assert xmpp.send(reply, own) == sent
        (echo,), _ = until(line, own, 1)
        line.close()  # type: ignore[attr-defined]
        assert isinstance(echo, Incoming)
        assert (echo.external_id, echo.kind) == (sent.external_id, Kind.REPLY)
        assert echo.to == question.sender

    def test_a_guest_without_an_account_is_heard(
        self, server: dict[str, str], ours: Account
    ) -> None:
        line = xmpp.listen("", ours)
        next(line)
        says_as_guest(server, "I have no account.")
        (question,), _ = until(line, ours, 1)
        line.close()  # type: ignore[attr-defined]
        assert isinstance(question, Incoming)
        assert question.sender.endswith(f"@{server['GUEST_DOMAIN']}")

    def test_who_is_not_there_refuses_it(self, server: dict[str, str], ours: Account) -> None:
        for whom in (f"nobody@{server['DOMAIN']}", "no address", ""):
            receipt = xmpp.send(Outgoing("reply_1", whom, "Yes."), ours)
            assert (receipt.state, receipt.is_final) == (SendState.FAILED, True)

    def test_a_line_that_breaks_leaves_it_unknown(
        self, server: dict[str, str], ours: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def breaks(self: Any, said: Any) -> None:
            raise PlaceError("the line was closed")

        monkeypatch.setattr(xmpp._Line, "_sent", breaks)
        receipt = xmpp.send(Outgoing("reply_1", server["CUSTOMER_USER"], "Yes."), ours)
        assert receipt.state is SendState.UNKNOWN

    def test_a_wrong_password_asks_for_a_person(self, server: dict[str, str]) -> None:
        known = account(server, "USER")
        wrong = Account("Chat", known.settings, secrets={"password": "no"}, allow_private=True)
        with pytest.raises(PlaceError) as refused:
            xmpp.check(wrong)
        assert refused.value.needs_person
        assert "password" in str(refused.value)

    def test_without_encryption_no_password_is_said(
        self, server: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(web, "checked_address", lambda *_, **__: "127.0.0.1")
        known = account(server, "USER")
        outside = Account("Chat", known.settings, secrets=known.secrets)
        with pytest.raises(PlaceError) as refused:
            xmpp.check(outside)
        assert "encryption" in str(refused.value)
        assert refused.value.needs_person


@pytest.mark.journey
@pytest.mark.django_db(transaction=True)
class TestInTheHouse:
    def test_a_question_in_a_room_is_answered_once_whatever_comes_twice(
        self, server: dict[str, str], theirs: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(xmpp, "QUIET_SECONDS", 1.0)
        room = f"room-{uuid.uuid4().hex[:8]}@rooms.{server['DOMAIN']}"
        known = account(server, "USER", rooms=[room], allow_private=True)
        inbox = make.inbox(
            kind="xmpp", settings=dict(known.settings), secret=seal(json.dumps(known.secrets))
        )
        line = xmpp.listen("", account_of(inbox))
        cursor = next(line).cursor
        says(theirs, room, "Do you have a table?", type="groupchat")
        brought = take(line, inbox, room)
        conversation = Conversation.objects.get(root=room)
        assert conversation.is_public

        at = timezone.now() - timedelta(seconds=20)
        bo = make.user(name="Bo Berg")
        reply = Message.objects.create(
            conversation=conversation, inbox=inbox, kind="reply", text="Yes, for two.", at=at,
            author=bo, author_name=bo.name,
        )  # fmt: skip
        row = Sending.objects.create(message=reply, not_before=at, updated_at=at)
        deliver(sending_id=row.pk)
        row.refresh_from_db()
        assert (row.state, row.reason) == ("sent", "")
        take(line, inbox, room)
        again = xmpp.listen(cursor, account_of(inbox))  # the room is gone when nobody is in it
        take(again, inbox, room)
        again.close()  # type: ignore[attr-defined]
        line.close()  # type: ignore[attr-defined]
        for number, delivered in enumerate(brought):
            keep(
                inbox.pk,
                body=delivered.body,
                headers={},
                external_id=f"again {number}",
                now=timezone.now(),
            )
        while take_in(now=timezone.now()):
            pass
        said = Message.objects.filter(conversation__root=room)
        assert sorted(said.values_list("kind", "text")) == [
            ("incoming", "Do you have a table?"),
            ("reply", "Yes, for two."),
        ]
        assert Conversation.objects.filter(root=room).count() == 1
        assert not Delivery.objects.filter(state="set_aside").exists()


def take(line: Iterator[Fetched], inbox: Inbox, room: str) -> list[Delivered]:
    """Let the house keep and take in what comes, until something came from this room.

    (What waited for the account comes too: other tests have left it.)
    """
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        fetched = next(line)
        for one in fetched.deliveries:
            keep(
                inbox.pk, body=one.body, headers={}, external_id=one.external_id, now=timezone.now()
            )
        while take_in(now=timezone.now()):
            pass
        if any(room in json.loads(one.body)["xml"] for one in fetched.deliveries):
            return list(fetched.deliveries)
    raise AssertionError("nothing came")
