"""How often a stranger may do something: counted by network address, in each process by itself."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest


def allows(what: str, *, visitor: str, limit: int, seconds: int) -> bool:
    """Count one attempt; False when there were more than `limit` since the first of `seconds`."""
    key = f"limit:{what}:{visitor}"
    cache.add(key, 0, seconds)
    try:
        return cache.incr(key) <= limit
    except ValueError:  # it ran out between the two
        return True


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
