import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from heard.reading.evaluation import NO_HEAD_FITS, SETS
from heard.reading.management.commands.reading import answers

KEYS = ["language", "mood", "mood_probabilities", "need", "stance", "urgency", "urgency_reason"]


def lines(*rows: Any) -> list[bytes]:
    return [row if isinstance(row, bytes) else json.dumps(row).encode() + b"\n" for row in rows]


def test_each_line_gets_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    source = b"".join(
        lines({"text": "Where is my refund?"}, {"text": "Var är mitt paket någonstans?"})
    )
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(source)))
    out = io.StringIO()
    call_command("reading", "read", stdout=out)
    english, swedish = map(json.loads, out.getvalue().splitlines())
    assert list(english) == list(swedish) == KEYS
    assert sum(english["mood_probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert list(english["mood_probabilities"]) == ["negative", "neutral", "positive"]
    assert swedish["mood"] == "not read"
    assert swedish["mood_probabilities"] is None
    assert swedish["need"] == "answer"


def test_a_bad_line_says_so_and_the_rest_goes_on() -> None:
    source = lines(
        {"text": "hi"}, b"{", b"\n", [1], {"txt": ""}, {"text": 5}, b"\xff\xfe", {"text": "bye"}
    )
    found = list(answers(source))
    assert [answer.get("line") for answer in found] == [None, 2, 4, 5, 6, 7, None]
    assert all(answer["error"] for answer in found[1:6])
    assert found[6]["language"] == "en"


def test_a_text_may_hold_anything_json_can_hold() -> None:
    found = list(answers([b'{"text": "\\ud800 \\u0000 thanks"}\n', b'{"text": ""}']))
    assert [list(answer) for answer in found] == [KEYS, KEYS]


def test_many_lines_are_answered_while_they_come() -> None:
    taken = 0

    def source() -> Any:
        nonlocal taken
        for number in range(5000):
            taken = number
            yield b'{"text": "thanks"}\n'

    next(answers(source()))
    assert taken < 1500


def table(folder: Path, name: str, header: str, *rows: str) -> None:
    (folder / name).mkdir(parents=True)
    file = folder / name / SETS[name][0]
    file.write_bytes(gzip.compress("\n".join([header, *rows]).encode()))


def test_sets_that_are_there_are_scored_and_the_others_are_named(tmp_path: Path) -> None:
    table(
        tmp_path,
        "complaint_tweets",
        "tweet_id,text,complaint,domain",
        "1,my order is broken and nobody helps me,1,x",
        "2,what a lovely evening,0,x",
    )
    table(
        tmp_path,
        "tweeteval_sentiment",
        "text,label,label_name,split",
        "I love this so much,2,positive,val",
        "this is awful and I hate it,0,negative,val",
        "the shop opens at nine,1,neutral,val",
    )
    out = io.StringIO()
    call_command("reading", "evaluate", data=tmp_path, json=True, stdout=out)
    found = json.loads(out.getvalue())
    scored = {score["data_set"] for score in found["scores"]}
    assert {name for name in scored if not name.startswith(("open corpus", "pairs"))} == {
        "complaint_tweets",
        "tweeteval_sentiment",
    }
    assert {"open corpus, test: en", "open corpus, test: pt", "pairs: dialect"} < scored
    assert found["reliability"]["tweeteval_sentiment: mood"][-1][1] == 1.0
    assert set(found["not_found"]) == set(SETS) - {"complaint_tweets", "tweeteval_sentiment"}
    assert found["texts_per_cpu_second"] > 0
    recall = next(score for score in found["scores"] if score["measure"] == "macro recall")
    assert recall["majority"] == pytest.approx(1 / 3)
    assert recall["heard"] == 1


def test_the_table_for_people_names_what_is_left_out(tmp_path: Path) -> None:
    out = io.StringIO()
    call_command("reading", "evaluate", data=tmp_path, stdout=out)
    for name in (*SETS, *NO_HEAD_FITS):
        assert name in out.getvalue()


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no folder"):
        call_command("reading", "evaluate", data=tmp_path / "nowhere")
