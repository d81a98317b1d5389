"""What we said ourselves that does harm: looked at, taken down, answered for, or called fine."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from heard.conversations import alarms, showing
from heard.conversations.models import Alarm
from heard.conversations.outbox.acting import NotAllowedError
from heard.staff.access import StaffRequest, staff_only


@staff_only
@require_safe
def alarms_page(request: StaffRequest) -> HttpResponse:
    """The open alarms of those whom this person answers for, and the ones that were answered."""
    is_open = request.GET.get("which") != "answered"
    context = {
        "alarms": alarms.newest(request.user, is_open=is_open),
        "is_open": is_open,
        "most": alarms.MOST,
        "show": showing,
        "now": timezone.now(),
    }
    return render(request, "alarms/alarms.html", context)


@staff_only
@require_POST
def take_down(request: StaffRequest, number: int) -> HttpResponse:
    """Take the words down where they stand."""
    alarm = _alarm(request, number)
    try:
        alarms.take_down(alarm, by=request.user, now=timezone.now())
    except NotAllowedError:
        raise Http404 from None
    except alarms.AlreadyAnsweredError:
        return _too_late(request)
    messages.success(request, gettext("It is being taken down there."))
    return redirect("alarms")


@staff_only
@require_POST
def answer_for(request: StaffRequest, number: int) -> HttpResponse:
    """Answer for it: in its thread, or, for a post to nobody, with another post."""
    alarm = _alarm(request, number)
    try:
        alarms.answer_for(alarm, by=request.user, now=timezone.now())
    except alarms.AlreadyAnsweredError:
        return _too_late(request)
    conversation = alarm.message.conversation
    if conversation.contact_id is None:
        return redirect(f"{reverse('posting')}?as=house&place={alarm.inbox_id}")
    return redirect(f"{reverse('conversation', args=[conversation.pk])}?view=all#draft")


@staff_only
@require_POST
def call_fine(request: StaffRequest, number: int) -> HttpResponse:
    """It is fine as it is, with a word why."""
    alarm = _alarm(request, number)
    try:
        word = request.POST.get("word", "")
        alarms.call_fine(alarm, word=word, by=request.user, now=timezone.now())
    except ValueError:
        messages.error(request, gettext("Say in a word why it is fine."))
    except alarms.AlreadyAnsweredError:
        return _too_late(request)
    return redirect("alarms")


def _alarm(request: StaffRequest, number: int) -> Alarm:
    mine = alarms.visible_to(request.user).select_related("message__inbox", "message__conversation")
    return get_object_or_404(mine, pk=number)


def _too_late(request: StaffRequest) -> HttpResponse:
    messages.info(request, gettext("Somebody was faster: it has been answered."))
    return redirect("alarms")
