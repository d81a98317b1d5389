"""Plain functions that make rows for tests; what is not said gets an ordinary value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from heard.channels.base import Incoming, Kind
from heard.conversations.intake.receiving import receive
from heard.conversations.models import Conversation, Hours, Inbox, Policy
from heard.staff.models import Brand, Role, Team, User

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
_numbers = count(1)


def policy(**fields: Any) -> Policy:
    fields = {"name": f"Policy {next(_numbers)}", **fields}
    return Policy.objects.create(**fields)


def hours(**fields: Any) -> Hours:
    return Hours.objects.create(**{"name": f"Hours {next(_numbers)}", **fields})


def team(**fields: Any) -> Team:
    return Team.objects.create(**{"name": f"Team {next(_numbers)}", **fields})


def brand(**fields: Any) -> Brand:
    return Brand.objects.create(**{"name": f"Brand {next(_numbers)}", **fields})


def user(role: str = Role.AGENT, *, teams: tuple[Team, ...] = (), **fields: Any) -> User:
    number = next(_numbers)
    made = User.objects.create_user(
        fields.pop("email", f"person{number}@house.example"),
        fields.pop("password", None),
        **{"name": f"Person {number}", "role": role, **fields},
    )
    made.teams.set(teams)
    return made


def owner(**fields: Any) -> User:
    return user(Role.OWNER, **fields)


def manager(**fields: Any) -> User:
    return user(Role.MANAGER, **fields)


def inbox(*, teams: tuple[Team, ...] = (), **fields: Any) -> Inbox:
    number = next(_numbers)
    fields = {
        "name": f"Inbox {number}",
        "slug": f"inbox-{number}",
        "kind": "contact_page",
        "created_at": NOON - timedelta(days=365),
        **fields,
    }
    if "policy" not in fields:
        fields["policy"] = policy()
    made = Inbox.objects.create(**fields)
    made.teams.set(teams)
    return made


def incoming(text: str = "Where is my order?", **fields: Any) -> Incoming:
    number = next(_numbers)
    return Incoming(
        **{"external_id": f"m{number}", "at": NOON, "text": text, "sender": "ann", **fields}
    )


def answer(text: str = "It is on its way.", **fields: Any) -> Incoming:
    return incoming(text, **{"kind": Kind.REPLY, "sender": "house", **fields})


def conversation(box: Inbox | None = None, *, now: datetime = NOON, **fields: Any) -> Conversation:
    """One question in an inbox, taken in the ordinary way."""
    received = receive(box or inbox(), [incoming(**fields)], now=now)
    return Conversation.objects.get(pk=received.conversations[0])
