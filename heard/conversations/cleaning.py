"""HTML that strangers sent, made harmless before anybody sees it."""

from __future__ import annotations

import re

import nh3

TAGS = nh3.ALLOWED_TAGS - {"img", "picture", "source", "map", "area"}
"""Nothing that loads something from elsewhere."""

BOXES = re.compile(
    r"<(/?)(?:div|span|font|table|blockquote|center|section|article|b|i|u|em|strong)\b"
)

LONGEST = 500_000
DEEPEST = 400
"""Characters, and boxes within boxes. Cleaning takes time by the square of the depth: a minute at
100,000. Mails of real people stay below a hundred."""


def cleaned(html: str) -> str:
    """The HTML without scripts, styles and pictures; "" for what is made to be slow."""
    if len(html) > LONGEST or _depth(html) > DEEPEST:
        return ""
    return nh3.clean(html, tags=TAGS, link_rel="noopener noreferrer nofollow")


def _depth(html: str) -> int:
    depth = deepest = 0
    for box in BOXES.finditer(html.lower()):
        depth = max(0, depth - 1) if box.group(1) else depth + 1
        deepest = max(deepest, depth)
    return deepest
