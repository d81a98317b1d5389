from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest

from heard.think.management.commands.think import Command


def answers(lines: list[str], monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    raw = "\n".join(lines).encode("utf-8", "surrogatepass")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    out = io.StringIO()
    Command(stdout=out).handle(task="check")
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_in_is_a_line_out(monkeypatch: pytest.MonkeyPatch) -> None:
    [answer] = answers(
        [json.dumps({"draft": "Send us your booking number here", "message": "?", "public": True})],
        monkeypatch,
    )
    assert [answer[letter] for letter in ("true", "helpful", "inspiring", "necessary", "kind")] == [
        "green",
        "green",
        "green",
        "red",
        "green",
    ]
    assert answer["stops"] is True
    assert answer["promise"] is None
    assert set(answer["scores"]) == {"kind", "helpful", "personal", "private"}
    assert answer["scores"]["private"] == 1
    [finding] = answer["findings"]
    assert finding["code"] == "necessary.asks_in_public"
    assert finding["change"] == "Send us your booking number in a private message"


def test_facts_may_be_given_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    [answer] = answers(
        [
            json.dumps(
                {
                    "draft": "I will call you on Friday.",
                    "now": "2026-03-11T10:30:00+00:00",
                    "timezone": "Europe/Berlin",
                    "earlier_replies": ["Hello"],
                    "unknown": 1,
                }
            )
        ],
        monkeypatch,
    )
    assert answer["promise"] == {
        "text": "I will call you on Friday",
        "at": "2026-03-13T18:00:00+01:00",
    }


def test_what_the_house_knows_may_be_given_too(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {
        "known": [{"subject": "Day ticket", "value": "€ 12.50", "words": ["ticket"]}],
        "thread": [{"ours": True, "text": "Hello", "by": "Bo"}],
        "opening": {"week": [[["09:00", "18:00"]]] * 7, "days": {"2026-12-25": []}},
        "message": "How much is a ticket? When do you close?",
    }
    draft = "A ticket is € 15, and we close at 20:00 on Friday."
    [answer] = answers([json.dumps({"draft": draft, **facts})], monkeypatch)
    assert [(it["code"], it["change"], it["beside"]) for it in answer["findings"]] == [
        ("true.contradicts", "€ 12.50", "Day ticket: € 12.50"),
        ("true.opening", "18:00", "Monday to Sunday 9:00 to 18:00"),
    ]
    assert answer["questions"] == [
        {"text": "How much is a ticket?", "is_taken_up": True},
        {"text": "When do you close?", "is_taken_up": True},
    ]


def test_a_bad_line_says_so_and_the_next_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        "{",
        "[1]",
        "{}",
        '{"draft": 5}',
        '{"draft": "a", "public": "yes"}',
        '{"draft": "a", "max_length": true}',
        '{"draft": "a", "earlier_replies": [1]}',
        '{"draft": "a", "now": "soon"}',
        '{"draft": "a", "known": [{"subject": "a"}]}',
        '{"draft": "a", "known": 5}',
        '{"draft": "a", "thread": [{"ours": true, "text": 5}]}',
        '{"draft": "a", "opening": {"week": []}}',
        '{"draft": "a", "opening": {"week": "always"}}',
        "[" * 100_000,
        "",
        '{"draft": "We close at ten. \\ud800"}',
    ]
    found = answers(lines, monkeypatch)
    assert [set(answer) == {"error"} for answer in found] == [True] * 14 + [False]
    assert all(answer["error"] for answer in found[:14])


def test_the_command_needs_no_database() -> None:
    assert Command.needs_database is False
