"""The door for programs: is it meant for us, who is it, and it is kept; all else comes later.

202 says that the delivery is stored and will not be lost, not that it was understood.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.utils import timezone

from heard.channels.base import (
    Account,
    Confirmed,
    Delivered,
    Greeted,
    Greeting,
    Hooked,
    Rationed,
    RefusedError,
)
from heard.channels.registry import channel_of
from heard.conversations.deliveries.journal import keep
from heard.conversations.inboxes.accounts import account_of
from heard.conversations.models import Inbox
from heard.lib.limits import seconds_to_wait
from heard.lib.sealing import UnsealError

PATH = "/hooks/"
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,40}")
KNOWN_SECONDS = 5.0
"""So long a process remembers an inbox: a new secret is heeded after this time."""

PROOFS = ("signature", "token", "authorization", "secret")
"""Headers with one of these in their names prove who sends, and are not kept."""


class _Door(NamedTuple):
    """An inbox as the door knows it."""

    inbox: int
    channel: Hooked
    greeter: Greeted | None
    confirmer: Confirmed | None
    rationer: Rationed | None
    account: Account
    heeded: Mapping[str, str]
    """The headers that the channel heeds, by their names in `request.META`."""
    until: float


_doors: dict[str, _Door] = {}


class HookDoor:
    """Let deliveries in before the middleware of pages for people: no session, no language."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer deliveries; hand on everything else."""
        if request.path_info.startswith(PATH):
            return hook(request, token=request.path_info.removeprefix(PATH).removesuffix("/"))
        return self.get_response(request)


def hook(request: HttpRequest, *, token: str) -> HttpResponse:
    """Take a delivery for the inbox with this token: 202, 400, 401, 404, 405, 413 or 429.

    A handshake gets the answer that its place expects, and is not kept.
    """
    door = _door(token)
    if door is None:
        return refusal(404, "unknown_inbox", "There is no inbox at this address.")
    if request.method != "POST" and not (door.greeter and request.method in {"GET", "HEAD"}):
        response = refusal(405, "not_a_post", "Deliveries are posted.")
        response.headers["Allow"] = "POST"
        return response
    try:
        body = request.body
    except RequestDataTooBig:
        return refusal(413, "too_large", "This delivery is too large; send fewer messages at once.")
    except UnreadablePostError:
        return refusal(400, "broken_off", "The delivery broke off.")
    meta = request.META
    headers = {ours: meta[name] for name, ours in door.heeded.items() if name in meta}
    query = meta.get("QUERY_STRING", "")
    url = f"{door.account.hook}?{query}" if query else door.account.hook
    delivered = Delivered(body, headers, timezone.now(), url=url, method=request.method or "")
    try:
        if door.greeter is not None:
            greeting = door.greeter.greet(delivered, door.account)
            if greeting is not None:
                return _said(greeting)
        if request.method != "POST":
            raise RefusedError("This is no handshake that this inbox knows.")
        door.channel.authenticate(delivered, door.account)
    except RefusedError as error:
        return refusal(401, "not_authentic", str(error))
    if wait := _wait(door, delivered):
        response = refusal(429, "too_often", "This was a lot within an hour; come again later.")
        response.headers["Retry-After"] = str(wait)
        return response
    delivery = keep(
        door.inbox,
        body=body,
        headers=_worth_keeping(headers, query),
        external_id=headers.get("webhook-id", ""),
        now=delivered.at,
    )
    if door.confirmer is not None:
        return _said(door.confirmer.confirm(delivered, door.account))
    return _answer(202, b'{"delivery": %d}' % delivery)


def _wait(door: _Door, delivered: Delivered) -> int:
    """How many seconds a delivery is put off; 0 if it may come in, as most places' always may.

    What one sort puts off is not counted among the wider ones: nobody uses up what others have.
    """
    if door.rationer is None:
        return 0
    for ration in door.rationer.rations(delivered, door.account):
        key = f"hook:{door.inbox}:{ration.sort}"[:200]
        if wait := seconds_to_wait(key, limit=ration.most, seconds=ration.seconds):
            return wait
    return 0


def _worth_keeping(headers: Mapping[str, str], query: str) -> dict[str, str]:
    """What `parse` may need; never what proves the sender, which would let others be him."""
    kept = {
        name: value for name, value in headers.items() if not any(proof in name for proof in PROOFS)
    }
    shown = "&".join(pair for pair in query.split("&") if not _is_proof(pair.partition("=")[0]))
    return kept | {"query": shown} if shown else kept


def _is_proof(name: str) -> bool:
    return any(proof in name.lower() for proof in (*PROOFS, "word", "key"))


def refusal(status: int, code: str, message: str) -> HttpResponse:
    """Why a program's request is not taken, in the one shape of the API."""
    return _answer(status, json.dumps({"code": code, "message": message}).encode())


def _said(greeting: Greeting) -> HttpResponse:
    return HttpResponse(greeting.body, content_type=greeting.content_type, status=greeting.status)


def _answer(status: int, said: bytes) -> HttpResponse:
    headers = {"Content-Type": "application/json", "Content-Length": str(len(said))}
    return HttpResponse(said, status=status, headers=headers)


def _door(token: str) -> _Door | None:
    """The inbox behind a token, if programs may deliver there."""
    door = _doors.get(token)
    moment = time.monotonic()
    if door is not None and door.until > moment:
        return door
    _doors.pop(token, None)
    inbox = Inbox.objects.filter(token=token).first() if TOKEN.fullmatch(token) else None
    channel = channel_of(inbox.kind) if inbox else None
    if inbox is None or inbox.settings.get("is_removed") or not isinstance(channel, Hooked):
        return None
    try:
        account = account_of(inbox)
    except UnsealError:
        # Without its secret nothing is authentic: the answer is 401, and doctor says why.
        account = Account(name=inbox.name, settings=inbox.settings)
    heeded = {_meta_name(name): name for name in channel.heeds}
    greeter = channel if isinstance(channel, Greeted) else None
    confirmer = channel if isinstance(channel, Confirmed) else None
    rationer = channel if isinstance(channel, Rationed) else None
    until = moment + KNOWN_SECONDS
    door = _Door(inbox.pk, channel, greeter, confirmer, rationer, account, heeded, until)
    if len(_doors) > 10_000:
        _doors.clear()
    _doors[token] = door
    return door


def _meta_name(header: str) -> str:
    """A header's name among what WSGI hands over."""
    name = header.upper().replace("-", "_")
    return name if name in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{name}"
