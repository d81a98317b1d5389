"""Pages of people outside: one person's story, who may be the same person, and undoing a join."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from heard.contacts.models import Contact, Joining, Likeness
from heard.conversations import showing
from heard.conversations.people import joining, naming
from heard.conversations.people.acquaintance import acquaintance, is_known_to, words
from heard.conversations.people.recognising import recognised
from heard.conversations.people.suggesting import dismiss, suggestions
from heard.conversations.queries import Sight, sight_of
from heard.staff.access import StaffRequest, staff_only


@staff_only
@require_safe
def contact_page(request: StaffRequest, number: int) -> HttpResponse:
    """One person: who they are to us, and every word in one line of time."""
    contact, sight = _found(request, number)
    if contact.pk != number:
        return redirect("contact", contact.pk)
    now = timezone.now()
    after = request.GET.get("after", "")
    try:
        told = words(contact, sight=sight, after=after)
    except ValueError:
        raise Http404 from None
    context: dict[str, Any] = {"contact": contact, "words": told, "now": now, "show": showing}
    if request.htmx and after:
        return render(request, "conversations/_words.html", context)
    context |= {
        "who": acquaintance(contact, sight=sight, now=now),
        "suggested": suggestions(sight, contact=contact, limit=5),
        "naming": naming,
        "is_card": False,
    }
    return render(request, "conversations/contact.html", context)


@staff_only
@require_safe
def alike(request: StaffRequest) -> HttpResponse:
    """Who may be one person: the likeliest pairs."""
    found = suggestions(sight_of(request.user))
    context = {"suggested": found, "naming": naming, "contact": None, "is_card": False}
    return render(request, "conversations/alike.html", context)


@staff_only
@require_safe
def contact_alike(request: StaffRequest, number: int) -> HttpResponse:
    """What somebody is to us, and who may be the same person, for the card of a conversation."""
    contact, sight = _found(request, number)
    context = {
        "found": recognised(contact.pk, inboxes=sight.inboxes, now=timezone.now()),
        "suggested": suggestions(sight, contact=contact, limit=2),
        "naming": naming,
        "contact": contact,
        "is_card": True,
    }
    return render(request, "conversations/_known.html", context)


@staff_only
@require_POST
def join_contacts(request: StaffRequest, number: int) -> HttpResponse:
    """Join `other` with this contact; `keep` says which of the two survives."""
    contact, sight = _found(request, number)
    chosen = request.POST.get("other", "")
    if not chosen.isdecimal():
        raise Http404
    other, _ = _found(request, int(chosen), sight=sight)
    survivor, gone = contact, other
    if request.POST.get("keep") == str(other.pk):
        survivor, gone = other, contact
    one, two = sorted((contact.pk, other.pk))
    likeness = Likeness.objects.filter(one=one, other=two).first()
    try:
        joining.join(
            gone,
            into=survivor,
            by=request.user,
            now=timezone.now(),
            reasons=likeness.reasons if likeness else (),
        )
    except (ValueError, Contact.DoesNotExist):
        raise Http404 from None
    messages.success(
        request,
        gettext("They are one person now: %(name)s. It can be undone on this page.")
        % {"name": survivor.name},
    )
    return _to(request, reverse("contact", args=[survivor.pk]))


@staff_only
@require_POST
def undo_join(request: StaffRequest, number: int) -> HttpResponse:
    """Make two people of one again."""
    made = get_object_or_404(Joining.objects.filter(undone_at=None), pk=number)
    kept, _ = _found(request, made.kept_id)
    try:
        back = joining.undo(made, by=request.user, now=timezone.now())
    except joining.CannotUndoError:
        raise Http404 from None
    messages.success(
        request,
        gettext("%(name)s is a person of their own again, with all that was said by them.")
        % {"name": back.name or gettext("Somebody")},
    )
    return _to(request, reverse("contact", args=[kept.pk]))


@staff_only
@require_POST
def tell_apart(request: StaffRequest, number: int) -> HttpResponse:
    """They are two: do not suggest it again."""
    likeness = get_object_or_404(Likeness.objects.filter(dismissed_at=None), pk=number)
    for pk in (likeness.one_id, likeness.other_id):
        _found(request, pk)
    dismiss(likeness, by=request.user, now=timezone.now())
    messages.success(request, gettext("Noted: they are two people."))
    back = request.POST.get("back", "")
    page = reverse("contact", args=[int(back)]) if back.isdecimal() else reverse("alike")
    return _to(request, page)


def _found(
    request: StaffRequest, number: int, *, sight: Sight | None = None
) -> tuple[Contact, Sight]:
    """A contact of whom this person may see anything, or into whom that one was joined."""
    sight = sight or sight_of(request.user)
    contact = get_object_or_404(Contact.objects.select_related("into"), pk=number)
    contact = contact.into or contact
    if not is_known_to(contact, sight=sight):
        raise Http404
    return contact, sight


def _to(request: StaffRequest, address: str) -> HttpResponse:
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address)
