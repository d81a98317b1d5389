"""Facts of the house: what a thing costs, how long it takes, where it is. And saved answers."""

from __future__ import annotations

from datetime import date

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from heard.staff.models import Brand, Place, Team, User

LONGEST_SUBJECT, LONGEST_WORDS, LONGEST_VALUE = 120, 300, 300

LANGUAGE = RegexValidator(r"\A[a-z]{2,3}\Z", _("Two letters: en, de, fr, es, pt, it …"))
SHORT = RegexValidator(
    r"\A\w[\w-]{0,39}\Z", _("Letters, numbers and hyphens, as `opening-hours`; no spaces.")
)


def other_names(words: str) -> tuple[str, ...]:
    """The other names of a subject, from how they are written: parted by commas."""
    return tuple(filter(None, (word.strip() for word in words.split(","))))


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

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be called: its subject, then the other names."""
        return (self.subject, *other_names(self.words))


class SavedAnswerQuerySet(models.QuerySet["SavedAnswer"]):
    """Which saved answers."""

    def visible_to(self, user: User) -> SavedAnswerQuerySet:
        """An owner sees all; others what is for everybody or for one of their teams."""
        if user.is_owner:
            return self
        return self.filter(models.Q(team=None) | models.Q(team__members=user)).distinct()

    def in_use(self) -> SavedAnswerQuerySet:
        """Those that can be chosen: taken over, and not put away."""
        return self.filter(is_proposed=False, archived_at=None)

    def fitting(
        self, *, brand_id: int | None, place_id: int | None, kind: str
    ) -> SavedAnswerQuerySet:
        """Those for an inbox of this brand, place and kind: a scope that is left open fits all."""
        return self.filter(
            models.Q(brand=None) | models.Q(brand=brand_id),
            models.Q(place=None) | models.Q(place=place_id),
            models.Q(kinds=[]) | models.Q(kinds__contains=[kind]),
        )


class SavedAnswer(models.Model):
    """Words that answer a question again and again, with gaps for what differs (`gaps.GAPS`).

    `short` is what is typed after `/`. The scopes say where it may be chosen; one that is empty
    means everywhere. `is_proposed` until a manager takes it over. It is put away, never deleted:
    `archived_at`.
    """

    short = models.CharField(max_length=40, validators=[SHORT])
    title = models.CharField(max_length=120)
    text = models.TextField(max_length=5000)
    language = models.CharField(
        max_length=3, db_default="", default="", blank=True, validators=[LANGUAGE]
    )
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, null=True, blank=True)
    place = models.ForeignKey(Place, on_delete=models.CASCADE, null=True, blank=True)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, blank=True)
    kinds = ArrayField(models.CharField(max_length=30), default=list, db_default=[], blank=True)
    """Kinds of inboxes."""
    is_proposed = models.BooleanField(default=False, db_default=False)
    used_count = models.IntegerField(default=0, db_default=0)
    """In how many replies that left it was, as far as they have been looked at."""
    said_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    said_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True, blank=True)
    is_sample = models.BooleanField(default=False, db_default=False)

    objects = SavedAnswerQuerySet.as_manager()

    class Meta:
        db_table = "saved_answer"
        constraints = [
            models.UniqueConstraint(
                Lower("short"),
                "language",
                "brand",
                "place",
                "team",
                condition=models.Q(is_proposed=False, archived_at=None),
                name="one_answer_a_short_name_and_scope",
                nulls_distinct=False,
                violation_error_message=_("This short name is taken already, for the same scope."),
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Wording(models.Model):
    """What a saved answer said from some moment on, and who said so."""

    answer = models.ForeignKey(SavedAnswer, on_delete=models.CASCADE, related_name="wordings")
    title = models.CharField(max_length=120)
    text = models.TextField()
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "wording"

    def __str__(self) -> str:
        return f"{self.answer_id} from {self.at:%Y-%m-%d %H:%M}"
