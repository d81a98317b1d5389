"""The lock of a door: whoever changes what a thread is, waits for what is being taken in there."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

LOCK_SPACE = 0x68_65_61_72  # advisory locks of ours begin with "hear"


def hold_door(*inboxes: int) -> None:
    """Hold the doors of these inboxes until the transaction ends; always in one order."""
    hold_doors(inboxes)


def hold_doors(inboxes: Iterable[int]) -> None:
    """The same for many."""
    with connection.cursor() as cursor:
        for inbox in sorted(set(inboxes)):
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, inbox])
