import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from heard.reading import Mood, Need, Reading, Stance, Urgency, read

ANY_TEXT = st.text(st.characters(), max_size=300)


def one(text: str) -> Reading:
    return read([text])[0]


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY_TEXT, max_size=5))
@example(
    ["", "\x00", "\ud800", "\udfff\ud800", "@", "#", "<start>", "<link>", "http://", "''", "’"]
)
@example(["<th>", "<en>", "=the", "\u200c", "\u0301", "١٢٣", "½", "ǅ", "ﷺ", "𝕳𝖊𝖑𝖑𝖔", "🏳️‍🌈"])
@example(["a" * 5000, "!" * 5000, "ก" * 3000, "\n" * 3000])
def test_every_text_gets_a_reading(texts: list[str]) -> None:
    readings = read(texts)
    assert len(readings) == len(texts)
    for reading in readings:
        assert (reading.mood is None) == (reading.mood_probabilities is None)
        if reading.mood_probabilities is None:
            assert (reading.need, reading.stance) == (Need.ANSWER, Stance.NEITHER)
        else:
            assert sum(reading.mood_probabilities) == pytest.approx(1, abs=1e-5)
            assert (
                reading.mood
                is tuple(Mood)[max(range(3), key=reading.mood_probabilities.__getitem__)]
            )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["Where is my parcel?", "Thanks!", "Danke schön", "", "👍"])))
def test_a_text_reads_the_same_alone_and_in_company(texts: list[str]) -> None:
    for text, reading in zip(texts, read(texts), strict=True):
        alone = one(text)
        assert reading.mood_probabilities == pytest.approx(alone.mood_probabilities, abs=1e-5)
        assert (reading.language, reading.need) == (alone.language, alone.need)


def test_a_long_list_keeps_its_order() -> None:
    texts = [
        f"Where is order {number}?" if number % 3 else "¡Muchas gracias!" for number in range(2500)
    ]
    assert [reading.language for reading in read(texts)] == [
        "en" if number % 3 else "es" for number in range(2500)
    ]


@pytest.mark.parametrize(
    ("text", "mood", "need", "stance", "urgency"),
    [
        ("Where is my order?", "neutral", "answer", "neither", "normal"),
        ("Do you have a table for four tonight?", "neutral", "answer", "neither", "normal"),
        (
            "My order is late again and nobody told me why",
            "negative",
            "answer",
            "neither",
            "normal",
        ),
        ("Worst company ever. Never again, avoid!", "negative", "answer", "avoid", "normal"),
        ("Best pizza in town, highly recommended!", "positive", "recognition", "recommend", "low"),
        ("Thank you so much, you were so helpful!", "positive", "recognition", "neither", "low"),
        ("ok", "neutral", "nothing", "neither", "low"),
        ("BUY FOLLOWERS NOW http://x.example", "neutral", "nothing", "neither", "low"),
        ("I was charged twice, please refund me", "negative", "answer", "neither", "high"),
    ],
)
def test_plain_messages_read_plainly(
    text: str, mood: str, need: str, stance: str, urgency: str
) -> None:
    reading = one(text)
    assert (reading.mood, reading.need, reading.stance, reading.urgency) == (
        mood,
        need,
        stance,
        urgency,
    )


@pytest.mark.parametrize("text", ["Var är mitt paket någonstans?", "我的包裹在哪里？"])
def test_a_language_that_is_not_read_is_not_called_neutral(text: str) -> None:
    reading = one(text)
    assert reading.mood is None
    assert reading.need is Need.ANSWER
    assert reading.urgency is Urgency.NORMAL


@pytest.mark.parametrize("text", ["", "   ", "12345", "???", "https://x.example/1", "@heard"])
def test_a_text_without_words_is_left_to_people(text: str) -> None:
    reading = one(text)
    assert reading == Reading("", None, None, Need.ANSWER, Stance.NEITHER, Urgency.NORMAL)


def test_emoji_alone_speak() -> None:
    assert one("😍😍").mood is Mood.POSITIVE
    assert one("😡😡").mood is Mood.NEGATIVE
    assert one("😍😍").language == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "You charged my card twice, please help",
            "money taken or missing (“charged my card twice”)",
        ),
        (
            "My son had an allergic reaction after your cake",
            "somebody's safety or health (“allergic reaction”)",
        ),
        ("We are stranded in Oslo, please help", "stranded or left without help (“stranded”)"),
        (
            "I can't log in to my account, please help",
            "locked out of an account (“can't log in”)",
        ),
        ("All my photos are gone after the update, help", "data lost (“photos are gone”)"),
        (
            "This is my third email about the missing lamp, why?",
            "asked before without an answer (“third email”)",
        ),
        (
            "My lawyer will write to you about this broken door",
            "talk of law, authorities or the press (“my lawyer”)",
        ),
        (
            "My flight leaves in two hours and the site is down",
            "little time left (“flight leaves in two hours”)",
        ),
    ],
)
def test_what_presses_is_named_in_words(text: str, reason: str) -> None:
    reading = one(text)
    assert reading.urgency is Urgency.HIGH
    assert reading.urgency_reason == reason


def test_a_writer_in_no_hurry_is_believed() -> None:
    reading = one("Could you send me the manual? Not urgent.")
    assert reading.urgency is Urgency.LOW
    assert reading.urgency_reason == "the writer is in no hurry (“not urgent”)"


def test_of_a_long_text_the_beginning_and_the_end_are_read() -> None:
    filler = "The manual has many pages about the machine. " * 4000
    assert one(f"{filler} I was charged twice for it, please help!").urgency is Urgency.HIGH
    assert one(f"I was charged twice for it, please help! {filler}").urgency is Urgency.HIGH


@pytest.mark.parametrize(
    ("text", "mood", "need", "urgency"),
    [
        ("Muchas gracias, todo perfecto", "positive", "recognition", "low"),
        ("Mir wurde zweimal abgebucht und niemand antwortet", "negative", "answer", "high"),
        ("Le chauffage est en panne depuis hier", "negative", "answer", "normal"),
        ("Péssimo atendimento, nunca mais volto", "negative", "answer", "normal"),
        ("A che ora aprite domani?", "neutral", "answer", "normal"),
    ],
)
def test_five_other_languages_are_read(text: str, mood: str, need: str, urgency: str) -> None:
    reading = one(text)
    assert (reading.mood, reading.need, reading.urgency) == (mood, need, urgency)


def test_of_a_long_text_each_sentence_counts() -> None:
    glad = "The room was lovely and the staff were so kind to us. "
    cross = "The bill was wrong and nobody would explain it, which was awful. "
    mixed = one(glad * 3 + cross + glad * 3)
    assert mixed.mood is Mood.POSITIVE
    assert one(cross * 3 + glad + cross * 3).mood is Mood.NEGATIVE


def test_a_batch_of_mixed_languages_is_read_as_each_alone() -> None:
    texts = ["Where is my parcel?", "Où est mon colis ?", "我的包裹在哪里？", "Danke!", "", "😀"]
    together = read(texts)
    for text, reading in zip(texts, together, strict=True):
        alone = one(text)
        assert (reading.language, reading.mood, reading.need) == (
            alone.language,
            alone.mood,
            alone.need,
        )
