"""`heard listen`: the process that asks the places that must be asked."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from heard.conversations.deliveries.listening import listen


class Command(BaseCommand):
    """Runs until SIGTERM or Ctrl-C."""

    help = "Hear the places that must be asked, until told to stop."

    def handle(self, *_: Any, **__: Any) -> None:
        """Listen."""
        listen()
