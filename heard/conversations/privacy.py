"""Taking a public conversation private where the place has no private side: by a page of ours.

The link stands in public, so it opens nothing but an empty page to write on. Whoever writes there
is nobody's proof: both conversations name each other, and no contact is joined by it.
"""

from __future__ import annotations

from datetime import datetime

from django.core import signing
from django.urls import reverse

from heard import environment
from heard.channels import contact_page
from heard.contacts.models import Trace
from heard.conversations.facts import nearest_page
from heard.conversations.models import Conversation
from heard.events.diary import record

SALT = "taken-private"
LIFE_SECONDS = 90 * 86_400


def private_page(conversation: Conversation) -> str:
    """The address of the nearest contact page, which remembers where it came from; "" if none."""
    page = nearest_page(conversation.inbox)
    if page is None:
        return ""
    about = signing.dumps(conversation.pk, salt=SALT, compress=True)
    return f"{environment.public_url()}{reverse(contact_page.kind, args=[page.slug])}?about={about}"


def conversation_about(token: str) -> int | None:
    """Which conversation such an address was made for; None for what we did not make."""
    try:
        found = signing.loads(token, salt=SALT, max_age=LIFE_SECONDS)
    except signing.BadSignature:
        return None
    return found if isinstance(found, int) else None


def went_private(about: int, *, thread: str, now: datetime) -> None:
    """Write down in the public conversation that somebody went on in private.

    That it is the same person is only likely: `suggesting` weighs it.
    """
    opened = Conversation.objects.filter(pk=about).first()
    if opened is not None:
        if opened.contact_id is not None:
            Trace.objects.get_or_create(contact_id=opened.contact_id, sort="page", value=thread)
        record(
            "conversation.went_private",
            subject="conversation",
            subject_id=about,
            at=now,
            data={"thread": thread},
        )
