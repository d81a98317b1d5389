"""Messenger: the private messages to a Facebook Page.

The person must write first; then 24 hours are open, 7 days with Meta's Human Agent permission.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from heard.channels import payloads
from heard.channels.base import (
    Abilities,
    Account,
    Checked,
    Delivered,
    Heard,
    Outgoing,
    PlaceError,
    Receipt,
    SetAside,
    Setting,
)
from heard.channels.meta import chats, graph, hooks
from heard.channels.payloads import words

kind = "messenger"
title = "Messenger"
PAGE_ID = Setting(
    "page_id",
    "Page id",
    help="Facebook Page → About → Page transparency; a long number.",
)
PAGE_TOKEN = Setting(
    "token",
    "Page access token",
    help="In the Meta app dashboard: Messenger → API setup → Generate token, or of a system user"
    " in Business settings (these do not expire).",
    is_secret=True,
)
settings = (
    PAGE_ID,
    PAGE_TOKEN,
    hooks.APP_SECRET,
    hooks.VERIFY_TOKEN,
    chats.HUMAN_AGENT,
    chats.BOTS,
)
LENGTH = 2000
WINDOW = timedelta(hours=24)
public = None
private = Abilities(length=LENGTH, window=WINDOW, tells=frozenset({"delivered"}))
has_own_secret = False
heeds = hooks.HEEDS
FIELDS = (
    "messages",
    "message_echoes",
    "message_edits",
    "message_reactions",
    "message_deliveries",
    "messaging_postbacks",
)
RIGHTS = frozenset({"pages_messaging", "pages_manage_metadata", "pages_show_list"})

greet = hooks.greet
authenticate = hooks.authenticate
confirm = hooks.confirm


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:
    """The messages of our Page; comments and the like are for an inbox of the kind “facebook”."""
    ours = str(account.settings.get("page_id") or "")

    def change(one: Any) -> Iterator[Heard]:
        field = words(one["field"])
        if field in chats.FIELDS:
            yield from chats.event(one["value"], account=account, us=ours, heard_at=delivered.at)
            return
        yield SetAside(
            where=f"changes: {field}",
            reason="This is not a private message; an inbox of the kind “facebook” hears it.",
        )

    def understood(entry: dict[str, Any]) -> Iterator[Heard]:
        yield from chats.heard(entry, account=account, us=ours, heard_at=delivered.at)
        yield from payloads.each(entry.get("changes"), where="changes", understood=change)

    yield from hooks.entries(delivered, what="page", ours=ours, whose="Page", understood=understood)


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Write to the person, in at most 2,000 characters."""
    return chats.send(outgoing, account, length=LENGTH)


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """No: Messenger knows no key by which it would see the repetition."""
    return False


def fetch(source: str, account: Account) -> bytes:
    """The bytes of a picture or file. Meta's addresses for them end after some days."""
    return graph.downloaded(source, account=account, is_ours=False)


def check(account: Account) -> Checked:
    """Whether the token is our Page's, and whether the Page delivers what we want to hear."""
    return checked_page(account, fields=FIELDS, rights=RIGHTS)


def checked_page(account: Account, *, fields: tuple[str, ...], rights: frozenset[str]) -> Checked:
    """Who the token is, how long and for what it is good, and what the Page delivers to the app.

    Raises `PlaceError` where the token is not the Page's.
    """
    page = graph.asked("GET", "me", account=account, params={"fields": "id,name"})
    wanted = str(account.settings.get("page_id") or "")
    if str(page.get("id")) != wanted:
        raise PlaceError(
            f"The token belongs to “{page.get('name')}” ({page.get('id')}), not to the Page"
            f" {wanted}. A token of the Page itself is needed, not of a person.",
            needs_person=True,
        )
    try:
        about = graph.checked_token(account, needed=rights)
    except (PlaceError, KeyError, TypeError, AttributeError):
        about = Checked("", warnings=("Meta did not tell when the token ends.",))
    delivers = subscribed(account, f"{wanted}/subscribed_apps")
    missing = [name for name in fields if name not in delivers]
    warnings = about.warnings
    if missing:
        named = ", ".join(missing)
        warnings += (f"The Page does not deliver {named} yet: subscribe to it at Meta, Webhooks.",)
    return replace(
        about,
        account=str(page.get("name") or wanted),
        warnings=warnings,
        found={**about.found, **chats.window(account)},
    )


def subscribed(account: Account, path: str) -> frozenset[str]:
    """The fields that a Page or account delivers to our app; nothing where Meta does not tell."""
    try:
        apps = list(graph.every(path, account=account, params={}))
    except PlaceError:
        return frozenset()
    found = [app.get("subscribed_fields") for app in apps if isinstance(app, Mapping)]
    return frozenset(name for fields in found for name in fields or ())
