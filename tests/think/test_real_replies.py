"""How the check behaves on replies that real desks have sent; nothing is set by these sets."""

from __future__ import annotations

import csv
import gzip
import html
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from heard.think.evaluation import fires

NAG = 0.15


def agents_on_networks(shared: Path) -> Iterator[tuple[str, str]]:
    file = shared / "data/twcs_agent_replies/replies.csv.gz"
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for row in islice(csv.DictReader(lines), 0, None, 80):
            yield "", html.unescape(row["text"])


def care_dialogues(shared: Path) -> Iterator[tuple[str, str]]:
    file = shared / "data/ibm_care_dialogues/dialogues.jsonl.gz"
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in islice(lines, 0, None, 4):
            row = json.loads(line)
            asked = row["dialogContent"][-1]["message"]
            yield asked, html.unescape(row["agentURL"]["url_utterance"])


def labelled(shared: Path) -> Iterator[tuple[str, str]]:
    """Replies that both labels call kind, helpful and fit for the public."""
    file = shared / "data/care_labels/replies.jsonl.gz"
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            marks = row["labels"]
            good = marks["kind"] == marks["helpful"] == ["1", "1"]
            if good and marks["private"] == ["0", "0"]:
                yield row["customer"], html.unescape(row["reply"])


def test_no_finding_nags_real_desks(shared: Path) -> None:
    for replies in (agents_on_networks(shared), care_dialogues(shared), labelled(shared)):
        assert max(fires(replies).values()) <= NAG


def test_good_replies_are_hardly_ever_stopped(shared: Path) -> None:
    assert fires(labelled(shared)).get("any red", 0) <= 0.03
