"""The answer, through the one door: checked, weighed, clocked, and put into the outbox.

Whatever anybody wants to say to a contact comes through here, from a page, a program or a job. A
reply that is hot, or that somebody else must look at, is kept as a review instead; only `let_out`
lets one of those go, through the same checks.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from heard.channels.base import Abilities
from heard.channels.lengths import parts
from heard.conversations.abilities import Obstacle, abilities_of, obstacle, readers_of
from heard.conversations.answers.drafting import settle_draft
from heard.conversations.checks.facts import facts_of
from heard.conversations.checks.weighing import remember
from heard.conversations.clocks.settling import settle
from heard.conversations.handling import promise as keep_promise
from heard.conversations.models import Conversation, Draft, Message, Review, Sending
from heard.conversations.outbox import sending as outbox
from heard.conversations.outbox.sending import deliver
from heard.conversations.second_eyes.crossing import Crossing, Known, crossings, newest_reply
from heard.conversations.second_eyes.precautions import Weight, weigh
from heard.conversations.second_eyes.reviewing import (
    NotYours,
    ReviewOver,
    ask_after_all,
    cool_down,
    end_earlier,
    hand_in,
    held,
    return_to_author,
    tell_of_change,
    who_may_look,
)
from heard.events.diary import record
from heard.lib.jobs import jobs
from heard.staff.models import User
from heard.think import Check, check
from heard.think.second_eyes.heat import anger

NUMBER = re.compile(r" \(\d{1,2}/\d{1,2}\)$")
OVERDUE_AFTER = timedelta(seconds=30)
"""A reply that has cooled, and whose job has been lost, is let out after this time."""


class ReplyBlocked(Exception):  # noqa: N818 - not a fault, an answer
    """The check says that the draft must not leave, or warns of what nobody has overruled yet."""

    def __init__(self, found: Check) -> None:
        super().__init__("the check holds the reply back")
        self.check = found


class ReplyWaits(Exception):  # noqa: N818 - not a fault, an answer
    """The reply is kept and does not leave yet: `review` says why, and what it waits for."""

    def __init__(self, review: Review) -> None:
        super().__init__("the reply waits")
        self.review = review


class RepliesCross(Exception):  # noqa: N818 - not a fault, an answer
    """Somebody else has answered or writes an answer, since this one was begun."""

    def __init__(self, found: Sequence[Crossing]) -> None:
        super().__init__("replies cross")
        self.crossings = tuple(found)


class WordsHeld(Exception):  # noqa: N818 - not a fault, an answer
    """These words may not go this way: they are hot, or somebody else must look at them first."""

    def __init__(self, weight: Weight) -> None:
        super().__init__("the words are held back")
        self.weight = weight


class TooSoon(Exception):  # noqa: N818 - not a fault, an answer
    """It has not cooled down yet."""


class TooLateToUndo(Exception):  # noqa: N818 - not a fault, an answer
    """The reply is on its way or gone."""


class ReplyImpossible(Exception):  # noqa: N818 - not a fault, an answer
    """The place does not take a reply now; `obstacle` says why."""

    def __init__(self, found: Obstacle) -> None:
        super().__init__(found.value)
        self.obstacle = found


@dataclass(frozen=True, slots=True)
class Manner:
    """How a reply goes: to the person alone, in numbered parts, by an approved template.

    `copies` are the others who get it too, as far as the message that it answers names them.
    """

    is_private: bool = False
    is_split: bool = False
    template: str = ""
    copies: tuple[str, ...] = ()


PLAIN = Manner()
NOTHING_SHOWN: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class _Passed:
    """A text that the check lets through, and where it would go."""

    check: Check
    able: Abilities
    is_public: bool


def reply(
    conversation: Conversation,
    *,
    text: str,
    author: User,
    now: datetime,
    overruled: Collection[str] = (),
    manner: Manner = PLAIN,
    shown: Mapping[str, str] = NOTHING_SHOWN,
    promise: tuple[str, datetime] | None = None,
    told: Known | None = None,
    knowing: Collection[str] = (),
) -> Message:
    """Queue a reply; it leaves after the seconds in which it can be undone. Returns its first part.

    `overruled` names the codes of warnings that the author has read and sends in spite of; the
    diary keeps them. `shown` are the findings that the author has seen, by code with their light.
    `promise` is what it promises and until when, written down once it goes.
    `told` is what the author knew when they began to write, `knowing` the keys of what has crossed
    it and that they know of by now.

    Raises `ReplyBlocked` when a finding stops it, or warns in red and is not overruled;
    `ReplyImpossible` when the place takes none; `RepliesCross` when somebody else was at it;
    `ReplyWaits` when it is kept until it has cooled or somebody has looked at it. The last is
    raised when that is committed: an outer transaction that it ends keeps nothing, and sends
    nothing.
    """
    outcome = _reply(
        conversation,
        text=text,
        author=author,
        now=now,
        overruled=overruled,
        manner=manner,
        shown=shown,
        promise=promise,
        told=told,
        knowing=knowing,
    )
    if isinstance(outcome, Review):
        raise ReplyWaits(outcome)
    return outcome


@transaction.atomic
def _reply(
    conversation: Conversation,
    *,
    text: str,
    author: User,
    now: datetime,
    overruled: Collection[str],
    manner: Manner,
    shown: Mapping[str, str],
    promise: tuple[str, datetime] | None,
    told: Known | None,
    knowing: Collection[str],
) -> Message | Review:
    Conversation.objects.select_for_update().get(pk=conversation.pk)
    passed = _pass(
        conversation, text=text, author=author, now=now, overruled=overruled, manner=manner
    )
    crossed = crossings(conversation, author=author, told=told, knowing=knowing)
    if crossed:
        raise RepliesCross(crossed)
    weight = weigh(
        conversation,
        text=text,
        author=author,
        now=now,
        is_public=passed.is_public,
        found=passed.check,
        overruled=overruled,
    )
    earlier = end_earlier(conversation, author=author, now=now)
    rests_until = _rests_until(conversation, earlier, weight=weight, now=now)
    if weight.reasons or rests_until is not None:
        review = hand_in(
            conversation,
            text=text,
            author=author,
            now=now,
            weight=weight,
            found=passed.check,
            overruled=overruled,
            manner=asdict(manner),
            shown=shown,
            promise=promise,
            newest=newest_reply(conversation),
            rests_until=rests_until,
        )
        Draft.objects.filter(conversation=conversation, author=author).delete()
        if review.state == Review.State.RESTING:
            let_cooled_out.configure(schedule_at=review.rests_until).defer(review_id=review.pk)
        return review
    return _write(
        conversation,
        passed,
        text=text,
        author=author,
        now=now,
        overruled=overruled,
        manner=manner,
        shown=shown,
        promise=promise,
    )


def let_out(
    review: Review,
    *,
    by: User | None,
    now: datetime,
    text: str | None = None,
    overruled: Collection[str] = (),
    knowing: Collection[str] = (),
) -> Message:
    """Let a reply go that has waited: the one way out, and every guard stands here.

    `by` somebody who may look at it approves it, with `text` in other words if they changed it; its
    author confirms it, where nobody else could look and it has cooled down; and nobody (None), the
    clock, lets out what only rested.

    Raises `ReviewOver`; `NotYours`; `TooSoon`; `ReplyBlocked`, `ReplyImpossible` and
    `RepliesCross` as `reply` does; `WordsHeld` when a change would make it hot.
    """
    with transaction.atomic():
        review = held(review)
        if not review.is_open:
            raise ReviewOver
        is_by_other = by is not None and by.pk != review.author_id
        if is_by_other and by is not None and by.pk not in who_may_look(review):
            raise NotYours
        if not is_by_other:
            _may_go_unseen(review, by=by, now=now)
        return _let_out(
            review,
            by=by if is_by_other else None,
            now=now,
            text=review.text if text is None else text,
            overruled=overruled,
            knowing=knowing,
        )


def _may_go_unseen(review: Review, *, by: User | None, now: datetime) -> None:
    """A reply that only rests goes by the clock; one that was asked about, where nobody can look.

    Raises `TooSoon` or `NotYours`.
    """
    if review.state == Review.State.ASKED and (by is None or who_may_look(review)):
        raise NotYours
    if review.rests_until > now:
        raise TooSoon


def _let_out(
    review: Review,
    *,
    by: User | None,
    now: datetime,
    text: str,
    overruled: Collection[str],
    knowing: Collection[str],
) -> Message:
    conversation, author = review.conversation, review.author
    manner = _manner(review)
    is_changed = text.strip() != review.text.strip()
    # Nobody both writes red words and is the second who lets them go.
    allowed = {*review.overruled, *(() if is_changed else overruled)}
    passed = _pass(
        conversation, text=text, author=author, now=now, overruled=allowed, manner=manner
    )
    crossed = crossings(
        conversation, author=author, told=Known(review.newest, review.at), knowing=knowing
    )
    if crossed:
        raise RepliesCross(crossed)
    if is_changed and passed.is_public and anger(text)[0] > anger(review.text)[0]:
        raise WordsHeld(
            weigh(conversation, text=text, author=author, now=now, is_public=passed.is_public)
        )
    if by is None and review.state == Review.State.RESTING:
        weight = weigh(
            conversation,
            text=text,
            author=author,
            now=now,
            is_public=passed.is_public,
            found=passed.check,
            overruled=allowed,
        )
        if weight.reasons:
            raise WordsHeld(weight)
    due = review.promised_at
    message = _write(
        conversation,
        passed,
        text=text,
        author=author,
        now=now,
        overruled=allowed,
        manner=manner,
        shown=review.shown,
        promise=(review.promise_text or text, due) if due is not None and due > now else None,
        review=review,
        approved_by=by,
    )
    review.state, review.by, review.ended_at = Review.State.GONE, by, now
    review.message = message
    review.changed_text = text if is_changed else ""
    review.save(update_fields=["state", "by", "ended_at", "message", "changed_text"])
    if is_changed:
        tell_of_change(review, now=now)
    return message


@jobs.task(name="let_cooled_out", queue="outgoing")
def let_cooled_out(*, review_id: int) -> None:
    """Let a reply go that has cooled down. A second run finds it gone and stops."""
    review = Review.objects.filter(pk=review_id, state=Review.State.RESTING).first()
    if review is not None:
        cooled(review, now=timezone.now())


@transaction.atomic
def cooled(review: Review, *, now: datetime) -> Message | None:
    """What becomes of a reply whose rest is over: it goes, somebody must look after all, or its
    author gets it back. None unless it goes.
    """
    try:
        with transaction.atomic():
            return let_out(review, by=None, now=now)
    except (ReviewOver, TooSoon, NotYours):
        return None
    except WordsHeld as held_back:
        ask_after_all(held(review), weight=held_back.weight, now=now)
    except RepliesCross as cross:
        who = ", ".join(dict.fromkeys(it.who for it in cross.crossings if it.who))
        return_to_author(held(review), word=f"crossed:{who}", by=None, now=now)
    except ReplyBlocked as blocked:
        says = next((it.says for it in blocked.check.findings if it.light == "red"), "")
        return_to_author(held(review), word=f"blocked:{says}", by=None, now=now)
    except ReplyImpossible as impossible:
        word = f"impossible:{impossible.obstacle.value}"
        return_to_author(held(review), word=word, by=None, now=now)
    return None


def take_up_cooled(*, now: datetime) -> int:
    """Let out what cooled down and whose job was lost; returns how many that were."""
    late = Review.objects.filter(
        state=Review.State.RESTING, rests_until__lt=now - OVERDUE_AFTER
    ).order_by("rests_until")
    return sum(cooled(review, now=now) is not None for review in late[:100])


def retry(sending: Sending, *, by: User, now: datetime) -> None:
    """Send a reply again that failed, or of which nobody knows whether it arrived.

    Raises `WordsHeld` when somebody must look at such words by now and nobody has;
    `sending.NotInThatStateError` as `sending.retry` does.
    """
    message = sending.message
    seen = Review.objects.filter(message=message).exclude(by=None).exists()
    author = message.author
    if author is not None and not seen:
        weight = weigh(
            message.conversation,
            text=message.text,
            author=author,
            now=now,
            is_public=message.is_public,
        )
        if weight.reasons:
            raise WordsHeld(weight)
    outbox.retry(sending, by=by, now=now)


def may_say_instead(
    message: Message, *, text: str, by: User, now: datetime, overruled: Collection[str] = ()
) -> None:
    """Whether a reply that is out may be changed to these words at its place.

    Raises `ReplyBlocked`, `ReplyImpossible`, or `WordsHeld` when they are hot or somebody else
    would have to look: such words go as a reply of their own.
    """
    conversation = message.conversation
    manner = Manner(is_private=not message.is_public)
    passed = _pass(conversation, text=text, author=by, now=now, overruled=overruled, manner=manner)
    weight = weigh(
        conversation,
        text=text,
        author=by,
        now=now,
        is_public=message.is_public,
        found=passed.check,
        overruled=overruled,
    )
    if weight.reasons or weight.rests:
        raise WordsHeld(weight)


def _pass(
    conversation: Conversation,
    *,
    text: str,
    author: User,
    now: datetime,
    overruled: Collection[str],
    manner: Manner,
) -> _Passed:
    """The check of a text that is to go. Raises `ReplyImpossible` and `ReplyBlocked`."""
    inbox = conversation.inbox
    is_public = (inbox.is_public or conversation.is_public) and not manner.is_private
    able = abilities_of(inbox, is_public=is_public)
    against = obstacle(conversation, able, now=now, has_template=bool(manner.template))
    if against is not None:
        raise ReplyImpossible(against)
    facts = facts_of(
        conversation,
        author=author,
        now=now,
        is_private=manner.is_private,
        is_split=manner.is_split,
    )
    found = check(text, facts)
    held_back = [
        f for f in found.findings if f.stops or (f.light == "red" and f.code not in overruled)
    ]
    if held_back:
        raise ReplyBlocked(found)
    return _Passed(found, able, is_public)


def _rests_until(
    conversation: Conversation,
    earlier: Review | None,
    *,
    weight: Weight,
    now: datetime,
) -> datetime | None:
    """Until when these words rest; None when they need not.

    Words that were rewritten cool go at once; where only what went before is hot, the rest that
    has begun goes on.
    """
    if not weight.rests:
        return None
    if earlier is not None and not weight.heat.is_in_the_words:
        return None if anger(earlier.text)[0] else earlier.rests_until
    return now + cool_down(conversation)


def _manner(review: Review) -> Manner:
    kept: Mapping[str, Any] = review.manner
    return Manner(
        is_private=bool(kept.get("is_private")),
        is_split=bool(kept.get("is_split")),
        template=str(kept.get("template", "")),
        copies=tuple(kept.get("copies", ())),
    )


def _write(
    conversation: Conversation,
    passed: _Passed,
    *,
    text: str,
    author: User,
    now: datetime,
    overruled: Collection[str],
    manner: Manner,
    shown: Mapping[str, str],
    promise: tuple[str, datetime] | None,
    review: Review | None = None,
    approved_by: User | None = None,
) -> Message:
    """The message, its clock, its lines in the diary and the outbox."""
    able = passed.able
    leaves_at = now + timedelta(seconds=settings.UNDO_SECONDS)
    copies = _copies(conversation, able, manner.copies)
    texts = [text.strip()]
    if manner.is_split and able.length is not None:
        texts = parts(text, limit=able.length, unit=able.unit)
    written: list[Message] = []
    before: Sending | None = None
    for number, part in enumerate(texts):
        message = Message.objects.create(
            conversation=conversation,
            inbox=conversation.inbox,
            kind=Message.Kind.REPLY,
            text=part,
            author=author,
            author_name=author.name,
            at=now + timedelta(microseconds=number),
            is_public=passed.is_public,
            up=conversation.root,
        )
        before = Sending.objects.create(
            message=message,
            not_before=leaves_at,
            updated_at=now,
            is_private=manner.is_private,
            template=manner.template,
            copies=copies,
            after=before,
        )
        written.append(message)
    remember(written[0], passed.check, shown=shown, by=author, now=now)
    if review is None:
        Draft.objects.filter(conversation=conversation, author=author).delete()
    if conversation.assignee_id is None:
        conversation.assignee = author
        conversation.save(update_fields=["assignee"])
    seen: dict[str, Any] = {}
    if review is not None:
        seen = {"review": review.pk, "approved_by": approved_by.name if approved_by else ""}
    record(
        "reply.queued",
        subject="conversation",
        subject_id=conversation.pk,
        at=now,
        actor_id=author.pk,
        data={
            "message": written[0].pk,
            "overruled": sorted({f.code for f in passed.check.findings} & set(overruled)),
            **seen,
            **settle_draft(written[0], by=author),
        },
    )
    settle([conversation.pk], now=now)
    if promise is not None and promise[1] > now:
        keep_promise(conversation, text=promise[0], due_at=promise[1], by=author, now=now)
    first = written[0].sending
    deliver.configure(schedule_at=leaves_at).defer(sending_id=first.pk)
    return written[0]


@transaction.atomic
def undo(message: Message, *, by: User, now: datetime) -> str:
    """Take a reply back before it leaves and return its text, which becomes the draft again.

    Of a numbered thread all parts are taken back together.

    Raises `TooLateToUndo` when it has begun to leave.
    """
    taken = Sending.objects.select_for_update().filter(
        message=message, state=Sending.State.WAITING, try_count=0
    )
    if not taken.exists():
        raise TooLateToUndo
    conversation_id = message.conversation_id
    text = _unsplit(message, now=now)
    Draft.objects.update_or_create(
        conversation_id=conversation_id,
        author=by,
        defaults={"text": text, "kind": Message.Kind.REPLY, "updated_at": now},
    )
    record(
        "reply.undone",
        subject="conversation",
        subject_id=conversation_id,
        at=now,
        actor_id=by.pk,
    )
    settle([conversation_id], now=now)
    return text


def _copies(
    conversation: Conversation, able: Abilities, wanted: Collection[str]
) -> list[str] | None:
    """Those of the wanted whom the message that is answered names; nobody else gets our words."""
    if not wanted or not able.copies:
        return None
    answered = (
        conversation.messages.filter(kind=Message.Kind.INCOMING)
        .order_by("-at", "-id")
        .values_list("extra", "handle__address")
        .first()
    )
    told, sender = answered or ({}, "")
    readers = readers_of(conversation.inbox.kind, able, sender=sender or "", told=told or {})
    return [one for one in readers.copies if one in wanted] or None


def _unsplit(message: Message, *, now: datetime) -> str:
    """Remove a reply, or every part of a numbered thread; returns the words without numbers.

    What somebody approved has not gone out: sent again, it is looked at again.
    """
    here = Sending.objects.filter(message=message).first()
    while here is not None and here.after is not None:
        here = here.after
    messages = []
    while here is not None:
        messages.append(here.message)
        here = Sending.objects.filter(after=here).select_related("message").first()
    written = messages or [message]
    texts = [NUMBER.sub("", it.text) if len(written) > 1 else it.text for it in written]
    Review.objects.filter(message__in=written).update(state=Review.State.WITHDRAWN, ended_at=now)
    Message.objects.filter(pk__in=[it.pk for it in written]).delete()
    return " ".join(texts)
