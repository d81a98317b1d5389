"""Live events: each hears of what they may see, and nobody else hears anything."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections, transaction
from django.test import Client

from heard import live
from heard.conversations.clocks.settling import tell
from heard.conversations.colleagues.live import Listener, listener_of
from tests import make
from tests.conversations.asking import browser

PATIENCE_SECONDS = 10.0


def heard(listener: Listener, changed: list[list[int]]) -> list[list[int]] | None:
    part = listener.hears(json.dumps({"what": "conversation", "changed": changed}))
    return None if part is None else json.loads(part)["changed"]


def test_only_inboxes_that_one_may_see_are_heard_of() -> None:
    bo = Listener(user_id=1, inboxes=frozenset({1, 3}))
    assert heard(bo, [[10, 1], [11, 2], [12, 3]]) == [[10, 1], [12, 3]]
    assert heard(bo, [[11, 2]]) is None
    owner = Listener(user_id=2, inboxes=None)
    assert heard(owner, [[10, 1], [11, 2]]) == [[10, 1], [11, 2]]


@pytest.mark.django_db
def test_a_session_leads_to_its_person_and_their_inboxes() -> None:
    team = make.team()
    mine, everybodys, _ = make.inbox(teams=(team,)), make.inbox(), make.inbox(teams=(make.team(),))
    bo, owner = make.user(teams=(team,)), make.owner()
    assert listener_of(session(browser(bo))) == Listener(bo.pk, frozenset({mine.pk, everybodys.pk}))
    assert listener_of(session(browser(owner))) == Listener(owner.pk, None)


@pytest.mark.django_db
def test_who_has_signed_out_changed_the_password_or_left_hears_nothing() -> None:
    bo = make.user(password="table-for-two-42")
    client = browser(bo)
    key = session(client)
    assert listener_of(key) is not None
    bo.set_password("table-for-four-44")
    bo.save()
    assert listener_of(key) is None
    client = browser(bo)
    key = session(client)
    bo.is_active = False
    bo.save()
    assert listener_of(key) is None
    bo.is_active = True
    bo.save()
    assert listener_of(key) is not None
    client.logout()
    assert listener_of(key) is None
    assert listener_of("no such session") is None


def session(client: Client) -> str:
    return client.cookies["sessionid"].value


class Answer:
    """What the live process sends to one page."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.said: asyncio.Queue[str] = asyncio.Queue()

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            for line in message["body"].decode().splitlines() or [""]:
                self.said.put_nowait(line)

    async def event(self) -> dict[str, Any]:
        """The next event; all else is passed over."""
        while True:
            line = await asyncio.wait_for(self.said.get(), PATIENCE_SECONDS)
            if line.startswith("data: "):
                event: dict[str, Any] = json.loads(line.removeprefix("data: "))
                return event


@contextlib.asynccontextmanager
async def listening(key: str, asks: str = "", **headers: str) -> AsyncIterator[Answer]:
    """One page that listens, until the end of the block."""
    answer = Answer()
    left = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await left.wait()
        return {"type": "http.disconnect"}

    given = {"host": "house.example:8001", "cookie": f"sessionid={key}", **headers}
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/live/",
        "query_string": asks.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }
    page = asyncio.create_task(live.application(scope, receive, answer.send))
    try:
        await asyncio.wait_for(answer.said.get(), PATIENCE_SECONDS)
        yield answer
    finally:
        left.set()
        await asyncio.wait_for(page, PATIENCE_SECONDS)


def run(walk: Callable[[], Awaitable[None]]) -> None:
    """Run something against a live process of its own."""

    async def whole() -> None:
        live.hub = live.Hub()
        try:
            await walk()
        finally:
            await live.hub.close()
            await sync_to_async(connections.close_all)()

    asyncio.run(whole())


def notify(*changed: tuple[int, int], what: str = "conversation") -> None:
    with transaction.atomic():
        tell(list(changed), what=what)


@pytest.mark.django_db(transaction=True)
def test_a_change_reaches_the_pages_that_may_hear_of_it() -> None:
    team = make.team()
    bar, kitchen = make.inbox(teams=(team,)), make.inbox(teams=(make.team(),))
    bo, owner = make.user(teams=(team,)), make.owner()
    keys = {who: session(browser(who)) for who in (bo, owner)}

    async def walk() -> None:
        async with listening(keys[bo]) as agents, listening(keys[owner]) as owners:
            assert (agents.status, owners.status) == (200, 200)
            assert agents.headers["content-type"].startswith("text/event-stream")
            await until_listening()
            await sync_to_async(notify)((7, kitchen.pk))
            await sync_to_async(notify)((8, kitchen.pk), (9, bar.pk), what="presence")
            for page in (agents, owners):
                assert (await page.event())["what"] == "everything"
            expected = {"what": "presence", "changed": [[9, bar.pk]]}
            assert await agents.event() == expected
            assert (await owners.event())["changed"] == [[7, kitchen.pk]]
            assert (await owners.event())["changed"] == [[8, kitchen.pk], [9, bar.pk]]
        assert not live.hub.clients

    run(walk)


@pytest.mark.django_db(transaction=True)
def test_pages_catch_up_after_the_database_was_away() -> None:
    key = session(browser(make.owner()))

    async def walk() -> None:
        async with listening(key) as answer:
            await until_listening()
            assert (await answer.event())["what"] == "everything"
            await sync_to_async(hang_up)()
            assert (await answer.event())["what"] == "everything"
            await sync_to_async(notify)((5, 1))
            assert (await answer.event())["changed"] == [[5, 1]]

    run(walk)


@pytest.mark.django_db(transaction=True)
def test_what_happened_while_a_page_was_on_its_way_is_told_when_it_listens() -> None:
    team = make.team()
    bar, kitchen = make.inbox(teams=(team,)), make.inbox(teams=(make.team(),))
    key = session(browser(make.user(teams=(team,))))

    async def walk() -> None:
        async with listening(key) as first:
            await until_listening()
            assert (await first.event())["what"] == "everything"
            await asyncio.sleep(live.ON_ITS_WAY_SECONDS)
            await sync_to_async(notify)((7, kitchen.pk), (8, bar.pk))
            assert (await first.event())["changed"] == [[8, bar.pk]]
            async with listening(key, asks="age=0") as late:
                assert (await late.event())["changed"] == [[8, bar.pk]]
            async with listening(key, asks="age=60000") as older_than_what_is_known:
                assert (await older_than_what_is_known.event())["what"] == "everything"
            async with listening(key, asks="age=-1") as says_nothing:
                await sync_to_async(notify)((9, bar.pk))
                assert (await says_nothing.event())["changed"] == [[9, bar.pk]]

    run(walk)


def test_who_asks_for_more_than_is_remembered_reads_everything() -> None:
    hub = live.Hub()
    hub.told_since = 0.0
    for number in range(live.REMEMBERED + 1):
        hub.pass_on(json.dumps({"what": "conversation", "changed": [[number, 1]]}))
    client = live.Client(Listener(user_id=1, inboxes=None))
    hub.recall(client, age=3600)
    assert client.queue.get_nowait() == live.CATCH_UP
    assert client.queue.empty()


async def until_listening() -> None:
    """Wait until the process has said LISTEN."""
    for _ in range(int(PATIENCE_SECONDS / 0.02)):
        if await sync_to_async(listeners)():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("nobody listens")


LISTENERS = "FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN heard'"


def listeners() -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {LISTENERS} AND state = 'idle'")
        return int(cursor.fetchone()[0])


def hang_up() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_terminate_backend(pid) {LISTENERS}")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("is_signed_in", "headers", "status"),
    [
        (True, {}, 200),
        (True, {"origin": "http://house.example:8000"}, 200),
        (True, {"origin": "http://elsewhere.example"}, 403),
        (False, {}, 401),
        (False, {"cookie": "sessionid=\x00;;;=("}, 401),
    ],
)
def test_only_our_own_pages_of_people_signed_in_may_listen(
    is_signed_in: bool, headers: dict[str, str], status: int
) -> None:
    key = session(browser(make.user())) if is_signed_in else "x"

    async def walk() -> None:
        async with listening(key, **headers) as answer:
            assert answer.status == status
            allowed = answer.headers.get("access-control-allow-origin")
            assert allowed == (headers.get("origin") if status == 200 else None)

    run(walk)


def test_a_page_that_has_fallen_behind_is_told_to_read_everything() -> None:
    client = live.Client(Listener(user_id=1, inboxes=None))
    for n in range(live.QUEUE_LENGTH + 1):
        client.put(str(n))
    assert client.queue.get_nowait() == live.CATCH_UP
    assert client.queue.empty()


def test_what_cannot_be_read_is_passed_over() -> None:
    hub = live.Hub()
    client = live.Client(Listener(user_id=1, inboxes=None))
    hub.clients.add(client)
    for payload in ("", "{}", "[]", '{"what": "conversation", "changed": [1]}'):
        hub.pass_on(payload)
    assert client.queue.empty()
    assert not hub.told
