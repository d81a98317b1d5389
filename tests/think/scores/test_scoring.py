from __future__ import annotations

import gzip
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.think import Facts, check
from heard.think.scores.figures import FIGURES, Seen, figures
from heard.think.scores.heads import HEADS, HeadsModel, levelled, words
from heard.think.scores.scoring import Scores, scores

UPSET = "Third time my parcel is lost and nobody tells me anything. I am so angry!"


def scored(draft: str, message: str = UPSET, *, is_public: bool = True) -> Scores:
    facts = Facts(message=message, is_public=is_public)
    return scores(draft, facts, found=check(draft, facts))


@pytest.mark.parametrize(
    ("score", "more", "less"),
    [
        (
            "kind",
            "I'm so sorry, three times is far too often. I rang the depot and it comes today.",
            "As stated in our terms, losses are not our problem. You should have insured it.",
        ),
        (
            "helpful",
            "Your parcel is at the depot in Leeds and comes tomorrow before noon.",
            "Thank you for your message. We appreciate your patience.",
        ),
        (
            "personal",
            "A third lost parcel, and no word from us: no wonder that you're angry. I'll find it.",
            "We apologise for any inconvenience caused. Thank you for your feedback.",
        ),
        (
            "private",
            "Reply here with your name and address, please.",
            "We are open until six today and tomorrow.",
        ),
    ],
)
def test_the_better_draft_has_the_higher_score(score: str, more: str, less: str) -> None:
    assert getattr(scored(more), score) > getattr(scored(less), score)


def test_what_stops_is_surely_private_and_a_private_reply_never() -> None:
    draft = "We sent it to ann@example.com."
    assert scored(draft).private == 1
    assert scored(draft, is_public=False).private == 0


def test_an_empty_draft_is_nothing() -> None:
    assert scored(" \n") == Scores(kind=0, helpful=0, personal=0, private=0)


@given(st.text(max_size=200), st.text(max_size=80), st.booleans())
def test_no_text_breaks_the_scores(draft: str, message: str, is_public: bool) -> None:
    for value in vars_of(scored(draft, message, is_public=is_public)):
        assert 0 <= value <= 1


def vars_of(found: Scores) -> tuple[float, ...]:
    return (found.kind, found.helpful, found.personal, found.private)


def test_every_figure_has_a_name_and_a_weight() -> None:
    seen = Seen("Thank you!", Facts(), check("Thank you!", Facts()))
    assert figures(seen).shape == (len(FIGURES),)
    assert HeadsModel.loaded().dense.shape == (len(FIGURES), len(HEADS))


def test_a_long_draft_weighs_as_much_as_a_short_one() -> None:
    short, long = (levelled(words(text)[1]) for text in ("We are here.", "We are here. " * 50))
    assert np.linalg.norm(short) == pytest.approx(np.linalg.norm(long))
    assert set(words("Here 12")[0]) == set(words("Here 34")[0])


def test_the_same_corpus_gives_the_same_bytes(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="needs the dependency group `models`")
    from heard.think.training.heads import train

    (tmp_path / "replies").mkdir()
    rows = [
        {
            "id": f"reply-en-{number}",
            "draft": f"{told}, number {number}.",
            "message": f"Where is parcel {number}?",
            "is_public": True,
            "language": "en",
            "split": "dev" if number % 5 == 0 else "train",
            **dict.fromkeys(("kind", "helpful", "personal", "private"), int(told[0] == "S")),
        }
        for number in range(20)
        for told in ("So sorry, it comes today", "Read the terms")
    ]
    (tmp_path / "replies/en.jsonl").write_text("\n".join(map(json.dumps, rows)))
    _write_dialogues(tmp_path / "ibm_care_dialogues/dialogues.jsonl.gz")
    first, second = train(tmp_path, tmp_path), train(tmp_path, tmp_path)
    assert {name: array.tobytes() for name, array in first.items()} == {
        name: array.tobytes() for name, array in second.items()
    }


def _write_dialogues(file: Path) -> None:
    """As many replies as were labelled, with the same numbers and none of their words."""
    marks = files("heard.think.training") / "ibm_care.tsv"
    numbers = [line.split()[0] for line in marks.read_text("utf-8").splitlines()]
    asks = {"client": "customer_1", "message": "Where is it?", "tweet_ID": "1"}
    replies = [
        {"Desk": "Desk", "message": f"It comes on day {day}.", "tweet_ID": number}
        for day, number in enumerate(numbers[1:])
    ]
    last = {"url_utterance": "See our page.", "tweet_ID": numbers[0]}
    file.parent.mkdir()
    with gzip.open(file, "wt", encoding="utf-8") as dialogues:
        dialogues.write(json.dumps({"dialogContent": [asks, *replies], "agentURL": last}))
