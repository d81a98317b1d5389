"""Making conversations one, or one two, from the page of a conversation; and undoing either."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from heard.conversations.intake import merging, splitting
from heard.conversations.models import Conversation, Merging, Message, Splitting
from heard.conversations.views.conversation import done, found, sheet
from heard.staff.access import StaffRequest, staff_only

SHOWN = 30


@staff_only
@require_safe
def together(request: StaffRequest, number: int) -> HttpResponse:
    """What it can be merged with, where it can be split, and what was done that can be undone."""
    opened, _ = found(request, number)
    said = Message.objects.filter(conversation=opened).exclude(kind=Message.Kind.NOTE)
    first = said.order_by("at", "pk").values_list("pk", flat=True).first()
    mergings = Merging.objects.filter(kept=opened, undone_at=None, joining=None)
    splittings = Splitting.objects.filter(source=opened) | Splitting.objects.filter(part=opened)
    context: dict[str, Any] = {
        "conversation": opened,
        "others": _others(opened),
        "starts": said.exclude(pk=first or 0).defer("search").order_by("-at", "-pk")[:SHOWN],
        "mergings": mergings.select_related("gone", "by").order_by("-at"),
        "splittings": splittings.select_related("part", "source", "by").order_by("-at"),
    }
    return sheet(request, "conversations/_together.html", context)


@staff_only
@require_POST
def merge_conversations(request: StaffRequest, number: int) -> HttpResponse:
    """Take another conversation of the same person into this one, or this one into that."""
    opened, sight = found(request, number)
    chosen = request.POST.get("other", "")
    if not chosen.isdecimal():
        raise Http404
    other = get_object_or_404(_others(opened, shown=None), pk=int(chosen))
    gone, kept = (opened, other) if "away" in request.POST else (other, opened)
    try:
        merging.unite(gone, into=kept, by=request.user, now=timezone.now())
    except merging.CannotMergeError:
        raise Http404 from None
    kept.refresh_from_db()
    said = gettext("They are one conversation now. Press m to undo it.")
    return done(request, kept, sight=sight, notice=said)


@staff_only
@require_POST
def undo_merge(request: StaffRequest, number: int) -> HttpResponse:
    """Make two conversations of one again."""
    made = get_object_or_404(Merging.objects.filter(undone_at=None, joining=None), pk=number)
    opened, sight = found(request, merging.where_now(made.kept_id))
    try:
        merging.undo(made, by=request.user, now=timezone.now())
    except merging.CannotMergeError:
        raise Http404 from None
    opened.refresh_from_db()
    return done(request, opened, sight=sight, notice=gettext("They are two conversations again."))


@staff_only
@require_POST
def split_conversation(request: StaffRequest, number: int) -> HttpResponse:
    """Give what was said from a message onwards a conversation of its own."""
    opened, sight = found(request, number)
    chosen = request.POST.get("start", "")
    if not chosen.isdecimal():
        raise Http404
    rows = Message.objects.filter(conversation=opened).defer("search")
    start = get_object_or_404(rows, pk=int(chosen))
    try:
        part = splitting.split(opened, start=start, by=request.user, now=timezone.now())
    except splitting.CannotSplitError:
        raise Http404 from None
    said = gettext("Split: this is the new conversation. Press m to undo it.")
    return done(request, part, sight=sight, notice=said)


@staff_only
@require_POST
def undo_split(request: StaffRequest, number: int) -> HttpResponse:
    """Put a part back to where it was split from."""
    made = get_object_or_404(Splitting, pk=number)
    _, sight = found(request, made.part_id)
    try:
        whole = splitting.undo(made, by=request.user, now=timezone.now())
    except splitting.CannotSplitError:
        raise Http404 from None
    opened = get_object_or_404(Conversation, pk=whole)
    return done(request, opened, sight=sight, notice=gettext("It is one conversation again."))


def _others(opened: Conversation, *, shown: int | None = SHOWN) -> Any:
    """The other conversations of the same person in the same inbox, the latest first."""
    if opened.contact_id is None:
        return Conversation.objects.none()
    rows = Conversation.objects.filter(
        contact=opened.contact_id, inbox=opened.inbox_id, merged_into=None
    ).exclude(pk=opened.pk)
    rows = rows.filter(last_at__isnull=False).order_by("-last_at")
    return rows if shown is None else rows[:shown]
