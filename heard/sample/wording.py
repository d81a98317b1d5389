"""Turns written texts with choices `[this|that]` and gaps `{dish}` into what one person wrote.

Given the same `random.Random`, the same words come out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from heard.sample.company import STAFF
from heard.sample.people import first_name
from heard.sample.script import lists

_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_GAP = re.compile(r"(\b[Aa] )?\{(\w+)\}")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def ways(text: str) -> int:
    """In how many ways a text can be written, counting a gap as three."""
    count: int = 3 ** len(_GAP.findall(text))
    for choice in _CHOICE.findall(text):
        count *= len(choice.split("|"))
    return count


@dataclass
class Gaps:
    """What fills the gaps of one conversation; the same gap gets the same words throughout."""

    rng: Random
    day: date
    day_number: int
    """Days since the sample begins; order numbers grow with it."""
    speaker: str
    hosts: tuple[str, ...]
    """Keys of the colleagues whom people meet there."""
    agent: str = ""

    def __post_init__(self) -> None:
        self._filled: dict[str, str] = {}

    def write(self, text: str) -> str:
        """One text with its choices made and its gaps filled."""
        while found := _CHOICE.search(text):
            chosen = self.rng.choice(found[1].split("|"))
            text = text[: found.start()] + chosen + text[found.end() :]
        return _GAP.sub(self._gap, text)

    def _gap(self, found: re.Match[str]) -> str:
        article, name = found[1] or "", found[2]
        if name == "agent":
            return article + (self.agent or self._once(name))
        lower = name.lower()
        words = self._once(lower)
        if name != lower:
            words = (
                words.upper() if name.isupper() and len(name) > 1 else words[0].upper() + words[1:]
            )
        if article and words[0] in "aeiouAEIOUÉ":
            article = article[0] + "n "
        return article + words

    def _once(self, name: str) -> str:
        if name not in self._filled:
            self._filled[name] = self._fill(name)
        return self._filled[name]

    def _fill(self, name: str) -> str:
        rng = self.rng
        stock = lists("words")
        if name in ("friend", "friend2"):
            others = set(self._filled.values())
            return rng.choice([friend for friend in stock["friend"] if friend not in others])
        if name in stock:
            return rng.choice(stock[name])
        if name == "child2":
            return rng.choice([child for child in stock["child"] if child != self._once("child")])
        if name == "buns":
            return self._once("bun") + "s"
        if name in ("order", "order2"):
            return f"QC-{4340 + self.day_number * 11 + rng.randrange(11)}"
        if name == "agent":
            return STAFF[rng.choice(self.hosts)].name.split(" ")[0]
        if name == "table" and self.speaker.startswith("Table "):
            return self.speaker.split(" ")[1]
        if name in ("coming", "past", "yesterday"):
            return self._weekday(name)
        if name == "full":
            return self.speaker
        if name == "name":
            return first_name(self.speaker) or "friend"
        if name in ("house", "house2", "table", "pounds"):
            low, high = {"table": (1, 15), "pounds": (14, 96)}.get(name, (3, 89))
            return str(rng.randrange(low, high))
        raise ValueError(f"no words are known for {{{name}}}")

    def _weekday(self, name: str) -> str:
        if name == "yesterday":
            return _DAYS[(self.day - timedelta(days=1)).weekday()]
        sign = 1 if name == "coming" else -1
        days = [self.day + sign * timedelta(days=count) for count in range(1, 5)]
        return _DAYS[self.rng.choice([day for day in days if day.weekday() != 0]).weekday()]


def dress_incoming(text: str, *, kind: str, mention: str, name: str, rng: Random) -> str:
    """Put the manners of a channel round what somebody asks or complains of there."""
    first = first_name(name)
    if kind in ("email", "contact_page"):
        opening = rng.choice(("Hello,", "Hi there,", "Dear all,", "Good day,", "Dear team,", ""))
        closing = rng.choice(
            ("Kind regards,", "Best wishes,", "Thanks,", "Many thanks,", "Yours,", "")
        )
        parts = [opening, text, f"{closing}\n{rng.choice((name, first))}".strip()]
        return "\n\n".join(part for part in parts if part)
    if kind == "phone" and name not in text:
        return (
            rng.choice((f"Hello, {name} here. ", f"Hi, this is {name}. ", f"{name} speaking. "))
            + text
        )
    if kind in ("x", "mastodon", "bluesky") and "@" not in text:
        return rng.choice((f"{mention} {text}", f"{text} {mention}", f"Hey {mention}. {text}"))
    if kind in ("sms", "chat", "facebook", "instagram", "widget"):
        greeting = rng.choice(
            ("Hi! ", "Hello. ", "Hiya. ", "Hi there! ", "Hello! ", "", "", "", "")
        )
        sign = f" {first}" if kind == "sms" and rng.random() < 0.4 else ""
        return greeting + text + sign
    return text


def dress_reply(text: str, *, kind: str, name: str, agent: str, rng: Random) -> str:
    """Put the manners of a channel round an answer of ours; after a call, note what was said."""
    first = first_name(name)
    if kind == "phone":
        return text if "Rang" in text or "called back" in text else f"Rang {first} back. {text}"
    if kind in ("email", "contact_page"):
        text = text.replace(f", {first}", "", 1)
        greeting = rng.choice((f"Dear {first},", f"Hello {first},", f"Hi {first},"))
        closing = rng.choice(("Warm regards,", "With best wishes,", "Yours,", "All the best,"))
        return f"{greeting}\n\n{text}\n\n{closing}\n{agent}"
    opening = ""
    if first and first not in text:
        opening = rng.choice((f"Hi {first}. ", f"Hello {first}. ", f"Hi {first}! ", "", "", ""))
    ending = rng.choice((f" {agent}", f" /{agent}", f" ({agent})", "", "", "", ""))
    return opening + text + ending
