"""Where the links of a draft lead: to allowed domains, never nowhere, not behind a short name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.wording import folded, set_of

_REST = r"[^\s<>\"'\\]"
_LINK = re.compile(
    r"(?<![\w@./-])(?:"
    rf"(?:h?ttps?:?/{{1,3}}\s?|https?: //?){_REST}{{1,2000}}|file:/{_REST}{{1,500}}"
    r"|(?P<bare>(?:localhost(?=[:/])|(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+"
    r"(?:com|org|net|info|io|shop|app|dev|eu|uk|de|fr|es|nl|ch|ca|au|ly|gl|gd|local|internal|lan))"
    rf"(?::\d{{2,5}})?(?:/{_REST}{{0,2000}})?(?![\w@-]))"
    r")"
)
_NUMBERED = re.compile(r"[\d.]+\.[a-z]+(?![\w.])")
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


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it stands in the text, and the host it names ("" if it names none)."""

    start: int
    end: int
    text: str
    host: str
    is_bare: bool


def links(draft: str, facts: Facts) -> Iterable[Finding]:
    """At most one finding for each link: the worst."""
    allowed = [
        domain.casefold().strip().lstrip("*.").removeprefix("www.")
        for domain in facts.allowed_domains
    ]
    for link in links_in(draft):
        finding = _judged(link, allowed)
        if finding is not None:
            yield finding


def links_in(text: str) -> Iterator[Link]:
    """Links with and without a scheme; marks of the sentence around them are left out."""
    for match in _LINK.finditer(folded(text)):
        words = match[0].rstrip(".,;:!?…*_")
        while words.endswith(")") and words.count(")") > words.count("("):
            words = words[:-1].rstrip(".,;:!?…*_")
        end = match.start() + len(words)
        is_bare = match["bare"] is not None
        # A bare name has letters before its ending, unlike "version 2.3.de".
        if words and not (is_bare and _NUMBERED.match(words)):
            yield Link(
                match.start(),
                end,
                text[match.start() : end],
                _host(words, is_bare=is_bare),
                is_bare,
            )


def _host(words: str, *, is_bare: bool) -> str:
    if not is_bare and not words.startswith(("http://", "https://")):
        return ""
    try:
        host = urlsplit(f"//{words}" if is_bare else words).hostname or ""
    except ValueError:
        return ""
    return host.casefold().removesuffix(".")


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
    return whole if _HOST.match(_host(whole, is_bare=False)) else None


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
