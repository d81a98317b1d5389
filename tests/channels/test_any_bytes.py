"""No archive, however damaged, makes its parser raise; and each is the same every time."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from heard.channels.archives import (
    Archive,
    ArchiveError,
    Dialogues,
    HelpForum,
    Mbox,
    Table,
    Twcs,
    read_map,
)
from heard.channels.base import Incoming, SetAside
from tests.channels.files import write_csv

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
FIELD = st.one_of(
    st.text(st.characters(codec=None, exclude_categories=()), max_size=30),
    st.sampled_from(
        ["1", "2", "True", "False", "ann", "bo", "@Shop hi", "@1 hi", "<p>x", "&#9999999999;"]
    ),
    st.sampled_from(["2023-01-01 08:00:00 +0000", "Tue Oct 31 22:10:47 +0000 2017", "1e999", "\0"]),
)
ANYWHERE = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def check(archive: Archive) -> None:
    """Twice the same, in order, each message fit to be stored."""
    items = list(archive.items())
    assert items == list(archive.items())
    assert [item.position for item in items] == sorted(item.position for item in items)
    for item in items:
        value = item.value
        if isinstance(value, SetAside):
            assert value.reason
            kept = f"{value.where}{value.reason}{value.raw}"
        else:
            assert value.external_id
            assert value.at.tzinfo is not None
            assert value.text.strip() or value.html.strip()
            kept = "".join(str(part) for part in value if not isinstance(part, tuple))
            assert max(map(len, (value.external_id, value.root, value.parent, value.sender))) < 300
        kept.encode()
        assert "\0" not in kept
    if items:
        middle = items[len(items) // 2].position
        assert list(archive.items(after=middle)) == [it for it in items if it.position > middle]
    assert 0 <= archive.share() <= 1


def check_bytes(archive: Callable[[], Archive]) -> None:
    """As above; a file that is none of this kind at all may be refused as a whole."""
    with suppress(ArchiveError):
        check(archive())


@given(st.lists(st.lists(FIELD, min_size=10, max_size=10), max_size=4))
@ANYWHERE
def test_any_fields_in_a_forum(tmp_path: Path, rows: list[list[str]]) -> None:
    columns = ["id", "created", "title", "content", "creator", "is_spam", "locale", "topic", "tags"]
    questions = write_csv(tmp_path / "q.csv", [*columns, "solution"], *rows)
    columns = ["id", "question_id", "created", "content", "creator", "is_spam"]
    answers = write_csv(tmp_path / "a.csv.gz", columns, *(row[:6] for row in rows))
    check(HelpForum(questions, answers))


@given(st.lists(st.lists(FIELD, min_size=6, max_size=6), max_size=6), st.booleans())
@ANYWHERE
def test_any_fields_in_tweets(tmp_path: Path, rows: list[list[str]], only: bool) -> None:
    columns = ["tweet_id", "author_id", "inbound", "created_at", "text", "in_response_to_tweet_id"]
    check(Twcs(write_csv(tmp_path / "t.csv", columns, *rows), ("Shop",) if only else ()))


@given(st.lists(st.lists(FIELD, min_size=9, max_size=9), max_size=4))
@ANYWHERE
def test_any_fields_in_a_mapped_table(tmp_path: Path, rows: list[list[str]]) -> None:
    map_ = read_map(EXAMPLES / "shop.toml")
    columns = [
        "Message no.",
        "Order",
        "Written",
        "From",
        "Name",
        "To",
        "Type",
        "Subject",
        "Message",
    ]
    file = write_csv(tmp_path / "t.csv", columns)
    file.write_text(";".join(columns) + "\n")
    with file.open("ab") as more:
        for row in rows:
            quoted = ('"' + field.replace('"', '""') + '"' for field in row)
            more.write((";".join(quoted) + "\n").encode("utf-8", "surrogatepass"))
    check(Table(file, map_))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | FIELD,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "dialogHeader",
                    "dialogContent",
                    "agentURL",
                    "company",
                    "client",
                    "agent",
                    "tweet_ID",
                    "datetime",
                    "message",
                    "duration",
                    "comments",
                    "id",
                    "created_at",
                    "body",
                    "requester",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(st.lists(JSON, max_size=4))
@example([{"dialogHeader": {"company": "Shop"}, "dialogContent": [{"client": "a"}, None, 3]}])
@ANYWHERE
def test_any_json_in_dialogues_and_mapped_lines(tmp_path: Path, lines: list[object]) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    check_bytes(lambda: Dialogues(file))
    check_bytes(lambda: Table(file, read_map(EXAMPLES / "zendesk.toml")))


HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                b"From",
                b"To",
                b"Date",
                b"Received",
                b"Subject",
                b"References",
                b"In-Reply-To",
                b"Content-Type",
                b"Content-Transfer-Encoding",
                b"Content-Disposition",
                b"Message-ID",
            ]
        ),
        st.binary(max_size=40)
        | st.sampled_from(
            [
                b"a@b.c",
                b"=?utf-8?b?w5x=?=",
                b"multipart/mixed; boundary=x",
                b"base64",
                b"(((((",
                b"text/plain; charset=\xff",
                b"attachment; filename*=x'y'%ff",
                b"message/rfc822",
                b"Sun, 22 Nov 2026 10:00:00 +0000",
                b"uuencode",
                b"text/html",
                b"<a@b>",
                b'"a',
            ]
        ),
    ),
    max_size=8,
)


@given(HEADERS, st.binary(max_size=100) | st.just(b"--x\nContent-Type: text/plain\n\nhi\n--x--"))
@ANYWHERE
def test_any_letter(tmp_path: Path, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    letter = b"".join(name + b": " + value + b"\n" for name, value in headers)
    file = tmp_path / "box.mbox"
    file.write_bytes(b"From x Sun Nov 22 10:00:00 2026\nX: y\n" + letter + b"\n" + body)
    check(Mbox(file, ("a@b.c",)))


@given(st.binary(max_size=400), st.booleans())
@ANYWHERE
def test_any_bytes_in_any_file(tmp_path: Path, content: bytes, packed: bool) -> None:
    file = tmp_path / "file"
    file.write_bytes(
        gzip.compress(content)[: -5 if len(content) % 2 else None] if packed else content
    )
    for archive in (
        lambda: HelpForum(file, file),
        lambda: Twcs(file),
        lambda: Dialogues(file),
        lambda: Mbox(file),
        lambda: Table(file, read_map(EXAMPLES / "shop.toml")),
        lambda: Table(file, read_map(EXAMPLES / "chatwoot.toml")),
    ):
        check_bytes(archive)
    with suppress(ArchiveError):
        read_map(file)


def test_a_file_that_breaks_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    columns = ["tweet_id", "author_id", "inbound", "created_at", "text", "in_response_to_tweet_id"]
    when = "Tue Oct 31 22:10:47 +0000 2017"
    rows = [[str(n), str(n * 7919), "True", when, f"@Shop hi {n * 7907}", ""] for n in range(9_000)]
    file = write_csv(tmp_path / "t.csv.gz", columns, *rows)
    file.write_bytes(file.read_bytes()[:-2_000])
    values = [item.value for item in Twcs(file).items()]
    assert sum(isinstance(value, Incoming) for value in values) > 1_000
    assert isinstance(values[-1], SetAside)
    assert values[-1].reason == "the file breaks off"


@pytest.mark.parametrize("name", ["folder", "gone"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ArchiveError, match=name):
        Mbox(tmp_path / name)
