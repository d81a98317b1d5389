"""`heard rollups`: compare the kept figures with the rows, or count them all anew."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from heard.meter import rollups


class Command(BaseCommand):
    """Check or rebuild the roll-ups."""

    help = "Compare the daily figures with the rows beneath (check), or count them anew (rebuild)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do."""
        parser.add_argument("what", choices=["check", "rebuild"])

    def handle(self, what: str, **_: Any) -> None:
        """Do it. Exit status 1 when figures differ."""
        if what == "rebuild":
            self.stdout.write(f"{rollups.rebuild():,} days counted anew.")
            return
        found = rollups.differences()
        for line in found[:50]:
            self.stdout.write(line)
        if found:
            raise CommandError(
                f"{len(found):,} figures differ from the rows. `heard rollups rebuild` mends them."
            )
        self.stdout.write("Every figure agrees with the rows.")
