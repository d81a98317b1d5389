"""How often a stranger may do something: counted by network address, for all processes together."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.db import connection
from django.http import HttpRequest

FORGOTTEN_AT_ONCE = 1_000


def allows(what: str, *, visitor: str, limit: int, seconds: int) -> bool:
    """Count one attempt; False when there were more than `limit` since the first of `seconds`."""
    return not seconds_to_wait(f"{what}:{visitor}", limit=limit, seconds=seconds)


def seconds_to_wait(key: str, *, limit: int, seconds: int) -> int:
    """Count one attempt, and say when the next is allowed: 0 unless there were more than `limit`.

    `seconds` begin with the first attempt. A key may have 200 characters.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO attempts AS a (key, count, ends_at)
            VALUES (%s, 1, statement_timestamp() + make_interval(secs => %s))
            ON CONFLICT (key) DO UPDATE SET
                count = CASE WHEN a.ends_at > statement_timestamp() THEN a.count + 1 ELSE 1 END,
                ends_at = CASE WHEN a.ends_at > statement_timestamp() THEN a.ends_at
                    ELSE excluded.ends_at END
            RETURNING count, ceil(extract(epoch FROM ends_at - statement_timestamp()))::int
            """,
            [key, seconds],
        )
        count, left = cursor.fetchone()
        if count == 1:
            # Apart from the count: whoever forgets must not wait for whoever counts.
            cursor.execute(
                "DELETE FROM attempts WHERE key IN (SELECT key FROM attempts "
                "WHERE ends_at < statement_timestamp() LIMIT %s FOR UPDATE SKIP LOCKED)",
                [FORGOTTEN_AT_ONCE],
            )
    return max(1, left) if count > limit else 0


def visitor(request: HttpRequest) -> str:
    """The network address that asks; of IPv6 the /64, which is one household.

    Behind a proxy (`HEARD_URL` is https) it is what the proxy added last to X-Forwarded-For.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if settings.USE_HTTPS:
        address = request.META.get("HTTP_X_FORWARDED_FOR", address).rpartition(",")[2].strip()
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if ip.version == 6:
        return str(ipaddress.ip_network((ip, 64), strict=False).network_address)
    return str(ip)
