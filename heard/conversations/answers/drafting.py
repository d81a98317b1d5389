"""Drafts by the configured server: asked for by a colleague, grounded, shown with their sources.

A draft goes into the composer like words that were typed: the same check looks at it, a person
changes and sends it. Nothing is ever sent by itself.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from heard.assistant import drafting as asked_for
from heard.assistant.consulting import NoSuggestion, consult
from heard.assistant.drafting import Turn
from heard.assistant.models import arranged
from heard.conversations.answers.grounding import grounds_for
from heard.conversations.hiding import masks_of
from heard.conversations.models import Conversation, Drafted, Message
from heard.events.diary import record
from heard.lib.jobs import jobs
from heard.staff.models import User
from heard.think.contact import first_name

TURNS = 8
TRIES = 2
KEPT = timedelta(days=1)
"""For so long the words of a draft are kept."""
GIVEN_UP = timedelta(minutes=5)
"""A draft that has not come by then never will."""

State = Drafted.State


@transaction.atomic
def ask_for_draft(opened: Conversation, *, by: User, now: datetime) -> Drafted:
    """Have a reply drafted for a colleague; one that is under way for them already is that one."""
    waiting = Drafted.objects.filter(
        conversation=opened, by=by, state=State.WAITING, asked_at__gt=now - GIVEN_UP
    ).first()
    if waiting is not None:
        return waiting
    wanted = Drafted.objects.create(conversation=opened, by=by, asked_at=now)
    draft_reply.defer(drafted_id=wanted.pk)
    return wanted


@jobs.task(name="draft_reply", queue="assistant")
def draft_reply(*, drafted_id: int) -> None:
    """Ask the server for one draft. A second run finds it done and stops."""
    wanted = (
        Drafted.objects.filter(pk=drafted_id, state=State.WAITING)
        .select_related("conversation__inbox", "by")
        .first()
    )
    if wanted is not None:
        draft(wanted, now=timezone.now())


def draft(wanted: Drafted, *, now: datetime) -> None:
    """Ask the server, and keep its draft or the reason why there is none."""
    opened, assistant = wanted.conversation, arranged()
    if not assistant.drafts:
        _keep(wanted, reason=_("Drafts are switched off."), now=now)
        return
    said = list(
        opened.messages.exclude(kind=Message.Kind.NOTE)
        .exclude(text="")
        .order_by("-at", "-pk")
        .values_list("kind", "text")[:TURNS]
    )[::-1]
    last = next((text for kind, text in reversed(said) if kind == Message.Kind.INCOMING), "")
    if not last:
        _keep(wanted, reason=_("There is nothing to answer yet."), now=now)
        return
    grounds = grounds_for(opened, last, by=wanted.by, now=now)
    question = asked_for.question(
        [Turn(kind == Message.Kind.REPLY, text) for kind, text in said],
        grounds.sources,
        contact_name=first_name(opened.contact_name),
        agent_name=wanted.by.first_name,
        is_public=opened.inbox.is_public or opened.is_public,
        conversation_id=opened.pk,
        by_id=wanted.by_id,
    )
    mask = masks_of([opened.pk], also=(wanted.by.name, *grounds.names))[opened.pk]
    try:
        answer = consult(assistant, question, mask=mask, now=now, tries=TRIES).found
    except NoSuggestion as problem:
        _keep(wanted, reason=str(problem), now=now)
        return
    wanted.text = mask.restore(answer.text)
    wanted.sources = [
        {"kind": it.kind, "id": it.id, "title": it.title, "used": n in answer.used}
        for n, it in enumerate(grounds.sources)
    ]
    _keep(wanted, reason="", now=now)


@transaction.atomic
def _keep(wanted: Drafted, *, reason: str, now: datetime) -> None:
    wanted.state = State.NOTHING if reason else State.READY
    wanted.reason, wanted.done_at = reason[:300], now
    still = Drafted.objects.filter(pk=wanted.pk, state=State.WAITING)
    if not still.update(
        state=wanted.state,
        reason=wanted.reason,
        text=wanted.text,
        sources=wanted.sources,
        done_at=now,
    ):
        return
    if not reason:
        record(
            "reply.drafted",
            subject="conversation",
            subject_id=wanted.conversation_id,
            at=now,
            actor_id=wanted.by_id,
            data={"drafted": wanted.pk, "sources": wanted.sources},
        )


def settle_draft(reply: Message, *, by: User) -> dict[str, float]:
    """What the diary says of a reply that was written after a draft: how much of it was kept.

    Empty without a draft, and where none of its words are left. Undone, the reply may be sent anew.
    """
    drafted = (
        Drafted.objects.select_for_update()
        .filter(conversation_id=reply.conversation_id, by=by, state=State.READY, reply=None)
        .order_by("-pk")
        .first()
    )
    if drafted is None:
        return {}
    drafted.reply = reply
    drafted.save(update_fields=["reply"])
    share = kept_of(drafted.text, reply.text)
    return {"drafted": drafted.pk, "kept": share} if share else {}


def kept_of(drafted: str, sent: str) -> float:
    """The share of the words of a draft that are in what was sent, rounded to hundredths."""
    before, after = (Counter(re.findall(r"\w+", words.casefold())) for words in (drafted, sent))
    return round((before & after).total() / before.total(), 2) if before else 0.0


@jobs.periodic(cron="7 * * * *")
@jobs.task(name="forget_drafted", queue="background", queueing_lock="forget_drafted")
def forget_drafted(timestamp: int) -> None:  # noqa: ARG001 - given to every periodic job
    """The words of drafts go after a day, sent or not."""
    old = Drafted.objects.filter(asked_at__lt=timezone.now() - KEPT).exclude(text="")
    old.update(text="", state=State.LEFT)
