"""The Jinja2 environment of our pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any
from zlib import crc32

from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.utils.html import json_script
from django.utils.timezone import localtime
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup


def environment(**options: Any) -> Environment:
    """Jinja2 with escaping on, unknown names an error, and the words that every page needs."""
    options.update(autoescape=True, undefined=StrictUndefined)
    env = Environment(**options)  # noqa: S701 - autoescape is set above
    env.globals.update(
        static=cache(static),
        url=url,
        icon=icon,
        language=translation.get_language,
        initials=initials,
        hue=hue,
        json_script=json_script,
    )
    env.filters.update(day=day, minute=minute)
    env.install_gettext_callables(  # type: ignore[attr-defined]
        translation.gettext, translation.ngettext, newstyle=True
    )
    # Jinja's own way to a text costs ten times as much, and a page holds a hundred of them.
    env.globals.update(_=words)
    return env


def words(text: str, /, **values: object) -> Markup:
    """A text of ours in the language of whoever reads, with `values`, escaped, in their places."""
    return Markup(translation.gettext(text)) % values  # noqa: S704 - templates say what is ours


def icon(name: str, label: object = "") -> Markup:
    """A picture of static/icons.svg; with a `label` it says something, else it is mute."""
    return _drawn(name, str(label))


@cache
def _drawn(name: str, label: str) -> Markup:
    said = Markup('role="img" aria-label="{}"').format(label) if label else 'aria-hidden="true"'
    drawn = '<svg class="icon" {}><use href="{}#{}"/></svg>'
    return Markup(drawn).format(Markup(said), static("icons.svg"), name)  # noqa: S704 - constant


def url(name: str, args: Sequence[object] = ()) -> str:
    """The address of a page. Those without a row of their own are worked out once."""
    return reverse(name, args=args) if args and not isinstance(args[0], str) else _kept(name, *args)


@lru_cache(maxsize=1024)
def _kept(name: str, *args: object) -> str:
    return reverse(name, args=args)


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
