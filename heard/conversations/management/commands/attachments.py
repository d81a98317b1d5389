"""`heard attachments`: moving the files of messages between folder and bucket, checking them."""

from __future__ import annotations

from typing import Any

from django.core.management import CommandError
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from heard.conversations.files import tidying
from heard.conversations.files.tidying import Moved
from heard.lib.stores import StoreError

SAID_EVERY = 100


class Command(BaseCommand):
    """`heard attachments move --to s3|folder`, `check [--read]`, `tidy`."""

    help = "Move the files of messages between the folder and S3, or check that all are there."

    def add_arguments(self, parser: CommandParser) -> None:
        """What can be done with attachments."""
        deeds = parser.add_subparsers(dest="deed", required=True)
        move = deeds.add_parser("move", help="move everything; may be interrupted and run again")
        move.add_argument("--to", choices=["s3", "folder"], required=True)
        check = deeds.add_parser("check", help="name what is in no store")
        check.add_argument("--read", action="store_true", help="read all of it, to find damage too")
        deeds.add_parser("tidy", help="remove what no message has needed for a day")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do it."""
        try:
            {"move": self._move, "check": self._check, "tidy": self._tidy}[options["deed"]](options)
        except StoreError as error:
            raise CommandError(str(error)) from None

    def _move(self, options: dict[str, Any]) -> None:
        """Move everything, telling how far it came."""
        moved = tidying.move(to=options["to"], said=self._tell)
        self.stdout.write(f"{moved.files} files ({moved.size / 1e6:,.1f} MB) were moved.")
        if moved.damaged:
            raise CommandError(
                f"{len(moved.damaged)} are not what their names say and stay where they are: "
                + ", ".join(moved.damaged[:5])
            )

    def _check(self, options: dict[str, Any]) -> None:
        """Name what is missing; exit with 1 when there is any."""
        count = 0
        for row in tidying.missing(is_thorough=options["read"]):
            count += 1
            self.stdout.write(f"{row.digest}  {row.name} (message {row.message_id})")
        if count:
            raise CommandError(f"{count} attachments are in no store, or damaged.")
        self.stdout.write("All attachments are there.")

    def _tidy(self, _: dict[str, Any]) -> None:
        """Remove what nobody needs."""
        tidied = tidying.tidy(now=timezone.now())
        self.stdout.write(
            f"{tidied.noticed} files are no longer needed and will go in a day;"
            f" {tidied.removed} of earlier days were removed."
        )

    def _tell(self, moved: Moved) -> None:
        if moved.files % SAID_EVERY == 0:
            self.stdout.write(f"{moved.files} files, {moved.size / 1e6:,.1f} MB …")
