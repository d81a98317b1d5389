"""Archives become history: silently, once, and from where they were left."""

from __future__ import annotations

import csv
import gzip
import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from statistics import median

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.utils import timezone

from heard.channels.archives import Archive, HelpForum, Item, Twcs
from heard.channels.base import Incoming
from heard.conversations.archives import importing
from heard.conversations.archives.beside import Beside, ImporterEndedError
from heard.conversations.archives.importing import Progress, Summary, WishError, Wishes, bring_in
from heard.conversations.models import (
    Clock,
    Conversation,
    Delivery,
    ImportRun,
    Inbox,
    Message,
    Notice,
)
from tests import make
from tests.channels.files import write_csv

HEADER = ["tweet_id", "author_id", "inbound", "created_at", "text", "in_response_to_tweet_id"]
EXAMPLES = Path(__file__).parents[3] / "docs/examples"


def tweets(folder: Path, *, count: int = 40, cls: type[Twcs] = Twcs) -> Twcs:
    """People ask Shop and Rival in turn; every other question is answered half an hour later."""
    rows = []
    for n in range(count):
        company = ("Shop", "Rival")[n % 2]
        when = f"Oct {n % 28 + 1:02}"
        rows.append(
            [2 * n, 900 + n, "True", f"Tue {when} 10:00:00 +0000 2017", f"@{company} when?", ""]
        )
        if n % 4 < 2:
            said = f"@{900 + n} soon"
            rows.append(
                [2 * n + 1, company, "False", f"Tue {when} 10:30:00 +0000 2017", said, 2 * n]
            )
    rows.append([9_999, 1, "True", "never", "@Shop hm", ""])
    return cls(write_csv(folder / "tweets.csv", HEADER, *rows))


def bring(archive: Archive, **wishes: object) -> Summary:
    tell = wishes.pop("tell", lambda _: None)
    wanted = Wishes(**{"kind": "twcs", "is_read": False, "processes": None, **wishes})  # type: ignore[arg-type]
    return bring_in(archive, wishes=wanted, clock=timezone.now, tell=tell)  # type: ignore[arg-type]


def rows() -> list[tuple[object, ...]]:
    """Everything that follows from messages, without the numbers of the rows."""
    messages = Message.objects.values_list(
        "inbox__name", "external_id", "kind", "text", "at", "conversation__root",
        "conversation__contact__name", "conversation__reply_count",
    )  # fmt: skip
    clocks = Clock.objects.values_list("message__external_id", "kind", "due_at", "met_at", "fail")
    return sorted(map(str, messages)) + sorted(map(str, clocks))  # type: ignore[return-value]


@pytest.mark.django_db
def test_an_archive_becomes_closed_and_silent_history(tmp_path: Path) -> None:
    summary = bring(tweets(tmp_path))
    assert (summary.taken, summary.known, summary.set_aside) == (60, 0, 1)
    assert summary.inboxes == ("Rival", "Shop")
    # Half of the 40 questions, but for the last of each inbox: its day was not over at the end.
    assert summary.failed == 18
    assert Message.objects.filter(is_history=True).count() == 60
    assert set(Conversation.objects.values_list("status", flat=True)) == {"resolved"}
    assert not Notice.objects.exists()
    assert not Clock.objects.exclude(next_at=None).exists()


@pytest.mark.django_db
def test_the_same_archive_again_changes_nothing(tmp_path: Path) -> None:
    archive = tweets(tmp_path)
    bring(archive)
    before = rows()
    again = bring(archive)
    assert (again.taken, again.known, again.set_aside) == (0, 60, 1)
    assert rows() == before
    assert Delivery.objects.count() == 1


@pytest.mark.django_db
def test_what_was_set_aside_is_kept_with_its_reason(tmp_path: Path) -> None:
    summary = bring(tweets(tmp_path))
    assert [(it.reason, it.times) for it in summary.reasons] == [("its date cannot be read", 1)]
    kept = Delivery.objects.get(state=Delivery.State.SET_ASIDE)
    assert kept.where == "tweets.csv, row 62"
    assert "@Shop hm" in bytes(kept.body).decode()
    assert kept.run_id == ImportRun.objects.get().pk


@pytest.mark.django_db
def test_what_stands_twice_in_an_archive_is_known_the_second_time(tmp_path: Path) -> None:
    row = ["1", "5", "True", "Tue Oct 31 22:10:47 +0000 2017", "@Shop hm", ""]
    summary = bring(Twcs(write_csv(tmp_path / "t.csv", HEADER, row, row)))
    assert (summary.taken, summary.known) == (1, 1)


class Interrupted(Twcs):
    """The same archive, whose reader is stopped with Ctrl-C on its way."""

    def items(self, *, after: int = 0) -> Iterator[Item]:
        for item in super().items(after=after):
            if item.position == 45:
                raise KeyboardInterrupt
            yield item


@pytest.mark.django_db
@pytest.mark.parametrize("most", [4_000, 7])
def test_an_import_that_was_stopped_goes_on_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(importing, "LOT_MESSAGES", most)
    with pytest.raises(KeyboardInterrupt):
        bring(tweets(tmp_path, cls=Interrupted))
    stopped = Message.objects.count()
    assert stopped == (0 if most == 4_000 else 22)
    summary = bring(tweets(tmp_path))
    assert summary.went_on_from == stopped
    assert (summary.taken, summary.known, summary.set_aside) == (60, 0, 1)
    run = ImportRun.objects.get()
    assert run.position == 61
    assert run.finished_at is not None


@pytest.mark.django_db
def test_lots_of_any_size_give_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tweets(tmp_path)
    found = []
    for most in (4_000, 1, 5):
        monkeypatch.setattr(importing, "LOT_MESSAGES", most)
        bring(archive)
        found.append(rows())
        Inbox.objects.all().delete()
    assert found[0] == found[1] == found[2]


class Poisoned(Twcs):
    """An archive with a message that no column can hold."""

    def items(self, *, after: int = 0) -> Iterator[Item]:
        for item in super().items(after=after):
            if item.position == 30 and isinstance(item.value, Incoming):
                yield item._replace(value=item.value._replace(external_id="x" * 400))
            else:
                yield item


@pytest.mark.django_db
def test_a_message_that_the_database_refuses_does_not_stop_the_others(tmp_path: Path) -> None:
    summary = bring(tweets(tmp_path, cls=Poisoned))
    assert (summary.taken, summary.set_aside) == (59, 2)
    assert any("could not be stored" in it.reason for it in summary.reasons)


@pytest.mark.django_db
def test_what_is_still_alive_arrives_open(tmp_path: Path) -> None:
    summary = bring(tweets(tmp_path), open_since=datetime(2017, 10, 20, tzinfo=UTC))
    alive = Conversation.objects.filter(status="open")
    assert summary.revived == Conversation.objects.filter(is_history=False).count() == 9
    assert alive.exists()
    assert all(it.last_at and it.last_at.day >= 20 for it in alive)


@pytest.mark.django_db
def test_history_is_judged_by_the_promise_that_was_wished_for(tmp_path: Path) -> None:
    bring(tweets(tmp_path), respond_within_minutes=20)
    clocks = Clock.objects.filter(kind="first_response")
    assert {(it.due_at - it.started_at).total_seconds() for it in clocks} == {1_200}
    assert clocks.filter(fail="service").count() == 38


@pytest.mark.django_db
def test_wishes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    make.inbox(name="Shop", kind="contact_page")
    with pytest.raises(WishError, match="of the kind contact_page"):
        bring(tweets(tmp_path))
    Inbox.objects.all().delete()
    bring(tweets(tmp_path))
    with pytest.raises(WishError, match="has its own promise"):
        bring(tweets(tmp_path), respond_within_minutes=20)
    bring(tweets(tmp_path), respond_within_minutes=24 * 60)


@pytest.mark.django_db
def test_an_archive_in_which_nothing_can_be_understood_says_so(tmp_path: Path) -> None:
    archive = Twcs(write_csv(tmp_path / "t.csv", HEADER, ["x", "1", "True", "", "hm", ""]))
    with pytest.raises(WishError, match="1 times: its id is not a number"):
        bring(archive)


@pytest.mark.django_db
def test_a_forum_is_brought_in_by_the_command(tmp_path: Path) -> None:
    questions = write_csv(
        tmp_path / "q.csv",
        ["id", "created", "title", "content", "creator"],
        ["1", "2023-01-01 08:00:00 +0000", "No mail", "<p>Since Monday</p>", "ann"],
    )
    answers = write_csv(
        tmp_path / "a.csv",
        ["id", "question_id", "created", "content", "creator"],
        ["7", "1", "2023-01-01 09:00:00 +0000", "<p>Try this</p>", "bo"],
        ["8", "1", "2023-01-01 10:00:00 +0000", "<p>Thanks</p>", "ann"],
    )
    said = run("helpforum", "--inbox", "Forum", "--no-reading", str(questions), str(answers))
    assert "Into the inbox Forum:" in said
    assert "3  taken" in said
    conversation = Conversation.objects.get()
    assert (conversation.incoming_count, conversation.reply_count) == (2, 1)
    assert conversation.first_reply_seconds == 3_600
    assert list(Message.objects.order_by("at").values_list("text", flat=True)) == [
        "Since Monday",
        "Try this",
        "Thanks",
    ]


@pytest.mark.django_db
def test_a_mailbox_and_an_export_are_brought_in_by_the_command(tmp_path: Path) -> None:
    box = tmp_path / "box"
    box.write_text(
        "From x Sun Nov 22 10:00:00 2026\nFrom: ann@x.example\nDate: 22 Nov 2026 10:00 +0000\n"
        "\nhm\n\nFrom x Sun Nov 22 10:00:00 2026\nFrom: Bo <b@us.example>\nTo: ann@x.example\n"
        "Date: 22 Nov 2026 11:00 +0000\n\nyes\n"
    )
    said = run(
        "mbox", "--inbox", "Mail", "--no-reading", "--us", "a@us.example", "@us.example", str(box)
    )
    assert "2  taken" in said
    assert Message.objects.get(kind="reply").author_name == "Bo"
    with pytest.raises(CommandError, match="Name the mailbox file"):
        run("mbox", "--inbox", "Mail", "--us", str(box))
    said = run(
        "csv", "--inbox", "Shop", "--no-reading", "--map", str(EXAMPLES / "shop.toml"),
        str(EXAMPLES / "shop.csv"),
    )  # fmt: skip
    assert "4  taken" in said


@pytest.mark.django_db
def test_notes_stay_in_the_conversation_they_are_about_and_answer_nobody() -> None:
    run(
        "csv", "--inbox", "Old desk", "--no-reading", "--map", str(EXAMPLES / "zendesk.toml"),
        str(EXAMPLES / "zendesk.jsonl"),
    )  # fmt: skip
    ann = Conversation.objects.get(root="thread:35436")
    assert list(ann.messages.order_by("at").values_list("kind", flat=True)) == [
        "incoming",
        "note",
        "reply",
    ]
    assert (ann.reply_count, ann.first_reply_seconds) == (1, 51 * 60 + 39)
    names = set(Conversation.objects.values_list("contact__name", flat=True))
    assert names == {"Ann Baker", "Cy"}


def run(*words: str) -> str:
    out = StringIO()
    call_command("import", *words, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["twcs", "x.csv"], "one of the arguments --company --all is required"),
        (["twcs", "--all", "--open-since", "soon", "x.csv"], "'soon' is no date"),
        (["twcs", "--all", "--respond-within", "never", "x.csv"], "is no number of hours"),
        (["twcs", "--all", "--processes", "0", "x.csv"], "is no number of processes"),
        (["dialogues"], "the following arguments are required: file"),
    ],
)
def test_words_that_the_command_does_not_know_are_refused(words: list[str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        run(*words)


@pytest.mark.django_db(transaction=True)
def test_importers_beside_each_other_give_the_same_rows_also_if_one_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tweets(tmp_path, count=200)
    bring(archive)
    alone = rows()
    Inbox.objects.all().delete()
    ImportRun.objects.all().delete()

    monkeypatch.setattr(importing, "LOT_MESSAGES", 10)
    killed: list[int] = []
    with pytest.raises(ImporterEndedError, match="The same command goes on from there"):
        bring(archive, processes=2, tell=_killer(killed, monkeypatch))
    assert len(killed) == 1
    monkeypatch.undo()

    summary = bring(archive, processes=2)
    assert (summary.taken, summary.known, summary.set_aside) == (300, 0, 1)
    assert rows() == alone
    again = bring(archive, processes=2)
    assert (again.taken, again.known) == (0, 300)


def _killer(killed: list[int], monkeypatch: pytest.MonkeyPatch) -> Callable[[Progress], None]:
    """Kill the first importer as soon as something has been handed over."""
    started: list[Beside] = []
    enter = Beside.__enter__

    def remember(self: Beside) -> Beside:
        started.append(self)
        return enter(self)

    monkeypatch.setattr(Beside, "__enter__", remember)

    def tell(progress: Progress) -> None:
        if progress.messages and not killed:
            process = started[0].processes[0]
            assert process.pid
            killed.append(process.pid)
            os.kill(process.pid, signal.SIGKILL)

    return tell


@pytest.mark.django_db(transaction=True)
def test_one_import_runs_at_a_time(tmp_path: Path) -> None:
    other = connections["default"].copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [importing.LOCK])
        with pytest.raises(WishError, match="Another import is running"):
            bring(tweets(tmp_path))
    finally:
        other.close()
    assert connection.is_usable()


@pytest.mark.django_db
def test_a_slice_of_a_real_forum_agrees_with_an_independent_count(
    shared: Path, tmp_path: Path
) -> None:
    csv.field_size_limit(10**9)
    folder = shared / "data/thunderbird_support"

    def records(name: str) -> list[dict[str, str]]:
        with gzip.open(folder / name, "rt", encoding="utf-8", newline="") as lines:
            return [row for row in csv.DictReader(lines) if row["is_spam"] != "true"]

    questions = records("questions.csv.gz")[-400:]
    asked = {row["id"]: row for row in questions}
    answers = [row for row in records("answers.csv.gz") if row["question_id"] in asked]
    archive = HelpForum(
        write_csv(
            tmp_path / "q.csv", list(questions[0]), *(list(row.values()) for row in questions)
        ),
        write_csv(tmp_path / "a.csv", list(answers[0]), *(list(row.values()) for row in answers)),
    )
    bring(archive, kind="helpforum", inbox="Thunderbird")

    first: dict[str, float] = {}
    for row in sorted(answers, key=lambda row: row["created"]):
        question = asked[row["question_id"]]
        if row["creator"] != question["creator"] and row["question_id"] not in first:
            spent = datetime.fromisoformat(row["created"][:19]) - datetime.fromisoformat(
                question["created"][:19]
            )
            first[row["question_id"]] = spent.total_seconds()
    seconds = Conversation.objects.values_list("first_reply_seconds", flat=True)
    found = [spent for spent in seconds if spent is not None]
    assert Conversation.objects.filter(started_by_contact=True).count() == len(questions)
    assert len(found) == len(first)
    assert median(found) == median(first.values())
