"""A known figure, written as the draft writes its own."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.think import Known
from heard.think.true.claims import claims_in
from heard.think.true.retelling import written_like
from tests.think.looking import mended, only


@pytest.mark.parametrize(
    ("known", "said", "language", "written"),
    [
        ("€ 12.50", "15 €", "de", "12,50 €"),
        ("€ 12.50", "15,00 Euro", "fr", "12,50 Euro"),
        ("CHF 12.50", "CHF 15.00", "de", "CHF 12.50"),
        ("€ 12", "15 euros", "es", "12 euros"),
        ("£ 12.50", "15 €", "de", "£ 12.50"),
        ("12.5 %", "20 %", "it", "12,5 %"),
        ("5 pm", "18 Uhr", "de", "17 Uhr"),
        ("5:30 pm", "18h", "fr", "17h30"),
        ("Friday", "Montag", "de", "Freitag"),
        ("Friday", "montags", "de", "freitags"),
        ("Friday", "lundi", "fr", "vendredi"),
        ("Friday", "Lunes", "es", "Viernes"),
        ("Friday", "segunda-feira", "pt", "sexta-feira"),
        ("4 May", "5. Mai", "de", "4. Mai"),
        ("4 May", "5.5.", "de", "4.5."),
        ("4 May", "5 mai", "fr", "4 mai"),
        ("4 May", "5 de mayo", "es", "4 de mayo"),
        ("4 May", "5 maggio", "it", "4 maggio"),
        ("2 to 4 days", "5 Tage", "de", "2 bis 4 Tage"),
        ("2 to 4 days", "5 Tagen", "de", "2 bis 4 Tagen"),
        ("2 to 4 days", "5 jours", "fr", "2 à 4 jours"),
        ("1 week", "5 días", "es", "1 semana"),
        ("2 months", "5 dias", "pt", "2 meses"),
        ("2 Wochen", "5 giorni", "it", "2 settimane"),
        ("€ 12.50", "€ 15", "en", "€ 12.50"),
    ],
)
def test_a_figure_is_written_as_the_draft_writes_its_own(
    known: str, said: str, language: str, written: str
) -> None:
    [one], [other] = claims_in(known), claims_in(said)
    assert written_like(one, other, language) == written


FIGURES = st.one_of(
    st.decimals(Decimal("0.01"), Decimal(99_999), places=2).map(lambda it: f"€ {it}"),
    st.integers(1, 99).map(lambda it: f"{it} %"),
    st.sampled_from(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]),
    st.tuples(st.integers(1, 28), st.sampled_from(["May", "June", "March"])).map(
        lambda it: f"{it[0]} {it[1]}"
    ),
    st.tuples(st.integers(1, 9), st.sampled_from(["days", "weeks", "months", "hours"])).map(
        lambda it: f"{it[0]} {it[1]}"
    ),
)
SAID: dict[str, str | dict[str, str]] = {
    "sum": "7 €",
    "share": "7 %",
    "weekday": {
        "de": "Montag", "fr": "lundi", "es": "lunes", "pt": "segunda-feira", "it": "lunedì",
    },
    "date": {"de": "7. Mai", "fr": "7 mai", "es": "7 de mayo", "pt": "7 de maio", "it": "7 maggio"},
    "span": {"de": "7 Tage", "fr": "7 jours", "es": "7 días", "pt": "7 dias", "it": "7 giorni"},
}  # fmt: skip


@given(FIGURES, st.sampled_from(["de", "fr", "es", "pt", "it"]))
def test_what_is_written_anew_means_the_same(known: str, language: str) -> None:
    [figure] = claims_in(known)
    told = SAID[figure.sort.value]
    [said] = claims_in(told if isinstance(told, str) else told[language])
    [again] = claims_in(written_like(figure, said, language))
    assert again.agrees_with(figure)
    assert figure.agrees_with(again)


def test_the_known_price_is_taken_in_the_language_of_the_draft() -> None:
    known = (Known("Tageskarte", "€ 12.50"),)
    draft = "Guten Tag, die Tageskarte kostet bei uns 15 Euro und gilt den ganzen Tag."
    better = "Guten Tag, die Tageskarte kostet bei uns 12,50 Euro und gilt den ganzen Tag."
    assert mended("true.contradicts", draft, known=known) == better
    found = only("true.contradicts", draft, known=known)
    assert found.beside == "Tageskarte: € 12.50"
