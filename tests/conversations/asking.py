"""What the tests of the inbox share: questions read without a model, and people signed in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.test import Client

from heard.channels.base import Incoming, Kind
from heard.conversations.intake.receiving import receive
from heard.conversations.models import Conversation, Inbox
from heard.reading import Mood, Need, Reading, Stance, Urgency
from heard.staff.models import User
from tests import make

BACKEND = "heard.staff.sessions.SignIn"


def read_as(
    need: str = "answer", mood: str = "neutral", language: str = "en", urgency: str = "normal"
) -> Reading:
    return Reading(
        language=language,
        mood=Mood(mood),
        mood_probabilities=(0.2, 0.6, 0.2),
        need=Need(need),
        stance=Stance.NEITHER,
        urgency=Urgency(urgency),
    )


def say(
    box: Inbox, *items: Incoming, reading: Reading | None = None, now: datetime = make.NOON
) -> Conversation:
    """Take messages in, each incoming one read as told; returns the first one's conversation."""
    readings = [(reading or read_as()) if it.kind is Kind.INCOMING else None for it in items]
    received = receive(box, items, now=now, readings=readings)
    return Conversation.objects.get(pk=received.conversations[0])


def ask(box: Inbox, text: str = "Where is my order?", **fields: Any) -> Conversation:
    """One question in an inbox."""
    reading = fields.pop("reading", None)
    return say(box, make.incoming(text, **fields), reading=reading)


def browser(user: User) -> Client:
    """A browser in which this person is signed in."""
    client = Client()
    client.force_login(user, BACKEND)
    return client
