from __future__ import annotations

import pytest

from tests.think.looking import codes, mended, only

ASKING = [
    "Send us your booking number here",
    "Please reply with your order number.",
    "Pls share your confirmation number, Terri. I will check.",
    "Could you tell us your booking number?",
    "What's your order number?",
    "What is the booking number?",
    "May we have the booking number to check?",
    "Can I get your phone number and e-mail address, please?",
    "We need your date of birth to find you.",
    "Post your e-mail address below and we will write.",
    "Let us know your customer number so we can look.",
    "Leave your phone number in the comments!",
    "Kindly provide us with your full name and address.",
    "Can you confirm your account number?",
    "Bitte schicken Sie uns Ihre Kundennummer.",
    "Envoyez-nous votre numéro de commande, s'il vous plaît.",
    "Envíenos su número de pedido, por favor.",
    "Indiquenos su correo y le escribimos.",
    "Envie-nos o seu número de encomenda.",
    "Ci invii il suo indirizzo, per favore.",
]

NOT_ASKING = [
    "Send us your booking number in a DM.",
    "Could you DM us your order number?",
    "What's your booking number? Please send it in a private message.",
    "Please send us your order number here: https://example.com/contact",
    "You can find your order number in the app.",
    "Tell us if your e-mail address has changed.",
    "Let us know whether the order number works now.",
    "We will send you an e-mail with the tracking number.",
    "Send us an e-mail and we will look.",
    "What's your flight number? We can check.",
    "Which model number does the label show?",
    "Never share your booking number in public.",
    "Please don't post your phone number here.",
    "Verify your e-mail address in the settings.",
    "Have your order number ready when you call us.",
    "Tell us what you see on your phone.",
    "We have sent it to your e-mail address.",
    "Bitte schicken Sie uns Ihre Kundennummer per Direktnachricht.",
]


@pytest.mark.parametrize("draft", ASKING)
def test_asking_for_personal_data_in_public_stops(draft: str) -> None:
    assert only("necessary.asks_in_public", draft, is_public=True).stops
    assert "necessary.asks_in_public" not in codes(draft)


@pytest.mark.parametrize("draft", NOT_ASKING)
def test_what_asks_nothing_in_public_is_left_alone(draft: str) -> None:
    assert "necessary.asks_in_public" not in codes(draft, is_public=True)


@pytest.mark.parametrize("draft", [d for d in ASKING if d.isascii() and "Indiq" not in d][:14])
def test_the_private_way_is_one_key_away(draft: str) -> None:
    assert "in a private message" in mended("necessary.asks_in_public", draft, is_public=True)


def test_the_change_reads_well() -> None:
    assert (
        mended("necessary.asks_in_public", "Send us your booking number here, Ann.", is_public=True)
        == "Send us your booking number in a private message, Ann."
    )
    draft = "Please confirm your order number, full name and e-mail address so we can look."
    assert mended("necessary.asks_in_public", draft, is_public=True) == (
        "Please confirm your order number, full name and e-mail address in a private message"
        " so we can look."
    )
    assert (
        mended("necessary.asks_in_public", "What's your order number?", is_public=True)
        == "Could you send us your order number in a private message?"
    )
    assert (
        mended(
            "necessary.asks_in_public",
            "What's your order number?",
            is_public=True,
            private_way="at https://care.example/ask/shop",
        )
        == "Could you send us your order number in a private message at"
        " https://care.example/ask/shop?"
    )


@pytest.mark.parametrize("is_public", [True, False])
@pytest.mark.parametrize(
    "draft",
    [
        "Please send us your password.",
        "May I have your PIN?",
        "Tell me your full card number, please.",
        "What is your verification code?",
    ],
)
def test_nobody_asks_for_a_secret(draft: str, *, is_public: bool) -> None:
    assert only("necessary.asks_secret", draft, is_public=is_public).stops


@pytest.mark.parametrize(
    "draft",
    [
        "We will never ask for your password.",
        "Do not share your PIN with anybody.",
        "This page helps with your password.",
        "We can provide some guidance with your password.",
        "You can reset your password in the app.",
    ],
)
def test_talking_about_a_secret_is_not_asking_for_it(draft: str) -> None:
    assert "necessary.asks_secret" not in codes(draft)
