from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.think import Facts
from heard.think.privacy.check_digits import is_card, is_iban
from heard.think.privacy.personal_data import data_in
from tests.think.looking import codes, findings, mended, only

SHOWN = [
    ("email", "We sent it to ann.lee@example.com yesterday.", "ann.lee@example.com"),
    ("email", "Is your e-mail address ann+shop@mail.example.co.uk?", "ann+shop@mail.example.co.uk"),
    ("email", "We wrote to b_o@web.de on Monday", "b_o@web.de"),
    ("phone", "We will call you on +44 7700 900123.", "+44 7700 900123"),
    ("phone", "I tried to reach you at (404) 555-0123 this morning.", "(404) 555-0123"),
    ("phone", "Your phone number is 404-555-0123, right?", "404-555-0123"),
    ("phone", "We called you under 0171 2345678.", "0171 2345678"),
    ("phone", "We will ring you on 06 12 34 56 78 later.", "06 12 34 56 78"),
    ("phone", "We texted you on 07700900123.", "07700900123"),
    ("phone", "We will call you on 612 345 678 today.", "612 345 678"),
    ("phone", "Is your mobile number 5550123456?", "5550123456"),
    ("card", "The refund goes to card 4111 1111 1111 1111.", "4111 1111 1111 1111"),
    ("card", "5555-5555-5555-4444 was charged twice", "5555-5555-5555-4444"),
    ("card", "Amex 378282246310005 was refused", "378282246310005"),
    ("iban", "We paid it to DE89 3704 0044 0532 0130 00 today.", "DE89 3704 0044 0532 0130 00"),
    ("iban", "We paid it to GB82WEST12345698765432", "GB82WEST12345698765432"),
    (
        "iban",
        "fr14 2004 1010 0505 0001 3m02 606 is what we have",
        "fr14 2004 1010 0505 0001 3m02 606",
    ),
    ("order", "Your order 20931847 left today.", "Your order 20931847"),
    ("order", "Your booking number is VWH2NT.", "Your booking number is VWH2NT"),
    ("order", "Booking reference: XKJQZT, window seat.", "Booking reference: XKJQZT"),
    ("order", "We found invoice no. 2024-00731.", "invoice no. 2024-00731"),
    ("order", "It is in your account 88120934 now", "your account 88120934"),
    ("order", "Tracking number 1Z999AA10123456784 shows it.", "Tracking number 1Z999AA10123456784"),
    ("order", "PNR KR2TUX is confirmed", "PNR KR2TUX"),
    ("birth", "We have you as born on 12 May 1984.", "born on 12 May 1984"),
    ("birth", "Your date of birth is 12.05.1984, correct?", "Your date of birth is 12.05.1984"),
    ("address", "We will deliver it to 12 Baker Street tomorrow.", "12 Baker Street"),
    ("address", "The parcel went to Lindenweg 3a, it seems.", "Lindenweg 3a"),
    ("address", "Your address is 221B Old Kent Road, right?", "221B Old Kent Road"),
    ("address", "The courier rang at Calle Mayor 5 for your parcel.", "Calle Mayor 5"),
    ("secret", "Your new password is Sommer2024.", "Sommer2024"),
    ("secret", "Your PIN: 4821", "4821"),
    ("secret", "The gate code 1947 still works.", "gate code 1947"),
    ("secret", "Tu usuario es marta84, ya puedes entrar.", "marta84"),
    ("email", "We wrote about it, sent to carla.t@example.org.", "carla.t@example.org"),
    ("phone", "We will ring you on 555-0138 at noon.", "555-0138"),
    ("ending", "It went back to the card ending 4471.", "the card ending 4471"),
    ("ending", "A usou o cartão final 4411 no bar.", "cartão final 4411"),
    ("plate", "The other car, reg AB12 CDE, is insured.", "reg AB12 CDE"),
    ("birth", "Sra. Alves, nascida em 03/07/1961, boa tarde.", "nascida em 03/07/1961"),
    ("address", "The engineer comes to 9 Plover Rise for you.", "9 Plover Rise"),
    ("address", "It was left at Flat 12 for you.", "Flat 12"),
    ("order", "Ihre Bestellung 20931847 ist unterwegs.", "Bestellung 20931847"),
    ("order", "Votre commande n° 20931847 est partie.", "commande n° 20931847"),
]

LEFT_ALONE = [
    "Send it to deposits@example.com and we will look.",
    "Basta enviar o pedido para reservas@example.com.",
    "We are at 3 Orchard Rise, bell on the left.",
    "The film ends at 2215 and the bar stays open.",
    "Your PIN needs 4 digits.",
    "We are open Mon-Fri 9:00-17:00, Sat 10:00-14:00.",
    "We open 09.00 - 18.00 and on Sundays 10-14.",
    "The large one costs $1,299.00, the small one 899,00 €.",
    "It costs 612 345 678 EUR for all of them.",
    "The book is ISBN 978-0-306-40615-7.",
    "Look for ISBN 0306406152 in our shop.",
    "We have been here since 1998, and in 2024-2025 we renovate.",
    "Your flight leaves on 2024-12-31 at 08:15.",
    "Flight 1234 and table 12 are ready for 8 people.",
    "Call us on 0800 123 4567, we are there day and night.",
    "You can call us at 404-555-0123.",
    "Our hotline is +49 30 1234567.",
    "Please call our team on 0344 493 0787 between 9 and 5.",
    "Here's the number to the Lynn location: (781) 592-4300",
    "Write to support@example.com and we will look.",
    "You can e-mail us at anna.berg@ourshop.example.",
    "Visit us at 12 Baker Street, we are open until six.",
    "The parade passes 5 Oxford Street at noon.",
    "Your order is on its way, thank you!",
    "Your order of 12 chairs and 2 tables is ready.",
    "Windows 10 build 19045.3803 has the fix, version 11.2.1 too.",
    "We read 100,000 reviews; 4 in 5 are good.",
    "Ticket prices in 2024 start at 25 euros.",
    "Your password must have 12-16 characters.",
    "Your PIN is 4 digits long.",
    "THE BOOKING REFERENCE NUMBER IS ON YOUR TICKET, LOOK THERE.",
    "Order 2 get 1 free until 24/12!",
    "The tracking number is in the mail you got from us.",
    "That is 20% off your order 15% on the next.",
    "The serial number 1234567890123456 is on the back.",
    "See https://example.com/articles/360012932454 for more.",
]


@pytest.mark.parametrize(("kind", "draft", "matched"), SHOWN)
def test_personal_data_stops_a_public_reply(kind: str, draft: str, matched: str) -> None:
    finding = only(f"necessary.{kind}", draft, is_public=True)
    assert finding.stops
    assert matched in finding.matched or finding.matched in matched
    mended(f"necessary.{kind}", draft, is_public=True)


@pytest.mark.parametrize("draft", LEFT_ALONE)
def test_what_only_looks_like_personal_data_is_left_alone(draft: str) -> None:
    assert not [f for f in findings(draft, is_public=True) if f.code.startswith("necessary.")]


def test_the_change_leaves_a_sentence_that_reads_well() -> None:
    assert (
        mended("necessary.order", "Order 20931847 left today.", is_public=True)
        == "Your order left today."
    )
    assert (
        mended("necessary.email", "We sent it to ann@example.com.", is_public=True)
        == "We sent it to your e-mail address."
    )
    assert (
        mended("necessary.address", "It comes to 12 Baker Street, to your door.", is_public=True)
        == "It comes to your address, to your door."
    )


def test_a_private_reply_may_name_an_order_and_a_phone_number() -> None:
    assert not codes("Your order 20931847: we will call you on +44 7700 900123 today at 5 pm.")


def test_a_whole_card_number_is_not_written_even_in_private() -> None:
    finding = only("necessary.card", "We refunded card 4111 1111 1111 1111.")
    assert not finding.stops
    assert mended("necessary.card", "We refunded 4111 1111 1111 1111.") == (
        "We refunded the card ending in 1111."
    )


def test_our_own_details_may_be_said() -> None:
    ours = ("+44 20 7946 0123", "12 Baker Street, London", "anna@ourshop.example")
    for draft in (
        "The number is 020 7946 0123.",
        "We deliver from 12 Baker Street.",
        "Ask anna@ourshop.example.",
    ):
        assert not codes(draft, is_public=True, our_details=ours)


def test_addresses_at_an_allowed_domain_are_ours() -> None:
    draft = "We sent it to anna.berg@ourshop.example"
    assert codes(draft, is_public=True) == {"necessary.email"}
    assert not codes(draft, is_public=True, allowed_domains=("ourshop.example",))


def test_a_number_that_is_not_among_ours_is_asked_about() -> None:
    finding = only(
        "necessary.phone",
        "Call us at 404-555-0123.",
        is_public=True,
        our_details=("+44 20 7946 0123",),
    )
    assert not finding.stops


def test_what_is_known_of_the_contact_stops_whatever_its_form() -> None:
    draft = "Your seat, Kiosk-77-Blue, is booked."
    assert "necessary.detail" not in codes(draft, is_public=True)
    assert codes(draft, is_public=True, contact_details=("kiosk-77-blue",)) == {"necessary.detail"}
    assert not codes(draft, contact_details=("kiosk-77-blue",))


@given(st.text(alphabet="0123456789", min_size=12, max_size=18))
def test_exactly_one_check_digit_completes_a_card_number(body: str) -> None:
    whole = [f"4{body}"[:18] + digit for digit in "0123456789"]
    assert sum(map(is_card, whole)) == 1


@given(st.from_regex(r"[0-9]{18}", fullmatch=True))
def test_exactly_one_pair_of_check_digits_completes_an_iban(body: str) -> None:
    # 97 remainders for the pairs 02 to 98, which is what banks use.
    assert sum(is_iban(f"DE{pair:02d}{body}") for pair in range(2, 99)) == 1


def test_a_changed_digit_is_noticed() -> None:
    assert is_iban("DE89370400440532013000")
    assert not is_iban("DE89370400440532013001")
    assert not is_iban("ZZ89370400440532013000")
    assert is_card("4111111111111111")
    assert not is_card("4111111111111112")
    assert not is_card("9780306406157")


# How phone numbers are written in many countries; a digit for each d.
PHONES = [
    "+44 7ddd dddddd",
    "+49 1dd ddddddd",
    "+33 6 dd dd dd dd",
    "+34 6dd ddd ddd",
    "+39 3dd ddd dddd",
    "+351 9dd ddd ddd",
    "+1 404-ddd-dddd",
    "+43 664 ddddddd",
    "+41 79 ddd dd dd",
    "+31 6 dddddddd",
    "+32 4dd dd dd dd",
    "+45 dd dd dd dd",
    "+46 70 ddd dd dd",
    "+47 9dd dd ddd",
    "+48 5dd ddd ddd",
    "+61 4dd ddd ddd",
    "+64 21 ddd dddd",
    "+91 9dddd ddddd",
    "+55 11 9dddd-dddd",
    "+52 55 dddd dddd",
    "+353 87 ddd dddd",
    "+27 82 ddd dddd",
    "+81 90-dddd-dddd",
    "+65 9ddd dddd",
    "(404) 5dd-dddd",
]


@given(st.sampled_from(PHONES), st.lists(st.integers(0, 9), min_size=12, max_size=12))
def test_phones_of_many_countries_stop(shape: str, digits: list[int]) -> None:
    left = iter(digits)
    number = "".join(str(next(left)) if letter == "d" else letter for letter in shape)
    assert only("necessary.phone", f"We rang you on {number} today.", is_public=True).stops


@given(
    st.sampled_from([("DE", 18), ("FR", 23), ("ES", 20), ("IT", 23), ("PT", 21), ("GB", 18)]),
    st.data(),
    st.booleans(),
)
def test_accounts_of_many_countries_stop(
    country: tuple[str, int],
    data: st.DataObject,
    spaced: bool,
) -> None:
    code, length = country
    body = data.draw(st.text(alphabet="0123456789", min_size=length, max_size=length))
    whole = int("".join(str(int(letter, 36)) for letter in f"{body}{code}00"))
    iban = f"{code}{98 - whole % 97:02d}{body}"
    if spaced:
        iban = " ".join(iban[at : at + 4] for at in range(0, len(iban), 4))
    assert only("necessary.iban", f"We paid it to {iban} today.", is_public=True).stops


@given(st.sampled_from(["4", "51", "55", "2221", "34", "37", "6011", "3528"]), st.data())
def test_cards_of_many_issuers_stop(issuer: str, data: st.DataObject) -> None:
    length = 15 if issuer[0] == "3" and issuer != "3528" else 16
    rest = length - len(issuer) - 1
    body = issuer + data.draw(st.text(alphabet="0123456789", min_size=rest, max_size=rest))
    card = next(body + digit for digit in "0123456789" if is_card(body + digit))
    assert only("necessary.card", f"We charged {card} twice.", is_public=True).stops


@given(st.text(max_size=300))
def test_no_text_breaks_it(draft: str) -> None:
    for datum in data_in(draft, Facts(is_public=True)):
        assert 0 <= datum.start < datum.end <= len(draft)
