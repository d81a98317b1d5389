"""What a text claims in figures: sums, shares, times, days, spans, numbers to call, links.

Read in English, German, French, Spanish, Italian and Portuguese, as far as figures differ there.
Small numbers, ordinals and counts of things are no claims: only what carries its unit is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache

from heard.think.links import links_in
from heard.think.wording import folded


class Sort(StrEnum):
    """What kind of thing is claimed; only claims of one sort can contradict each other."""

    SUM = "sum"
    SHARE = "share"
    CLOCK = "clock"
    DATE = "date"
    WEEKDAY = "weekday"
    SPAN = "span"
    PHONE = "phone"
    EMAIL = "email"
    LINK = "link"


Value = tuple[str | int | Decimal | None, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """One figure in a text, its place, and its value as it is compared."""

    sort: Sort
    start: int
    end: int
    text: str
    value: Value

    def agrees_with(self, other: Claim) -> bool:
        """Whether both say the same, or one is a part of what the other says."""
        if self.sort is not other.sort:
            return False
        if self.sort is Sort.SPAN:
            (low, high), (least, most) = _hours(self), _hours(other)
            return least <= low and high <= most
        if self.sort in (Sort.SUM, Sort.DATE):
            # A currency or a year that is not named is any.
            same = zip(self.value, other.value, strict=True)
            return all(one == it or one is None or it is None for one, it in same)
        return self.value == other.value


@lru_cache(maxsize=1024)
def claims_in(text: str) -> tuple[Claim, ...]:
    """All claims of a text in their order, without overlaps; the surest sorts take their place."""
    plain = folded(text)
    taken: list[Claim] = []
    if _HINT.search(plain):
        for find in (_links, _emails, _sums, _shares, _phones, _clocks, _dates, _spans):
            for claim in find(plain):
                if all(claim.end <= it.start or claim.start >= it.end for it in taken):
                    taken.append(claim)
    taken += _weekdays(plain)
    return tuple(sorted(taken, key=lambda claim: claim.start))


_HINT = re.compile(r"[\d@]|\w\.\w|\bnoon\b|midday|midnight|hour|day|week|month", re.IGNORECASE)
_FIGURE = r"\d{1,3}(?:[.,' ]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?"
_CURRENCIES = {
    "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR",
    "£": "GBP", "gbp": "GBP", "pound": "GBP", "pounds": "GBP", "quid": "GBP",
    "$": "USD", "usd": "USD", "us$": "USD", "dollar": "USD", "dollars": "USD", "bucks": "USD",
    "chf": "CHF", "fr.": "CHF", "franken": "CHF", "francs": "CHF",
    "r$": "BRL", "brl": "BRL", "reais": "BRL", "real": "BRL",
}  # fmt: skip
_SUM = re.compile(
    rf"(?<![\w.,])(?P<before>us\$|r\$|[€£$]|eur|usd|gbp|chf|fr\.) ?(?P<one>{_FIGURE})(?![\d%])"
    rf"|(?<![\w.,/])(?P<two>{_FIGURE})(?:[.,]-)? ?"
    r"(?P<after>€|£|\$|(?:eur|euros?|usd|gbp|chf|dollars?|pounds?|quid|bucks|franken|francs|reais)"
    r"(?!\w))",
    re.IGNORECASE,
)


def _sums(text: str) -> Iterator[Claim]:
    for match in _SUM.finditer(text):
        amount = _amount(match["one"] or match["two"])
        if amount is not None:
            currency = _CURRENCIES.get((match["before"] or match["after"]).lower())
            yield _claim(Sort.SUM, match, amount, currency)


def _amount(figure: str) -> Decimal | None:
    """1.234,56 and 1,234.56 are the same; two digits after the last mark are cents."""
    whole, cents = figure, ""
    if match := re.fullmatch(r"(.*?)[.,](\d{1,2})", figure):
        whole, cents = match.groups()
    try:
        return Decimal(f"{re.sub(r'[^0-9]', '', whole)}.{cents or 0}").normalize()
    except InvalidOperation:
        return None


_SHARE = re.compile(
    r"(?<![\w.,])(\d{1,3}(?:[.,]\d{1,2})?) ?(?:%|per ?cent\b|prozent\b|pour cent\b|por ciento\b"
    r"|por cento\b)",
    re.IGNORECASE,
)


def _shares(text: str) -> Iterator[Claim]:
    for match in _SHARE.finditer(text):
        yield _claim(Sort.SHARE, match, _amount(match[1]))


_CLOCK = re.compile(
    r"(?<![\w.,:/-])(?:"
    r"(?P<hour>\d{1,2})(?:[:.](?P<minute>[0-5]\d))? ?(?P<half>[ap])\.?m\b\.?"
    r"|(?P<hour2>[01]?\d|2[0-4])"
    r"(?::(?P<minute2>[0-5]\d)(?![\d:])|[.]?(?P<minute3>[0-5]\d)?(?= ?uhr\b))(?: ?uhr\b)?"
    r"|(?P<hour3>[01]?\d|2[0-4]) ?h(?P<minute4>[0-5]\d)?(?!\w)"
    r"|(?P<noon>noon|midday)\b|(?P<midnight>midnight)\b)",
    re.IGNORECASE,
)


def _clocks(text: str) -> Iterator[Claim]:
    for match in _CLOCK.finditer(text):
        minute = minute_of(match)
        if minute is not None:
            yield _claim(Sort.CLOCK, match, minute)


def minute_of(match: re.Match[str]) -> int | None:
    """Minutes since midnight of a time of day; midnight is the end of the day, 1440."""
    if match["noon"]:
        return 720
    if match["midnight"]:
        return 1440
    hour = int(match["hour"] or match["hour2"] or match["hour3"])
    minute = int(match["minute"] or match["minute2"] or match["minute3"] or match["minute4"] or 0)
    if match["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match["half"].lower() == "p" else 0)
        return 60 * hour + minute or 1440
    return 60 * hour + minute if hour < 24 or minute == 0 else None


_MONTHS = (
    "jan(?:uary|uar|vier)?|enero|gennaio|janeiro",
    "feb(?:ruary|ruar)?|février|febrero|febbraio|fevereiro",
    "mar(?:ch)?|märz|mars|marzo|março",
    "apr(?:il)?|avril|abril|aprile",
    "may|mai|mayo|maggio|maio",
    "june?|juni|juin|junio|giugno|junho",
    "july?|juli|juillet|julio|luglio|julho",
    "aug(?:ust)?|août|agosto",
    "sept?(?:ember)?|septembre|septiembre|settembre|setembro",
    "o[ck]t(?:ober)?|octobre|octubre|ottobre|outubro",
    "nov(?:ember)?|novembre|noviembre|novembro",
    "de[cz](?:ember)?|décembre|diciembre|dicembre|dezembro",
)
_ANY_MONTH = "|".join(_MONTHS)
_DATE = re.compile(
    r"(?<![\w.,/-])(?:"
    rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.|er|º|°)? ?(?:of |de )?(?P<month>{_ANY_MONTH})\b"
    rf"|(?P<month2>{_ANY_MONTH})\.? (?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?![\w:]))"
    r"(?:,? (?:de )?(?P<year>20\d\d)\b)?"
    r"|(?<![\w.,/-])(?P<iso>20\d\d)-(?P<month3>\d\d)-(?P<day3>\d\d)\b"
    r"|(?<![\w.,/-])(?P<day4>\d{1,2})\.(?P<month4>\d{1,2})\.(?P<year4>20\d\d|\d\d)?(?!\d)",
    re.IGNORECASE,
)


def _dates(text: str) -> Iterator[Claim]:
    for match in _DATE.finditer(text):
        day = int(match["day"] or match["day2"] or match["day3"] or match["day4"])
        number = match["month3"] or match["month4"]
        month = int(number) if number else _month(match["month"] or match["month2"])
        year = match["year"] or match["iso"] or match["year4"]
        if 1 <= day <= 31 and 1 <= month <= 12:
            yield _claim(Sort.DATE, match, month, day, int(year) % 100 if year else None)


def _month(word: str) -> int:
    names = enumerate(_MONTHS, 1)
    return next(n for n, name in names if re.fullmatch(name, word, re.IGNORECASE))


_WEEKDAYS = (
    "mon(?:day)?s?|montags?|lundis?|lunes|lunedì|segunda(?:-feira)?",
    "tue(?:s(?:day)?)?s?|dienstags?|mardis?|martes|martedì|terça(?:-feira)?",
    "wed(?:nesday)?s?|mittwochs?|mercredis?|miércoles|mercoledì|quarta(?:-feira)?",
    "thu(?:r(?:s(?:day)?)?)?s?|donnerstags?|jeudis?|jueves|giovedì|quinta(?:-feira)?",
    "fri(?:day)?s?|freitags?|vendredis?|viernes|venerdì|sexta(?:-feira)?",
    "sat(?:urday)?s?|samstags?|sonnabends?|samedis?|sábados?|sabato",
    "sun(?:day)?s?|sonntags?|dimanches?|domingos?|domenica|domenic[ah]e",
)
_WEEKDAY = re.compile(
    rf"\b(?:{'|'.join(f'(?P<day{n}>{names})' for n, names in enumerate(_WEEKDAYS))})\b",
    re.IGNORECASE,
)
_NO_WEEKDAY = re.compile(r"sun|sat|wed|mon|segunda|terça|quarta|quinta|sexta")


def _weekdays(text: str) -> Iterator[Claim]:
    for match in _WEEKDAY.finditer(text):
        # The sun, who wed, a second one: short names are days with a capital only.
        if not _NO_WEEKDAY.fullmatch(match[0]):
            yield _claim(Sort.WEEKDAY, match, int((match.lastgroup or "day0")[3:]))


_NUMBERS = {
    1: "one eins",
    2: "two zwei deux dos due dois duas",
    3: "three drei trois tres tre três",
    4: "four vier quatre cuatro quattro quatro",
    5: "five fünf cinq cinco cinque",
    6: "six sechs seis sei",
    7: "seven sieben siete sette sete",
    8: "eight acht huit ocho otto oito",
    9: "nine neun neuf nueve nove",
    10: "ten zehn dix diez dieci dez",
    12: "twelve zwölf douze doce dodici doze",
    14: "fourteen vierzehn quatorze catorce quattordici",
}
_WORDS = {word: number for number, words in _NUMBERS.items() for word in words.split()}
_COUNT = rf"(?:\d{{1,3}}|{'|'.join(_WORDS)})"
_UNITS = (
    (1, r"min(?:ute|uten|utes|uto|utos|uti|s)?"),
    (60, r"h(?:ou)?rs?|hours?|stunden?|heures?|horas?|or[ae]"),
    (1440, r"days?|(?:werk|arbeits)?tag(?:en?)?|jours?|d[ií]as?|giorn[oi]"),
    (10_080, r"weeks?|wochen?|semaines?|semanas?|settiman[ae]"),
    (43_200, r"months?|monat(?:en?)?|mois|meses|mes|mesi|mese|mês"),
    (525_600, r"years?|jahr(?:en?)?|ans|années?|años?|ann[oi]|anos?"),
)  # fmt: skip
_UNIT = "|".join(f"(?P<unit{minutes}>{names})" for minutes, names in _UNITS)
_SPAN = re.compile(
    rf"(?<![\w.,€£$/-])(?P<low>{_COUNT})"
    rf"(?: ?(?:-|–|to|or|bis|oder|à|ou|a|o) ?(?P<high>{_COUNT}))?[ -]?"
    r"(?:(?:working|business|full|calendar|weitere|volle)[ -])?"
    rf"(?:{_UNIT})\b(?: (?P<old>old|of age|ago|later|in a row))?",
    re.IGNORECASE,
)


def _spans(text: str) -> Iterator[Claim]:
    for match in _SPAN.finditer(text):
        low = _count(match["low"])
        high = _count(match["high"]) if match["high"] else low
        unit = next(minutes for minutes, _ in _UNITS if match[f"unit{minutes}"])
        if match["old"] is None and low <= high:
            yield _claim(Sort.SPAN, match, low, high, unit)


def _count(word: str) -> int:
    return _WORDS.get(word.lower()) or int(word)


def _hours(claim: Claim) -> tuple[int, int]:
    low, high, unit = (int(part or 0) for part in claim.value)
    return low * unit, high * unit


_PHONE = re.compile(r"(?<![\w.,/#€£$+-])(?:\+|00)?\(?\d[\d ()./-]{5,18}\d(?![\w%])(?![.,:-]\d)")
_NO_PHONE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}-\d\d-\d\d|\d{1,4} ?[-/] ?\d{1,4}$")


def _phones(text: str) -> Iterator[Claim]:
    for match in _PHONE.finditer(text):
        digits = re.sub(r"[^0-9]", "", match[0])
        is_written_so = match[0][0] in "+(0" or not match[0].isdigit()  # else an order's number
        if 7 <= len(digits) <= 15 and is_written_so and not _NO_PHONE.match(match[0]):
            yield _claim(Sort.PHONE, match, digits[-7:])


_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.)+[a-z]{2,24}\b", re.IGNORECASE)


def _emails(text: str) -> Iterator[Claim]:
    for match in _EMAIL.finditer(text):
        yield _claim(Sort.EMAIL, match, match[0].casefold())


def _links(text: str) -> Iterator[Claim]:
    if "." not in text:
        return
    for link in links_in(text):
        address = re.sub(r"^https?://(?:www\.)?|^www\.", "", link.text.casefold()).rstrip("/")
        if link.host and text[max(0, link.start - 1) : link.start] != "@":
            yield Claim(Sort.LINK, link.start, link.end, link.text, (address,))


def _claim(sort: Sort, match: re.Match[str], *value: str | int | Decimal | None) -> Claim:
    return Claim(sort, match.start(), match.end(), match[0], value)
