"""Before one posts: the five lights for words that answer nobody, one's own or the company's.

What somebody pastes for a page of their own is looked at and forgotten: it reaches no row, no log,
no session and no cache, is asked for by POST alone, and no browser keeps the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from heard.conversations import alarms, showing
from heard.conversations.checks import posting
from heard.conversations.checks.facts import facts_of_post
from heard.conversations.models import Inbox
from heard.conversations.views.composing import check_context
from heard.lib.limits import allows, visitor
from heard.staff.access import StaffRequest, owner_only, staff_only
from heard.think import Check, check_post

OUTSIDE = (30, 60)
"""How many drafts one network address outside may have looked at, in how many seconds."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was filled in. `inbox` is where the company would post it, None a page of one's own."""

    text: str
    in_our_name: bool
    inbox: Inbox | None


@sensitive_post_parameters()
@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def posting_page(request: StaffRequest) -> HttpResponse:
    """The page itself; a POST is the check without a script."""
    places = posting.places_of(request.user)
    asked = _asked(request, places)
    context = {
        "asked": asked,
        "places": places,
        "latest": posting.latest([place.pk for place in places]),
        "alarm_count": alarms.open_count(request.user),
        "is_open": posting.is_open() if request.user.is_owner else False,
        "longest": posting.LONGEST,
        "show": showing,
        "now": timezone.now(),
        **_checked(request, asked),
    }
    return render(request, "posting/posting.html", context)


@sensitive_post_parameters()
@staff_only
@require_POST
def check_draft_post(request: StaffRequest) -> HttpResponse:
    """The lights and findings of what stands there just now."""
    asked = _asked(request, posting.places_of(request.user))
    return render(request, "posting/_checked.html", _checked(request, asked))


@sensitive_post_parameters()
@staff_only
@require_POST
def write_post_down(request: StaffRequest) -> HttpResponse:
    """Keep that a post in the company's name was checked, because somebody asks for it."""
    asked = _asked(request, posting.places_of(request.user))
    if asked.inbox is None or not asked.text.strip():
        raise Http404
    now = timezone.now()
    found = _look_at(request, asked)
    assert found is not None
    posting.write_down(asked.inbox, text=asked.text, found=found, by=request.user, now=now)
    messages.success(request, gettext("It is written down that this was checked."))
    return redirect("posting")


@owner_only
@require_POST
def open_posting(request: StaffRequest) -> HttpResponse:
    """Open the page for own posts to everybody outside, or close it."""
    posting.open_to_all(to=request.POST.get("open") == "1", by=request.user, now=timezone.now())
    return redirect("posting")


@sensitive_post_parameters()
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def own_post(request: HttpRequest) -> HttpResponse:
    """The same for anybody outside, where the owner has opened it: nobody signs in here."""
    if not posting.is_open():
        raise Http404
    text, found, problem = "", None, ""
    if request.method == "POST":
        limit, seconds = OUTSIDE
        text = _text(request)
        if not allows("own_post", visitor=visitor(request), limit=limit, seconds=seconds):
            problem = gettext("That was a little fast. Try again in a minute.")
        elif text.strip():
            found = posting.look_at(text, now=timezone.now())
    context = {
        "text": text,
        "problem": problem,
        "is_embedded": False,
        "longest": posting.LONGEST,
        **check_context(found, overruled=()),
    }
    status = 429 if problem else 200
    response = render(request, "posting/own_post.html", context, status=status)
    add_never_cache_headers(response)
    return response


def _asked(request: StaffRequest, places: list[Inbox]) -> Asked:
    """What the form says. A place that is not this person's is no place."""
    told = request.POST if request.method == "POST" else request.GET
    in_our_name = told.get("as") == "house" and bool(places)
    number = told.get("place", "")
    inbox = next((place for place in places if str(place.pk) == number), None)
    if in_our_name and inbox is None:
        inbox = places[0]
    return Asked(
        text=_text(request) if request.method == "POST" else "",
        in_our_name=in_our_name,
        inbox=inbox if in_our_name else None,
    )


def _checked(request: StaffRequest, asked: Asked) -> dict[str, Any]:
    found = _look_at(request, asked)
    there = posting.address_there(asked.inbox, asked.text) if asked.inbox and found else ""
    return {**check_context(found, overruled=()), "asked": asked, "there": there}


def _look_at(request: StaffRequest, asked: Asked) -> Check | None:
    """The check of what was filled in; None while there is nothing."""
    if not asked.text.strip():
        return None
    now = timezone.now()
    if asked.inbox is None:
        return posting.look_at(asked.text, now=now, timezone=request.user.timezone)
    facts = facts_of_post(asked.inbox, timezone=request.user.timezone, now=now)
    return check_post(asked.text, facts, in_our_name=True)


def _text(request: HttpRequest) -> str:
    told = request.POST.get("text", "").replace("\r\n", "\n").replace("\x00", "")
    return told[: posting.LONGEST]
