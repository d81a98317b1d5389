from __future__ import annotations

import pytest

from heard.think import Light
from tests.think.looking import codes, mended, only

HURTS = [
    ("kind.insult", "You are an idiot."),
    ("kind.insult", "You're such a liar"),
    ("kind.insult", "What a stupid question."),
    ("kind.insult", "Shut up and wait."),
    ("kind.insult", "Are you blind?"),
    ("kind.insult", "People like you are why we close at six."),
    ("kind.swearing", "This is bullshit."),
    ("kind.swearing", "Some idiot must have pressed it"),
    ("kind.swearing", "WTF do you want us to do"),
    ("kind.blame", "You should have read the terms."),
    ("kind.blame", "You should've told us before."),
    ("kind.blame", "You shouldn't have used bleach on it."),
    ("kind.blame", "You forgot to attach the picture."),
    ("kind.blame", "You failed to provide the receipt"),
    ("kind.blame", "You didn't bother to check the size."),
    ("kind.blame", "That was your own fault."),
    ("kind.blame", "This was your mistake, not ours."),
    ("kind.blame", "You must have entered the wrong code."),
    ("kind.blame", "You clearly misread the menu."),
    ("kind.blame", "If you had checked the website, you would know."),
    ("kind.blame", "You didn't even read my message"),
    ("kind.blame", "You claim that the soup was cold."),
    ("kind.blame", "You are mistaken."),
    ("kind.repeating", "As I already said, it is sold out."),
    ("kind.repeating", "As we’ve already explained, the kitchen closes at ten."),
    ("kind.repeating", "Per my last email, no."),
    ("kind.repeating", "We already told you that."),
    ("kind.repeating", "How many times do I have to say it?"),
    ("kind.dismissive", "Calm down."),
    ("kind.dismissive", "You need to calm down and listen"),
    ("kind.dismissive", "That's not our problem."),
    ("kind.dismissive", "If you don't like it, go elsewhere."),
    ("kind.dismissive", "No need to be rude."),
    ("kind.dismissive", "You are the only one who complains."),
    ("kind.dismissive", "What did you expect for that price"),
    ("kind.sarcasm", "Congratulations on finding the only bad seat."),
    ("kind.sarcasm", "How nice of you to tell us now."),
    ("kind.sarcasm", "Oh really?"),
    ("kind.non_apology", "I'm sorry you feel that way."),
    ("kind.non_apology", "We are sorry if you were offended."),
    ("kind.non_apology", "Sorry to hear you feel this way!"),
]

KIND = [
    "You should have received an e-mail by now.",
    "You should have access again.",
    "You shouldn't have to wait this long.",
    "You should not have been charged twice, and we are sorry.",
    "This was not your fault at all.",
    "It isn't your mistake, it is ours.",
    "If you had checked in online, the kiosk prints it.",
    "The page shows your error code at the top.",
    "Relax and enjoy the evening, Ann!",
    "Chill the dough for an hour.",
    "That must have been a long night.",
    "I forgot your cake, I am sorry.",
    "You are no fool to ask.",
    "How many times did it ring?",
    "Did you get lost on the way? Our street is hard to find.",
    "We would not be here without people like you, Jake!",
    "Good for you, Ann, and see you on Sunday.",
    "You wrote \"calm down\" and we understand why that hurt.",
    "> You are an idiot\n\nWe are sorry that this happened.",
    "Assume nothing, the Scunthorpe shop has shiitake and class A passes.",
    "We ask everyone to check the door; you did nothing wrong.",
    "Sorry that your soup was cold.",
]  # fmt: skip


@pytest.mark.parametrize(("code", "draft"), HURTS)
def test_words_that_hurt_are_found(code: str, draft: str) -> None:
    assert code in codes(draft)


@pytest.mark.parametrize("draft", KIND)
def test_ordinary_words_are_left_alone(draft: str) -> None:
    assert not {code for code in codes(draft) if code.startswith("kind.")}


def test_insults_stop_and_blame_warns() -> None:
    assert only("kind.insult", "You are an idiot, sorry.").stops
    blame = only("kind.blame", "You should have called first.")
    assert (blame.stops, blame.light) == (False, Light.AMBER)


@pytest.mark.parametrize(
    ("code", "draft", "better"),
    [
        ("kind.blame", "You should have told us first.", "It helps to tell us first."),
        ("kind.blame", "Sadly you forgot to sign it.", "Sadly we still need you to sign it."),
        ("kind.repeating", "As I already said, it is out.", "To sum up, it is out."),
        ("kind.dismissive", "Please calm down.", "We can hear how upsetting this is."),
        ("kind.non_apology", "I’m sorry you feel that way.", "I'm sorry for what happened."),
    ],
)
def test_a_kinder_wording_is_one_key_away(code: str, draft: str, better: str) -> None:
    assert mended(code, draft) == better


@pytest.mark.parametrize(
    ("code", "draft"),
    [
        ("kind.mockery", "Haha, sorry about the soup 😂"),
        ("kind.cold", "We apologise for any inconvenience this may have caused."),
        ("kind.cold", "Please be advised that we close at ten."),
    ],
)
def test_coldness_counts_only_towards_somebody_upset(code: str, draft: str) -> None:
    assert code in codes(draft, contact_is_upset=True)
    assert code not in codes(draft, contact_is_upset=False)


def test_a_set_phrase_can_be_warmed() -> None:
    draft = "We apologise for any inconvenience caused."
    assert mended("kind.cold", draft, contact_is_upset=True) == (
        "We apologise for the trouble this gave you."
    )


@pytest.mark.parametrize(
    ("draft", "better"),
    [
        ("PLEASE READ THE MENU.", "Please read the menu."),
        ("We told you: WE ARE CLOSED today.", "We told you: We are closed today."),
        ("That is NEVER going to work", "That is never going to work"),
        ("I SAID NO, sorry", "I said no, sorry"),
    ],
)
def test_shouting_can_be_quietened(draft: str, better: str) -> None:
    assert mended("kind.shouting", draft) == better


@pytest.mark.parametrize(
    "draft",
    [
        "IKEA and LEGO are both in the USA.",
        "Your flight DTW JFK is on time.",
        "Send RAM, OS, CPU, GPU and GPU driver.",
        "THANK YOU so much, Bill!",
        "Press ESC, then CTRL ALT DEL.",
        "I am at the ATM, A to Z.",
        "FAQ: https://example.com/HOW_DO_I",
        "It says 'THIS IS NOT A BOARDING PASS' at the top.",
        "Go to Contact > I STILL NEED HELP.",
    ],
)
def test_names_and_abbreviations_are_not_shouting(draft: str) -> None:
    assert "kind.shouting" not in codes(draft)


def test_heaped_marks_become_one() -> None:
    assert mended("kind.heaped_marks", "What do you want?!?") == "What do you want?"
    assert mended("kind.heaped_marks", "No!!!! Wait") == "No! Wait"
    assert "kind.heaped_marks" not in codes("Thank you so much!!")


@pytest.mark.parametrize(
    ("code", "draft"),
    [
        ("defensive", "As stated in our terms, no refund is due."),
        ("defensive", "It works for everyone else."),
        ("defensive", "If you'd read the sign you would know."),
        ("defensive", "We consider the matter closed."),
        ("blame", "Sie hätten das vorher lesen sollen."),
        ("blame", "Vous auriez dû nous prévenir."),
        ("blame", "Debería haber leído las condiciones."),
        ("blame", "Avrebbe dovuto avvisarci."),
        ("blame", "A culpa é sua."),
        ("repeating", "Wie bereits gesagt, wir haben zu."),
        ("repeating", "Comme déjà dit, c'est fermé."),
        ("repeating", "Como ya le dijimos, está cerrado."),
        ("repeating", "Come già detto, siamo chiusi."),
        ("repeating", "Como já dissemos, estamos fechados."),
        ("dismissive", "Beruhigen Sie sich bitte."),
        ("dismissive", "Calmez-vous, s'il vous plaît."),
        ("dismissive", "Cálmese, por favor."),
        ("dismissive", "Si calmi, per favore."),
        ("dismissive", "Acalme-se, por favor."),
        ("non_apology", "Es tut uns leid, dass Sie das so empfinden."),
        ("non_apology", "Lamentamos que se sienta así."),
    ],
)
def test_the_same_is_heard_in_other_languages(code: str, draft: str) -> None:
    assert f"kind.{code}" in codes(draft)


@pytest.mark.parametrize(
    "draft",
    [
        "Veuillez nous excuser pour la gêne occasionnée.",
        "Lo sentimos por las molestias ocasionadas.",
    ],
)
def test_set_phrases_of_other_languages_are_cold_to_who_is_upset(draft: str) -> None:
    assert "kind.cold" in codes(draft, message="?", contact_is_upset=True)
    assert "kind.cold" not in codes(draft, message="?", contact_is_upset=False)
