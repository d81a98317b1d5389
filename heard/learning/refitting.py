"""Refits a head on what the house's people have said, and puts it to use if it reads better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import transaction

from heard.events.diary import record
from heard.learning.models import Refit
from heard.reading.house import (
    Label,
    Taught,
    TaughtHead,
    loses_what_costs,
    named_by,
    scores,
    ships_with,
    teach,
)
from heard.staff.models import User


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody of the house has said of a message; of `group` is what hangs together."""

    text: str
    says: str
    group: int
    at: datetime
    is_confirmed: bool


class NothingNewError(Exception):
    """Nobody has said anything since the last refit of this head."""


def refit(head: str, said: Sequence[Said], *, by: User | None, now: datetime) -> Refit:
    """Fit a head anew, judge it on what was held out, and use it if it is no worse.

    No worse than the shipped head on all labels, and than the one in use on those labels that it
    has not learnt from, and without losing what costs most to lose; else it is kept aside.
    Raises `NothingNewError`, and `TooFewLabelsError`.
    """
    last = Refit.objects.filter(head=head, ships_with=ships_with()).order_by("-at").first()
    newest = max((one.at for one in said), default=None)
    if last and newest and newest <= last.at:
        raise NothingNewError
    labels = [Label(one.text, one.says, one.group) for one in said]
    taught = teach(head, labels)
    shipped, own, gain = scores(taught.judged)
    with transaction.atomic():
        rows = Refit.objects.select_for_update().filter(head=head)
        active = rows.filter(state=Refit.State.ACTIVE).first()
        because = ""
        if own.value < shipped.value:
            because = Refit.Because.SHIPPED
        elif loses_what_costs(taught.judged):
            because = Refit.Because.LOSES
        elif active and active.ships_with == ships_with() and _is_beaten(taught, active, said):
            because = Refit.Because.ACTIVE
        if active and not because:
            active.state, active.ended_at = Refit.State.REPLACED, now
            active.save(update_fields=["state", "ended_at"])
        made = Refit.objects.create(
            head=head,
            at=now,
            by=by,
            label_count=len(taught.judged.truth),
            confirmed_count=sum(said[place].is_confirmed for place in taught.judged.places),
            shipped_score=shipped.value,
            score=own.value,
            score_low=own.low,
            score_high=own.high,
            gain_low=gain.low,
            gain_high=gain.high,
            state=Refit.State.ASIDE if because else Refit.State.ACTIVE,
            because=because,
            ships_with=ships_with(),
            weights=taught.head.packed(),
        )
        record(
            "reading.refitted",
            subject="refit",
            subject_id=made.pk,
            at=now,
            actor_id=by.pk if by else None,
            data={"head": head, "labels": made.label_count, "state": str(made.state)},
        )
    return made


def _is_beaten(taught: Taught, active: Refit, said: Sequence[Said]) -> bool:
    """Whether the one in use is right more often of what was said after it was fitted."""
    judged = taught.judged
    rows = [row for row, place in enumerate(judged.places) if said[place].at > active.at]
    if not rows:
        return False
    labels = [Label(said[place].text, said[place].says) for place in judged.places]
    used = TaughtHead.unpacked(active.head, bytes(active.weights))
    _, named = named_by(used, [labels[row] for row in rows])
    truth = judged.truth[rows]
    return bool(np.sum(named == truth) > np.sum(judged.taught[rows] == truth))


@transaction.atomic
def revert(refitted: Refit, *, by: User, now: datetime) -> Refit | None:
    """Take the head in use back: the one before it returns, else the shipped one.

    Returns the one that is used from now on. Raises `ValueError` for a head that is not in use.
    """
    rows = Refit.objects.select_for_update().filter(head=refitted.head)
    known = rows.get(pk=refitted.pk)
    if known.state != Refit.State.ACTIVE:
        raise ValueError("only what is in use can be taken back")
    known.state, known.ended_at = Refit.State.REVERTED, now
    known.save(update_fields=["state", "ended_at"])
    before = (
        rows.filter(state=Refit.State.REPLACED, ships_with=ships_with(), at__lt=known.at)
        .order_by("-at")
        .first()
    )
    if before:
        before.state, before.ended_at = Refit.State.ACTIVE, None
        before.save(update_fields=["state", "ended_at"])
    record(
        "reading.reverted",
        subject="refit",
        subject_id=known.pk,
        at=now,
        actor_id=by.pk,
        data={"head": known.head, "to": before.pk if before else None},
    )
    return before
