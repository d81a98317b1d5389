"""A reply of one's own, proposed as a saved answer: managers who see where it was said are told."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from heard.conversations.models import Conversation, Inbox, Notice
from heard.knowledge import saving
from heard.knowledge.models import SavedAnswer
from heard.staff.models import Role, User


@transaction.atomic
def propose(answer: SavedAnswer, *, said_in: Conversation, by: User, now: datetime) -> None:
    """Put the answer before the managers and owners who may see the conversation."""
    saving.propose(answer, by=by, now=now)
    leads = User.objects.filter(is_active=True, role__in=[Role.OWNER, Role.MANAGER])
    Notice.objects.bulk_create(
        Notice(user=lead, conversation=said_in, kind="answer.proposed", text=answer.title, at=now)
        for lead in leads
        if Inbox.objects.visible_to(lead).filter(pk=said_in.inbox_id).exists()
    )
