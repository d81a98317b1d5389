"""Puts the sample company into the house, and takes it out again with nothing else.

`begin` makes its people and inboxes; `fill` brings sixty days of life, one inbox in one
transaction, and goes on where it was interrupted. What was said goes through `receive`; what was
done is written as the deeds of `conversations.handling` write it, many rows at once.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, models, transaction

from heard.channels.base import Kind
from heard.contacts.models import Contact, Handle
from heard.conversations.clocks.settling import mark_stale, settle
from heard.conversations.clocks.sweeping import sweep
from heard.conversations.inboxes.arranging import free_slug
from heard.conversations.intake.receiving import receive
from heard.conversations.models import (
    Acknowledgement,
    Conversation,
    Correction,
    Flood,
    Hours,
    Inbox,
    Message,
    Policy,
    Promise,
    Resolution,
    Review,
    Sighting,
    StaleDay,
)
from heard.conversations.outbox.replying import ReplyBlocked, ReplyImpossible, ReplyWaits, reply
from heard.conversations.second_eyes.precautions import weigh
from heard.events.diary import record, record_many
from heard.events.models import Event
from heard.knowledge import saving
from heard.knowledge.keeping import take_in_sheet
from heard.knowledge.models import HouseFact, SavedAnswer
from heard.knowledge.sheets import Line
from heard.lib.jobs import jobs
from heard.meter.models import DayFigures
from heard.sample import company
from heard.sample.answers import ANSWERS
from heard.sample.events import events
from heard.sample.facts import FACTS
from heard.sample.happenings import Deed, Happening, Said
from heard.staff.models import Brand, Place, Role, Team, User

LOCK = 8_201_002
MOST_TRIED = 50
FRESH = timedelta(days=2)
"""Notices older than this have long been read."""

ACKNOWLEDGED = {
    "likes": Acknowledgement.Kind.LIKE,
    "shares": Acknowledgement.Kind.SHARE,
    "thanks": Acknowledgement.Kind.THANK,
}

STAND = """
    UPDATE conversation c SET assignee_id = x.assignee_id,
        snoozed_at = x.snoozed_at, snoozed_until = x.snoozed_until
    FROM json_to_recordset(%s::json) AS x(id bigint, assignee_id bigint, snoozed_at timestamptz,
        snoozed_until timestamptz)
    WHERE c.id = x.id
"""

CORRECT = """
    UPDATE message m SET need = x.need, stance = x.stance, read_by = 'person'
    FROM json_to_recordset(%s::json) AS x(id bigint, need text, stance text) WHERE m.id = x.id
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """How many inboxes have their sixty days, of how many."""

    done: int
    total: int

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to bring."""
        return self.done == self.total


def load(now: datetime) -> User:
    """Bring everything in at once; returns the sample company's owner. Safe to repeat."""
    owner = begin(now)
    fill(now)
    return owner


@transaction.atomic
def begin(now: datetime) -> User:
    """Make the people and inboxes of the sample company, still silent; returns its owner.

    If it is here already nothing is made. `load_sample` is the job that brings the rest.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    if owner := User.objects.filter(is_sample=True, role="owner").first():
        return owner
    brand = Brand.objects.create(name=_free(Brand, company.BRAND), is_sample=True)
    teams = {
        name: Team.objects.create(name=_free(Team, name), is_sample=True) for name in company.TEAMS
    }
    staff = {colleague.key: _employ(colleague, teams) for colleague in company.COLLEAGUES}
    policies = {policy.name: _promise(policy) for policy in company.POLICIES}
    local = now.astimezone(company.ZONE).date()
    monday = local - timedelta(days=local.weekday())
    begun_at = now - timedelta(weeks=company.WEEKS + 1)
    for place in company.PLACES:
        row = Place.objects.create(
            name=_free(Place, place.name), brand=brand, timezone=company.TIMEZONE, is_sample=True
        )
        hours = Hours.objects.create(
            name=_free(Hours, place.name),
            is_sample=True,
            **company.hours_of(place, monday=monday).to_json(),
        )
        for inbox in company.INBOXES:
            if inbox.place == place.key:
                _open(
                    inbox,
                    brand=brand,
                    place=row,
                    hours=hours,
                    policy=policies[inbox.policy],
                    keeper=staff[inbox.keeper],
                    teams=[teams[inbox.team]],
                    created_at=begun_at,
                )
    _save_answers(staff, teams, begun_at=begun_at)
    _say_facts(staff[company.COLLEAGUES[0].key], brand=brand, begun_at=begun_at)
    owner = staff[company.COLLEAGUES[0].key]
    record("sample.begun", subject="user", subject_id=owner.pk, at=now, actor_id=owner.pk)
    return owner


@jobs.task(name="load_sample", queue="sample")
def load_sample(*, now: str) -> None:
    """Bring the sixty days before `now` (ISO 8601) to the sample inboxes that are still silent."""
    fill(datetime.fromisoformat(now))


def fill(now: datetime) -> None:
    """Bring the sixty days before `now` to every sample inbox that is still silent."""
    silent = Inbox.objects.filter(is_sample=True, last_heard_at=None)
    if not silent.exists():
        return
    happened: dict[str, list[Happening]] = defaultdict(list)
    for happening in events(now):
        happened[happening.inbox].append(happening)
    _introduce(happened)
    for pk, key in silent.order_by("pk").values_list("pk", "settings__sample"):
        _fill_inbox(pk, happened[key], now=now)
        _look_at_what_came()
    _let_two_wait(now)


def _look_at_what_came() -> None:
    """Let the database count anew: its plans for an empty house take minutes in a full one."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contact, handle, conversation, message, clock, event")


def progress() -> Progress | None:
    """How far `fill` has come; None when the sample company is not here."""
    inboxes = Inbox.objects.filter(is_sample=True)
    counted = inboxes.aggregate(
        total=models.Count("pk"), done=models.Count("pk", filter=~models.Q(last_heard_at=None))
    )
    return Progress(**counted) if counted["total"] else None


@transaction.atomic
def remove(now: datetime) -> bool:
    """Take the sample company out with everything it brought; False when it is not here.

    What others have come to use (a policy of ours in an inbox of theirs) stays and is theirs.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    inboxes = list(Inbox.objects.select_for_update().filter(is_sample=True))
    people = User.objects.filter(is_sample=True)
    if not inboxes and not people.exists():
        return False
    mine = Conversation.objects.filter(inbox__in=inboxes)
    strangers = set(mine.values_list("contact_id", flat=True)) | set(
        Message.objects.filter(inbox__in=inboxes).values_list("contact_id", flat=True)
    )
    elsewhere = set(
        Conversation.objects.exclude(inbox__in=inboxes)
        .filter(contact_id__in=strangers)
        .values_list("contact_id", flat=True)
    )
    days = set(DayFigures.objects.filter(inbox__in=inboxes).values_list("day", flat=True))
    days |= set(StaleDay.objects.filter(inbox__in=inboxes).values_list("day", flat=True))
    ids = list(mine.values_list("pk", flat=True))
    Event.objects.filter(subject="conversation", subject_id__in=ids).delete()
    Event.objects.filter(subject="inbox", subject_id__in=[inbox.pk for inbox in inboxes]).delete()
    saved = SavedAnswer.objects.filter(is_sample=True)
    Event.objects.filter(
        subject="answer", subject_id__in=list(saved.values_list("pk", flat=True))
    ).delete()
    saved.delete()
    HouseFact.objects.filter(brand__is_sample=True, said_by__is_sample=True).delete()
    Event.objects.filter(subject="housefact", actor__in=people).delete()
    Event.objects.filter(
        subject="user", subject_id__in=list(people.values_list("pk", flat=True))
    ).delete()
    Inbox.objects.filter(pk__in=[inbox.pk for inbox in inboxes]).delete()
    Contact.objects.filter(pk__in=strangers - elsewhere - {None}).delete()
    Flood.objects.filter(messages=None).delete()
    _leave_or_delete(Policy.objects.filter(is_sample=True), used=Inbox.objects, by="policy")
    _leave_or_delete(Hours.objects.filter(is_sample=True), used=Inbox.objects, by="hours")
    _leave_or_delete(Team.objects.filter(is_sample=True), used=Inbox.objects, by="teams")
    _leave_or_delete(Place.objects.filter(is_sample=True), used=Inbox.objects, by="place")
    _leave_or_delete(Brand.objects.filter(is_sample=True), used=Place.objects, by="brand")
    people.delete()
    _count_voices_again(days)
    record("sample.removed", subject="house", subject_id=None, at=now)
    return True


# The house


def _free(model: type[models.Model], name: str) -> str:
    """The name, or if somebody has it already, one that tells them apart."""
    rows: models.QuerySet[Any] = models.QuerySet(model)
    taken = set(rows.filter(name__startswith=name).values_list("name", flat=True))
    names = (name, *(f"{name} ({company.BRAND} {n})" for n in range(1, len(taken) + 1)))
    return next(free for free in names if free not in taken)


def _employ(colleague: company.Colleague, teams: dict[str, Team]) -> User:
    user = User.objects.create_user(
        colleague.email,
        name=colleague.name,
        role=colleague.role,
        timezone=company.TIMEZONE,
        is_sample=True,
    )
    user.teams.set([teams[name] for name in colleague.teams])
    return user


def _promise(policy: company.Policy) -> Policy:
    return Policy.objects.create(
        name=_free(Policy, policy.name),
        first_response_minutes=policy.first_response,
        next_response_minutes=policy.next_response,
        recognition_minutes=policy.recognition,
        resolution_minutes=policy.resolution,
        cool_down_minutes=company.COOL_DOWN_MINUTES,
        is_sample=True,
    )


def _save_answers(staff: dict[str, User], teams: dict[str, Team], *, begun_at: datetime) -> None:
    """The saved answers of the house; one whose short name the house uses already is left out."""
    rows = list(Place.objects.filter(is_sample=True).order_by("pk"))
    places = {it.key: row for it, row in zip(company.PLACES, rows, strict=True)}
    taken = set(saving.shorts())
    for it in ANSWERS:
        if it.short in taken:
            continue
        row = SavedAnswer(
            short=it.short,
            title=it.title,
            text=it.text,
            language=it.language,
            brand=rows[0].brand,
            place=places.get(it.place),
            team=teams.get(it.team),
            kinds=list(it.kinds),
            is_sample=True,
        )
        deed = saving.propose if it.is_proposed else saving.keep
        deed(row, by=staff[it.by], now=begun_at)


def _say_facts(owner: User, *, brand: Brand, begun_at: datetime) -> None:
    """The facts of the house, in its brand alone: they hold for nobody else."""
    rows = list(Place.objects.filter(is_sample=True).order_by("pk"))
    places = {it.key: row.name for it, row in zip(company.PLACES, rows, strict=True)}
    lines = [
        Line(number, it.subject, it.value, it.words, brand.name, places.get(it.place, ""))
        for number, it in enumerate(FACTS, start=1)
    ]
    take_in_sheet(lines, by=owner, now=begun_at)


def _open(inbox: company.Inbox, *, teams: list[Team], **fields: Any) -> None:
    name = _free(Inbox, inbox.name)
    made = Inbox.objects.create(
        name=name,
        kind=inbox.kind,
        slug=free_slug(name),
        address=inbox.address,
        settings={"sample": inbox.key},
        is_public=inbox.is_public,
        is_sample=True,
        **fields,
    )
    made.teams.set(teams)


# The sixty days


@transaction.atomic
def _introduce(happened: dict[str, list[Happening]]) -> None:
    """Let every person be one contact, with all their handles, before anybody speaks."""
    wanted: dict[str, dict[tuple[str, str], None]] = defaultdict(dict)
    for key, happenings in happened.items():
        kind = company.BY_KEY[key].kind
        for it in happenings:
            if isinstance(it, Said) and it.message.kind is Kind.INCOMING:
                name = it.message.sender_name
                person = f"{name} {it.message.sender}" if kind == "card" else name
                wanted[person][kind, it.message.sender] = None
    known = set(
        Handle.objects.filter(
            address__in={address for handles in wanted.values() for _, address in handles}
        ).values_list("kind", "address")
    )
    handles = []
    for person, addresses in wanted.items():
        fresh = [pair for pair in addresses if pair not in known]
        if len(fresh) == len(addresses) > 1:
            handles.append((Contact(name=person), fresh))
    Contact.objects.bulk_create([contact for contact, _ in handles])
    Handle.objects.bulk_create(
        Handle(contact=contact, kind=kind, address=address, name=contact.name)
        for contact, fresh in handles
        for kind, address in fresh
    )


@transaction.atomic
def _fill_inbox(pk: int, happenings: Sequence[Happening], *, now: datetime) -> None:
    """Everything of one inbox; nothing if it is gone, or has been filled in the meantime."""
    inbox = (
        Inbox.objects.select_for_update(of=("self",))
        .select_related("policy", "hours")
        .filter(pk=pk, last_heard_at=None)
        .first()
    )
    if inbox is None:
        return
    said = [it for it in happenings if isinstance(it, Said)]
    heard = [it.message for it in said if it.message.kind is not Kind.NOTE]
    receive(inbox, heard, now=now)
    scene = _Scene(inbox)
    scene.sign_replies()
    scene.write_notes([it for it in said if it.message.kind is Kind.NOTE])
    deeds = [it for it in happenings if isinstance(it, Deed)]
    scene.do([deed for deed in deeds if deed.verb != "corrects"])
    scene.correct([deed for deed in deeds if deed.verb == "corrects"])
    settle(scene.conversations, now=now)
    while sweep(now).is_full:
        pass
    _date_diary(inbox)
    _read_notices(inbox, now=now)
    last_at = max((item.at for item in heard), default=now)
    Inbox.objects.filter(pk=pk).update(last_heard_at=last_at)


def _let_two_wait(now: datetime) -> None:
    """One reply rests until it has cooled, and one waits for a second pair of eyes, if they can."""
    if Review.objects.filter(conversation__inbox__is_sample=True).exists():
        return
    asked = Conversation.objects.filter(
        inbox__is_sample=True,
        inbox__is_public=True,
        status=Conversation.Status.OPEN,
        need="answer",
        reply_count=0,
    ).select_related("inbox__policy")
    wanted = [(company.SHARP, True), (company.GRAVE, False)]
    for opened in asked.order_by("-last_at")[:MOST_TRIED]:
        author = User.objects.filter(teams__inboxes=opened.inbox, role=Role.AGENT).first()
        if author is None or not wanted:
            continue
        text, rests = wanted[0]
        weight = weigh(opened, text=text, author=author, now=now, is_public=True)
        if bool(weight.reasons) == rests or weight.rests != rests:
            continue
        try:
            reply(opened, text=text, author=author, now=now)
        except ReplyWaits:
            wanted.pop(0)
        except (ReplyBlocked, ReplyImpossible):
            continue


class _Scene:
    """One inbox with its messages in it, in which colleagues do what they did."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.messages: dict[str, tuple[int, int]] = {
            name: (pk, conversation)
            for name, pk, conversation in Message.objects.filter(inbox=inbox).values_list(
                "external_id", "pk", "conversation_id"
            )
        }
        self.conversations = {conversation for _, conversation in self.messages.values()}
        by_email = {user.email: user for user in User.objects.filter(is_sample=True)}
        self.staff = {one.key: by_email[one.email] for one in company.COLLEAGUES}

    def sign_replies(self) -> None:
        """Tell which colleague wrote each reply."""
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE message m SET author_id = u.id FROM staff_user u "
                "WHERE m.inbox_id = %s AND m.kind = 'reply' AND NOT m.is_automatic "
                "AND u.is_sample AND u.name = m.author_name",
                [self.inbox.pk],
            )

    def write_notes(self, notes: Iterable[Said]) -> None:
        """What colleagues told each other."""
        rows = [
            Message(
                conversation_id=self.messages[note.message.parent][1],
                inbox=self.inbox,
                kind=Message.Kind.NOTE,
                text=note.message.text,
                author=self.staff[note.by],
                author_name=self.staff[note.by].name,
                at=note.at,
            )
            for note in notes
        ]
        Message.objects.bulk_create(rows)
        record_many(
            self._event(
                "note.written", row.conversation_id, row.at, row.author, {"message": row.pk}
            )
            for row in rows
        )

    def do(self, deeds: Sequence[Deed]) -> None:
        """All deeds but corrections, in the order of time."""
        diary: list[Event] = []
        rows: dict[type[models.Model], dict[Any, models.Model]] = defaultdict(dict)
        stands: dict[int, dict[str, Any]] = {}
        for n, deed in enumerate(deeds):
            message, conversation = self.messages[deed.message]
            by, at = self.staff[deed.by], deed.at
            stand = stands.setdefault(conversation, {"id": conversation})
            here: dict[str, Any] = {"conversation_id": conversation, "at": at}
            match deed.verb:
                case "opens":
                    rows[Sighting][n] = Sighting(user=by, **here)
                    continue
                case "likes" | "shares" | "thanks":
                    kind = ACKNOWLEDGED[deed.verb]
                    done = Acknowledgement(message_id=message, kind=kind, by=by, **here)
                    rows[Acknowledgement].setdefault((message, kind), done)
                    name = "message.acknowledged"
                    data: dict[str, Any] = {"message": message, "kind": kind.value}
                case "resolves":
                    rows[Resolution][n] = Resolution(by=by, **here)
                    stand.update(snoozed_at=None, snoozed_until=None)
                    name, data = "conversation.resolved", {}
                case "assigns":
                    stand["assignee_id"] = self.staff[deed.text].pk
                    name = "conversation.assigned"
                    data = {"to": self.staff[deed.text].name, "team": ""}
                case "snoozes":
                    until = deed.until.isoformat() if deed.until else None
                    stand.update(snoozed_at=at.isoformat(), snoozed_until=until)
                    name, data = "conversation.snoozed", {"until": until}
                case "promises":
                    assert deed.until is not None
                    rows[Promise][conversation] = Promise(
                        conversation_id=conversation,
                        text=deed.text,
                        due_at=deed.until,
                        made_at=at,
                        made_by=by,
                    )
                    name = "promise.made"
                    data = {"text": deed.text, "due_at": deed.until.isoformat()}
                case _:
                    kept = rows[Promise][conversation]
                    assert isinstance(kept, Promise)
                    kept.kept_at = at
                    name, data = "promise.kept", {}
            diary.append(self._event(name, conversation, at, by, data))
        for model, made in rows.items():
            rows_of: models.QuerySet[Any] = models.QuerySet(model)
            rows_of.bulk_create(made.values())
        with connection.cursor() as cursor:
            cursor.execute(STAND, [json.dumps(list(stands.values()))])
        record_many(diary)

    def correct(self, deeds: Sequence[Deed]) -> None:
        """Set readings right where they are wrong; one that is right is left as the model's."""
        read: dict[int, dict[str, str]] = {
            pk: {"need": need, "stance": stance}
            for pk, need, stance in Message.objects.filter(inbox=self.inbox).values_list(
                "pk", "need", "stance"
            )
        }
        corrections: list[Correction] = []
        diary: list[Event] = []
        for deed in deeds:
            message, conversation = self.messages[deed.message]
            head, _, to = deed.text.partition("=")
            was, by = read[message][head], self.staff[deed.by]
            if was == to:
                continue
            read[message][head] = to
            corrections.append(
                Correction(message_id=message, head=head, was=was, now=to, by=by, at=deed.at)
            )
            data = {"message": message, "head": head, "was": was, "now": to}
            diary.append(self._event("reading.corrected", conversation, deed.at, by, data))
        Correction.objects.bulk_create(corrections)
        changed = [{"id": pk, **read[pk]} for pk in sorted({row.message_id for row in corrections})]
        with connection.cursor() as cursor:
            cursor.execute(CORRECT, [json.dumps(changed)])
        record_many(diary)

    def _event(
        self, name: str, conversation: int, at: datetime, by: User | None, data: dict[str, Any]
    ) -> Event:
        return Event(
            name=name, subject="conversation", subject_id=conversation, at=at, actor=by, data=data
        )


def _date_diary(inbox: Inbox) -> None:
    """Let the diary say when things happened, not when they were loaded."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE event e SET at = m.at, actor_id = m.author_id,
                name = CASE WHEN m.kind = 'reply' THEN 'reply.sent' ELSE e.name END
            FROM message m
            WHERE m.inbox_id = %s AND e.name = 'message.received' AND e.subject = 'conversation'
                AND e.subject_id = m.conversation_id AND (e.data->>'message')::bigint = m.id
            """,
            [inbox.pk],
        )
        cursor.execute(
            """
            UPDATE event e SET at = k.due_at FROM clock k
            WHERE k.inbox_id = %s AND e.name = 'clock.failed' AND e.subject = 'conversation'
                AND e.subject_id = k.conversation_id AND (e.data->>'clock')::bigint = k.id
            """,
            [inbox.pk],
        )


def _read_notices(inbox: Inbox, *, now: datetime) -> None:
    """Only what failed of late is news to anybody."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM notice n USING conversation c WHERE c.id = n.conversation_id"
            " AND c.inbox_id = %s AND NOT (c.status = 'open' AND coalesce(c.due_at > %s, false))",
            [inbox.pk, now - FRESH],
        )


# Out again


def _leave_or_delete(rows: models.QuerySet[Any], *, used: Any, by: str) -> None:
    """Delete what only the sample used; what others use stays, and is theirs from now on."""
    in_use = set(
        used.filter(**{f"{by}__in": rows}).exclude(is_sample=True).values_list(by, flat=True)
    )
    rows.filter(pk__in=in_use).update(is_sample=False)
    rows.exclude(pk__in=in_use).delete()


def _count_voices_again(days: set[date]) -> None:
    """The voices of the whole house on these days were partly those of the sample."""
    DayFigures.objects.filter(inbox=None, day__in=days).delete()
    other = Inbox.objects.order_by("pk").values_list("pk", flat=True).first()
    if other is not None:
        zone = ZoneInfo(settings.TIME_ZONE)
        mark_stale((other, datetime.combine(day, time(12), zone)) for day in days)
