"""Consulting the model server: masked, remembered, paid from the day's budget, and written down.

Every way to the server goes through `consult`. It waits for somebody else, so it belongs into a job
(or behind the button that tries the server out), never into a transaction.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, TypeVar

from django.db import transaction
from django.utils.translation import gettext as _

from heard.assistant import budget
from heard.assistant.asking import (
    NotAnsweredError,
    Said,
    Schema,
    Server,
    ask,
    most_tokens_of,
    request_of,
)
from heard.assistant.masking import Mask
from heard.assistant.models import Assistant, Consultation
from heard.lib.sealing import UnsealError, unseal

T = TypeVar("T")
Outcome = Consultation.Outcome

TRIES = 3
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 20.0
SHORTEST_REST = timedelta(minutes=1)
LONGEST_REST = timedelta(hours=6)


class NoSuggestion(Exception):  # noqa: N818 - not a fault, an answer
    """The server has nothing to say that can be used; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """What is asked: our instructions, and the words of others or of the house, not yet masked.

    `parse` makes something of the answer, None where it is unusable. `most_tokens` is the longest
    answer.
    """

    purpose: str
    instructions: str
    words: str
    schema: Schema
    parse: Callable[[str], T | None]
    most_tokens: int = 100
    conversation_id: int | None = None
    by_id: int | None = None


@dataclass(frozen=True, slots=True)
class Consulted(Generic[T]):
    """What the answer was taken for, still with placeholders, and its row in the log."""

    found: T
    row: Consultation


def consult(
    assistant: Assistant,
    question: Question[T],
    *,
    mask: Mask,
    now: datetime,
    tries: int = TRIES,
    is_patient: bool = False,
    wait: Callable[[float], None] = time.sleep,
) -> Consulted[T]:
    """Ask, or remember what was answered to the same masked words. Raises `NoSuggestion`.

    Tries again after a rising wait where that may help. `is_patient` asks also while the server
    rests after trouble. Every try is a row of the log and a call of the budget.
    """
    if not assistant.is_reachable:
        raise NoSuggestion(_("No model server is set up."))
    said = [Said("system", question.instructions), Said("user", mask.hide(question.words))]
    server = server_of(assistant)
    asked = _Asked(assistant, server, question, said, now)
    if (known := asked.remembered()) is not None:
        return known
    if assistant.rests_until and assistant.rests_until > now and not is_patient:
        raise NoSuggestion(_("The server rests after trouble: %s") % assistant.trouble)
    for attempt in range(1, tries + 1):
        try:
            return asked.try_once()
        except NotAnsweredError as error:
            if error.is_about_schema and asked.server.takes_schema:
                Assistant.objects.filter(pk=1).update(takes_schema=False)
                asked.server = replace(asked.server, takes_schema=False)
                continue
            pause = error.wait_seconds or FIRST_WAIT_SECONDS * 4 ** (attempt - 1)
            if not error.may_pass or attempt == tries or pause > LONGEST_WAIT_SECONDS:
                _rest(assistant, error, now=now)
                raise NoSuggestion(str(error)) from error
            wait(pause)
    raise NoSuggestion(_("The server does not understand the question."))


def server_of(assistant: Assistant) -> Server:
    """How the server is spoken to. Raises `NoSuggestion` when its key cannot be unsealed."""
    try:
        key = unseal(assistant.key) if assistant.key else ""
    except UnsealError:
        says = _("Its key was sealed with another secret key of this house; write it in again.")
        raise NoSuggestion(says) from None
    return Server(
        assistant.url,
        assistant.model,
        key,
        assistant.allow_private,
        assistant.timeout_seconds,
        assistant.takes_schema,
    )


class _Asked(Generic[T]):
    """One question on its way."""

    def __init__(
        self,
        assistant: Assistant,
        server: Server,
        question: Question[T],
        said: Sequence[Said],
        now: datetime,
    ) -> None:
        self.assistant, self.server, self.question = assistant, server, question
        self.said, self.now = said, now

    @property
    def body(self) -> dict[str, Any]:
        return request_of(
            self.server,
            self.said,
            schema=self.question.schema,
            most_tokens=self.question.most_tokens,
        )

    @property
    def digest(self) -> str:
        known = [self.server.url, self.body]
        return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()

    def remembered(self) -> Consulted[T] | None:
        """What was answered to the same words before, as long as that is kept."""
        since = self.now - timedelta(days=self.assistant.keep_days)
        before = (
            Consultation.objects.filter(digest=self.digest, outcome=Outcome.ANSWERED, at__gt=since)
            .exclude(answer="")
            .order_by("-at")
            .values_list("answer", flat=True)
            .first()
        )
        found = None if before is None else self.question.parse(before)
        if before is None or found is None:
            return None
        return Consulted(found, self._written(Outcome.REMEMBERED, answer=before))

    def try_once(self) -> Consulted[T]:
        """Ask once. Raises `NotAnsweredError`, and `NoSuggestion` where asking on is no use."""
        tokens_in = most_tokens_of(self.said)
        kept = budget.set_aside(
            self.assistant,
            tokens_in=tokens_in,
            tokens_out=self.question.most_tokens,
            now=self.now,
        )
        if kept is None:
            self._written(Outcome.SPENT)
            raise NoSuggestion(_("The budget of the day is spent."))
        # Before it leaves: whatever becomes of this process, the log says what has left.
        row = self._written(Outcome.UNANSWERED, reason=_("No answer has come yet."))
        begun = time.monotonic()
        try:
            answered = ask(self.server, self.body, now=self.now)
        except NotAnsweredError as error:
            with transaction.atomic():
                if not error.is_billed:
                    budget.pay(kept, tokens=0, money=Decimal(0))
                _ended(row, error.outcome, reason=str(error)[:300], begun=begun)
            raise
        # A server that counts no tokens is charged for what was set aside.
        used_in = tokens_in if answered.tokens_in is None else answered.tokens_in
        counted_out = answered.tokens_out
        used_out = self.question.most_tokens if counted_out is None else counted_out
        money = self.assistant.cost(tokens_in=used_in, tokens_out=used_out)
        found = self.question.parse(answered.text)
        with transaction.atomic():
            budget.pay(kept, tokens=used_in + used_out, money=money)
            _ended(
                row,
                Outcome.UNUSABLE if found is None else Outcome.ANSWERED,
                begun=begun,
                answer=answered.text,
                tokens_in=used_in,
                tokens_out=used_out,
                money=money,
            )
        _recover(self.assistant)
        if found is None:
            raise NoSuggestion(_("The server answered with something that cannot be used."))
        return Consulted(found, row)

    def _written(self, outcome: str, *, reason: str = "", answer: str = "") -> Consultation:
        """Write it into the log. What was only remembered lies there already."""
        words = "" if outcome == Outcome.REMEMBERED else self.said[-1].text
        return Consultation.objects.create(
            at=self.now,
            purpose=self.question.purpose,
            conversation_id=self.question.conversation_id,
            by_id=self.question.by_id,
            model=self.server.model,
            digest=self.digest,
            sent=words.replace("\x00", ""),
            outcome=outcome,
            reason=reason,
            answer=answer,
        )


def _ended(row: Consultation, outcome: str, *, begun: float, reason: str = "", **told: Any) -> None:
    """Write down what became of a call."""
    told |= {"outcome": outcome, "reason": reason}
    told["milliseconds"] = int((time.monotonic() - begun) * 1000)
    for name, value in told.items():
        setattr(row, name, value)
    row.save(update_fields=list(told))


def _rest(assistant: Assistant, error: NotAnsweredError, *, now: datetime) -> None:
    """After trouble the server is left alone, longer each time."""
    rest = min(SHORTEST_REST * 2 ** min(assistant.trouble_count, 12), LONGEST_REST)
    if error.wait_seconds:
        rest = max(rest, min(timedelta(seconds=error.wait_seconds), LONGEST_REST))
    Assistant.objects.filter(pk=1).update(
        rests_until=now + rest,
        trouble=str(error)[:300],
        trouble_count=min(assistant.trouble_count + 1, 1_000),
    )


def _recover(assistant: Assistant) -> None:
    if assistant.trouble_count:
        Assistant.objects.filter(pk=1).update(rests_until=None, trouble="", trouble_count=0)
        assistant.trouble_count, assistant.rests_until, assistant.trouble = 0, None, ""
