"""Trying the server out: one made-up message, and what it says to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from heard.assistant import second_reading
from heard.assistant.consulting import NoSuggestion, Question, consult
from heard.assistant.masking import Mask
from heard.assistant.models import Assistant, Consultation
from heard.assistant.second_reading import Suggested

EXAMPLE = (
    "Third time I write. My name is Ann Example, order 4711-0815, phone 01632 960 960: the parcel"
    " never came and nobody answers. Never again!"
)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it: the row of the log, what it was taken for, or why it is of no use."""

    row: Consultation | None
    suggested: Suggested | None = None
    problem: str = ""


def try_out(assistant: Assistant, *, by_id: int, now: datetime) -> Tried:
    """Ask the server about a made-up message, as it would be asked about a real one."""
    question: Question[Suggested] = second_reading.question(
        EXAMPLE, purpose=Consultation.Purpose.TEST, by_id=by_id
    )
    mask = Mask(names=["Ann Example"])
    before = Consultation.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    try:
        done = consult(assistant, question, mask=mask, now=now, tries=1, is_patient=True)
    except NoSuggestion as problem:
        mine = Consultation.objects.filter(pk__gt=before, by_id=by_id).order_by("-pk").first()
        return Tried(mine, problem=str(problem))
    return Tried(done.row, done.found)
