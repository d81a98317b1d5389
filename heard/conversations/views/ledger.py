"""The ledger's page, and all of its lines as CSV and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_safe

from heard.conversations import showing
from heard.conversations.fails import ledger
from heard.conversations.fails.exporting import as_csv, as_json
from heard.conversations.fails.ledger import LONGEST, NEWEST, Book, Fail, Filters
from heard.conversations.models import Clock
from heard.conversations.queries import sight_of
from heard.staff.access import StaffRequest, staff_only

OUTCOMES = ("unanswered", "late")
DAYS, HOURS = 7, 24


@staff_only
@require_safe
def ledger_page(request: StaffRequest) -> HttpResponse:
    """What was forgotten, when, and by whom; for htmx the next lines."""
    now = timezone.now()
    book = ledger.book_of(request.user, sight=sight_of(request.user))
    filters = asked = filters_of(request.GET, book=book)
    today = now.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    newest = ledger.newest_day(asked, book=book)
    if asked.since is None and asked.until is None and newest is not None:
        filters = ledger.last_weeks(asked, newest=newest, today=today)
    order = LONGEST if request.GET.get("order") == LONGEST else NEWEST
    try:
        page = ledger.fails(
            filters, book=book, now=now, order=order, after=request.GET.get("after", "")[:80]
        )
    except ValueError as error:
        raise Http404(str(error)) from None

    def address(**changes: object) -> str:
        """This page with other filters; `None` takes one away."""
        kept = {"order": LONGEST if order == LONGEST else ""}
        return "?" + urlencode(filters.query(**(kept | changes)))

    context: dict[str, Any] = {
        "fails": page.fails,
        "after": page.after,
        "address": address,
        "order": order,
        "now": now,
        "show": showing,
        "reader": request.user.pk,
    }
    if request.htmx.target == "more":
        return render(request, "conversations/_fails.html", context)
    context |= {
        "tally": ledger.tally(filters, book=book),
        "filters": filters,
        "book": book,
        "newest": newest,
        "is_older": filters is not asked and newest != today and filters.until == newest,
        "query": urlencode(filters.query()),
        "days": range(1, DAYS + 1),
        "hours": range(HOURS),
    }
    return render(request, "conversations/ledger.html", context)


@staff_only
@require_safe
def fails_csv(request: StaffRequest) -> HttpResponseBase:
    """Every line that is asked for, as a table for a spreadsheet."""
    return _download(as_csv(_every(request)), content_type="text/csv; charset=utf-8", ending="csv")


@staff_only
@require_safe
def fails_json(request: StaffRequest) -> HttpResponseBase:
    """Every line that is asked for, as one JSON array."""
    return _download(as_json(_every(request)), content_type="application/json", ending="json")


def filters_of(asked: Mapping[str, str], *, book: Book) -> Filters:
    """The filters in an address. What this person may not see or ask for is not found."""
    filters = Filters(
        inbox=_number(asked.get("inbox")),
        brand=_number(asked.get("brand")),
        place=_number(asked.get("place")),
        fail=_one_of(asked.get("fail"), Clock.Fail.values),
        outcome=_one_of(asked.get("outcome"), OUTCOMES),
        sighting=_one_of(asked.get("sighting"), Clock.Sighting.values),
        keeper=_number(asked.get("keeper")),
        weekday=_number(asked.get("weekday"), range(1, DAYS + 1)),
        hour=_number(asked.get("hour"), range(HOURS)),
        since=_day(asked.get("since")),
        until=_day(asked.get("until")),
        alike=_one_of(asked.get("alike"), ("yes",)),
    )
    if filters.inbox is not None and filters.inbox not in book.sight.doors:
        raise Http404
    if not book.names_keepers and filters.keeper not in (None, 0, book.sight.user_id):
        raise Http404
    return filters


def _every(request: StaffRequest) -> Iterator[Fail]:
    book = ledger.book_of(request.user, sight=sight_of(request.user))
    filters = filters_of(request.GET, book=book)
    return ledger.every_fail(filters, book=book, now=timezone.now())


def _download(lines: Iterator[str], *, content_type: str, ending: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="fails.{ending}"'
    return response


def _one_of(text: str | None, known: list[str] | tuple[str, ...]) -> str:
    return text if text is not None and text in known else ""


def _day(text: str | None) -> date | None:
    try:
        return parse_date(text or "")
    except ValueError:
        return None


def _number(text: str | None, known: range | None = None) -> int | None:
    if not text or not text.isdecimal() or len(text) > 17:
        return None
    return int(text) if known is None or int(text) in known else None
