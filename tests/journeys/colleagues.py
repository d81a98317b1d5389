"""Gives a house two agents and a public place where four people ask; run with its environment."""

from __future__ import annotations

from datetime import timedelta

import django

django.setup()

from django.utils import timezone  # noqa: E402

from heard.channels.base import Incoming  # noqa: E402
from heard.conversations.intake.receiving import receive  # noqa: E402
from heard.conversations.models import Inbox, Policy  # noqa: E402
from heard.reading import Mood, Need, Reading, Stance, Urgency  # noqa: E402
from heard.staff.models import User  # noqa: E402

ASKED = {
    "Mira Sand": "The lamp I bought from you broke on the first evening. What do you do about it?",
    "Otto Lund": "Two weeks, three promises, no lamp. Who of you answers for that?",
    "Ines Vale": "The lamp gave my son a shock. I have asked a lawyer. What do you say to that?",
    "Kit Osei": "Do you still make the blue lamp, and could you send one to Lund by Friday?",
}


def main() -> None:
    """Make them, and let people speak."""
    now = timezone.now()
    for name in ("Ada Holm", "Ben Rask"):
        User.objects.create_user(f"{name.split()[0].lower()}@fern.example", name=name)
    box = Inbox.objects.create(
        name="Sky",
        slug="sky",
        kind="bluesky",
        policy=Policy.objects.create(name="As promised", first_response_minutes=240),
        is_public=True,
        is_sample=True,
        created_at=now - timedelta(days=40),
    )
    for n, (who, text) in enumerate(ASKED.items()):
        asked = Incoming(
            external_id=f"asked-{n}", at=now - timedelta(minutes=50 - n), text=text,
            sender=f"@{who.split()[0].lower()}", sender_name=who, is_public=True,
        )  # fmt: skip
        reading = Reading(
            language="en", mood=Mood.NEUTRAL, mood_probabilities=(0.2, 0.6, 0.2),
            need=Need.ANSWER, stance=Stance.NEITHER, urgency=Urgency.NORMAL,
        )  # fmt: skip
        receive(box, [asked], now=now, readings=[reading])


if __name__ == "__main__":
    main()
