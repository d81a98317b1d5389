"""Where the links of a draft lead: to allowed domains, never nowhere, not behind a short name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.links import Link, host_of, links_in
from heard.think.wording import set_of

_SHORTENERS = set_of(
    """
    bit.ly tinyurl.com goo.gl ow.ly is.gd buff.ly rb.gy cutt.ly shorturl.at t.ly rebrand.ly
    tiny.cc bl.ink lnkd.in shrtco.de v.gd adf.ly soo.gd clck.ru s.id trib.al dlvr.it
    """
)
_INSIDE = re.compile(
    r"(?:^|\.)(?:localhost|local|internal|intranet|lan|corp|home|localdomain|test|invalid)$"
)
_HOST = re.compile(
    r"(?=.{1,253}$)(?:(?!-)[^\W_](?:[\w-]{0,61}[^\W_])?\.)+(?:[^\W\d_]{2,63}|xn--[a-z0-9-]{2,59})$",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"h?ttps?:?\s?/{1,3}\s?(?:h?ttps?:?/{1,3})?", re.IGNORECASE)


def linking(draft: str, facts: Facts) -> Iterable[Finding]:
    """At most one finding for each link: the worst."""
    allowed = [
        domain.casefold().strip().lstrip("*.").removeprefix("www.")
        for domain in facts.allowed_domains
    ]
    for link in links_in(draft):
        finding = _judged(link, allowed)
        if finding is not None:
            yield finding


def _judged(link: Link, allowed: list[str]) -> Finding | None:
    if any(link.host == own or link.host.endswith(f".{own}") for own in allowed if own):
        return None
    if link.text.startswith("file:") or _INSIDE.search(link.host):
        says = "This link opens only inside our own network."
        return _finding(link, "helpful.inner_link", says, stops=True)
    address = _address(link.host)
    if address is not None and not address.is_global:
        # A router's page is a right answer now and then, so this only warns.
        says = "This link opens only in the network where it is read."
        return _finding(link, "helpful.inner_link", says)
    if not link.is_bare and address is None and not _HOST.match(link.host):
        says = "This link is not complete and leads nowhere."
        return _finding(link, "helpful.broken_link", says, change=_mended(link.text))
    if allowed:
        says = "Links may lead only to the domains that this house allows."
        return _finding(link, "true.foreign_link", says, stops=True)
    if link.host.removeprefix("www.") in _SHORTENERS:
        says = "A short link hides where it leads; give the whole one."
        return _finding(link, "true.short_link", says, light=Light.AMBER)
    return None


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _mended(text: str) -> str | None:
    """The link with a proper beginning, None if that does not make it whole."""
    rest = _SCHEME.sub("", text, count=1)
    whole = f"https://{rest}"
    return whole if _HOST.match(host_of(whole, is_bare=False)) else None


def _finding(
    link: Link,
    code: str,
    says: str,
    *,
    light: Light = Light.RED,
    stops: bool = False,
    change: str | None = None,
) -> Finding:
    return Finding(
        code=code,
        letter=Letter.TRUE if code.startswith("true.") else Letter.HELPFUL,
        light=light,
        says=says,
        stops=stops,
        matched=link.text,
        start=link.start,
        end=link.end,
        change=change,
    )
