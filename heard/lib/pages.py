"""The Jinja2 environment of our pages."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any
from zlib import crc32

from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.utils.html import json_script
from django.utils.timezone import localtime
from jinja2 import Environment, StrictUndefined


def environment(**options: Any) -> Environment:
    """Jinja2 with escaping on, unknown names an error, and the words that every page needs."""
    options.update(autoescape=True, undefined=StrictUndefined)
    env = Environment(**options)  # noqa: S701 - autoescape is set above
    env.globals.update(
        static=cache(static),
        url=reverse,
        language=translation.get_language,
        initials=initials,
        hue=hue,
        json_script=json_script,
    )
    env.filters.update(day=day, minute=minute)
    env.install_gettext_callables(  # type: ignore[attr-defined]
        translation.gettext, translation.ngettext, newstyle=True
    )
    return env


def initials(name: str) -> str:
    """One or two letters for a name: first and last word, or the first of an address."""
    words = [word for word in name.partition("@")[0].replace(".", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


def hue(name: str) -> int:
    """The same number from 0 to 7 for the same name, everywhere and always."""
    return crc32(name.casefold().encode()) % 8


def day(moment: datetime) -> str:
    """The day of a moment, in the time zone of whoever looks."""
    at = localtime(moment)
    return f"{at.day} {at:%b %Y}"


def minute(moment: datetime) -> str:
    """The day and the time of a moment, in the time zone of whoever looks."""
    at = localtime(moment)
    return f"{at.day} {at:%b %Y, %H:%M}"
