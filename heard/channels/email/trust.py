"""What the receiving server found out about a mail's sender: DKIM, SPF and DMARC (RFC 8601).

It is shown as trust and never taken for identity. Only the server that the settings name is
believed; it has to take away what others wrote in its name, and where two results contradict each
other the worse one stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from heard.channels.email.mime import Headers

_RESULT = re.compile(r"\s*(dmarc|dkim|spf|arc)(?:\s*/\s*\d+)?\s*=\s*([a-z]{3,15})\b")
_DOMAIN = re.compile(r"(?:^|\s)(header\.(?:d|i|from)|smtp\.mailfrom)\s*=\s*([^\s;]{1,320})")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_COMMENT = re.compile(r"\([^()]*\)")
_BADNESS = ("pass", "bestguesspass", "policy", "neutral", "none", "softfail", "temperror",
            "permerror", "fail")  # fmt: skip
_NAMING = {"dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom",), "dmarc": ("header.from",)}
"""Which property says for which domain a result holds (RFC 8601, section 2.7)."""


class _Result(NamedTuple):
    """What one method found, for which domain; "" where that is not told."""

    method: str
    result: str
    domain: str


def trust_of(headers: Headers, *, server: str, sender: str) -> dict[str, Any]:
    """Results by method, and by whom they were found; empty where no trusted server tells.

    `proves` is the sender's domain if something proves it: DMARC passed for it; or, where the
    domain has no DMARC policy, DKIM or SPF passed and its own domain is the sender's (aligned, RFC
    7489, section 3.1; a domain may speak for those below it). A signature of anybody else's domain
    proves nothing about the sender.
    """
    found: dict[str, Any] = {}
    wanted = server.strip().lower()
    if not wanted:
        return found
    domain = sender.rpartition("@")[2].lower()
    aligned: dict[str, bool] = {}
    for value in headers.get("authentication-results", ()):
        name, _, told = _bare(value).partition(";")
        if name.strip().lower().split(" ")[0] != wanted:
            continue
        results = list(_results(told))
        for method in dict.fromkeys(one.method for one in results):
            mine = [one for one in results if one.method == method]
            # Of several signatures one that holds is enough; nothing else is told twice.
            chosen = min if method == "dkim" else max
            result = chosen((one.result for one in mine), key=_badness)
            found[method] = max(found.get(method, result), result, key=_badness)
            speaks = any(one.result == "pass" and _is_for(one.domain, domain) for one in mine)
            aligned[method] = aligned.get(method, True) and speaks
        passed = (one.domain for one in results if one.method == "dkim" and one.result == "pass")
        if by := next(filter(None, passed), ""):
            found.setdefault("dkim_domain", by)
    if found:
        found["by"] = wanted
        methods = ("dmarc",) if found.get("dmarc", "none") != "none" else ("dkim", "spf")
        if any(found.get(one) == "pass" and aligned[one] for one in methods):
            found["proves"] = domain
    return found


def is_failed(trust: Mapping[str, Any]) -> bool:
    """Whether the sender's own domain says that this mail is not from it."""
    return trust.get("dmarc") == "fail"


def is_proven(trust: Mapping[str, Any]) -> bool:
    """Whether something proves the domain of the sender."""
    return bool(trust.get("proves"))


def _bare(header: str) -> str:
    """Without quoted strings and comments, in which senders can have words of theirs."""
    text, before = _QUOTED.sub("", header), ""
    while text != before:
        before, text = text, _COMMENT.sub(" ", text)
    return text


def _results(text: str) -> Iterator[_Result]:
    for piece in text.lower().split(";"):
        if (said := _RESULT.match(piece)) is None:
            continue
        method, result = said.groups()
        told = dict(_DOMAIN.findall(piece))
        named = next((told[name] for name in _NAMING.get(method, ()) if name in told), "")
        yield _Result(method, result, named.rpartition("@")[2].strip(".<>"))


def _is_for(domain: str, sender: str) -> bool:
    """Whether a domain speaks for the sender's: it is the same, or stands above it."""
    return bool(domain) and (sender == domain or sender.endswith(f".{domain}")) and "." in domain


def _badness(result: str) -> int:
    return _BADNESS.index(result) if result in _BADNESS else len(_BADNESS)
