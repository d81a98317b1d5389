"""A real mailbox on a real server: heard as mail comes, answered, and nothing in it touched."""

from __future__ import annotations

import imaplib
import smtplib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from heard.channels import email as channel
from heard.channels.base import (
    Account,
    Delivered,
    Fetched,
    File,
    Incoming,
    Kind,
    PlaceError,
    SendState,
)
from heard.channels.email import imap, mime, tokens, writing
from heard.conversations.deliveries.journal import keep_fetched, take_in
from heard.conversations.inboxes.accounts import account_of
from heard.conversations.inboxes.connecting import connect
from heard.conversations.intake.receiving import receive
from heard.conversations.models import Conversation, Delivery, Inbox, Message, Sending
from heard.conversations.outbox.replying import reply
from heard.conversations.outbox.sending import deliver
from tests import make
from tests.channels.email.mails import HOOK, NOW, PAYLOADS, answer
from tests.servers import running

pytestmark = pytest.mark.journey


@pytest.fixture
def server() -> dict[str, str]:
    return running("mail")


@pytest.fixture
def place(server: dict[str, str]) -> Account:
    return Account(
        name="Support",
        settings={
            "address": server["USER"],
            "imap_host": server["HOST"],
            "imap_port": server["PORT"],
            "imap_security": "none",
            "smtp_host": server["HOST"],
            "smtp_port": server["SMTP_PORT"],
            "smtp_security": "none",
            "sent_folder": "Sent",
            "plus_addresses": True,
        },
        secrets={"password": server["PASSWORD"]},
        hook=HOOK,
        allow_private=True,
    )


def mail(server: dict[str, str], text: str = "Where is it?", **headers: str) -> EmailMessage:
    made = EmailMessage()
    usual = {
        "From": f"Ann <{server['CUSTOMER_USER']}>",
        "To": server["USER"],
        "Subject": "A question",
        "Date": "Sun, 22 Nov 2026 12:00:00 +0000",
        "Message-ID": f"<{uuid4().hex}@example.test>",
    }
    for name, value in (usual | {n.replace("_", "-"): v for n, v in headers.items()}).items():
        made[name] = value
    made.set_content(text)
    return made


def post(server: dict[str, str], what: EmailMessage | bytes) -> None:
    """By the customer's own program."""
    with smtplib.SMTP(server["HOST"], int(server["SMTP_PORT"])) as line:
        if isinstance(what, bytes):
            line.sendmail(server["CUSTOMER_USER"], [server["USER"]], what)
        else:
            line.send_message(what)


@contextmanager
def signed_in(server: dict[str, str], user: str) -> Iterator[imaplib.IMAP4]:
    """With another mail program."""
    line = imaplib.IMAP4(server["HOST"], int(server["PORT"]))
    line.login(user, server["PASSWORD"])
    try:
        yield line
    finally:
        line.logout()


def in_mailbox(server: dict[str, str], user: str, number: str) -> bytes:
    """A mail in somebody's mailbox by its Message-ID."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with signed_in(server, user) as line:
            line.select("INBOX", readonly=True)
            _, found = line.search(None, "HEADER", "Message-ID", f'"{number}"')
            if found and found[0]:
                _, parts = line.fetch(found[0].split()[-1].decode(), "(BODY.PEEK[])")
                assert isinstance(parts[0], tuple)
                return bytes(parts[0][1])
        time.sleep(0.1)
    raise AssertionError(f"{number} has not arrived at {user}")


def poll_all(place: Account, cursor: str) -> tuple[list[Delivered], str]:
    found: list[Delivered] = []
    while True:
        fetched = channel.poll(cursor, place)
        found += fetched.deliveries
        cursor = fetched.cursor
        if not fetched.has_more:
            return found, cursor


def now_on(place: Account) -> str:
    fetched = channel.poll("", place)
    assert fetched.deliveries == ()
    return fetched.cursor


def messages(deliveries: list[Delivered], place: Account) -> list[Incoming]:
    found: list[Any] = [one for each in deliveries for one in channel.parse(each, place)]
    assert all(isinstance(one, Incoming) for one in found)
    return found


class Listening:
    """The channel's own line, in a thread."""

    def __init__(self, place: Account, cursor: str) -> None:
        self.found: list[tuple[float, Fetched]] = []
        self.lines = channel.listen(cursor, place)
        self.is_over = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        for fetched in self.lines:
            self.found.append((time.monotonic(), fetched))
            if self.is_over:
                return

    def wait_for(self, count: int, *, seconds: float = 15) -> list[Delivered]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            got = [one for _, fetched in self.found for one in fetched.deliveries]
            if len(got) >= count:
                return got
            time.sleep(0.02)
        raise AssertionError(f"{count} mails did not come")

    def close(self) -> None:
        self.is_over = True
        self.thread.join(5)
        self.lines.close()  # type: ignore[attr-defined]


@pytest.fixture
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short silences, so that lines end soon after a test."""
    monkeypatch.setattr(imap, "QUIET_SECONDS", 1.0)
    monkeypatch.setattr(imap, "ROUND_SECONDS", 3.0)


def test_both_servers_are_tried(place: Account) -> None:
    checked = channel.check(place)
    assert (checked.account, checked.warnings) == ("support@care.test", ())
    assert checked.found["largest_mail"] == 35_000_000
    silent = replace(place, settings={**place.settings, "sent_folder": ""})
    (warning,) = channel.check(silent).warnings
    assert "“Sent”" in warning


def test_a_wrong_password_needs_a_person(place: Account) -> None:
    wrong = replace(place, secrets={"password": "wrong"})
    for ask in (lambda: channel.check(wrong), lambda: channel.poll("", wrong)):
        with pytest.raises(PlaceError) as refused:
            ask()
        assert refused.value.needs_person
        assert "wrong" not in str(refused.value)


def test_a_folder_that_is_not_there_needs_a_person(place: Account) -> None:
    wrong = replace(place, settings={**place.settings, "sent_folder": "Nowhere"})
    with pytest.raises(PlaceError, match="Nowhere") as refused:
        channel.check(wrong)
    assert refused.value.needs_person


def test_an_address_inside_the_house_is_not_asked_unless_allowed(place: Account) -> None:
    with pytest.raises(PlaceError) as refused:
        channel.poll("", replace(place, allow_private=False))
    assert refused.value.needs_person
    receipt = channel.send(answer(), replace(place, allow_private=False))
    assert (receipt.state, receipt.is_final) == (SendState.FAILED, True)


@pytest.mark.usefixtures("_hasty")
def test_a_mail_is_heard_as_it_arrives(server: dict[str, str], place: Account) -> None:
    listening = Listening(place, now_on(place))
    try:
        time.sleep(1.5)
        assert all(not fetched.deliveries for _, fetched in listening.found)
        for text in ("one", "two"):
            sent_at = time.monotonic()
            known = len([d for _, f in listening.found for d in f.deliveries])
            post(server, mail(server, text))
            got = listening.wait_for(known + 1)
            assert time.monotonic() - sent_at < 8  # the server tells of it within five seconds
        assert [one.text for one in messages(got, place)] == ["one", "two"]
        time.sleep(4)
        assert len(listening.wait_for(2)) == 2  # and not again in the next round
        assert all(fetched.cursor for _, fetched in listening.found)
    finally:
        listening.close()


def test_a_mail_that_comes_between_looking_and_listening_is_not_overlooked(
    server: dict[str, str], place: Account
) -> None:
    mailbox = imap.Mailbox(place)
    try:
        cursor = mailbox.new("").cursor
        post(server, mail(server, "just now"))
        began = time.monotonic()
        assert list(mailbox.quiet(cursor)) == []
        assert time.monotonic() - began < imap.QUIET_SECONDS / 2
        assert len(mailbox.new(cursor).deliveries) == 1
    finally:
        mailbox.close()


@pytest.mark.usefixtures("_hasty")
def test_what_staff_answer_elsewhere_is_heard_as_our_reply(
    server: dict[str, str], place: Account
) -> None:
    listening = Listening(place, now_on(place))
    try:
        elsewhere = mail(
            server, "It is here.", From=f"Bo <{server['USER']}>", To=server["CUSTOMER_USER"]
        )
        with signed_in(server, server["USER"]) as line:
            line.append("Sent", "\\Seen", "", elsewhere.as_bytes())
        (reply,) = messages(listening.wait_for(1), place)
    finally:
        listening.close()
    assert (reply.kind, reply.to, reply.author) == (Kind.REPLY, server["CUSTOMER_USER"], "Bo")


def test_nothing_in_the_mailbox_is_marked(server: dict[str, str], place: Account) -> None:
    cursor = now_on(place)
    made = mail(server)
    post(server, made)
    deliveries, _ = poll_all(place, cursor)
    assert len(deliveries) == 1
    with signed_in(server, server["USER"]) as line:
        line.select("INBOX", readonly=True)
        _, found = line.search(None, "UNSEEN", "HEADER", "Message-ID", f'"{made["Message-ID"]}"')
        assert len(found[0].split()) == 1


@pytest.mark.django_db
def test_a_reply_arrives_and_its_answer_finds_the_thread(
    server: dict[str, str], place: Account
) -> None:
    cursor = now_on(place)
    question = mail(server)
    post(server, question)
    deliveries, cursor = poll_all(place, cursor)
    inbox = make.inbox(kind="email")
    (asked,) = messages(deliveries, place)
    receive(inbox, [asked], now=NOW)

    outgoing = answer(
        idempotency_key=f"reply_{uuid4().hex}", to=asked.sender, root=asked.external_id,
        parent=asked.external_id, subject=asked.subject,
        files=(File("Lieferschein ü.txt", "text/plain", b"on its way"),),
    )  # fmt: skip
    receipt = channel.send(outgoing, place)
    assert receipt.state is SendState.SENT
    assert receipt.external_id == tokens.message_id(outgoing.idempotency_key, account=place)

    raw = in_mailbox(server, server["CUSTOMER_USER"], receipt.external_id)
    headers = mime.headers_of(raw.partition(b"\r\n\r\n")[0])
    assert (
        mime.ids(headers["in-reply-to"]) == mime.ids(headers["references"]) == [asked.external_id]
    )
    assert headers["subject"] == ["Re: A question"]
    (_, reply_to) = mime.addresses(headers, "reply-to")[0]
    assert reply_to == tokens.reply_address(receipt.external_id, account=place)
    assert [f.name for f in messages([Delivered(raw, {}, NOW)], place)[0].files] == [
        "Lieferschein ü.txt"
    ]

    with signed_in(server, server["USER"]) as line:  # as great hosts do by themselves
        line.append("Sent", "\\Seen", "", writing.written(outgoing, place))
    answered = mail(
        server, "Thank you!\n\nOn Sun, 22 Nov 2026 Support wrote:\n> It left.",
        In_Reply_To=f"<{receipt.external_id}>",
    )  # fmt: skip
    post(server, answered)
    to_address = mail(server, "And one thing more.")  # a program that drops the headers
    to_address["Cc"] = reply_to
    post(server, to_address.as_bytes())
    deliveries, _ = poll_all(place, cursor)
    later = messages(deliveries, place)
    assert sorted((one.kind.value, one.text) for one in later) == [
        ("incoming", "And one thing more."),
        ("incoming", "Thank you!"),
        ("reply", "It left us on Friday."),
    ]
    for items in (later, later[::-1], [asked]):  # twice, and out of order
        receive(inbox, items, now=NOW)
    conversation = Conversation.objects.get(inbox=inbox)
    assert conversation.messages.count() == 4
    assert Message.objects.filter(inbox=inbox, external_id=receipt.external_id).count() == 1


def test_everything_twice_is_the_same(server: dict[str, str], place: Account) -> None:
    cursor = now_on(place)
    for n in range(3):
        post(server, mail(server, f"number {n}"))
    first, after = poll_all(place, cursor)
    second, same = poll_all(place, cursor)
    assert [(one.external_id, one.body) for one in first] == [
        (one.external_id, one.body) for one in second
    ]
    assert messages(first, place) == messages(second, place)
    assert after == same
    assert poll_all(place, after) == ([], after)


def test_a_mailbox_that_was_numbered_anew_is_read_again(
    server: dict[str, str], place: Account
) -> None:
    cursor = now_on(place)
    made = mail(server, "only once")
    post(server, made)
    _, after = poll_all(place, cursor)
    renumbered = after.replace('"validity": ', '"validity": 1')
    again, fresh = poll_all(place, renumbered)
    numbers = [one.external_id for one in messages(again, place)]
    assert made["Message-ID"].strip("<>") in numbers
    assert fresh == after


def test_the_last_days_come_in_if_wished(server: dict[str, str], place: Account) -> None:
    made = mail(server, "before we listened")
    post(server, made)
    wished = replace(place, settings={**place.settings, "days": "1"})
    found, _ = poll_all(wished, "")
    assert made["Message-ID"].strip("<>") in [m.external_id for m in messages(found, wished)]


def test_charsets_arrive_whole(server: dict[str, str], place: Account) -> None:
    cursor = now_on(place)
    head = "From: {user}\r\nMessage-ID: <{n}@x>\r\nContent-Type: text/plain; charset={charset}\r\n"
    texts = {"windows-1251": "Где мой заказ?", "iso-2022-jp": "注文した商品はどこですか。"}
    for charset, text in texts.items():
        top = head.format(user=server["CUSTOMER_USER"], n=uuid4().hex, charset=charset)
        post(
            server, f"{top}Content-Transfer-Encoding: 8bit\r\n\r\n".encode() + text.encode(charset)
        )
    found, _ = poll_all(place, cursor)
    assert [one.text for one in messages(found, place)] == list(texts.values())


def test_a_file_of_twenty_megabytes_is_kept_and_a_larger_mail_is_cut(
    server: dict[str, str], place: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = now_on(place)
    made = mail(server, "See the film.")
    film = bytes(range(256)) * (80 * 1024)
    made.add_attachment(film, maintype="video", subtype="mp4", filename="film.mp4")
    post(server, made)
    found, _ = poll_all(place, cursor)
    (message,) = messages(found, place)
    assert [(file.name, file.content == film) for file in message.files] == [("film.mp4", True)]
    monkeypatch.setattr(imap, "LARGEST", 2**20)
    monkeypatch.setattr(imap, "CUT", 64 * 1024)
    (cut,), _ = poll_all(place, cursor)
    assert len(cut.body) == 64 * 1024
    (message,) = messages([cut], place)
    assert message.text == "See the film."
    assert message.extra["cut"] > 27_000_000


def test_a_mail_that_is_too_large_for_the_server_is_refused_before_it_is_sent(
    place: Account,
) -> None:
    film = File("film.mp4", "video/mp4", b"x" * 30_000_000)
    receipt = channel.send(answer(files=(film,)), place)
    assert (receipt.state, receipt.is_final) == (SendState.FAILED, True)
    assert "MB" in receipt.reason


@pytest.mark.django_db
def test_the_house_hears_answers_and_learns_of_a_bounce(
    server: dict[str, str], place: Account
) -> None:
    now = timezone.now()
    inbox = Inbox(name="Care", slug="care", kind="email", policy=make.policy(), created_at=now)
    checked = connect(
        inbox, {**place.settings, **place.secrets, "allow_private": True}, by=None, now=now
    )
    assert checked.account == server["USER"]
    assert server["PASSWORD"] not in str(inbox.settings)
    account = account_of(inbox)
    cursor = ""

    def hear() -> None:
        nonlocal cursor
        found, cursor = poll_all(account, cursor)
        for _ in range(2):  # everything twice
            keep_fetched(inbox.pk, found, now=timezone.now())
            while take_in(now=timezone.now()):
                pass

    hear()
    post(server, mail(server, "Where is my parcel? It should have come on Monday."))
    hear()
    conversation = Conversation.objects.get(inbox=inbox)
    assert conversation.need == "answer"
    said = reply(conversation, text="It left us on Friday.", author=make.user(), now=timezone.now())
    Sending.objects.update(not_before=now - timedelta(hours=1))  # nobody takes it back
    deliver(sending_id=said.sending.pk)
    said.refresh_from_db()
    assert said.sending.state == "sent"
    raw = in_mailbox(server, server["CUSTOMER_USER"], said.external_id)
    assert b"It left us on Friday." in raw

    bounce = (PAYLOADS / "postfix_bounce.eml").read_bytes()
    post(server, bounce.replace(b"NUMBER", said.external_id.encode()))
    post(server, mail(server, "It has come.", In_Reply_To=f"<{said.external_id}>"))
    hear()
    conversation.refresh_from_db()
    texts = conversation.messages.order_by("at", "id").values_list("kind", "text")
    assert sorted(texts) == [
        ("incoming", "It has come."),
        ("incoming", "Where is my parcel? It should have come on Monday."),
        ("reply", "It left us on Friday."),
    ]
    assert Conversation.objects.filter(inbox=inbox).count() == 1
    said.sending.refresh_from_db()
    assert said.sending.state == "failed"
    assert "User unknown" in said.sending.reason
    assert not Delivery.objects.filter(inbox=inbox, state=Delivery.State.SET_ASIDE).exists()
