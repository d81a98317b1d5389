"""The search page, and how much there is of what was found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_safe

from heard.contacts.models import Contact
from heard.conversations import showing
from heard.conversations.queries import Sight, sight_of
from heard.conversations.search.searching import Found, Question, count, search
from heard.staff.access import StaffRequest, staff_only

MOST_SPELLINGS = 2


@staff_only
@require_safe
def search_page(request: StaffRequest) -> HttpResponse:
    """What was found, newest first; for htmx the next of it."""
    sight = sight_of(request.user)
    question = question_of(request.GET, sight=sight)
    try:
        found = search(question, sight=sight) if question.words else Found()
    except ValueError as error:
        raise Http404(str(error)) from None
    context: dict[str, Any] = {
        "question": question,
        "found": found,
        "doors": sight.doors,
        "contact": _contact(question, sight=sight),
        "query": urlencode([*question.query().items(), *(("also", it) for it in found.also)]),
        "now": timezone.now(),
        "show": showing,
    }
    if request.htmx.target == "more":
        return render(request, "conversations/_hits.html", context)
    return render(request, "conversations/search.html", context)


@staff_only
@require_safe
def search_count(request: StaffRequest) -> HttpResponse:
    """How many there are, up to the cap; asked for after the page is there."""
    sight = sight_of(request.user)
    question = question_of(request.GET, sight=sight)
    return render(request, "conversations/_count.html", {"count": count(question, sight=sight)})


def question_of(asked: QueryDict, *, sight: Sight) -> Question:
    """The question in an address. An inbox that this person may not see is not found."""
    question = Question(
        words=asked.get("q", "").strip(),
        inbox=_number(asked.get("inbox")),
        kind=_one_of(asked.get("kind"), showing.KINDS),
        need=_one_of(asked.get("need"), showing.NEEDS),
        mood=_one_of(asked.get("mood"), showing.MOODS),
        since=_day(asked.get("since")),
        until=_day(asked.get("until")),
        contact=_number(asked.get("contact")),
        after=asked.get("after", ""),
        also=tuple(asked.getlist("also"))[:MOST_SPELLINGS],
    )
    if question.inbox is not None and question.inbox not in sight.doors:
        raise Http404
    return question


def _contact(question: Question, *, sight: Sight) -> Contact | None:
    """Whose messages are looked through, if this person may see any of them."""
    if question.contact is None:
        return None
    seen = Contact.objects.filter(conversations__inbox_id__in=list(sight.doors))
    return seen.filter(pk=question.contact).first()


def _one_of(text: str | None, known: Mapping[str, Any]) -> str:
    return text if text is not None and text in known else ""


def _day(text: str | None) -> date | None:
    try:
        return parse_date(text or "")
    except ValueError:
        return None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 18 else None
