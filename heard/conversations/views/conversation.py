"""One conversation: its page, what people do with it, and what came with its messages."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from heard.channels.base import Abilities, Act
from heard.conversations import handling, queries, showing
from heard.conversations.abilities import Readers, obstacle, readers_of, side_of
from heard.conversations.cleaning import cleaned
from heard.conversations.colleagues.presence import be_present, leave
from heard.conversations.deliveries.fetching import fetch_again
from heard.conversations.files import attachments
from heard.conversations.intake.merging import heir_of
from heard.conversations.models import (
    Acknowledgement,
    Attachment,
    Conversation,
    Message,
    Promise,
    Review,
)
from heard.conversations.outbox.acting import NotAllowedError, act
from heard.conversations.outbox.replying import ReplyBlocked, ReplyImpossible, WordsHeld
from heard.conversations.queries import VIEWS, Sight, sight_of
from heard.conversations.readings import correcting
from heard.conversations.second_eyes.crossing import Known
from heard.conversations.second_eyes.reviewing import who_may_look
from heard.conversations.thread import Said, Thread, thread
from heard.conversations.views.files import hand_out
from heard.conversations.views.inbox import (
    context_query,
    filters_of,
    hears_calls,
    page_context,
)
from heard.staff.access import StaffRequest, staff_only
from heard.staff.models import Team, User

DEFAULT_VIEW = "open"
MORNING = time(9)
LATER = timedelta(hours=3)
THEIRS = (Act.APPROVE, Act.SPAM, Act.DELETE)
"""What may be done to a message of somebody else's, besides recognising it."""
OURS = (Act.EDIT, Act.DELETE)


def found(request: StaffRequest, number: int) -> tuple[Conversation, Sight]:
    """A conversation that this person may see, and all that they may; else it is not there.

    One that was merged is the one that has its messages now.
    """
    sight = sight_of(request.user)
    mine = Conversation.objects.filter(inbox_id__in=list(sight.doors))
    rows = mine.select_related("assignee", "team")
    opened = rows.filter(pk=number).first()
    if opened is None:
        opened = get_object_or_404(rows, pk=heir_of(number))
    if opened.merged_into_id is not None:
        opened = get_object_or_404(rows, pk=opened.merged_into_id)
    return opened, sight


@staff_only
@require_safe
def conversation(request: StaffRequest, number: int) -> HttpResponse:
    """The conversation; for htmx its pane, else the three panes."""
    opened, sight = found(request, number)
    now = timezone.now()
    if request.method == "GET":
        handling.see(opened, by=request.user, now=now)
    if request.htmx and not request.htmx.history_restore_request:
        return pane(request, opened, sight=sight)
    # The list beside it is asked for by the page: who opens a link waits for what was said alone.
    context = page_context(request) | pane_context(request, opened, sight=sight, now=now)
    context |= {"views": VIEWS, "counts": None, "hears_calls": hears_calls(sight)}
    return render(request, "conversations/inbox.html", context)


@staff_only
@require_safe
def thread_alone(request: StaffRequest, number: int) -> HttpResponse:
    """What has been said, and where it stands, for a page that is open."""
    opened, sight = found(request, number)
    context = pane_context(request, opened, sight=sight, now=timezone.now())
    return render(request, "conversations/_thread_alone.html", context)


def pane(
    request: StaffRequest, opened: Conversation, *, sight: Sight, status: int = 200, **more: Any
) -> HttpResponse:
    """The pane of a conversation, as a fragment."""
    context = pane_context(request, opened, sight=sight, now=timezone.now()) | more
    response = render(request, "conversations/_conversation.html", context, status=status)
    if request.method == "POST":
        response.headers["HX-Push-Url"] = "false"
    return response


def pane_context(
    request: StaffRequest, opened: Conversation, *, sight: Sight, now: datetime
) -> dict[str, Any]:
    """What the pane of a conversation shows: two queries."""
    view = VIEWS.get(request.GET.get("view", ""), VIEWS[DEFAULT_VIEW])
    told = thread(opened, sight=sight, now=now, is_whole="all" in request.GET)
    able = side_of(
        told.door.kind,
        is_public=told.door.is_public or opened.is_public,
        is_sample=told.door.is_sample,
    )
    return {
        "thread": told,
        "conversation": opened,
        "present": told.present,
        "view": view,
        "context_query": context_query(view, filters_of(request.GET, sight=sight)),
        "now": now,
        "show": showing,
        "me": request.user.pk,
        "mode": told.draft_kind,
        "draft": told.draft,
        "check": None,
        "overruled": (),
        "templates": opened.inbox.settings.get("templates", ()) if opened.closes_at else (),
        "able": able,
        "against": obstacle(opened, able, now=now),
        "readers": _readers(told, able),
        "began": str(Known(told.newest_reply, now)),
        "is_alone": _is_alone(told, me=request.user.pk),
    }


def _is_alone(told: Thread, *, me: int) -> bool:
    """Whether a reply of theirs was asked about, and nobody else is there who could look."""
    asked = [it.id for it in told.waiting if it.author_id == me and it.state == "asked"]
    if not asked:
        return False
    review = Review.objects.select_related("conversation").get(pk=asked[0])
    return not who_may_look(review)


def _readers(told: Thread, able: Abilities) -> Readers | None:
    """Who will read the answer to the last message; None before there is one.

    Whoever was left out of an answer to it stays out of the next.
    """
    last = told.last_incoming
    if last is None:
        return None
    readers = readers_of(told.door.kind, able, sender=last.address, told=last.place)
    said = [entry for day in told.days for entry in day.entries if isinstance(entry, Said)]
    ours = [it for it in said if it.kind == "reply" and it.state and it.at > last.at]
    return replace(readers, ticked=ours[-1].copies) if ours else readers


def done(
    request: StaffRequest,
    opened: Conversation,
    *,
    sight: Sight,
    notice: str = "",
    failing: bool = False,
    event: str = "heard:done",
) -> HttpResponse:
    """After a deed: the pane again and word to the page, or without JavaScript the page again."""
    if not request.htmx:
        if notice:
            messages.add_message(request, messages.ERROR if failing else messages.SUCCESS, notice)
        return HttpResponseRedirect(address(request, opened))
    response = pane(request, opened, sight=sight)
    events: dict[str, Any] = {event: {"id": opened.pk}}
    if notice:
        events["notice"] = {"text": notice, "kind": "failing" if failing else ""}
    response.headers["HX-Trigger"] = json.dumps(events)
    return response


def address(request: StaffRequest, opened: Conversation) -> str:
    """The page of a conversation, in the list it was opened from."""
    query = request.GET.urlencode()
    return reverse("conversation", args=[opened.pk]) + (f"?{query}" if query else "")


def sheet(request: StaffRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """A small form: in the dialog of the open page, or as a page of its own."""
    context |= {"show": showing, "now": timezone.now(), "sheet": template}
    status = 422 if context.get("problem") else 200
    if not request.htmx:
        return render(request, "conversations/sheet.html", context, status=status)
    response = render(request, template, context, status=status)
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#sheet", "innerHTML"
    return response


# What people do with it


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def assignment(request: StaffRequest, number: int) -> HttpResponse:
    """Who can take it; giving it to one of them."""
    opened, sight = found(request, number)
    choices = queries.choices(sight, inbox=opened.inbox_id, conversation=opened.pk)
    if request.method != "POST":
        context = {"conversation": opened, "choices": choices, "me": request.user.pk}
        return sheet(request, "conversations/_assign.html", context)
    kind, _, chosen = request.POST.get("to", "").partition("-")
    person = team = None
    if kind == "person" and chosen in {str(person.id) for person in choices.people}:
        person = User.objects.get(pk=int(chosen))
    elif kind == "team" and chosen in {str(pk) for pk, _ in choices.teams}:
        team = Team.objects.get(pk=int(chosen))
    elif kind != "nobody":
        raise Http404
    handling.assign(opened, to=person, team=team, by=request.user, now=timezone.now())
    return done(request, opened, sight=sight)


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def snooze(request: StaffRequest, number: int) -> HttpResponse:
    """Until when; putting it away until then."""
    opened, sight = found(request, number)
    now = timezone.now()
    times = snooze_times(timezone.localtime(now))
    problem = ""
    if request.method == "POST":
        until = times.get(request.POST.get("until", ""), (None, None))[1]
        until = until or _moment(request.POST.get("at", ""))
        if until is not None and until > now:
            handling.snooze(opened, until=until, by=request.user, now=now)
            said = gettext("Away until %s") % showing.soon(until, now=now)
            return done(request, opened, sight=sight, notice=said, event="heard:next")
        problem = gettext("Choose a moment that is still to come.")
    context = {"conversation": opened, "times": times, "problem": problem}
    return sheet(request, "conversations/_snooze.html", context)


@staff_only
@require_POST
def wake(request: StaffRequest, number: int) -> HttpResponse:
    """Bring it back now."""
    opened, sight = found(request, number)
    handling.wake(opened, by=request.user, now=timezone.now())
    return done(request, opened, sight=sight)


@staff_only
@require_POST
def resolve(request: StaffRequest, number: int) -> HttpResponse:
    """Call it done."""
    opened, sight = found(request, number)
    handling.resolve(opened, by=request.user, now=timezone.now())
    return done(request, opened, sight=sight, event="heard:next")


@staff_only
@require_POST
def reopen(request: StaffRequest, number: int) -> HttpResponse:
    """Take that back."""
    opened, sight = found(request, number)
    handling.reopen(opened, by=request.user, now=timezone.now())
    return done(request, opened, sight=sight)


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def promises(request: StaffRequest, number: int) -> HttpResponse:
    """What and until when; writing a promise down."""
    opened, sight = found(request, number)
    now = timezone.now()
    text, at, problem = request.POST.get("text", "").strip(), request.POST.get("at", ""), ""
    if request.method == "POST":
        due_at = _moment(at)
        if text and due_at is not None and due_at > now:
            handling.promise(opened, text=text, due_at=due_at, by=request.user, now=now)
            return done(request, opened, sight=sight)
        problem = gettext("Say what you promise, and until when: a moment that is still to come.")
    context = {
        "conversation": opened,
        "text": text,
        "at": at,
        "times": snooze_times(timezone.localtime(now)),
        "problem": problem,
    }
    return sheet(request, "conversations/_promise.html", context)


@staff_only
@require_POST
def keep_promise(request: StaffRequest, promise: int) -> HttpResponse:
    """We did what we said."""
    made, opened, sight = _promise(request, promise)
    handling.keep_promise(made, by=request.user, now=timezone.now())
    return done(request, opened, sight=sight, notice=gettext("A promise kept."))


@staff_only
@require_POST
def withdraw_promise(request: StaffRequest, promise: int) -> HttpResponse:
    """Take a promise back."""
    made, opened, sight = _promise(request, promise)
    handling.withdraw_promise(made, by=request.user, now=timezone.now())
    return done(request, opened, sight=sight)


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: StaffRequest, message: int) -> HttpResponse:
    """What a message says and might say instead; setting its reading right."""
    said, opened, sight = found_message(request, message)
    if request.method != "POST":
        template = "conversations/_reading.html" if request.htmx else "conversations/reading.html"
        return render(request, template, {"said": said, "show": showing})
    try:
        correcting.correct(
            said,
            head=request.POST.get("head", ""),
            to=request.POST.get("to", ""),
            by=request.user,
            now=timezone.now(),
        )
    except ValueError:
        raise Http404 from None
    opened.refresh_from_db()
    return done(request, opened, sight=sight, notice=gettext("Noted. From now on that is yours."))


@staff_only
@require_POST
def acknowledge(request: StaffRequest, message: int) -> HttpResponse:
    """Like, share or thank: here, and at the place where it allows that."""
    said, opened, sight = found_message(request, message)
    kind = request.POST.get("kind", "")
    if kind not in Acknowledgement.Kind.values or said.kind != Message.Kind.INCOMING:
        raise Http404
    act(said, Act(kind), by=request.user, now=timezone.now())
    opened.refresh_from_db()
    return done(request, opened, sight=sight)


@staff_only
@require_POST
def act_on_message(request: StaffRequest, message: int) -> HttpResponse:
    """Approve, mark as spam, take down or change a message at its place."""
    said, opened, sight = found_message(request, message)
    kind, text = request.POST.get("kind", ""), request.POST.get("text", "").strip()
    of_ours = said.kind == Message.Kind.REPLY
    if kind not in (OURS if of_ours else THEIRS) or (kind == "edit" and not text):
        raise Http404
    try:
        act(said, Act(kind), by=request.user, now=timezone.now(), text=text)
    except NotAllowedError:
        raise Http404 from None
    except (ReplyBlocked, ReplyImpossible, WordsHeld):
        held = gettext("These words cannot take the place of those: send them as a reply.")
        return done(request, opened, sight=sight, notice=held, failing=True)
    opened.refresh_from_db()
    return done(request, opened, sight=sight)


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def presence(request: StaffRequest, number: int) -> HttpResponse:
    """Who else is here; saying that oneself is, types, or has gone."""
    opened, _ = found(request, number)
    now = timezone.now()
    if request.method == "POST":
        if request.POST.get("is") == "gone":
            leave(opened, by=request.user, now=now)
        else:
            typing = request.POST.get("is") == "typing"
            be_present(opened, by=request.user, is_typing=typing, now=now)
        return HttpResponse(status=204)
    here = queries.present([opened.pk], me=request.user.pk, now=now)
    return render(request, "conversations/_present.html", {"present": here.get(opened.pk, ())})


# What came with its messages


@staff_only
@require_safe
def original(request: StaffRequest, message: int) -> HttpResponse:
    """The HTML of a message, cleaned: no scripts, no styles, nothing loaded from elsewhere."""
    said, _, _ = found_message(request, message)
    if not said.html and len(said.text) == 0:
        raise Http404
    context = {
        "said": said,
        "html": cleaned(said.html, images=_images(said)),
        "conversation_id": said.conversation_id,
    }
    if request.htmx:
        return render(request, "conversations/_original.html", context)
    return render(request, "conversations/original.html", context)


@staff_only
@require_safe
def attachment(request: StaffRequest, pk: int) -> HttpResponseBase:
    """A file of a message, if this person may see the message."""
    doors = list(sight_of(request.user).doors)
    kept = get_object_or_404(Attachment.objects.filter(message__inbox_id__in=doors), pk=pk)
    return hand_out(request, kept)


@staff_only
@require_POST
def fetch_attachment(request: StaffRequest, pk: int) -> HttpResponse:
    """Ask the place once more for a file that could not be had."""
    sight = sight_of(request.user)
    mine = Attachment.objects.filter(message__inbox_id__in=list(sight.doors))
    wanted = get_object_or_404(mine.select_related("message__conversation"), pk=pk)
    fetch_again(wanted, by=request.user, now=timezone.now())
    return done(request, wanted.message.conversation, sight=sight)


def _images(said: Message) -> dict[str, str]:
    """Our addresses of the pictures that stand inside a message's HTML, by their name in it."""
    if "cid:" not in said.html:
        return {}
    inside = said.attachments.exclude(content_id="").filter(
        state=Attachment.State.KEPT, content_type__in=attachments.SHOWN
    )
    return {kept.content_id: reverse("attachment", args=[kept.pk]) for kept in inside}


def found_message(request: StaffRequest, message: int) -> tuple[Message, Conversation, Sight]:
    """A message that this person may see, with its conversation; else it is not there."""
    sight = sight_of(request.user)
    mine = Message.objects.filter(conversation__inbox_id__in=list(sight.doors))
    said = get_object_or_404(mine.select_related("conversation").defer("search"), pk=message)
    return said, said.conversation, sight


def snooze_times(local: datetime) -> dict[str, tuple[Any, datetime]]:
    """The moments that are offered, by name: title and moment, from the local time."""
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    morning = timedelta(hours=MORNING.hour)

    def day(days: int) -> datetime:
        return timezone.make_aware((midnight + timedelta(days=days)).replace(tzinfo=None) + morning)

    until_monday = 7 - local.weekday()
    times = {
        "tomorrow": (gettext("Tomorrow morning"), day(1)),
        "monday": (gettext("Next Monday"), day(until_monday)),
    }
    later = (local + LATER).replace(minute=0, second=0, microsecond=0)
    if later.date() == local.date():
        times = {"later": (gettext("Later today"), later), **times}
    return times


def _promise(request: StaffRequest, pk: int) -> tuple[Promise, Conversation, Sight]:
    sight = sight_of(request.user)
    mine = Promise.objects.filter(conversation__inbox_id__in=list(sight.doors))
    open_ones = mine.filter(kept_at=None, withdrawn_at=None).select_related("conversation")
    made = get_object_or_404(open_ones, pk=pk)
    return made, made.conversation, sight


def _moment(text: str) -> datetime | None:
    """What a date and time field says, in the time zone of whoever filled it in."""
    try:
        parsed = parse_datetime(text)
    except ValueError:
        return None
    if parsed is None or timezone.is_aware(parsed):
        return parsed
    return timezone.make_aware(parsed)
