"""SMS and MMS through Twilio: what people text to our numbers, and what became of our answers.

Twilio keeps those who wrote STOP from hearing of us again, whatever we send; here they are shown
as what they are. https://www.twilio.com/docs/messaging/guides/webhook-request
"""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from heard.channels import asking, lengths, payloads, twilio, web
from heard.channels.asking import Trouble, failed
from heard.channels.base import (
    Abilities,
    Account,
    Checked,
    Delivered,
    File,
    Greeting,
    Incoming,
    NotUnderstoodError,
    Outgoing,
    PlaceError,
    Progress,
    Receipt,
    SetAside,
    Setting,
    Unit,
)
from heard.channels.phone.numbers import e164
from heard.channels.texts import repair

kind = "sms"
title = "SMS (Twilio)"
settings = (
    twilio.ACCOUNT_SID,
    twilio.AUTH_TOKEN,
    Setting(
        "number",
        "Your number, or Messaging Service SID",
        help="As Twilio writes it: +14155550100, or the SID that begins with MG. A message is"
        " answered from the number that it was sent to; this one is for all others.",
    ),
)
LENGTH = 1600
public = None
private = Abilities(
    length=LENGTH, unit=Unit.UTF16, tells=frozenset({"delivered", "read"}), opts_out=True
)
has_own_secret = False
heeds = ("x-twilio-signature", "content-type")

FILES = 10
"""So many pictures Twilio takes in one message."""
SAID: Mapping[str, Literal["delivered", "read", "failed"]] = {
    "delivered": "delivered",
    "read": "read",
    "undelivered": "failed",
    "failed": "failed",
}
OPTED_OUT = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"}
)
"""Alone in a message, each of these words makes Twilio block the number."""
OPTED_IN = frozenset({"start", "unstop"})
AMBIGUOUS = frozenset({"cancel", "end", "quit"})
"""May be meant for us, and the person waits for an answer that cannot reach them by SMS."""
WHY = {
    "21408": "messages to that country are switched off in this Twilio account",
    "21610": "the person has written STOP to this number, and must write START to hear from it",
    "21211": "this is no telephone number",
    "21614": "this is no mobile number",
    "30003": "the telephone is switched off or out of reach",
    "30004": "the person or their carrier blocks our messages",
    "30005": "the number is unknown or no longer in use",
    "30006": "this is a landline, or a carrier that takes no SMS",
    "30007": "the carrier took it for spam",
    "30034": "our number is not registered with the carriers (A2P 10DLC)",
}
"""https://www.twilio.com/docs/api/errors"""
NEVER = frozenset({"21408", "21610", "21211", "21614", "21617"})
_NUMBER = re.compile(r"\+\d{6,15}", re.ASCII)

authenticate, fetch = twilio.authenticate, twilio.fetch


def confirm(delivered: Delivered, account: Account) -> Greeting:  # noqa: ARG001
    """TwiML that says nothing: the answer is a person's."""
    return Greeting(
        b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>', content_type="text/xml"
    )


def parse(delivered: Delivered, account: Account) -> Iterator[Incoming | Progress | SetAside]:  # noqa: ARG001
    """A message that came, or how one of ours fares. Twilio tells no time: when it was heard."""
    told = {name: repair(value).strip() for name, value in twilio.form(delivered.body)}
    name = told.get("MessageSid") or told.get("SmsSid") or ""
    state = told.get("MessageStatus") or told.get("SmsStatus") or ""
    if not name:
        raise NotUnderstoodError("This is no callback of Twilio Messaging: it names no message.")
    if len(name) > 300:
        raise NotUnderstoodError("This message's name is too long to be Twilio's.")
    if state in SAID:
        reason = _why(told.get("ErrorCode", "")) if SAID[state] == "failed" else ""
        yield Progress(name, delivered.at, SAID[state], reason)
        return
    if state not in {"received", "receiving", ""}:
        return  # queued, sending, sent: on its way
    if not told.get("From") or "Body" not in told:
        yield SetAside(where="message", reason="it has no sender or no body", raw=name)
        return
    yield _message(name, told, heard_at=delivered.at)


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Text the person, from the number that they wrote to."""
    if lengths.length(outgoing.text, Unit.UTF16) > LENGTH:
        return failed(f"The text is longer than {LENGTH} characters.", is_final=True)
    ours = str(outgoing.answered.get("to") or account.settings.get("number") or "").strip()
    which = "MessagingServiceSid" if ours.startswith("MG") else "From"
    fields = {"To": outgoing.to, which: ours, "Body": outgoing.text}
    if account.hook.startswith("https://"):
        fields["StatusCallback"] = account.hook
    return asking.handed(
        "POST",
        f"{twilio.api(account)}/2010-04-01/Accounts/{twilio.sid_of(account)}/Messages.json",
        account=account,
        judge=judge,
        named=lambda said: said["sid"],
        headers=twilio.proof(account),
        body=asking.as_form(fields),
    )


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """No: Twilio knows no key by which it would see the repetition."""
    return False


def check(account: Account) -> Checked:
    """Whose account it is, and whether Twilio brings the number's messages here."""
    number = str(account.settings.get("number") or "").strip()
    if not _NUMBER.fullmatch(number) and not (number.startswith("MG") and number.isalnum()):
        raise PlaceError(
            "Write your number with + and its country, or the SID that begins with MG.",
            needs_person=True,
        )
    name, warnings = twilio.known(account)
    if number.startswith("+"):
        warnings += _arriving(number, account)
    return Checked(f"{name} {number}", warnings=warnings)


def judge(answer: web.Answer) -> Trouble | None:
    """What an answer of Twilio's API means. https://www.twilio.com/docs/usage/twilios-response"""
    if answer.is_good:
        return None
    code, words = _error(answer)
    if answer.status == 401 or code == "20003":
        return Trouble(
            "Twilio does not know this account SID and auth token: put in the new ones.",
            is_final=True,
            needs_person=True,
        )
    if code in NEVER:
        why = WHY.get(code) or words
        return Trouble(f"Twilio did not take it: {why} ({code}).", is_final=True)
    if answer.status == 429:
        wish = answer.retry_after_seconds(now=datetime.now(UTC))
        return Trouble("Twilio asks us to slow down.", retry_after_seconds=wish or 60)
    return asking.plainly(answer)


def opted(told: Mapping[str, str]) -> str:
    """ "out" or "in" for a word that stops or starts all messages, else nothing.

    Twilio tells with Advanced Opt-Out; without it the words are known and stand alone.
    """
    kind_of = told.get("OptOutType", "").upper()
    word = told.get("Body", "").strip(" .!\"'\n").lower()
    if kind_of in {"STOP", "START"}:
        return "out" if kind_of == "STOP" else "in"
    return "out" if word in OPTED_OUT else "in" if word in OPTED_IN else ""


def _message(name: str, told: Mapping[str, str], *, heard_at: datetime) -> Incoming:
    sender = e164(told["From"]) or told["From"]
    files = tuple(_files(told))
    extra: dict[str, Any] = {"to": told.get("To", "")}
    if _NUMBER.fullmatch(sender):
        extra["links"] = {"phone": sender}
    chosen = opted(told)
    if chosen:
        extra["opted"] = chosen
    is_bare = told["Body"].strip(" .!\"'\n").lower() not in AMBIGUOUS
    return Incoming(
        external_id=name,
        at=heard_at,
        text=told["Body"] or ("" if files else "(An empty message.)"),
        sender=sender[:300],
        sender_name=told.get("ProfileName", "")[:200],
        root=sender[:300],
        parent=told.get("OriginalRepliedMessageSid", "")[:300],
        need="nothing" if chosen and is_bare else "",
        files=files,
        extra=extra,
    )


def _files(told: Mapping[str, str]) -> Iterator[File]:
    """The pictures and sounds of an MMS; Twilio keeps them behind our credentials."""
    count = told.get("NumMedia", "0")
    for number in range(min(int(count), FILES) if count.isascii() and count.isdecimal() else 0):
        source = told.get(f"MediaUrl{number}", "")
        if not source:
            continue
        content_type = told.get(f"MediaContentType{number}", "") or "application/octet-stream"
        ending = mimetypes.guess_extension(content_type) or ""
        yield File(f"file-{number + 1}{ending}", content_type[:100], b"", source=source[:4000])


def _why(code: str) -> str:
    words = WHY.get(code)
    return f"{words} ({code})" if words else f"Twilio's error {code}" if code else ""


def _arriving(number: str, account: Account) -> tuple[str, ...]:
    """What keeps this number's messages from coming here."""
    sid = twilio.sid_of(account)
    try:
        [ours] = asking.wanted(
            "GET",
            f"{twilio.api(account)}/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers.json",
            account=account,
            judge=judge,
            headers=twilio.proof(account),
            params={"PhoneNumber": number},
        ).json()["incoming_phone_numbers"]
        url, can = str(ours.get("sms_url") or ""), (ours.get("capabilities") or {}).get("sms")
    except PlaceError as error:
        return (f"Whether messages arrive here could not be seen: {error}",)
    except payloads.WRONG:
        return (f"{number} is not among the numbers of this Twilio account.",)
    if can is False:
        return (f"{number} cannot send or receive SMS.",)
    if url.rstrip("/") != account.hook.rstrip("/"):
        return (f"Twilio brings messages elsewhere: enter {account.hook} at “A message comes in”.",)
    return ()


def _error(answer: web.Answer) -> tuple[str, str]:
    """Twilio's own number for what went wrong, and its sentence."""
    try:
        said = json.loads(answer.body)
        return str(said.get("code") or ""), " ".join(str(said.get("message") or "").split())[:160]
    except (ValueError, AttributeError, RecursionError):
        return "", ""
