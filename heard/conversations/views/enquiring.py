"""“Is this right?”: one line under the list or at the message, and what people answer."""

from __future__ import annotations

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from heard.conversations import showing
from heard.conversations.models import Enquiry
from heard.conversations.queries import Sight, sight_of
from heard.conversations.readings.correcting import correct
from heard.conversations.readings.enquiring import dismiss, next_enquiry
from heard.conversations.views.conversation import done, found
from heard.staff.access import StaffRequest, staff_only


@staff_only
@require_safe
def enquiry(request: StaffRequest) -> HttpResponse:
    """The next reading that this person is asked about, as a line; nothing when there is none."""
    return _line(request, sight=sight_of(request.user), is_answered=False)


@staff_only
@require_POST
def answer(request: StaffRequest, number: int) -> HttpResponse:
    """What is so, or not now; then the next one."""
    now, sight = timezone.now(), sight_of(request.user)
    mine = Enquiry.objects.filter(message__inbox_id__in=list(sight.doors))
    asked = get_object_or_404(mine.select_related("message__conversation"), pk=number)
    to = request.POST.get("to", "")
    if to == "later":
        dismiss(asked, sight=sight, now=now)
    elif asked.answered_at is None:
        try:
            correct(asked.message, head=asked.head, to=to, by=request.user, now=now)
        except ValueError:
            raise Http404 from None
    if "here" in request.POST:
        opened, sight = found(request, asked.message.conversation_id)
        thanks = "" if to == "later" else gettext("Thank you. The reader learns from it tonight.")
        response = done(request, opened, sight=sight, notice=thanks)
        response.headers["HX-Trigger-After-Swap"] = "heard:answered"
        return response
    return _line(request, sight=sight, is_answered=to != "later")


def _line(request: StaffRequest, *, sight: Sight, is_answered: bool) -> HttpResponse:
    if not request.htmx:
        return HttpResponseRedirect(reverse("inbox"))
    asked = next_enquiry(sight=sight, now=timezone.now())
    context = {
        "asked": asked,
        "door": sight.doors[asked.inbox_id] if asked else None,
        "is_answered": is_answered,
        "show": showing,
    }
    return render(request, "conversations/_enquiry.html", context)
