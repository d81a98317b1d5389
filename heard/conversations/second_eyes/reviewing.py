"""Replies that wait for a second pair of eyes: handing one in, giving it back, taking it back.

Letting one out is the door's: `replying.let_out`. Whoever changes a review holds its conversation
first and the review second, so that of two who act at once one finds it over.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from heard.conversations.clocks.settling import tell
from heard.conversations.handling import assign, note
from heard.conversations.models import Conversation, Draft, Message, Notice, Review, TooClose
from heard.conversations.second_eyes.precautions import Weight, rules_now
from heard.events.diary import record
from heard.lib.statements import fetch
from heard.staff.models import User
from heard.think import Check

OPEN = (Review.State.RESTING, Review.State.ASKED)
MOST_TOLD = 20
MOST_WORDS = 1000

COULD_LOOK = """
    SELECT u.id, u.role <> 'agent' FROM staff_user u
    WHERE u.is_active AND u.id <> %(author)s
        AND (u.role = 'owner'
            OR NOT EXISTS (SELECT FROM inbox_teams t WHERE t.inbox_id = %(inbox)s)
            OR EXISTS (SELECT FROM inbox_teams t JOIN staff_user_teams m ON m.team_id = t.team_id
                WHERE t.inbox_id = %(inbox)s AND m.user_id = u.id))
        AND NOT EXISTS (SELECT FROM too_close c
            WHERE c.conversation_id = %(conversation)s AND c.user_id = u.id)
        AND (u.role <> 'agent' OR (SELECT count(*) FROM (
            SELECT FROM message m WHERE m.author_id = u.id AND m.kind = 'reply' LIMIT %(first)s
        ) x) >= %(first)s)
    ORDER BY u.id
"""

NEXT_ONES = """
    SELECT u.id, (u.role = 'agent') AS answers,
        coalesce(m.team_id = %(team)s, false) AS in_team, u.id = %(keeper)s AS keeps,
        (SELECT count(*) FROM conversation c WHERE c.assignee_id = u.id AND c.status = 'open')
    FROM staff_user u
    LEFT JOIN staff_user_teams m ON m.user_id = u.id AND m.team_id = %(team)s
    WHERE u.is_active AND u.id <> %(me)s
        AND (u.role = 'owner'
            OR NOT EXISTS (SELECT FROM inbox_teams t WHERE t.inbox_id = %(inbox)s)
            OR EXISTS (SELECT FROM inbox_teams t JOIN staff_user_teams m ON m.team_id = t.team_id
                WHERE t.inbox_id = %(inbox)s AND m.user_id = u.id))
        AND NOT EXISTS (SELECT FROM too_close c
            WHERE c.conversation_id = %(conversation)s AND c.user_id = u.id)
"""


class ReviewOver(Exception):  # noqa: N818 - not a fault, an answer
    """It does not wait any more: it went out, was given back or was withdrawn in the meantime."""


class NotYours(Exception):  # noqa: N818 - not a fault, an answer
    """This person may not do that with this review; nobody approves their own."""


def who_may_look(review: Review) -> dict[int, bool]:
    """Who may look at it besides its author, by id, and whether they lead: two queries.

    Those who may see its inbox, do not stand too close to it, and are past their own first replies;
    where the house wants it, only those who lead, as long as there are any. A reply that only
    rests may be looked at by every one of them.
    """
    rules = rules_now()
    conversation = review.conversation
    found: dict[int, bool] = dict(
        fetch(
            COULD_LOOK,
            {
                "author": review.author_id,
                "inbox": conversation.inbox_id,
                "conversation": conversation.pk,
                "first": rules.first_replies or 0,
            },
        )
    )
    leading = dict(one for one in found.items() if one[1])
    return leading if rules.only_leads and review.reasons and leading else found


def hand_in(
    conversation: Conversation,
    *,
    text: str,
    author: User,
    now: datetime,
    weight: Weight,
    found: Check,
    overruled: Collection[str],
    manner: Mapping[str, Any],
    shown: Mapping[str, str],
    promise: tuple[str, datetime] | None,
    newest: int,
    rests_until: datetime | None = None,
) -> Review:
    """Keep a reply until somebody has looked at it or it has cooled; the caller holds the
    conversation and has ended the author's earlier review.
    """
    until = rests_until or now + cool_down(conversation)
    review = Review.objects.create(
        conversation=conversation,
        author=author,
        state=Review.State.ASKED if weight.reasons else Review.State.RESTING,
        text=text,
        at=now,
        rests_until=until,
        reasons=[asdict(reason) for reason in weight.reasons],
        signs=[{"code": s.code, "seen": s.matched} for s in weight.heat.signs if weight.rests],
        findings=[
            {"letter": f.letter.value, "light": f.light.value, "says": f.says, "seen": f.matched}
            for f in found.findings
        ],
        overruled=sorted({f.code for f in found.findings} & set(overruled)),
        manner=manner,
        shown=shown,
        promise_text=promise[0][:200] if promise else "",
        promised_at=promise[1] if promise else None,
        newest=newest,
    )
    if weight.reasons:
        _ask(review, by=author, now=now)
    else:
        _write_down("reply.rested", review, by=author, now=now)
    return review


def ask_after_all(review: Review, *, weight: Weight, now: datetime) -> None:
    """A rule or a flag has come since it was laid to rest; the caller holds the review."""
    review.state = Review.State.ASKED
    review.reasons = [asdict(reason) for reason in weight.reasons]
    review.save(update_fields=["state", "reasons"])
    _ask(review, by=None, now=now)


def cool_down(conversation: Conversation) -> timedelta:
    """For how long a hot reply rests here."""
    return timedelta(minutes=max(1, conversation.inbox.policy.cool_down_minutes))


def end_earlier(conversation: Conversation, *, author: User, now: datetime) -> Review | None:
    """Who writes anew takes back what they had waiting, or were given back; returns what waited.

    The caller holds the conversation.
    """
    mine = Review.objects.filter(conversation=conversation, author=author)
    earlier = mine.select_for_update().filter(state__in=OPEN).first()
    mine.filter(state__in=[*OPEN, Review.State.RETURNED]).update(
        state=Review.State.WITHDRAWN, ended_at=now
    )
    return earlier


def held(review: Review) -> Review:
    """The review and its conversation, held until the transaction ends, as they are now."""
    conversation = (
        Conversation.objects.select_for_update(of=("self",))
        .select_related("inbox__policy")
        .get(pk=review.conversation_id)
    )
    fresh = Review.objects.select_for_update(of=("self",)).select_related("author")
    fresh_review = fresh.get(pk=review.pk)
    fresh_review.conversation = conversation
    return fresh_review


@transaction.atomic
def give_back(review: Review, *, word: str, by: User, now: datetime) -> None:
    """Return it to its author with a word; it is their draft again.

    Raises `ReviewOver`, `NotYours` for its author and whoever may not look, and `ValueError`
    without a word.
    """
    review = held(review)
    if not review.is_open:
        raise ReviewOver
    if by.pk not in who_may_look(review):
        raise NotYours
    if not word.strip():
        raise ValueError("who gives a reply back says why")
    return_to_author(review, word=word, by=by, now=now)


def return_to_author(review: Review, *, word: str, by: User | None, now: datetime) -> None:
    """Put it back into its author's composer; the caller holds the review."""
    review.state, review.by, review.ended_at = Review.State.RETURNED, by, now
    review.word = word.strip()[:MOST_WORDS]
    review.save(update_fields=["state", "by", "ended_at", "word"])
    _keep_as_draft(review, now=now)
    _write_down("review.returned", review, by=by, now=now)
    _notify([review.author_id], "review.returned", review, now=now)


@transaction.atomic
def withdraw(review: Review, *, by: User, now: datetime, as_draft: bool = True) -> None:
    """Take back one's own; its words are one's draft again unless `as_draft` is false.

    Raises `ReviewOver` when it does not wait any more, `NotYours` for everybody else.
    """
    review = held(review)
    if by.pk != review.author_id:
        raise NotYours
    if not review.is_open and review.state != Review.State.RETURNED:
        raise ReviewOver
    review.state, review.ended_at = Review.State.WITHDRAWN, now
    review.save(update_fields=["state", "ended_at"])
    if as_draft:
        _keep_as_draft(review, now=now)
    _write_down("review.withdrawn", review, by=by, now=now)


@transaction.atomic
def step_back(conversation: Conversation, *, by: User, words: str, now: datetime) -> User | None:
    """*I am too close to this*: give it to somebody who is not, and do not offer it to them again.

    To their team, else the keeper, else whoever has least on their hands of those who may see it;
    agents before those who lead. What they have waiting here becomes a draft again. Nothing is
    counted. Returns who has it now; None when there is nobody else: then `words` stay as a note.
    """
    held_now = Conversation.objects.select_for_update(of=("self",)).select_related("inbox")
    conversation = held_now.get(pk=conversation.pk)
    TooClose.objects.get_or_create(conversation=conversation, user=by, defaults={"at": now})
    for review in Review.objects.filter(conversation=conversation, author=by, state__in=OPEN):
        withdraw(review, by=by, now=now)
    record(
        "conversation.stepped_back",
        subject="conversation",
        subject_id=conversation.pk,
        at=now,
        actor_id=by.pk,
    )
    heir = _next_one(conversation, me=by)
    if heir is None:
        note(conversation, text=words, author=by, now=now)
        return None
    assign(conversation, to=heir, team=conversation.team, by=by, now=now)
    Notice.objects.create(
        user=heir, conversation=conversation, kind="conversation.handed", text=by.name[:300], at=now
    )
    return heir


@transaction.atomic
def come_back(conversation: Conversation, *, by: User, now: datetime) -> None:
    """Somebody who stepped back is not too close any more, they say."""
    gone, _ = TooClose.objects.filter(conversation=conversation, user=by).delete()
    if gone:
        record(
            "conversation.came_back",
            subject="conversation",
            subject_id=conversation.pk,
            at=now,
            actor_id=by.pk,
        )
        tell([(conversation.pk, conversation.inbox_id)])


def _next_one(conversation: Conversation, *, me: User) -> User | None:
    rows = fetch(
        NEXT_ONES,
        {
            "me": me.pk,
            "inbox": conversation.inbox_id,
            "conversation": conversation.pk,
            "team": conversation.team_id,
            "keeper": conversation.inbox.keeper_id,
        },
    )
    if not rows:
        return None
    pk, *_ = min(
        rows, key=lambda row: (not row[2], not (row[3] or False), not row[1], row[4], row[0])
    )
    return User.objects.get(pk=pk)


def _ask(review: Review, *, by: User | None, now: datetime) -> None:
    """Those who lead are told, else everybody who may look."""
    may_look = who_may_look(review)
    leading = [pk for pk, leads in may_look.items() if leads]
    _write_down("review.asked", review, by=by, now=now)
    _notify((leading or list(may_look))[:MOST_TOLD], "review.asked", review, now=now)


def _keep_as_draft(review: Review, *, now: datetime) -> None:
    """Its words in its author's composer, unless they have begun to write others there."""
    begun = Draft.objects.filter(conversation=review.conversation, author=review.author)
    if not begun.exclude(text="").exists():
        begun.delete()
        Draft.objects.create(
            conversation=review.conversation,
            author=review.author,
            kind=Message.Kind.REPLY,
            text=review.text,
            updated_at=now,
            begun_at=review.at,
            newest=review.newest,
        )


def _notify(people: Collection[int], kind: str, review: Review, *, now: datetime) -> None:
    Notice.objects.bulk_create(
        Notice(
            user_id=pk, conversation=review.conversation, kind=kind, text=review.author.name, at=now
        )
        for pk in people
    )


def _write_down(name: str, review: Review, *, by: User | None, now: datetime) -> None:
    record(
        name,
        subject="conversation",
        subject_id=review.conversation_id,
        at=now,
        actor_id=by.pk if by else None,
        data={"review": review.pk, "author": review.author.name},
    )
    tell([(review.conversation_id, review.conversation.inbox_id)])


def tell_of_change(review: Review, *, now: datetime) -> None:
    """Let its author know that it went out with words of somebody else."""
    _notify([review.author_id], "review.changed", review, now=now)
