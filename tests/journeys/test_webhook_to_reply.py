"""A program asks by the signed hook, and hears the answer: through HTTP and a real worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from heard.channels import signing
from heard.conversations.models import Conversation, Delivery, Inbox, Message, Sending
from heard.conversations.views import hooks
from heard.lib.sealing import seal
from heard.staff.tokens import issue
from tests import make
from tests.journeys.program import Program, listening

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

SECRET = signing.new_secret()
PATIENCE_SECONDS = 30.0


@pytest.fixture
def program() -> Iterator[Program]:
    hooks._doors.clear()
    with listening() as server:
        yield server


@contextmanager
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """`heard worker` on the database of this test."""
    told = connection.settings_dict
    url = f"postgresql://{quote(told['USER'])}:{quote(told['PASSWORD'])}@/{told['NAME']}"
    where = f"host={quote(told['HOST'])}&port={told['PORT']}"
    running = subprocess.Popen(
        [sys.executable, "-m", "heard.cli", "worker"],
        env={**os.environ, "DATABASE_URL": f"{url}?{where}"},
    )
    try:
        yield running
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGTERM)
        running.wait(20)


def until(true: Callable[[], bool], *, seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def post(server: LiveServer, inbox: Inbox, said: Any, *, name: str) -> httpx.Response:
    body = json.dumps(said).encode()
    headers = signing.signed(body, secret=SECRET, message_id=name, at=timezone.now())
    address = f"{server.url}/hooks/{inbox.token}/"
    return httpx.post(address, content=body, headers=headers, timeout=PATIENCE_SECONDS)


def question(number: int) -> dict[str, Any]:
    return {"id": f"q{number}", "text": "Where is my order?", "from": {"address": f"p{number}"}}


def test_a_program_asks_and_hears_the_answer(
    live_server: LiveServer, program: Program, settings: Any
) -> None:
    settings.UNDO_SECONDS = 0
    reach = {"reply_url": program.url, "allow_private": True}
    inbox = make.inbox(kind="hook", secret=seal(SECRET), settings=reach)
    _, token = issue(
        make.owner(name="Bo"), name="t", scopes=["read", "write"], by=None, now=timezone.now()
    )
    api = httpx.Client(
        base_url=f"{live_server.url}/api/v1",
        headers={"Authorization": f"Bearer {token}"},
        timeout=PATIENCE_SECONDS,
    )
    with worker() as running, api:
        assert post(live_server, inbox, question(1), name="d1").status_code == 202
        until(lambda: bool(api.get("/conversations").json()["conversations"]))
        [asked] = api.get("/conversations", params={"view": "waiting"}).json()["conversations"]
        program.answers.append((503, {"Retry-After": "0"}, b""))
        text = "It left us this morning and reaches you tomorrow."
        answered = api.post(f"/conversations/{asked['id']}/replies", json={"text": text})
        assert answered.status_code == 201
        until(lambda: len(program.heard) == 2, seconds=40)
        until(lambda: Sending.objects.get().state == "sent")
        first, second = program.heard
        signing.verify(second["body"], headers=second["headers"], secret=SECRET, now=timezone.now())
        assert first["body"] == second["body"]
        assert first["headers"]["webhook-id"] == second["headers"]["webhook-id"]
        said = json.loads(second["body"])
        assert (said["text"], said["parent"], said["to"]) == (text, "q1", "p1")
        told = api.get(f"/conversations/{asked['id']}").json()
        assert [row["sending"] for row in told["said"]] == ["", "sent"]
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0


def test_what_comes_while_the_worker_is_killed_is_taken_in_by_the_next_one(
    live_server: LiveServer, program: Program
) -> None:
    inbox = make.inbox(kind="hook", secret=seal(SECRET))
    with worker() as running:
        for number in range(20):
            post(live_server, inbox, question(number), name=f"d{number}")
            if number == 10:
                until(Message.objects.exists)
                running.kill()
                running.wait()
    for number in range(20):
        again = post(live_server, inbox, question(number), name=f"d{number}")
        assert again.status_code == 202
    assert Delivery.objects.filter(state="waiting").exists()
    with worker():
        until(lambda: not Delivery.objects.exclude(state="taken").exists())
    assert Delivery.objects.count() == Message.objects.count() == 20
    assert Conversation.objects.count() == 20
