"""Facts of the house: what a thing costs, how long it takes, where it is."""

from __future__ import annotations

from datetime import date

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from heard.staff.models import Brand, Place, User

LONGEST_SUBJECT, LONGEST_WORDS, LONGEST_VALUE = 120, 300, 300

LANGUAGE = RegexValidator(r"\A[a-z]{2,3}\Z", _("Two letters: en, de, fr, es, pt, it …"))


class HouseFactQuerySet(models.QuerySet["HouseFact"]):
    """Conditions on facts."""

    def valid_on(self, today: date) -> HouseFactQuerySet:
        """Those that are not out of date; the last day counts."""
        return self.exclude(valid_until__lt=today)

    def about(self, *, brand_id: int | None, place_id: int | None) -> HouseFactQuerySet:
        """Those that hold in this brand and place: the house's, the brand's, the place's own."""
        return self.filter(
            models.Q(brand=None) | models.Q(brand=brand_id),
            models.Q(place=None) | models.Q(place=place_id),
        )


class HouseFact(models.Model):
    """One thing that is so: the day ticket costs € 12.50, in one brand, place, language or all.

    `words` are other names of the subject, parted by commas. `valid_until` is its last day.
    `said_by` and `said_at` tell who stands for it, and since when it reads as it does.
    """

    subject = models.CharField(max_length=LONGEST_SUBJECT)
    words = models.CharField(max_length=LONGEST_WORDS, db_default="", default="", blank=True)
    value = models.CharField(max_length=LONGEST_VALUE)
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, null=True, blank=True)
    place = models.ForeignKey(Place, on_delete=models.CASCADE, null=True, blank=True)
    language = models.CharField(
        max_length=3, db_default="", default="", blank=True, validators=[LANGUAGE]
    )
    valid_until = models.DateField(null=True, blank=True)
    said_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    said_at = models.DateTimeField()

    objects = HouseFactQuerySet.as_manager()

    class Meta:
        db_table = "house_fact"
        constraints = [
            models.UniqueConstraint(
                Lower("subject"),
                "brand",
                "place",
                "language",
                name="one_fact_a_subject_and_scope",
                nulls_distinct=False,
                violation_error_message=_(
                    "There is a fact about this already, for the same scope."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject}: {self.value}"
