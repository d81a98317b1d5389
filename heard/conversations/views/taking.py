"""Saved answers in the composer: found by `/`, filled in, and made of a reply one has sent."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from heard.conversations import showing
from heard.conversations.answers import offering, proposing, recalling
from heard.conversations.answers.filling import filled, opened_up, theirs
from heard.conversations.models import Conversation, Message, Taking
from heard.conversations.views.conversation import done, found, found_message, sheet
from heard.knowledge import saving
from heard.knowledge.forms import ProposalForm
from heard.knowledge.models import SavedAnswer
from heard.staff.access import StaffRequest, staff_only

SHOWN = 8
SUGGESTED = 3
LONGEST_TYPED = 60


@staff_only
@require_safe
def choices(request: StaffRequest, number: int) -> HttpResponse:
    """The saved answers that what was typed after `/` may mean, as options of a list."""
    opened, _ = found(request, number)
    typed = request.GET.get("q", "")[:LONGEST_TYPED]
    chosen = offering.choices(opened, by=request.user, typed=typed, limit=SHOWN)
    page = {"choices": chosen, "conversation": opened, "typed": typed}
    return render(request, "conversations/_choices.html", page)


@staff_only
@require_POST
def take_answer(request: StaffRequest, number: int, answer: int) -> HttpResponse:
    """The words of a saved answer, its gaps filled for this conversation."""
    opened, _ = found(request, number)
    mine = SavedAnswer.objects.visible_to(request.user).in_use()
    row = get_object_or_404(mine, pk=answer)
    now = timezone.now()
    Taking.objects.create(answer=row, conversation=opened, by=request.user, at=now)
    words = filled(row.text, opened, author=request.user, now=now)
    return HttpResponse(words.text, content_type="text/plain; charset=utf-8")


@staff_only
@require_POST
def take_reply(request: StaffRequest, number: int, message: int) -> HttpResponse:
    """The words of an earlier reply of the house, without whom they were for."""
    opened, _ = found(request, number)
    said, *_ = found_message(request, message)
    if said.kind != Message.Kind.REPLY:
        raise Http404
    words = filled(opened_up([theirs(said)])[0], opened, author=request.user, now=timezone.now())
    return HttpResponse(words.text, content_type="text/plain; charset=utf-8")


@staff_only
@require_safe
def suggestions(request: StaffRequest, number: int) -> HttpResponse:
    """The best three of what may be said here, with where each comes from."""
    opened, sight = found(request, number)
    best = recalling.suggestions(opened, by=request.user, sight=sight, limit=SUGGESTED)
    page = {"suggestions": best, "conversation": opened, "show": showing, "now": timezone.now()}
    return render(request, "conversations/_suggestions.html", page)


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def propose_answer(request: StaffRequest, message: int) -> HttpResponse:
    """Make a saved answer of a reply of one's own: a manager's is kept, an agent's proposed."""
    said, opened, sight = found_message(request, message)
    if said.kind != Message.Kind.REPLY or said.author_id != request.user.pk or not said.text:
        raise Http404
    row = SavedAnswer(language=offering.language_of(opened))
    if request.method == "POST":
        form = ProposalForm(request.POST, instance=row)
        if form.is_valid():
            _keep(form, request, opened)
            told = gettext("Kept as a saved answer: type / to find it.")
            if not request.user.leads:
                told = gettext("Proposed. A manager looks at it and takes it over.")
            return done(request, opened, sight=sight, notice=told)
    else:
        text = opened_up([theirs(said)])[0]
        form = ProposalForm(instance=row, initial={"text": text})
    context: dict[str, Any] = {"form": form, "said": said, "conversation": opened}
    context |= {"problem": bool(form.errors), "leads": request.user.leads}
    return sheet(request, "conversations/_propose.html", context)


def _keep(form: ProposalForm, request: StaffRequest, opened: Conversation) -> None:
    row: SavedAnswer = form.save(commit=False)
    row.short, now = saving.free_short(row.title, taken=saving.shorts()), timezone.now()
    if request.user.leads:
        saving.keep(row, by=request.user, now=now)
    else:
        proposing.propose(row, said_in=opened, by=request.user, now=now)
