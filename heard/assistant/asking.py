"""Asking an OpenAI-compatible server once: chat completions, answered in JSON. No database.

https://platform.openai.com/docs/api-reference/chat; llama.cpp, vLLM, Ollama, LM Studio, Mistral and
others speak the same. Addresses inside the house are reached only where an owner allows it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from heard.channels import web
from heard.channels.base import PlaceError

LONGEST_ANSWER_BYTES = 256 * 1024
OVERHEAD_TOKENS = 16
"""A chat template adds a few tokens to every message."""

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Server:
    """Where the server is and how it is spoken to."""

    url: str
    model: str
    key: str = ""
    allow_private: bool = False
    timeout_seconds: float = 60
    takes_schema: bool = True


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the request."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What the server said, and the tokens it counted; None where it counted none."""

    text: str
    tokens_in: int | None
    tokens_out: int | None


class NotAnsweredError(Exception):
    """The server gave no answer; the text says why, for people.

    `outcome` is one of the outcomes of a consultation. `is_billed` where nobody knows whether the
    server did the work.
    """

    def __init__(
        self,
        outcome: str,
        says: str,
        *,
        wait_seconds: int | None = None,
        is_billed: bool = False,
        is_about_schema: bool = False,
    ) -> None:
        super().__init__(says)
        self.outcome = outcome
        self.wait_seconds = wait_seconds
        self.is_billed = is_billed
        self.is_about_schema = is_about_schema

    @property
    def may_pass(self) -> bool:
        """Whether trying again may help."""
        return self.outcome in {"busy", "unreached", "unanswered"}


def request_of(
    server: Server, said: Sequence[Said], *, schema: Schema, most_tokens: int
) -> dict[str, Any]:
    """The body of the request: the same words always make the same body."""
    body: dict[str, Any] = {
        "model": server.model,
        "messages": [{"role": it.role, "content": it.text} for it in said],
        "max_tokens": most_tokens,
        "temperature": 0,
        "stream": False,
    }
    if server.takes_schema:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": dict(schema)},
        }
    return body


def most_tokens_of(said: Sequence[Said]) -> int:
    """More tokens than these words can be: no token is shorter than a byte."""
    return sum(len(it.text.encode()) + OVERHEAD_TOKENS for it in said)


def ask(server: Server, body: Mapping[str, Any], *, now: datetime) -> Answered:
    """Ask once. Raises `NotAnsweredError`."""
    headers = {"content-type": "application/json", "accept": "application/json"}
    if server.key:
        headers["authorization"] = f"Bearer {server.key}"
    try:
        answer = web.ask(
            "POST",
            f"{server.url.rstrip('/')}/chat/completions",
            body=json.dumps(body).encode(),
            headers=headers,
            allow_private=server.allow_private,
            limit_bytes=LONGEST_ANSWER_BYTES,
            timeout_seconds=server.timeout_seconds,
        )
    except web.ForbiddenAddressError as error:
        raise NotAnsweredError("refused", f"It must not be asked there: {error}.") from error
    except web.NotReachedError as error:
        raise NotAnsweredError("unreached", f"The server was not reached: {error}.") from error
    except web.NoAnswerError as error:
        raise NotAnsweredError(
            "unanswered",
            f"The server took the question and gave no answer ({error}).",
            is_billed=True,
        ) from error
    except web.TooLongError as error:
        raise NotAnsweredError(
            "unanswered", "The server's answer has no end.", is_billed=True
        ) from error
    if not answer.is_good:
        raise _refusal(answer, now=now)
    return _read(answer)


def _refusal(answer: web.Answer, *, now: datetime) -> NotAnsweredError:
    told = _told(answer)
    wait = answer.retry_after_seconds(now=now)
    if answer.status in (401, 403):
        return NotAnsweredError("refused", f"The server refuses the key{told}.")
    if answer.status == 404:
        return NotAnsweredError("refused", f"There is no such model or address{told}.")
    if answer.status in (408, 409, 425, 429) or answer.status >= 500:
        says = f"The server is busy or unwell ({answer.status}){told}."
        return NotAnsweredError("busy", says, wait_seconds=wait)
    is_about_schema = answer.status in (400, 422) and b"response_format" in answer.body
    return NotAnsweredError(
        "refused",
        f"The server refuses the question ({answer.status}){told}.",
        is_about_schema=is_about_schema,
    )


def _told(answer: web.Answer) -> str:
    """What the server itself says of its refusal, short."""
    try:
        error = answer.json().get("error")
    except (PlaceError, AttributeError):
        return ""
    words = error.get("message") if isinstance(error, dict) else error
    return f": {' '.join(words.split())[:160]}" if isinstance(words, str) and words else ""


def _read(answer: web.Answer) -> Answered:
    try:
        told = answer.json()
        text = told["choices"][0]["message"]["content"]
    except (PlaceError, LookupError, TypeError):
        text = None
    if not isinstance(text, str):
        raise NotAnsweredError(
            "unanswered", "The server answered with something that is no answer.", is_billed=True
        )
    usage = told.get("usage")
    counted = usage if isinstance(usage, dict) else {}
    # PostgreSQL keeps no zero byte.
    return Answered(
        text.replace("\x00", ""),
        _count(counted.get("prompt_tokens")),
        _count(counted.get("completion_tokens")),
    )


def _count(told: Any) -> int | None:
    is_count = isinstance(told, int) and not isinstance(told, bool) and 0 <= told <= 10_000_000
    return told if is_count else None


def json_in(answer: str) -> dict[str, Any] | None:
    """The first JSON object in an answer, whatever stands around it; None if there is none."""
    decoder = json.JSONDecoder()
    at = answer.find("{")
    while at >= 0:
        try:
            found, _ = decoder.raw_decode(answer, at)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return found
        at = answer.find("{", at + 1)
    return None
