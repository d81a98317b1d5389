"""A help forum as two CSV files, questions and answers, in the columns of Mozilla's forum exports.

An answer by the asker is incoming; an answer by anybody else is taken for a reply of ours, since
the forum does not say who of them works there. Both files are one archive: questions come first.
Texts are left to be made from the HTML, so that what is known already costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from heard.channels.archives.archive import Item, Spread, identifier, language_of, set_aside
from heard.channels.archives.opening import Broken, Source, picking
from heard.channels.base import Incoming, Kind, SetAside
from heard.channels.dates import moment
from heard.channels.texts import repair

_QUESTION = ("id", "created", "title", "content", "creator")
_MORE = ("is_spam", "locale", "topic", "tags", "solution")
_ANSWER = ("id", "question_id", "created", "content", "creator")
_TRUE = frozenset({"true", "t", "yes", "1"})


@dataclass
class HelpForum:
    """The questions and answers of one forum. Everything in it is public."""

    questions: Path
    answers: Path
    channel: str = field(default="forum", init=False)
    spread: Spread = field(default=Spread.BY_ROOT, init=False)

    def __post_init__(self) -> None:
        self._questions, self._answers = Source(self.questions), Source(self.answers)
        # Who asked, and in which language, by the id of the question.
        self._askers: dict[str, tuple[str, str]] = {}

    @property
    def files(self) -> tuple[Path, ...]:
        """The questions, then the answers."""
        return (self.questions, self.answers)

    def share(self) -> float:
        """How much has been read, from 0 to 1."""
        size = self._questions.size + self._answers.size
        return (self._questions.read + self._answers.read) / size if size else 1.0

    def items(self, *, after: int = 0) -> Iterator[Item]:
        """Every question, then every answer."""
        self._askers.clear()
        position = 0
        with self._questions.rows(needed=_QUESTION) as (header, rows):
            pick = picking(_QUESTION + _MORE, header=header)
            for row in rows:
                position += 1
                where = f"{self.questions.name}, row {position + 1}"
                if isinstance(row, Broken):
                    value: Incoming | SetAside = row.at(where)
                else:
                    fields = pick(row)
                    self._remember(fields)
                    if position <= after:
                        continue
                    value = self._question(fields, where)
                if position > after:
                    yield Item("", value, position)
        questions = position
        with self._answers.rows(needed=_ANSWER) as (header, rows):
            pick = picking((*_ANSWER, "is_spam"), header=header)
            for row in rows:
                position += 1
                if position <= after:
                    continue
                where = f"{self.answers.name}, row {position - questions + 1}"
                if isinstance(row, Broken):
                    yield Item("", row.at(where), position)
                else:
                    yield Item("", self._answer(pick(row), where), position)

    def _remember(self, fields: Sequence[str]) -> None:
        number = identifier(fields[0])
        # A question is heard even if the forum forgot who asked: one person for each of them.
        asker = identifier(fields[4]) or f"unknown-q{number}"
        self._askers[number] = (asker, language_of(fields[6]))

    def _question(self, fields: Sequence[str], where: str) -> Incoming | SetAside:
        number, created, title, content, _, is_spam, locale, topic, tags, solution = fields
        number = identifier(number)
        if is_spam.strip().lower() in _TRUE:
            return set_aside(where, "marked as spam by the forum", raw=_raw(fields))
        if not number:
            return set_aside(where, "it has no id", raw=_raw(fields))
        at = moment(created)
        if at is None:
            return set_aside(where, "its date cannot be read", raw=_raw(fields))
        html = repair(content).strip()
        subject = " ".join(repair(title).split())
        if not html and not subject:
            return set_aside(where, "it has no text", raw=_raw(fields))
        sender, language = self._askers[number]
        known = {"locale": locale, "topic": topic, "tags": tags, "solution": solution}
        return Incoming(
            external_id=f"q{number}",
            at=at,
            text="" if html else subject,
            sender=sender,
            root=f"q{number}",
            subject=subject,
            html=html,
            language=language,
            is_public=True,
            extra={name: repair(value) for name, value in known.items() if value},
        )

    def _answer(self, fields: Sequence[str], where: str) -> Incoming | SetAside:
        number, question, created, content, creator, is_spam = fields
        number, question = identifier(number), identifier(question)
        if is_spam.strip().lower() in _TRUE:
            return set_aside(where, "marked as spam by the forum", raw=_raw(fields))
        if not number or not question:
            return set_aside(where, "it has no id", raw=_raw(fields))
        sender = identifier(creator)
        if not sender:
            return set_aside(where, "nobody is named as its author", raw=_raw(fields))
        at = moment(created)
        if at is None:
            return set_aside(where, "its date cannot be read", raw=_raw(fields))
        html = repair(content).strip()
        if not html:
            return set_aside(where, "it has no text", raw=_raw(fields))
        asker, language = self._askers.get(question, ("", ""))
        by_asker = sender == asker
        return Incoming(
            external_id=f"a{number}",
            at=at,
            text="",
            sender=sender,
            kind=Kind.INCOMING if by_asker else Kind.REPLY,
            root=f"q{question}",
            parent=f"q{question}",
            author="" if by_asker else sender,
            html=html,
            language=language,
            is_public=True,
        )


def _raw(fields: Sequence[str]) -> str:
    return "\n".join(field[:1_000] for field in fields)
