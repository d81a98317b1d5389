"""What of a conversation must not leave the house: names and addresses of all who speak in it."""

from __future__ import annotations

from collections.abc import Collection

from heard.assistant.masking import Mask
from heard.lib.statements import fetch

MOST = 60
"""So many names, and so many handles, of one conversation."""

KNOWN = f"""
    SELECT c.id,
        array_remove(ARRAY[c.contact_name, k.name, u.name], NULL)
            || ARRAY(SELECT h.name FROM handle h WHERE h.contact_id = c.contact_id
                ORDER BY h.id LIMIT {MOST})
            || ARRAY(SELECT DISTINCT m.author_name FROM message m WHERE m.conversation_id = c.id
                ORDER BY 1 LIMIT {MOST}),
        ARRAY(SELECT h.address FROM handle h WHERE h.contact_id = c.contact_id
                ORDER BY h.id LIMIT {MOST})
            || ARRAY(SELECT DISTINCT h.address FROM message m JOIN handle h ON h.id = m.handle_id
                WHERE m.conversation_id = c.id ORDER BY 1 LIMIT {MOST})
    FROM conversation c
    LEFT JOIN contact k ON k.id = c.contact_id
    LEFT JOIN staff_user u ON u.id = c.assignee_id
    WHERE c.id = ANY(%s)
"""


def masks_of(conversations: Collection[int], *, also: Collection[str] = ()) -> dict[int, Mask]:
    """A mask for each of these conversations: one query. `also` are names beside those in it."""
    return {
        pk: Mask(names=[name for name in (*names, *also) if name], details=filter(None, details))
        for pk, names, details in fetch(KNOWN, [sorted(conversations)])
    }
