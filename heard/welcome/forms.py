"""What a company is asked before its first question arrives."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from heard.conversations.clocks import spans
from heard.conversations.clocks.hours import OpeningHours
from heard.conversations.forms import LengthField
from heard.staff.forms import ZoneField
from heard.staff.models import User


class OwnCompany(forms.Form):
    """The company, its owner, and what it promises."""

    company = forms.CharField(max_length=120, label=_("Your company"))
    name = forms.CharField(
        max_length=120,
        label=_("Your name"),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(
        max_length=254,
        label=_("Your e-mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
    )
    password = forms.CharField(
        label=_("A password"),
        help_text=_("Ten characters or more; a short sentence is good."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    timezone = ZoneField(guess=True)
    weekdays = forms.CharField(required=False, label=_("Monday to Friday"), initial="9:00–18:00")
    saturday = forms.CharField(required=False, label=_("Saturday"), initial="10:00–16:00")
    sunday = forms.CharField(
        required=False,
        label=_("Sunday"),
        widget=forms.TextInput(attrs={"placeholder": _("closed")}),
    )
    first_response_minutes = LengthField(
        required=True,
        label=_("We answer within"),
        initial=240,
        help_text=_("Of opening hours. All of this can be changed later."),
    )

    def clean_password(self) -> str:
        """As strong as everybody's here."""
        password = str(self.cleaned_data["password"])
        known = User(
            name=self.cleaned_data.get("name", ""), email=self.cleaned_data.get("email", "")
        )
        validate_password(password, known)
        return password

    def clean(self) -> dict[str, Any]:
        """Read the opening hours."""
        filled = super().clean() or self.cleaned_data
        for name in ("weekdays", "saturday", "sunday"):
            try:
                spans.week([filled.get(name, "")])
            except ValueError:
                self.add_error(name, _("Write it like 9:00–12:30, 14:00–18:00."))
        if self.errors:
            return filled
        days = [filled["weekdays"]] * 5 + [filled["saturday"], filled["sunday"]]
        filled["week"] = spans.week(days)
        try:
            OpeningHours.from_json({"timezone": filled["timezone"], "week": filled["week"]})
        except ValueError as error:
            raise ValidationError(str(error)) from error
        if not any(filled["week"]):
            raise ValidationError(_("A house that never opens can promise nothing."))
        return filled
