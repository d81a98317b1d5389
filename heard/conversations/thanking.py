"""Where thanks, a like or a share are due, and why. A judgement without rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from heard.channels.base import Act
from heard.contacts.bonds import Word


class Because(StrEnum):
    """Why recognition is due."""

    RECOMMENDS = "recommends"
    ADVOCATE = "advocate"
    FIRST_MENTION = "first_mention"
    PRAISE = "praise"


@dataclass(frozen=True, slots=True)
class Due:
    """What to do, the best first, and why."""

    acts: tuple[Act, ...]
    because: tuple[Because, ...]


def due(
    *,
    need: str,
    mood: str,
    stance: str,
    bond: str,
    is_public: bool,
    possible: Collection[Act],
    given: Collection[str],
) -> Due | None:
    """What recognition a message deserves; None when it deserves none or has got some.

    Public praise that sends others to us is worth sharing; whoever praises is liked or thanked.
    Only what the place allows is named; to thank in words is possible everywhere. Nobody is
    thanked for an unhappy message.
    """
    if given or mood == "negative" or need == "answer":
        return None
    because: list[Because] = []
    if is_public and stance == "recommend":
        because.append(Because.RECOMMENDS)
    if need == "recognition":
        if bond == Word.ADVOCATE:
            because.append(Because.ADVOCATE)
        if bond == Word.FIRST_TIME and is_public:
            because.append(Because.FIRST_MENTION)
        if mood == "positive":
            because.append(Because.PRAISE)
    if not because:
        return None
    is_worth_sharing = Because.RECOMMENDS in because and is_public
    wanted = (Act.SHARE, Act.LIKE, Act.THANK) if is_worth_sharing else (Act.LIKE, Act.THANK)
    acts = tuple(act for act in wanted if act in possible or act is Act.THANK)
    return Due(acts, tuple(because))
