"""Programs are told from people, bounces find their reply, and trust is only shown."""

from __future__ import annotations

from typing import Any

import pytest

from heard.channels import email as channel
from heard.channels.base import Incoming, Kind, Progress
from heard.channels.email import tokens, writing
from tests.channels.email.mails import account, answer, heard, letter, only, raw

OURS = tokens.message_id("reply_7_1", account=account())


def about_ours(name: str) -> bytes:
    return raw(name).replace(b"NUMBER", OURS.encode())


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated; owner-email=x",
        "Precedence: bulk",
        "Precedence: junk",
        "Return-Path: <>",
        "X-Autoreply: yes",
        "X-Autorespond: holiday",
        "From: MAILER-DAEMON@x.example",
        "List-Id: <news.x.example>",
        "List-Unsubscribe: <mailto:leave@x.example>",
        "Subject: Automatic reply: A question",
        "Subject: Out of Office: A question",
        "Subject: Réponse automatique : question",
        "Subject: Автоматический ответ: вопрос",
        "Subject: 自動返信: 質問",
    ],
)
def test_a_mail_by_a_program_is_automatic(header: str) -> None:
    assert only(letter(header)).is_automatic


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: no",
        "Precedence: normal",
        "Subject: bulk order, out of office hours?",
        "Subject: Re: Your automatic door",
        "From: No Reply <noreply@x.example>",
        "List-Post: <mailto:help@care.test>",
        "List-Id: Help <help.care.test>",
    ],
)
def test_a_mail_by_a_person_is_not(header: str) -> None:
    assert not only(letter(header)).is_automatic


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("out_of_office", "auto-generated"),
        ("newsletter", "bulk"),
        ("list_post", "list"),
        ("late_notice", "auto-replied"),
        ("through_our_group", ""),
        ("site_form", ""),
        ("question", ""),
    ],
)
def test_it_is_told_why(name: str, why: str) -> None:
    found = only(raw(name))
    assert found.extra.get("automatic", "") == why
    assert found.is_automatic is bool(why)


def test_an_answer_to_us_through_a_list_program_is_a_person() -> None:
    listed = ("List-Unsubscribe: <https://crm.example/u>", f"In-Reply-To: <{OURS}>")
    assert not only(letter(*listed)).is_automatic


def test_a_group_of_any_domain_of_ours_is_people_writing() -> None:
    mail = raw("through_our_group").replace(b"care.test", b"company.example")
    assert only(mail).is_automatic
    assert not only(mail, account(also_us=["help@company.example"])).is_automatic


@pytest.mark.parametrize("name", ["postfix_bounce", "exim_bounce"])
def test_a_bounce_tells_which_reply_did_not_arrive(name: str) -> None:
    (found,) = heard(about_ours(name))
    assert isinstance(found, Progress)
    assert (found.external_id, found.state) == (OURS, "failed")
    assert "nobody@example.org" in found.reason
    assert heard(about_ours(name)) == [found]


def test_a_bounce_keeps_the_words_of_the_server() -> None:
    (found,) = heard(about_ours("postfix_bounce"))
    assert found.reason == (
        "The mail did not reach nobody@example.org: 550 5.1.1 <nobody@example.org>: "
        "Recipient address rejected: User unknown"
    )


@pytest.mark.parametrize("name", ["postfix_bounce", "exim_bounce"])
def test_a_bounce_of_what_we_never_sent_says_nothing_of_our_replies(name: str) -> None:
    found = only(raw(name).replace(b"NUMBER", b"heard-" + b"a" * 32 + b"@care.test"))
    assert found.is_automatic


def test_a_mail_that_is_late_is_only_a_notice() -> None:
    assert only(about_ours("late_notice")).is_automatic


def test_a_receipt_that_was_asked_for_is_understood() -> None:
    mail = letter(
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
        body="--b\nContent-Type: message/disposition-notification\n\n"
        f"Final-Recipient: rfc822;ann@example.org\nOriginal-Message-ID: <{OURS}>\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\n\n--b--",
    )
    (found,) = heard(mail)
    assert (found.external_id, found.state) == (OURS, "read")


def test_only_the_trusted_server_is_believed() -> None:
    mail = raw("question")
    assert "trust" not in only(mail).extra
    assert "trust" not in only(mail, account(trusted_server="mx.else.test")).extra
    assert only(mail, account(trusted_server="MX.care.test")).extra["trust"]["dmarc"] == "pass"


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (["mx; dkim=fail; spf=softfail"], {"dkim": "fail", "spf": "softfail"}),
        (["mx; dkim=pass header.d=a; dkim=fail header.d=b"], {"dkim": "pass", "dkim_domain": "a"}),
        (["mx; dmarc=fail", "mx; dmarc=pass"], {"dmarc": "fail"}),
        (["mx; dmarc=pass", "mx; dmarc=fail"], {"dmarc": "fail"}),
        (["mx (dmarc=pass) ; none"], {}),
        (["mx 1; arc=pass (as=1)"], {"arc": "pass"}),
    ],
)  # fmt: skip
def test_the_worse_of_two_results_stands(lines: list[str], wanted: dict[str, str]) -> None:
    mail = letter(*(f"Authentication-Results: {line}" for line in lines))
    found = only(mail, account(trusted_server="mx")).extra.get("trust", {})
    assert found == (wanted | {"by": "mx"} if wanted else {})


@pytest.mark.parametrize(
    ("results", "is_proven"),
    [
        ("dmarc=pass header.from=example.org", True),
        ("dmarc=pass header.from=evil.example", False),
        ("dmarc=fail header.from=example.org; dkim=pass header.d=example.org", False),
        ("dkim=pass header.d=example.org", True),
        ("dkim=pass header.i=@example.org", True),
        ("dkim=pass header.d=evil.example", False),
        ("dkim=fail header.d=example.org; dkim=pass header.d=evil.example", False),
        ("dkim=pass header.d=evil.example; dkim=pass header.d=example.org", True),
        ("dkim=pass header.d=org", False),
        ("dkim=pass header.d=sub.example.org", False),
        ("spf=pass smtp.mailfrom=bounce@example.org", True),
        ("spf=pass smtp.mailfrom=eve@evil.example", False),
        ("spf=pass smtp.mailfrom=dmarc=pass@evil.example", False),
        ('spf=pass smtp.mailfrom="; dmarc=pass header.from=example.org;"@evil.example', False),
        ("spf=pass (; dkim=pass header.d=example.org (a) ;) smtp.mailfrom=a@evil.example", False),
        ("dmarc=none header.from=example.org; dkim=pass header.d=example.org", True),
        ("none", False),
    ],
)
def test_only_what_is_aligned_with_the_sender_proves_them(results: str, is_proven: bool) -> None:
    mail = letter(f"Authentication-Results: mx; {results}")
    assert only(mail, account(trusted_server="mx")).extra["is_proven"] is is_proven
    assert only(mail).extra["is_proven"] is False


def test_a_group_or_form_that_is_proven_does_not_prove_whom_it_names() -> None:
    group = (
        "From: G <g@evil.example>", "List-Post: <mailto:g@evil.example>",
        "X-Original-From: Ann <ann@example.org>",
        "Authentication-Results: mx; dmarc=pass header.from=evil.example",
    )  # fmt: skip
    named = only(letter(*group), account(trusted_server="mx"))
    assert (named.sender, named.extra["is_proven"]) == ("ann@example.org", False)
    form = (
        "From: Site <support@care.test>", "Reply-To: ann@example.org",
        "Authentication-Results: mx; dmarc=pass header.from=care.test",
    )  # fmt: skip
    typed = only(letter(*form), account(trusted_server="mx"))
    assert (typed.sender, typed.extra["is_proven"]) == ("ann@example.org", False)


def asked_for(mail: str | bytes, **settings: Any) -> str:
    place = account(acknowledgement="We have it.\nWe answer within a day.", **settings)
    (found,) = heard(mail, place)
    assert isinstance(found, Incoming)
    return channel.acknowledgement(found, place)


def test_an_acknowledgement_is_sent_only_if_it_is_asked_for() -> None:
    assert channel.acknowledgement(only(letter()), account()) == ""
    assert asked_for(letter()) == "We have it.\nWe answer within a day."


def test_an_acknowledgement_says_that_it_is_one() -> None:
    mail = writing.written(answer(is_automatic=True), account())
    assert b"Auto-Submitted: auto-replied" in mail
    echo = only(mail, None, **{"x-heard-sent": "yes"})
    assert (echo.kind, echo.is_automatic, echo.parent) == (Kind.REPLY, True, "1@example.org")
    other_house = only(mail, account(address="ann@example.org"))
    assert other_house.is_automatic  # two houses do not talk to each other for ever


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Precedence: bulk",
        "List-Id: <users.x.example>",
        "In-Reply-To: <7@x>",
        "References: <7@x>",
        "From: noreply@shop.example",
        "From: postmaster@shop.example",
        "From: support@care.test",
        "From: support+x@care.test",
        "Reply-To: support@care.test",
        "Authentication-Results: mx; dmarc=fail",
    ],
)
def test_nobody_but_a_person_who_begins_is_acknowledged(header: str) -> None:
    assert asked_for(letter(header), trusted_server="mx") == ""


@pytest.mark.parametrize("name", ["list_post", "newsletter", "out_of_office"])
def test_lists_and_programs_are_never_acknowledged(name: str) -> None:
    assert asked_for(raw(name)) == ""
