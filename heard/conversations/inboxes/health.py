"""How it goes with hearing each inbox, and who is told when it does not go well.

A place that does not answer is asked again, later and later; one that does not let us in waits for
somebody. An inbox that has fallen silent though it never does is an alarm of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from heard.channels.base import Checked, Fetched
from heard.channels.registry import channel_of
from heard.conversations.models import Inbox, Listening, Notice
from heard.events.diary import record
from heard.lib.jobs import jobs
from heard.staff.models import Role, User

FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 900.0
TOLD_AFTER_ERRORS = 4
"""A place may stumble; so many failures in a row are trouble that somebody should know of."""
WRITTEN_EVERY = timedelta(seconds=20)
QUIET_AT_LEAST = timedelta(hours=4)
QUIET_DAYS = 28
QUIET_FROM_COUNT = 20
QUIET_LOOKED_AT = 2_000
EXPIRES_SOON = timedelta(days=7)


def wait_seconds(error_count: int, *, wish: float | None, chance: float) -> float:
    """Seconds until a place that failed is asked again: 5, 10, 20 … up to a quarter of an hour.

    A quarter more or less by chance (`chance` is between 0 and 1), so that many inboxes do not ask
    together; the place's own wish is never undercut.
    """
    wait = min(FIRST_WAIT_SECONDS * 2.0 ** min(max(0, error_count - 1), 20), LONGEST_WAIT_SECONDS)
    return max(wait * (0.75 + chance / 2), wish or 0.0)


@dataclass(frozen=True, slots=True)
class Health:
    """How it goes with one inbox, for people: a word, why, and since when."""

    state: str
    """"well", "new", "quiet", "troubled", "needs_person", "paused", "removed" or "history"."""
    reason: str = ""
    since: datetime | None = None
    row: Listening | None = None
    expires_soon: bool = False

    @property
    def is_failing(self) -> bool:
        """Whether customers speak there and we do not hear them."""
        return self.state in {"troubled", "needs_person"}


def health_of(inbox: Inbox, *, now: datetime) -> Health:
    """The health of an inbox whose `listening` is loaded."""
    if channel_of(inbox.kind) is None or inbox.is_sample:
        return Health("history")
    row = getattr(inbox, "listening", None)
    if inbox.settings.get("is_removed") is True:
        return Health("removed", row=row)
    if inbox.settings.get("is_paused") is True:
        return Health("paused", row=row)
    if row is None:
        return Health("well" if inbox.last_heard_at else "new")
    expires = row.expires_at is not None and row.expires_at - now < EXPIRES_SOON
    state = row.state
    if state == Listening.State.WELL and row.quiet_told_at is not None:
        return Health("quiet", since=inbox.last_heard_at, row=row, expires_soon=expires)
    return Health(state, row.reason, row.since, row, expires)


def row_of(inbox: Inbox, *, now: datetime) -> Listening:
    """The health of an inbox, made when it has none."""
    return Listening.objects.get_or_create(inbox=inbox, defaults={"since": now})[0]


@transaction.atomic
def went_well(inbox: Inbox, fetched: Fetched, *, now: datetime) -> None:
    """A place has been asked and has answered. Not written more often than is worth it."""
    row = Listening.objects.select_for_update().get(inbox=inbox)
    is_back = row.state != Listening.State.WELL
    is_fresh = row.asked_at is not None and now - row.asked_at < WRITTEN_EVERY
    if is_fresh and not is_back and fetched.quota is None:
        return
    row.asked_at, row.error_count, row.next_at = now, 0, None
    if fetched.quota is not None:
        row.quota_left, row.quota_of = fetched.quota.left, fetched.quota.of
        row.quota_renewed_at = fetched.quota.renewed_at
    if is_back:
        _turn(row, to=Listening.State.WELL, reason="", now=now)
    row.save()


@transaction.atomic
def went_wrong(
    inbox: Inbox, reason: str, *, needs_person: bool, wait: float, now: datetime
) -> None:
    """A place did not answer, or does not let us in; it is asked again after `wait` seconds."""
    row = Listening.objects.select_for_update().get(inbox=inbox)
    row.error_count += 1
    row.asked_at, row.next_at = now, now + timedelta(seconds=wait)
    to = Listening.State.NEEDS_PERSON if needs_person else Listening.State.TROUBLED
    is_news = row.state != to
    if needs_person or row.error_count >= TOLD_AFTER_ERRORS or not is_news:
        _turn(row, to=to, reason=reason, now=now)
        if is_news:
            _alarm(inbox, f"inbox.{to}", reason, now=now)
    row.save()


@transaction.atomic
def was_checked(inbox: Inbox, checked: Checked, *, now: datetime) -> None:
    """The credentials open the place: keep what it told of itself."""
    row = row_of(inbox, now=now)
    row.account, row.warnings = checked.account[:200], list(checked.warnings)
    row.expires_at, row.next_at, row.error_count = checked.expires_at, None, 0
    if checked.quota is not None:
        row.quota_left, row.quota_of = checked.quota.left, checked.quota.of
        row.quota_renewed_at = checked.quota.renewed_at
    if row.state != Listening.State.WELL:
        _turn(row, to=Listening.State.WELL, reason="", now=now)
    row.save()


def heard_late(inbox: Inbox, said_at: datetime, *, now: datetime) -> None:
    """Write down how long the newest message of a batch took to be heard. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE listening SET lag_seconds = %s, quiet_told_at = NULL WHERE inbox_id = %s",
            [max(0.0, (now - said_at).total_seconds()), inbox.pk],
        )


@jobs.periodic(cron="*/10 * * * *")
@jobs.task(name="look_for_silence", queue="background", queueing_lock="look_for_silence")
def look_for_silence(timestamp: int) -> None:
    """Look at every connected inbox for a silence that is not like it."""
    now = datetime.fromtimestamp(timestamp).astimezone()
    for inbox in Inbox.objects.filter(is_sample=False, listening__isnull=False):
        notice_silence(inbox, now=now)


def notice_silence(inbox: Inbox, *, now: datetime) -> bool:
    """Tell the keeper once that an inbox is quieter than it should be; whether it is."""
    longest = patience(inbox, now=now)
    if longest is None or inbox.last_heard_at is None or now - inbox.last_heard_at <= longest:
        return False
    is_first = Listening.objects.filter(inbox=inbox, quiet_told_at=None).update(quiet_told_at=now)
    if is_first:
        with transaction.atomic():
            hours = (now - inbox.last_heard_at).total_seconds() / 3600
            _alarm(inbox, "inbox.quiet", f"{hours:.0f}", now=now)
    return True


def patience(inbox: Inbox, *, now: datetime) -> timedelta | None:
    """How long this inbox may be silent: what its keeper has set, else twice its longest silence.

    Counted over the beginnings of conversations in the last four weeks; None with fewer than twenty
    of them, or when the keeper has set 0: then no silence is strange.
    """
    chosen = inbox.settings.get("quiet_hours")
    if isinstance(chosen, int | float):
        return timedelta(hours=chosen) if chosen > 0 else None
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*), max(gap) FROM (
                SELECT started_at - lag(started_at) OVER (ORDER BY started_at) AS gap FROM (
                    SELECT started_at FROM conversation
                    WHERE inbox_id = %s AND started_at > %s AND started_at <= %s
                    ORDER BY started_at DESC LIMIT %s
                ) AS beginnings
            ) AS gaps
            """,
            [inbox.pk, now - timedelta(days=QUIET_DAYS), now, QUIET_LOOKED_AT],
        )
        row: tuple[int, timedelta | None] = cursor.fetchone()
    count, longest = row
    if count < QUIET_FROM_COUNT or longest is None:
        return None
    return max(QUIET_AT_LEAST, 2 * longest)


def _turn(row: Listening, *, to: str, reason: str, now: datetime) -> None:
    if row.state != to:
        row.since = now
        record(
            f"inbox.{to}", subject="inbox", subject_id=row.inbox_id, at=now, data={"reason": reason}
        )
    row.state, row.reason = to, reason[:300]


def _alarm(inbox: Inbox, kind: str, text: str, *, now: datetime) -> None:
    """Tell whoever keeps the inbox, else those who lead."""
    people = User.objects.filter(is_active=True)
    if inbox.keeper_id is not None:
        people = people.filter(Q(pk=inbox.keeper_id))
    else:
        people = people.filter(role__in=[Role.OWNER, Role.MANAGER])
    Notice.objects.bulk_create(
        Notice(user=person, inbox=inbox, kind=kind, text=text[:300], at=now) for person in people
    )
