"""`heard answers`: saved answers from the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management import CommandError
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from heard.conversations.answers.remembering import SETTLED, begin_anew, remember
from heard.conversations.models import Exchange
from heard.knowledge import carrying
from heard.knowledge.models import SavedAnswer
from heard.staff.models import User


class Command(BaseCommand):
    """`heard answers list`, `export --json`, `import FILE`."""

    help = "List, export and import saved answers; make suggestions anew."

    def add_arguments(self, parser: CommandParser) -> None:
        """What can be done with saved answers."""
        deeds = parser.add_subparsers(dest="deed", required=True)
        told = deeds.add_parser("list", help="show the saved answers, and how often each was used")
        told.add_argument("--all", action="store_true", help="also what is proposed or put away")
        out = deeds.add_parser("export", help="print all that can be chosen")
        form = out.add_mutually_exclusive_group(required=True)
        form.add_argument("--csv", action="store_true", help="a table with a heading")
        form.add_argument("--json", action="store_true", help="a list of objects")
        into = deeds.add_parser("import", help="take in a file of CSV or JSON; - is standard input")
        into.add_argument("file")
        deeds.add_parser("renew", help="make what suggestions are found by anew")
        into.add_argument("--by", metavar="EMAIL", help="in whose name; else in nobody's")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do it."""
        getattr(self, f"_{options['deed']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        rows = SavedAnswer.objects.select_related("place", "brand", "team").order_by("short", "pk")
        for row in rows if options["all"] else rows.in_use():
            scopes = [str(it) for it in (row.place, row.brand, row.team) if it]
            scopes += [row.language] if row.language else []
            state = "proposed" if row.is_proposed else "put away" if row.archived_at else ""
            told = ", ".join(part for part in (*scopes, state) if part) or "everywhere"
            self.stdout.write(f"/{row.short}  {row.title}  ({told}; used {row.used_count} times)")

    def _export(self, options: dict[str, Any]) -> None:
        rows = SavedAnswer.objects.in_use().select_related("brand", "place", "team")
        rows = rows.order_by("short", "pk")
        if options["json"]:
            self.stdout.write(carrying.as_json(rows), ending="")
            return
        for line in carrying.as_csv(rows):
            self.stdout.write(line, ending="")

    def _renew(self, _: dict[str, Any]) -> None:
        now = timezone.now()
        begin_anew(now=now)
        while remember(now=now + SETTLED):
            pass
        count = Exchange.objects.count()
        told = "1 exchange is kept" if count == 1 else f"{count:,} exchanges are kept"
        self.stdout.write(f"{told}, the newest.")

    def _import(self, options: dict[str, Any]) -> None:
        by = None
        if options["by"]:
            by = User.objects.filter(email__iexact=options["by"]).first()
            if by is None:
                raise CommandError(f"Nobody here has the address {options['by']}.")
        name = options["file"]
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        try:
            rows = carrying.read(raw.decode("utf-8-sig", "replace"))
        except carrying.UnreadableError as wrong:
            raise CommandError(str(wrong)) from wrong
        found = carrying.bring_in(rows, by=by, now=timezone.now())
        self.stdout.write(f"{found.added} new, {found.changed} changed, {found.same} as they were.")
        for sentence in found.refused:
            self.stderr.write(sentence)
        if found.refused:
            raise CommandError(f"{len(found.refused)} could not be taken in.")
