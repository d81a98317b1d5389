"""The log of requests is kept for a limited time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.utils import timezone

from heard.assistant.budget import day_of
from heard.assistant.models import Consultation, Spent, arranged
from heard.lib.jobs import jobs

DAYS_OF_SPENDING = 400


@jobs.periodic(cron="27 3 * * *")
@jobs.task(name="forget_consultations", queue="background", queueing_lock="forget_consultations")
def forget_consultations(timestamp: int) -> None:  # noqa: ARG001 - given to every periodic job
    """Once a day what is older than an owner wants to keep goes."""
    forget(now=timezone.now())


def forget(*, now: datetime) -> int:
    """Remove what is older than may be kept; returns how many requests went."""
    before = now - timedelta(days=arranged().keep_days)
    gone, _ = Consultation.objects.filter(at__lt=before).delete()
    Spent.objects.filter(day__lt=day_of(now) - timedelta(days=DAYS_OF_SPENDING)).delete()
    return gone


def empty(conversations: Collection[int]) -> None:
    """Let go of the words that left the house for these conversations; the rows stay."""
    Consultation.objects.filter(conversation_id__in=conversations).update(sent="", answer="")
