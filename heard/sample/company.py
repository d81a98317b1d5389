"""What Quince & Daughters is: places, people of the house, opening hours, promises, inboxes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from heard.conversations.clocks.hours import OpeningHours, Span

BRAND = "Quince & Daughters"
TIMEZONE = "Europe/London"
ZONE = ZoneInfo(TIMEZONE)
WEEKS = 8
COOL_DOWN_MINUTES = 60
"""Longer than in most houses: so that whoever looks around finds a reply that still rests."""
SHARP = (
    "As I already said, we looked into it this morning. You should have told us at the table, "
    "then we could have put it right at once. Write to us and we will see what we can do."
)
GRAVE = (
    "I am so sorry to read this, and thank you for telling us. Our insurer's solicitor will look "
    "at it this week, and I will write to you myself on Friday with what comes of it."
)
"""Two replies that have not left: one is hot, one is about law."""
"""Whole weeks of life before the current one."""

CLOSED_WEEK, CLOSED_WEEKDAY = 6, 2
"""Six weeks ago, on the Wednesday, everybody went to the races."""

Role = Literal["owner", "manager", "agent"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where customers go; `week` is when somebody answers there, Monday first."""

    key: str
    name: str
    town: str
    street: str
    week: tuple[tuple[Span, ...], ...]


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who answers. `key` is their name in the stories; `pulse` 1 to 5, oldest first."""

    key: str
    name: str
    role: Role
    teams: tuple[str, ...]
    pulse: tuple[int, ...]

    @property
    def email(self) -> str:
        """Their address for signing in."""
        return f"{self.key.lower()}@quinceanddaughters.example"


@dataclass(frozen=True, slots=True)
class Policy:
    """What is promised, in minutes of open time; None means no such clock."""

    name: str
    first_response: int
    next_response: int
    recognition: int | None
    resolution: int | None = None


@dataclass(frozen=True, slots=True)
class Inbox:
    """One connected account. `key` is what the stories call it."""

    key: str
    kind: str
    name: str
    place: str
    keeper: str
    team: str
    policy: str
    is_public: bool
    address: str = ""

    @property
    def is_shared(self) -> bool:
        """Whether several people speak under one post there."""
        return self.kind in ("blog", "facebook", "instagram", "x", "mastodon", "bluesky")


def _span(opens: str, closes: str) -> Span:
    (a, b), (c, d) = (map(int, time.split(":")) for time in (opens, closes))
    return a * 60 + b, c * 60 + d


_TABLE_DAY = (_span("11:00", "15:00"), _span("17:00", "22:00"))
_BAKERY_DAY = (_span("07:30", "13:00"), _span("14:00", "17:30"))
_SHOP_DAY = (_span("09:30", "13:00"), _span("14:00", "18:30"))

PLACES = (
    Place(
        "table",
        "Quince's Table",
        "Wrenmouth",
        "4 Ferry Steps",
        ((), *(_TABLE_DAY,) * 5, (_span("11:00", "16:00"),)),
    ),
    Place(
        "rising",
        "The Rising Quince",
        "Wrenmouth",
        "19 Market Street",
        ((), *(_BAKERY_DAY,) * 5, (_span("08:00", "13:00"),)),
    ),
    Place("cork", "Quince & Cork", "Harrowick", "7 Castle Row", ((), *(_SHOP_DAY,) * 5, ())),
)

TEAMS = ("Front of house", "Bakery counter", "Shop and web orders")

COLLEAGUES = (
    Colleague("Greta", "Greta Quince", "owner", TEAMS, (5, 5, 4, 4, 3, 3, 3, 4, 5)),
    Colleague("Imogen", "Imogen Quince", "manager", TEAMS[:2], (4, 4, 4, 3, 3, 2, 3, 4, 4)),
    Colleague("Tomasz", "Tomasz Wójcik", "manager", TEAMS[1:], (5, 4, 4, 3, 3, 3, 4, 4, 4)),
    Colleague("Adaeze", "Adaeze Okafor", "agent", TEAMS[:2], (5, 5, 4, 4, 3, 3, 4, 4, 5)),
    Colleague("Luca", "Luca Ferri", "agent", TEAMS[:1], (4, 4, 3, 3, 2, 2, 3, 4, 4)),
    Colleague("Priya", "Priya Raman", "agent", (TEAMS[0], TEAMS[2]), (4, 5, 4, 3, 3, 3, 4, 4, 4)),
    Colleague("Mei", "Mei-Lin Zhou", "agent", TEAMS[1:2], (5, 4, 4, 3, 3, 3, 3, 4, 4)),
    Colleague("Youssef", "Youssef Benali", "agent", TEAMS[1:], (4, 4, 3, 2, 2, 3, 3, 3, 4)),
)

POLICIES = (
    Policy("While they wait", first_response=20, next_response=20, recognition=None),
    Policy("Within the hour", first_response=60, next_response=90, recognition=960),
    Policy(
        "By the next sitting",
        first_response=240,
        next_response=240,
        recognition=960,
        resolution=2400,
    ),
    Policy("Reviews and cards", first_response=480, next_response=480, recognition=1440),
)

WAIT, HOUR, SITTING, REVIEWS = (policy.name for policy in POLICIES)
_FRONT, _COUNTER, _SHOP = TEAMS

INBOXES = (
    Inbox(
        "mail",
        "email",
        "hello@ the group",
        "table",
        "Priya",
        _FRONT,
        SITTING,
        False,
        "hello@quinceanddaughters.example",
    ),
    Inbox(
        "mail.table",
        "email",
        "Quince's Table by e-mail",
        "table",
        "Luca",
        _FRONT,
        SITTING,
        False,
        "table@quinceanddaughters.example",
    ),
    Inbox(
        "mail.cork",
        "email",
        "Quince & Cork by e-mail",
        "cork",
        "Youssef",
        _SHOP,
        SITTING,
        False,
        "orders@quinceanddaughters.example",
    ),
    Inbox(
        "ask", "contact_page", "Ask Quince & Daughters", "table", "Priya", _FRONT, SITTING, False
    ),
    Inbox("widget", "widget", "Chat in the web shop", "cork", "Youssef", _SHOP, WAIT, False),
    Inbox(
        "whatsapp",
        "chat",
        "Bakery on WhatsApp",
        "rising",
        "Youssef",
        _COUNTER,
        HOUR,
        False,
        "+44 1632 960119",
    ),
    Inbox(
        "sms",
        "sms",
        "Tables by text message",
        "table",
        "Adaeze",
        _FRONT,
        HOUR,
        False,
        "+44 7700 900170",
    ),
    Inbox(
        "phone.table",
        "phone",
        "Restaurant line",
        "table",
        "Luca",
        _FRONT,
        HOUR,
        False,
        "+44 1632 960104",
    ),
    Inbox(
        "phone.rising",
        "phone",
        "Bakery line",
        "rising",
        "Mei",
        _COUNTER,
        HOUR,
        False,
        "+44 1632 960119",
    ),
    Inbox(
        "phone.cork", "phone", "Shop line", "cork", "Youssef", _SHOP, HOUR, False, "+44 1632 960107"
    ),
    Inbox(
        "facebook",
        "facebook",
        "Facebook page",
        "table",
        "Adaeze",
        _FRONT,
        HOUR,
        True,
        "quinceanddaughters",
    ),
    Inbox(
        "instagram",
        "instagram",
        "Instagram",
        "table",
        "Adaeze",
        _FRONT,
        HOUR,
        True,
        "@quinceanddaughters",
    ),
    Inbox("x", "x", "X", "table", "Luca", _FRONT, HOUR, True, "@quincestable"),
    Inbox(
        "mastodon",
        "mastodon",
        "Mastodon",
        "rising",
        "Mei",
        _COUNTER,
        HOUR,
        True,
        "@quince@wrenmouth.example",
    ),
    Inbox(
        "bluesky", "bluesky", "Bluesky", "cork", "Priya", _SHOP, HOUR, True, "@quincestable.example"
    ),
    Inbox(
        "blog",
        "blog",
        "Crumbs, our blog",
        "rising",
        "Mei",
        _COUNTER,
        REVIEWS,
        True,
        "https://quinceanddaughters.example/crumbs",
    ),
    Inbox(
        "google.table",
        "review",
        "Google reviews of Quince's Table",
        "table",
        "Imogen",
        _FRONT,
        REVIEWS,
        True,
    ),
    Inbox(
        "google.rising",
        "review",
        "Google reviews of The Rising Quince",
        "rising",
        "Tomasz",
        _COUNTER,
        REVIEWS,
        True,
    ),
    Inbox(
        "google.cork",
        "review",
        "Google reviews of Quince & Cork",
        "cork",
        "Tomasz",
        _SHOP,
        REVIEWS,
        True,
    ),
    Inbox("foursquare", "foursquare", "Foursquare tips", "table", "Luca", _FRONT, REVIEWS, True),
    Inbox("card", "card", "Comment cards on the tables", "table", "Imogen", _FRONT, REVIEWS, False),
)

BY_KEY = {inbox.key: inbox for inbox in INBOXES}
STAFF = {colleague.key: colleague for colleague in COLLEAGUES}


def policy_of(inbox: Inbox) -> Policy:
    """What is promised to people who write there."""
    return next(policy for policy in POLICIES if policy.name == inbox.policy)


def hours_of(place: Place, *, monday: date) -> OpeningHours:
    """When somebody answers at a place; `monday` begins the current week."""
    outing = monday - timedelta(weeks=CLOSED_WEEK) + timedelta(days=CLOSED_WEEKDAY)
    return OpeningHours(
        timezone=TIMEZONE,
        week=place.week,
        country="GB",
        subdivision="ENG",
        closed=frozenset({outing}),
    )
