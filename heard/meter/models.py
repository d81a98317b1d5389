"""Roll-ups: one row for each day of each inbox, counted again whenever the rows beneath change."""

from __future__ import annotations

from django.db import models

from heard.conversations.models import Inbox


class DayFigures(models.Model):
    """What one day (in the company's time zone) holds of one inbox.

    Messages count on the day they were said, conversations and clocks on the day they began, fails
    on the day they fell due. The row without an inbox has only the voices of the whole house: one
    person is one voice a day and stance, in however many inboxes.
    """

    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, null=True, db_index=False)
    day = models.DateField()
    incoming = models.IntegerField(db_default=0)
    reply = models.IntegerField(db_default=0)
    conversations = models.IntegerField(db_default=0)
    started_by_contact = models.IntegerField(db_default=0)
    answered = models.IntegerField(db_default=0)
    negative = models.IntegerField(db_default=0)
    turned = models.IntegerField(db_default=0)
    response_clocks = models.IntegerField(db_default=0)
    response_met = models.IntegerField(db_default=0)
    response_within = models.IntegerField(db_default=0)
    response_missed = models.IntegerField(db_default=0)
    service_unanswered = models.IntegerField(db_default=0)
    service_late = models.IntegerField(db_default=0)
    recognition_unanswered = models.IntegerField(db_default=0)
    recognition_late = models.IntegerField(db_default=0)
    recommend = models.IntegerField(db_default=0)
    avoid = models.IntegerField(db_default=0)
    first_reply_spread = models.BinaryField(db_default=b"")
    """How many first replies lie in each bucket of `spreads`; empty means none."""
    response_spread = models.BinaryField(db_default=b"")
    """The same of first-response clocks."""

    class Meta:
        db_table = "day_figures"
        constraints = [
            models.UniqueConstraint(
                fields=["inbox", "day"], nulls_distinct=False, name="one_row_a_day_and_inbox"
            ),
        ]
        indexes = [models.Index(fields=["day"], name="day_figures_of_day")]

    def __str__(self) -> str:
        return f"{self.inbox_id} {self.day}"


class Drawing(models.Model):
    """A chart: what it shows, and the picture once the worker has drawn it."""

    key = models.CharField(max_length=64, primary_key=True)
    """The digest of `kind` and `data`."""
    kind = models.CharField(max_length=30)
    data = models.JSONField()
    svg = models.TextField(db_default="")
    asked_at = models.DateTimeField()

    class Meta:
        db_table = "drawing"

    def __str__(self) -> str:
        return f"{self.kind} {self.key[:8]}"
