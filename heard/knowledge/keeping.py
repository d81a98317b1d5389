"""Facts are kept one by one or by the sheet; the diary says who stood for what, and when."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from heard.events.diary import record
from heard.knowledge.models import HouseFact
from heard.knowledge.sheets import Line, SheetError, line_says
from heard.lib.modelforms import ModelForm
from heard.staff.arranging import keep
from heard.staff.models import Brand, Place, User

Key = tuple[str, int | None, int | None, str]


@dataclass(frozen=True, slots=True)
class Taken:
    """How many facts of a sheet were new, changed, and the same as before."""

    new: int
    changed: int
    same: int


@transaction.atomic
def keep_fact(form: ModelForm[HouseFact], *, by: User, now: datetime) -> None:
    """Keep one fact as it was filled in (the form has been checked), in the name of `by`."""
    form.instance.said_by, form.instance.said_at = by, now
    keep(form, by=by, now=now)


@transaction.atomic
def take_in_sheet(lines: list[Line], *, by: User, now: datetime) -> Taken:
    """Keep every line of a sheet, or none: a subject that is known in its scope gets the new value.

    Raises `SheetError` with a sentence for each line that cannot be kept.
    """
    told = _facts_of(lines)
    known = {_key(fact): fact for fact in HouseFact.objects.select_for_update()}
    new: list[HouseFact] = []
    changed: list[HouseFact] = []
    for fact in told:
        fact.said_by, fact.said_at = by, now
        old = known.get(_key(fact))
        if old is None:
            new.append(fact)
        elif _said(old) != _said(fact):
            fact.pk = old.pk
            changed.append(fact)
    HouseFact.objects.bulk_create(new)
    HouseFact.objects.bulk_update(changed, [*_SAID, "said_by", "said_at"])
    taken = Taken(len(new), len(changed), len(told) - len(new) - len(changed))
    record(
        "housefact.imported",
        subject="housefact",
        subject_id=None,
        at=now,
        actor_id=by.pk,
        data=asdict(taken),
    )
    return taken


_SAID = ("subject", "words", "value", "valid_until")


def _said(fact: HouseFact) -> tuple[object, ...]:
    return tuple(getattr(fact, name) for name in _SAID)


def _key(fact: HouseFact) -> Key:
    return fact.subject.lower(), fact.brand_id, fact.place_id, fact.language


def _facts_of(lines: list[Line]) -> list[HouseFact]:
    """The facts of a sheet, not kept yet, each subject once in its scope."""
    brands = {brand.name.casefold(): brand for brand in Brand.objects.all()}
    places = {place.name.casefold(): place for place in Place.objects.all()}
    facts: dict[Key, HouseFact] = {}
    wrong: list[str] = []
    for line in lines:
        brand, place = brands.get(line.brand.casefold()), places.get(line.place.casefold())
        fact = HouseFact(
            subject=line.subject,
            words=line.words,
            value=line.value,
            brand=brand,
            place=place,
            language=line.language,
            valid_until=line.valid_until,
        )
        why = ""
        if line.brand and brand is None:
            why = _("no brand is called %(name)s.") % {"name": line.brand}
        elif line.place and place is None:
            why = _("no place is called %(name)s.") % {"name": line.place}
        elif _key(fact) in facts:
            why = _("%(subject)s stands there twice.") % {"subject": line.subject}
        if why:
            wrong.append(line_says(line.number, why))
        facts[_key(fact)] = fact
    if wrong:
        raise SheetError(wrong)
    return list(facts.values())
