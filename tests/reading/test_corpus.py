"""The open corpus: whole, labelled as its guide says, and split so that no test is trained on."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from heard.reading import Mood, Need, Stance, Urgency

DATA = Path(__file__).parents[2] / "data"
CAUSES = {
    *("", "delivery", "waiting", "billing", "fault", "staff", "information", "digital"),
    *("booking", "policy", "premises", "safety", "price", "unanswered"),
}
CHANNELS = {
    *("post", "comment", "review", "mail", "chat", "sms", "voicemail", "card", "forum", "app"),
}
MARKS = {"defensive", "sarcastic", "blaming", "dismissive", "cold", "shouting"}


def lines(folder: str) -> Iterator[dict[str, Any]]:
    for file in sorted((DATA / folder).glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


@pytest.fixture(scope="module")
def messages() -> list[dict[str, Any]]:
    return list(lines("messages"))


@pytest.fixture(scope="module")
def replies() -> list[dict[str, Any]]:
    return list(lines("replies"))


def test_every_message_has_the_labels_of_the_guide(messages: list[dict[str, Any]]) -> None:
    for one in messages:
        Need(one["need"]), Stance(one["stance"]), Mood(one["mood"]), Urgency(one["urgency"])
        assert one["cause"] in CAUSES, one["id"]
        assert one["channel"] in CHANNELS, one["id"]
        assert one["text"].strip() == one["text"] != "", one["id"]


def test_every_reply_has_the_labels_of_the_guide(replies: list[dict[str, Any]]) -> None:
    for one in replies:
        for label in ("helpful", "kind", "personal", "warm", "private"):
            assert one[label] in {0, 1}, one["id"]
        assert set(one["marks"]) <= MARKS, one["id"]
        assert bool(one["marks"]) != bool(one["kind"]), one["id"]
        assert one["is_public"] or not one["private"], one["id"]


def test_there_are_as_many_as_its_card_says(
    messages: list[dict[str, Any]], replies: list[dict[str, Any]]
) -> None:
    card = (DATA / "README.md").read_text()
    assert f"| messages | {len(messages):,} |" in card
    assert f"| draft replies | {len(replies):,} |" in card
    for language, count in Counter(one["language"] for one in messages).items():
        assert f"{language} {count:,}" in card


def test_nothing_stands_twice(
    messages: list[dict[str, Any]], replies: list[dict[str, Any]]
) -> None:
    for rows in (messages, replies):
        assert len({one["id"] for one in rows}) == len(rows)
    texts = Counter((one["language"], one["text"].casefold()) for one in messages)
    assert not [text for text, count in texts.items() if count > 1]


def test_no_trade_of_a_language_is_on_two_sides(messages: list[dict[str, Any]]) -> None:
    sides: dict[tuple[str, str], set[str]] = {}
    for one in messages:
        sides.setdefault((one["language"], one["trade"]), set()).add(one["split"])
    assert all(len(found) == 1 for found in sides.values())
    assert {one["language"] for one in messages if one["split"] == "test"} == {
        *("en", "es", "pt", "de", "fr", "it")
    }


def test_drafts_for_one_message_are_on_one_side(replies: list[dict[str, Any]]) -> None:
    sides: dict[str, set[str]] = {}
    for one in replies:
        sides.setdefault(one["message"], set()).add(one["split"])
    assert all(len(found) == 1 for found in sides.values())


def test_the_card_tells_how_far_two_readers_agree(
    messages: list[dict[str, Any]], replies: list[dict[str, Any]]
) -> None:
    card = (DATA / "README.md").read_text()
    first = {one["id"]: one for one in (*messages, *replies)}
    for name, labels in (
        ("messages", ("need", "stance", "mood", "urgency", "cause")),
        ("replies", ("helpful", "kind", "personal", "warm", "private")),
    ):
        second = [one for one in lines("second") if set(labels) <= one.keys()]
        assert len(second) == {"messages": 500, "replies": 200}[name]
        told = [
            f"{_kappa([(first[one['id']][label], one[label]) for one in second]):.2f}"
            for label in labels
        ]
        assert f"| kappa | {' | '.join(one.lstrip('0') for one in told)} |" in card


def _kappa(pairs: list[tuple[Any, Any]]) -> float:
    """Cohen (1960): agreement beyond that of chance."""
    agreed = sum(one == other for one, other in pairs) / len(pairs)
    firsts, seconds = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    by_chance = sum(firsts[label] * seconds[label] for label in firsts)
    chance = by_chance / len(pairs) / len(pairs)
    return float((agreed - chance) / (1 - chance))


def test_plain_lines_have_a_language_labels_and_are_said_once() -> None:
    rows = [
        line.split("\t")
        for file in sorted((DATA / "plain").glob("*.tsv"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    assert {language for language, _, _ in rows} == {"en", "es", "fr", "de", "pt", "it"}
    assert [row for row in rows if not re.fullmatch("[arn][vc.][-~0+][hnl]", row[1])] == []
    assert len({text for _, _, text in rows}) == len(rows) > 3_000
