"""What people fill in about inboxes, SLA policies and opening hours."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from importlib import import_module
from typing import Any, cast
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from heard.channels import comment_card, contact_page, hook
from heard.channels.base import Granted, Setting
from heard.channels.registry import channel_of
from heard.conversations.abilities import ceiling_of
from heard.conversations.clocks import spans
from heard.conversations.clocks.hours import OpeningHours
from heard.conversations.inboxes.accounts import secrets_of
from heard.conversations.inboxes.arranging import free_slug
from heard.conversations.inboxes.connecting import value_of
from heard.conversations.models import Hours, Inbox, Policy, SecondEyes
from heard.lib.modelforms import ModelForm
from heard.staff.forms import ZoneField
from heard.staff.models import Brand, User

EMPTY = {
    "policy": None,
    "keeper": _("nobody"),
    "hours": _("every hour counts"),
    "brand": _("none"),
    "place": _("none"),
}
"""What the choice of nothing is called; a policy there must be."""
COOL_DOWN_MINUTES = 5
ALWAYS_WEEK = [[["00:00", "24:00"]]] * 7


@cache
def countries() -> list[tuple[str, str]]:
    """Countries whose public holidays are known, by name."""
    # Imported when somebody opens the form: it weighs 25 MB in each process.
    known = import_module("holidays.registry").COUNTRIES
    named = sorted((key.replace("_", " ").title(), entry[1]) for key, entry in known.items())
    return [("", "–"), *((code, name) for name, code in named)]


class LengthField(forms.CharField):
    """A length of time, "4 h" or "90 min", kept in minutes; empty is None."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("required", False)
        super().__init__(**options)
        self.widget.attrs.update({"class": "short", "placeholder": "4 h"})

    def prepare_value(self, value: Any) -> Any:
        """Minutes as people say them."""
        return spans.length(value) if isinstance(value, int) else value

    def clean(self, value: Any) -> int | None:
        """Minutes, at least one and at most a year."""
        text = super().clean(value)
        if not text:
            return None
        try:
            total = spans.minutes(text)
        except ValueError:
            total = 0
        if not 1 <= total <= 525_600:
            raise ValidationError(_("Write it like 4 h, 1 h 30 min or 45 min."))
        return total


class KeepField(forms.CharField):
    """For how long contents are kept, "30 d" or "24 h", in hours; empty is None."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)
        self.ceiling: int | None = None
        self.widget.attrs.update({"class": "short", "placeholder": "365 d"})

    def prepare_value(self, value: Any) -> Any:
        """Hours as people say them."""
        return spans.days(value) if isinstance(value, int) else value

    def clean(self, value: Any) -> int | None:
        """Hours, at least one, and no more than the place's rules allow."""
        text = super().clean(value)
        if not text:
            return None
        try:
            total = spans.hours(text)
        except ValueError:
            total = 0
        if not total:
            raise ValidationError(_("Write it like 30 d or 24 h."))
        if self.ceiling is not None and total > self.ceiling:
            longest = spans.days(self.ceiling)
            raise ValidationError(_now("This place allows %(longest)s.") % {"longest": longest})
        return total

    def hold_to(self, ceiling: timedelta | None) -> None:
        """Say and heed what the place's rules allow."""
        if ceiling is not None:
            self.ceiling = int(ceiling.total_seconds() // 3600)
            longest = spans.days(self.ceiling)
            self.widget.attrs["placeholder"] = longest
            self.help_text = _now(
                "Then words, names and files go; figures stay. Empty: %(longest)s, the longest"
                " that this place's rules allow."
            ) % {"longest": longest}


class PolicyForm(ModelForm[Policy]):
    """What we promise."""

    first_response_minutes = LengthField(
        label=_("First answer within"), help_text=_("Of opening hours. Empty: nothing is promised.")
    )
    next_response_minutes = LengthField(label=_("Every further answer within"))
    recognition_minutes = LengthField(
        label=_("Praise is recognised within"),
        help_text=_("A like, a share or a thank-you will do."),
    )
    resolution_minutes = LengthField(
        label=_("Resolved within"), help_text=_("It stops while we wait for the customer.")
    )
    cool_down_minutes = LengthField(
        label=_("A hot reply to a public place rests for"),
        help_text=_("Then it goes by itself, unless it was rewritten. Empty: 5 min."),
    )

    class Meta:
        model = Policy
        fields = (
            "name",
            "first_response_minutes",
            "next_response_minutes",
            "recognition_minutes",
            "resolution_minutes",
            "cool_down_minutes",
            "warn_assignee_percent",
            "warn_manager_percent",
        )
        labels = {
            "name": _("Name"),
            "warn_assignee_percent": _("Warn whoever has it after"),
            "warn_manager_percent": _("Warn the managers after"),
        }
        help_texts = {
            "warn_assignee_percent": _("Percent of the time."),
            "warn_manager_percent": _("Percent of the time."),
        }
        widgets = {
            "warn_assignee_percent": forms.NumberInput(
                attrs={"class": "short", "min": 1, "max": 99}
            ),
            "warn_manager_percent": forms.NumberInput(
                attrs={"class": "short", "min": 1, "max": 99}
            ),
        }

    def clean_cool_down_minutes(self) -> int:
        """There always is one: nothing hot goes out without a pause."""
        return self.cleaned_data["cool_down_minutes"] or COOL_DOWN_MINUTES

    def clean(self) -> dict[str, Any]:
        """A warning comes before the time is up."""
        filled = super().clean() or self.cleaned_data
        for name in ("warn_assignee_percent", "warn_manager_percent"):
            if not 1 <= (filled.get(name) or 0) <= 99 and name not in self.errors:
                self.add_error(name, _("From 1 to 99."))
        return filled


class SecondEyesForm(ModelForm[SecondEyes]):
    """Which replies need a second pair of eyes."""

    class Meta:
        model = SecondEyes
        fields = (
            "public_red",
            "reach_above",
            "legal_words",
            "more_legal_words",
            "refund_above",
            "first_replies",
            "only_leads",
        )
        labels = {
            "public_red": _("Public replies that go in spite of a red finding"),
            "reach_above": _("Replies to people with more readers than"),
            "legal_words": _("Replies with words of law, or to messages with them"),
            "more_legal_words": _("More such words"),
            "refund_above": _("Replies that give back more than"),
            "first_replies": _("So many first replies of each new agent"),
            "only_leads": _("Only owners and managers look"),
        }
        help_texts = {
            "reach_above": _("Empty: however many."),
            "more_legal_words": _("One a line."),
            "refund_above": _("In whatever currency it is written. Empty: however much."),
            "first_replies": _("20 is a good beginning. Empty: none."),
            "only_leads": _("As long as one of them is there who has not written it."),
        }
        widgets = {
            "reach_above": forms.NumberInput(attrs={"class": "short", "min": 0}),
            "refund_above": forms.NumberInput(attrs={"class": "short", "min": 0, "step": "0.01"}),
            "first_replies": forms.NumberInput(attrs={"class": "short", "min": 0, "max": 1000}),
            "more_legal_words": forms.Textarea(attrs={"rows": 2}),
        }


class FlagForm(forms.Form):
    """A flag for a scandal: over what, what it is about, and until when."""

    where = forms.ChoiceField(label=_("Over"))
    word = forms.CharField(label=_("What it is about"), max_length=200)
    until = forms.DateTimeField(
        label=_("Until"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )

    def __init__(self, *arguments: Any, inboxes: QuerySet[Inbox], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.brands = {f"brand-{it.pk}": it for it in Brand.objects.order_by("name")}
        self.inboxes = {f"inbox-{it.pk}": it for it in inboxes.order_by("name")}
        named = {**self.brands, **self.inboxes}
        choices = [("house", _("the whole house")), *((key, str(it)) for key, it in named.items())]
        cast(forms.ChoiceField, self.fields["where"]).choices = choices

    def clean_where(self) -> tuple[Brand | None, Inbox | None]:
        """The brand or the inbox; neither is the house."""
        chosen = self.cleaned_data["where"]
        return self.brands.get(chosen), self.inboxes.get(chosen)

    def clean_until(self) -> datetime:
        """A moment that is still to come."""
        until: datetime = self.cleaned_data["until"]
        if until <= timezone.now():
            raise ValidationError(_now("Choose a moment that is still to come."))
        return until


class HoursForm(ModelForm[Hours]):
    """When somebody is at the door: one line a day, several spans in it if need be."""

    timezone = ZoneField()
    country = forms.ChoiceField(choices=countries, required=False, label=_("Public holidays of"))
    closed_days = forms.CharField(
        required=False,
        label=_("Also closed on"),
        help_text=_("Days like 2026-12-24."),
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "2026-12-24, 2026-12-31"}),
    )
    other_days = forms.CharField(
        required=False,
        label=_("Days with hours of their own"),
        help_text=_("One a line: the day, a colon, its hours. They go before holidays."),
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "2026-12-24: 9:00-13:00"}),
    )

    class Meta:
        model = Hours
        fields = ("name", "timezone", "country", "subdivision")
        labels = {"name": _("Name"), "subdivision": _("State or region")}
        help_texts = {"subdivision": _("Its code, as BY or CA, where holidays differ.")}
        widgets = {"subdivision": forms.TextInput(attrs={"class": "short"})}

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        week = self.instance.week or ALWAYS_WEEK
        for number, name in WEEKDAYS.items():
            self.fields[f"day_{number}"] = forms.CharField(
                required=False,
                label=name,
                initial=spans.written(week[number]),
                widget=forms.TextInput(attrs={"placeholder": _("closed")}),
            )
        self.fields["closed_days"].initial = ", ".join(self.instance.closed)
        self.fields["other_days"].initial = "\n".join(
            f"{day}: {spans.written(open_)}" for day, open_ in self.instance.extra.items()
        )

    @property
    def days(self) -> list[forms.BoundField]:
        """The seven lines of the week."""
        return [self[f"day_{number}"] for number in range(7)]

    def clean(self) -> dict[str, Any]:
        """Put the lines together and let the hours themselves say what makes no sense."""
        filled = super().clean() or self.cleaned_data
        week = self._week(filled)
        closed, extra = self._closed(filled), self._extra(filled)
        if self.errors:
            return filled
        plain = {
            "timezone": filled["timezone"],
            "week": week,
            "country": filled["country"],
            "subdivision": filled["subdivision"].upper(),
            "closed": closed,
            "extra": extra,
        }
        try:
            hours = OpeningHours.from_json(plain).to_json()
        except ValueError as error:
            raise ValidationError(str(error)) from error
        for name in ("week", "closed", "extra", "subdivision"):
            setattr(self.instance, name, hours[name])
        filled["subdivision"] = hours["subdivision"]
        return filled

    def _week(self, filled: dict[str, Any]) -> spans.Week:
        days = [filled.get(f"day_{number}", "") for number in range(7)]
        for number, text in enumerate(days):
            try:
                spans.week([text])
            except ValueError:
                self.add_error(f"day_{number}", _("Write it like 9:00–12:30, 14:00–18:00."))
        return [] if self.errors else spans.week(days)

    def _closed(self, filled: dict[str, Any]) -> list[str]:
        try:
            return [day.isoformat() for day in spans.dates(filled.get("closed_days", ""))]
        except ValueError:
            self.add_error("closed_days", _("Write days like 2026-12-24."))
            return []

    def _extra(self, filled: dict[str, Any]) -> dict[str, Any]:
        extra = {}
        for line in filled.get("other_days", "").splitlines():
            if not line.strip():
                continue
            day, _colon, text = line.partition(":")
            try:
                (date,) = spans.dates(day)
                extra[date.isoformat()] = spans.day(text)
            except ValueError:
                self.add_error(
                    "other_days", _now("Not understood: %(line)s") % {"line": line.strip()}
                )
        return extra


LISTED = ("our_details", "link_domains")
NUMBERS = ("max_length", "quiet_hours", "hourly_cap", "keep")


class InboxForm(ModelForm[Inbox]):
    """One inbox, whatever its kind."""

    our_details = forms.CharField(
        required=False,
        max_length=2000,
        label=_("Ours, for everybody to read"),
        help_text=_(
            "Telephone numbers, e-mail and street addresses of the company, one a line. "
            "The check of public replies takes them for nobody's personal data."
        ),
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "+353 21 427 0000"}),
    )
    link_domains = forms.CharField(
        required=False,
        max_length=2000,
        label=_("Where links in replies may lead"),
        help_text=_("Domains, one a line. Empty: anywhere that exists in public."),
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "example.com"}),
    )
    max_length = forms.IntegerField(
        required=False,
        min_value=20,
        max_value=100_000,
        label=_("Longest reply, in characters"),
    )
    quiet_hours = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=2000,
        label=_("Tell me when it is silent for so many hours"),
        help_text=_("Empty: twice its longest silence of four weeks. 0: no silence is strange."),
    )
    hourly_cap = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=100_000,
        label=_("Most replies that leave in an hour"),
        help_text=_("A stop for accidents: what is more waits, and you are told. Empty: 500."),
    )

    keep = KeepField(
        label=_("Keep contents for"),
        help_text=_("Then words, names and files go; figures stay. Empty: for ever."),
    )

    class Meta:
        model = Inbox
        fields = ("name", "keeper", "policy", "hours", "brand", "place", "teams", "is_public")
        labels = {
            "name": _("Name"),
            "keeper": _("Keeper"),
            "policy": _("SLA policy"),
            "hours": _("Opening hours"),
            "brand": _("Brand"),
            "place": _("Place"),
            "teams": _("Teams"),
            "is_public": _("What is said there can be read by everybody"),
        }
        help_texts = {
            "keeper": _("Answers for what nobody has taken."),
            "teams": _("None: everybody of the house sees it."),
        }
        widgets = {"teams": forms.CheckboxSelectMultiple}

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["keeper"].queryset = User.objects.filter(is_active=True).order_by("name")  # type: ignore[attr-defined]
        for name, words in EMPTY.items():
            self.fields[name].empty_label = words  # type: ignore[attr-defined]
        if not self.fields["teams"].queryset.exists():  # type: ignore[attr-defined]
            del self.fields["teams"]
        cast("KeepField", self.fields["keep"]).hold_to(ceiling_of(self.instance.kind))
        kept = self.instance.settings
        for name in LISTED:
            self.fields[name].initial = "\n".join(kept.get(name, ()))
        for name in NUMBERS:
            self.fields[name].initial = kept.get(name)

    def clean_link_domains(self) -> str:
        """Names of hosts; whoever pastes an address means its host."""
        hosts = []
        for line in self.cleaned_data["link_domains"].split():
            host = urlsplit(line if "//" in line else f"//{line}").hostname
            if not host or "." not in host:
                raise ValidationError(_now("%(domain)s is no domain.") % {"domain": line})
            hosts.append(host)
        return "\n".join(hosts)

    def clean(self) -> dict[str, Any]:
        """What is asked beside the columns lies among the settings of the inbox."""
        filled = super().clean() or self.cleaned_data
        kept: dict[str, Any] = {
            **self.instance.settings,
            **{name: filled.get(name) for name in NUMBERS},
        }
        for name in LISTED:
            lines = [line.strip() for line in filled.get(name, "").splitlines()]
            kept[name] = [line for line in lines if line]
        empty = [name for name in LISTED if not kept[name]]
        empty += [name for name in NUMBERS if kept[name] is None]
        self.instance.settings = {name: kept[name] for name in kept if name not in empty}
        return filled


class ContactPageForm(InboxForm):
    """A page of our own on which customers write."""

    sites = forms.CharField(
        required=False,
        label=_("Sites that show it inside a page of theirs"),
        help_text=_("One a line, like https://www.example.com."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    class Meta(InboxForm.Meta):
        fields = ("name", "slug", *InboxForm.Meta.fields[1:-1])
        labels = {**InboxForm.Meta.labels, "slug": _("Word in the address")}
        help_texts = {
            **InboxForm.Meta.help_texts,
            "slug": _("The page is at /ask/ and this word. To change it breaks links to the page."),
        }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["slug"].required = False
        self.fields["sites"].initial = "\n".join(self.instance.settings.get("sites", ()))

    def clean_sites(self) -> list[str]:
        """Origins: a scheme and a host, nothing more."""
        origins = []
        for line in self.cleaned_data["sites"].split():
            parts = urlsplit(line)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValidationError(_now("%(site)s is no site.") % {"site": line})
            origins.append(f"{parts.scheme}://{parts.netloc}")
        return origins

    def clean(self) -> dict[str, Any]:
        """A page without a word of its own gets one from its name."""
        filled = super().clean() or self.cleaned_data
        if not filled.get("slug") and filled.get("name") and "slug" not in self.errors:
            filled["slug"] = free_slug(filled["name"])
        self.instance.settings = {**self.instance.settings, "sites": filled.get("sites", [])}
        return filled


class HookForm(InboxForm):
    """A door for programs, by which answers can go back as well."""

    reply_url = forms.URLField(
        required=False,
        assume_scheme="https",
        label=_("Where our replies are posted"),
        help_text=_("An address of your program. Empty: replies cannot leave."),
    )

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["reply_url"].initial = self.instance.settings.get("reply_url", "")

    def clean(self) -> dict[str, Any]:
        """The address lies among the settings of the inbox."""
        filled = super().clean() or self.cleaned_data
        reply_url = filled.get("reply_url", "")
        self.instance.settings = {**self.instance.settings, "reply_url": reply_url}
        return filled


class PlaceForm(InboxForm):
    """An inbox of a kind that asks for credentials: its fields are the channel's own."""

    allow_private = forms.BooleanField(
        required=False,
        label=_("This place is inside our own network"),
        help_text=_("Lets heard speak with private addresses, and without encryption."),
    )

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.channel = channel_of(self.instance.kind)
        assert self.channel is not None
        is_open = self.instance.pk is not None
        self.has_secret = set(secrets_of(self.instance)) if is_open else set()
        self.asked = {
            f"place_{one.name}": one for one in self.channel.settings if one.name not in NUMBERS
        }
        for name, setting in self.asked.items():
            self.fields[name] = self._field(setting)
        self.fields["allow_private"].initial = self.instance.settings.get("allow_private", False)
        if not self.asked:
            del self.fields["allow_private"]
        first = ["name", *(name for name, one in self.asked.items() if not one.is_rare)]
        self.order_fields([*first, *(name for name in self.fields if name not in first)])
        self.first_count = len(first)
        if isinstance(self.channel, Granted):  # signing in brings it
            self.fields["place_refresh_token"].required = False
        if self.channel.public is None or self.channel.private is None:
            del self.fields["is_public"]
            self.instance.is_public = self.channel.private is None

    def clean(self) -> dict[str, Any]:
        """Numbers must be numbers; whether the place lets us in is tried by `connect`."""
        filled = super().clean() or self.cleaned_data
        for name, setting in self.asked.items():
            try:
                value_of(setting, str(filled.get(name) or ""))
            except ValueError:
                self.add_error(name, _("This is no number."))
        return filled

    @property
    def first(self) -> list[forms.BoundField]:
        """What connecting needs; all else has good values already."""
        return list(self)[: self.first_count]

    @property
    def more(self) -> list[forms.BoundField]:
        """What can be set besides."""
        return list(self)[self.first_count :]

    def when(self, bound: forms.BoundField) -> str:
        """Of which other field this one depends: `place_sign_in=google microsoft`, or nothing."""
        setting = self.asked.get(bound.name)
        if setting is None or setting.when is None:
            return ""
        name, values = setting.when
        return f"place_{name}={' '.join(values)}"

    @property
    def sign_in_when(self) -> str | None:
        """On which other field it depends that one signs in there; None where one never does."""
        if not isinstance(self.channel, Granted):
            return None
        return self.when(self["place_refresh_token"])

    def entered(self) -> dict[str, Any]:
        """What was filled in about the place, as `connect` takes it."""
        found: dict[str, Any] = {}
        for name, setting in self.asked.items():
            given = self.cleaned_data.get(name)
            if setting.is_secret and not given:
                continue
            found[setting.name] = given if setting.form == "yes" else value_of(setting, given or "")
        if "allow_private" in self.fields:
            found["allow_private"] = self.cleaned_data["allow_private"]
        return found

    def _field(self, setting: Setting) -> forms.Field:
        label, help_text = _(setting.label), _(setting.help) if setting.help else ""
        kept = self.instance.settings.get(setting.name, setting.default)
        if setting.is_secret:
            is_there = setting.name in self.has_secret
            widget = forms.PasswordInput(
                attrs={
                    "autocomplete": "off",
                    "placeholder": _now("kept; type to replace it") if is_there else "",
                }
            )
            return forms.CharField(
                label=label,
                help_text=help_text,
                widget=widget,
                required=setting.is_needed and not is_there,
                strip=True,
            )
        is_needed = setting.is_needed and setting.form != "yes"
        if setting.form == "yes":
            return forms.BooleanField(
                label=label, help_text=help_text, required=False, initial=kept in (True, "yes")
            )
        if setting.choices:
            return forms.ChoiceField(
                label=label,
                help_text=help_text,
                required=is_needed,
                initial=kept,
                choices=[(value, _(words)) for value, words in setting.choices],
            )
        if setting.form == "lines":
            initial = "\n".join(kept) if isinstance(kept, list) else kept
            area = forms.Textarea(attrs={"rows": 3})
            return forms.CharField(
                label=label, help_text=help_text, required=is_needed, initial=initial, widget=area
            )
        line = forms.TextInput(attrs={"class": "short", "inputmode": "numeric"})
        return forms.CharField(
            label=label,
            help_text=help_text,
            required=is_needed,
            initial=kept,
            widget=line if setting.form == "number" else forms.TextInput(),
        )


class CommentCardForm(PlaceForm):
    """Cards on tables: the place is our own. The inbox of their calls has no tables of its own."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        del self.fields["allow_private"]
        if "calls_of" in self.instance.settings:
            for name in self.asked:
                del self.fields[name]
            self.asked = {}

    def clean(self) -> dict[str, Any]:
        """What is no list of tables is said at its field."""
        filled = super().clean()
        if "place_tables" in self.fields:
            try:
                comment_card.tables(str(filled.get("place_tables") or "").splitlines())
            except ValueError as error:
                self.add_error("place_tables", str(error))
        return filled


FORMS: dict[str, type[InboxForm]] = {
    contact_page.kind: ContactPageForm,
    comment_card.kind: CommentCardForm,
    hook.kind: HookForm,
}
"""The kinds that ask for more than their channel's settings."""


def form_of(kind: str) -> type[InboxForm]:
    """What is asked about an inbox of this kind; archives have nothing but the common part."""
    if kind in FORMS:
        return FORMS[kind]
    return PlaceForm if channel_of(kind) is not None else InboxForm
