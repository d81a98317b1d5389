"""Calls through Twilio: callbacks of status, queue, recording and transcription, each proven.

Twilio answers a call as soon as its TwiML runs. Only a second leg, a bridge out of a queue or an
answered `<Dial>` says that a person took it, so nothing else counts as an answer here.
Built to https://www.twilio.com/docs/voice and /docs/usage/webhooks/webhooks-security.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from heard.channels import twilio
from heard.channels.base import (
    Abilities,
    Account,
    CallEvent,
    Checked,
    Delivered,
    File,
    Greeting,
    NotUnderstoodError,
    Outgoing,
    Receipt,
    SendState,
    SetAside,
    Setting,
)
from heard.channels.dates import moment
from heard.channels.phone import COUNTRY, HOLD_TARGET, UNWRITTEN, check_settings, country_of
from heard.channels.phone.numbers import e164
from heard.channels.texts import repair

kind = "twilio_voice"
title = "Twilio Voice"
settings = (
    twilio.ACCOUNT_SID,
    twilio.AUTH_TOKEN,
    Setting(
        "next_url",
        "Where a call goes on after a queue",
        help="The address of your TwiML, if our address is the action of an Enqueue, Dial or"
        " Record; without one the call ends there.",
        is_needed=False,
    ),
    COUNTRY,
    HOLD_TARGET,
)
public = None
private = Abilities(replies=False)
has_own_secret = False
heeds = ("x-twilio-signature", "content-type")

OVER = {
    "completed": "",
    "busy": "busy",
    "failed": "the call failed",
    "no-answer": "",
    "canceled": "",
}
TAKEN = frozenset({"bridged", "answered", "completed"})
TRANSCRIBED_BY = "Twilio"

authenticate, signature, fetch = twilio.authenticate, twilio.signature, twilio.fetch


def confirm(delivered: Delivered, account: Account) -> Greeting:  # noqa: ARG001
    """TwiML: go on where the inbox says, or nowhere. Callbacks that want no TwiML pass it over."""
    onward = str(account.settings.get("next_url") or "").strip()
    body = f"<Redirect>{escape(onward)}</Redirect>" if onward else ""
    twiml = f'<?xml version="1.0" encoding="UTF-8"?><Response>{body}</Response>'
    return Greeting(twiml.encode(), content_type="text/xml")


def parse(delivered: Delivered, account: Account) -> Iterator[CallEvent | SetAside]:
    """What one callback says of its call; one about nothing that we keep says nothing."""
    told = {name: repair(value).strip() for name, value in twilio.form(delivered.body)}
    if not told.get("CallSid"):
        if told.get("AccountSid"):
            return
        raise NotUnderstoodError("This is no callback of Twilio: it names no call.")
    yield from _Callback(told, heard_at=delivered.at, country=country_of(account)).events()


def send(outgoing: Outgoing, account: Account) -> Receipt:  # noqa: ARG001
    """Nothing can be written to a telephone."""
    return Receipt(SendState.FAILED, reason=UNWRITTEN, is_final=True)


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """Yes: nothing is ever sent."""
    return True


def check(account: Account) -> Checked:
    """Ask Twilio whose account it is. Raises `PlaceError`."""
    check_settings(account.settings)
    name, warnings = twilio.known(account)
    return Checked(account=name, warnings=warnings)


# What a callback says


class _Callback:
    """One callback, read as Twilio names its values."""

    def __init__(self, told: Mapping[str, str], *, heard_at: datetime, country: str) -> None:
        self.told = told
        self.heard_at = heard_at
        self.parent = told.get("ParentCallSid", "")
        self.call = (self.parent or told["CallSid"])[:200]
        self.status = told.get("DialCallStatus") or told.get("CallStatus", "")
        self.at = min(moment(told.get("Timestamp", "")) or heard_at, heard_at)
        direction = told.get("Direction", "")
        self.is_outgoing = direction.startswith("outbound") and not self.parent
        theirs, ours = ("To", "From") if self.is_outgoing else ("From", "To")
        # The second leg is from us to a colleague: it does not tell who is outside.
        self.caller = "" if self.parent else e164(told.get(theirs, ""), country=country)
        self.called = "" if self.parent else e164(told.get(ours, ""), country=country)
        self.country = country

    def events(self) -> Iterator[CallEvent | SetAside]:
        """Recordings and their words, queues, and how the call itself stands."""
        told = self.told
        if "TranscriptionSid" in told:
            yield from self._transcript()
        elif "RecordingSid" in told or "RecordingUrl" in told:
            yield from self._recording()
        if "QueueSid" in told or "QueueResult" in told:
            yield from self._queue()
        if self.parent or "DialCallStatus" in told:
            yield from self._leg()
        elif self.status and "QueueResult" not in told:
            yield from self._status()

    def _event(self, what: Any, name: str, **more: Any) -> CallEvent:
        return CallEvent(
            **{
                "external_id": name,
                "call": self.call,
                "at": self.at,
                "what": what,
                "caller": self.caller,
                "caller_name": self.told.get("CallerName", "")[:200],
                "called": self.called,
                "is_outgoing": self.is_outgoing,
                **more,
            }
        )

    def _status(self) -> Iterator[CallEvent]:
        """The call of the person outside. It is *in progress* once its TwiML runs."""
        if self.status in OVER:
            length = _seconds(self.told.get("CallDuration"))
            if length is not None and self.is_outgoing and self.status == "completed" and length:
                yield self._event(
                    "answered", "answered:after", at=self.at - timedelta(seconds=length)
                )
            yield self._event("hung_up", "hung_up", reason=OVER[self.status])
        elif self.status == "in-progress" and self.is_outgoing:
            yield self._event("answered", "answered")
        elif self.status in {"ringing", "in-progress"} or (
            self.status in {"queued", "initiated"} and self.is_outgoing
        ):
            yield self._event("ringing", f"ringing:{self.status}")

    def _leg(self) -> Iterator[CallEvent]:
        """The second leg, to one of ours: that it is taken is the answer."""
        told = self.told
        is_report = "DialCallStatus" in told
        length = _seconds(told.get("DialCallDuration" if is_report else "CallDuration"))
        leg = told.get("DialCallSid") or told["CallSid"]
        agent = e164(told.get("To", ""), country=self.country) if self.parent else ""
        name = f"answered:{leg}"
        if self.status in {"in-progress", "answered"} and not (is_report and length is not None):
            yield self._event("answered", name, agent=agent)
        elif self.status in {"completed", "answered"} and length:
            at = self.at - timedelta(seconds=length)
            yield self._event("answered", f"{name}:after", at=at, agent=agent)

    def _queue(self) -> Iterator[CallEvent]:
        """`QueueTime` is how long the call has been, or was, in the queue."""
        told = self.told
        waited = _seconds(told.get("QueueTime")) or 0.0
        queue = told.get("FriendlyName") or told.get("QueueName") or ""
        result = told.get("QueueResult", "")
        if not result and "DequeingCallSid" in told:
            result = "bridged"
        since = self.heard_at - timedelta(seconds=waited)
        name = f"queued:{told.get('QueueSid', '')}"
        if not result:
            yield self._event("queued", name, at=since, queue=queue[:120])
        elif result in TAKEN:
            yield self._event("answered", f"{name}:bridged", at=self.heard_at, hold_seconds=waited)
        elif result == "hangup":
            yield self._event("queued", f"{name}:left", at=since)
            yield self._event("hung_up", f"{name}:hangup", at=self.heard_at, hold_seconds=waited)
        elif waited:
            yield self._event("queued", f"{name}:left", at=since)

    def _recording(self) -> Iterator[CallEvent]:
        """`<Record>` is a machine that somebody talks to; every other recording is of a talk."""
        told = self.told
        state = told.get("RecordingStatus", "completed")
        url = told.get("RecordingUrl", "")
        if state != "completed" or not url:
            return
        sid = told.get("RecordingSid") or url.rpartition("/")[2]
        seconds = _seconds(told.get("RecordingDuration"))
        source = told.get("RecordingSource", "")
        is_talk = source not in {"", "RecordVerb"} or self.parent or "DialCallStatus" in told
        begun = moment(told.get("RecordingStartTime", ""))
        at = begun + timedelta(seconds=seconds or 0) if begun else self.heard_at
        yield self._event(
            "recording" if is_talk else "voicemail",
            sid[:200],
            at=min(at, self.heard_at),
            seconds=seconds,
            file=File(f"{sid[:60]}.mp3", "audio/mpeg", b"", source=_as_mp3(url)),
        )

    def _transcript(self) -> Iterator[CallEvent]:
        told = self.told
        text = told.get("TranscriptionText", "")
        if told.get("TranscriptionStatus", "completed") == "completed" and text:
            name = f"{told.get('RecordingSid', '')}:{told['TranscriptionSid']}"
            at = self.heard_at
            yield self._event("transcript", name, at=at, text=text, written_by=TRANSCRIBED_BY)


def _as_mp3(url: str) -> str:
    return url if urlsplit(url).path.endswith((".mp3", ".wav")) else f"{url}.mp3"


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 8 else None
