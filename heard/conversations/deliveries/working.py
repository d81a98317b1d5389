"""The worker: one process in which deliveries are taken in, clocks watched, and jobs done.

Three lanes, so that none waits for another: intake in a thread of its own, the clocks in one, and
the jobs of the queue. All of them outlive a database that goes away and comes back.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import signal
import threading
import time
from collections.abc import Iterator

import psycopg
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone
from procrastinate.contrib.django import DjangoApp
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Status

from heard.conversations.calls.holding import alarm
from heard.conversations.clocks.sweeping import sweep
from heard.conversations.deliveries.journal import BATCH, CALL_SECONDS, TOPIC, take_in
from heard.conversations.intake.receiving import LOCK_SPACE
from heard.conversations.outbox.acting import take_up_acts
from heard.conversations.outbox.replying import take_up_cooled
from heard.conversations.outbox.sending import recover
from heard.lib.jobs import jobs

log = logging.getLogger(__name__)

AT_ONCE = 4
"""Jobs done side by side; nearly all of them wait for somebody else's server."""
SLOW = {"fetching": 2, "assistant": 2}
"""Queues with workers of their own, so many each: what they do may take minutes."""
CLOCK_SECONDS = 1.0
QUIET_SECONDS = 1.0
"""How long intake waits for a call before it looks by itself."""
LIVELY_SECONDS = 2 * CALL_SECONDS
"""How long intake goes on looking after there was something; see `journal.CALL_SECONDS`."""
GLANCE_SECONDS = 0.05
GATHER_SECONDS = 0.1
"""How long intake lets deliveries gather after a batch that took in all there were: what a batch
costs beside its messages is then paid ten times a second at most."""
STAND_IN_SECONDS = 0.5
"""How often others look whether the deliveries are left alone."""
INTAKE_LOCK_SPACE = LOCK_SPACE + 4
"""Shared by all who take deliveries in as their work."""
STALLED_SECONDS = 30.0
PATIENCE_SECONDS = 8.0


def work() -> None:
    """Work until SIGTERM or SIGINT; what has begun is brought to its end."""
    stop = threading.Event()
    lanes = [
        threading.Thread(target=intake, args=[stop], name="intake"),
        threading.Thread(target=clocks, args=[stop], name="clocks"),
    ]
    for lane in lanes:
        lane.start()
    try:
        asyncio.run(_do_jobs())
    finally:
        stop.set()
        for lane in lanes:
            lane.join()


def intake(stop: threading.Event) -> None:
    """Take deliveries in as they come: called by the database, or by looking every second."""
    lively_until = 0.0
    while not stop.is_set():
        with _patiently(stop, "intake"), _ear() as ear:
            ear.execute("SELECT pg_advisory_lock_shared(%s, 0)", [INTAKE_LOCK_SPACE])
            while not stop.is_set():
                moment = time.monotonic()
                if looked_at := take_in(now=timezone.now()):
                    lively_until = moment + LIVELY_SECONDS
                    if looked_at < BATCH:
                        stop.wait(GATHER_SECONDS)
                    continue
                wait = GLANCE_SECONDS if moment < lively_until else QUIET_SECONDS
                if any(True for _ in ear.notifies(timeout=wait, stop_after=1)):
                    lively_until = time.monotonic() + LIVELY_SECONDS


def stand_in(stop: threading.Event) -> None:
    """Take deliveries in while no worker does: one that was killed is back after some seconds."""
    while not stop.is_set():
        with _patiently(stop, "standing in"):
            while not stop.wait(STAND_IN_SECONDS):
                while is_unattended() and take_in(now=timezone.now()) and not stop.is_set():
                    stop.wait(GATHER_SECONDS)


def clocks(stop: threading.Event) -> None:
    """Let clocks fall due, and take up the replies that killed workers have left."""
    while not stop.is_set():
        with _patiently(stop, "clocks"):
            while not stop.is_set():
                sweep(timezone.now())
                alarm(timezone.now())
                recover(now=timezone.now())
                take_up_acts(now=timezone.now())
                take_up_cooled(now=timezone.now())
                stop.wait(CLOCK_SECONDS)


@contextlib.contextmanager
def _patiently(stop: threading.Event, lane: str) -> Iterator[None]:
    """Let a lane begin anew a second after something went wrong, with a new connection."""
    try:
        yield
    except (OperationalError, InterfaceError, psycopg.OperationalError) as error:
        log.warning("%s lost the database: %s", lane, error)
        stop.wait(1)
    except Exception:
        log.exception("%s stumbled, and goes on", lane)
        stop.wait(1)
    finally:
        connection.close()


def is_unattended() -> bool:
    """Whether no worker at all takes deliveries in."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, 0)", [INTAKE_LOCK_SPACE])
        is_free = bool(cursor.fetchone()[0])
        if is_free:
            cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [INTAKE_LOCK_SPACE])
    return is_free


@contextlib.contextmanager
def _ear() -> Iterator[psycopg.Connection]:
    """A connection that hears when a delivery waits."""
    parameters = connection.get_connection_params()
    for name in ("cursor_factory", "context"):
        parameters.pop(name, None)
    with psycopg.connect(**parameters, autocommit=True) as ear:
        ear.execute(f"LISTEN {TOPIC}")
        yield ear


async def _do_jobs() -> None:
    """Do what is queued until a signal comes, whatever the database does meanwhile."""
    for module in settings.PROCRASTINATE_IMPORT_PATHS:
        importlib.import_module(module)
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    while not told.is_set():
        try:
            await _do_jobs_until(told)
        except ConnectorException as error:
            log.warning("jobs lost the database: %s", error.__cause__ or error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), 1)


async def _do_jobs_until(told: asyncio.Event) -> None:
    """Do what is queued until told to stop, or until the worker gives up by itself."""
    connector = jobs.connector
    assert isinstance(connector, DjangoConnector)
    # An app of its own: what tasks queue must still go through Django's transaction.
    app = DjangoApp(connector=connector.get_worker_connector())
    app.tasks = jobs.tasks
    app.periodic_registry = jobs.periodic_registry
    async with app.open_async():
        again = asyncio.create_task(_take_up_stalled(app))
        stop = asyncio.create_task(told.wait())
        queues = {task.queue for task in app.tasks.values()}
        at_once = {tuple(sorted(queues - SLOW.keys())): AT_ONCE}
        at_once |= {(queue,): count for queue, count in SLOW.items()}
        workers = [
            asyncio.create_task(
                app.run_worker_async(
                    queues=list(names),
                    concurrency=count,
                    fetch_job_polling_interval=1.0,
                    delete_jobs="successful",
                    shutdown_graceful_timeout=PATIENCE_SECONDS,
                    install_signal_handlers=False,
                )
            )
            for names, count in at_once.items()
        ]
        try:
            await asyncio.wait({*workers, stop}, return_when=asyncio.FIRST_COMPLETED)
            for doing in workers:
                doing.cancel()  # which lets what has begun come to its end
            for ended in await asyncio.gather(*workers, return_exceptions=True):
                if isinstance(ended, Exception):
                    raise ended
        finally:
            again.cancel()
            stop.cancel()


async def _take_up_stalled(app: DjangoApp) -> None:
    """Give the jobs of workers that have gone silent to those who live."""
    while True:
        with contextlib.suppress(ConnectorException):
            await take_up_stalled(app)
        await asyncio.sleep(STALLED_SECONDS)


async def take_up_stalled(app: DjangoApp) -> None:
    """Let each be done again; one of which another waits already is done by that one.

    As long as it stood there as being done, its lock kept the other one waiting.
    """
    for job in await app.job_manager.get_stalled_jobs():
        try:
            await app.job_manager.retry_job(job)
        except UniqueViolation:
            await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
