"""What people fill in about a fact of the house, and about a saved answer."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from heard.channels.registry import channels
from heard.knowledge.gaps import in_our_words
from heard.knowledge.models import HouseFact, SavedAnswer
from heard.lib.modelforms import ModelForm
from heard.staff.models import Team, User


class HouseFactForm(ModelForm[HouseFact]):
    """One fact, and where it holds."""

    class Meta:
        model = HouseFact
        fields = ("subject", "value", "words", "brand", "place", "language", "valid_until")
        labels = {
            "subject": _("What it is about"),
            "value": _("What is so"),
            "words": _("Other words for it"),
            "brand": _("Only in this brand"),
            "place": _("Only in this place"),
            "language": _("Only in this language"),
            "valid_until": _("Until"),
        }
        help_texts = {
            "subject": _("Day ticket, delivery, return period, phone, parking, wifi …"),
            "value": _("€ 12.50 · 2 to 4 working days · until 22:00 · yes, behind the house"),
            "words": _(
                "As customers and colleagues say it, parted by commas: ticket, entry, admission."
            ),
            "language": _("Two letters, as de; empty for all."),
            "valid_until": _("The last day on which it is so; empty while nobody knows of one."),
        }
        widgets = {"valid_until": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.fields["brand"].empty_label = _("every brand")  # type: ignore[attr-defined]
        self.fields["place"].empty_label = _("every place")  # type: ignore[attr-defined]

    def clean_language(self) -> str:
        """Small letters."""
        return str(self.cleaned_data["language"]).strip().lower()


class SavedAnswerForm(ModelForm[SavedAnswer]):
    """One saved answer, and where it may be chosen. `by` fills it in, for teams they may see."""

    kinds = forms.MultipleChoiceField(
        choices=lambda: [(it.kind, it.title) for it in channels()],
        required=False,
        label=_("Only in these kinds of inboxes"),
        help_text=_("None chosen: in all. Several with Ctrl."),
        widget=forms.SelectMultiple(attrs={"size": 5}),
    )

    class Meta:
        model = SavedAnswer
        fields = ("title", "short", "text", "language", "place", "brand", "team", "kinds")
        labels = {
            "title": _("What it answers"),
            "short": _("Short name"),
            "text": _("The words"),
            "language": _("Language"),
            "place": _("Only in this place"),
            "brand": _("Only in this brand"),
            "team": _("Only for this team"),
        }
        help_texts = {
            "short": _("What you type after / to find it: hours, where-is-my-order …"),
            "language": _("Two letters, as de; empty where it fits all."),
            "team": _("Others do not see it."),
        }
        widgets = {
            "text": forms.Textarea(attrs={"rows": 8}),
            "short": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        }

    def __init__(self, *arguments: object, by: User, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.fields["place"].empty_label = _("every place")  # type: ignore[attr-defined]
        self.fields["brand"].empty_label = _("every brand")  # type: ignore[attr-defined]
        self.fields["team"].empty_label = _("everybody")  # type: ignore[attr-defined]
        teams = Team.objects.all() if by.is_owner else by.teams.all()
        self.fields["team"].queryset = teams.order_by("name")  # type: ignore[attr-defined]
        self.was_proposed = self.instance.is_proposed

    def clean(self) -> dict[str, Any] | None:
        """What is kept is taken over thereby, so its short name must be free."""
        self.instance.is_proposed = False
        return super().clean()

    def _get_validation_exclusions(self) -> set[str]:
        """The constraint on short names counts though the form does not show all it looks at."""
        left_out: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return left_out - {"is_proposed", "archived_at"}

    def clean_language(self) -> str:
        """Small letters."""
        return str(self.cleaned_data["language"]).strip().lower()

    def clean_short(self) -> str:
        """Without the stroke that is typed before it."""
        return str(self.cleaned_data["short"]).strip().removeprefix("/")

    def clean_text(self) -> str:
        """Plain line ends, and every gap under its one name."""
        return in_our_words(str(self.cleaned_data["text"]).replace("\r\n", "\n"))


class ProposalForm(ModelForm[SavedAnswer]):
    """A reply of one's own, to be kept as a saved answer."""

    class Meta:
        model = SavedAnswer
        fields = ("title", "text")
        labels = {"title": _("What it answers"), "text": _("The words")}
        help_texts = {"text": _("Names, numbers and addresses have become gaps.")}
        widgets = {"text": forms.Textarea(attrs={"rows": 6})}

    def clean_text(self) -> str:
        """Plain line ends, and every gap under its one name."""
        return in_our_words(str(self.cleaned_data["text"]).replace("\r\n", "\n"))
