"""Dated dialogues, a line each."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from heard.channels.archives import ArchiveError, Dialogues
from heard.channels.base import Incoming, Kind
from tests.channels.files import messages, reasons

START = "2020-04-01T17:31:32.000Z"


def dialogue(*content: dict[str, Any], **other: Any) -> dict[str, Any]:
    header = {"company": "Tube", "conversationDateTime": START, "duration": "01:26:55.0"}
    return {"dialogHeader": header, "dialogContent": list(content), **other}


def said(
    who: str, number: str, text: str = "hm", at: str = START, role: str = "client"
) -> dict[str, Any]:
    return {role: who, "tweet_ID": number, "message": text, "datetime": at}


def written(folder: Path, *lines: object) -> Dialogues:
    path = folder / "dialogues.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return Dialogues(path)


def test_a_dialogue_becomes_a_thread(tmp_path: Path) -> None:
    archive = written(
        tmp_path,
        dialogue(
            said("ann", "1", "Where &lt;is&gt; it?"),
            said("Tube", "2", "Here", role="agent"),
            said("cy", "3", role="client1"),
        ),
    )
    found = messages(archive)
    assert found["1"] == Incoming(
        external_id="1",
        at=datetime(2020, 4, 1, 17, 31, 32, tzinfo=UTC),
        text="Where <is> it?",
        sender="ann",
        root="1",
        is_public=True,
    )
    reply = found["2"]
    assert (reply.kind, reply.sender, reply.to, reply.parent) == (Kind.REPLY, "Tube", "ann", "1")
    assert (found["3"].sender, found["3"].root, found["3"].parent) == ("cy", "1", "2")
    assert {item.inbox for item in archive.items()} == {"Tube"}


def test_the_answer_with_the_help_page_is_a_reply_at_its_own_time(tmp_path: Path) -> None:
    last = {
        "tweet_ID": "1245425312903000000",
        "url_utterance": "See here",
        "url": "https://x.example",
    }
    reply = messages(written(tmp_path, dialogue(said("ann", "1"), agentURL=last)))[last["tweet_ID"]]
    assert (reply.kind, reply.to, reply.text) == (Kind.REPLY, "ann", "See here")
    assert reply.at == datetime(2020, 4, 1, 18, 58, 28, tzinfo=UTC)
    assert reply.extra == {"help_page": "https://x.example"}


def test_an_answer_whose_number_tells_no_time_ends_the_dialogue(tmp_path: Path) -> None:
    last = {"tweet_ID": "77", "url_utterance": "See here"}
    reply = messages(written(tmp_path, dialogue(said("ann", "1"), agentURL=last)))["77"]
    assert reply.at == datetime(2020, 4, 1, 18, 58, 27, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (5, "the line is not a JSON object"),
        ({}, "it is not a dialogue with a company"),
        (dialogue(), "it is not a dialogue with a company"),
        ({"dialogHeader": [], "dialogContent": 3}, "it is not a dialogue with a company"),
        (dialogue(said("ann", "")), "a message has no id"),
        (dialogue(said("", "1")), "nobody is named as the author of a message"),
        (dialogue(said("ann", "1", at="late")), "the date of a message cannot be read"),
        (dialogue(said("ann", "1", text=" ")), "a message has no text"),
        (dialogue(said("Rival", "1", role="agent")), "another company than the one asked said it"),
    ],
)
def test_what_is_no_message_is_set_aside(tmp_path: Path, line: object, reason: str) -> None:
    assert reasons(written(tmp_path, line)) == [reason]


def test_a_line_that_is_not_json_is_set_aside_and_a_list_refused(tmp_path: Path) -> None:
    path = tmp_path / "dialogues.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"cut": \n' + b"[" * 100_000 + b"\n"))
    assert reasons(Dialogues(path)) == ["the line is not JSON", "the line is not JSON"]
    path.write_text("[\n{}]")
    with pytest.raises(ArchiveError, match="one object a line"):
        list(Dialogues(path).items())


def test_every_real_dialogue_ends_with_a_reply(shared: Path) -> None:
    archive = Dialogues(shared / "data/ibm_care_dialogues/dialogues.jsonl.gz")
    items = list(archive.items())
    assert reasons(archive) == ["another company than the one asked said it"] * 2
    assert len(items) == 856 + 105 + 25 + 726
    last = {item.position: item.value for item in items}
    assert all(isinstance(value, Incoming) and value.kind is Kind.REPLY for value in last.values())
