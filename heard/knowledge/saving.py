"""Deeds on saved answers: kept, proposed, taken over, put away; each wording is remembered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F

from heard.events.diary import record
from heard.knowledge.choosing import plain
from heard.knowledge.gaps import in_our_words
from heard.knowledge.models import SavedAnswer, Wording
from heard.staff.models import User

LONGEST_SHORT = 40
_WORDS_OF_A_SHORT = 3


@transaction.atomic
def keep(answer: SavedAnswer, *, by: User | None, now: datetime) -> SavedAnswer:
    """Keep a saved answer as it is now; a new wording is written down.

    What was proposed is taken over thereby. Raises `IntegrityError` where its short name is taken.
    """
    is_new = answer.pk is None
    was_proposed = (
        not is_new and SavedAnswer.objects.filter(pk=answer.pk, is_proposed=True).exists()
    )
    answer.text = in_our_words(answer.text)
    answer.is_proposed = False
    latest = None if is_new else _latest(answer)
    is_reworded = latest != (answer.title, answer.text)
    if is_reworded:
        answer.said_by, answer.said_at = by, now
    answer.save()
    if is_reworded:
        Wording.objects.create(answer=answer, title=answer.title, text=answer.text, by=by, at=now)
    what = "kept" if is_new else "taken_over" if was_proposed else "changed"
    _write(answer, what, by=by, now=now)
    return answer


@transaction.atomic
def propose(answer: SavedAnswer, *, by: User, now: datetime) -> SavedAnswer:
    """Put words of one's own before a manager, who may take them over."""
    answer.text = in_our_words(answer.text)
    answer.is_proposed = True
    answer.said_by, answer.said_at = by, now
    answer.save()
    Wording.objects.create(answer=answer, title=answer.title, text=answer.text, by=by, at=now)
    _write(answer, "proposed", by=by, now=now)
    return answer


@transaction.atomic
def put_away(answer: SavedAnswer, *, by: User | None, now: datetime) -> None:
    """Let it be chosen no more. It stays, with all it ever said, and can be brought back."""
    answer.archived_at = now
    answer.save(update_fields=["archived_at"])
    _write(answer, "put_away", by=by, now=now)


@transaction.atomic
def bring_back(answer: SavedAnswer, *, by: User | None, now: datetime) -> None:
    """Let it be chosen again. Raises `IntegrityError` where its short name is taken meanwhile."""
    answer.archived_at = None
    answer.save(update_fields=["archived_at"])
    _write(answer, "brought_back", by=by, now=now)


@transaction.atomic
def count_uses(uses: Mapping[int, int]) -> None:
    """Add to how often these saved answers were used, by id."""
    for pk, count in sorted(uses.items()):
        SavedAnswer.objects.filter(pk=pk).update(used_count=F("used_count") + count)


def shorts() -> list[str]:
    """Every short name that can be typed now."""
    return list(SavedAnswer.objects.in_use().values_list("short", flat=True))


def free_short(title: str, *, taken: Iterable[str]) -> str:
    """A short name made of the first words of a title, with a number where that is taken."""
    words = re.findall(r"[a-z0-9]+", plain(title))
    begun = "-".join(words[:_WORDS_OF_A_SHORT])[: LONGEST_SHORT - 4].strip("-") or "answer"
    known = {short.casefold() for short in taken}
    names = [begun, *(f"{begun}-{number}" for number in range(2, len(known) + 3))]
    return next(name for name in names if name not in known)


def _latest(answer: SavedAnswer) -> tuple[str, str] | None:
    return answer.wordings.order_by("-at", "-pk").values_list("title", "text").first()


def _write(answer: SavedAnswer, what: str, *, by: User | None, now: datetime) -> None:
    record(
        f"answer.{what}",
        subject="answer",
        subject_id=answer.pk,
        at=now,
        actor_id=by.pk if by else None,
        data={"short": answer.short},
    )
