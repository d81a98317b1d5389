"""What the house has arranged with its model server, what a day has cost, and every request."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

NOTHING = [MinValueValidator(0)]


class Assistant(models.Model):
    """The model server of this house: where it is, what it may do and spend. There is one row.

    Everything is off until an owner switches it on. Prices are for a million tokens, in the money
    of the house; a day is a day of the house's time zone.
    """

    url = models.CharField(max_length=300, blank=True, default="")
    model = models.CharField(max_length=120, blank=True, default="")
    key = models.TextField(blank=True, default="")
    """Sealed; "" where the server asks for none."""
    allow_private = models.BooleanField(default=False)
    reads = models.BooleanField(default=False)
    """The tier "server": it is asked about messages that the shipped reader is unsure of."""
    reads_since = models.DateTimeField(null=True)
    """When that was switched on: what was heard before is not asked about."""
    minilm = models.BooleanField(default=False)
    """The tier "MiniLM": a larger reader in this house looks at English ones of them first."""
    drafts = models.BooleanField(default=False)
    unsure_below = models.FloatField(default=0.15, validators=[MinValueValidator(0.0)])
    """A reading is unsure while its likeliest answer leads the next by less than this."""
    calls_a_day = models.PositiveIntegerField(default=200)
    tokens_a_day = models.PositiveIntegerField(default=200_000)
    money_a_day = models.DecimalField(
        max_digits=10, decimal_places=2, default=Decimal(1), validators=NOTHING
    )
    price_in = models.DecimalField(
        max_digits=10, decimal_places=4, default=Decimal(0), validators=NOTHING
    )
    price_out = models.DecimalField(
        max_digits=10, decimal_places=4, default=Decimal(0), validators=NOTHING
    )
    currency = models.CharField(max_length=3, default="EUR")
    timeout_seconds = models.PositiveSmallIntegerField(default=60)
    keep_days = models.PositiveSmallIntegerField(default=30)
    takes_schema = models.BooleanField(default=True)
    """Whether it understands `response_format`; found out from its first answer."""
    rests_until = models.DateTimeField(null=True)
    trouble = models.CharField(max_length=300, blank=True, default="")
    trouble_count = models.PositiveSmallIntegerField(default=0)

    class Meta:
        db_table = "assistant"
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="there_is_one_assistant")]

    def __str__(self) -> str:
        return self.model or "assistant"

    @property
    def is_reachable(self) -> bool:
        """Whether somebody has said where it is."""
        return bool(self.url and self.model)

    def cost(self, *, tokens_in: int, tokens_out: int) -> Decimal:
        """What so many tokens cost, in the money of the house."""
        total = self.price_in * tokens_in + self.price_out * tokens_out
        return (total / 1_000_000).quantize(Decimal("0.000001"))


def arranged() -> Assistant:
    """The one row; as long as nobody has arranged anything, one that is all off."""
    return Assistant.objects.filter(pk=1).first() or Assistant(pk=1)


class Spent(models.Model):
    """What one day of the house has cost so far, with what is under way."""

    day = models.DateField(primary_key=True)
    calls = models.PositiveIntegerField(default=0)
    tokens = models.PositiveBigIntegerField(default=0)
    money = models.DecimalField(max_digits=14, decimal_places=6, default=Decimal(0))

    class Meta:
        db_table = "assistant_spent"

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}: {self.calls}"


class Consultation(models.Model):
    """One request to the model server: what left the house, masked, and what came back.

    `conversation_id` is kept without a constraint: conversations stand above this area.
    """

    class Purpose(models.TextChoices):
        """Why it was asked."""

        READING = "reading", _("to read a message")
        DRAFT = "draft", _("to draft a reply")
        TEST = "test", _("to try it out")

    class Outcome(models.TextChoices):
        """What came of it."""

        ANSWERED = "answered", _("answered")
        REMEMBERED = "remembered", _("remembered: nothing left the house")
        UNUSABLE = "unusable", _("answered with something unusable")
        REFUSED = "refused", _("refused")
        BUSY = "busy", _("busy")
        UNREACHED = "unreached", _("not reached")
        UNANSWERED = "unanswered", _("no answer")
        SPENT = "spent", _("not asked: the day's budget is spent")

    at = models.DateTimeField()
    purpose = models.CharField(max_length=8, choices=Purpose.choices)
    conversation_id = models.BigIntegerField(null=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    model = models.CharField(max_length=120)
    digest = models.CharField(max_length=64)
    """Of the address, the model and the masked request."""
    sent = models.TextField(blank=True, default="")
    answer = models.TextField(blank=True, default="")
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    reason = models.CharField(max_length=300, blank=True, default="")
    tokens_in = models.PositiveIntegerField(default=0)
    tokens_out = models.PositiveIntegerField(default=0)
    money = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0))
    milliseconds = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "consultation"
        indexes = [
            models.Index(
                fields=["digest", "-at"],
                condition=Q(outcome="answered"),
                name="consultation_remembered",
            ),
            models.Index(
                fields=["conversation_id"],
                condition=Q(conversation_id__isnull=False),
                name="consultation_about",
            ),
            models.Index(fields=["at"], name="consultation_when"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.at:%Y-%m-%d %H:%M} {self.outcome}"
