"""Our quick reader of mails agrees with the standard library's patient one."""

from __future__ import annotations

import email
import email.message
import time
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heard.channels.email import mime
from tests.channels.email.mails import PAYLOADS


def ours(raw: bytes) -> list[tuple[str, str, bytes]]:
    return [
        (part.content_type, part.file_name, part.content().strip())
        for part in mime.taken_apart(raw).walk()
        if not part.parts
    ]


def theirs(raw: bytes) -> list[tuple[str, str, bytes]]:
    found = []
    for part in _leaves(email.message_from_bytes(raw)):
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            inner = part.get_payload()
            assert isinstance(inner, list)
            content = b"\r\n".join(_as_it_stood(one) for one in inner)
        found.append((part.get_content_type(), part.get_filename() or "", content.strip()))
    return found


def _leaves(part: email.message.Message) -> list[email.message.Message]:
    children = part.get_payload()
    if isinstance(children, list) and not part.get_content_type().startswith("message/"):
        return [leaf for child in children for leaf in _leaves(child)]  # type: ignore[arg-type]
    return [part]


def _as_it_stood(part: object) -> bytes:
    assert isinstance(part, email.message.Message)
    return part.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("*.eml")), ids=lambda path: path.stem)
def test_the_payloads_fall_into_the_same_parts(path: Path) -> None:
    raw = path.read_bytes()
    kinds = [(kind, name) for kind, name, _ in ours(raw)]
    assert kinds == [(kind, name) for kind, name, _ in theirs(raw)]
    for (kind, _, mine), (_, _, patient) in zip(ours(raw), theirs(raw), strict=True):
        if not kind.startswith("message/"):  # which the library takes apart further
            assert mine == patient


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=80)
NAMES = st.text(st.sampled_from("aü漢 .-_()'%;=\""), min_size=1, max_size=30).map(
    lambda name: " ".join(f"x{name}y".split())
)


@given(
    st.lists(TEXTS, min_size=1, max_size=6).map("\n".join),
    st.lists(st.tuples(NAMES, st.binary(max_size=200)), max_size=3),
    st.booleans(),
    st.sampled_from(["utf-8", "utf-16"]),
    st.sampled_from([b"\n", b"\r\n"]),
)
@settings(max_examples=150, deadline=None)
def test_what_the_library_writes_is_read_alike(
    text: str, files: list[tuple[str, bytes]], has_html: bool, charset: str, end: bytes
) -> None:
    mail = EmailMessage()
    mail["From"] = "ann@example.org"
    mail.set_content(text, charset=charset)
    if has_html:
        mail.add_alternative(f"<p>{text}</p>", subtype="html")
    for name, content in files:
        mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    raw = mail.as_bytes().replace(b"\n", end)
    assert ours(raw) == theirs(raw)


def test_a_hostile_mail_costs_no_more_than_its_length() -> None:
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(4000)
    )
    for raw in (
        deep,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n" * 300_000,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--bb" * 300_000,
        b"Content-Type: text/plain" + b"; a*0=b" * 100_000 + b"\r\n\r\n",
        b'Content-Type: text/plain; name="' + b"\\" * 500_000,
        b"Subject: " + b"=?utf-8?q?=C3?= " * 50_000,
        b"To: " + b"<a@b>, " * 100_000,
        b"To: " + b"(" * 100_000,
        b"A:\r\n " * 200_000,
        b"X: y\r\n" * 200_000,
    ):
        began = time.process_time()
        part = mime.taken_apart(raw)
        mime.addresses(part.headers, "to")
        mime.words(part.value("subject"))
        assert time.process_time() - began < 3
