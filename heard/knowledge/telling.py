"""What the house knows, told to the check of a draft: what holds here and today."""

from __future__ import annotations

from datetime import date

from django.db.models import Q

from heard.knowledge.models import HouseFact, SavedAnswer, other_names
from heard.staff.models import User
from heard.think import Known

MOST = 2_000
MOST_TEXTS = 300


def known_of(
    *, brand_id: int | None, place_id: int | None, language: str, today: date
) -> tuple[Known, ...]:
    """The facts that hold in this brand and place and language, in one query.

    Of several about one subject the nearest holds: the place's before the brand's before the
    house's, and one in this language before one for all. Of a `language` "" only those for all.
    """
    rows = (
        HouseFact.objects.about(brand_id=brand_id, place_id=place_id)
        .valid_on(today)
        .filter(Q(language="") | Q(language=language))
        .order_by("pk")
        .values_list("subject", "value", "words", "place_id", "brand_id", "language")[:MOST]
    )
    nearest: dict[str, tuple[tuple[bool, bool, bool], Known]] = {}
    for subject, value, words, place, brand, spoken in rows:
        nearness = (place is not None, brand is not None, spoken != "")
        known = nearest.get(subject.casefold())
        if known is None or nearness > known[0]:
            nearest[subject.casefold()] = (nearness, Known(subject, value, other_names(words)))
    return tuple(known for _, known in nearest.values())


def texts_of(*, brand_id: int | None, place_id: int | None, kind: str, by: User) -> tuple[str, ...]:
    """The saved answers that this person may choose here, the latest first, in one query."""
    rows = (
        SavedAnswer.objects.visible_to(by)
        .in_use()
        .fitting(brand_id=brand_id, place_id=place_id, kind=kind)
        .order_by("-pk")
        .values_list("text", flat=True)[:MOST_TEXTS]
    )
    return tuple(rows)
