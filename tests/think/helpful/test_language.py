from __future__ import annotations

import pytest

from tests.think.looking import codes, only

ENGLISH = "Thank you for your message, we have sent the new lamp to you this morning."
GERMAN = "Vielen Dank für Ihre Nachricht, wir haben die neue Lampe heute Morgen verschickt."
FRENCH = "Merci beaucoup pour votre message, nous avons envoyé la nouvelle lampe ce matin."


@pytest.mark.parametrize(("draft", "language"), [(ENGLISH, "de"), (GERMAN, "en"), (FRENCH, "es")])
def test_a_reply_in_another_language_is_noticed(draft: str, language: str) -> None:
    finding = only("helpful.language", draft, contact_language=language)
    assert not finding.stops
    assert finding.matched == draft


@pytest.mark.parametrize(
    ("draft", "language"),
    [
        (ENGLISH, "en"),
        (ENGLISH, "en-GB"),
        (GERMAN, "de_AT"),
        (FRENCH, "fr"),
        (ENGLISH, ""),
        ("OK, danke!", "en"),
        ("https://example.com/hilfe/und/mehr/auf/deutsch", "en"),
        ("42", "de"),
    ],
)
def test_the_same_language_or_too_little_of_any_is_fine(draft: str, language: str) -> None:
    assert "helpful.language" not in codes(draft, contact_language=language)


def test_the_finding_names_both_languages() -> None:
    says = only("helpful.language", GERMAN, contact_language="en").says
    assert says == "This is in German; the contact writes English."
