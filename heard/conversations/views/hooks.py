"""The door for programs: is it meant for us, who is it, and it is kept; all else comes later.

202 says that the delivery is stored and will not be lost, not that it was understood.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import NamedTuple

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.utils import timezone

from heard.channels.base import Account, Channel, Delivered, RefusedError
from heard.channels.registry import channel_of
from heard.conversations.journal import keep
from heard.conversations.models import Inbox
from heard.conversations.sending import account_of
from heard.lib.sealing import UnsealError

PATH = "/hooks/"
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,40}")
KNOWN_SECONDS = 5.0
"""So long a process remembers an inbox: a new secret is heeded after this time."""

KEPT_HEADERS = {
    "HTTP_WEBHOOK_ID": "webhook-id",
    "HTTP_WEBHOOK_TIMESTAMP": "webhook-timestamp",
    "HTTP_WEBHOOK_SIGNATURE": "webhook-signature",
    "CONTENT_TYPE": "content-type",
}


class _Door(NamedTuple):
    """An inbox as the door knows it."""

    inbox: int
    channel: Channel
    account: Account
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
    """Take a delivery for the inbox with this token: 202, 400, 401, 404, 405 or 413."""
    door = _door(token)
    if door is None:
        return refusal(404, "unknown_inbox", "There is no inbox at this address.")
    if request.method != "POST":
        response = refusal(405, "not_a_post", "Deliveries are posted.")
        response.headers["Allow"] = "POST"
        return response
    try:
        body = request.body
    except RequestDataTooBig:
        return refusal(413, "too_large", "This delivery is too large; send fewer messages at once.")
    except UnreadablePostError:
        return refusal(400, "broken_off", "The delivery broke off.")
    headers = {
        ours: request.META[name] for name, ours in KEPT_HEADERS.items() if name in request.META
    }
    now = timezone.now()
    try:
        door.channel.authenticate(Delivered(body, headers, now), door.account)
    except RefusedError as error:
        return refusal(401, "not_authentic", str(error))
    headers.pop("webhook-signature", None)
    delivery = keep(
        door.inbox,
        body=body,
        headers=headers,
        external_id=headers.get("webhook-id", ""),
        now=now,
    )
    return _answer(202, b'{"delivery": %d}' % delivery)


def refusal(status: int, code: str, message: str) -> HttpResponse:
    """Why a program's request is not taken, in the one shape of the API."""
    return _answer(status, json.dumps({"code": code, "message": message}).encode())


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
    if inbox is None or channel is None or not channel.is_hooked:
        return None
    try:
        account = account_of(inbox)
    except UnsealError:
        # Without its secret nothing is authentic: the answer is 401, and doctor says why.
        account = Account(name=inbox.name, settings=inbox.settings)
    door = _Door(inbox.pk, channel, account, moment + KNOWN_SECONDS)
    if len(_doors) > 10_000:
        _doors.clear()
    _doors[token] = door
    return door
