"""Questions and answers of a forum."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from heard.channels.archives import ArchiveError, HelpForum
from heard.channels.base import Incoming, Kind
from tests.channels.files import messages, reasons, write_csv

QUESTION = ["id", "created", "locale", "title", "content", "topic", "tags", "is_spam", "creator"]
ANSWER = ["id", "question_id", "created", "content", "creator", "is_spam"]
MORNING, NOON = "2023-01-01 08:00:00 +0000", "2023-01-01 12:00:00 +0000"


def forum(folder: Path, questions: list[list[str]], answers: list[list[str]]) -> HelpForum:
    return HelpForum(
        write_csv(folder / "questions.csv.gz", QUESTION, *questions),
        write_csv(folder / "answers.csv", ANSWER, *answers),
    )


def asked(number: str = "1", **other: str) -> list[str]:
    row = {
        "id": number, "created": MORNING, "locale": "pt-BR", "title": "No mail", "topic": "email",
        "content": "<p>Since <b>Monday</b>.</p>", "tags": "", "is_spam": "", "creator": "ann",
    }  # fmt: skip
    return [(row | other)[name] for name in QUESTION]


def answered(number: str = "9", **other: str) -> list[str]:
    row = {
        "id": number, "question_id": "1", "created": NOON, "content": "<p>Try it</p>",
        "creator": "bo", "is_spam": "false",
    }  # fmt: skip
    return [(row | other)[name] for name in ANSWER]


def test_a_question_is_incoming(tmp_path: Path) -> None:
    question = messages(forum(tmp_path, [asked()], []))["q1"]
    assert question == Incoming(
        external_id="q1",
        at=datetime(2023, 1, 1, 8, tzinfo=UTC),
        text="",
        sender="ann",
        root="q1",
        subject="No mail",
        html="<p>Since <b>Monday</b>.</p>",
        language="pt",
        is_public=True,
        extra={"locale": "pt-BR", "topic": "email"},
    )


def test_an_answer_by_somebody_else_is_a_reply(tmp_path: Path) -> None:
    reply = messages(forum(tmp_path, [asked()], [answered()]))["a9"]
    assert (reply.kind, reply.author, reply.sender) == (Kind.REPLY, "bo", "bo")
    assert (reply.root, reply.parent, reply.language) == ("q1", "q1", "pt")


def test_an_answer_by_the_asker_is_incoming(tmp_path: Path) -> None:
    more = messages(forum(tmp_path, [asked()], [answered(creator="ann")]))["a9"]
    assert (more.kind, more.author, more.root) == (Kind.INCOMING, "", "q1")


def test_an_answer_to_a_question_that_is_missing_is_a_reply_that_names_it(tmp_path: Path) -> None:
    reply = messages(forum(tmp_path, [], [answered(question_id="77")]))["a9"]
    assert (reply.kind, reply.parent) == (Kind.REPLY, "q77")


def test_a_question_without_an_asker_is_heard_and_answered(tmp_path: Path) -> None:
    found = messages(forum(tmp_path, [asked(creator="")], [answered()]))
    assert found["q1"].sender == "unknown-q1"
    assert found["a9"].kind is Kind.REPLY


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (asked(is_spam="true"), "marked as spam by the forum"),
        (asked(created="soon"), "its date cannot be read"),
        (asked(created=""), "its date cannot be read"),
        (asked(" "), "it has no id"),
        (asked(title="", content=" "), "it has no text"),
        ([*asked(), "more"], "the row has more fields than the header"),
    ],
)
def test_what_is_no_question_is_set_aside(tmp_path: Path, row: list[str], reason: str) -> None:
    archive = forum(tmp_path, [row], [])
    assert messages(archive) == {}
    assert reasons(archive) == [reason]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (answered(is_spam="True"), "marked as spam by the forum"),
        (answered(creator=""), "nobody is named as its author"),
        (answered(question_id=""), "it has no id"),
        (answered(created="1/2/2023"), "its date cannot be read"),
        (answered(content=""), "it has no text"),
    ],
)
def test_what_is_no_answer_is_set_aside(tmp_path: Path, row: list[str], reason: str) -> None:
    archive = forum(tmp_path, [asked()], [row])
    assert list(messages(archive)) == ["q1"]
    assert reasons(archive) == [reason]


def test_a_question_with_a_title_only_is_read_by_its_title(tmp_path: Path) -> None:
    question = messages(forum(tmp_path, [asked(content=" ")], []))["q1"]
    assert (question.text, question.html) == ("No mail", "")


def test_a_file_without_the_needed_columns_is_refused(tmp_path: Path) -> None:
    questions = write_csv(tmp_path / "q.csv", ["id", "created", "title"], ["1", "2", "3"])
    answers = write_csv(tmp_path / "a.csv", ANSWER)
    with pytest.raises(ArchiveError, match=r"no column content, creator; it has: id, created"):
        list(HelpForum(questions, answers).items())


def test_a_slice_of_a_real_forum_is_understood(shared: Path) -> None:
    folder = shared / "data/thunderbird_support"
    archive = HelpForum(folder / "questions.csv.gz", folder / "answers.csv.gz")
    found = Counter[str]()
    for item in islice(archive.items(after=36_000), 4_000):
        found[item.value.kind if isinstance(item.value, Incoming) else item.value.reason] += 1
    assert set(found) == {"incoming", "reply", "marked as spam by the forum"}
    assert 0.4 < archive.share() < 0.6
