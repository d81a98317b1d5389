"""A scripted OpenAI-compatible server, and a house that has it arranged."""

from __future__ import annotations

import json
from typing import Any

from heard.assistant.models import Assistant
from heard.lib.sealing import seal
from tests.channels.place import Place

CALL = "POST /v1/chat/completions"


def said(text: str | dict[str, Any], *, tokens: tuple[int, int] | None = (120, 20)) -> Any:
    """What such a server answers."""
    content = text if isinstance(text, str) else json.dumps(text)
    body: dict[str, Any] = {"choices": [{"message": {"role": "assistant", "content": content}}]}
    if tokens is not None:
        body["usage"] = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}
    return body


def arrange(place: Place | None = None, **fields: Any) -> Assistant:
    """An assistant that asks this place."""
    fields = {
        "url": f"{place.url}/v1" if place else "https://models.example/v1",
        "model": "small",
        "key": seal("sk-secret"),
        "allow_private": True,
        "timeout_seconds": 5,
        **fields,
    }
    return Assistant.objects.create(pk=1, **fields)
