"""`heard worker`: the process behind the pages."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from heard.conversations.deliveries.working import work


class Command(BaseCommand):
    """Runs until SIGTERM or Ctrl-C."""

    help = "Take deliveries in, send replies and watch the clocks, until told to stop."

    def handle(self, *_: Any, **__: Any) -> None:
        """Work."""
        work()
