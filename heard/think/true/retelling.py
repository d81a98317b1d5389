"""A known figure, written as the draft writes its own: 12,50 €, Freitag, 3 à 5 jours.

What is known may be written in another language, or in another fashion, than the draft.
"""

from __future__ import annotations

import re
from decimal import Decimal

from heard.think.true.claims import Claim, Sort
from heard.think.wording import set_of

_FIGURE = re.compile(r"\d(?:[\d.,' ]*\d)?")
_DAYS = {
    "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "es": "lunes martes miércoles jueves viernes sábado domingo",
    "pt": "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
    "it": "lunedì martedì mercoledì giovedì venerdì sabato domenica",
}
_MONTHS = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre"
    " diciembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro"
    " dezembro",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre"
    " dicembre",
}
_DATES = {"de": "{day}. {month}", "es": "{day} de {month}", "pt": "{day} de {month}"}
_UNITS = {
    "de": {60: "Stunde Stunden", 1440: "Tag Tage", 10_080: "Woche Wochen", 43_200: "Monat Monate"},
    "fr": {60: "heure heures", 1440: "jour jours", 10_080: "semaine semaines", 43_200: "mois mois"},
    "es": {60: "hora horas", 1440: "día días", 10_080: "semana semanas", 43_200: "mes meses"},
    "pt": {60: "hora horas", 1440: "dia dias", 10_080: "semana semanas", 43_200: "mês meses"},
    "it": {60: "ora ore", 1440: "giorno giorni", 10_080: "settimana settimane",
           43_200: "mese mesi"},
}  # fmt: skip
_TO = {"de": "bis", "fr": "à", "es": "a", "pt": "a", "it": "a"}
_WITH_N = set_of("tagen monaten")


def written_like(known: Claim, said: Claim, language: str) -> str:
    """The known figure in the fashion of what was `said`; as it is known in an English draft.

    Both must be of one sort. What cannot be written anew stays as it is known.
    """
    if language not in _DAYS:
        return known.text
    if known.sort in (Sort.SUM, Sort.SHARE):
        return _number(known, said)
    if known.sort is Sort.CLOCK:
        return time_like(int(known.value[0] or 0), said.text)
    if known.sort is Sort.WEEKDAY:
        return _weekday(int(known.value[0] or 0), said.text, language)
    if known.sort is Sort.DATE:
        return _date(known, said, language)
    if known.sort is Sort.SPAN:
        return _span(known, said, language)
    return known.text


def time_like(minute: int, like: str) -> str:
    """A time of day, in minutes since midnight, as another one is written: 5 pm, 17 Uhr, 17h30."""
    hour, rest = divmod(minute, 60)
    words = like.casefold()
    if re.search(r"[ap]\.?m", words):
        half = "am" if hour % 24 < 12 else "pm"
        space = " " if " " in words else ""
        return f"{hour % 12 or 12}{f':{rest:02d}' if rest else ''}{space}{half}"
    if "uhr" in words:
        return f"{hour}{f'.{rest:02d}' if rest else ''} Uhr"
    if "h" in words:
        return f"{hour}h{f'{rest:02d}' if rest else ''}"
    return f"{hour}:{rest:02d}"


def _number(known: Claim, said: Claim) -> str:
    amount, *currency = known.value
    if not isinstance(amount, Decimal) or (currency and currency[0] != said.value[1]):
        return known.text
    is_whole = amount == amount.to_integral_value()
    written = str(int(amount)) if is_whole else f"{amount:.2f}"
    if known.sort is Sort.SHARE and not is_whole:
        written = f"{amount:f}"
    # In Swiss francs the mark is a point; what the draft writes tells.
    mark = re.search(r"([.,])\d{1,2}(?!\d)", said.text)
    written = written.replace(".", mark[1] if mark else ",")
    return _FIGURE.sub(written, said.text, count=1)


def _weekday(number: int, said: str, language: str) -> str:
    name = _DAYS[language].split()[number]
    if language == "de" and said[:1].islower():
        return f"{name.casefold()}s"
    return name.capitalize() if said[:1].isupper() else name


def _date(known: Claim, said: Claim, language: str) -> str:
    month, day, _ = known.value
    if re.fullmatch(r"[\d.]+", said.text):
        return f"{day}.{month}."
    if not re.search(r"[^\W\d]", said.text):
        return known.text
    name = _MONTHS[language].split()[int(month or 1) - 1]
    return _DATES.get(language, "{day} {month}").format(day=day, month=name)


def _span(known: Claim, said: Claim, language: str) -> str:
    low, high, unit = known.value
    forms = _UNITS[language].get(int(unit or 0))
    if forms is None:
        return known.text
    name = forms.split()[high != 1]
    if language == "de" and f"{name.casefold()}n" in _WITH_N and said.text.endswith("n"):
        name += "n"
    return f"{low} {name}" if low == high else f"{low} {_TO[language]} {high} {name}"
