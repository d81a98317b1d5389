"""What people fill in about a fact of the house."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from heard.knowledge.models import HouseFact
from heard.lib.modelforms import ModelForm


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
