"""What a mail says: people, moment, text, pages, files."""

from __future__ import annotations

import struct
import time
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heard.channels import email as channel
from heard.channels.base import Delivered, Incoming, Kind, NotUnderstoodError, Progress
from heard.channels.email import letter as reading
from tests.channels.email.mails import NOW, PAYLOADS, account, heard, letter, only, raw


def test_a_mail_is_one_message() -> None:
    found = only(raw("question"), account(trusted_server="mx.care.test"))
    assert found == Incoming(
        external_id="first@example.org",
        at=datetime(2026, 11, 22, 10, tzinfo=UTC),
        text="Guten Tag,\n\nwo ist mein Paket? Es hätte am Montag kommen sollen.\n\n"
        "Viele Grüße\nAnn",
        sender="ann@example.org",
        sender_name="Jörg Ann",
        subject="Wo ist mein Paket?",
        extra={
            "signature": "Ann Example, Beispielweg 1, +49 30 123456",
                "digest": "bf39515fb4c867b5bd7d951ec6bdd2ed",
                "trust": {
                    "dkim": "pass", "spf": "pass", "dmarc": "pass", "dkim_domain": "example.org",
                    "by": "mx.care.test", "proves": "example.org",
                },
                "is_proven": True,
        },
    )  # fmt: skip


@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("*.eml")), ids=lambda path: path.stem)
def test_the_same_bytes_give_the_same_values(path: Path) -> None:
    body = path.read_bytes()
    assert heard(body) == heard(body) != []


@pytest.mark.parametrize(
    ("name", "sender_name", "subject", "text"),
    [
        ("windows_1251", "Анна", "Заказ", "Где мой заказ?"),
        ("iso_2022_jp", "", "注文", "注文した商品はどこですか。"),
    ],
)
def test_charsets_are_read(name: str, sender_name: str, subject: str, text: str) -> None:
    found = only(raw(name))
    assert (found.sender_name, found.subject, found.text) == (sender_name, subject, text)


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("us-ascii", "Größe".encode()),
        ("utf-8", "Größe".encode("cp1252")),
        ("nonsense", "Größe".encode()),
        ("iso-8859-1", "“Größe” – €".encode("cp1252")),
        ("gb2312", "鎔 朱镕基".encode("gb18030")),
        ("shift_jis", "①髙".encode("cp932")),
        ("ks_c_5601-1987", "똠방각하".encode("cp949")),
    ],
)
def test_charsets_that_lie_are_seen_through(charset: str, body: bytes) -> None:
    head = f"Content-Type: text/plain; charset={charset}"
    mail = letter(head, body="~").encode().replace(b"~", body)
    wanted = {
        "iso-8859-1": "“Größe” – €", "gb2312": "鎔 朱镕基", "shift_jis": "①髙",
        "ks_c_5601-1987": "똠방각하",
    }.get(charset, "Größe")  # fmt: skip
    assert only(mail).text == wanted


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("=?utf-8?q?J=C3=B6rg_M?= =?utf-8?q?=C3=BCller?=", "Jörg Müller"),
        ("=?utf-8?b?w7w=?=\r\n =?UTF-8?Q?=C3?= =?utf-8?q?=BC?=", "üü"),
        ("Re: =?koi8-r?B?8NLJ18XU?= and =?iso-8859-1*en?Q?caf=E9?=!", "Re: Привет and café!"),
        ("=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
        ("=?bogus?Q?x?= =?utf-8?x?y?=", "x =?utf-8?x?y?="),
        ("=?utf-8?b?broken", "=?utf-8?b?broken"),
        ("=?utf-8?b?w7?=", "Ã"),
        ("a =?utf-8?q??= b", "a b"),
    ],
)
def test_encoded_words_are_read(header: str, wanted: str) -> None:
    assert only(letter(f"Subject: {header}")).subject == wanted


def test_an_image_in_the_page_keeps_its_name_there() -> None:
    found = only(raw("inline_image"))
    assert found.text == "Look: [scratch]"
    assert 'src="cid:scratch@1"' in found.html
    (file,) = found.files
    assert (file.name, file.content_type) == ("scrätch.png", "image/png")
    assert (file.content_id, file.content) == ("scratch@1", b"\x89PNG\r\n\x1a\n")


def test_an_invitation_is_readable_and_kept() -> None:
    found = only(raw("invitation"))
    assert found.text.splitlines() == [
        "Invitation: Fitting of the kitchen",
        "When: 2026-11-24 14:00 UTC – 2026-11-24 15:00 UTC",
        "Where: Beispielweg 1",
        "Organizer: Ann <ann@example.org>",
        "Guest: support@care.test (needs action)",
        "",
        "Please bring the handles.",
    ]
    assert [file.name for file in found.files] == ["invitation.ics"]


def test_a_broken_invitation_is_a_file() -> None:
    mail = letter("Content-Type: text/calendar; charset=utf-8", body="BEGIN:VCALENDAR\nBEGIN:X")
    assert [file.name for file in only(mail).files] == ["invitation.ics"]


def tnef(*attributes: tuple[int, int, int, bytes]) -> bytes:
    """A winmail.dat of level, name, type and content ([MS-OXTNEF], 2.1.3)."""
    blob = struct.pack("<IH", 0x223E9F78, 1)
    for level, name, kind, content in attributes:
        blob += struct.pack("<BHHI", level, name, kind, len(content)) + content
        blob += struct.pack("<H", sum(content) & 0xFFFF)
    return blob


def with_winmail(content: bytes) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Message-ID"] = "ann@example.org", "support@care.test", "<w@x>"
    mail["Subject"] = "From Outlook"
    mail.set_content("\n")
    mail.add_attachment(content, maintype="application", subtype="ms-tnef", filename="winmail.dat")
    return mail.as_bytes()


def test_winmail_dat_is_opened() -> None:
    found = only(
        with_winmail(
            tnef(
                (1, 0x800C, 2, b"The lock is stuck.\0"),
                (2, 0x9002, 6, b"\0" * 14),
                (2, 0x8010, 1, b"lock.txt\0"),
                (2, 0x800F, 6, b"It turns, and nothing happens."),
            )
        )
    )
    assert found.text == "The lock is stuck."
    assert [(file.name, file.content) for file in found.files] == [
        ("lock.txt", b"It turns, and nothing happens.")
    ]


def test_a_winmail_dat_that_cannot_be_opened_is_a_file() -> None:
    found = only(with_winmail(b"\x78\x9f\x3e\x22 and nothing more"))
    assert (found.text, [file.name for file in found.files]) == ("From Outlook", ["winmail.dat"])


def test_files_beyond_the_limits_are_named_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST_FILE", 1_000)
    monkeypatch.setattr(reading, "LARGEST_FILES", 1_500)
    mail = EmailMessage()
    mail["From"], mail["Message-ID"] = "ann@example.org", "<f@x>"
    mail.set_content("See below.")
    for size in (900, 5_000, 700, 500):
        mail.add_attachment(
            b"x" * size, maintype="application", subtype="pdf", filename=f"{size}.pdf"
        )
    found = only(mail.as_bytes())
    assert [file.name for file in found.files] == ["900.pdf", "500.pdf"]
    assert found.extra["files_left_out"] == [
        {"name": "5000.pdf", "size": found.extra["files_left_out"][0]["size"]},
        {"name": "700.pdf", "size": 700},
    ]


def test_a_mail_passed_on_as_a_file_stays_a_file() -> None:
    mail = EmailMessage()
    mail["From"], mail["Message-ID"] = "ann@example.org", "<f@x>"
    mail.set_content("What is this?")
    inner = EmailMessage()
    inner["Subject"] = "Buy!"
    inner.set_content("inside")
    mail.add_attachment(inner)
    found = only(mail.as_bytes())
    assert found.text == "What is this?"
    assert [(f.name, b"inside" in f.content) for f in found.files] == [("mail.eml", True)]


def test_soft_line_ends_are_joined() -> None:
    head = "Content-Type: text/plain; charset=utf-8; format=flowed"
    assert only(letter(head, body="One line \nin two.\n\nAnother.")).text == (
        "One line in two.\n\nAnother."
    )


def test_a_mail_without_an_id_has_the_same_stand_in_each_time() -> None:
    mail = letter("Message-ID: ")
    assert only(mail).external_id == only(mail).external_id
    assert only(mail).external_id.startswith("sha256:")
    assert only(mail).external_id != only(letter("Message-ID: ", body="And this?")).external_id


def test_a_mail_with_two_ids_has_neither() -> None:
    assert only(letter("Message-ID: <a@x>", "message-id: <b@x>")).external_id.startswith("sha256:")


def test_a_monstrous_id_is_cut_the_same_wherever_it_stands() -> None:
    name = "x" * 900 + "@example.org"
    first = only(letter(f"Message-ID: <{name}>"))
    second = only(letter("Message-ID: <2@x>", f"In-Reply-To: <{name}>"))
    assert first.external_id == second.parent
    assert len(first.external_id) < 100


@pytest.mark.parametrize(
    ("date", "arrived", "wanted"),
    [
        ("Sun, 22 Nov 2026 12:00:00 +0000", "2026-11-22T12:00:09+00:00", (22, 12, 0)),
        ("Sun, 22 Nov 2026 20:00:00 +0000", "2026-11-22T12:30:00+00:00", (22, 12, 30)),
        ("Thu, 01 Jan 1998 00:00:00 +0000", "2026-11-22T12:30:00+00:00", (22, 12, 30)),
        ("yesterday", "2026-11-22T12:30:00+00:00", (22, 12, 30)),
        ("Sat, 21 Nov 2026 12:00:00 +0000", "2026-11-22T12:30:00+00:00", (21, 12, 0)),
    ],
)
def test_a_mail_is_not_younger_than_its_arrival_nor_much_older(
    date: str, arrived: str, wanted: tuple[int, int, int]
) -> None:
    at = only(letter(f"Date: {date}"), None, **{reading.ARRIVED: arrived}).at
    assert (at.day, at.hour, at.minute) == wanted


def test_nothing_is_later_than_when_we_heard_it() -> None:
    assert only(letter(f"Date: {NOW + timedelta(days=9):%a, %d %b %Y %H:%M:%S +0000}")).at == NOW


def test_an_empty_mail_is_heard() -> None:
    assert only(letter("Subject: ", body="")).text == "[…]"
    assert only(letter("Subject: Hello?", body="")).text == "Hello?"


def test_a_form_of_our_own_site_speaks_for_the_visitor() -> None:
    found = only(raw("site_form"))
    assert (found.sender, found.kind, found.is_automatic) == (
        "ann@example.org", Kind.INCOMING, False,
    )  # fmt: skip


def test_what_lies_in_the_folder_of_sent_mails_is_our_reply() -> None:
    mail = letter(
        "From: Bo <bo@care.test>", "To: support@care.test, Ann <ann@example.org>",
        "In-Reply-To: <1@example.org>", "Message-ID: <sent@care.test>",
    )  # fmt: skip
    found = only(mail, None, **{reading.SENT: "yes"})
    assert (found.kind, found.to, found.author) == (Kind.REPLY, "ann@example.org", "Bo")
    assert found.parent == "1@example.org"


def test_a_colleague_who_copies_the_inbox_has_answered() -> None:
    mail = letter("From: Bo <bo@care.test>", "To: ann@example.org", "Cc: support@care.test")
    assert only(mail, account(also_us="@care.test")).kind is Kind.REPLY
    assert only(mail).kind is Kind.INCOMING
    forged = account(also_us="@care.test", trusted_server="mx.care.test")
    failed = f"Authentication-Results: mx.care.test; dmarc=fail\r\n{mail}"
    assert only(failed, forged).kind is Kind.INCOMING


def test_what_a_group_hands_on_in_its_own_name_is_by_who_wrote_it() -> None:
    mail = raw("through_our_group").replace(
        b"From: Ann <ann@example.org>",
        b"From: 'Ann' via Help <help@care.test>\r\nX-Original-From: Ann <ann@example.org>",
    )
    found = only(mail)
    assert (found.sender, found.sender_name) == ("ann@example.org", "Ann")
    forged = letter("From: Eve <eve@evil.example>", "X-Original-From: ann@example.org")
    assert only(forged).sender == "eve@evil.example"


def test_the_seal_of_a_signed_mail_is_no_file() -> None:
    mail = letter(
        "Content-Type: multipart/signed; boundary=b; protocol=application/pkcs7-signature",
        body="--b\nContent-Type: text/plain\n\nSigned words.\n--b\n"
        "Content-Type: application/pkcs7-signature; name=smime.p7s\n\nxx\n--b--",
    )
    found = only(mail)
    assert (found.text, found.files) == ("Signed words.", ())


def test_the_address_for_answers_is_told() -> None:
    assert only(letter("Reply-To: else@example.org")).extra["reply_to"] == "else@example.org"
    assert "reply_to" not in only(letter("Reply-To: ann@example.org")).extra


@pytest.mark.parametrize("body", [b"", b"\r\n\r\nhello", b"no header at all", b"\x00\xff" * 50])
def test_what_is_no_mail_is_not_understood(body: bytes) -> None:
    with pytest.raises(NotUnderstoodError):
        heard(body)


def test_a_mail_that_nobody_sent_is_not_understood() -> None:
    with pytest.raises(NotUnderstoodError, match="sender"):
        heard(letter("From: undisclosed"))


def test_a_mail_that_the_server_cannot_give_says_so() -> None:
    with pytest.raises(NotUnderstoodError, match="cannot give"):
        heard(b"", None, **{reading.UNREAD: "The server cannot give this mail: broken"})


def test_a_mail_that_is_too_large_is_known_by_its_beginning() -> None:
    found = only(letter(), None, **{reading.SIZE: "99000000"})
    assert (found.text, found.extra["cut"]) == ("Where is it?", 99_000_000)


@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("*.eml")), ids=lambda path: path.stem)
def test_a_mail_that_breaks_off_anywhere_is_read_as_far_as_it_goes(path: Path) -> None:
    body = path.read_bytes()
    for end in range(0, len(body), 37):
        try:
            heard(body[:end])
        except NotUnderstoodError as error:
            assert str(error)  # noqa: PT017


@pytest.mark.parametrize(
    "mail",
    [
        letter("From: a" + " " * 15_000 + "b <a@b>"),
        letter("From: " + "a " * 7_000 + "<a@b>"),
        letter("Subject: " + "Re: " * 4_000),
        letter("Authentication-Results: mx" + "(" * 15_000),
        letter("References: " + "<a@b> " * 2_500),
        letter("List-Post: " + "@.<" * 5_000),
        letter(body="Regards,\nAnn\n" + "a" * 190_000),
        letter(body="with " * 30_000 + "\nAnn\n1"),
        letter(body="-" * 190_000),
        letter(body="+" + "0 " * 90_000),
        letter(body="heard-" * 30_000),
        letter("Content-Type: text/html", body="<" * 190_000),
        letter("Content-Type: text/html", body="<div><blockquote>" * 11_000),
        letter("Content-Type: text/plain; format=flowed", body="a \n" * 60_000),
        letter("Content-Type: text/calendar", body="BEGIN:VEVENT\n" * 20_000),
        letter("Content-Type: application/ms-tnef", body="x" * 100_000),
    ],
    ids=range(16),
)
def test_a_hostile_mail_costs_little(mail: str) -> None:
    began = time.process_time()
    heard(mail, account(trusted_server="mx"))
    assert time.process_time() - began < 3


PIECES = st.sampled_from([
    b"From: a@b\r\n", b"Content-Type: multipart/mixed; boundary=x\r\n", b"\r\n", b"\r\n--x\r\n",
    b"--x--", b"Content-Transfer-Encoding: base64\r\n", b"\r\n\r\n", b"=?utf-8?q?=C3?= ",
    b"> ",
    b"Content-Type: text/html; charset=utf-16\r\n", b"On 1 Ann wrote:\r\n", b"-- \r\n", b"<", b"=",
    b"Content-Type: application/ms-tnef\r\n", b"\x78\x9f\x3e\x22",
    b"Content-Type: text/calendar\r\n",
    b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:x\r\n", b"References: <a@b> <c@d\r\n", b"\xff\xfe",
    b"Content-Type: multipart/report\r\n", b"Content-Type: message/delivery-status\r\n",
    b"Action: failed\r\n", b"heard-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@care.test",
    b"Subject: \xe9\r\n",
    b"Content-Type: text/plain; format=flowed; charset=\"iso-2022-jp\r\n", b"name*0*=utf-8''%",
])  # fmt: skip


@given(st.one_of(st.binary(max_size=300), st.lists(PIECES, max_size=14).map(b"".join)))
@settings(max_examples=400, deadline=None)
def test_no_bytes_break_it(body: bytes) -> None:
    try:
        found = list(channel.parse(Delivered(body, {}, NOW), account(trusted_server="mx")))
    except NotUnderstoodError:
        return
    for one in found:
        assert isinstance(one, Incoming | Progress)
        if isinstance(one, Incoming):
            assert one.sender
            assert 0 < len(one.external_id) <= 300
            assert one.at.tzinfo is not None
            one.text.encode()
            one.html.encode()
