"""`heard deliveries`: what was set aside, and reading it again."""

from __future__ import annotations

from typing import Any

from django.core.management import CommandError
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from heard.conversations.deliveries.journal import take_all_again
from heard.conversations.models import Delivery, Inbox


class Command(BaseCommand):
    """`heard deliveries list`, `heard deliveries again [--inbox NAME]`."""

    help = "Show what could not be understood, and let it be read again."

    def add_arguments(self, parser: CommandParser) -> None:
        """What can be done with deliveries."""
        deeds = parser.add_subparsers(dest="deed", required=True)
        for deed, words in (
            ("list", "show what was set aside, newest first"),
            ("again", "let all that was set aside be read again, after the cause was mended"),
        ):
            deeds.add_parser(deed, help=words).add_argument("--inbox", help="of this inbox alone")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do it."""
        inbox = None
        if options["inbox"]:
            inbox = Inbox.objects.filter(name=options["inbox"]).first()
            if inbox is None:
                raise CommandError(
                    f"There is no inbox {options['inbox']}; `heard inbox list` shows them."
                )
        if options["deed"] == "again":
            count = take_all_again(inbox, by=None, now=timezone.now())
            self.stdout.write(f"{count} will be read again; the worker does it.")
            return
        rows = Delivery.objects.filter(state=Delivery.State.SET_ASIDE).select_related("inbox")
        if inbox is not None:
            rows = rows.filter(inbox=inbox)
        for row in rows.defer("body").order_by("-received_at", "-pk")[:200]:
            where = f" {row.where}" if row.where else ""
            self.stdout.write(
                f"{row.pk}  {row.received_at:%Y-%m-%d %H:%M}  {row.inbox}{where}: {row.reason}"
            )
