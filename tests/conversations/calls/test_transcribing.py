"""A voicemail is written down where a server does that, and says so where none does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from heard.channels.base import CallEvent, File, PlaceError
from heard.channels.phone.transcribing import Server, transcribe
from heard.conversations.calls import taking
from heard.conversations.calls.transcribing import TRIES, unwritten, write_down_call
from heard.conversations.models import Attachment, Call, Message
from tests import make
from tests.channels.place import Place

SOUND = File("v.wav", "audio/wav", b"RIFFsound")
CALL = "POST /v1/audio/transcriptions"


class TestAsking:
    def test_the_recording_is_posted_as_a_form(self) -> None:
        with Place() as place:
            place.answers(CALL, {"text": " My soup is cold. "})
            server = Server(f"{place.url}/v1", key="k", model="small")
            assert transcribe(SOUND, server=server, language="en") == "My soup is cold."
            [asked] = place.asked
        assert asked.headers["authorization"] == "Bearer k"
        assert asked.headers["content-type"].startswith("multipart/form-data; boundary=")
        for part in (
            b'name="model"\r\n\r\nsmall',
            b'filename="v.wav"',
            b"RIFFsound\r\n",
            b"en\r\n",
        ):
            assert part in asked.body

    @pytest.mark.parametrize(
        ("answer", "status"),
        [({"error": "busy"}, 503), ({"error": "no"}, 401), ({}, 200), ([], 200)],
    )
    def test_what_is_no_answer_is_said(self, answer: Any, status: int) -> None:
        with Place() as place:
            place.answers(CALL, answer, status=status)
            with pytest.raises(PlaceError):
                transcribe(SOUND, server=Server(f"{place.url}/v1"))

    def test_a_line_that_breaks_off_and_a_server_that_is_not_there(self) -> None:
        with Place() as place:
            place.breaks_off(CALL)
            with pytest.raises(PlaceError):
                transcribe(SOUND, server=Server(f"{place.url}/v1"))
        with pytest.raises(PlaceError):
            transcribe(SOUND, server=Server(f"{place.url}/v1"))


def leave_voicemail(file: File = SOUND) -> Call:
    box = make.inbox(kind="phone")
    at = make.NOON
    told = [
        CallEvent("r", "c1", at, "ringing", caller="+442079460000"),
        CallEvent("v", "c1", at + timedelta(seconds=60), "voicemail", seconds=30, file=file),
    ]
    taking.take(box, told, now=at + timedelta(minutes=5))
    return Call.objects.get()


def jobs_waiting() -> list[dict[str, Any]]:
    rows = ProcrastinateJob.objects.filter(task_name="write_down_call")
    return [row.args for row in rows.order_by("id")]


@pytest.mark.django_db
class TestWritingDown:
    def test_the_text_is_the_message_and_is_marked_as_a_machines(self, settings: Any) -> None:
        with Place() as place:
            settings.TRANSCRIPTION_URL = f"{place.url}/v1"
            settings.TRANSCRIPTION_MODEL = "whisper-small"
            place.answers(CALL, {"text": "I want my money back!"})
            call = leave_voicemail()
            assert jobs_waiting() == [{"call_id": call.pk}]
            write_down_call(call_id=call.pk)
            write_down_call(call_id=call.pk)
            assert len(place.asked) == 1, "it is written down once"
        said = Message.objects.defer("search").get()
        assert said.text.endswith("\n\nI want my money back!")
        assert said.extra is not None
        assert said.extra["call"]["written_by"] == "whisper-small"

    def test_without_a_server_there_is_no_text_and_it_says_so(self) -> None:
        call = leave_voicemail()
        assert not jobs_waiting()
        write_down_call(call_id=call.pk)
        assert "not been written down" in Message.objects.defer("search").get().text

    def test_a_server_that_does_not_answer_is_asked_again_and_not_for_ever(
        self, settings: Any
    ) -> None:
        with Place() as place:
            settings.TRANSCRIPTION_URL = f"{place.url}/v1"
            place.answers(CALL, {}, status=503)
            call = leave_voicemail()
            write_down_call(call_id=call.pk)
            write_down_call(call_id=call.pk, attempt=TRIES)
        assert jobs_waiting() == [{"call_id": call.pk}, {"call_id": call.pk, "attempt": 2}]
        assert unwritten(call) == [("v", "v.wav")]

    def test_a_recording_that_is_still_at_the_place_is_waited_for(self, settings: Any) -> None:
        with Place() as place:
            settings.TRANSCRIPTION_URL = f"{place.url}/v1"
            call = leave_voicemail(File("v.mp3", "audio/mpeg", b"", source="https://x.example/v"))
            write_down_call(call_id=call.pk)
            assert not place.asked
            assert jobs_waiting()[-1] == {"call_id": call.pk, "attempt": 2}
            Attachment.objects.update(state=Attachment.State.FAILED)
            write_down_call(call_id=call.pk)
            assert len(jobs_waiting()) == 2

    def test_silence_is_said_too(self, settings: Any) -> None:
        with Place() as place:
            settings.TRANSCRIPTION_URL = f"{place.url}/v1"
            place.answers(CALL, {"text": " "})
            call = leave_voicemail()
            write_down_call(call_id=call.pk)
        assert "No words were heard" in Message.objects.defer("search").get().text
