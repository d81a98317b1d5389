"""Anybody's own export, read by a map."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from heard.channels.archives import ArchiveError, Table, read_map
from heard.channels.base import Incoming, Kind
from tests.channels.files import messages, reasons, write_csv

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
COLUMNS = '[columns]\nid = "No"\nat = "When"\ntext = "Words"\nsender = "Who"\n'
STAFF = '[[kind]]\ncolumn = "Who"\nends_with = ["@Shop.example"]\nkind = "reply"\n'


def table(folder: Path, map_text: str, *rows: list[str]) -> Table:
    return Table(write_csv(folder / "export.csv", *rows), the_map(folder, map_text))


def the_map(folder: Path, text: str):  # type: ignore[no-untyped-def]
    path = folder / "map.toml"
    path.write_text(text)
    return read_map(path)


HEADER = ["No", "When", "Words", "Who", "Case"]


def row(
    no: str = "1", when: str = "2025-10-31 18:00", words: str = "hm", who: str = "A@x.example"
) -> list[str]:
    return [no, when, words, who, "c1"]


def test_columns_become_a_message(tmp_path: Path) -> None:
    text = 'timezone = "Europe/Berlin"\n[constants]\npublic = true\nlanguage = "de-AT"\n' + COLUMNS
    assert messages(table(tmp_path, text, HEADER, row())) == {
        "1": Incoming(
            external_id="1",
            at=datetime(2025, 10, 31, 17, tzinfo=UTC),
            text="hm",
            sender="a@x.example",
            language="de",
            is_public=True,
        )
    }


def test_a_reply_that_names_nobody_answers_who_last_spoke_in_its_thread(tmp_path: Path) -> None:
    rows = [
        row("1"),
        row("2", who="bo@shop.example"),
        row("3", who="c@x.example"),
        row("4", who="x@shop.example"),
    ]
    archive = table(tmp_path, COLUMNS + 'thread = "Case"\n' + STAFF, HEADER, *rows)
    found = messages(archive)
    assert [(found[n].kind, found[n].to) for n in "1234"] == [
        (Kind.INCOMING, ""),
        (Kind.REPLY, "a@x.example"),
        (Kind.INCOMING, ""),
        (Kind.REPLY, "c@x.example"),
    ]
    assert {message.root for message in found.values()} == {"thread:c1"}
    assert [item.value for item in archive.items(after=3)] == [found["4"]]


def test_rows_without_an_id_get_the_same_one_each_time(tmp_path: Path) -> None:
    archive = table(tmp_path, COLUMNS, HEADER, row(""), row("", words="more"), row(""))
    assert [
        item.value.external_id for item in archive.items() if isinstance(item.value, Incoming)
    ] == [
        *(first := list(messages(archive))),
        first[0],
    ]


def test_html_is_kept_and_its_text_left_to_be_made(tmp_path: Path) -> None:
    text = COLUMNS.replace("text =", "html =")
    message = messages(table(tmp_path, text, HEADER, row(words="<p>a<br>b</p>\0")))["1"]
    assert (message.text, message.html) == ("", "<p>a<br>b</p>")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (row(when="3/4/2025"), "its date cannot be read"),
        (row(words=" "), "it has no text"),
        (row(who=""), "nobody is named as its sender"),
        ([*row(), "x"], "the row has more fields than the header"),
        (["1", "2"], "its date cannot be read"),
    ],
)
def test_rows_that_are_no_message_are_set_aside(
    tmp_path: Path, changed: list[str], reason: str
) -> None:
    assert reasons(table(tmp_path, COLUMNS, HEADER, changed)) == [reason]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_files_are_read_as_spreadsheets_leave_them(
    tmp_path: Path, encoding: str, line_end: str, delimiter: str
) -> None:
    file = tmp_path / "export.csv"
    lines = [
        "No,When,Words,Who",
        "1,2025-10-31 18:00,Grüße,ann",
        '2,2025-10-31 18:01,"a\nb",bo',
        "",
    ]
    text = line_end.join(lines).replace(",", delimiter)
    file.write_bytes(text.replace("\n", line_end).replace("\r\r", "\r").encode(encoding))
    found = messages(Table(file, the_map(tmp_path, COLUMNS)))
    assert [found[n].text for n in found] == ["Grüße", "a\nb"]


def test_a_lone_carriage_return_outside_of_quotes_stays_in_its_field(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_bytes(b"No,When,Words,Who\n1,2025-10-31,one\rtwo,ann\n2,2025-10-31,x,bo\n")
    assert messages(Table(file, the_map(tmp_path, COLUMNS)))["1"].text == "one\ntwo"


def test_fields_of_any_usual_size_are_read_and_a_stray_quote_does_not_end_the_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "export.csv"
    large = "x" * 3_000_000
    file.write_text(
        f'No,When,Words,Who\n1,2025-10-31,{large},ann\n2,2025-10-31,"lost,bo\n' + "3,a\n" * 9
    )
    archive = Table(file, the_map(tmp_path, COLUMNS))
    assert messages(archive)["1"].text == large
    assert reasons(archive) == ["nobody is named as its sender"]


def test_json_lines_are_read_by_paths(tmp_path: Path) -> None:
    file = tmp_path / "export.jsonl"
    line = {"who": {"mail": "a@x.example"}, "all": [{"n": 1, "t": 1761930000, "w": ["hi"]}, 5, {}]}
    file.write_text(json.dumps(line) + '\n{"all": []}\nnot json\n')
    text = (
        'format = "jsonl"\nmessages = "all"\n[columns]\nid = "n"\nat = "t"\ntext = "w.0"\n'
        'sender = ["gone", "^who.mail"]\n'
    )
    archive = Table(file, the_map(tmp_path, text))
    message = messages(archive)["1"]
    assert (message.text, message.sender) == ("hi", "a@x.example")
    assert message.at == datetime(2025, 10, 31, 17, tzinfo=UTC)
    assert reasons(archive) == [
        "its date cannot be read",
        "it has no messages",
        "the line is not JSON",
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[columns", "map.toml is not TOML"),
        ("", "must say which column is at"),
        ('[columns]\nat = "a"\ntext = "b"', "must say which column is sender"),
        (COLUMNS + 'titel = "x"', r"\[columns\] has no 'titel'; it may have: at, author"),
        (COLUMNS + "subject = 5", "subject must be a text in quotes"),
        ('colour = "red"\n' + COLUMNS, "the map has no 'colour'"),
        ('format = "xml"\n' + COLUMNS, "it may be csv or jsonl"),
        ('timezone = "Mars"\n' + COLUMNS, "no time zone called 'Mars'"),
        ('dates = ["%d.%m."]\n' + COLUMNS, "leaves out the day, the month or the year"),
        ('dates = ["%Q"]\n' + COLUMNS, "is not a date format"),
        ('delimiter = "--"\n' + COLUMNS, "one character"),
        (COLUMNS + '[columns.answer]\nto = "x"', "a kind is incoming, reply, note"),
        (COLUMNS + '[[kind]]\nkind = "answer"', "needs a kind"),
        (COLUMNS + '[[kind]]\nkind = "reply"\ncolumn = "Who"', "needs is, ends_with or same_as"),
        (COLUMNS + '[kind]\ncolumn = "Who"', "kind must be a list"),
        ("columns = 3", "columns must be a table"),
    ],
)
def test_a_wrong_map_is_refused_with_a_sentence(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ArchiveError, match=complaint):
        the_map(tmp_path, text)


def test_a_map_that_does_not_fit_its_file_names_what_is_missing(tmp_path: Path) -> None:
    archive = table(tmp_path, COLUMNS + 'subject = "Title"', HEADER, row())
    with pytest.raises(ArchiveError, match=r"no column Title; it has: No, When, Words, Who, Case"):
        list(archive.items())
    file = tmp_path / "export.jsonl"
    file.write_text('{"When": "2025", "words": "x"}')
    with pytest.raises(ArchiveError, match=r"line 1 of export.jsonl has no column Words"):
        list(Table(file, the_map(tmp_path, 'format = "jsonl"\n' + COLUMNS)).items())
    with pytest.raises(ArchiveError, match="no encoding called 'klingon'"):
        list(table(tmp_path, 'encoding = "klingon"\n' + COLUMNS, HEADER).items())


@pytest.mark.parametrize(
    ("name", "file", "expected"),
    [
        (
            "shop",
            "shop.csv",
            ["incoming", "reply to ann@example.org", "note to ann@example.org", "incoming"],
        ),
        (
            "zendesk",
            "zendesk.jsonl",
            ["incoming", "note to ann@example.org", "reply to ann@example.org", "incoming"],
        ),
        (
            "chatwoot",
            "chatwoot.jsonl",
            ["incoming", "note to ann@example.org", "reply to ann@example.org"],
        ),
    ],
)
def test_the_documented_examples_are_read(name: str, file: str, expected: list[str]) -> None:
    archive = Table(EXAMPLES / file, read_map(EXAMPLES / f"{name}.toml"))
    found = [
        str(it.kind) if it.kind is Kind.INCOMING else f"{it.kind} to {it.to}"
        for it in messages(archive).values()
    ]
    assert found == expected
    assert reasons(archive) == []
