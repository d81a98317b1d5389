"""The live process: turns PostgreSQL NOTIFY into server-sent events for open pages.

One connection listens for all clients of the process. Everybody hears only of inboxes that they
may see; that is read again every half minute, and a session that has ended ends its stream. What
was told while a page was on its way to its reader is told to it when it begins to listen.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

import django
import psycopg
from asgiref.sync import sync_to_async

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "heard.settings")
django.setup()

from django.conf import settings  # noqa: E402 - Django must be set up first
from django.db import close_old_connections, connection  # noqa: E402

from heard.conversations.colleagues.live import Listener, listener_of  # noqa: E402

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CHANNEL = "heard"
BEAT_SECONDS = 15.0
CHECK_SECONDS = 30.0
RETRY_MILLISECONDS = 2000
LONGEST_PAUSE_SECONDS = 10.0
QUEUE_LENGTH = 200
REMEMBERED = 500
"""So many notifications are kept for pages that are still on their way."""
ON_ITS_WAY_SECONDS = 2.0
"""How much longer than it says a page may have been on its way: its question travels, too."""
BEAT = "event: beat\ndata: {}\n\n"
"""An event and not a comment: a page must notice when a line is open and nothing comes through."""
CATCH_UP = '{"what": "everything", "changed": []}'

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Client:
    """One open page."""

    listener: Listener
    queue: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(QUEUE_LENGTH))

    def put(self, event: str) -> None:
        """Queue an event; a page that has fallen behind is told to read everything again."""
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(CATCH_UP)


class Hub:
    """The clients of this process, and the one connection that listens for them."""

    def __init__(self) -> None:
        self.clients: set[Client] = set()
        self.task: asyncio.Task[None] | None = None
        self.told: deque[tuple[float, str]] = deque(maxlen=REMEMBERED)
        # Since when every notification is among those; never, while nobody listens.
        self.told_since = math.inf

    async def join(self, client: Client) -> None:
        """Add a client; the first one starts the listening."""
        self.clients.add(client)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self.listen())

    def leave(self, client: Client) -> None:
        """Forget a client."""
        self.clients.discard(client)

    async def close(self) -> None:
        """End the listening."""
        if self.task is not None:
            self.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.task
            self.task = None

    async def listen(self) -> None:
        """Pass on every notification; reconnect with growing pauses, then let all catch up."""
        pause = 0.1
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    **_database(), autocommit=True, connect_timeout=5
                ) as listening:
                    await listening.execute(f"LISTEN {CHANNEL}")
                    # Whatever happened while nobody listened was told to nobody.
                    self.tell_all(CATCH_UP)
                    self.told_since, pause = time.monotonic(), 0.1
                    async for notification in listening.notifies():
                        self.pass_on(notification.payload)
            except psycopg.Error as error:
                self.told_since = math.inf
                log.warning("the database does not answer (%s); trying again", error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def pass_on(self, payload: str) -> None:
        """Give everybody their part of one notification, and keep it for those on their way."""
        if not all(_put(client, payload) for client in self.clients):
            return
        if len(self.told) == REMEMBERED:
            self.told_since = max(self.told_since, self.told[0][0])
        self.told.append((time.monotonic(), payload))

    def recall(self, client: Client, *, age: float) -> None:
        """Tell a page what was told since it was asked for, `age` seconds ago.

        Who is older than what is remembered reads everything again. While nobody listens nothing is
        said: as soon as somebody does, everybody catches up.
        """
        asked = time.monotonic() - age - ON_ITS_WAY_SECONDS
        if self.told_since == math.inf:
            return
        if asked < self.told_since:
            client.put(CATCH_UP)
            return
        for at, payload in self.told:
            if at >= asked:
                _put(client, payload)

    def tell_all(self, event: str) -> None:
        """Say the same to everybody."""
        for client in self.clients:
            client.put(event)


def _put(client: Client, payload: str) -> bool:
    """Queue the part of a notification that a page may hear; False if it cannot be read."""
    try:
        part = client.listener.hears(payload)
    except (ValueError, KeyError, TypeError, IndexError):
        log.warning("a notification could not be read: %.100s", payload)
        return False
    if part is not None:
        client.put(part)
    return True


hub = Hub()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application: `/live/` is the stream, all else is not here."""
    if scope["type"] == "lifespan":
        await _live_and_die(receive, send)
    elif scope["type"] == "http":
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        origin = _allowed_origin(headers)
        if scope["path"].rstrip("/") != "/live":
            await _refuse(send, 404, origin)
        elif scope["method"] not in ("GET", "HEAD") or origin is None:
            await _refuse(send, 403, origin)
        else:
            await _stream(headers, receive, send, origin, age=_age(scope))


async def _stream(
    headers: dict[str, str], receive: Receive, send: Send, origin: str, *, age: float | None
) -> None:
    """Stay with one page until it goes, its session ends, or the process does."""
    session_key = _session_key(headers.get("cookie", ""))
    listener = await _listener(session_key) if session_key else None
    if listener is None:
        await _refuse(send, 401, origin)
        return
    client = Client(listener)
    gone = asyncio.create_task(_gone(receive))
    await hub.join(client)
    if age is not None:
        hub.recall(client, age=age)
    try:
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", b"text/event-stream; charset=utf-8"),
                    (b"cache-control", b"no-store"),
                    (b"x-accel-buffering", b"no"),
                    *_cors(origin),
                ],
            }
        )
        await _body(send, f"retry: {RETRY_MILLISECONDS}\n: heard\n\n")
        await _tell(client, session_key, gone, send)
    finally:
        hub.leave(client)
        gone.cancel()
    with contextlib.suppress(OSError, RuntimeError):
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _tell(client: Client, session_key: str, gone: asyncio.Task[None], send: Send) -> None:
    checked = said = time.monotonic()
    while not gone.done():
        waiting = asyncio.create_task(client.queue.get())
        pause = max(0.0, min(said + BEAT_SECONDS, checked + CHECK_SECONDS) - time.monotonic())
        await asyncio.wait({waiting, gone}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            events = [waiting.result()]
            while not client.queue.empty():
                events.append(client.queue.get_nowait())
            await _body(send, "".join(f"data: {event}\n\n" for event in events))
            said = time.monotonic()
        else:
            waiting.cancel()
        if time.monotonic() - said >= BEAT_SECONDS:
            await _body(send, BEAT)
            said = time.monotonic()
        if time.monotonic() - checked >= CHECK_SECONDS:
            listener = await _listener(session_key)
            if listener is None:
                return
            if listener != client.listener:
                client.put(CATCH_UP)
            client.listener, checked = listener, time.monotonic()


def _age(scope: Scope) -> float | None:
    """How many seconds ago the page was asked for, None if it does not say so."""
    said = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("age", [""])[0]
    return int(said) / 1000 if said.isascii() and said.isdigit() and len(said) < 12 else None


async def _listener(session_key: str) -> Listener | None:
    return await sync_to_async(_look_up, thread_sensitive=True)(session_key)


def _look_up(session_key: str) -> Listener | None:
    close_old_connections()
    return listener_of(session_key)


async def _gone(receive: Receive) -> None:
    """Ends when the page does."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _live_and_die(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await hub.close()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _refuse(send: Send, status: int, origin: str | None) -> None:
    headers = [(b"content-length", b"0"), (b"cache-control", b"no-store")]
    headers += _cors(origin) if origin else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _body(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def _allowed_origin(headers: dict[str, str]) -> str | None:
    """The origin that may listen: our own pages, whichever port they come from. "" without one."""
    origin = headers.get("origin", "")
    if not origin or origin == settings.PUBLIC_URL:
        return origin
    host = urlsplit(f"//{headers.get('host', '')}").hostname
    return origin if host and urlsplit(origin).hostname == host else None


def _cors(origin: str) -> Iterable[tuple[bytes, bytes]]:
    if not origin:
        return []
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-credentials", b"true"),
        (b"vary", b"origin"),
    ]


def _session_key(cookie: str) -> str:
    try:
        morsel = SimpleCookie(cookie).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _database() -> dict[str, Any]:
    """How to reach the database that Django uses."""
    known = connection.get_connection_params()
    return {
        name: known[name]
        for name in ("dbname", "user", "password", "host", "port")
        if name in known
    }
