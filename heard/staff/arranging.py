"""Keeping and removing the parts of the house: whatever is arranged in the settings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.forms import ModelForm

from heard.events.diary import record
from heard.staff.models import User


@transaction.atomic
def keep(form: ModelForm[Any], *, by: User, now: datetime) -> models.Model:
    """Keep what was filled in (the form has been checked), and write down what was changed."""
    is_new = form.instance.pk is None
    row: models.Model = form.save()
    _write(
        row, "added" if is_new else "changed", by=by, now=now, data={"fields": form.changed_data}
    )
    return row


@transaction.atomic
def remove(row: models.Model, *, by: User, now: datetime) -> None:
    """Take it away. Raises Django's ProtectedError while something needs it."""
    _write(row, "removed", by=by, now=now, data={"name": str(row)})
    row.delete()


def _write(row: models.Model, what: str, *, by: User, now: datetime, data: dict[str, Any]) -> None:
    noun = type(row).__name__.lower()
    record(f"{noun}.{what}", subject=noun, subject_id=row.pk, at=now, actor_id=by.pk, data=data)
