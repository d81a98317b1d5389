"""Threads: by our own token, then by what a mail refers to, never by its subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import pytest

from heard.channels.base import Account, File, Incoming, Kind
from heard.channels.email import mime, tokens, writing
from heard.conversations.intake.receiving import receive
from heard.conversations.models import Conversation, Inbox, Message
from tests import make
from tests.channels.email.mails import HOOK, NOW, account, answer, heard, letter, only

OURS = tokens.message_id("reply_7_1", account=account())
TAGGED = tokens.reply_address(OURS, account=account())


def first() -> Incoming:
    return only(letter())


def sent(mail: bytes, place: Account | None = None) -> Incoming:
    """As it is heard from the folder of sent mails."""
    return only(mail, place, **{"x-heard-sent": "yes"})


def our_reply() -> Incoming:
    return sent(writing.written(answer(), account(plus_addresses=True)))


def second(*headers: str) -> Incoming:
    return only(letter("Message-ID: <2@example.org>", *headers))


def test_a_reply_has_the_same_name_however_often_it_is_tried() -> None:
    assert tokens.message_id("reply_7_1", account=account()) == OURS
    assert tokens.message_id("reply_8_1", account=account()) != OURS
    assert our_reply().external_id == OURS
    assert our_reply().kind is Kind.REPLY


def test_an_answer_to_our_mail_hangs_under_it() -> None:
    found = second(f"In-Reply-To: <{OURS}>", f"References: <1@example.org> <{OURS}>")
    assert (found.root, found.parent) == ("", OURS)


def test_the_address_for_answers_is_enough() -> None:
    for header in (f"To: {TAGGED}", f"Delivered-To: {TAGGED}", f'Cc: "S" <{TAGGED.upper()}>'):
        assert second(header).parent == OURS


def test_references_decide_where_no_token_does() -> None:
    found = second("References: <a@x> <b@x> <c@x>", "In-Reply-To: <c@x>")
    assert (found.root, found.parent) == ("a@x", "c@x")
    assert second("In-Reply-To: <c@x>").root == "c@x"


def test_a_subject_decides_nothing() -> None:
    found = second("Subject: Re: A question")
    assert (found.root, found.parent) == ("", "")


def test_a_made_up_token_proves_nothing() -> None:
    forged = OURS.replace(OURS[10], "a" if OURS[10] != "a" else "b")
    turned = TAGGED.replace(TAGGED[20], "2" if TAGGED[20] != "2" else "3")
    assert second(f"To: {turned}").parent == ""
    assert second(f"In-Reply-To: <{forged}>").parent == forged  # a name like any other
    other = replace(account(), hook="https://heard.test/hooks/another/")
    assert only(letter("Message-ID: <2@x>", f"To: {TAGGED}"), other).parent == ""


def test_no_token_is_ours_without_a_key() -> None:
    assert not tokens.is_ours(OURS[6:38], account=replace(account(), hook=""))


def test_the_address_for_answers_keeps_to_the_length_of_addresses() -> None:
    long = account(address=f"{'s' * 40}@care.test")
    assert tokens.reply_address(OURS, account=long) == ""
    assert len(TAGGED.partition("@")[0]) <= 64


def filed(items: Sequence[Incoming]) -> Inbox:
    inbox = make.inbox(kind="email")
    for item in items:
        receive(inbox, [item], now=NOW)
    return inbox


def conversations(inbox: Inbox) -> list[tuple[str, list[str]]]:
    """Whose each is, and what was said in it."""
    rows = Conversation.objects.filter(inbox=inbox, messages__isnull=False).distinct()
    return sorted(
        (
            str(row.contact_name),
            sorted(Message.objects.filter(conversation=row).values_list("external_id", flat=True)),
        )
        for row in rows
    )


@pytest.mark.django_db
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_question_reply_and_answer_are_one_conversation_in_any_order(
    order: tuple[int, ...],
) -> None:
    items = [first(), our_reply(), second(f"To: {TAGGED}")]
    inbox = filed([items[n] for n in order] * 2)
    assert conversations(inbox) == [("Ann", sorted(["1@example.org", "2@example.org", OURS]))]


@pytest.mark.django_db
def test_a_stranger_who_answers_somebodys_thread_gets_a_conversation_of_their_own() -> None:
    def from_eve(number: str, *headers: str) -> Incoming:
        by = (f"Message-ID: <{number}@evil.example>", "From: Eve <eve@evil.example>")
        return only(letter(*by, *headers))

    inbox = filed(
        [
            first(),
            our_reply(),
            from_eve("e1", f"To: {TAGGED}"),
            from_eve("e2", f"In-Reply-To: <{OURS}>"),
            from_eve("e3", "References: <1@example.org>"),
            from_eve("e4", "Subject: Re: A question"),
        ]
    )
    assert conversations(inbox) == [
        ("Ann", sorted(["1@example.org", OURS])),
        ("Eve", ["e1@evil.example", "e2@evil.example", "e3@evil.example"]),
        ("Eve", ["e4@evil.example"]),
    ]


def test_our_mail_is_complete() -> None:
    place = account(plus_addresses="yes", sender_name="Müller & Co")
    raw = writing.written(answer(subject="Wo ist das Päckchen? " * 8, text="Grüße\n.\nBo"), place)
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert all(len(line) < 998 for line in raw.split(b"\r\n"))
    found = sent(raw, place)
    assert found.subject == "Re: " + ("Wo ist das Päckchen? " * 8).strip()
    assert (found.text, found.sender, found.sender_name) == (
        "Grüße\n.\nBo", "support@care.test", "Müller & Co",
    )  # fmt: skip
    assert (found.to, found.parent, found.at) == ("ann@example.org", "1@example.org", NOW)
    assert mime.addresses(mime.headers_of(raw), "reply-to") == [("Müller & Co", TAGGED)]


def test_the_thread_is_named_in_full() -> None:
    raw = writing.written(
        answer(
            parent="5@x", root="1@x", references=("1@x", "2@x", "4@x", "5@x"),
            answered={"references": ["1@x", "3@x"]},
        ),
        account(),
    )  # fmt: skip
    found = sent(raw)
    assert found.extra["references"] == ["1@x", "3@x", "2@x", "4@x", "5@x"]
    long = writing.written(
        answer(parent="5@x", references=tuple(f"{'n' * 200}{n}@x" for n in range(90))), account()
    )
    found = sent(long)
    assert len(found.extra["references"]) == writing.MOST_REFERENCES
    assert (found.extra["references"][0], found.extra["references"][-1]) == ("1@example.org", "5@x")


def test_nothing_that_we_say_becomes_a_header() -> None:
    raw = writing.written(
        answer(
            subject="Hello\r\nBcc: all@example.org", parent="1@x>\r\nBcc: b@x", root="sha256:ab",
            text="\r\nBcc: c@x",
        ),
        account(sender_name="S\nBcc: d@x"),
    )  # fmt: skip
    head = raw.partition(b"\r\n\r\n")[0]
    assert b"\r\nBcc" not in head
    assert b"In-Reply-To" not in head
    assert b"References" not in head


def test_a_reply_goes_where_the_mail_asks_for_it_unless_it_is_forged() -> None:
    asked = answer(answered={"reply_to": "else@example.org"})
    assert writing.reader_of(asked) == "else@example.org"
    forged = answer(answered={"reply_to": "eve@evil.example", "trust": {"dmarc": "fail"}})
    assert writing.reader_of(forged) == "ann@example.org"


def test_where_a_trusted_server_looked_only_a_proven_sender_is_answered_elsewhere() -> None:
    wish = "Reply-To: else@example.org"
    for results, to in {
        "dmarc=pass header.from=example.org": "else@example.org",
        "dkim=pass header.d=evil.example": "ann@example.org",
        "none": "else@example.org",
        "spf=softfail": "ann@example.org",
    }.items():
        mail = letter(wish, f"Authentication-Results: mx; {results}")
        asked = only(mail, account(trusted_server="mx"))
        assert writing.reader_of(answer(answered=dict(asked.extra))) == to


def test_files_go_along() -> None:
    files = (
        File("bïld \n.png", "image/png", b"\x00\x01"),
        File("letter", "no type", b"x"),
        File("mail.eml", "message/rfc822", b"Subject: x\n\ny"),
    )
    found = sent(writing.written(answer(files=files), account()))
    assert [(f.name, f.content_type, f.content) for f in found.files] == [
        ("bïld .png", "image/png", b"\x00\x01"),
        ("letter", "application/octet-stream", b"x"),
        ("mail.eml", "application/octet-stream", b"Subject: x\n\ny"),
    ]


def test_a_copy_of_our_mail_under_another_name_is_a_loop() -> None:
    token = OURS.partition("@")[0].removeprefix(tokens.MARK)
    found = second(f"X-Heard: {token}")
    assert (found.is_automatic, found.extra["automatic"]) == (True, "loop")
    assert not second(f"X-Heard: {'a' * 32}").is_automatic
    assert heard(letter(f"X-Heard: {token[::-1]}"))[0].is_automatic is False


def test_the_hook_of_the_inbox_is_the_key() -> None:
    moved = replace(account(), hook=HOOK.replace("heard.test", "elsewhere.test"))
    assert tokens.message_id("reply_7_1", account=moved) == OURS
