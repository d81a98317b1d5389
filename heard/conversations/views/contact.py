"""The person of a conversation: what colleagues should know about them."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from heard.contacts.models import Contact
from heard.contacts.noting import LONGEST_NOTE, NotedMeanwhile, write_note
from heard.conversations.models import Conversation
from heard.conversations.views.conversation import address, found
from heard.staff.access import StaffRequest, staff_only


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def contact_note(request: StaffRequest, number: int) -> HttpResponse:
    """The note about the person, to read or (`?edit`) to write; keeping what was written."""
    opened, contact = _person(request, number)
    if request.method != "POST":
        return _note(request, opened, contact, is_edited="edit" in request.GET or not request.htmx)
    text = request.POST.get("note", "").replace("\r\n", "\n").replace("\x00", "").strip()
    was = request.POST.get("was", "").replace("\r\n", "\n")
    problem = ""
    try:
        write_note(contact, text=text, instead_of=was, by=request.user, now=timezone.now())
    except ValueError:
        limit = f"{LONGEST_NOTE:,}"
        problem = gettext("A note has at most %(limit)s characters.") % {"limit": limit}
    except NotedMeanwhile as meanwhile:
        problem = gettext("Meanwhile somebody wrote: “%(note)s”") % {"note": meanwhile.note}
    if problem:
        return _note(request, opened, contact, is_edited=True, text=text, problem=problem)
    if not request.htmx:
        return redirect(address(request, opened))
    return _note(request, opened, contact)


def _note(
    request: StaffRequest,
    opened: Conversation,
    contact: Contact,
    *,
    is_edited: bool = False,
    **more: Any,
) -> HttpResponse:
    """The note in its place in the pane, or on a page of its own."""
    template = "conversations/_note.html"
    context = {
        "conversation": opened,
        "note": contact.note,
        "text": contact.note,
        "is_edited": is_edited,
        "longest_note": LONGEST_NOTE,
        "problem": "",
        "sheet": template,
    }
    status = 422 if more.get("problem") else 200
    page = template if request.htmx else "conversations/sheet.html"
    return render(request, page, context | more, status=status)


def _person(request: StaffRequest, number: int) -> tuple[Conversation, Contact]:
    """A conversation that this person may see, with whom it is; else it is not there."""
    opened, _ = found(request, number)
    if opened.contact is None:
        raise Http404
    return opened, opened.contact
