"""`heard floods`: the same words said many times, the latest first."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from heard.conversations.floods.sifting import look
from heard.lib.statements import fetch

LATEST = """
    SELECT f.id, f.started_at, f.last_at, f.dissolved_at IS NOT NULL, s.messages, s.people,
        s.conversations, s.open, left(coalesce(s.words, ''), 200)
    FROM (SELECT * FROM flood ORDER BY last_at DESC, id DESC LIMIT %(limit)s) f
    CROSS JOIN LATERAL (
        SELECT count(*) AS messages, count(DISTINCT m.contact_id) AS people,
            count(DISTINCT m.conversation_id) AS conversations,
            count(DISTINCT m.conversation_id) FILTER (WHERE c.status = 'open') AS open,
            min(m.text) FILTER (WHERE m.id = f.first) AS words
        FROM flooded x JOIN message m ON m.id = x.message_id
            JOIN conversation c ON c.id = m.conversation_id
        WHERE x.flood_id = f.id AND x.taken_out_at IS NULL
    ) s ORDER BY f.last_at DESC, f.id DESC
"""

COLUMNS = (
    "id", "started_at", "last_at", "is_dissolved", "messages", "people", "conversations", "open",
    "words",
)  # fmt: skip


class Command(BaseCommand):
    """List floods, and look for them now."""

    help = "List floods: the same words said many times, by how many, and how many are open."

    def add_arguments(self, parser: CommandParser) -> None:
        """What may be asked."""
        parser.add_argument("--look", action="store_true", help="look for new ones first")
        parser.add_argument("--limit", type=int, default=20, metavar="N", help="so many (20)")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, **options: Any) -> None:
        """Print them."""
        while options["look"] and look():
            pass
        rows = fetch(LATEST, {"limit": max(0, options["limit"])})
        found = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
        for one in found:
            if options["json"]:
                self.stdout.write(json.dumps(one, default=str))
                continue
            said = " ".join(str(one["words"]).split())[:70]
            self.stdout.write(
                f"{one['last_at']:%Y-%m-%d %H:%M}  {one['messages']:>6,} messages"
                f"  {one['people']:>6,} people  {one['open']:>6,} open  {said}"
            )
        if not found and not options["json"]:
            self.stdout.write("There are no floods.")
