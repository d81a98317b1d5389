from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.think import Facts, Letter, Light, check
from tests.think.looking import codes, mended, only


@pytest.mark.parametrize("draft", ["", "   ", "\n\t\u200b", "...", "?!", "—", "\u00a0."])
def test_nothing_to_read_stops_and_says_no_more(draft: str) -> None:
    found = check(draft, Facts(message="Where is my order?", contact_is_upset=True))
    assert [finding.code for finding in found.findings] == ["necessary.empty"]
    assert found.stops
    assert found.lights[Letter.KIND] is Light.GREEN


@pytest.mark.parametrize("draft", ["❤️", "Ok", "5", "👍"])
def test_an_emoji_is_something(draft: str) -> None:
    assert "necessary.empty" not in codes(draft)


def test_what_is_too_long_for_the_place_can_be_cut_at_a_sentence() -> None:
    draft = "We have found it. It comes today. Thank you for your patience with us."
    finding = only("necessary.too_long", draft, max_length=40)
    assert finding.stops
    assert mended("necessary.too_long", draft, max_length=40) == "We have found it. It comes today."


@given(st.text(min_size=1, max_size=80), st.integers(1, 80))
def test_a_cut_draft_fits(draft: str, most: int) -> None:
    for finding in check(draft, Facts(max_length=most)).findings:
        if finding.code == "necessary.too_long" and finding.change is not None:
            assert len(finding.changed(draft)) <= most


def test_the_same_text_twice_is_noticed_also_with_another_name() -> None:
    before = "Hi Ann, we are so sorry for the long wait at our counter in town, please forgive us."
    after = before.replace("Ann", "Bo")
    assert "necessary.repeated" in codes(before, earlier_replies=(before,))
    assert "necessary.repeated" not in codes(before, earlier_replies=("Hello!",))
    assert "necessary.repeated" not in codes("Thank you!", earlier_replies=("Thank you!",))
    long_before = before + " " + before.replace("counter", "till")
    assert "necessary.repeated" in codes(
        long_before.replace("town", "Rome", 1), earlier_replies=(long_before,)
    )
    assert after != before


def test_a_third_reply_without_news_is_noticed() -> None:
    stalls = ("We are still looking into it.", "Thank you for your patience, bear with us.")
    assert "necessary.no_news" in codes(
        "We're still working on this for you.", earlier_replies=stalls
    )
    assert "necessary.no_news" not in codes(
        "We're still working on this, it will be ready on Friday.", earlier_replies=stalls
    )
    assert "necessary.no_news" not in codes(
        "We're still working on this for you.", earlier_replies=stalls[:1]
    )
