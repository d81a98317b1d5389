"""What an owner fills in about the model server."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext_lazy as _

from heard.assistant.minilm.reader import is_installed
from heard.assistant.models import Assistant
from heard.lib.modelforms import ModelForm
from heard.lib.sealing import seal

WHERE = ("url", "model", "new_key", "allow_private", "timeout_seconds")
WHAT = ("minilm", "reads", "drafts", "unsure_below")
COSTS = ("calls_a_day", "tokens_a_day", "money_a_day", "price_in", "price_out", "currency")
KEPT = ("keep_days",)


class AssistantForm(ModelForm[Assistant]):
    """Where the server is, what it may do, what it may cost."""

    new_key = forms.CharField(
        required=False,
        max_length=500,
        label=_("Its key"),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Kept sealed and never shown. Left empty, the key that is there stays."),
    )

    def __init__(self, *arguments: Any, now: datetime, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._now, self._was_reading = now, self.instance.reads or self.instance.minilm

    class Meta:
        model = Assistant
        fields = (
            "url", "model", "allow_private", "timeout_seconds", "minilm", "reads", "drafts",
            "unsure_below",
            "calls_a_day", "tokens_a_day", "money_a_day", "price_in", "price_out", "currency",
            "keep_days",
        )  # fmt: skip
        labels = {
            "url": _("Its address"),
            "model": _("The model"),
            "allow_private": _("It may stand inside our own network"),
            "timeout_seconds": _("Seconds to wait for an answer"),
            "minilm": _("MiniLM reads what the shipped reader is unsure of, in this house"),
            "reads": _("It reads what the shipped reader is unsure of"),
            "drafts": _("It drafts replies when somebody asks for it"),
            "unsure_below": _("Unsure is a lead below"),
            "calls_a_day": _("Calls a day"),
            "tokens_a_day": _("Tokens a day"),
            "money_a_day": _("Money a day"),
            "price_in": _("Price of a million tokens in"),
            "price_out": _("Price of a million tokens out"),
            "currency": _("Money is counted in"),
            "keep_days": _("Days for which the log is kept"),
        }
        help_texts = {
            "url": _(
                "Up to and with /v1: https://api.example.com/v1, or http://localhost:11434/v1 for"
                " one on this machine."
            ),
            "allow_private": _(
                "Only then is an address of this machine or of your own network asked, and plain"
                " http allowed."
            ),
            "minilm": _(
                "Nothing leaves. It needs an extra: docs/assistant.md says how it comes here, and"
                " what it was measured to be worth."
            ),
            "reads": _(
                "Masked words of single messages leave. Its answer is a suggestion beside the"
                " reading; a colleague takes or refuses it."
            ),
            "drafts": _(
                "Masked words of a conversation leave, and what the house answered before. The"
                " draft is checked like any other, and nothing is ever sent by itself."
            ),
            "unsure_below": _(
                "How far the likeliest answer leads the next, from 0 to 1. At 0.15 about one"
                " message in four is unsure. Messages in languages that are not read always are."
            ),
            "money_a_day": _("When any of the three is spent, nothing leaves until tomorrow."),
            "keep_days": _("As long, an answer to the same words is remembered and costs nothing."),
        }
        widgets = {
            "url": forms.URLInput(attrs={"autocomplete": "off"}),
            "unsure_below": forms.NumberInput(attrs={"step": "0.01", "min": "0", "max": "1"}),
        }

    def clean_url(self) -> str:
        """An address without a name or a key in it, and without a slash at its end."""
        url = str(self.cleaned_data["url"]).strip().rstrip("/")
        if not url:
            return ""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise forms.ValidationError(_("Write it like https://api.example.com/v1."))
        return url.removesuffix("/chat/completions")

    def clean_unsure_below(self) -> float:
        """A share."""
        share = float(self.cleaned_data["unsure_below"])
        if not 0 <= share <= 1:
            raise forms.ValidationError(_("A number from 0 to 1."))
        return share

    def clean_timeout_seconds(self) -> int:
        """Some seconds, and no more than ten minutes."""
        seconds = int(self.cleaned_data["timeout_seconds"])
        if not 1 <= seconds <= 600:
            raise forms.ValidationError(_("From 1 to 600 seconds."))
        return seconds

    def clean(self) -> dict[str, Any]:
        """What is switched on needs a server; one inside the house needs to be allowed."""
        told = super().clean() or self.cleaned_data
        url = str(told.get("url") or "")
        if told.get("minilm") and not is_installed():
            self.add_error("minilm", _("It is not installed here."))
        if (told.get("reads") or told.get("drafts")) and not (url and told.get("model")):
            self.add_error("url", _("Say where the server is and which model it should use."))
        if url.startswith("http:") and not told.get("allow_private"):
            says = _("Plain http is only for a server inside our own network; allow that below.")
            self.add_error("url", says)
        return dict(told)

    def save(self, commit: bool = True) -> Assistant:  # noqa: FBT001 - Django's signature
        """Keep it, the key sealed; a server that has changed begins anew."""
        row = super().save(commit=False)
        if key := self.cleaned_data["new_key"].strip():
            row.key = seal(key)
        if {"url", "model", "new_key", "allow_private"} & set(self.changed_data):
            row.takes_schema, row.rests_until, row.trouble, row.trouble_count = True, None, "", 0
        if (row.reads or row.minilm) and not self._was_reading:
            row.reads_since = self._now
        if commit:
            row.save()
        return row
