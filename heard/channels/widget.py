"""The chat widget: our own small window on any site, from which a visitor writes to us.

It is the contact page in another coat: the same deliveries, the same private link, the same rule
that a typed e-mail address is nobody's proof.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from heard.channels import contact_page
from heard.channels.base import Account, Delivered, Incoming, SetAside, Setting
from heard.channels.contact_page import check, may_repeat, send
from heard.channels.texts import repair

__all__ = [
    "check",
    "kind",
    "may_repeat",
    "parse",
    "private",
    "public",
    "send",
    "settings",
    "title",
    "written",
]

kind = "widget"
title = "Chat widget"
settings = (
    Setting(
        "sites",
        "Sites that show it",
        help="One a line, like https://www.example.com. No other site can.",
        is_needed=False,
        form="lines",
    ),
    Setting(
        "title",
        "What stands above the chat",
        help="Empty: the name of the brand, or of this inbox.",
        is_needed=False,
    ),
    Setting(
        "greeting",
        "What it says before anybody has written",
        help="One or two sentences. Empty: “How can we help?”",
        is_needed=False,
    ),
)
public = None
private = contact_page.private


def written(
    *,
    message_id: str,
    thread: str,
    text: str,
    name: str = "",
    email: str = "",
    page: str = "",
    is_address: bool = False,
) -> bytes:
    """What a visitor wrote as the body of a delivery, for `parse`.

    `page` is where the visitor was. `is_address`: it only tells where answers are to be mailed.
    """
    body: dict[str, Any] = json.loads(
        contact_page.written(
            message_id=message_id, thread=thread, text=text, name=name, email=email, files=()
        )
    )
    return json.dumps(body | {"page": page, "is_address": is_address}).encode()


def parse(delivered: Delivered, account: Account) -> Iterator[Incoming | SetAside]:
    """A visitor's message, as the contact page reads it; an address alone asks for nothing."""
    for item in contact_page.parse(delivered, account):
        if isinstance(item, Incoming):
            yield _placed(item, json.loads(delivered.body))
        else:
            yield item


def _placed(item: Incoming, said: dict[str, Any]) -> Incoming:
    page = said.get("page")
    if isinstance(page, str) and page:
        item = item._replace(extra={**item.extra, "page": repair(page)})
    return item._replace(need="nothing") if said.get("is_address") is True else item
