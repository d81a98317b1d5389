"""Refits: what a head learnt from the house's labels, how it was judged, what became of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Refit(models.Model):
    """One head, fitted on the labels there were at one moment.

    Scores are macro F1 on labels that were held out, with their 95 % intervals; `shipped_score` is
    that of the head which ships with heard, on the same labels.
    """

    class State(models.TextChoices):
        """What became of it."""

        ACTIVE = "active", _("in use")
        ASIDE = "aside", _("kept aside")
        REPLACED = "replaced", _("replaced")
        REVERTED = "reverted", _("taken back")

    class Because(models.TextChoices):
        """Why it was kept aside."""

        SHIPPED = "shipped", _("no better than the reader that ships")
        ACTIVE = "active", _("no better than the one in use")
        LOSES = "loses", _("misses more of what needs an answer, or presses")

    head = models.CharField(max_length=10)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    """Who asked for it; nobody did of a night."""
    label_count = models.IntegerField()
    confirmed_count = models.IntegerField()
    """How many of the labels said that the reading was right."""
    shipped_score = models.FloatField()
    score = models.FloatField()
    score_low = models.FloatField()
    score_high = models.FloatField()
    gain_low = models.FloatField()
    gain_high = models.FloatField()
    """Between which bounds its score lies above that of the shipped head."""
    state = models.CharField(max_length=8, choices=State.choices)
    because = models.CharField(max_length=7, choices=Because.choices, db_default="")
    ended_at = models.DateTimeField(null=True)
    """When it was replaced or taken back."""
    ships_with = models.CharField(max_length=64)
    """The fingerprint of the shipped models that it corrects: with others it means nothing."""
    weights = models.BinaryField()
    """The head as `TaughtHead.packed` writes it: arrays, no code."""

    class Meta:
        db_table = "refit"
        constraints = [
            models.UniqueConstraint(
                fields=["head"], condition=Q(state="active"), name="one_active_refit_a_head"
            ),
        ]
        indexes = [models.Index(fields=["head", "-at"], name="refit_of_head")]

    def __str__(self) -> str:
        return f"{self.head} {self.at:%Y-%m-%d %H:%M}"
