from __future__ import annotations

import functools
import gc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from heard.think import Facts, Finding, Letter, Light, check_post
from heard.think.forgetting import forget
from heard.think.harm import harms
from tests.think.test_checking import DRAFTS, FACTS, WILD

ATTACKS = [
    "Another day with the rudest, no: rude customers everywhere.",
    "Our guests are so entitled today",
    "Customers who complain are liars",
    "Had such a Karen at table four.",
    "The customer from hell was back.",
    "@foodcritic is a fraud",
    "Our competitors are thieves.",
]
GRAVE = [
    *[("kind.attack", text) for text in ATTACKS],
    ("necessary.threat", "See you in court, dear reviewer."),
    ("necessary.threat", "You will hear from our lawyers"),
    ("necessary.private_matter", "Our waitress was fired last night."),
    ("necessary.private_matter", "Ann Lee is pregnant!!"),
    ("necessary.private_matter", "He is getting divorced, drinks on us"),
    ("necessary.private_matter", "One of our guests got arrested at the bar"),
]
WARNS = [
    ("necessary.competitor", "Unlike our competitors we bake at night."),
    ("necessary.competitor", "Cheaper than Brandt & Sons, as always."),
    ("necessary.competitor", "Don't go to Luigi for pizza."),
    ("necessary.quarrel", "To the person who left one star: we saw you."),
    ("necessary.quarrel", "Shame on you, city council"),
    ("necessary.quarrel", "Some people just need to grow up."),
    ("necessary.about_customer", "A customer just asked whether our bread has bread in it."),
    ("necessary.inside", "Not announced yet, but we will be closing in May."),
    ("inspiring.weary", "So tired of customers who haggle."),
    ("inspiring.weary", "I hate my job."),
]
OURS = [
    ("true.boast", "The best pizza in town, come and see."),
    ("true.boast", "Clinically proven to help your skin."),
    ("helpful.no_way", "We are so proud: our new menu with all your favourites is there."),
    ("helpful.no_way", "There is an outage in our systems and it is bad for all of us."),
]
FINE = [
    "Fresh rolls from six tomorrow morning. Come by, the first coffee is on us!",
    "Thank you to all our customers for a wonderful year.",
    "A guest told us yesterday that our soup made her day. Thank you, we love to hear it!",
    "We are closed on Monday 4 May; open again on Tuesday at 8.",
    "We are hiring: a cook, from June. Write to jobs@bakery.example or drop by.",
    "Sorry for the delays this morning. Trains run again since 10:15; refunds: https://x.example/r",
    "I was in hospital last week and am back now. Thanks for all the cards!",
    "We support the cancer awareness day with every cake sold today.",
    "Our team baked 400 loaves tonight for the food bank.",
    "Bo has been with us for ten years today. Thank you, Bo!",
    "What should be on the spring menu? Tell us in the comments.",
    "Wir haben morgen ab acht Uhr geöffnet und freuen uns auf Sie.",
]


def codes(draft: str, *, in_our_name: bool = True, **facts: Any) -> set[str]:
    return {finding.code for finding in findings(draft, in_our_name=in_our_name, **facts)}


def findings(draft: str, *, in_our_name: bool = True, **facts: Any) -> tuple[Finding, ...]:
    return check_post(draft, Facts(**facts), in_our_name=in_our_name).findings


@pytest.mark.parametrize(("code", "draft"), GRAVE)
def test_attacks_threats_and_private_matters_are_grave(code: str, draft: str) -> None:
    [finding] = [one for one in findings(draft, in_our_name=False) if one.code == code]
    assert finding.light is Light.RED
    assert not finding.stops


@pytest.mark.parametrize(("code", "draft"), WARNS)
def test_what_need_not_be_said_warns(code: str, draft: str) -> None:
    [finding] = [one for one in findings(draft) if one.code == code]
    assert finding.light is Light.AMBER


@pytest.mark.parametrize(("code", "draft"), OURS)
def test_only_the_house_owes_proof_and_use(code: str, draft: str) -> None:
    assert code in codes(draft)
    assert code not in codes(draft, in_our_name=False)


@pytest.mark.parametrize("draft", FINE)
def test_an_ordinary_post_has_five_green_lights(draft: str) -> None:
    found = check_post(draft, Facts(our_details=("jobs@bakery.example",)), in_our_name=True)
    assert not found.findings
    assert set(found.lights.values()) == {Light.GREEN}


def test_a_post_wants_no_answer_no_greeting_and_no_thanks() -> None:
    long = "The oven is on, the dough has risen and the first loaves smell of malt and of rye. " * 3
    assert not codes(long, message="Worst bread ever! Where is my refund?", contact_name="Ann")


def test_personal_data_stops_a_post_as_it_stops_a_public_reply() -> None:
    [finding] = findings("The wallet is Ann's; her number is +44 7700 900123.", is_public=False)
    assert finding.code == "necessary.phone"
    assert finding.stops
    assert "this post" in finding.says
    assert "reply" not in finding.says


def test_length_counts_against_the_place() -> None:
    assert codes("a" * 300, max_length=280) == {"necessary.too_long"}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(WILD | DRAFTS, FACTS)
def test_any_post_is_answered_with_true_places(draft: str, facts: Facts) -> None:
    found = check_post(draft, facts, in_our_name=True)
    for finding in found.findings:
        assert draft[finding.start : finding.end] == finding.matched
        assert finding.code.startswith(f"{finding.letter}.")
        assert finding.says.endswith((".", "?"))
    assert set(found.lights) == set(Letter)


def test_what_harms_once_it_is_out() -> None:
    def harm(draft: str, *, is_public: bool = True) -> set[str]:
        found = check_post(draft, Facts(), in_our_name=True)
        return {finding.code for finding in harms(found, is_public=is_public)}

    assert harm("Our guests are liars.") == {"kind.attack"}
    assert harm("You should have read the menu.") == {"kind.blame"}
    assert harm("You should have read the menu.", is_public=False) == set()
    assert harm("The best pizza in town, come and see: http//x.example") == set()
    assert harm("We wrote to ann.lee@mail.example about it.") == {"necessary.email"}


def test_a_softened_rule_speaks_quietly_or_not_at_all() -> None:
    draft = "Our guests are liars."
    [loud] = findings(draft)
    [quiet] = findings(draft, softened={"kind.attack": Light.AMBER})
    assert (loud.light, quiet.light) == (Light.RED, Light.AMBER)
    assert not findings(draft, softened={"kind.attack": Light.GREEN})


def test_a_stop_that_was_softened_no_longer_stops() -> None:
    [finding] = findings("You are a liar.", softened={"kind.insult": Light.AMBER})
    assert not finding.stops


@pytest.mark.parametrize("light", [Light.AMBER, Light.GREEN])
def test_no_house_can_soften_what_guards_personal_data(light: Light) -> None:
    softened = {"necessary.phone": light, "necessary.email": light, "necessary.too_long": light}
    [finding] = findings("Her number is +44 7700 900123.", softened=softened)
    assert finding.stops


def test_forgetting_leaves_no_word_of_a_text_in_memory() -> None:
    marked = "Zebraquartz told the guests that her quixotrope is closed to rude customers."
    check_post(marked, Facts(now=None), in_our_name=True)
    assert remembered("zebraquartz")
    forget()
    assert not remembered("zebraquartz")


def remembered(word: str) -> list[str]:
    """What our own caches and tables still hold of a word."""
    from heard.reading.reading import _reader

    caches = [
        thing
        for thing in gc.get_objects()
        if isinstance(thing, functools._lru_cache_wrapper)
        and str(getattr(thing, "__module__", "")).startswith("heard.")
    ]
    assert len(caches) > 5
    held = [text for cache in caches for text in strings(cache)]
    held += [token for token in _reader()._table if isinstance(token, str)]
    return [text for text in held if word in text.casefold()]


def strings(cache: object) -> list[str]:
    """The texts of a cache: its keys and results, some steps deep."""
    found: list[str] = []
    seen: set[int] = set()
    edge = [cache]
    for _ in range(5):
        near = [it for it in gc.get_referents(*edge) if id(it) not in seen] if edge else []
        seen.update(map(id, near))
        found += [it for it in near if isinstance(it, str)]
        edge = [it for it in near if isinstance(it, (tuple, list, dict)) or "lru" in repr(type(it))]
    return found
