"""Comment cards: where they lie, whom a guest's call reaches, and who is on the way.

Calls have an inbox of their own beside that of the cards, with an SLA policy in minutes, day and
night: somebody sits there now. Teams and keeper are those of the cards, until people change them.
"""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from procrastinate import RetryStrategy

from heard.channels import comment_card
from heard.conversations.colleagues.noticing import mail_notices
from heard.conversations.handling import assign
from heard.conversations.inboxes.arranging import free_slug
from heard.conversations.models import Conversation, Inbox, Notice, Policy, Spot
from heard.conversations.outbox.replying import RepliesCross, ReplyBlocked, ReplyWaits, reply
from heard.events.diary import record
from heard.lib.jobs import jobs
from heard.staff.models import Role, User

SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without those that are taken for one another when a guest types them."""
CODE_LENGTH, CHECK_LENGTH, GROUP = 9, 3, 4
SAME_CALL = timedelta(minutes=30)
"""So long a call that nobody has taken stands for every further one from the same table."""


class Step(StrEnum):
    """How far we are with what a guest said."""

    WAITING = "waiting"
    COMING = "coming"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far we are, and the first name of whoever has taken it."""

    step: Step
    who: str


# Where cards lie


@transaction.atomic
def set_out(inbox: Inbox, *, now: datetime) -> list[Spot]:
    """The spots of the inbox's list of tables in its order; new names get a code.

    What is no longer in the list goes with its code. Raises `ValueError` when the list is wrong.
    """
    names = comment_card.tables(inbox.settings.get("tables") or ())
    Inbox.objects.select_for_update().get(pk=inbox.pk)
    Spot.objects.filter(inbox=inbox).exclude(name__in=names).delete()
    known = {spot.name: spot for spot in Spot.objects.filter(inbox=inbox)}
    for position, name in enumerate(names):
        spot = known.get(name)
        if spot is None:
            known[name] = Spot(
                inbox=inbox, name=name, code=new_code(), position=position, renewed_at=now
            )
        else:
            spot.position = position
    Spot.objects.bulk_create(
        known.values(),
        update_conflicts=True,
        unique_fields=["inbox", "name"],
        update_fields=["position"],
    )
    return list(Spot.objects.filter(inbox=inbox).order_by("position"))


@transaction.atomic
def renew(inbox: Inbox, *, spot: Spot | None, by: User, now: datetime) -> int:
    """New codes, for one spot or for all: the printed ones end. Returns how many."""
    spots = list(Spot.objects.filter(inbox=inbox, **({"pk": spot.pk} if spot else {})))
    for one in spots:
        one.code, one.renewed_at = new_code(), now
    Spot.objects.bulk_update(spots, ["code", "renewed_at"])
    record(
        "cards.renewed",
        subject="inbox",
        subject_id=inbox.pk,
        at=now,
        actor_id=by.pk,
        data={"spots": [one.name for one in spots][:100]},
    )
    return len(spots)


def find(typed: str) -> Spot | None:
    """The spot of a code, however it was typed; None for what is none of ours, or was taken away.

    A guessed code does not reach the database: its last letters must be our mark.
    """
    code = "".join(sign for sign in typed.upper() if sign in SIGNS)
    if len(code) != CODE_LENGTH + CHECK_LENGTH:
        return None
    if not hmac.compare_digest(code[CODE_LENGTH:], _mark(code[:CODE_LENGTH])):
        return None
    rows = Spot.objects.select_related(
        "inbox__brand", "inbox__place", "inbox__policy", "inbox__hours"
    )
    spot = rows.filter(code=code, inbox__kind=comment_card.kind).first()
    if spot is None:
        return None
    try:
        names = comment_card.tables(spot.inbox.settings.get("tables") or ())
    except ValueError:
        return None
    return spot if spot.name in names else None


def new_code() -> str:
    """Nine letters by chance (44 bits) and three that we alone can make from them."""
    chance = "".join(secrets.choice(SIGNS) for _ in range(CODE_LENGTH))
    return chance + _mark(chance)


def shown(code: str) -> str:
    """A code as people read it: in groups of four."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def _mark(chance: str) -> str:
    digest = hmac.digest(settings.SECRET_KEY.encode(), f"card:{chance}".encode(), "sha256")
    return "".join(SIGNS[byte % len(SIGNS)] for byte in digest[:CHECK_LENGTH])


# Calls


def takes_calls(inbox: Inbox) -> bool:
    """Whether guests of these cards can call somebody."""
    minutes = inbox.settings.get("help_minutes")
    return isinstance(minutes, int) and minutes > 0


@transaction.atomic
def calls_of(inbox: Inbox, *, now: datetime) -> Inbox:
    """The inbox of the calls from these cards, opened with the first one.

    Its minutes follow those of the cards when these change; until then its policy is people's.
    """
    Inbox.objects.select_for_update().get(pk=inbox.pk)
    minutes = int(inbox.settings["help_minutes"])
    rows = Inbox.objects.filter(kind=comment_card.kind, settings__calls_of=inbox.pk)
    found = rows.select_related("policy").first()
    if found is not None:
        if found.settings.get("help_minutes") != minutes:
            found.settings = {**found.settings, "help_minutes": minutes}
            found.save(update_fields=["settings"])
            Policy.objects.filter(pk=found.policy_id).update(
                first_response_minutes=minutes, next_response_minutes=minutes
            )
        return found
    name = _free_name(_("%(inbox)s: somebody is wanted") % {"inbox": inbox.name})
    policy = Policy.objects.create(
        name=name,
        first_response_minutes=minutes,
        next_response_minutes=minutes,
        recognition_minutes=None,
        warn_assignee_percent=40,
        warn_manager_percent=60,
    )
    calls = Inbox.objects.create(
        kind=comment_card.kind,
        name=name,
        slug=free_slug(name),
        brand=inbox.brand,
        place=inbox.place,
        keeper=inbox.keeper,
        policy=policy,
        hours=None,
        settings={
            "calls_of": inbox.pk,
            "help_minutes": minutes,
            "connected_at": now.isoformat(),
        },
        is_sample=inbox.is_sample,
        created_at=now,
    )
    calls.teams.set(inbox.teams.all())
    record("inbox.added", subject="inbox", subject_id=calls.pk, at=now, actor_id=None)
    return calls


def _free_name(name: str) -> str:
    """A name that no inbox and no policy has."""
    for number in count(1):
        free = f"{name[:110]} ({number})" if number > 1 else name[:120]
        if not (
            Inbox.objects.filter(name=free).exists() or Policy.objects.filter(name=free).exists()
        ):
            return free
    raise AssertionError("numbers do not end")


def open_call(spot: Spot, *, now: datetime) -> Conversation | None:
    """The call from this spot that nobody has taken yet, if there is one of the last half hour."""
    return (
        Conversation.objects.filter(
            inbox__kind=comment_card.kind,
            inbox__settings__calls_of=spot.inbox_id,
            subject=spot.name,
            status=Conversation.Status.OPEN,
            assignee=None,
            reply_count=0,
            started_at__gt=now - SAME_CALL,
        )
        .order_by("-started_at")
        .first()
    )


@transaction.atomic
def alert(conversation: Conversation, *, now: datetime) -> list[int]:
    """Tell the team of a call at once: by notice, mail, and on their open pages; once a call.

    Returns who was told: the teams of the inbox with its keeper, or without a team those who lead.
    """
    Conversation.objects.select_for_update().get(pk=conversation.pk)
    if Notice.objects.filter(conversation=conversation, kind="help.called").exists():
        return []
    told = sorted(_hearers(conversation.inbox))
    text = conversation.subject[:300]
    Notice.objects.bulk_create(
        Notice(user_id=pk, conversation=conversation, kind="help.called", text=text, at=now)
        for pk in told
    )
    record(
        "help.called",
        subject="conversation",
        subject_id=conversation.pk,
        at=now,
        data={"spot": text, "told": told},
    )
    words = _("%(where)s: somebody asks for help, now.") % {"where": text}
    said = {"what": "help", "changed": [[conversation.pk, conversation.inbox_id]], "text": words}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('heard', %s)", [json.dumps(said)])
    if settings.EMAIL_URL.scheme:
        since, until = (now - timedelta(seconds=1)).isoformat(), now.isoformat()
        for pk in told:
            mail_notices.defer(user_id=pk, since=since, until=until)
    return told


@jobs.task(name="alert_of_call", queue="default", retry=RetryStrategy(max_attempts=60, wait=5))
def alert_of_call(*, token: str) -> None:
    """Tell the team of the call with this private link, should whoever took it in have died.

    Raises until it has been taken in: then the job is tried again, for five minutes.
    """
    rows = Conversation.objects.select_related("inbox").exclude(token="")
    alert(rows.filter(token=token).order_by("part")[:1].get(), now=timezone.now())


def _hearers(inbox: Inbox) -> set[int]:
    people = User.objects.filter(is_active=True)
    found = set(people.filter(teams__in=inbox.teams.all()).values_list("pk", flat=True))
    if inbox.keeper_id is not None:
        found |= set(people.filter(pk=inbox.keeper_id).values_list("pk", flat=True))
    return found or set(people.exclude(role=Role.AGENT).values_list("pk", flat=True))


@transaction.atomic
def come(conversation: Conversation, *, by: User, now: datetime) -> None:
    """Somebody goes there: it is theirs, and the guest's page and the clock hear it."""
    assign(conversation, to=by, by=by, now=now)
    # Where the check of replies holds even this back, being taken tells the guest enough.
    try:
        with transaction.atomic():
            reply(conversation, text=_("I am on my way to you."), author=by, now=now)
    except (ReplyBlocked, ReplyWaits, RepliesCross):
        return


def standing_of(conversation: Conversation) -> Standing:
    """How far we are with what a guest said."""
    who = conversation.assignee.first_name if conversation.assignee else ""
    if conversation.status == Conversation.Status.RESOLVED:
        return Standing(Step.DONE, who)
    if conversation.assignee_id or conversation.reply_count:
        return Standing(Step.COMING, who)
    return Standing(Step.WAITING, "")
