"""Fills a house with people who speak in several places; run with the house's environment."""

from __future__ import annotations

from datetime import timedelta

import django

django.setup()

from django.utils import timezone  # noqa: E402

from heard.channels.base import Incoming, Kind  # noqa: E402
from heard.conversations import handling  # noqa: E402
from heard.conversations.intake.receiving import receive  # noqa: E402
from heard.conversations.models import Conversation, Inbox, Policy  # noqa: E402
from heard.conversations.people import meeting  # noqa: E402
from heard.reading import Mood, Need, Reading, Stance, Urgency  # noqa: E402
from heard.staff.models import User  # noqa: E402

NOW = timezone.now()
READ = {
    "question": (Need.ANSWER, Mood.NEUTRAL, Stance.NEITHER),
    "anger": (Need.ANSWER, Mood.NEGATIVE, Stance.NEITHER),
    "warning": (Need.ANSWER, Mood.NEGATIVE, Stance.AVOID),
    "praise": (Need.RECOGNITION, Mood.POSITIVE, Stance.RECOMMEND),
}
DOORS = (("mail", "Post", "email"), ("sky", "Sky", "bluesky"), ("blog", "Mentions", "webmention"))
SAID = [
    ("mail", "mira.sand77@garden.example", "Mira Sand", 200, "question", "Do you repair lamps?"),
    ("mail", "mira.sand77@garden.example", "Mira Sand", 120, "anger", "The lamp broke again."),
    ("sky", "@mira.sand77", "Mira Sand", 60, "praise", "The lamp people at Fern are wonderful."),
    ("sky", "@mira.sand77", "Mira Sand", 9, "praise", "Go to Fern if you like light."),
    ("sky", "@mira.sand77", "Mira Sand", 2, "praise", "Fern again, and again a joy."),
    ("sky", "@otto", "Otto Reed", 20, "question", "Is Fern open on Sundays?"),
    ("sky", "@otto", "Otto Reed", 1, "warning", "Stay away from Fern, nobody answers."),
    ("blog", "https://lamps.example", "Lamp Lovers", 5, "praise", "Ten shops, and Fern is best."),
    ("blog", "https://light.example", "Light Weekly", 3, "question", "Has anybody tried Fern?"),
    ("mail", "ines@vale.example", "Ines Vale", 0.1, "question", "Where is my order?"),
]


def main() -> None:
    """Make two inboxes and let people speak in them."""
    policy = Policy.objects.create(name="As promised")
    owner = User.objects.get()
    boxes = {}
    for name, title, kind in DOORS:
        boxes[name] = Inbox.objects.create(
            name=title,
            slug=f"{name}-1",
            kind=kind,
            policy=policy,
            is_public=name != "mail",
            created_at=NOW - timedelta(days=400),
            keeper=owner,
        )
    for n, (box, who, name, days, what, text) in enumerate(SAID):
        need, mood, stance = READ[what]
        reading = Reading(
            language="en", mood=mood, mood_probabilities=(0.2, 0.6, 0.2), need=need,
            stance=stance, urgency=Urgency.NORMAL,
        )  # fmt: skip
        item = Incoming(
            external_id=f"said-{n}", at=NOW - timedelta(days=days), text=text, sender=who,
            sender_name=name, is_public=box != "mail",
            extra={"url": f"{who}/post-{n}"} if box == "blog" else {},
        )  # fmt: skip
        receive(boxes[box], [item], now=NOW, readings=[reading])
    asked = Conversation.objects.get(messages__external_id="said-1")
    handling.promise(
        asked, text="A new lamp by Friday", due_at=NOW + timedelta(days=2), by=owner, now=NOW
    )
    answer = Incoming(
        external_id="answer-0", at=NOW - timedelta(days=199), text="We do, bring it in.",
        sender="house", kind=Kind.REPLY, parent="said-0", to="mira.sand77@garden.example",
    )  # fmt: skip
    receive(boxes["mail"], [answer], now=NOW)
    asked.messages.filter(kind="reply").update(author=owner)
    Conversation.objects.get(messages__external_id="said-0").messages.filter(kind="reply").update(
        author=owner
    )
    for n, text in enumerate(("Also: do you sell vases?", "Blue ones, I mean.")):
        more = Incoming(
            external_id=f"more-{n}", at=NOW - timedelta(minutes=30 - n), text=text, root="said-9",
            sender="ines@vale.example", sender_name="Ines Vale",
        )  # fmt: skip
        receive(boxes["mail"], [more], now=NOW)
    other = Incoming(
        external_id="other", at=NOW - timedelta(minutes=20), text="And an invoice, please.",
        sender="ines@vale.example", sender_name="Ines Vale",
    )  # fmt: skip
    receive(boxes["mail"], [other], now=NOW)
    while meeting.look(now=NOW):
        pass


if __name__ == "__main__":
    main()
