import pytest

from heard.reading.cues import CUES, PHRASES, find
from heard.reading.tokens import words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("They double charged me", {"money": "double charged"}),
        ("they took £300 from my card", {"money": "took £ 300 from my card"}),
        ("I was paid twice as much", {"money": "paid twice"}),
        ("charged with joy", {}),
        ("we're locked out", {"locked out": "locked out"}),
        ("I can not log in", {"locked out": "can not log in"}),
        ("there is smoke coming out of it", {"safety": "smoke coming"}),
        ("still no reply", {"repeated": "still no reply"}),
        ("a reply", {}),
        ("two hours on hold", {"repeated": "hours on hold"}),
        ("I will never come back", {"avoid": "never come"}),
        ("would highly recommend", {"recommend": "highly recommend"}),
        ("no hurry", {"unhurried": "no hurry"}),
        ("we help shops to get more customers", {"offer": "help shops"}),
        ("get me your manager", {}),
        ("lovely shop, skip it on Mondays", {"avoid": "skip it"}),
    ],
)
def test_cues_point_at_words(text: str, found: dict[str, str]) -> None:
    assert {each.cue.name: each.words for each in find(words(text))} == found


def test_a_cue_is_named_once() -> None:
    names = [each.cue.name for each in find(words("stranded! we are stranded and stranded again"))]
    assert names == ["stranded"]


def test_every_phrase_has_a_gate_and_every_cue_a_phrase() -> None:
    assert all(phrase.slots for phrase in PHRASES)
    assert {phrase.cue.name for phrase in PHRASES} == {cue.name for cue in CUES}
    assert len({cue.name for cue in CUES}) == len(CUES)


def test_phrases_hold_only_words_that_a_text_can_hold() -> None:
    held = {word for phrase in PHRASES for slot in phrase.slots for word in slot}
    assert [word for word in held if words(word) != [word]] == []
