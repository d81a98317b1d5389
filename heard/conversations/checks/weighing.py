"""Whether a rule of the check is worth its place here: who saw it, and what they thought of it.

A row for each finding that was shown while a reply was written, made when the reply leaves or when
somebody says *useful* or *not here*. A rule that is mostly overruled speaks more quietly: see
`weigh`. Nothing is worked out of a person; who saw it is kept to count that there were several.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from heard.conversations.models import Conversation, FindingSeen, Message, Rule
from heard.events.diary import record, record_many
from heard.events.models import Event
from heard.lib.jobs import jobs
from heard.lib.shares import wilson
from heard.lib.statements import fetch
from heard.staff.models import User
from heard.think import Check, Light
from heard.think.softening import FIRM

WINDOW = timedelta(days=180)
"""What is older counts no more: a rule that was softened is asked anew some day."""
LEAST_COUNT = 20
LEAST_PEOPLE = 2
"""So that nobody can silence a rule alone; in a house of one person, one is enough."""
MOSTLY = 0.5
MOST_SHOWN = 40
"""More findings than these are taken for no honest form."""
MOST_ROWS = 50

CODE = re.compile(r"([a-z]{2,12}\.[a-z_]{2,27}):(red|amber)")

AGAINST = "(f.felt = 'not_here' OR (f.was_kept AND f.felt <> 'useful'))"
COUNTS = "(f.message_id IS NOT NULL OR f.felt <> '')"

EVIDENCE = f"""
    SELECT f.code, f.light, count(*), count(*) FILTER (WHERE {AGAINST}),
        count(*) FILTER (WHERE f.felt = 'useful'), count(*) FILTER (WHERE f.felt = 'not_here'),
        count(DISTINCT f.by_id)
    FROM finding_seen f LEFT JOIN think_rule r ON r.code = f.code
    WHERE f.at > %(since)s AND f.at > coalesce(r.counted_since, '-infinity') AND {COUNTS}
    GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks against a rule while it showed one light, within `WINDOW`.

    `against` are the findings called *not here*, and those whose words went out all the same
    without being called *useful*; `low` and `high` bound its share (Wilson, 95 %).
    """

    count: int
    against: int
    useful: int
    not_here: int
    people: int

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Between what the share against it lies; None without rows."""
        return wilson(self.against, self.count)

    def is_mostly_against(self, *, needed_people: int = LEAST_PEOPLE) -> bool:
        """Whether the house mostly overrules it: surely more than half, of enough, by several."""
        low, _ = self.bounds
        is_enough = self.count >= LEAST_COUNT and self.people >= needed_people
        return is_enough and low is not None and low > MOSTLY


NO_EVIDENCE = Evidence(0, 0, 0, 0, 0)


# While a reply is written


def softened() -> dict[str, Light]:
    """The most that rules may show here, by code; others are as they were made: one query."""
    rows = Rule.objects.exclude(choice="", most="").values_list("code", "choice", "most")
    found = {code: choice or most for code, choice, most in rows}
    return {code: Light(most) for code, most in found.items() if most in _QUIETER}


_QUIETER = {Light.AMBER.value, Light.GREEN.value}


def shown_in(told: Iterable[str]) -> dict[str, str]:
    """The findings that a form says were shown (`code:light`), the graver light of each."""
    found: dict[str, str] = {}
    for one in list(told)[: 2 * MOST_SHOWN]:
        match = CODE.fullmatch(one)
        if match and len(found) < MOST_SHOWN and found.get(match[1]) != "red":
            found[match[1]] = match[2]
    return found


def felt_of(conversation: Conversation, *, by: User) -> dict[str, str]:
    """What this person has said of the findings of the draft they are at: one query."""
    rows = _pending(conversation, by=by).exclude(felt="")
    return dict(rows.values_list("code", "felt"))


@transaction.atomic
def feel(
    conversation: Conversation, *, code: str, light: str, felt: str, by: User, now: datetime
) -> None:
    """Say of a finding that is shown that it is *useful*, or *not here*; "" takes it back.

    Raises `ValueError` for what is no finding, and for any other word.
    """
    if not CODE.fullmatch(f"{code}:{light}") or felt not in ("", *FindingSeen.Felt.values):
        raise ValueError("nothing that can be said of a finding")
    mine = _pending(conversation, by=by).filter(code=code)
    if mine.update(felt=felt, light=light, at=now) == 0 and felt:
        FindingSeen.objects.create(
            code=code, light=light, inbox_id=conversation.inbox_id, conversation=conversation,
            felt=felt, by=by, at=now,
        )  # fmt: skip


def remember(
    message: Message, found: Check, *, shown: Mapping[str, str], by: User, now: datetime
) -> None:
    """Keep which findings were shown before this reply, and whether their words went out.

    `shown` is the light of each by its code; `found` is the check of what is sent. What was said of
    findings of this draft becomes part of it. Two statements; one where nothing was shown.
    """
    kept = {finding.code for finding in found.findings}
    pending = {
        row.code: row
        for row in FindingSeen.objects.filter(
            conversation_id=message.conversation_id, by=by, message=None
        )
    }
    for code, row in pending.items():
        row.message, row.was_kept, row.at = message, code in kept, now
    FindingSeen.objects.bulk_update(pending.values(), ["message", "was_kept", "at"])
    FindingSeen.objects.bulk_create(
        FindingSeen(
            code=code, light=light, inbox_id=message.inbox_id,
            conversation_id=message.conversation_id, message=message, was_kept=code in kept, by=by,
            at=now,
        )
        for code, light in shown.items()
        if code not in pending
    )  # fmt: skip


def _pending(conversation: Conversation, *, by: User) -> QuerySet[FindingSeen]:
    return FindingSeen.objects.filter(conversation=conversation, by=by, message=None)


# What the house makes of its rules


def evidence(*, now: datetime) -> dict[tuple[str, str], Evidence]:
    """What speaks against each rule, by its code and the light that it showed: one query."""
    rows = fetch(EVIDENCE, {"since": now - WINDOW})
    return {(code, light): Evidence(*counts) for code, light, *counts in rows}


@jobs.periodic(cron="17 * * * *")
@jobs.task(name="weigh_rules", queue="background", queueing_lock="weigh_rules")
def weigh_rules(timestamp: int) -> None:  # noqa: ARG001 - given to every periodic job
    """Once an hour: let rules soften that are mostly overruled, and others come back."""
    weigh(now=timezone.now())


@transaction.atomic
def weigh(*, now: datetime) -> list[Rule]:
    """Keep what follows from the evidence for each rule; returns those that changed.

    A red rule that is mostly overruled (`Evidence.is_mostly_against`) becomes amber; one that shows
    amber, by itself or softened, falls silent. What guards personal data stays (`FIRM`), and so
    does what a manager has chosen.
    """
    found = evidence(now=now)
    needed = min(LEAST_PEOPLE, User.objects.filter(is_active=True).count())
    rules = {rule.code: rule for rule in Rule.objects.select_for_update()}
    changed = []
    for code in {code for code, _ in found} | rules.keys():
        rule = rules.get(code) or Rule(code=code)
        most = "" if code in FIRM else _most(code, found, needed_people=needed)
        if most != rule.most:
            rule.most, rule.changed_by, rule.changed_at = most, None, now
            changed.append(rule)
    for rule in changed:
        rule.save()
    record_many(
        Event(
            name="rule.softened" if rule.most else "rule.restored",
            subject="rule",
            subject_id=None,
            at=now,
            data={"code": rule.code, "most": rule.most},
        )
        for rule in changed
    )
    return changed


@transaction.atomic
def choose(code: str, choice: str, *, by: User, now: datetime) -> Rule:
    """A manager's word on a rule: firm, amber at most, silent; "" puts it back to what it was made,
    and from now on it softens by what comes.

    Raises `ValueError` for a rule that no house can soften, and for any other choice.
    """
    if choice not in ("", *Rule.Choice.values):
        raise ValueError("no such choice")
    if code in FIRM or not CODE.fullmatch(f"{code}:red"):
        raise ValueError("this rule cannot be softened")
    rule, _ = Rule.objects.select_for_update().get_or_create(code=code)
    rule.choice, rule.changed_by, rule.changed_at = choice, by, now
    if not choice:
        rule.most, rule.counted_since = "", now
    rule.save()
    record(
        "rule.chosen",
        subject="rule",
        subject_id=None,
        at=now,
        actor_id=by.pk,
        data={"code": code, "choice": choice},
    )
    return rule


def rows_of(code: str, *, inboxes: Collection[int]) -> list[FindingSeen]:
    """The newest rows of a rule in these inboxes, with the replies that left."""
    rows = FindingSeen.objects.filter(code=code, inbox_id__in=inboxes)
    counted = rows.exclude(message=None, felt="")
    return list(
        counted.select_related("message", "by", "inbox")
        .defer("message__search", "message__html")
        .order_by("-at", "-id")[:MOST_ROWS]
    )


def _most(code: str, found: Mapping[tuple[str, str], Evidence], *, needed_people: int) -> str:
    red, amber = (found.get((code, light), NO_EVIDENCE) for light in ("red", "amber"))
    if amber.is_mostly_against(needed_people=needed_people):
        return Light.GREEN.value
    return Light.AMBER.value if red.is_mostly_against(needed_people=needed_people) else ""
