"""A person outside, the handles under which we know them, and whom we took for one person."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Lower

from heard.contacts.bonds import Word
from heard.staff.models import User


class Contact(models.Model):
    """A person outside. `is_ours` marks colleagues who write in public: they are not customers.

    Who was joined with somebody else stays as a row that leads to them by `into`: it has no handles
    and no conversations of its own until the join is undone.
    """

    name = models.CharField(max_length=200, db_default="")
    language = models.CharField(max_length=8, db_default="", blank=True)
    note = models.TextField(db_default="", blank=True)
    is_ours = models.BooleanField(default=False, db_default=False)
    into = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    bond = models.CharField(max_length=12, db_default=Word.FIRST_TIME.value)
    """What they are to us, by all that was heard of them; kept by `recognising`."""

    class Meta:
        db_table = "contact"
        indexes = [
            models.Index(Lower("name"), name="contact_called"),
            models.Index(fields=["into"], condition=Q(into__isnull=False), name="contact_joined"),
        ]

    def __str__(self) -> str:
        return self.name or f"contact {self.pk}"


class Handle(models.Model):
    """One address of a contact on one kind of channel."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="handles")
    kind = models.CharField(max_length=30)
    address = models.CharField(max_length=320)
    name = models.CharField(max_length=200, db_default="")

    class Meta:
        db_table = "handle"
        constraints = [
            models.UniqueConstraint(fields=["kind", "address"], name="a_handle_is_one_person"),
        ]
        indexes = [
            models.Index(
                Lower(
                    Func(
                        Func(F("address"), Value("@"), function="ltrim"),
                        Value("@"),
                        Value(1),
                        function="split_part",
                    )
                ),
                name="handle_word",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.address}"


class Joining(models.Model):
    """Two contacts were taken for one person: why, and what it takes to undo it.

    `handles` are the ids of those that came along; `moved` names by table the other rows that did,
    `before` what the surviving contact was. `proof` is empty where a person decided.
    """

    gone = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    kept = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="joinings")
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    proof = models.CharField(max_length=20, db_default="")
    reasons = models.JSONField(default=list)
    handles = models.JSONField(default=list)
    moved = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        db_table = "joining"
        constraints = [
            models.UniqueConstraint(
                fields=["gone"], condition=Q(undone_at=None), name="one_is_joined_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.gone_id} into {self.kept_id}"


class Likeness(models.Model):
    """Two contacts who may be one person: why, and how likely. Dismissed once, it stays so."""

    one = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+", db_index=False)
    other = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    score = models.FloatField()
    reasons = models.JSONField(default=list)
    found_at = models.DateTimeField()
    dismissed_at = models.DateTimeField(null=True)
    dismissed_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        db_table = "likeness"
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], name="one_likeness_a_pair"),
            models.CheckConstraint(
                condition=Q(one__lt=F("other")), name="a_likeness_is_kept_one_way"
            ),
        ]
        indexes = [
            models.Index(
                F("score").desc(), F("id"), condition=Q(dismissed_at=None), name="likeness_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.one_id} and {self.other_id}: {self.score:.2f}"


class Trace(models.Model):
    """Something that a contact let slip of themselves in their words: a number, a signature.

    It proves nothing; who left the same traces, or has such a handle, may be the same person.
    """

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="traces")
    sort = models.CharField(max_length=10)
    value = models.CharField(max_length=120)

    class Meta:
        db_table = "trace"
        constraints = [
            models.UniqueConstraint(
                fields=["contact", "sort", "value"], name="one_trace_a_contact_and_value"
            ),
        ]
        indexes = [models.Index(fields=["sort", "value"], name="trace_value")]

    def __str__(self) -> str:
        return f"{self.sort} {self.value}"
