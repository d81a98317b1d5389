"""Having a reply drafted by the server, and what has come of it: fragments of the composer."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from heard.assistant.models import arranged
from heard.conversations.answers import drafting as deeds
from heard.conversations.models import Conversation, Drafted
from heard.conversations.views.conversation import found
from heard.staff.access import StaffRequest, staff_only

PAGES = {"saved": "settings_answer", "fact": "settings_fact", "reply": "original"}
"""Where a source can be read; answers and facts only by those who lead."""


@staff_only
@require_POST
def ask_for_draft(request: StaffRequest, number: int) -> HttpResponse:
    """Ask for a draft; the answer is a fragment that asks on until it is there."""
    opened, _ = found(request, number)
    if not arranged().drafts:
        raise Http404
    drafted = deeds.ask_for_draft(opened, by=request.user, now=timezone.now())
    return _shown(request, drafted)


@staff_only
@require_safe
def drafting(request: StaffRequest, number: int) -> HttpResponse:
    """How far one's own draft is."""
    mine = Drafted.objects.filter(
        by=request.user, conversation__in=Conversation.objects.visible_to(request.user)
    )
    drafted = get_object_or_404(mine, pk=number)
    if drafted.state == "waiting" and drafted.asked_at < timezone.now() - deeds.GIVEN_UP:
        drafted.state = Drafted.State.NOTHING
    return _shown(request, drafted)


def _shown(request: StaffRequest, drafted: Drafted) -> HttpResponse:
    kinds = {"saved": gettext("a saved answer"), "fact": gettext("a fact of the house")}
    for source in drafted.sources:
        page = PAGES.get(source["kind"])
        may_read = source["kind"] == "reply" or request.user.leads
        source["url"] = reverse(page, args=[source["id"]]) if page and may_read else ""
        source["kind_words"] = kinds.get(source["kind"], "")
    return render(request, "conversations/_drafting.html", {"drafted": drafted})
