"""Texts as places and files send them, made readable."""

from __future__ import annotations

import csv
import gzip
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heard.channels.texts import decode, plain, repair, without_entities

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))
BROKEN_TEXT = st.lists(
    st.sampled_from(
        [
            "Ã©",
            "â€™",
            "ÃƒÂ©",
            "\x92",
            "\udce9",
            "\ud83d",
            "\ude00",
            "\ufeff",
            "\0",
            "\r",
            "\r\n",
            "ü",
            "ðŸ˜€",
            "РџСЂ",
            "„FPÖ“",
            "\x85",
            "\u2028",
            "a",
            " ",
            "&amp;",
            "<p>",
            "\v",
        ]
    )
).map("".join)


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("Itâ€™s schÃ¶n", "It’s schön"),
        ("ÃƒÂ¼ber", "über"),
        ("5 â‚¬ ðŸ˜€", "5 € 😀"),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚", "Привет"),
        ("caf\udce9 \udc80", "café €"),
        ("don\x92t", "don’t"),
        ("\ud83d\ude00 \ud83d", "😀 �"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("\ufeffa\0b\x07c", "abc"),
    ],
)
def test_damage_is_undone(broken: str, mended: str) -> None:
    assert repair(broken) == mended


@pytest.mark.parametrize(
    "sound",
    [
        "„FPÖ“ und „Spaß“",
        "He said CAFÉ” and left",
        "à la carte…",
        "ÁÉÍ», said «Ô»",
        "naïve",
        "日本語…",
        "Привет, как дела?",
        "tab\there\nand there",
        "😀❤️",
        "РСФСР…",
        "Ελλάδα",
        "مرحبا",
    ],
)
def test_sound_text_of_any_language_is_left_alone(sound: str) -> None:
    assert repair(sound) == sound


@given(ANY_TEXT | BROKEN_TEXT)
@example("Ã\0©")
@example("\x85")
def test_repaired_text_stays_as_it_is_and_can_be_stored(text: str) -> None:
    mended = repair(text)
    assert repair(mended) == mended
    assert "\0" not in mended
    assert "\r" not in mended
    mended.encode()


@given(st.binary(), st.text(max_size=20) | st.sampled_from(["utf-7", "idna", "unicode_escape"]))
@example(b"\\N", "unicode_escape")
@example(b"\xff\xfea", "utf-16")
def test_any_bytes_can_be_decoded(content: bytes, charset: str) -> None:
    decode(content, charset=charset).encode()


@pytest.mark.parametrize(
    ("content", "charset"),
    [
        ("Grüße".encode(), ""),
        ("Grüße".encode("utf-8-sig"), "latin-1"),
        ("Grüße".encode("utf-16"), ""),
        ("Grüße".encode("cp1252"), "utf-8"),
        ("Grüße".encode("latin-1"), "no-such-charset"),
        ("Grüße".encode("cp850"), "cp850"),
    ],
)
def test_bytes_are_read_in_the_encoding_they_are_in(content: bytes, charset: str) -> None:
    assert decode(content, charset=charset) == "Grüße"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One  &amp; two</p>\n<p>Three<br>four</p>", "One & two\n\nThree\nfour"),
        ("<ul><li>a</li><li><b>b</b></li></ul>c", "- a\n- b\n\nc"),
        ("<blockquote><p>said</p></blockquote><p>answer</p>", "> said\n\nanswer"),
        ("<pre>x = 1\n  y</pre>", "x = 1\n  y"),
        ("<style>p {}</style><!-- no --><script>x</script>yes", "yes"),
        ('<a href="x" title="a > b">link</a> <img alt="Shot"><img>', "link [Shot][image]"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("no markup,\ntwo lines", "no markup,\ntwo lines"),
        ("a&nbsp;b &#8364; &#99999999999; &lt;p&gt;", "a\xa0b € � <p>"),
        ("<td>a</td><td>b</td>", "a b"),
        ("text <script>never closed", "text"),
        ("<p>above</p><hr><p>below</p>", "above\n\n---\n\nbelow"),
        ("<hr>", "---"),
    ],
)
def test_html_becomes_what_a_person_reads(html: str, text: str) -> None:
    assert plain(html) == text


@given(ANY_TEXT | BROKEN_TEXT)
@example("&#" + "9" * 5000 + ";")
@example("<" * 50 + "blockquote>" * 3)
def test_any_html_can_be_read(html: str) -> None:
    plain(html).encode()
    without_entities(html)


@pytest.mark.parametrize(
    "hostile",
    ["<div>", "<", '<a "', "<a ' \"", "<!--", "<script", "<blockquote>", "&#9", "<pre>a\n", "&"],
)
def test_hostile_html_costs_in_proportion_to_its_length(hostile: str) -> None:
    def cost(length: int) -> float:
        page = hostile * (length // len(hostile))
        began = time.process_time()
        plain(page)
        return time.process_time() - began

    # A quadratic walk would take 400 times as long for 20 times the text.
    assert cost(400_000) < 100 * cost(20_000) + 0.5


def test_double_encoded_replies_of_a_real_archive_are_all_mended(shared: Path) -> None:
    file = shared / "data/twcs_agent_replies/replies.csv.gz"
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        texts = [row["text"] for row in csv.DictReader(lines)]
    suspects = [text for text in texts if "â€" in text or "ðŸ" in text or "Ã" in text]
    assert len(suspects) > 1_000
    assert not [text for text in map(repair, suspects) if "â€" in text or "ðŸ" in text]
