"""What the house has made of the rules of the check, and a manager's word on each."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from heard.conversations import showing
from heard.conversations.checks import weighing
from heard.conversations.checks.weighing import NO_EVIDENCE, Evidence
from heard.conversations.models import Inbox, Rule
from heard.conversations.views.composing import LETTERS
from heard.conversations.views.conversation import found
from heard.staff.access import StaffRequest, leads_only, staff_only
from heard.think import Letter
from heard.think.softening import FIRM


@dataclass(frozen=True, slots=True)
class Line:
    """A rule as the page shows it: what it shows now, and what speaks against it at each light."""

    code: str
    rule: Rule | None
    red: Evidence
    amber: Evidence

    @property
    def now(self) -> Evidence:
        """The evidence at the light that it shows, or showed before it fell silent."""
        return self.amber if self.amber.count else self.red

    @property
    def shows(self) -> str:
        """The most that it shows: "", "amber" or "green"."""
        if self.rule is None:
            return ""
        choice = self.rule.choice or self.rule.most
        return "" if choice == Rule.Choice.FIRM else choice

    @property
    def letter(self) -> str:
        """The capital of its letter."""
        return LETTERS[Letter(self.code.partition(".")[0])].upper()

    @property
    def order(self) -> tuple[bool, float, str]:
        """Those that were softened first, then what is overruled most."""
        low, _ = self.now.bounds
        return (not self.shows, -(low or 0.0), self.code)


@leads_only
@require_safe
def rules_page(request: StaffRequest) -> HttpResponse:
    """Every rule that somebody has met here in half a year, with what they thought of it."""
    evidence = weighing.evidence(now=timezone.now())
    rules = {rule.code: rule for rule in Rule.objects.select_related("changed_by")}
    codes = {code for code, _ in evidence} | rules.keys()
    lines = [
        Line(
            code,
            rules.get(code),
            evidence.get((code, "red"), NO_EVIDENCE),
            evidence.get((code, "amber"), NO_EVIDENCE),
        )
        for code in codes
        if code.partition(".")[0] in set(Letter)
    ]
    context = {
        "lines": sorted(lines, key=lambda line: line.order),
        "firm": FIRM,
        "least": weighing.LEAST_COUNT,
        "people": weighing.LEAST_PEOPLE,
        "days": weighing.WINDOW.days,
        "show": showing,
    }
    return render(request, "rules/rules.html", context)


@leads_only
@require_safe
def rule_page(request: StaffRequest, code: str) -> HttpResponse:
    """The newest rows that one rule's figures count, in the inboxes that this person sees."""
    inboxes = list(Inbox.objects.visible_to(request.user).values_list("pk", flat=True))
    rows = weighing.rows_of(code, inboxes=inboxes)
    rule = Rule.objects.filter(pk=code).first()
    if not rows and rule is None:
        raise Http404
    context = {
        "code": code,
        "rule": rule,
        "rows": rows,
        "is_firm": code in FIRM,
        "most": weighing.MOST_ROWS,
        "show": showing,
        "now": timezone.now(),
    }
    return render(request, "rules/rule.html", context)


@leads_only
@require_POST
def choose_rule(request: StaffRequest, code: str) -> HttpResponse:
    """Put a rule back, keep it firm, let it warn at most, or silence it."""
    try:
        choice = request.POST.get("choice", "")
        weighing.choose(code, choice, by=request.user, now=timezone.now())
    except ValueError:
        raise Http404 from None
    messages.success(request, gettext("Kept."))
    return redirect("settings_rules")


@staff_only
@require_POST
def feel_finding(request: StaffRequest, number: int) -> HttpResponse:
    """Say of a finding in the composer that it is useful, or not here; the buttons come back."""
    opened, _ = found(request, number)
    code, light = request.POST.get("code", ""), request.POST.get("light", "")
    felt = request.POST.get("felt", "")
    try:
        weighing.feel(
            opened, code=code, light=light, felt=felt, by=request.user, now=timezone.now()
        )
    except ValueError:
        raise Http404 from None
    context = {"conversation": opened, "code": code, "light": light, "felt": felt}
    return render(request, "conversations/_felt.html", context)
