"""The far side of a network: a real HTTP server on loopback that answers as it is told.

    with Place() as place:
        place.answers("POST /v1/messages", {"id": "7"})
        place.answers("GET /v1/me", status=429, headers={"retry-after": "9"})
        …
        assert place.asked[0].json() == {...}

Answers to the same call are given in the order in which they were told; the last one stays.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    """One request that the place has heard."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


@dataclass
class Said:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    breaks_off: bool = False


class Place:
    """See above; `url` is its address."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._answers: dict[str, list[Said]] = defaultdict(list)
        place = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("content-length") or 0)
                place.asked.append(
                    Asked(
                        self.command,
                        parts.path,
                        {name: v[0] for name, v in parse_qs(parts.query).items()},
                        {name.lower(): value for name, value in self.headers.items()},
                        self.rfile.read(length),
                    )
                )
                said = place._next(f"{self.command} {parts.path}")
                if said.breaks_off:
                    self.close_connection = True
                    return
                self.send_response(said.status)
                for name, value in said.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(said.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(said.body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _answer  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answers(
        self,
        call: str,
        body: Any = None,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """To `call` ("GET /path", without query) say this: JSON, or bytes or text as they are."""
        raw = body if isinstance(body, bytes) else None
        if raw is None:
            raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        kind = {} if isinstance(body, bytes | str) else {"content-type": "application/json"}
        self._answers[call].append(Said(status, raw, {**kind, **(headers or {})}))

    def breaks_off(self, call: str) -> None:
        """Take the request, and say nothing."""
        self._answers[call].append(Said(0, b"", breaks_off=True))

    def _next(self, call: str) -> Said:
        told = self._answers.get(call)
        if not told:
            return Said(404, json.dumps({"error": f"nobody told me about {call}"}).encode())
        return told.pop(0) if len(told) > 1 else told[0]

    def __enter__(self) -> Self:
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
