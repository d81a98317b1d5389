"""What people said of readings teaches the reader: of a night, or when somebody asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection
from django.utils import timezone

from heard.conversations.readings.correcting import CHOICES
from heard.conversations.readings.enquiring import ask
from heard.learning.models import Refit
from heard.learning.refitting import NothingNewError, Said, refit
from heard.lib.jobs import jobs
from heard.reading.house import TooFewLabelsError
from heard.staff.models import User

MOST_LABELS = 5_000
"""A head learns from the newest of them."""

SAID = """
    SELECT m.text, x.now, m.conversation_id, x.at, x.was = x.now
    FROM (
        SELECT DISTINCT ON (message_id) message_id, was, now, at, id FROM correction
        WHERE head = %s ORDER BY message_id, id DESC
    ) x JOIN message m ON m.id = x.message_id JOIN inbox i ON i.id = m.inbox_id
    WHERE m.text <> '' AND NOT m.is_automatic AND NOT i.is_sample
    ORDER BY x.id DESC LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What became of one head: its refit, or how many labels there are and why there is none."""

    label_count: int
    refit: Refit | None = None
    has_too_few: bool = False


def learn(*, by: User | None, now: datetime) -> Mapping[str, Learnt]:
    """Refit every head on what people have said of readings, each by itself; then ask anew."""
    learnt = {head: _learn(head, by=by, now=now) for head in CHOICES}
    ask(now=now)
    return learnt


def _learn(head: str, *, by: User | None, now: datetime) -> Learnt:
    labels = said_of(head)
    try:
        return Learnt(len(labels), refit(head, labels, by=by, now=now))
    except TooFewLabelsError:
        return Learnt(len(labels), has_too_few=True)
    except NothingNewError:
        return Learnt(len(labels))


def said_of(head: str) -> list[Said]:
    """The last word on this head of each message that somebody has judged, newest first.

    What an inbox keeps no longer has no words to learn from; and what the people of the sample
    company are made to say of theirs teaches nobody.
    """
    with connection.cursor() as cursor:
        cursor.execute(SAID, [head, MOST_LABELS])
        return [Said(*row) for row in cursor]


@jobs.periodic(cron="37 3 * * *")
@jobs.task(name="learn_nightly", queue="background", queueing_lock="learn_nightly")
def learn_nightly(timestamp: int) -> None:
    """Learn what was said since yesterday."""
    learn(by=None, now=datetime.fromtimestamp(timestamp, UTC))


@jobs.task(name="learn_now", queue="background", queueing_lock="learn_now")
def learn_now(by: int) -> None:
    """Learn at once, because somebody asked for it."""
    learn(by=User.objects.filter(pk=by).first(), now=timezone.now())
