"""How saved answers fared: how often each was used, and how often the conversation turned round."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from heard.conversations.queries import Door, Sight
from heard.lib.shares import wilson
from heard.lib.statements import fetch

FARED = """
    SELECT t.answer_id, count(*), count(c.is_turned), count(*) FILTER (WHERE c.is_turned)
    FROM taking t JOIN message m ON m.id = t.message_id
    JOIN conversation c ON c.id = m.conversation_id
    WHERE t.answer_id = ANY(%(answers)s)
        AND (%(inboxes)s::bigint[] IS NULL OR c.inbox_id = ANY(%(inboxes)s))
    GROUP BY t.answer_id
"""

USES = """
    SELECT c.id, m.id, c.inbox_id, c.contact_name, m.at, m.author_name, c.is_turned
    FROM taking t JOIN message m ON m.id = t.message_id
    JOIN conversation c ON c.id = m.conversation_id
    WHERE t.answer_id = %(answer)s
        AND (%(inboxes)s::bigint[] IS NULL OR c.inbox_id = ANY(%(inboxes)s))
    ORDER BY m.at DESC, m.id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Fared:
    """In how many replies an answer was used; of those to somebody who had begun negative, how many
    conversations ended positive or thankful, with Wilson's 95 % interval."""

    used: int
    upset: int
    turned: int

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """Between which shares the true one lies, 95 times in 100; None for nobody upset."""
        return wilson(self.turned, self.upset)


@dataclass(frozen=True, slots=True)
class Use:
    """One reply that an answer was used for."""

    conversation: int
    message: int
    door: Door
    contact_name: str
    at: datetime
    author: str
    is_turned: bool | None


def fared(answers: Collection[int], *, sight: Sight) -> dict[int, Fared]:
    """How these answers fared, as far as this person may see it: 1 query."""
    rows = fetch(FARED, {"answers": list(answers), "inboxes": sight.inboxes})
    return {pk: Fared(used, upset, turned) for pk, used, upset, turned in rows}


def uses(answer: int, *, sight: Sight, limit: int) -> list[Use]:
    """The replies behind these figures, the newest first: 1 query."""
    rows = fetch(USES, {"answer": answer, "inboxes": sight.inboxes, "limit": limit})
    return [
        Use(conversation, message, sight.doors[inbox], *rest)
        for conversation, message, inbox, *rest in rows
    ]
