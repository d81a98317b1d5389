"""`heard report`: the figures of the home page, for people or as one JSON object."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from heard.conversations.models import Inbox
from heard.meter.report import Scope, report


class Command(BaseCommand):
    """Print the report."""

    help = "Print the figures: who wrote, who was answered and how soon, fails, meter."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be asked."""
        parser.add_argument("--json", action="store_true", help="one JSON object")
        parser.add_argument("--inbox", action="append", metavar="NAME", help="only this inbox")
        parser.add_argument("--since", type=date.fromisoformat, metavar="DATE", help="first day")
        parser.add_argument("--until", type=date.fromisoformat, metavar="DATE", help="last day")

    def handle(self, **options: Any) -> None:
        """Print it."""
        inboxes = _inboxes(options["inbox"]) if options["inbox"] else None
        figures = report(Scope(inboxes, options["since"], options["until"])).as_dict()
        if options["json"]:
            self.stdout.write(json.dumps(figures, indent=2))
            return
        for name, value in _flat(figures):
            shown = "-" if value is None else f"{value:,.2f}" if isinstance(value, float) else value
            self.stdout.write(f"{name:<36} {shown:>14}")


def _inboxes(names: list[str]) -> tuple[int, ...]:
    found = dict(Inbox.objects.filter(name__in=names).values_list("name", "pk"))
    missing = [name for name in names if name not in found]
    if missing:
        known = ", ".join(Inbox.objects.order_by("name").values_list("name", flat=True)) or "none"
        raise CommandError(f"There is no inbox named {missing[0]!r}. There are: {known}.")
    return tuple(found[name] for name in names)


def _flat(figures: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield above + name, value
