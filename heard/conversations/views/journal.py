"""The journal: everything that was delivered, what it became, and what was set aside."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import BinaryField, F, QuerySet
from django.db.models.functions import Substr
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from heard.conversations.deliveries.journal import NotKeptError, WaitsAlreadyError, take_again
from heard.conversations.deliveries.tracing import became
from heard.conversations.models import Delivery, Inbox
from heard.staff.access import StaffRequest, leads_only

PAGE_SIZE = 50
EXCERPT_BYTES = 2_000
LONGEST_EXCERPT_BYTES = 100_000
SET_ASIDE = Delivery.State.SET_ASIDE
STATES = {
    Delivery.State.WAITING.value: gettext_lazy("waits to be read"),
    Delivery.State.TAKEN.value: gettext_lazy("taken in"),
    Delivery.State.SET_ASIDE.value: gettext_lazy("set aside"),
}


@leads_only
def journal(request: StaffRequest, state: str = "") -> HttpResponse:
    """Deliveries, newest first, page by key; by inbox, and by what became of them."""
    doors = list(Inbox.objects.visible_to(request.user).order_by("name").values_list("pk", "name"))
    name = "settings_aside" if state else "settings_journal"
    asked = request.GET.get("state", "")
    state = state or (asked if asked in Delivery.State.values else "")
    inbox = request.GET.get("inbox", "")
    inbox = inbox if inbox in {str(pk) for pk, _name in doors} else ""
    rows = _deliveries(request)
    if state:
        rows = rows.filter(state=state)
    if inbox:
        rows = rows.filter(inbox=int(inbox))
    found = _page(rows, state=state, before=request.GET.get("before", ""))
    query = {"inbox": inbox, "state": "" if name == "settings_aside" else state}
    page = {
        "here": name,
        "deliveries": [(row, excerpt(bytes(row.beginning))) for row in found[:PAGE_SIZE]],
        "more": found[PAGE_SIZE - 1].pk if len(found) > PAGE_SIZE else None,
        "doors": doors,
        "inbox": int(inbox) if inbox else None,
        "state": state,
        "states": STATES,
        "query": urlencode({key: value for key, value in query.items() if value}),
    }
    return render(request, "settings/journal.html", page)


@leads_only
def delivery(request: StaffRequest, number: int) -> HttpResponse:
    """One delivery: as it came, and what it became or why it was set aside."""
    kept = get_object_or_404(_deliveries(request).select_related("inbox", "run"), pk=number)
    page = {
        "delivery": kept,
        "messages_of_it": became(kept),
        "excerpt": excerpt(bytes(kept.body), limit=LONGEST_EXCERPT_BYTES),
    }
    return render(request, "settings/delivery.html", page)


@leads_only
@require_POST
def retry_aside(request: StaffRequest, number: int) -> HttpResponse:
    """Take one delivery in again."""
    kept = get_object_or_404(_deliveries(request).filter(state=SET_ASIDE), pk=number, run=None)
    try:
        take_again(kept, by=request.user, now=timezone.now())
    except WaitsAlreadyError:
        messages.info(request, _("It waits to be read already."))
    except NotKeptError:
        messages.error(request, _("What it held is not kept any longer."))
    else:
        messages.success(request, _("It is read again. If it stays unclear, it comes back here."))
    return redirect("settings_aside")


def excerpt(body: bytes, *, limit: int = EXCERPT_BYTES) -> str:
    """The beginning of what arrived, as far as it is text."""
    text = body[:limit].decode(errors="replace").replace("\x00", "�")
    return text + "…" if len(body) > limit else text


def _deliveries(request: StaffRequest) -> QuerySet[Delivery]:
    """What arrived at the doors that this person may see."""
    if request.user.is_owner:
        return Delivery.objects.all()
    visible = Inbox.objects.visible_to(request.user).values("pk")
    return Delivery.objects.filter(inbox__in=visible)


def _page(rows: QuerySet[Delivery], *, state: str, before: str) -> list[Any]:
    """One page, and one row more if there is another page."""
    last = get_object_or_404(rows, pk=before) if before.isdecimal() and len(before) < 19 else None
    if state == SET_ASIDE:
        # Parts of an archive that were set aside lie in their own index, by when they came.
        rows = rows.order_by(F("received_at").desc(), F("pk").desc())
        if last is not None:
            rows = rows.filter(received_at__lte=last.received_at).exclude(
                received_at=last.received_at, pk__gte=last.pk
            )
    else:
        rows = rows.order_by("-pk")
        if last is not None:
            rows = rows.filter(pk__lt=last.pk)
    return list(
        rows.select_related("inbox")
        .defer("headers", "body")
        .annotate(beginning=Substr("body", 1, EXCERPT_BYTES + 1, output_field=BinaryField()))[
            : PAGE_SIZE + 1
        ]
    )
