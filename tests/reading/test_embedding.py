import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heard.reading import embed
from heard.reading.embedding import EmbeddingModel, pieces_of

MODEL = EmbeddingModel.loaded()
embed(["the first one loads the model"])


def likeness(one: str, other: str) -> float:
    first, second = embed([one, other])
    return float(first @ second)


@given(st.lists(st.text(), max_size=5))
def test_every_text_gives_a_row_of_unit_length_or_of_zeros(texts: list[str]) -> None:
    rows = embed(texts)
    assert rows.shape == (len(texts), MODEL.width)
    lengths = np.linalg.norm(rows, axis=1)
    assert np.all((np.abs(lengths - 1) < 1e-4) | (lengths == 0))


def test_a_text_is_the_same_alone_and_among_others() -> None:
    texts = ["Where is my parcel?", "Lovely soup", "Where is my parcel?"]
    among = embed(texts)
    assert among[0] == pytest.approx(among[2])
    assert embed(texts[:1])[0] == pytest.approx(among[0], abs=1e-6)


@pytest.mark.parametrize(
    ("asked", "alike", "other"),
    [
        ("Where is my parcel?", "When will my package arrive?", "The soup was cold"),
        ("I cannot log in to my account", "my password is not accepted", "Do you sell vegan cake?"),
        ("What time do you open on Sunday?", "Are you closed at the weekend?", "My bike is broken"),
        ("I want my money back", "How can I get a refund?", "Your driver was very kind"),
    ],
)
def test_what_is_said_alike_lies_nearer(asked: str, alike: str, other: str) -> None:
    assert likeness(asked, alike) > likeness(asked, other)


def test_words_are_cut_as_bert_cuts_them() -> None:
    names = list(MODEL.places)

    def cut(word: str) -> list[str]:
        return [names[place] for place in pieces_of(word, MODEL.places)]

    assert cut("Refund") == ["refund"]
    assert cut("café's") == ["cafe", "s"]
    assert cut("unhelpfulness") == ["un", "##hel", "##pf", "##ul", "##ness"]
    assert cut("<link>") == cut("😀") == []
