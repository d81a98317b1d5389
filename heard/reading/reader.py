"""The reader: the models, what they remember of tokens, and what they say of a batch of texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heard.reading import heads, languages
from heard.reading.cues import Found
from heard.reading.features import DENSE, Extractor, Features
from heard.reading.heads import HeadsModel
from heard.reading.languages import LanguageModel
from heard.reading.tokens import Cut, TokenRows, TokenTable, bounded

BATCH = 1_000
MOST_TOKENS = 25_000
LONG, MOST_SENTENCES = 200, 40
_END = re.compile(r"(?<=[.!?])\s+|\n+")
_LEAST_SPACES = 2
ABROAD = frozenset(languages.READ) - {"en"}
_NO_WORDS = np.zeros(0, dtype=np.uint32)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the models say of a batch.

    `languages` has an item for every text. `cues`, `probabilities`, `counted` (the figures by
    `features.DENSE`) and `words` (the hashes of its tokens) have one, in order, for each of the
    texts at `places`: those that were read.
    """

    languages: list[str]
    places: list[int]
    cues: list[list[Found]]
    probabilities: dict[str, NDArray[np.float32]]
    counted: NDArray[np.float32]
    words: list[NDArray[np.uint32]]


def sentences_of(text: str) -> list[str]:
    """The sentences of what is read of a text, those of three words or more, `MOST_SENTENCES`."""
    cut = [part for part in _END.split(bounded(text)) if part.count(" ") >= _LEAST_SPACES]
    return cut[:MOST_SENTENCES]


class _Voice:
    """One of the two models, with what it remembers of the tokens of a table."""

    def __init__(self, model: HeadsModel, table: TokenTable) -> None:
        self._model = model
        self._weights = TokenRows(table, width=heads.COLUMNS, rows_for=model.token_rows)
        self._extractor = Extractor(table, model.lexicon)

    def hear(self, cut: Cut) -> tuple[Features, NDArray[np.float32]]:
        """What is found in each text, and the logits of the heads."""
        found = self._extractor.extract(cut)
        return found, self._model.logits(found, token_sums=self._weights.summed(cut))

    def hear_sentences(
        self, texts: Sequence[str], table: TokenTable, logits: NDArray[np.float32]
    ) -> None:
        """Put into the logits of long texts what their sentences say, one by one.

        A long text tells of good and of bad, and the heads have learnt from short ones: its mood is
        the mean of its sentences, its stance half of that and half of the whole.
        """
        cut = [(place, sentences_of(text)) for place, text in enumerate(texts) if len(text) > LONG]
        cut = [(place, sentences) for place, sentences in cut if len(sentences) > 1]
        if not cut:
            return
        flat = [sentence for _, sentences in cut for sentence in sentences]
        _, said = self.hear(table.cut(flat))
        sizes = np.array([len(sentences) for _, sentences in cut])
        means = np.add.reduceat(np.exp(heads.log_probabilities(said)), np.cumsum(sizes) - sizes)
        means /= sizes[:, None]
        places = [place for place, _ in cut]
        whole = np.exp(heads.log_probabilities(logits[places]))
        mood, stance = heads.COLUMNS_OF["mood"], heads.COLUMNS_OF["stance"]
        whole[:, mood] = means[:, mood]
        whole[:, stance] = (whole[:, stance] + means[:, stance]) / 2
        logits[places] = np.log(np.maximum(whole, np.finfo(np.float32).tiny))


class Reader:
    """Sees texts by the batch, and remembers some `MOST_TOKENS` tokens between batches.

    One thread at a time.
    """

    def __init__(
        self, english: HeadsModel, abroad: HeadsModel, language_model: LanguageModel
    ) -> None:
        self._models = english, abroad
        self._languages = language_model
        self.forget()

    def forget(self) -> None:
        """Begin again with an empty table: no word of a text stays in memory."""
        self._table = table = TokenTable()
        self._votes = TokenRows(table, width=languages.COLUMNS, rows_for=self._languages.token_rows)
        self._voices = [_Voice(model, table) for model in self._models]

    def batches(self, texts: Sequence[str], *, only_read: bool = True) -> Iterator[Seen]:
        """See many texts, `BATCH` at a time, in order.

        The languages of `languages.READ` are read, and texts of nothing but emoji and the like;
        with `only_read` false texts of every other language too, as if they were English.
        """
        for start in range(0, len(texts), BATCH):
            if len(self._table) > MOST_TOKENS:
                self.forget()
            yield self._see(texts[start : start + BATCH], only_read=only_read)

    def _see(self, texts: Sequence[str], *, only_read: bool) -> Seen:
        cut = self._table.cut(texts)
        votes = self._votes.summed(cut)
        told = languages.decide(votes)
        is_abroad = np.array([language in ABROAD for language in told])
        is_english = np.array([language == "en" for language in told]) | languages.are_signs(votes)
        if not only_read:
            is_english = ~is_abroad
        is_read = is_english | is_abroad
        seen = Seen(
            told,
            np.flatnonzero(is_read).tolist(),
            [[] for _ in range(is_read.sum())],
            {},
            np.zeros((is_read.sum(), len(DENSE)), dtype=np.float32),
            [_NO_WORDS] * int(is_read.sum()),
        )
        logits = np.zeros((is_read.sum(), heads.WIDTH), dtype=np.float32)
        rank = np.cumsum(is_read) - 1
        for voice, own in zip(self._voices, (is_english, is_abroad), strict=True):
            if not own.any():
                continue
            chosen = np.flatnonzero(own).tolist()
            found, said = voice.hear(self._table.part(cut, chosen))
            voice.hear_sentences([texts[place] for place in chosen], self._table, said)
            places = rank[own]
            logits[places] = said
            seen.counted[places] = found.dense
            words = np.split(found.hashes, found.cut.starts[1:])
            for place, cues, own_words in zip(places.tolist(), found.cues, words, strict=True):
                seen.cues[place], seen.words[place] = cues, own_words
        seen.probabilities.update(heads.probabilities(logits))
        return seen
