from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from heard.think import evaluation
from heard.think.evaluation import CORPUS, Score, Table, evaluate, fires
from heard.think.management.commands.think import Command, report

ROW = {
    "id": "reply-1",
    "language": "en",
    "is_public": True,
    "message": "Where is my order?",
    "split": "test",
}
GOOD = {"helpful": 1, "kind": 1, "personal": 1, "warm": 0, "private": 0}


def drafts() -> list[dict[str, Any]]:
    asks = {"draft": "Send us your order number here.", "private": 1, "kind": 0}
    return [
        ROW
        | GOOD
        | {"draft": "So sorry about that! It left today and should reach you on Friday."},
        ROW | GOOD | {"draft": "Thank you for asking, your order is on its way to you now."},
        ROW | GOOD | asks,
        ROW | GOOD | {"draft": "Calm down.", "kind": 0, "helpful": 0, "personal": 0},
        ROW | GOOD | {"draft": "Never scored.", "split": "train"},
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "replies").mkdir()
    (tmp_path / "replies/en.jsonl").write_text("\n".join(map(json.dumps, drafts())))
    (tmp_path / "care_labels").mkdir()
    agreed = {label: ["1", "1"] for label in ("helpful", "kind", "personal", "warm")}
    agreed["private"] = ["0", "0"]
    rows = [
        {"customer": "late!", "reply": reply, "labels": agreed | {"kind": kind}}
        for reply, kind in (
            ("So sorry, it is on its way.", ["1", "1"]),
            ("Whatever.", ["0", "0"]),
            ("We see.", ["0", "1"]),
        )
    ]
    with gzip.open(tmp_path / "care_labels/replies.jsonl.gz", "wt") as file:
        file.write("\n".join(map(json.dumps, rows)))
    return tmp_path


def line(table: Table, *said: str) -> Score:
    [found] = [one for one in table.scores if (one.data_set, one.what, one.measure) == said]
    return found


def test_only_the_held_out_part_is_scored(folder: Path) -> None:
    table = evaluate(folder, corpus=folder)
    assert line(table, "corpus, test", "kind", "AUC").drafts == 4
    assert line(table, "corpus, test", "kind", "AUC").heard == 1.0
    assert line(table, "corpus, test", "private", "recall, stops").heard == 1.0
    assert line(table, "corpus, test", "false alarms", "red").drafts == 2


def test_false_alarms_are_told_by_language_too(folder: Path) -> None:
    abroad = ROW | GOOD | {"language": "de", "draft": "Beruhigen Sie sich bitte.", "id": "reply-9"}
    (folder / "replies/de.jsonl").write_text(json.dumps(abroad))
    table = evaluate(folder, corpus=folder)
    assert line(table, "corpus, test", "false alarms", "red").drafts == 3
    found = line(table, "corpus, test: de", "false alarms", "red")
    assert (found.drafts, found.heard) == (1, 1.0)
    assert line(table, "corpus, test: en", "false alarms", "red").heard == 0.0


def test_labels_that_differ_are_told_apart(folder: Path) -> None:
    table = evaluate(folder, corpus=folder)
    assert line(table, "care_labels", "kind", "AUC").drafts == 2
    assert line(table, "care_labels: labels differ", "kind", "mean score").drafts == 1


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    table = evaluate(tmp_path, corpus=tmp_path)
    assert table.scores == []
    assert table.not_found == [
        *("corpus", "care_labels", "twcs_airline_dialogues", "twcs_agent_replies")
    ]


def test_rules_are_counted_once_a_reply() -> None:
    rates = fires([("", "Calm down. Calm down, please."), ("", "We are open until ten.")])
    assert rates == {"kind.dismissive": 0.5, "any red": 0.5, "an alarm": 0.5}
    assert fires([]) == {}


def test_an_area_has_its_interval() -> None:
    low, high = evaluation._around(0.8, 30, 30)
    assert low is not None
    assert high is not None
    assert low == pytest.approx(0.686, abs=0.005)
    assert high == pytest.approx(0.914, abs=0.005)
    assert evaluation._around(0.8, 0, 30) == (None, None)


def test_the_command_prints_a_table_or_json(folder: Path) -> None:
    out = io.StringIO()
    Command(stdout=out).handle(task="evaluate", data=folder, corpus=folder, json=False)
    assert "| corpus, test | kind | AUC | 4 | 1.000 |" in out.getvalue()
    assert (
        out.getvalue().rstrip().endswith("Not found: twcs_airline_dialogues, twcs_agent_replies.")
    )
    out = io.StringIO()
    Command(stdout=out).handle(task="evaluate", data=folder, corpus=folder, json=True)
    assert json.loads(out.getvalue())["scores"][0]["measure"] == "AUC"


def test_rare_rules_are_left_out_of_the_table() -> None:
    shown = list(report(Table(fires={"some": {"kind.cold": 0.1, "kind.blame": 0.0001}})))
    assert "kind.cold 10.0%" in shown


def test_without_anything_to_score_the_command_says_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="nothing to score"):
        Command().handle(task="evaluate", data=tmp_path, corpus=tmp_path, json=False)


def test_the_corpus_of_the_checkout_is_found() -> None:
    assert (CORPUS / "replies").is_dir()
