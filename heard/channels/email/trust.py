"""What the receiving server found out about a mail's sender: DKIM, SPF and DMARC (RFC 8601).

It is shown as trust and never taken for identity. Only the server that the settings name is
believed; it has to take away what others wrote in its name, and where two results contradict each
other the worse one stands.
"""

from __future__ import annotations

import re
from typing import Any

from heard.channels.email.mime import Headers

_RESULT = re.compile(r"\b(dmarc|dkim|spf|arc)\s*=\s*([a-z]{3,10})\b")
_DOMAIN = re.compile(r"\bheader\.(?:d|i|from)\s*=\s*@?([\w.-]{1,253})", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]*\)")
_BADNESS = ("pass", "bestguesspass", "policy", "neutral", "none", "softfail", "temperror",
            "permerror", "fail")  # fmt: skip


def trust_of(headers: Headers, *, server: str) -> dict[str, Any]:
    """Results by method, and by whom they were found; empty where no trusted server tells."""
    found: dict[str, Any] = {}
    wanted = server.strip().lower()
    if not wanted:
        return found
    for value in headers.get("authentication-results", ()):
        name, _, results = _COMMENT.sub(" ", value).partition(";")
        if name.strip().lower().split(" ")[0] != wanted:
            continue
        for method, result in _results(results).items():
            found[method] = max(found.get(method, result), result, key=_badness)
        if found.get("dkim") == "pass" and (by := _DOMAIN.search(results)):
            found.setdefault("dkim_domain", by[1].lower())
    if found:
        found["by"] = wanted
    return found


def is_failed(trust: dict[str, Any]) -> bool:
    """Whether the sender's own domain says that this mail is not from it."""
    return trust.get("dmarc") == "fail"


def is_proven(trust: dict[str, Any]) -> bool:
    """Whether something proves the domain of the sender."""
    return trust.get("dmarc", trust.get("dkim", trust.get("spf"))) == "pass"


def _results(text: str) -> dict[str, str]:
    """The results in one header: of several signatures, one that holds is enough."""
    found: dict[str, str] = {}
    for method, result in _RESULT.findall(text.lower()):
        found[method] = min(found.get(method, result), result, key=_badness)
    return found


def _badness(result: str) -> int:
    return _BADNESS.index(result) if result in _BADNESS else len(_BADNESS)
