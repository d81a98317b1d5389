"""A person outside, and the handles under which we know them."""

from __future__ import annotations

from django.db import models


class Contact(models.Model):
    """A person outside. `is_ours` marks colleagues who write in public: they are not customers."""

    name = models.CharField(max_length=200, db_default="")
    language = models.CharField(max_length=8, db_default="", blank=True)
    note = models.TextField(db_default="", blank=True)
    is_ours = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "contact"

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

    def __str__(self) -> str:
        return f"{self.kind}:{self.address}"
