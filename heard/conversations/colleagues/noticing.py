"""Notices: what a colleague has not read yet, on a page of their own and gathered into mails.

A notice about an inbox that its reader may no longer see is neither shown nor sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from heard import environment
from heard.conversations import showing
from heard.conversations.models import Notice
from heard.conversations.queries import Door, Sight, sight_of
from heard.lib.jobs import jobs
from heard.staff.models import User

MOST = 100
CALM = (
    "clock.warned",
    "review.asked",
    "review.returned",
    "review.changed",
    "conversation.handed",
    "answer.proposed",
)
GATHERED = timedelta(minutes=10)
SETTLED = timedelta(minutes=1)
"""A sweep stamps its notices when it begins: by then they are committed."""


@dataclass(frozen=True, slots=True)
class Unread:
    """One unread notice. `kind` and `text` are those of its row; without a conversation it is about
    the inbox behind the door.
    """

    id: int
    conversation_id: int | None
    inbox_id: int
    contact: str
    preview: str
    door: Door
    kind: str
    text: str
    at: datetime

    @property
    def is_failing(self) -> bool:
        """Whether it is too late, not only soon."""
        return self.kind not in CALM


def unread(
    user: User,
    *,
    sight: Sight,
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[Unread, ...]:
    """The newest of what this person has not read, after `since` up to `until`: one query."""
    doors = list(sight.doors)
    rows = Notice.objects.filter(
        Q(conversation__inbox_id__in=doors) | Q(inbox_id__in=doors), user=user, read_at=None
    ).select_related("conversation")
    if since is not None:
        rows = rows.filter(at__gt=since)
    if until is not None:
        rows = rows.filter(at__lte=until)
    return tuple(_unread(row, sight) for row in rows.order_by("-at", "-id")[:MOST])


def _unread(row: Notice, sight: Sight) -> Unread:
    about = row.conversation
    inbox_id = about.inbox_id if about else row.inbox_id
    assert inbox_id is not None  # a constraint of how notices are chosen
    return Unread(
        id=row.pk,
        conversation_id=row.conversation_id,
        inbox_id=inbox_id,
        contact=about.contact_name if about else "",
        preview=about.preview if about else "",
        door=sight.doors[inbox_id],
        kind=row.kind,
        text=row.text,
        at=row.at,
    )


def read(user: User, *, up_to: datetime, now: datetime) -> int:
    """Call everything read that this person was told up to then; returns how many."""
    return Notice.objects.filter(user=user, read_at=None, at__lte=up_to).update(read_at=now)


def words(notice: Unread) -> str:
    """What it says, in a sentence."""
    clock = str(showing.CLOCKS.get(notice.text, notice.text))
    what = {"clock": clock[:1].upper() + clock[1:], "why": notice.text}
    return {
        "clock.warned": gettext("%(clock)s: the time is running out."),
        "clock.failed": gettext("%(clock)s: the time has run out."),
        "answer.proposed": gettext("%(why)s: proposed as a saved answer, in the settings."),
        "help.called": gettext("%(why)s: somebody asks for help, now."),
        "call.on_hold": gettext("On hold for more than %(why)s."),
        "reply.failed": gettext("A reply did not go out: %(why)s"),
        "reply.unknown": gettext("Nobody knows whether a reply went out: %(why)s"),
        "inbox.troubled": gettext("This inbox does not hear: %(why)s"),
        "inbox.needs_person": gettext("This inbox needs you: %(why)s"),
        "inbox.quiet": gettext("Nothing was heard here for %(why)s hours, which is not like it."),
        "inbox.capped": gettext(
            "%(why)s replies have left within an hour, which is all it may; the rest waits."
        ),
        "alarm.raised": gettext("Something we said ourselves there may do harm: %(why)s"),
        "review.asked": gettext("A reply of %(why)s waits for a second pair of eyes."),
        "review.returned": gettext("Your reply was given back to you."),
        "review.changed": gettext("Your reply went out with changed words: look at them."),
        "conversation.handed": gettext("%(why)s is too close to this: it is yours now."),
        "act.failed": gettext("This could not be done at the place: %(why)s"),
    }.get(notice.kind, notice.kind) % what


@jobs.periodic(cron="*/10 * * * *")
@jobs.task(name="gather_notices", queue="default", queueing_lock="gather_notices")
def gather_notices(timestamp: int) -> None:
    """Queue a mail for everybody who was told something in the ten minutes before."""
    if settings.EMAIL_URL.scheme:
        gather(until=datetime.fromtimestamp(timestamp, UTC) - SETTLED)


def gather(*, until: datetime) -> Sequence[int]:
    """Queue a mail for each person with unread notices of the time before `until`."""
    since = until - GATHERED
    people = User.objects.filter(
        is_active=True, notices__read_at=None, notices__at__gt=since, notices__at__lte=until
    ).distinct()
    told = list(people.order_by("pk").values_list("pk", flat=True))
    for pk in told:
        mail_notices.defer(user_id=pk, since=since.isoformat(), until=until.isoformat())
    return told


@jobs.task(name="mail_notices", queue="default")
def mail_notices(user_id: int, since: str, until: str) -> None:
    """Send one person what they have not read of that time; nothing if they have read all."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return
    notices = unread(
        user,
        sight=sight_of(user),
        since=datetime.fromisoformat(since),
        until=datetime.fromisoformat(until),
    )
    if not notices:
        return
    with timezone.override(user.timezone):
        lines = [_paragraph(notice) for notice in notices]
    count = len({notice.conversation_id for notice in notices})
    subject = ngettext("Somebody waits for you", "%(count)d people wait for you", count)
    all_of_it = environment.public_url() + reverse("notices")
    text = "\n\n".join([*lines, gettext("All of it: %s") % all_of_it]) + "\n"
    send_mail(subject % {"count": count}, text, settings.DEFAULT_FROM_EMAIL, [user.email])


def _paragraph(notice: Unread) -> str:
    if notice.conversation_id is None:
        who, path = gettext("An inbox"), reverse("settings_inbox", args=[notice.inbox_id])
    else:
        who = notice.contact or gettext("Somebody")
        path = reverse("conversation", args=[notice.conversation_id])
    link = environment.public_url() + path
    when = showing.exactly(notice.at)
    return f"{who}, {notice.door.name} ({when})\n{words(notice)}\n{link}"
