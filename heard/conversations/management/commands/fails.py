"""`heard fails`: the lines of the ledger as CSV or JSON, all of them or those asked for."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from heard.conversations.fails.exporting import as_csv, as_json
from heard.conversations.fails.ledger import Filters, every_fail, whole_book
from heard.conversations.models import Clock, Inbox
from heard.staff.models import User


class Command(BaseCommand):
    """Print fails."""

    help = "Print every fail of the ledger, newest first, as CSV or JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be asked."""
        form = parser.add_mutually_exclusive_group(required=True)
        form.add_argument("--csv", action="store_true", help="a table with a heading")
        form.add_argument("--json", action="store_true", help="one array, an object a line")
        parser.add_argument("--inbox", metavar="NAME", help="only this inbox")
        parser.add_argument("--fail", choices=Clock.Fail.values, default="")
        parser.add_argument("--outcome", choices=["unanswered", "late"], default="")
        parser.add_argument("--sighting", choices=Clock.Sighting.values, default="")
        parser.add_argument("--keeper", metavar="EMAIL", help="only of this person")
        parser.add_argument("--since", type=date.fromisoformat, metavar="DATE", help="first day")
        parser.add_argument("--until", type=date.fromisoformat, metavar="DATE", help="last day")

    def handle(self, **options: Any) -> None:
        """Print them."""
        filters = Filters(
            inbox=_inbox(options["inbox"]),
            fail=options["fail"],
            outcome=options["outcome"],
            sighting=options["sighting"],
            keeper=_keeper(options["keeper"]),
            since=options["since"],
            until=options["until"],
        )
        form = as_csv if options["csv"] else as_json
        for line in form(every_fail(filters, book=whole_book(), now=timezone.now())):
            self.stdout.write(line, ending="")


def _inbox(name: str | None) -> int | None:
    if name is None:
        return None
    known = dict(Inbox.objects.values_list("name", "pk"))
    if name not in known:
        there_are = ", ".join(sorted(known)) or "none"
        raise CommandError(f"There is no inbox named {name!r}. There are: {there_are}.")
    return known[name]


def _keeper(email: str | None) -> int | None:
    if email is None:
        return None
    person = User.objects.filter(email__iexact=email).first()
    if person is None:
        raise CommandError(f"There is nobody with the address {email!r} in this house.")
    return person.pk
