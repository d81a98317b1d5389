"""`heard sample load` and `heard sample remove`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from heard.sample.loading import begin, fill, progress, remove


class Command(BaseCommand):
    """Brings the sample company in, or takes it out."""

    help = "Bring in the sample company with its sixty days, or take it out again."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which of the two."""
        parser.add_argument("what", choices=["load", "remove"])

    def handle(self, *_: Any, **options: Any) -> None:
        """Do it, and say what was done."""
        now = timezone.now()
        if options["what"] == "remove":
            gone = remove(now)
            self.stdout.write("The sample company is gone." if gone else "It was not here.")
            return
        owner = begin(now)
        stage = progress()
        if stage is not None and stage.is_done:
            self.stdout.write("The sample company is here already.")
            return
        self.stdout.write("Sixty days are passing …")
        fill(now)
        self.stdout.write(
            f"The sample company is here. `heard signin_link {owner.email}` lets you in as"
            f" {owner.name}, who owns it."
        )
