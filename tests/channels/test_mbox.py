"""Letters in a mailbox file."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from heard.channels.archives import ArchiveError, Mbox, mbox
from heard.channels.base import Incoming, Kind, SetAside
from tests.channels.files import messages, reasons

US = ("help@shop.example", "@corner.example")
SEPARATOR = b"From MAILER Sun Nov 22 10:00:00 2026\n"


def mailbox(folder: Path, *letters: bytes | str) -> Mbox:
    path = folder / "box.mbox"
    raw = [letter.encode() if isinstance(letter, str) else letter for letter in letters]
    path.write_bytes(b"".join(SEPARATOR + letter.rstrip(b"\n") + b"\n\n" for letter in raw))
    return Mbox(path, US)


def plain_letter(*headers: str, body: str = "Where is it?") -> str:
    given = {header.partition(":")[0] for header in headers}
    usual = [
        "From: Ann <Ann@Example.org>",
        "Date: Sun, 22 Nov 2026 10:00:00 +0100",
        "Message-ID: <1@x>",
    ]
    lines = [*headers, *(line for line in usual if line.partition(":")[0] not in given)]
    return "\n".join(lines) + f"\n\n{body}\n"


def only(archive: Mbox) -> Incoming:
    (item,) = archive.items()
    assert isinstance(item.value, Incoming), item.value
    return item.value


def test_a_letter_is_incoming(tmp_path: Path) -> None:
    assert only(mailbox(tmp_path, plain_letter("Subject: My\n parcel"))) == Incoming(
        external_id="1@x",
        at=datetime(2026, 11, 22, 9, tzinfo=UTC),
        text="Where is it?",
        sender="ann@example.org",
        sender_name="Ann",
        root="1@x",
        subject="My parcel",
    )


def test_a_letter_of_ours_is_a_reply_to_its_first_outside_reader(tmp_path: Path) -> None:
    reply = only(
        mailbox(
            tmp_path,
            plain_letter(
                "From: Bo <bo@corner.example>",
                "To: Help <help@shop.example>, Ann <ANN@example.org>",
                "References: <0@x> <1@x>",
                "In-Reply-To: <1@x>",
                "Message-ID: <2@x>",
            ),
        )
    )
    assert (reply.kind, reply.author, reply.to) == (Kind.REPLY, "Bo", "ann@example.org")
    assert (reply.root, reply.parent) == ("0@x", "1@x")


def test_names_and_subjects_are_decoded(tmp_path: Path) -> None:
    letter = plain_letter(
        "From: =?utf-8?q?J=C3=B6rg?= <j@x.example>", "Subject: =?koi8-r?B?8NLJ18XU?= =?bogus?Q?!?="
    )
    found = only(mailbox(tmp_path, letter))
    assert (found.sender_name, found.subject) == ("Jörg", "Привет!")
    eight_bit = plain_letter("Subject: caf~").encode().replace(b"~", b"\xe9")
    assert only(mailbox(tmp_path, eight_bit)).subject == "café"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain; charset=windows-1251", "Привет".encode("cp1251")),
        ("text/plain; charset=us-ascii", "Привет".encode()),
        ("text/plain; charset=nonsense", "Привет".encode()),
        ("text/plain", "Привет".encode()),
        ("text/html; charset=utf-8", "<p>Привет".encode()),
        ("multipart/mixed", "Привет".encode()),
    ],
)
def test_bodies_are_read_whatever_their_charset_claims(
    tmp_path: Path, content_type: str, body: bytes
) -> None:
    letter = plain_letter(f"Content-Type: {content_type}", body="~").encode().replace(b"~", body)
    assert only(mailbox(tmp_path, letter)).text == "Привет"


def test_a_letter_in_parts_keeps_its_html_and_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mbox, "LARGEST_FILES", 1_000)
    letter = EmailMessage()
    letter["From"], letter["Date"] = "ann@example.org", "Sun, 22 Nov 2026 10:00:00 +0000"
    letter.set_content("Plain, ü")
    letter.add_alternative("<p>HTML, ü</p>", subtype="html")
    letter.add_attachment(b"x" * 900, maintype="image", subtype="png", filename="../bïld.png")
    letter.add_attachment(b"x" * 200, maintype="application", subtype="pdf")
    inner = EmailMessage()
    inner.set_content("inside")
    letter.add_attachment(inner)
    found = only(mailbox(tmp_path, letter.as_bytes()))
    assert (found.text, found.html) == ("Plain, ü", "<p>HTML, ü</p>")
    assert [(file.name, file.content_type) for file in found.files] == [
        ("bïld.png", "image/png"),
        ("letter.eml", "message/rfc822"),
    ]
    assert found.extra == {"files_left_out": [{"name": "application.pdf", "size": 200}]}


@pytest.mark.parametrize(
    "header",
    ["Auto-Submitted: auto-replied", "Precedence: bulk", "Return-Path: <>", "X-Autoreply: yes"],
)
def test_letters_by_programs_are_automatic(tmp_path: Path, header: str) -> None:
    assert only(mailbox(tmp_path, plain_letter(header))).is_automatic


@pytest.mark.parametrize("header", ["Auto-Submitted: no", "Precedence: list", "Subject: bulk"])
def test_letters_by_people_are_not(tmp_path: Path, header: str) -> None:
    assert not only(mailbox(tmp_path, plain_letter(header))).is_automatic


def test_a_letter_without_an_id_has_the_same_stand_in_each_time(tmp_path: Path) -> None:
    archive = mailbox(tmp_path, plain_letter("Message-ID: "))
    assert only(archive).external_id == only(archive).external_id != ""
    assert only(archive).external_id.startswith("sha256:")


@pytest.mark.parametrize("date", ["", "next week", "Mon, 32 Foo 2026"])
def test_a_letter_without_a_date_is_dated_by_its_carrier(tmp_path: Path, date: str) -> None:
    carried = "Received: from a by b; Mon, 23 Nov 2026 08:00:00 +0000"
    assert only(mailbox(tmp_path, plain_letter(f"Date: {date}", carried))).at == datetime(
        2026, 11, 23, 8, tzinfo=UTC
    )
    assert reasons(mailbox(tmp_path, plain_letter(f"Date: {date}"))) == ["its date cannot be read"]


def test_a_letter_from_nobody_or_without_words_is_set_aside(tmp_path: Path) -> None:
    archive = mailbox(tmp_path, plain_letter("From: "), plain_letter(body=" "))
    assert reasons(archive) == ["nobody is named as its sender", "it has no text"]


def test_lines_that_begin_with_from_stay_in_their_letter(tmp_path: Path) -> None:
    body = "Dear all\n\nFrom 10:30 on 2026-11-22 we are open.\n>From here on quoted"
    archive = mailbox(tmp_path, plain_letter(body=body), plain_letter("Message-ID: <2@x>"))
    found = messages(archive)
    assert list(found) == ["1@x", "2@x"]
    assert found["1@x"].text == body.replace(">From", "From")


def test_a_single_letter_and_a_packed_mailbox_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "letter.eml"
    path.write_text(plain_letter())
    assert list(messages(Mbox(path))) == ["1@x"]
    packed = tmp_path / "box.gz"
    packed.write_bytes(gzip.compress(SEPARATOR + plain_letter().encode()))
    assert list(messages(Mbox(packed))) == ["1@x"]


def test_other_files_are_refused_and_broken_ones_reported(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"id,created\n1,2\n")
    with pytest.raises(ArchiveError, match="is not a mailbox file"):
        list(Mbox(path).items())
    path.write_bytes(gzip.compress(SEPARATOR + plain_letter().encode() * 50)[:-20])
    assert reasons(Mbox(path))[-1] == "the file breaks off"


def test_letters_are_cut_rightly_wherever_the_reading_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = [plain_letter(f"Message-ID: <{n}@x>", body=f"body {n}\nFrom me") for n in range(40)]
    whole = messages(mailbox(tmp_path, *letters))
    assert len(whole) == 40
    for chunk in (700, 701, 997):
        monkeypatch.setattr(mbox, "_CHUNK", chunk)
        assert messages(mailbox(tmp_path, *letters)) == whole


def test_a_monstrous_letter_is_left_out_and_the_next_one_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mbox, "LARGEST_LETTER", 20_000)
    monkeypatch.setattr(mbox, "_CHUNK", 10_000)
    archive = mailbox(tmp_path, plain_letter(body="x " * 50_000), plain_letter("Message-ID: <2@x>"))
    values = [item.value for item in archive.items()]
    assert isinstance(values[0], SetAside)
    assert isinstance(values[-1], Incoming)
