"""Fills a house with messages about soup, most of them judged; run with the house's environment."""

from __future__ import annotations

from datetime import timedelta

import django

django.setup()

from django.utils import timezone  # noqa: E402

from heard.channels.base import Incoming  # noqa: E402
from heard.conversations.intake.receiving import receive  # noqa: E402
from heard.conversations.models import Inbox, Message  # noqa: E402
from heard.conversations.readings import enquiring  # noqa: E402
from heard.conversations.readings.correcting import correct  # noqa: E402
from heard.staff.models import User  # noqa: E402

DISHES = ("broth", "stew", "chowder", "bisque", "gumbo", "minestrone")
DAYS = ("Monday", "Tuesday", "Wednesday", "Friday", "Sunday")
ODD = (
    "Hm, the terrace then.",
    "Well, somebody lit candles along our street.",
    "I suppose your violin player practises.",
    "Aunt Vera mentioned the doorbell once more.",
    "So it rained into my umbrella stand.",
)


def main() -> None:
    """Sixty messages; of all but the last of each kind somebody has said what they are."""
    now = timezone.now()
    box, owner = Inbox.objects.get(), User.objects.get()
    texts = [f"The {dish} was thick today, {day}." for dish in DISHES for day in DAYS]
    texts += [f"Why? My {dish} came out clear on {day}." for dish in DISHES for day in DAYS]
    texts += ODD
    said = [
        Incoming(f"soup {n}", now - timedelta(hours=2, minutes=n), text, f"guest {n}")
        for n, text in enumerate(texts)
    ]
    receive(box, said, now=now)
    for message in Message.objects.filter(external_id__startswith="soup ").order_by("at"):
        if message.text not in ODD and message.text != texts[0]:
            mood = "positive" if "thick" in message.text else "negative"
            correct(message, head="mood", to=mood, by=owner, now=now - timedelta(minutes=5))
    enquiring.ask(now=now)


if __name__ == "__main__":
    main()
