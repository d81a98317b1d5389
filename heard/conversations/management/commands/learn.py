"""`heard learn`: refit the reader on what people have said of its readings, now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from heard.conversations.readings.teaching import Learnt, learn
from heard.reading.house import LEAST_LABELS, LEAST_OF_A_CLASS


class Command(BaseCommand):
    """`heard learn`."""

    help = "Teach the reader what people have corrected and confirmed, as every night."

    def handle(self, *_: Any, **__: Any) -> None:
        """Do it, and say how each head fared."""
        for head, learnt in learn(by=None, now=timezone.now()).items():
            self.stdout.write(f"{head}: {_told(learnt)}")


def _told(learnt: Learnt) -> str:
    count = f"{learnt.label_count:,} labels"
    if learnt.has_too_few:
        return (
            f"{count}; it takes {LEAST_LABELS} of messages that are read, and {LEAST_OF_A_CLASS}"
            " of a second kind."
        )
    made = learnt.refit
    if made is None:
        return f"{count}; nothing new since the last refit."
    scores = (
        f"macro F1 {made.score:.3f} ({made.score_low:.3f} to {made.score_high:.3f}) on held-out"
        f" labels, as shipped {made.shipped_score:.3f}"
    )
    became = str(made.get_state_display())
    because = f": {made.get_because_display()}" if made.because else ""
    return f"{made.label_count:,} labels; {scores}; {became}{because}."
