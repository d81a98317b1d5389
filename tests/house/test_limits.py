"""What strangers may try is counted for the whole house, whichever process they meet."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from heard.lib.limits import allows
from tests import make

REFUSED = "Too many failed login attempts"
ANOTHER_PROCESS = """
import django
django.setup()
from django.test import Client
from django.test.utils import CaptureQueriesContext
answers = [
    Client().post("/accounts/login/", {"login": "ann@house.example", "password": "wrong"})
    for _ in range(3)
]
print(["%s" in answer.content.decode() for answer in answers])
"""


@pytest.fixture
def _emptied() -> Iterator[None]:
    """These tables belong to no model, so no test forgets them by itself."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE attempts, cache_entry")


def database_url() -> str:
    """The test's database, for a process beside it."""
    known = connection.settings_dict
    query = urlencode({"host": known["HOST"], "port": known["PORT"]})
    who = f"{quote(known['USER'])}:{quote(known['PASSWORD'])}"
    return f"postgresql://{who}@/{known['NAME']}?{query}"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_emptied")
def test_failed_sign_ins_are_counted_over_all_processes() -> None:
    make.owner(email="ann@house.example", password="saffron-lamp-42")
    wrong = {"login": "ann@house.example", "password": "wrong"}
    here = [Client().post(reverse("account_login"), wrong) for _ in range(3)]
    assert not any(REFUSED in answer.content.decode() for answer in here)
    environment = os.environ | {
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "heard.settings",
    }
    script = [sys.executable, "-c", ANOTHER_PROCESS % REFUSED]
    there = subprocess.run(script, env=environment, capture_output=True, text=True, check=True)
    assert there.stdout.strip() == "[False, False, True]"
    assert REFUSED in Client().post(reverse("account_login"), wrong).content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_emptied")
def test_attempts_at_the_same_moment_are_all_counted() -> None:
    def attempt(_: int) -> bool:
        try:
            return allows("ask:1", visitor="203.0.113.7", limit=6, seconds=600)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as clients:
        assert sum(clients.map(attempt, range(24))) == 6
    assert allows("ask:1", visitor="203.0.113.8", limit=6, seconds=600)
    assert allows("ask:2", visitor="203.0.113.7", limit=6, seconds=600)


@pytest.mark.django_db
def test_what_is_over_is_forgotten() -> None:
    def tries() -> list[bool]:
        return [allows("ask", visitor="ann", limit=1, seconds=60) for _ in range(2)]

    assert tries() == [True, False]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE attempts SET ends_at = ends_at - interval '2 minutes'")
        assert tries() == [True, False]
        cursor.execute("UPDATE attempts SET ends_at = ends_at - interval '2 minutes'")
        assert allows("ask", visitor="bo", limit=1, seconds=60)
        cursor.execute("SELECT key FROM attempts")
        assert cursor.fetchall() == [("ask:bo",)]


@pytest.mark.django_db
def test_pages_of_the_house_do_not_count(client: Client) -> None:
    client.force_login(make.owner())
    with CaptureQueriesContext(connection) as queries:
        for name in ("home", "inbox", "notices", "settings_keys"):
            client.get(reverse(name), follow=True)
    touched = [it["sql"] for it in queries.captured_queries]
    assert not [sql for sql in touched if "cache_entry" in sql or "attempts" in sql]
