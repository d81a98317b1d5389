"""A public draft that sounds private is asked about, though no rule knows its words."""

from __future__ import annotations

from typing import Any

import pytest

from heard.think import Facts, Finding, check
from heard.think.evaluation import CORPUS, labelled, of_corpus
from heard.think.findings import Light
from heard.think.privacy.asking import names_private_way
from heard.think.privacy.codes import PRIVATE_CODES
from heard.think.scores.heads import private_chance
from heard.think.scores.seeming import NEARLY_SURE, SEEMS
from heard.think.wording import bare, sentences


def asked(draft: str, **facts: Any) -> Finding | None:
    """The question about a draft, if there is one."""
    found = check(draft, Facts(**{"is_public": True, **facts})).findings
    return next((it for it in found if it.code == SEEMS), None)


def unmatched() -> list[str]:
    """Public drafts of `train` that belong in private and that no rule matches."""
    rows = [labelled(row) for row in of_corpus(CORPUS) if row["split"] == "train"]
    private = [each for each in rows if each.labels["private"]]
    return [
        each.draft
        for each in private
        if not any(it.code in PRIVATE_CODES for it in check(each.draft, each.facts).findings)
    ]


def test_a_draft_that_sounds_private_raises_a_question_and_never_stops() -> None:
    drafts = unmatched()
    assert len(drafts) > 30
    found = [it for it in map(asked, drafts) if it]
    assert len(found) > 0.8 * len(drafts)
    assert not any(it.stops or it.light is Light.RED for it in found)
    assert all(it.says.endswith("?") for it in found)


@pytest.mark.parametrize("draft", unmatched()[:25])
def test_taking_the_private_way_ends_the_question(draft: str) -> None:
    if found := asked(draft):
        changed = found.changed(draft)
        assert names_private_way(changed, Facts())
        assert asked(changed) is None
    assert asked(draft, is_public=False) is None  # nobody else reads it there


def test_it_lights_a_letter_only_where_the_head_is_nearly_sure() -> None:
    for draft in unmatched()[:60]:
        if found := asked(draft):
            is_sure = private_chance(draft) >= NEARLY_SURE
            assert found.light is (Light.AMBER if is_sure else Light.GREEN)


def test_the_sentence_that_weighs_most_is_shown_and_the_way_of_the_house_is_offered() -> None:
    draft = next(each for each in unmatched() if len(sentences(each)) > 2 and asked(each))
    found = asked(draft, private_way="https://heard.example/us")
    assert found
    chances = [private_chance(draft[start:end]) for start, end in sentences(draft)]
    assert private_chance(found.matched) == pytest.approx(max(chances))
    assert found.change is not None
    assert found.change.endswith("https://heard.example/us.")


@pytest.mark.parametrize(
    "draft",
    [
        "We open at nine.",
        "Thank you so much, that made our day!",
        "The day ticket is € 12.50, and children go free.",
        "We are sorry about the wait. Please send us a private message with your booking number.",
    ],
)
def test_what_is_for_everybody_raises_none(draft: str) -> None:
    assert asked(draft) is None


def test_a_house_that_has_found_it_wrong_hears_nothing_of_it() -> None:
    draft = next(filter(asked, unmatched()))
    assert asked(draft, softened={SEEMS: Light.GREEN}) is None


def test_to_whom_it_goes_and_who_signs_makes_no_difference() -> None:
    unsigned = [draft for draft in unmatched() if bare(draft) == draft]
    for draft in unsigned[:20]:
        posted = f"@ann_3 @bob {draft} ^KL"
        assert private_chance(posted) == pytest.approx(private_chance(draft), abs=1e-6)
