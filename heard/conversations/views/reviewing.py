"""Second pairs of eyes: looking at somebody else's reply, and stepping back from a conversation."""

from __future__ import annotations

import contextlib
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from heard.conversations import showing
from heard.conversations.checks.facts import facts_of
from heard.conversations.models import Review
from heard.conversations.outbox.replying import (
    RepliesCross,
    ReplyBlocked,
    ReplyImpossible,
    TooSoon,
    WordsHeld,
    let_out,
)
from heard.conversations.queries import Sight, sight_of
from heard.conversations.second_eyes import reviewing
from heard.conversations.second_eyes.crossing import Crossing
from heard.conversations.thread import thread
from heard.conversations.views.composing import check_context
from heard.conversations.views.conversation import done, found
from heard.lib.differing import differences
from heard.staff.access import StaffRequest, staff_only
from heard.think import check


@staff_only
@require_safe
def review(request: StaffRequest, number: int) -> HttpResponse:
    """The reply, why it waits, what was said, and what the check finds."""
    kept, sight = _review(request, number)
    return _page(request, kept, sight=sight)


@staff_only
@require_POST
def changes(request: StaffRequest, number: int) -> HttpResponse:
    """What a change would change, and what the check finds in it."""
    kept, _ = _review(request, number)
    context = _judged(request, kept, text=_text(request, kept))
    return render(request, "conversations/_changes.html", context)


@staff_only
@require_POST
def approve(request: StaffRequest, number: int) -> HttpResponse:
    """Let it go, with other words if they were changed; what speaks against it is said."""
    kept, sight = _review(request, number)
    text = _text(request, kept)
    try:
        let_out(
            kept,
            by=request.user,
            now=timezone.now(),
            text=text,
            overruled=request.POST.getlist("overruled"),
            knowing=request.POST.getlist("knowing"),
        )
    except reviewing.ReviewOver:
        messages.warning(request, gettext("It does not wait any more."))
        return redirect("review", kept.pk)
    except reviewing.NotYours:
        problem = gettext("Nobody approves their own reply; somebody else must look at this one.")
    except TooSoon:
        problem = gettext("It has not cooled down yet.")
    except ReplyBlocked:
        problem = gettext("The check holds these words back: look at what is marked red.")
    except WordsHeld:
        problem = gettext("Your change is angrier than what was written: it does not go out.")
    except ReplyImpossible as impossible:
        problem = str(showing.OBSTACLES[impossible.obstacle])
    except RepliesCross as cross:
        problem = gettext("Somebody has been at this conversation since it was written.")
        return _page(
            request, kept, sight=sight, text=text, problem=problem, crossings=cross.crossings
        )
    else:
        messages.success(request, gettext("It is on its way."))
        return redirect("conversation", kept.conversation_id)
    return _page(request, kept, sight=sight, text=text, problem=problem)


@staff_only
@require_POST
def give_back(request: StaffRequest, number: int) -> HttpResponse:
    """Return it to its author with a word."""
    kept, sight = _review(request, number)
    word = request.POST.get("word", "")
    try:
        reviewing.give_back(kept, word=word, by=request.user, now=timezone.now())
    except ValueError:
        problem = gettext("Say in a word why you give it back.")
    except reviewing.NotYours:
        problem = gettext("This is not yours to give back.")
    except reviewing.ReviewOver:
        messages.warning(request, gettext("It does not wait any more."))
        return redirect("review", kept.pk)
    else:
        messages.success(request, gettext("It is with its author again, with your words."))
        return redirect("inbox_view", "eyes")
    return _page(request, kept, sight=sight, problem=problem)


@staff_only
@require_POST
def withdraw(request: StaffRequest, number: int) -> HttpResponse:
    """Take one's own back: to be rewritten, or for good."""
    kept, sight = _review(request, number)
    is_rewritten = "rewrite" in request.POST
    with contextlib.suppress(reviewing.ReviewOver, reviewing.NotYours):
        reviewing.withdraw(kept, by=request.user, now=timezone.now(), as_draft=is_rewritten)
    opened, sight = found(request, kept.conversation_id)
    return done(request, opened, sight=sight, event="heard:undone")


@staff_only
@require_POST
def confirm(request: StaffRequest, number: int) -> HttpResponse:
    """Send one's own, where nobody else could look at it and it has cooled down."""
    kept, _ = _review(request, number)
    problem = ""
    try:
        let_out(kept, by=request.user, now=timezone.now(), knowing=request.POST.getlist("knowing"))
    except reviewing.ReviewOver:
        pass
    except reviewing.NotYours:
        problem = gettext("Nobody approves their own reply; somebody else must look at this one.")
    except TooSoon:
        problem = gettext("It has not cooled down yet.")
    except ReplyImpossible as impossible:
        problem = str(showing.OBSTACLES[impossible.obstacle])
    except (ReplyBlocked, RepliesCross, WordsHeld):
        problem = gettext("Something has changed since it was written: rewrite it, and look again.")
    opened, sight = found(request, kept.conversation_id)
    return done(request, opened, sight=sight, notice=problem, failing=bool(problem))


@staff_only
@require_POST
def step_back(request: StaffRequest, number: int) -> HttpResponse:
    """*I am too close to this.*"""
    opened, sight = found(request, number)
    words = gettext(
        "I am too close to this, and there is nobody else who could take it. It stays with me."
    )
    heir = reviewing.step_back(opened, by=request.user, words=words, now=timezone.now())
    opened.refresh_from_db()
    if heir is None:
        alone = gettext("There is nobody else who could take it: it stays with you, with a note.")
        return done(request, opened, sight=sight, notice=alone)
    said = gettext("%(who)s has it now. Thank you for saying so.") % {"who": heir.name}
    return done(request, opened, sight=sight, notice=said, event="heard:next")


@staff_only
@require_POST
def come_back(request: StaffRequest, number: int) -> HttpResponse:
    """Take that back."""
    opened, sight = found(request, number)
    reviewing.come_back(opened, by=request.user, now=timezone.now())
    return done(request, opened, sight=sight)


def _review(request: StaffRequest, number: int) -> tuple[Review, Sight]:
    """A review that this person may see; else it is not there."""
    sight = sight_of(request.user)
    mine = Review.objects.filter(conversation__inbox_id__in=list(sight.doors))
    rows = mine.select_related("conversation__inbox__policy", "author", "by")
    return get_object_or_404(rows, pk=number), sight


def _text(request: StaffRequest, kept: Review) -> str:
    return request.POST.get("text", kept.text).replace("\r\n", "\n").replace("\x00", "")


def _judged(request: StaffRequest, kept: Review, *, text: str) -> dict[str, Any]:
    """The words as they would go, and what the check finds in them now."""
    facts = facts_of(
        kept.conversation,
        author=kept.author,
        now=timezone.now(),
        is_private=bool(kept.manner.get("is_private")),
        is_split=bool(kept.manner.get("is_split")),
    )
    found_now = check(text, facts) if text.strip() else None
    overruled = {*kept.overruled, *request.POST.getlist("overruled")}
    is_changed = text.strip() != kept.text.strip()
    return check_context(found_now, overruled=overruled) | {
        "kept": kept,
        "text": text,
        "is_changed": is_changed,
        "pieces": differences(kept.text.strip(), text.strip()) if is_changed else (),
    }


def _page(
    request: StaffRequest,
    kept: Review,
    *,
    sight: Sight,
    text: str | None = None,
    problem: str = "",
    crossings: tuple[Crossing, ...] = (),
) -> HttpResponse:
    now = timezone.now()
    words = kept.changed_text or kept.text if text is None else text
    may_look = kept.is_open and request.user.pk in reviewing.who_may_look(kept)
    context = _judged(request, kept, text=words) | {
        "thread": thread(kept.conversation, sight=sight, now=now),
        "conversation": kept.conversation,
        "may_look": may_look,
        "is_mine": kept.author_id == request.user.pk,
        "problem": problem,
        "crossings": crossings,
        "now": now,
        "show": showing,
    }
    status = 422 if problem else 200
    return render(request, "conversations/review.html", context, status=status)
