"""One spelling for each telephone number (E.164), whatever the exchange makes of it."""

from __future__ import annotations

import re

WITHHELD = frozenset(
    {"", "anonymous", "unknown", "unavailable", "restricted", "private", "withheld", "blocked",
     "asterisk", "+266696687", "+86282452253", "+464", "+7378742833", "+2562533", "+8656696"}
)  # fmt: skip
"""What exchanges write where a caller has withheld their number; those with digits are Twilio's."""

LONGEST = 100
LONGEST_EXTENSION = 5
_SIP = re.compile(r"^(?:sips?|tel|client):", re.IGNORECASE)
_NAMED = re.compile(r'^\s*"?([^"<]*?)"?\s*<([^>]*)>\s*$')


def e164(text: str, *, country: str = "") -> str:
    """A number as the whole world dials it, "+442079460000"; "" if the caller withheld it.

    `country` (ISO 3166, two letters) is where numbers without a country code are dialled. What is
    no telephone number, an extension or a SIP name, stays as it is, without its host.
    """
    import phonenumbers  # noqa: PLC0415 - its tables weigh a few MB

    plain = _SIP.sub("", text.strip()).partition(";")[0].partition("@")[0].strip()
    if plain.lower() in WITHHELD:
        return ""
    digits = re.sub(r"[\s().\-/]", "", plain)
    if digits.startswith("00") and not country:
        digits = "+" + digits[2:]
    is_extension = digits.isdigit() and len(digits) <= LONGEST_EXTENSION
    try:
        number = phonenumbers.parse(digits, country.upper() or None)
    except phonenumbers.NumberParseException:
        return plain[:LONGEST].lower()
    if is_extension or not phonenumbers.is_possible_number(number):
        return plain[:LONGEST].lower()
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def named(text: str) -> tuple[str, str]:
    """Name and number of a caller id as SIP and Asterisk write it: `"Ann" <+44…>`."""
    found = _NAMED.match(text)
    return (found[1].strip(), found[2].strip()) if found else ("", text.strip())


def is_country(text: str) -> bool:
    """Whether this is a country's two letters that numbers can be dialled in."""
    import phonenumbers  # noqa: PLC0415 - see above

    return text.upper() in phonenumbers.SUPPORTED_REGIONS
