import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from heard.reading import Need, Urgency, features, read
from heard.reading.heads import COLUMNS, WIDTH, HeadsModel, packed, unpacked
from heard.reading.labelled import data_folder
from heard.reading.languages import VOICES
from heard.reading.models import save
from heard.reading.tokens import TokenRows, TokenTable

TRAINING = files("heard.reading") / "training"
MODELS = Path(str(files("heard.reading") / "models"))
WRITTEN = [line.split("\t") for line in (TRAINING / "written.tsv").read_text("utf-8").splitlines()]


def test_what_we_wrote_is_labelled_and_said_once() -> None:
    assert [row for row in WRITTEN if not re.fullmatch("[arn][vc.][-~0+][hnl]", row[0])] == []
    texts = [text for _, text in WRITTEN]
    assert len(set(texts)) == len(texts) >= 1000


def test_urgency_follows_what_we_wrote() -> None:
    readings = read([text for _, text in WRITTEN])
    pairs = [
        (labels[3], reading.urgency) for (labels, _), reading in zip(WRITTEN, readings, strict=True)
    ]
    pressing = [said for label, said in pairs if label == "h"]
    others = [said for label, said in pairs if label != "h"]
    assert pressing.count(Urgency.HIGH) / len(pressing) >= 0.6
    assert others.count(Urgency.HIGH) / len(others) <= 0.03


def test_hardly_anything_that_needs_an_answer_is_taken_for_nothing() -> None:
    asking = [text for labels, text in WRITTEN if labels[0] == "a"]
    readings = read(asking)
    assert sum(reading.need is Need.NOTHING for reading in readings) / len(asking) <= 0.04


def test_function_words_are_there_for_every_language() -> None:
    listed = (TRAINING / "function_words.tsv").read_text("utf-8").splitlines()
    assert {line.split("\t")[0] for line in listed} == {language for _, language in VOICES}


def test_the_reader_weighs_a_text_as_training_does() -> None:
    pytest.importorskip("sklearn", reason="needs the dependency group `models`")
    from heard.reading.training.heads import _matrix

    model = HeadsModel.loaded()
    texts = ["Where is my order?", "Thanks!!! 😍", "", "NOT working since 3rd May, @you http://x.y"]
    table = TokenTable()
    cut = table.cut(texts)
    rows = TokenRows(table, width=COLUMNS, rows_for=model.token_rows)
    found = features.Extractor(table, model.lexicon).extract(cut)
    matrix, dense = _matrix(texts, model.lexicon)
    expected = matrix @ model.weights.astype(np.float64) + dense @ model.dense + model.bias
    assert model.logits(found, token_sums=rows.summed(cut)) == pytest.approx(expected, abs=1e-2)


def test_packing_keeps_the_weights() -> None:
    weights = np.random.default_rng(7).normal(size=(500, WIDTH)) ** 3
    back = unpacked(*packed(weights))
    assert np.corrcoef(weights.ravel(), back.ravel())[0, 1] > 0.999


def test_the_language_model_comes_out_of_training_again(tmp_path: Path) -> None:
    pytest.importorskip("langdetect", reason="needs the dependency group `models`")
    from heard.reading.training import languages

    if not (data_folder() / "goemotions").is_dir():
        pytest.skip("the shared data folder is not there")
    save(tmp_path / "languages.npz", languages.train(data_folder()))
    assert (tmp_path / "languages.npz").read_bytes() == (MODELS / "languages.npz").read_bytes()


def test_the_models_are_small_and_hold_no_code() -> None:
    assert sum(file.stat().st_size for file in MODELS.iterdir() if file.is_file()) < 20_000_000
    for file in MODELS.glob("*.npz"):
        with np.load(file, allow_pickle=False) as arrays:
            assert all(array.dtype != object for array in arrays.values())
