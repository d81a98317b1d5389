"""Asks a transcription server for the words of a recording.

It speaks `POST /v1/audio/transcriptions` as OpenAI's API has it, which faster-whisper-server,
LocalAI, vLLM and others answer too. The operator names the server; people cannot.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from heard.channels import asking, web
from heard.channels.base import File, PlaceError

PATIENCE_SECONDS = 300.0
LONGEST_TEXT = 100_000


@dataclass(frozen=True, slots=True)
class Server:
    """Where, with what key, by which model; `url` ends with the version ("…/v1")."""

    url: str
    key: str = ""
    model: str = "whisper-1"


def transcribe(recording: File, *, server: Server, language: str = "") -> str:
    """What is said in a recording; "" when nothing is. Raises `PlaceError`."""
    fields = {"model": server.model, "response_format": "json"}
    if language:
        fields["language"] = language
    body, content_type = _form(fields, recording)
    headers = {"content-type": content_type}
    if server.key:
        headers["authorization"] = f"Bearer {server.key}"
    try:
        answer = web.ask(
            "POST",
            f"{server.url.rstrip('/')}/audio/transcriptions",
            body=body,
            headers=headers,
            allow_private=True,
            limit_bytes=4 * LONGEST_TEXT,
            timeout_seconds=PATIENCE_SECONDS,
        )
    except web.ForbiddenAddressError as error:
        raise PlaceError(str(error), needs_person=True) from error
    except (web.NotReachedError, web.NoAnswerError, web.TooLongError) as error:
        raise PlaceError(f"The transcription server could not be asked: {error}.") from error
    if not answer.is_good:
        raise asking.refusal(answer)
    said = answer.json()
    text = said.get("text") if isinstance(said, dict) else None
    if not isinstance(text, str):
        raise PlaceError("The transcription server answered without a text.", needs_person=True)
    return text.strip()[:LONGEST_TEXT]


def wait_of(error: PlaceError, *, attempt: int) -> float:
    """Seconds until the next try: 10, 40, 160 … and never sooner than the server wishes."""
    return max(10.0 * 4.0 ** (attempt - 1), error.retry_after_seconds or 0.0)


def _form(fields: dict[str, str], file: File) -> tuple[bytes, str]:
    """A form with one file (RFC 7578), and its content type."""
    edge = f"heard-{secrets.token_hex(16)}"
    name = file.name.replace('"', "_").replace("\r", "_").replace("\n", "_")
    parts = [
        f'--{edge}\r\ncontent-disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    head = (
        f'--{edge}\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\n'
        f"content-type: {file.content_type}\r\n\r\n"
    )
    parts += [head.encode(), file.content, f"\r\n--{edge}--\r\n".encode()]
    return b"".join(parts), f"multipart/form-data; boundary={edge}"
