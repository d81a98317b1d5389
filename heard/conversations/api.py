"""The API of inboxes and conversations: the same deeds, and the same sight, as the pages have."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Field, Query, Router, Schema, Status

from heard.channels import hook
from heard.conversations import handling, showing
from heard.conversations.deliveries.journal import keep
from heard.conversations.floods.handling import latest
from heard.conversations.models import (
    Conversation,
    Delivery,
    Inbox,
    Message,
    Review,
    TooClose,
)
from heard.conversations.outbox import replying
from heard.conversations.queries import VIEWS, Filters, page, sight_of
from heard.conversations.second_eyes import reviewing
from heard.conversations.second_eyes.crossing import Known
from heard.staff.api import ApiRequest, Needs
from heard.staff.models import Scope, Team, User
from heard.think import Check

router = Router(tags=["Conversations"])
READ, WRITE, INTAKE = Needs(Scope.READ), Needs(Scope.WRITE), Needs(Scope.INTAKE)
MESSAGES_SHOWN = 100


class Refused(Exception):  # noqa: N818 - not a fault, an answer
    """What was asked does not go; the status and the words for the program that asked."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.more = status, code, more


# What comes in


class Person(Schema):
    """Somebody: an address, and a name if there is one."""

    address: str = Field(max_length=320)
    name: str = ""


class FileIn(Schema):
    """A file, by its bytes; one given by `url` is not fetched, only named."""

    name: str
    content_type: str = "application/octet-stream"
    base64: str | None = None
    url: str | None = None


class MessageIn(Schema):
    """A message as the hook and the API take it; docs/hook.md tells more."""

    id: str = Field(description="Unique in the inbox: the same id again is the same message.")
    text: str = ""
    html: str = ""
    sender: Person | str = Field(alias="from")
    at: datetime | None = Field(None, description="When it was said; without it, now.")
    kind: str = Field("incoming", pattern="^(incoming|reply)$")
    thread: str = ""
    parent: str = ""
    to: Person | str | None = None
    author: str = ""
    subject: str = ""
    public: bool = False
    automatic: bool = False
    language: str = ""
    need: str = ""
    attachments: list[FileIn] = Field(default_factory=list)
    extra: dict[str, Any] = Field(default_factory=dict)


class MessagesIn(Schema):
    """Up to 1,000 messages; one alone may also stand without the list around it."""

    messages: list[MessageIn] = Field(max_length=hook.MESSAGE_LIMIT)


class Kept(Schema):
    """The receipt: stored, and taken in within a moment."""

    delivery: int


class DeliveryOut(Schema):
    """What became of a delivery: `waiting`, `taken`, or `set_aside` with its reason."""

    id: int
    inbox: int = Field(alias="inbox_id")
    state: str
    reason: str
    messages: int = Field(alias="message_count")
    received_at: datetime


def _inlined(model: type[Schema]) -> Any:
    """The shape of a body that is read raw, with nothing left to look up elsewhere."""
    whole = model.model_json_schema()
    parts = whole.pop("$defs", {})

    def filled(part: Any) -> Any:
        if isinstance(part, list):
            return [filled(one) for one in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return filled(parts[part["$ref"].rpartition("/")[2]])
        return {name: filled(one) for name, one in part.items()}

    return filled(whole)


# What goes out


class InboxOut(Schema):
    """One connected account of a channel."""

    id: int
    name: str
    kind: str
    is_public: bool
    last_heard_at: datetime | None


class ConversationOut(Schema):
    """The messages between one contact and one inbox under one thread root."""

    id: int
    inbox: int
    contact: str
    subject: str
    preview: str
    status: str
    need: str
    assignee: int | None
    last_at: datetime | None
    waiting_since: datetime | None
    due_at: datetime | None
    promised_at: datetime | None
    messages: int
    flood: int | None = Field(description="The flood that it is of: the same words, many times.")


class LineOut(ConversationOut):
    """A conversation in a list; in views of what is open one line stands for all of a flood."""

    alike: int = Field(description="How many this line stands for; 1 is itself alone.")


class ConversationsOut(Schema):
    """A page; `after` asks for the next one, empty at the end."""

    conversations: list[LineOut]
    after: str


class FloodOut(Schema):
    """The same words said many times; the meter counts one voice a day and side for all of them.

    Counts are of what the token's person may see, and stop at 1,001: "more than 1,000".
    """

    id: int
    started_at: datetime
    last_at: datetime
    words: str
    conversations: int = Field(alias="sum.all.number")
    open: int = Field(alias="sum.open.number")
    waiting: int = Field(alias="sum.waiting.number")
    failing: int = Field(alias="sum.failing.number", description="Open and overdue.")
    people: int = Field(alias="sum.people.number")


class MessageOut(Schema):
    """Something said: incoming, a reply of ours, or a note for colleagues."""

    id: int
    external_id: str
    kind: str
    at: datetime
    author: str = Field(alias="author_name")
    subject: str
    text: str
    is_public: bool
    language: str
    mood: str
    need: str
    stance: str
    sending: str = Field("", description="waiting, sending, sent, failed or unknown")
    reason: str = Field("", description="Why it was not sent.")

    @staticmethod
    def resolve_sending(message: Message) -> str:
        """Where a reply stands in the outbox."""
        return message.sending.state if hasattr(message, "sending") else ""

    @staticmethod
    def resolve_reason(message: Message) -> str:
        """What the outbox says about it."""
        return message.sending.reason if hasattr(message, "sending") else ""


class ThreadOut(ConversationOut):
    """A conversation with its newest messages in order; `before` asks for older ones."""

    said: list[MessageOut]
    before: int | None


class ReplyIn(Schema):
    """What to answer; `overruled` names the warnings that are sent in spite of.

    `copies` are those in copy of the mail that is answered who shall get the answer too. `newest`
    is the newest message that the writer knew: what colleagues have answered since then is told
    (409), until `knowing` names it.
    """

    text: str = Field(min_length=1, max_length=50_000)
    overruled: list[str] = Field(default_factory=list)
    copies: list[str] = Field(default_factory=list)
    newest: int | None = None
    knowing: list[str] = Field(default_factory=list)


class ReviewOut(Schema):
    """A reply that is kept until it has cooled, or until somebody else has looked at it."""

    id: int
    conversation: int = Field(alias="conversation_id")
    author: int = Field(alias="author_id")
    state: str = Field(description="resting, asked, returned, withdrawn or gone")
    text: str
    reasons: list[dict[str, str]]
    signs: list[dict[str, str]]
    rests_until: datetime
    word: str


class ApprovalIn(Schema):
    """Other words, if they are to go instead; `knowing` names what has crossed it since."""

    text: str | None = Field(None, min_length=1, max_length=50_000)
    overruled: list[str] = Field(default_factory=list)
    knowing: list[str] = Field(default_factory=list)


class WordIn(Schema):
    """Why it is given back."""

    word: str = Field(min_length=1, max_length=1000)


class NoteIn(Schema):
    """What to tell colleagues; it never leaves the house."""

    text: str = Field(min_length=1, max_length=50_000)


class AssignmentIn(Schema):
    """To whom it is given: a person, a team, or nobody."""

    user: int | None = None
    team: int | None = None


@router.get("/inboxes", auth=READ, response=list[InboxOut], summary="Inboxes")
def inboxes(request: ApiRequest) -> Any:
    """Those that the token's person may see."""
    return Inbox.objects.visible_to(request.user).order_by("name")


@router.post(
    "/inboxes/{int:number}/messages",
    auth=INTAKE,
    response={202: Kept},
    summary="Bring messages in",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"anyOf": [_inlined(MessageIn), _inlined(MessagesIn)]}
                }
            },
        }
    },
)
def bring(request: ApiRequest, number: int) -> Status[dict[str, int]]:
    """The twin of the signed hook: one message, or up to 1,000.

    It is kept as it is and read a moment later, so that a thousand messages cost the caller no more
    than one. `Idempotency-Key` makes it safe to send the same again.
    """
    inbox = get_object_or_404(Inbox.objects.visible_to(request.user), pk=number)
    if inbox.kind != hook.kind:
        raise Refused(409, "other_kind", f"An inbox of the kind {inbox.kind} is fed by its place.")
    body = request.body
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "not_json", "The body is not JSON.") from None
    key = request.headers.get("Idempotency-Key", "")
    kept = keep(
        inbox.pk,
        body=body,
        headers={"content-type": "application/json", "token": str(request.auth.pk)},
        external_id=f"api:{key}" if key else "",
        now=timezone.now(),
    )
    return Status(202, {"delivery": kept})


@router.get(
    "/deliveries/{int:number}",
    auth=Needs(Scope.INTAKE, Scope.READ),
    response=DeliveryOut,
    summary="What became of a delivery",
)
def delivery(request: ApiRequest, number: int) -> Delivery:
    """Parts that could not be understood are set aside alone, and listed in the settings."""
    visible = Inbox.objects.visible_to(request.user).values("pk")
    return get_object_or_404(Delivery.objects.defer("body"), pk=number, inbox__in=visible)


class Narrowed(Schema):
    """Which conversations, and how many at once."""

    view: str = Field("all", description=", ".join(VIEWS))
    inbox: int | None = None
    kind: str = ""
    need: str = ""
    team: int | None = None
    assignee: int | None = Field(None, description="0 is nobody")
    flood: int | None = Field(None, description="All of one flood, each by itself.")
    after: str = ""
    size: int = Field(50, ge=1, le=200)


@router.get("/conversations", auth=READ, response=ConversationsOut, summary="Conversations")
def conversations(request: ApiRequest, asked: Query[Narrowed]) -> dict[str, Any]:
    """A view of the inbox, page by page."""
    if asked.view not in VIEWS:
        raise Refused(422, "unknown_view", f"“view” is one of {', '.join(VIEWS)}.")
    filters = Filters(
        inbox=asked.inbox,
        kind=asked.kind,
        need=asked.need,
        team=asked.team,
        assignee=asked.assignee,
        flood=asked.flood,
    )
    try:
        found = page(
            VIEWS[asked.view],
            sight=sight_of(request.user),
            filters=filters,
            now=timezone.now(),
            after=asked.after,
            size=asked.size,
        )
    except ValueError:
        raise Refused(422, "unknown_place", "“after” is not from a page of ours.") from None
    rows = Conversation.objects.in_bulk([row.id for row in found.rows])
    told = [_summary(rows[row.id]) | {"alike": row.alike} for row in found.rows if row.id in rows]
    return {"conversations": told, "after": found.after}


@router.get("/floods", auth=READ, response=list[FloodOut], summary="Floods")
def floods(request: ApiRequest, size: Annotated[int, Query(ge=1, le=200)] = 50) -> Any:
    """The latest first; `conversations?flood=` lists each of one."""
    return latest(sight=sight_of(request.user), now=timezone.now(), limit=size)


@router.get(
    "/conversations/{int:number}", auth=READ, response=ThreadOut, summary="One conversation"
)
def conversation(request: ApiRequest, number: int, before: int | None = None) -> dict[str, Any]:
    """With its newest messages in order; `before` is the id of the oldest one you have."""
    return _thread(_visible(request, number), before=before)


@router.post(
    "/conversations/{int:number}/replies",
    auth=WRITE,
    response={201: MessageOut, 202: ReviewOut},
    summary="Answer",
)
def create_reply(request: ApiRequest, number: int, said: ReplyIn) -> Status[Message | Review]:
    """Checked as a draft in the inbox is: what is held back answers 409 with the findings.

    202 is a reply that does not leave yet: it rests, or somebody else must look at it first.
    """
    now = timezone.now()
    try:
        with _refusing():
            written = replying.reply(
                _visible(request, number),
                text=said.text,
                author=request.user,
                now=now,
                overruled=said.overruled,
                manner=replying.Manner(copies=tuple(said.copies)),
                told=Known(said.newest, now) if said.newest is not None else None,
                knowing=said.knowing,
            )
    except replying.ReplyWaits as waits:
        return Status(202, waits.review)
    return Status(201, written)


@router.get("/reviews", auth=READ, response=list[ReviewOut], summary="Replies that wait")
def reviews(request: ApiRequest) -> Any:
    """Those that have not left yet, in the inboxes that the token's person may see."""
    visible = Conversation.objects.visible_to(request.user).values("pk")
    waiting = Review.objects.filter(state__in=reviewing.OPEN, conversation__in=visible)
    return waiting.order_by("pk")[:MESSAGES_SHOWN]


@router.post(
    "/reviews/{int:number}/approval",
    auth=WRITE,
    response={201: MessageOut},
    summary="Let a reply go",
)
def approve(request: ApiRequest, number: int, given: ApprovalIn) -> Status[Message]:
    """Somebody else has looked at it; nobody approves their own."""
    with _refusing():
        gone = replying.let_out(
            _review(request, number),
            by=request.user,
            now=timezone.now(),
            text=given.text,
            overruled=given.overruled,
            knowing=given.knowing,
        )
    return Status(201, gone)


@router.post(
    "/reviews/{int:number}/return", auth=WRITE, response=ReviewOut, summary="Give a reply back"
)
def give_back(request: ApiRequest, number: int, given: WordIn) -> Review:
    """To its author, with a word."""
    kept = _review(request, number)
    with _refusing():
        reviewing.give_back(kept, word=given.word, by=request.user, now=timezone.now())
    kept.refresh_from_db()
    return kept


@router.post(
    "/reviews/{int:number}/withdrawal",
    auth=WRITE,
    response=ReviewOut,
    summary="Take one's own reply back",
)
def withdraw(request: ApiRequest, number: int) -> Review:
    """It is a draft of its author again."""
    kept = _review(request, number)
    with _refusing():
        reviewing.withdraw(kept, by=request.user, now=timezone.now())
    kept.refresh_from_db()
    return kept


@router.post(
    "/conversations/{int:number}/notes", auth=WRITE, response={201: MessageOut}, summary="Note"
)
def create_note(request: ApiRequest, number: int, said: NoteIn) -> Status[Message]:
    """Tell colleagues something."""
    opened = _visible(request, number)
    try:
        written = handling.note(opened, text=said.text, author=request.user, now=timezone.now())
    except ValueError as error:
        raise Refused(422, "no_words", str(error)) from None
    return Status(201, written)


@router.post(
    "/conversations/{int:number}/resolution", auth=WRITE, response=ThreadOut, summary="Resolve"
)
def resolve(request: ApiRequest, number: int) -> dict[str, Any]:
    """Call it done."""
    opened = _visible(request, number)
    handling.resolve(opened, by=request.user, now=timezone.now())
    return _thread(opened)


@router.put(
    "/conversations/{int:number}/assignment", auth=WRITE, response=ThreadOut, summary="Assign"
)
def assign(request: ApiRequest, number: int, given: AssignmentIn) -> dict[str, Any]:
    """Give it to a person, a team or nobody."""
    opened = _visible(request, number)
    person = get_object_or_404(User, pk=given.user, is_active=True) if given.user else None
    team = get_object_or_404(Team, pk=given.team) if given.team else None
    if person and not Inbox.objects.visible_to(person).filter(pk=opened.inbox_id).exists():
        raise Refused(409, "cannot_see", f"{person} does not see this inbox.")
    if person and TooClose.objects.filter(conversation=opened, user=person).exists():
        raise Refused(409, "too_close", f"{person} has stepped back from this conversation.")
    handling.assign(opened, to=person, by=request.user, now=timezone.now(), team=team)
    return _thread(opened)


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Why a reply does not go, as an answer to the program that asked."""
    try:
        yield
    except replying.ReplyImpossible as impossible:
        why = str(showing.OBSTACLES[impossible.obstacle])
        raise Refused(409, "impossible", why, obstacle=impossible.obstacle.value) from None
    except replying.ReplyBlocked as blocked:
        raise Refused(
            409, "held_back", "The check holds this reply back.", findings=_findings(blocked.check)
        ) from None
    except replying.RepliesCross as cross:
        found = [
            {"key": it.key, "what": it.what, "who": it.who, "text": it.text}
            for it in cross.crossings
        ]
        why = "Somebody else was at this conversation meanwhile."
        raise Refused(409, "crossed", why, crossings=found) from None
    except replying.WordsHeld:
        raise Refused(409, "too_hot", "These words are angrier than those before.") from None
    except replying.TooSoon:
        raise Refused(409, "too_soon", "It has not cooled down yet.") from None
    except reviewing.NotYours:
        raise Refused(409, "not_yours", "This person may not do that with this reply.") from None
    except reviewing.ReviewOver:
        raise Refused(409, "over", "It does not wait any more.") from None
    except ValueError as error:
        raise Refused(422, "no_words", str(error)) from None


def _review(request: ApiRequest, number: int) -> Review:
    visible = Conversation.objects.visible_to(request.user).values("pk")
    return get_object_or_404(Review.objects.filter(conversation__in=visible), pk=number)


def _visible(request: ApiRequest, number: int) -> Conversation:
    rows = Conversation.objects.visible_to(request.user).select_related("inbox__policy")
    return get_object_or_404(rows, pk=number)


def _summary(row: Conversation) -> dict[str, Any]:
    return {
        "id": row.pk,
        "inbox": row.inbox_id,
        "contact": row.contact_name,
        "subject": row.subject,
        "preview": row.preview,
        "status": row.status,
        "need": row.need,
        "assignee": row.assignee_id,
        "last_at": row.last_at,
        "waiting_since": row.waiting_since,
        "due_at": row.due_at,
        "promised_at": row.promised_at,
        "messages": row.incoming_count + row.reply_count,
        "flood": row.flood_id,
    }


def _thread(opened: Conversation, *, before: int | None = None) -> dict[str, Any]:
    messages = opened.messages.select_related("sending").order_by("-at", "-id")
    if before is not None:
        edge = get_object_or_404(opened.messages, pk=before)
        messages = messages.filter(at__lte=edge.at).exclude(at=edge.at, pk__gte=edge.pk)
    said: Sequence[Message] = list(messages[: MESSAGES_SHOWN + 1])
    shown = said[:MESSAGES_SHOWN]
    return _summary(opened) | {
        "said": list(reversed(shown)),
        "before": shown[-1].pk if len(said) > MESSAGES_SHOWN else None,
    }


def _findings(found: Check) -> list[dict[str, Any]]:
    return [
        {
            "code": finding.code,
            "letter": finding.letter.value,
            "light": finding.light.value,
            "says": finding.says,
            "stops": finding.stops,
            "matched": finding.matched,
            "change": finding.change,
            "beside": finding.beside,
        }
        for finding in found.findings
    ]
