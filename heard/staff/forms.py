"""What people fill in about themselves, their colleagues, and the parts of the house."""

from __future__ import annotations

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _

from heard.lib.modelforms import ModelForm
from heard.staff.models import Brand, Place, Role, Scope, Team, User

AREAS = (
    "Africa",
    "America",
    "Antarctica",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)


@cache
def zones() -> list[tuple[str, Any]]:
    """Every time zone that is a place, by continent, and UTC."""
    known = sorted(available_timezones())
    by_area = [
        (area, [(zone, _city(zone)) for zone in known if zone.startswith(f"{area}/")])
        for area in AREAS
    ]
    return [("UTC", "UTC"), *by_area]


def _city(zone: str) -> str:
    return zone.partition("/")[2].replace("_", " ").replace("/", ", ")


class ZoneField(forms.ChoiceField):
    """A time zone, chosen from the list."""

    def __init__(self, *, guess: bool = False, **options: Any) -> None:
        attributes = {"data-guess-zone": ""} if guess else {}
        options.setdefault("label", _("Time zone"))
        super().__init__(choices=zones, widget=forms.Select(attrs=attributes), **options)


class Profile(ModelForm[User]):
    """What everybody may change about themselves."""

    timezone = ZoneField(help_text=_("Dates and times are shown to you in it."))

    class Meta:
        model = User
        fields = ("name", "timezone")
        labels = {"name": _("Your name")}
        help_texts = {"name": _("Customers see it under your replies.")}


class Person(ModelForm[User]):
    """A colleague. `by` fills it in: managers make agents, owners everybody."""

    timezone = ZoneField()

    def __init__(self, *arguments: Any, by: User, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["teams"].required = False
        if not by.is_owner:
            self.fields["role"].choices = [(Role.AGENT.value, Role.AGENT.label)]  # type: ignore[attr-defined]

    class Meta:
        model = User
        fields = ("name", "email", "role", "teams", "timezone")
        labels = {
            "name": _("Name"),
            "email": _("E-mail address"),
            "role": _("Role"),
            "teams": _("Teams"),
        }
        widgets = {
            "teams": forms.CheckboxSelectMultiple,
            "email": forms.EmailInput(attrs={"autocomplete": "off"}),
            "name": forms.TextInput(attrs={"autocomplete": "off"}),
        }
        help_texts = {
            "role": _(
                "Agents answer. Managers also see figures about people, and change how the house"
                " works. Owners see and may do everything."
            ),
            "teams": _("Inboxes that have teams are seen by these teams alone."),
        }

    def clean_email(self) -> str:
        """Addresses are kept in small letters, and are one person's."""
        email = str(self.cleaned_data["email"]).lower()
        if User.objects.filter(email=email).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("Somebody here has this address already."))
        return email


class TeamForm(ModelForm[Team]):
    """People who answer together."""

    members = forms.ModelMultipleChoiceField(
        User.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=_("Who is in it"),
    )

    class Meta:
        model = Team
        fields = ("name",)
        labels = {"name": _("Name")}

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["members"].queryset = User.objects.filter(is_active=True).order_by("name")  # type: ignore[attr-defined]
        if self.instance.pk:
            self.fields["members"].initial = [user.pk for user in self.instance.members.all()]

    def save(self, commit: bool = True) -> Team:  # noqa: FBT001 - Django's signature
        """Keep the team and who is in it."""
        team = super().save(commit=commit)
        team.members.set(self.cleaned_data["members"])
        return team


class BrandForm(ModelForm[Brand]):
    """A name under which customers know the company."""

    class Meta:
        model = Brand
        fields = ("name",)
        labels = {"name": _("Name")}


class PlaceForm(ModelForm[Place]):
    """Somewhere customers come to."""

    timezone = ZoneField()

    class Meta:
        model = Place
        fields = ("name", "brand", "timezone")
        labels = {"name": _("Name"), "brand": _("Brand")}


class Key(forms.Form):
    """A key for a program."""

    name = forms.CharField(
        max_length=120, label=_("What it is for"), help_text=_("Till, reports, web shop …")
    )
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        label=_("What it may do"),
        help_text=_("Never more than you."),
    )
