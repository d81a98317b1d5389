"""The way around the house: what stands on the rail of every page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

PLACES = (
    ("home", _("Home")),
    ("inbox", _("Inbox")),
    ("ledger", _("Ledger")),
    ("presence_map", _("Presence")),
    ("posting", _("Posting")),
    ("reports", _("Reports")),
    ("settings", _("Settings")),
)


@dataclass(frozen=True, slots=True)
class Place:
    """One page on the rail; `name` is that of its address and of its icon."""

    name: str
    label: str
    url: str
    is_current: bool


def navigation(request: HttpRequest) -> dict[str, Any]:
    """What the frame of every page needs; what is not wired is not offered."""
    # One's own passkeys and sessions stand among the settings, at allauth's addresses.
    path = request.path.replace("/accounts/", _address("settings"), 1)
    if path.startswith(("/conversations/", "/reviews/")):
        path = _address("inbox")
    places = [
        Place(name, str(label), url, path == url or (url != "/" and path.startswith(url)))
        for name, label in PLACES
        if (url := _address(name))
    ]
    return {"rail_places": places, "rail_search": _address("search")}


@cache
def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
