"""What happened, in order. Rows are written by deeds and never changed."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Event(models.Model):
    """One deed. `name` is `noun.past_participle`, `subject` the noun whose row it happened to."""

    at = models.DateTimeField()
    name = models.CharField(max_length=60)
    subject = models.CharField(max_length=30, db_default="")
    subject_id = models.BigIntegerField(null=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    data = models.JSONField(default=dict, db_default={})

    class Meta:
        db_table = "event"
        indexes = [
            models.Index(fields=["subject", "subject_id", "id"], name="event_of_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.name}"
