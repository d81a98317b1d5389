"""Card numbers and bank accounts prove themselves by their check digits."""

from __future__ import annotations

import re

from heard.think.wording import set_of

# How long an IBAN is, by country (SWIFT's IBAN registry, ISO 13616).
_IBAN_LENGTHS = {
    entry[:2]: int(entry[2:])
    for entry in set_of(
        """
        AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27
        DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28
        IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22
        MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24
        SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
        """
    )
}
_ISSUERS = re.compile(r"4|5[1-5]|2[2-7]|3[04678]|35|6(?:011|5|4[4-9]|2)")


def is_card(number: str) -> bool:
    """Whether 13 to 19 digits are a payment card's: a known issuer, the check digit of ISO 7812."""
    return 13 <= len(number) <= 19 and bool(_ISSUERS.match(number)) and _passes_luhn(number)


def is_iban(text: str) -> bool:
    """Whether letters and digits without spaces have the length and check digits of an IBAN."""
    iban = text.upper()
    if len(iban) != _IBAN_LENGTHS.get(iban[:2]) or not (iban.isascii() and iban.isalnum()):
        return False
    return int("".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])) % 97 == 1


def _passes_luhn(number: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
