"""Every way in which sending can go wrong has its receipt; signing in by password and OAuth 2."""

from __future__ import annotations

import base64
import ssl
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heard.channels import email as channel
from heard.channels.base import Account, PlaceError, SendState
from heard.channels.email import imap, oauth, servers, smtp, tokens
from heard.conversations.forms import PlaceForm
from heard.conversations.models import Inbox
from tests import make
from tests.channels.email.lines import BREAKS_OFF, MailLine, certificate
from tests.channels.email.mails import account, answer, only
from tests.channels.place import Place

SENT, FAILED, UNKNOWN = SendState.SENT, SendState.FAILED, SendState.UNKNOWN
OURS = tokens.message_id("reply_7_1", account=account())


def box(line: MailLine, security: str = "none", **settings: Any) -> Account:
    settings.setdefault("secrets", {"password": "open sesame"})
    return account(**line.settings("smtp", security), **settings)


def test_a_mail_is_handed_over_under_its_name() -> None:
    with MailLine() as line:
        receipt = channel.send(answer(text="Hello\n.\n..\nBo"), box(line))
    assert (receipt.state, receipt.external_id) == (SENT, OURS)
    assert any(said.startswith("mail FROM:<support@care.test> SIZE=") for said in line.heard)
    assert "rcpt TO:<ann@example.org>" in line.heard
    found = only(line.mails[0], None, **{"x-heard-sent": "yes"})
    assert (found.external_id, found.text) == (OURS, "Hello\n.\n..\nBo")


@pytest.mark.parametrize(
    ("says", "state", "is_final"),
    [
        ({"greeting": "421 too busy"}, FAILED, False),
        ({"greeting": BREAKS_OFF}, FAILED, False),
        ({"EHLO": BREAKS_OFF}, FAILED, False),
        ({"AUTH": "535 5.7.8 no"}, FAILED, True),
        ({"AUTH": "454 4.7.0 later"}, FAILED, False),
        ({"MAIL": "550 5.7.1 not you"}, FAILED, True),
        ({"RCPT": "550 5.1.1 nobody here"}, FAILED, True),
        ({"RCPT": "450 4.2.0 greylisted"}, FAILED, False),
        ({"RCPT": BREAKS_OFF}, FAILED, False),
        ({"DATA": "451 4.3.0 later"}, FAILED, False),
        ({"DATA": BREAKS_OFF}, FAILED, False),
        ({".": "554 5.7.1 spam"}, FAILED, True),
        ({".": "452 4.3.1 disk full"}, FAILED, False),
        ({".": BREAKS_OFF}, UNKNOWN, False),
    ],
)
def test_each_refusal_has_its_receipt(
    says: Mapping[str, str], state: SendState, is_final: bool
) -> None:
    with MailLine(says) as line:
        receipt = channel.send(answer(), box(line))
    assert (receipt.state, receipt.is_final) == (state, is_final)
    assert receipt.reason
    assert "sesame" not in receipt.reason
    # A name only for what may have arrived: by it the echo is recognised.
    assert receipt.external_id == (OURS if state is UNKNOWN else "")


def test_a_mail_that_is_too_large_is_not_begun() -> None:
    with MailLine() as line:
        receipt = channel.send(answer(text="x" * 1_100_000), box(line))
    assert (receipt.state, receipt.is_final, line.mails) == (FAILED, True, [])


def test_nobody_listens() -> None:
    with MailLine() as line:
        pass
    receipt = channel.send(answer(), box(line))
    assert (receipt.state, receipt.is_final) == (FAILED, False)


@pytest.mark.parametrize("to", ["", "ann", "ann@x>\r\nDATA", "a b@x.example", "ann@x.example,b@y"])
def test_what_is_no_address_is_not_written_to(to: str) -> None:
    receipt = channel.send(answer(to=to), account())
    assert (receipt.state, receipt.is_final) == (FAILED, True)


def test_an_address_in_another_script_needs_a_server_that_writes_it() -> None:
    with MailLine() as line:
        receipt = channel.send(answer(to="用户@例子.example"), box(line))
    assert (receipt.state, receipt.is_final) == (FAILED, True)


def test_a_line_without_tls_leaves_the_house_nowhere() -> None:
    with MailLine() as line:
        receipt = channel.send(answer(), replace(box(line), allow_private=False))
    assert (receipt.state, receipt.is_final, line.heard) == (FAILED, True, [])


def test_sending_is_not_repeated_by_itself() -> None:
    assert channel.may_repeat(answer()) is False


# TLS


@pytest.fixture
def secured(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For a server called localhost, and for who trusts it."""
    path = certificate(tmp_path, "localhost")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    return serving, ssl.create_default_context(cafile=str(path))


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_certificates_are_proven(
    security: str,
    secured: tuple[ssl.SSLContext, ssl.SSLContext],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serving, trusting = secured
    begins = security == "tls"
    with MailLine(context=serving, begins_with_tls=begins) as line:
        refused = channel.send(answer(), box(line, security))
        assert (refused.state, refused.is_final, line.mails) == (FAILED, True, [])
        assert "certificate" in refused.reason
        assert not any(command.startswith("AUTH") for command in line.heard)
        monkeypatch.setattr(servers.Server, "context", lambda self: trusting)
        assert channel.send(answer(), box(line, security)).state is SENT


def test_a_server_without_tls_gets_no_password() -> None:
    with MailLine() as line:
        receipt = channel.send(answer(), box(line, "starttls"))
    assert (receipt.state, receipt.is_final) == (FAILED, True)
    assert not any(command.startswith("AUTH") for command in line.heard)


# OAuth 2

KEPT = {"refresh_token": "kept", "access_token": "good", "access_ends": str(int(time.time()) + 999)}


def google(place: Place, **more: Any) -> Account:
    return account(
        sign_in="google", client_id="our-app", token_url=f"{place.url}/token",
        **{"secrets": {"refresh_token": "kept", "client_secret": "hush"}, **more},
    )  # fmt: skip


def test_a_refresh_token_buys_an_access_token_that_is_kept() -> None:
    renewed: dict[str, str] = {}
    with Place() as place:
        place.answers(
            "POST /token", {"access_token": "fresh", "expires_in": 3599, "refresh_token": "newer"}
        )
        assert oauth.access_token(google(place, renew=renewed.update)) == "fresh"
        assert place.asked[0].form() == {
            "grant_type": "refresh_token", "refresh_token": "kept", "client_id": "our-app",
            "client_secret": "hush",
        }  # fmt: skip
        assert renewed["refresh_token"] == "newer"
        again = google(place, secrets=renewed)
        assert oauth.access_token(again) == "fresh"
        assert len(place.asked) == 1


def test_microsoft_is_asked_for_its_scopes() -> None:
    with Place() as place:
        place.answers("POST /token", {"access_token": "fresh", "expires_in": "3599"})
        there = account(
            sign_in="microsoft", client_id="our-app", token_url=f"{place.url}/token",
            secrets={"refresh_token": "kept"},
        )  # fmt: skip
        assert oauth.access_token(there) == "fresh"
        assert "IMAP.AccessAsUser.All" in place.asked[0].form()["scope"]


@pytest.mark.parametrize(
    ("status", "body", "needs_person"),
    [
        (400, {"error": "invalid_grant"}, True),
        (401, {"error": "invalid_client"}, True),
        (503, "busy", False),
        (200, {"expires_in": 1}, False),
        (200, "not json", False),
    ],
)
def test_a_token_that_is_not_given_says_who_must_act(
    status: int, body: Any, needs_person: bool
) -> None:
    with Place() as place:
        place.answers("POST /token", body, status=status)
        with pytest.raises(PlaceError) as refused:
            oauth.access_token(google(place))
        assert refused.value.needs_person is needs_person
        with MailLine() as line:
            receipt = channel.send(answer(), google(place, **line.settings("smtp")))
        assert (receipt.state, receipt.is_final) == (FAILED, needs_person)


def test_without_a_refresh_token_somebody_must_sign_in() -> None:
    with pytest.raises(PlaceError) as refused:
        oauth.access_token(account(sign_in="google"))
    assert refused.value.needs_person


def test_smtp_is_opened_by_an_access_token() -> None:
    with Place() as place, MailLine() as line:
        there = google(place, secrets=KEPT, **line.settings("smtp"))
        assert channel.send(answer(), there).state is SENT
    (sign_in,) = [command for command in line.heard if command.startswith("AUTH")]
    assert base64.b64decode(sign_in.split()[2]) == b"user=support@care.test\1auth=Bearer good\1\1"


def test_a_refused_access_token_is_renewed_once() -> None:
    with Place() as place, MailLine({"AUTH": "334 eyJ9", "": "535 5.7.8 no"}) as line:
        place.answers("POST /token", {"access_token": "fresh", "expires_in": 3599})
        receipt = channel.send(answer(), google(place, secrets=KEPT, **line.settings("smtp")))
    assert (receipt.state, receipt.is_final) == (FAILED, True)
    assert len(place.asked) == 1
    tried = [command for command in line.heard if command.startswith("AUTH")]
    assert [b"good" in base64.b64decode(one.split()[2]) for one in tried] == [True, False]


def test_imap_is_opened_by_an_access_token() -> None:
    with Place() as place, MailLine(is_imap=True) as line:
        imap.Mailbox(google(place, secrets=KEPT, **line.settings("imap"))).close()
    at = next(n for n, said in enumerate(line.heard) if "AUTHENTICATE XOAUTH2" in said)
    words = base64.b64decode(line.heard[at + 1])
    assert words == b"user=support@care.test\1auth=Bearer good\1\1"


def test_a_mailbox_that_refuses_every_token_needs_a_person() -> None:
    says = {"AUTHENTICATE": "NO [AUTHENTICATIONFAILED] Invalid credentials"}
    with Place() as place, MailLine(says, is_imap=True) as line:
        place.answers("POST /token", {"access_token": "fresh", "expires_in": 3599})
        with pytest.raises(PlaceError) as refused:
            channel.poll("", google(place, secrets=KEPT, **line.settings("imap")))
    assert refused.value.needs_person
    assert len(place.asked) == 1


@pytest.mark.parametrize(
    ("says", "needs_person"),
    [
        ({"LOGIN": "NO [AUTHENTICATIONFAILED] Authentication failed."}, True),
        ({"LOGIN": "NO [UNAVAILABLE] Temporary authentication failure."}, False),
        ({"LOGIN": "NO [LIMIT] Too many simultaneous connections."}, False),
        ({"LOGIN": BREAKS_OFF}, False),
    ],
)
def test_a_mailbox_that_is_shut_for_now_is_asked_again(
    says: Mapping[str, str], needs_person: bool
) -> None:
    with MailLine(says, is_imap=True) as line, pytest.raises(PlaceError) as refused:
        channel.poll("", account(secrets={"password": "x"}, **line.settings("imap")))
    assert refused.value.needs_person is needs_person


@pytest.mark.parametrize("cursor", ["", "{}", "nonsense", '{"INBOX": 7}', "[]", '{"INBOX": {}}'])
def test_a_cursor_that_cannot_be_read_is_none(cursor: str) -> None:
    assert imap._places(cursor) == {}


def test_servers_must_be_named() -> None:
    with pytest.raises(PlaceError) as refused:
        channel.check(account(secrets={"password": "x"}))
    assert refused.value.needs_person
    with pytest.raises(PlaceError):
        channel.check(account(address="nobody"))


def test_the_answer_to_a_whole_mail_is_waited_for_longer() -> None:
    assert smtp.ANSWER_SECONDS > smtp.COMMAND_SECONDS


@pytest.mark.django_db
def test_the_page_asks_for_little_and_for_what_fits_the_sign_in() -> None:
    form = PlaceForm(instance=Inbox(kind="email", policy=make.policy()))
    first = {field.name.removeprefix("place_"): form.when(field) for field in form.first}
    assert list(first)[:3] == ["name", "address", "sign_in"]
    assert first["password"] == "place_sign_in=password"
    assert first["client_id"] == form.sign_in_when == "place_sign_in=google microsoft"
    assert first["tenant"] == "place_sign_in=microsoft"
    assert not first.keys() & {"smtp_port", "folder", "hourly_cap", "days", "refresh_token"}


def test_copies_go_to_whom_they_are_meant_and_a_refused_one_keeps_no_mail_back() -> None:
    copies = ("ben@example.org", "ann@example.org", "no address", "two@x.org, three@x.org")
    with MailLine() as line:
        receipt = channel.send(answer(copies=copies), box(line))
    assert receipt.state is SENT
    assert [said for said in line.heard if said.startswith("rcpt")] == [
        "rcpt TO:<ann@example.org>",
        "rcpt TO:<ben@example.org>",
    ]
    assert b"\r\nCc: ben@example.org\r\n" in line.mails[0]
