"""Reading as this house has taught it: every message that comes in is read here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from heard.learning.models import Refit
from heard.reading import Reading
from heard.reading.house import House, TaughtHead, read_as, ships_with


@dataclass(slots=True)
class _Kept:
    """The house that this process has unpacked, and of which refits it was made."""

    refits: tuple[int, ...] = ()
    house: House = field(default_factory=lambda: House({}))


_kept = _Kept()


def read(texts: Sequence[str]) -> list[Reading]:
    """Read many texts at once, in order; one query more than the shipped reader, however many."""
    return read_as(house(), texts) if texts else []


def house() -> House:
    """The heads that are in use now. One query; the weights are fetched only when they changed."""
    active = Refit.objects.filter(state=Refit.State.ACTIVE, ships_with=ships_with())
    refits = tuple(active.order_by("pk").values_list("pk", flat=True))
    if refits != _kept.refits:
        rows = active.filter(pk__in=refits).values_list("head", "weights")
        heads = {head: TaughtHead.unpacked(head, bytes(weights)) for head, weights in rows}
        _kept.house, _kept.refits = House(heads), refits
    return _kept.house
