"""The person of a conversation: what colleagues should know about them, and who else they are."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from heard.contacts.models import Contact
from heard.contacts.noting import LONGEST_NOTE, NotedMeanwhile, write_note
from heard.conversations.models import Conversation
from heard.conversations.people.joining import join
from heard.conversations.queries import sight_of
from heard.conversations.search.searching import people_named
from heard.conversations.views.conversation import address, done, found, sheet
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


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def same_person(request: StaffRequest, number: int) -> HttpResponse:
    """Who may be the same person (`?who` looks for them); joining one with the conversation's."""
    opened, contact = _person(request, number)
    sight = sight_of(request.user)
    if request.method == "POST":
        other = _seen(request)
        try:
            if request.POST.get("keep") == "other":
                join(contact, into=other, by=request.user, now=timezone.now())
            else:
                join(other, into=contact, by=request.user, now=timezone.now())
        except (ValueError, Contact.DoesNotExist):
            raise Http404 from None
        opened.refresh_from_db()
        return done(request, opened, sight=sight, notice=gettext("They are one person now."))
    who = request.GET.get("who", contact.name)
    context = {
        "conversation": opened,
        "contact": contact,
        "who": who,
        "people": [one for one in people_named(who, sight=sight) if one.id != contact.pk],
    }
    return sheet(request, "conversations/_same_person.html", context)


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


def _seen(request: StaffRequest) -> Contact:
    """The contact that was chosen, if this person may see any conversation of theirs."""
    chosen = request.POST.get("contact", "")
    if not chosen.isdecimal():
        raise Http404
    theirs = Conversation.objects.visible_to(request.user).filter(contact=int(chosen))
    return get_object_or_404(Contact.objects.filter(pk__in=theirs.values("contact")))
