"""The page behind the code on a comment card, what a guest sees afterwards, and the sheet to print.

Guests do not sign in: the code on the card lets them write from that table, and a private link of
their own lets them see what becomes of it. All of it works without a script, on a cheap phone.
"""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from heard import environment
from heard.channels import comment_card
from heard.conversations.comment_cards import cards, sheet
from heard.conversations.comment_cards.cards import Step
from heard.conversations.contact_page.expecting import expectation
from heard.conversations.deliveries.journal import keep, take_in
from heard.conversations.models import Conversation, Delivery, Inbox, Spot
from heard.conversations.views import contact_page
from heard.conversations.views.conversation import done, found
from heard.lib.limits import allows, visitor
from heard.staff.access import StaffRequest, leads_only, staff_only

log = logging.getLogger(__name__)

CARDS = (30, 600)
"""How much may be left at one table, in how many seconds; and from one network address there."""
CARDS_OF_ONE = (10, 600)
CALLS = (6, 600)
FACES = (
    (5, _("very good")),
    (4, _("good")),
    (3, _("fair")),
    (2, _("bad")),
    (1, _("very bad")),
)


class Card(forms.Form):
    """What a guest leaves. `website` is seen by programs only, which fill it in."""

    rating = forms.TypedChoiceField(
        choices=[(number, words) for number, words in FACES],
        coerce=int,
        empty_value=None,
        required=False,
    )
    text = forms.CharField(required=False, max_length=5000)
    name = forms.CharField(required=False, max_length=60)
    email = forms.EmailField(
        required=False,
        max_length=254,
        error_messages={"invalid": _("This does not look like an e-mail address.")},
    )
    website = forms.CharField(required=False, max_length=1000)
    key = forms.CharField(required=False, max_length=200)

    def clean(self) -> dict[str, Any]:
        """A face or a word there must be; whoever filled in what nobody sees is a program."""
        filled = super().clean() or self.cleaned_data
        if filled.get("website"):
            raise forms.ValidationError(
                _("That looked like a program's doing. If you are a person, please send it again.")
            )
        if not self.errors and filled.get("rating") is None and not filled.get("text"):
            raise forms.ValidationError(_("Choose a face, or write a few words."))
        return filled


class Call(Card):
    """Somebody is wanted; words are welcome and not needed."""

    def clean(self) -> dict[str, Any]:
        """Nothing must be filled in."""
        return self.cleaned_data


# For guests


@csrf_exempt  # nobody is signed in here: there is no right that another site could misuse
@require_http_methods(["GET", "HEAD", "POST"])
def card(request: HttpRequest, code: str) -> HttpResponse:
    """How was it? And: somebody help me here, now."""
    if request.method == "POST" and not allows(
        "card-code", visitor=visitor(request), limit=60, seconds=600
    ):
        return HttpResponse(contact_page.too_often(), status=429, content_type="text/plain")
    spot = cards.find(code)
    if spot is None:
        return private(render(request, "comment_card/unknown.html", status=404))
    is_call = request.method == "POST" and "call" in request.POST and cards.takes_calls(spot.inbox)
    form = (Call if is_call else Card)(request.POST or None)
    problem, status = "", 200
    if request.method == "POST":
        if not form.is_valid():
            status = 422
        elif not _may(request, spot, is_call=is_call):
            problem, status = contact_page.too_often(), 429
        else:
            return redirect("card_said", _said(spot, form, is_call=is_call))
    page = {
        "spot": spot,
        "company": _company(spot.inbox),
        "form": form,
        "key": contact_page.new_key(),
        "call_key": contact_page.new_key(),
        "problem": problem or next(iter(form.non_field_errors()), ""),
        "faces": FACES,
        "takes_calls": cards.takes_calls(spot.inbox),
        "minutes": spot.inbox.settings.get("help_minutes"),
    }
    return private(render(request, "comment_card/card.html", page, status=status))


@require_safe
def said(request: HttpRequest, token: str) -> HttpResponse:
    """What became of it, for the guest who has this link; it looks again by itself."""
    conversation = _conversation(token)
    if conversation is None:
        waits = Delivery.objects.filter(
            inbox__kind=comment_card.kind, state="waiting", headers__token=token
        )
        if not waits.exists():
            raise Http404
        return private(render(request, "comment_card/kept.html", {"every": 2}))
    page = {**_standing(conversation), "token": token, "every": 10, "Step": Step}
    page["etag"] = _etag(page)
    return private(render(request, "comment_card/said.html", page))


@require_safe
def said_now(request: HttpRequest, token: str) -> HttpResponse:
    """The part of it that changes; 304 while nothing has."""
    conversation = _conversation(token)
    if conversation is None:
        raise Http404
    page = {**_standing(conversation), "Step": Step}
    etag = _etag(page)
    if request.headers.get("If-None-Match") == etag:
        answer = HttpResponse(status=304)
    else:
        answer = render(request, "comment_card/_standing.html", page)
    answer.headers["ETag"] = etag
    return private(answer)


def private(page: HttpResponse) -> HttpResponse:
    """Out of caches, search engines, and the logs of other sites."""
    return contact_page.private(page)


def _may(request: HttpRequest, spot: Spot, *, is_call: bool) -> bool:
    """Whether this table, and whoever asks, may leave one more."""
    what, of_table = ("call", CALLS) if is_call else ("card", CARDS)
    who = visitor(request)
    return allows(
        f"{what}:{spot.pk}", visitor="", limit=of_table[0], seconds=of_table[1]
    ) and allows(f"{what}:{spot.pk}", visitor=who, limit=CARDS_OF_ONE[0], seconds=CARDS_OF_ONE[1])


def _said(spot: Spot, form: Card, *, is_call: bool) -> str:
    """Keep what was said as a delivery, and take it in at once; returns its private link's token.

    A call that nobody has taken yet stands for the next one from the same table.
    """
    now, filled = timezone.now(), form.cleaned_data
    nonce = contact_page.nonce_of(filled.get("key", ""))
    token = contact_page.token_of(nonce)
    inbox = spot.inbox
    if is_call:
        before = cards.open_call(spot, now=now)
        if before is not None:
            return before.token
        inbox = cards.calls_of(inbox, now=now)
        cards.alert_of_call.configure(schedule_in={"seconds": 5}).defer(token=token)
    body = comment_card.written(
        message_id=f"card-{nonce}",
        thread=f"card-{hashlib.sha256(token.encode()).hexdigest()[:32]}",
        table=spot.name,
        text=filled.get("text", ""),
        rating=None if is_call else filled.get("rating"),
        is_call=is_call,
        name=filled.get("name", ""),
        email=filled.get("email", ""),
    )
    name = f"card-{nonce}"
    delivery = keep(inbox.pk, body=body, headers={"token": token}, external_id=name, now=now)
    try:
        take_in(now=now, only=delivery)
        conversation = _conversation(token)
        if is_call and conversation is not None:
            cards.alert(conversation, now=now)
    except Exception:
        log.exception("delivery %s is kept, but was not taken in at once", delivery)
    return token


def _conversation(token: str) -> Conversation | None:
    rows = Conversation.objects.filter(token=token, inbox__kind=comment_card.kind)
    return (
        rows.exclude(token="")
        .select_related("inbox__brand", "inbox__place", "inbox__policy", "inbox__hours", "assignee")
        .first()
    )


def _standing(conversation: Conversation) -> dict[str, Any]:
    standing = cards.standing_of(conversation)
    lines = contact_page.lines_of(conversation)
    first = lines[0] if lines else None
    is_call = "calls_of" in conversation.inbox.settings
    waits = conversation.waiting_since is not None and not is_call
    email = contact_page.email_of(conversation) if contact_page.mails_leave() else ""
    return {
        "company": _company(conversation.inbox),
        "table": conversation.subject,
        "is_call": is_call,
        "standing": standing,
        "called_at": conversation.started_at,
        "due_at": conversation.due_at,
        "words": "" if is_call or first is None else first.text,
        "replies": [line for line in lines if line.is_ours],
        "mailed_to": email,
        "expected": contact_page.expected_words(expectation(conversation.inbox, now=timezone.now()))
        if waits
        else [],
    }


def _etag(page: dict[str, Any]) -> str:
    standing, replies = page["standing"], page["replies"]
    told = f"{standing.step}:{standing.who}:{[line.id for line in replies]}"
    return f'"{hashlib.sha256(told.encode()).hexdigest()[:16]}"'


def _company(inbox: Inbox) -> str:
    if inbox.place is not None:
        return inbox.place.name
    if inbox.brand is not None:
        return inbox.brand.name
    cards_of = Inbox.objects.filter(pk=inbox.settings.get("calls_of")).first()
    return cards_of.name if cards_of else inbox.name


# For the team


@staff_only
@require_POST
def come(request: StaffRequest, number: int) -> HttpResponse:
    """Somebody says that they are on the way."""
    opened, sight = found(request, number)
    cards.come(opened, by=request.user, now=timezone.now())
    opened.refresh_from_db()
    notice = gettext("They see that you are on the way.")
    return done(request, opened, sight=sight, notice=notice)


# For whoever puts the cards out


@leads_only
@require_safe
def sheets(request: StaffRequest, number: int) -> HttpResponse:
    """The cards as they are printed, with their addresses; and new codes."""
    inbox = _cards(request, number)
    spots = cards.set_out(inbox, now=timezone.now())
    drawn = sheet.pages([_printed(spot) for spot in spots], words=_words(inbox))
    page = {
        "inbox": inbox,
        "spots": [(spot, address_of(spot), cards.shown(spot.code)) for spot in spots],
        "pages": drawn,
        "is_local": environment.public_url().startswith("http://localhost"),
    }
    return render(request, "settings/cards.html", page)


@leads_only
@require_safe
def sheets_pdf(request: StaffRequest, number: int) -> HttpResponse:
    """The same as a PDF, A4."""
    inbox = _cards(request, number)
    spots = cards.set_out(inbox, now=timezone.now())
    drawn = sheet.pages([_printed(spot) for spot in spots], words=_words(inbox))
    answer = HttpResponse(sheet.pdf(drawn, title=inbox.name), content_type="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="cards-{inbox.slug}.pdf"'
    return answer


@leads_only
@require_POST
def renew_codes(request: StaffRequest, number: int) -> HttpResponse:
    """New codes, for one table or for all of them."""
    inbox = _cards(request, number)
    chosen = request.POST.get("spot", "")
    spot = None
    if chosen != "all":
        spot = get_object_or_404(Spot, inbox=inbox, pk=int(chosen) if chosen.isdecimal() else 0)
    cards.renew(inbox, spot=spot, by=request.user, now=timezone.now())
    return redirect("settings_cards", inbox.pk)


def address_of(spot: Spot) -> str:
    """What the code on the card opens."""
    return environment.public_url() + reverse("card", args=[cards.shown(spot.code)])


def _cards(request: StaffRequest, number: int) -> Inbox:
    mine = Inbox.objects.visible_to(request.user).filter(kind=comment_card.kind)
    rows = mine.exclude(settings__has_key="calls_of").select_related("brand", "place")
    return get_object_or_404(rows, pk=number)


def _printed(spot: Spot) -> sheet.Printed:
    return sheet.Printed(company=_company(spot.inbox), table=spot.name, address=address_of(spot))


def _words(inbox: Inbox) -> str:
    return str(inbox.settings.get("words") or "")
