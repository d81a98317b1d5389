import numpy as np
import pytest

from heard.reading import tone
from heard.reading.heads import HeadsModel
from heard.reading.tokens import TokenRows, TokenTable

LEXICON = HeadsModel.loaded().lexicon


def compounds(texts: list[str]) -> list[float]:
    table = TokenTable()
    rows = TokenRows(
        table,
        width=tone.COLUMNS,
        rows_for=lambda tokens: tone.token_rows(tokens, LEXICON),
    )
    cut = table.cut(texts)
    found: list[float] = tone.tone(cut, rows.of(cut))[:, 0].tolist()
    return found


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("it is bad", "it is good"),
        ("it is not good", "it is good"),
        ("it is bad", "it is not bad"),
        ("it is good", "it is very good"),
        ("it is barely good", "it is good"),
        ("it is good", "it is GOOD"),
        ("it is good", "it is good!!!"),
        ("it is good but slow and bad", "it is slow and bad but good"),
        ("that is horrible", "that is unusual"),
    ],
)
def test_context_changes_the_tone(lower: str, higher: str) -> None:
    low, high = compounds([lower, higher])
    assert low < high


def test_the_neighbour_in_the_batch_does_not_change_the_tone() -> None:
    assert compounds(["not", "good"])[1] == compounds(["good"])[0]


def test_the_tone_follows_vader() -> None:
    vader = pytest.importorskip("vaderSentiment.vaderSentiment", reason="VADER is not installed")
    says = vader.SentimentIntensityAnalyzer().polarity_scores
    texts = [
        "The food was not good and the waiter was rude.",
        "Absolutely wonderful, thank you!",
        "I love the room but hate the noise",
        "My parcel is lost and nobody helps",
        "It works.",
        "The worst service I have ever had!!!",
        "kind people, great prices, hardly any queue",
        "I am very disappointed",
    ]
    assert np.corrcoef(compounds(texts), [says(text)["compound"] for text in texts])[0, 1] > 0.9
