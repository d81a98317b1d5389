"""What people wrote is told from what their mail programs added, in many languages."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.channels.email.quoting import folded
from tests.channels.email.mails import only, raw

HEADLINES = [
    "On Sun, Nov 22, 2026 at 11:30 AM Bo <bo@care.test> wrote:",
    "On Sun, Nov 22, 2026 at 11:30 AM Bo Bright from Support\n<bo@care.test> wrote:",
    "Am 22.11.2026 um 11:30 schrieb Bo <bo@care.test>:",
    "Am So., 22. Nov. 2026 um 11:30 Uhr schrieb Bo <bo@care.test>:",
    "Le dim. 22 nov. 2026 à 11:30, Bo <bo@care.test> a écrit :",
    "El dom, 22 nov 2026 a las 11:30, Bo (<bo@care.test>) escribió:",
    "Il giorno dom 22 nov 2026 alle ore 11:30 Bo <bo@care.test> ha scritto:",
    "Op zo 22 nov 2026 om 11:30 schreef Bo <bo@care.test>:",
    "Em dom., 22 de nov. de 2026 às 11:30, Bo <bo@care.test> escreveu:",
    "niedz., 22 lis 2026 o 11:30 Bo <bo@care.test> napisał(a):",
    "Den sön 22 nov. 2026 kl 11:30 skrev Bo <bo@care.test>:",
    "su 22. marrask. 2026 klo 11.30 Bo <bo@care.test> kirjoitti:",
    "ne 22. 11. 2026 v 11:30 odesílatel Bo <bo@care.test> napsal:",
    "вс, 22 нояб. 2026 г. в 11:30, Bo <bo@care.test> написал:",
    "нд, 22 лист. 2026 р. о 11:30 Bo <bo@care.test> пише:",
    "Bo <bo@care.test>, 22 Kas 2026 Paz, 11:30 tarihinde şunu yazdı:",
    "Στις Κυρ 22 Νοε 2026 στις 11:30, Bo <bo@care.test> έγραψε:",
    "2026年11月22日(日) 11:30 Bo <bo@care.test> のメール:",
    "Bo <bo@care.test> 于2026年11月22日周日 11:30写道：",
    "2026년 11월 22일 (일) 오전 11:30, Bo <bo@care.test>님이 작성:",
]
HEADERS = [
    ("From", "Sent", "To", "Subject"),
    ("Von", "Gesendet", "An", "Betreff"),
    ("De", "Envoyé", "À", "Objet"),
    ("De", "Enviado el", "Para", "Asunto"),
    ("Da", "Inviato", "A", "Oggetto"),
    ("Van", "Verzonden", "Aan", "Onderwerp"),
    ("De", "Enviada em", "Para", "Assunto"),
    ("Od", "Wysłano", "Do", "Temat"),
    ("Från", "Skickat", "Till", "Ämne"),
    ("Fra", "Sendt", "Til", "Emne"),
    ("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"),
    ("От", "Отправлено", "Кому", "Тема"),
    ("Kimden", "Gönderildi", "Kime", "Konu"),
    ("发件人", "发送时间", "收件人", "主题"),
    ("差出人", "送信日時", "宛先", "件名"),
]


@pytest.mark.parametrize("headline", HEADLINES)
def test_a_quotation_is_folded_whatever_its_language(headline: str) -> None:
    quoted = f"{headline}\n\n> It left us on Friday.\n>\n> Bo"
    found = folded(f"Thank you, it has come.\n\n{quoted}\n")
    assert found == ("Thank you, it has come.", quoted, "")


@pytest.mark.parametrize("names", HEADERS, ids=lambda names: names[0])
def test_an_outlook_header_announces_a_quotation(names: tuple[str, ...]) -> None:
    block = "\n".join(f"{name}: something" for name in names)
    found = folded(f"Wrong box.\n\n{block}\n\nIt left us on Friday.")
    assert (found.words, found.quoted) == ("Wrong box.", f"{block}\n\nIt left us on Friday.")


@pytest.mark.parametrize(
    "divider",
    [
        "-----Original Message-----",
        "-------- Ursprüngliche Nachricht --------",
        "----- Message d'origine -----",
        "-----Mensaje original-----",
        "-----Oorspronkelijk bericht-----",
        "----- Исходное сообщение -----",
        "-----原始邮件-----",
    ],
)
def test_a_divider_announces_a_quotation(divider: str) -> None:
    found = folded(f"No.\n\n{divider}\nIt left us on Friday.")
    assert (found.words, found.quoted) == ("No.", f"{divider}\nIt left us on Friday.")


@pytest.mark.parametrize(
    "text",
    [
        "> Has it come?\nYes.\n> And whole?\nNo.",
        "On 1 Nov 2026 Bo <bo@x.example> wrote:\n> Has it come?\nYes.\n> And whole?\nNo.",
        "My sister wrote:\nthat you close at six. Is that so?",
        "From: here on\nit only went down.",
        "a > b, and\nb > c",
        "> only what you said",
        "On Sun, Nov 22, 2026 Bo <bo@care.test> wrote:\n\n> nothing new",
    ],
)
def test_what_cannot_be_told_apart_stays_together(text: str) -> None:
    assert folded(text) == (text, "", "")


def test_an_answer_below_the_quotation_is_found() -> None:
    found = folded("Am 1.11.2026 schrieb Bo:\n> Ist es da?\n>\n> Bo\n\nJa, ist es.")
    assert (found.words, found.quoted) == (
        "Ja, ist es.", "Am 1.11.2026 schrieb Bo:\n> Ist es da?\n>\n> Bo",
    )  # fmt: skip


def test_a_mail_passed_on_keeps_what_it_passes_on() -> None:
    text = "What is this?\n\nFrom: Bo\nSent: Monday\nTo: Ann\nSubject: Bill\n\nYou owe us 7 euros."
    assert folded(text, subject="Fwd: Bill").words == text
    assert folded(text, subject="WG: Bill").words == text
    assert folded(text, subject="Re: Bill").words == "What is this?"


@pytest.mark.parametrize(
    ("text", "words", "signature"),
    [
        ("Hello\n-- \nAnn\nCEO", "Hello", "Ann\nCEO"),
        ("Hello\n\nSent from my iPhone", "Hello", "Sent from my iPhone"),
        ("Hallo\n\nVon meinem iPad gesendet", "Hallo", "Von meinem iPad gesendet"),
        ("Salut\n\nEnvoyé de mon iPhone", "Salut", "Envoyé de mon iPhone"),
        ("Да\n\nОтправлено с iPhone", "Да", "Отправлено с iPhone"),
        (
            "Hello\n\nKind regards,\nAnn Example\nHead of Parcels\n+49 30 1234567\nwww.x.example",
            "Hello\n\nKind regards,\nAnn Example",
            "Head of Parcels\n+49 30 1234567\nwww.x.example",
        ),
        (
            "Hallo\n\nMit freundlichen Grüßen\nAnn\n\nBeispiel GmbH\nTel. 030 1234567",
            "Hallo\n\nMit freundlichen Grüßen\nAnn",
            "Beispiel GmbH\nTel. 030 1234567",
        ),
        (
            "Hello\n\nThis e-mail and its files are confidential and intended for the addressee.",
            "Hello",
            "This e-mail and its files are confidential and intended for the addressee.",
        ),
        ("Hello\n\nBest,\nAnn", "Hello\n\nBest,\nAnn", ""),
        ("Call me at +49 30 1234567\nor else.", "Call me at +49 30 1234567\nor else.", ""),
    ],
)
def test_signatures_are_folded(text: str, words: str, signature: str) -> None:
    assert folded(text) == (words, "", signature)


def test_the_mails_of_great_programs_are_folded() -> None:
    gmail = only(raw("gmail_answer"))
    assert gmail.text == "Thank you, it has come."
    assert gmail.extra["quoted"].endswith("> It left us on Friday.\n>\n> Bo")
    assert "gmail_quote" in gmail.html
    outlook = only(raw("outlook_answer"))
    assert outlook.text == "Das war der falsche Karton, bitte prüfen."
    assert outlook.extra["quoted"].startswith("Von: Support <support@care.test>\nGesendet:")
    assert outlook.extra["quoted"].endswith("Es ging am Freitag weg.")


LINES = st.sampled_from([
    "", "Hello", "> quoted", ">> deeper", "-- ", "On 1 Nov Bo <b@x.y> wrote:", "From: x", "Sent: y",
    "To: z", "Subject: w", "____________________________", "Sent from my iPhone", "Regards,", "Ann",
    "-----Original Message-----", "www.x.example", "This message is confidential", "wrote:",
])  # fmt: skip


@given(st.lists(LINES, max_size=25).map("\n".join), st.sampled_from(["", "Re: a", "Fwd: a"]))
def test_no_word_is_lost(text: str, subject: str) -> None:
    found = folded(text, subject=subject)
    # The line of two dashes that parts a signature off is the only thing that goes.
    given, kept = (" ".join(some).split() for some in ([text], found))
    for word in kept:
        given.remove(word)
    assert given in ([], ["--"])
    assert found.words or given == ["--"] or not text.strip()


def test_a_hostile_text_costs_no_more_than_its_length() -> None:
    for text in (":\n" * 50_000, "a wrote" * 30_000 + ":", "> a\nb\n" * 30_000, "From:\n" * 50_000):
        began = time.process_time()
        folded(text[:200_000])
        assert time.process_time() - began < 2
