"""The daily budget: what a request may cost at most is set aside before it leaves.

Setting aside is one statement, so that two workers cannot both take the last of it; afterwards what
it did cost takes the place of what was set aside. Whoever dies in between has spent it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from heard.assistant.models import Assistant, Spent

SET_ASIDE = """
    INSERT INTO assistant_spent AS s (day, calls, tokens, money)
    SELECT %(day)s::date, 1, x.tokens, x.money
    FROM (SELECT %(tokens)s::bigint AS tokens, %(money)s::numeric AS money) x
    WHERE 1 <= %(most_calls)s AND x.tokens <= %(most_tokens)s AND x.money <= %(most_money)s::numeric
    ON CONFLICT (day) DO UPDATE SET calls = s.calls + 1, tokens = s.tokens + excluded.tokens,
        money = s.money + excluded.money
    WHERE s.calls + 1 <= %(most_calls)s AND s.tokens + excluded.tokens <= %(most_tokens)s
        AND s.money + excluded.money <= %(most_money)s::numeric
    RETURNING day
"""

PAY = """
    UPDATE assistant_spent SET tokens = greatest(0, tokens + %(tokens)s::bigint),
        money = greatest(0, money + %(money)s::numeric)
    WHERE day = %(day)s::date
"""


@dataclass(frozen=True, slots=True)
class SetAside:
    """What one request may cost at most, and the day it is taken from."""

    day: date
    tokens: int
    money: Decimal


def day_of(now: datetime) -> date:
    """The day of the house, in its own time zone."""
    return now.astimezone(ZoneInfo(settings.TIME_ZONE)).date()


def set_aside(
    assistant: Assistant, *, tokens_in: int, tokens_out: int, now: datetime
) -> SetAside | None:
    """Set aside one call with so many tokens at most; None when the day has no room for it.

    Commits by itself: call it outside of a transaction.
    """
    wanted = SetAside(
        day_of(now),
        tokens_in + tokens_out,
        assistant.cost(tokens_in=tokens_in, tokens_out=tokens_out),
    )
    parameters: dict[str, Any] = {
        "day": wanted.day,
        "tokens": wanted.tokens,
        "money": wanted.money,
        "most_calls": assistant.calls_a_day,
        "most_tokens": assistant.tokens_a_day,
        "most_money": assistant.money_a_day,
    }
    with connection.cursor() as cursor:
        cursor.execute(SET_ASIDE, parameters)
        return wanted if cursor.fetchone() else None


def pay(kept: SetAside, *, tokens: int, money: Decimal) -> None:
    """Put what it did cost in the place of what was set aside."""
    with connection.cursor() as cursor:
        cursor.execute(
            PAY, {"day": kept.day, "tokens": tokens - kept.tokens, "money": money - kept.money}
        )


def spent_today(*, now: datetime) -> Spent:
    """What this day of the house has cost so far."""
    day = day_of(now)
    return Spent.objects.filter(day=day).first() or Spent(day=day)


def is_left(assistant: Assistant, *, now: datetime) -> bool:
    """Whether a call may still be made today, as far as can be said before its words are known."""
    spent = spent_today(now=now)
    return (
        spent.calls < assistant.calls_a_day
        and spent.tokens < assistant.tokens_a_day
        and (spent.money < assistant.money_a_day or not (assistant.price_in + assistant.price_out))
    )
