"""What the house has answered before when the like was asked: the best of it, without names."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from heard.conversations.answers.filling import Theirs, opened_up
from heard.conversations.answers.offering import saved_for
from heard.conversations.answers.remembering import LONGEST
from heard.conversations.models import Conversation, Inbox, Message
from heard.conversations.queries import Door, Sight
from heard.knowledge.gaps import without_gaps
from heard.knowledge.models import SavedAnswer
from heard.knowledge.shelf import MEANING_SHARE, MOST, Hit, Shelf, Terms, Vectors, terms_of
from heard.lib.statements import fetch
from heard.reading import embed
from heard.staff.models import User
from heard.think.contact import words_shared

LOOKED_AT = 30
"""So many exchanges are looked at more closely, the most alike first."""
LIKE_ENOUGH = 0.42
"""What is less alike than this is no suggestion."""
TURNED, RESOLVED, CORRECTED = 1.2, 1.05, 0.6
"""What it counts for a reply that it turned somebody round, ended it, or had to be corrected."""
AGREEING = 0.3
"""What each further exchange adds that got the same answer, as a part of its own likeness."""
SAME_ANSWER = 0.6
"""Replies that share this part of their words are one suggestion."""
LOT = 5_000
WHY_SHOWN = 4
MOST_MEANINGS = 4_000

STANDING = "SELECT coalesce(max(id), 0), (SELECT renewed_at FROM remembered) FROM exchange"

KEPT = """
    SELECT id, inbox_id, terms, vector FROM exchange WHERE id > %(after)s
    ORDER BY id LIMIT %(limit)s
"""

FOUND = """
    SELECT x.id, r.id, r.conversation_id, r.inbox_id, r.at, left(r.text, %(longest)s),
        left(q.text, %(longest)s), q.language, c.is_turned IS TRUE, c.status = 'resolved',
        r.edited_at IS NOT NULL, x.answer_id, coalesce(r.author_name, ''), c.contact_id,
        c.contact_name
    FROM exchange x JOIN message r ON r.id = x.reply_id JOIN message q ON q.id = x.question_id
    JOIN conversation c ON c.id = r.conversation_id
    WHERE x.id = ANY(%(ids)s) AND r.inbox_id = ANY(%(inboxes)s) AND c.id <> %(here)s
        AND r.deleted_at IS NULL AND r.emptied_at IS NULL AND q.emptied_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Recalled:
    """An earlier reply: when and where, to what, how that went on, and for whom it was."""

    exchange: int
    message: int
    conversation: int
    door: Door
    at: datetime
    text: str
    question: str
    language: str
    is_turned: bool
    is_resolved: bool
    is_corrected: bool
    answer: int | None
    author: str
    contact: int | None
    contact_name: str


@dataclass(frozen=True, slots=True)
class Suggested:
    """What may be said here, how like the question is, by which words, and where it comes from.

    `text` has gaps where it spoke of somebody else. `answer` is the saved answer that it is, else
    `source` is the reply that it was. `times` is how many earlier exchanges agree on it.
    """

    text: str
    likeness: float
    why: tuple[str, ...]
    answer: SavedAnswer | None = None
    source: Recalled | None = None
    times: int = 0


def suggestions(opened: Conversation, *, by: User, sight: Sight, limit: int) -> list[Suggested]:
    """The best answers to what was asked last, of saved ones and of what the house said before.

    Six queries, and more only when this process has not yet read what is kept.
    """
    question, language = _question(opened)
    terms = terms_of(question)
    if not len(terms):
        return []
    inbox = Inbox.objects.select_related("place").get(pk=opened.inbox_id)
    saved = {row.pk: row for row in saved_for(inbox, by=by)}
    vector = embed([question])[0]
    found = _exchanges(vector, terms, opened, sight=sight, language=language)
    grouped = _grouped(found, question, saved=saved)
    grouped += _by_their_words(question, saved.values(), language=language)
    best: dict[object, Suggested] = {}
    for one in sorted(grouped, key=lambda it: -it.likeness):
        best.setdefault(one.answer.pk if one.answer else one, one)
    shown = [it for it in best.values() if it.likeness >= LIKE_ENOUGH and it.why][:limit]
    return _opened_up(shown)


# --- what is kept in memory ----------------------------------------------------------------------


class _Memory:
    """What was asked before, as this process has read it; many threads ask, one reads at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._width = embed([]).shape[1]
        self._shelf = Shelf(capacity=MOST, dimension=self._width)
        self._up_to = 0
        self._renewed_at: datetime | None = None
        self._meanings: dict[str, Vectors] = {}

    def search(
        self, vector: Vectors, terms: Terms, *, groups: Collection[int] | None, limit: int
    ) -> list[Hit]:
        """The exchanges whose questions are most like it, of these inboxes."""
        with self._lock:
            self._read_on()
            return self._shelf.search(vector, terms, groups=groups, limit=limit)

    def meanings(self, texts: Sequence[str]) -> Vectors:
        """A vector for each text; what was asked for lately is not worked out again."""
        with self._lock:
            new = [text for text in dict.fromkeys(texts) if text not in self._meanings]
            if len(self._meanings) + len(new) > MOST_MEANINGS:
                self._meanings.clear()
                new = list(dict.fromkeys(texts))
            self._meanings.update(zip(new, embed(new), strict=True))
            return np.array([self._meanings[text] for text in texts]).reshape(-1, self._width)

    def _read_on(self) -> None:
        [(last, renewed_at)] = fetch(STANDING)
        if renewed_at != self._renewed_at or last < self._up_to:
            self._shelf = Shelf(capacity=MOST, dimension=self._width)
            self._up_to, self._renewed_at = 0, renewed_at
        while self._up_to < last:
            rows = fetch(KEPT, {"after": self._up_to, "limit": LOT})
            if not rows:
                return
            self._shelf.put(
                [row[0] for row in rows],
                [row[1] for row in rows],
                np.stack([np.frombuffer(row[3], dtype=np.int8) for row in rows]),
                [np.frombuffer(row[2], dtype=np.uint32) for row in rows],
            )
            self._up_to = rows[-1][0]


_memory = _Memory()


def _question(opened: Conversation) -> tuple[str, str]:
    """What the contact has said since our last reply, and in which language."""
    said = list(
        opened.messages.exclude(kind=Message.Kind.NOTE)
        .order_by("-at", "-pk")
        .values_list("kind", "subject", "text", "language")[:6]
    )
    asked: list[str] = []
    language = ""
    for kind, subject, text, tongue in said:
        if kind != Message.Kind.INCOMING:
            if asked:
                break
            continue
        asked.append(f"{subject}\n{text}" if subject else text)
        language = language or tongue
    return "\n".join(reversed(asked))[:LONGEST], language


def _exchanges(
    vector: Vectors, terms: Terms, opened: Conversation, *, sight: Sight, language: str
) -> list[tuple[float, Recalled]]:
    """Earlier exchanges with a like question, the better ones first; of one's own inboxes alone."""
    hits = _memory.search(vector, terms, groups=sight.inboxes, limit=LOOKED_AT)
    if not hits:
        return []
    rows = fetch(
        FOUND,
        {
            "ids": [hit.id for hit in hits],
            "inboxes": list(sight.doors),
            "here": opened.pk,
            "longest": LONGEST,
        },
    )
    known = {it.exchange: it for it in (_recalled(row, sight) for row in rows)}
    found = []
    for hit in hits:
        it = known.get(hit.id)
        if it is None or (language and it.language and it.language != language):
            continue
        worth = TURNED if it.is_turned else RESOLVED if it.is_resolved else 1.0
        found.append((hit.likeness * worth * (CORRECTED if it.is_corrected else 1.0), it))
    return sorted(found, key=lambda pair: -pair[0])


def _recalled(row: tuple[Any, ...], sight: Sight) -> Recalled:
    exchange, message, conversation, inbox, *rest = row
    return Recalled(exchange, message, conversation, sight.doors[inbox], *rest)


def _grouped(
    found: Sequence[tuple[float, Recalled]], question: str, *, saved: Mapping[int, SavedAnswer]
) -> list[Suggested]:
    """One suggestion for each answer that was given; that others agree with it counts for it."""
    groups: list[tuple[Suggested, Terms]] = []
    for likeness, it in found:
        answer = saved.get(it.answer) if it.answer else None
        said = terms_of(it.text)
        for place, (one, terms) in enumerate(groups):
            if (answer is not None and answer is one.answer) or _share(said, terms) >= SAME_ANSWER:
                more = one.likeness + AGREEING * likeness
                groups[place] = (replace(one, likeness=more, times=one.times + 1), terms)
                break
        else:
            why = _why(question, it.question)
            text = answer.text if answer else it.text
            source = None if answer else it
            groups.append((Suggested(text, likeness, why, answer, source, times=1), said))
    return [one for one, _ in groups]


def _by_their_words(
    question: str, saved: Iterable[SavedAnswer], *, language: str
) -> Iterator[Suggested]:
    """Saved answers that say what was asked, in the language of the contact or in none."""
    fitting = [it for it in saved if not (it.language and language and it.language != language)]
    titled = [(it.title, without_gaps(it.text)) for it in fitting]
    for answer, said, likeness in zip(fitting, titled, likenesses(question, titled), strict=True):
        if why := _why(question, "\n".join(said)):
            yield Suggested(answer.text, likeness, why, answer)


def likenesses(question: str, titled: Sequence[tuple[str, str]]) -> list[float]:
    """How like what was asked each text is, by the meaning of its title and by its words; up to 1.

    The one way in which what the house has written down is ranked, for people and for drafts.
    """
    terms = terms_of(question)
    meanings = _memory.meanings([title for title, _ in titled]) @ embed([question])[0]
    found = []
    for (title, text), meaning in zip(titled, meanings, strict=True):
        whole = terms_of(f"{title}\n{text}")
        words = max(_part(terms_of(title), terms), _part(terms, whole))
        found.append(MEANING_SHARE * float(meaning) + (1 - MEANING_SHARE) * words)
    return found


def _part(terms: Terms, others: Terms) -> float:
    """Which part of these terms the others have."""
    return float(np.isin(terms, others).mean()) if len(terms) else 0.0


def _share(one: Terms, other: Terms) -> float:
    """What two texts have in common, as a part of the shorter."""
    least = min(len(one), len(other))
    return len(np.intersect1d(one, other)) / least if least else 0.0


def _why(question: str, other: str) -> tuple[str, ...]:
    return tuple(sorted(words_shared(other, question), key=lambda it: (-len(it), it))[:WHY_SHOWN])


def _opened_up(shown: Sequence[Suggested]) -> list[Suggested]:
    """Earlier replies with gaps where they speak of the person they were for: 2 queries."""
    sources = [it.source for it in shown if it.source]
    texts = opened_up([Theirs(it.text, it.author, it.contact, it.contact_name) for it in sources])
    said = {it.message: text for it, text in zip(sources, texts, strict=True)}
    return [replace(it, text=said[it.source.message]) if it.source else it for it in shown]
