"""Lets voicemails be written down by the operator's transcription server, if there is one.

One job a call: it waits for the recording, tries again while the server does not answer, and
leaves the voicemail without a text when it never does.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from heard.channels.base import File, PlaceError
from heard.channels.phone.transcribing import Server, transcribe, wait_of
from heard.conversations.calls.taking import take_text
from heard.conversations.files import attachments
from heard.conversations.models import Attachment, Call
from heard.lib.jobs import jobs
from heard.lib.stores import StoreError

log = logging.getLogger(__name__)

TRIES = 6
SILENCE = "(No words were heard in it.)"


@jobs.task(name="write_down_call", queue="fetching")
def write_down_call(*, call_id: int, attempt: int = 1) -> None:
    """Write down the voicemails of one call that are not yet. A second run finds them and stops."""
    if not settings.TRANSCRIPTION_URL:
        return
    call = Call.objects.select_related("inbox", "message").filter(pk=call_id).first()
    if call is None or call.message is None:
        return
    now = timezone.now()
    server = Server(
        settings.TRANSCRIPTION_URL, settings.TRANSCRIPTION_KEY, settings.TRANSCRIPTION_MODEL
    )
    for event, name in unwritten(call):
        kept = call.message.attachments.filter(name=name).order_by("pk").last()
        if kept is None:
            continue
        if kept.state == Attachment.State.WAITING:
            _again(call, attempt=attempt, wait=10.0, now=now)
            return
        if not kept.digest:
            continue
        try:
            sound = File(kept.name, kept.content_type, attachments.content(kept.digest))
            text = transcribe(sound, server=server)
        except (PlaceError, StoreError) as error:
            log.warning("the voicemail of %s was not written down: %s", call, error)
            wait = wait_of(error, attempt=attempt) if isinstance(error, PlaceError) else 60.0
            _again(call, attempt=attempt, wait=wait, now=now)
            return
        take_text(call, event=event, text=text or SILENCE, written_by=server.model, now=now)


def unwritten(call: Call) -> list[tuple[str, str]]:
    """The voicemails without words: the event that told of each, and the name of its file."""
    return [
        (name, attachments.safe_name(told["file"][0]))
        for name, told in sorted(call.events.items())
        if told["what"] == "voicemail"
        and told.get("file")
        and not told.get("text")
        and not any(other.startswith(f"{name}:") for other in call.events)
    ]


def _again(call: Call, *, attempt: int, wait: float, now: datetime) -> None:
    if attempt >= TRIES:
        return
    later = write_down_call.configure(schedule_at=now + timedelta(seconds=wait))
    later.defer(call_id=call.pk, attempt=attempt + 1)
