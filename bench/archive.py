"""A made-up archive of short messages: threads of two or three, a few thousand words, some rare."""

from __future__ import annotations

import csv
import math
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

COMMON = [
    "the", "order", "has", "not", "arrived", "and", "I", "would", "like", "to", "know", "where",
    "it", "is", "please", "help", "my", "account", "was", "charged", "twice", "for", "this",
    "month", "refund", "invoice", "password", "reset", "does", "not", "work", "login", "app",
    "crashes", "after", "update", "delivery", "late", "address", "wrong", "package", "damaged",
    "support", "number", "thanks", "hello", "team", "subscription", "cancel", "upgrade", "plan",
    "price", "discount", "coupon", "error", "message", "screen", "payment", "card", "declined",
    "bank", "transfer", "email", "phone", "shipping", "return", "label", "exchange", "size",
    "color", "item", "missing", "parts", "manual", "warranty", "repair", "store", "opening",
    "hours", "agent", "chat",
]  # fmt: skip
COMMON_WORD, MIDDLING_WORD, RARE_WORD = "refund", "w00310", "zyxquartz"

MAP = """
format = "csv"
channel = "forum"

[columns]
id = "id"
root = "thread"
at = "at"
text = "text"
sender = "sender"

[[kind]]
column = "kind"
is = ["reply"]
kind = "reply"

[[kind]]
kind = "incoming"
"""

DAYS = 700


def write(path: Path, *, first: int, count: int, now: datetime) -> None:
    """Messages `first` to `first + count`, over the last 700 days, oldest first.

    Of five messages two begin threads; each gets a reply or a second question, every other both.
    """
    chance = random.Random(first)
    began = now - timedelta(days=DAYS)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "thread", "at", "text", "sender", "kind"])
        for n in range(first, first + count):
            place = n % 5
            thread = n - (0, 1, 2, 0, 1)[place] if place < 3 else n - (place - 3)
            begins = place in {0, 3}
            is_reply = place in {1, 4}
            at = began + timedelta(days=DAYS) * (max(0, thread - first) / count)
            at = min(
                at + timedelta(seconds=after(thread, n - thread)), began + timedelta(days=DAYS)
            )
            text = sentence(chance)
            if n % (count // 5 or 1) == 3:
                text += f" {RARE_WORD}"
            rows.writerow(
                [
                    f"m{n}",
                    "" if begins else f"m{thread}",
                    at.isoformat(timespec="seconds"),
                    text,
                    "house" if is_reply else f"person{thread % 40_000}",
                    "reply" if is_reply else "incoming",
                ]
            )


def sentence(chance: random.Random, length: int = 140) -> str:
    """About `length` characters: common words, and a tail that follows Zipf."""
    words, size = [], 0
    while size < length:
        if chance.random() < 0.75:
            word = COMMON[int(len(COMMON) * chance.random() ** 1.7)]
        else:
            word = f"w{int(20_000 * chance.random() ** 2.5):05d}"
        words.append(word)
        size += len(word) + 1
    return " ".join(words)


def open_since(now: datetime, share: float) -> str:
    """The day since which conversations are still alive, so that about `share` of them are."""
    return (now - timedelta(days=DAYS * share)).astimezone(UTC).date().isoformat()


def after(thread: int, place: int) -> float:
    """Seconds from the first word of a thread: half of the answers take less than three hours."""
    chance = random.Random(thread)
    return sum(20 + chance.lognormvariate(math.log(3 * 3600), 1.2) for _ in range(place))
