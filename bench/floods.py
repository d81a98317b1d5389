"""Floods in a house: how fast messages are sifted, and what a list costs in which one is folded."""

from __future__ import annotations

from bench.house import House, probe

Row = tuple[str, str, str]

SIFT = """
import time
from heard.conversations.models import Sifted
from heard.conversations.floods.sifting import look
Sifted.objects.update_or_create(pk=1, defaults={"up_to": 0})
count, began = 0, time.process_time()
while count < 100_000 and (fresh := look()):
    count += fresh
print(count / (time.process_time() - began))
"""

FLOOD = """
from django.db import connection
from django.utils import timezone
from heard.conversations.models import Flood
now = timezone.now()
flood = Flood.objects.create(first=-1, size=20, signature=bytes(128), started_at=now, last_at=now)
with connection.cursor() as cursor:
    cursor.execute(
        "UPDATE conversation SET flood_id = %s WHERE id IN (SELECT id FROM conversation "
        "WHERE status = 'open' AND waiting_since IS NOT NULL ORDER BY waiting_since LIMIT 5000)",
        [flood.pk],
    )
    print(cursor.rowcount)
    cursor.execute("VACUUM ANALYZE conversation")
"""

DRY = "from heard.conversations.models import Flood; Flood.objects.filter(first=-1).delete()"


def measure(house: House) -> list[Row]:
    """The rate of sifting, and the list of those who wait without and with a flood of 5,000."""
    sifted = float(house.python(SIFT))
    before = probe(house, "/inbox/waiting/", count=60)
    folded = int(house.python(FLOOD))
    after = probe(house, "/inbox/waiting/", count=60)
    house.python(DRY)
    return [
        (
            "messages passed in search of floods, the database not counted",
            f"{sifted:,.0f} per CPU s",
            "-",
        ),
        (
            f"inbox, waiting, page 1, {folded:,} of it one flood",
            f"{after.cpu} CPU ms beside {before.cpu} without",
            "not more than twice",
        ),
    ]
