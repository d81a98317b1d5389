"""HTML that strangers sent, made harmless before anybody sees it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import unquote

import nh3

TAGS = nh3.ALLOWED_TAGS - {"img", "picture", "source", "map", "area"}
"""Nothing that loads something from elsewhere."""
PICTURE = {"src", "alt", "width", "height"}
NO_IMAGES: Mapping[str, str] = MappingProxyType({})

BOXES = re.compile(
    r"<(/?)(?:div|span|font|table|blockquote|center|section|article|b|i|u|em|strong)\b"
)

LONGEST = 500_000
DEEPEST = 400
"""Characters, and boxes within boxes. Cleaning takes time by the square of the depth: a minute at
100,000. Mails of real people stay below a hundred."""


def cleaned(html: str, *, images: Mapping[str, str] = NO_IMAGES) -> str:
    """The HTML without scripts, styles and pictures; "" for what is made to be slow.

    `images` are our addresses of the pictures that came with the message, by their Content-ID:
    those alone are shown.
    """
    if len(html) > LONGEST or _depth(html) > DEEPEST:
        return ""
    if not images:
        return nh3.clean(html, tags=TAGS, link_rel="noopener noreferrer nofollow")

    def address(tag: str, attribute: str, value: str) -> str | None:
        scheme, _, name = value.strip().partition(":")
        is_inside = scheme.lower() == "cid"
        if (tag, attribute) == ("img", "src"):
            return images.get(unquote(name)) if is_inside else None
        return None if is_inside else value

    return nh3.clean(
        html,
        tags=TAGS | {"img"},
        attributes=nh3.ALLOWED_ATTRIBUTES | {"img": PICTURE},
        attribute_filter=address,
        url_schemes=nh3.ALLOWED_URL_SCHEMES | {"cid"},
        link_rel="noopener noreferrer nofollow",
    )


def _depth(html: str) -> int:
    depth = deepest = 0
    for box in BOXES.finditer(html.lower()):
        depth = max(0, depth - 1) if box.group(1) else depth + 1
        deepest = max(deepest, depth)
    return deepest
