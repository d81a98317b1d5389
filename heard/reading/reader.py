"""The reader: the models, what they remember of tokens, and what they say of a batch of texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heard.reading import heads, languages
from heard.reading.cues import Found
from heard.reading.features import Extractor
from heard.reading.heads import HeadsModel
from heard.reading.languages import LanguageModel
from heard.reading.tokens import TokenRows

BATCH = 1_000
MOST_TOKENS = 40_000


@dataclass(frozen=True, slots=True)
class Seen:
    """What the models say of a batch: a row or an item per text.

    `wordless` texts hold signs that speak (emoji and the like) and no word.
    """

    languages: list[str]
    wordless: list[bool]
    cues: list[list[Found]]
    probabilities: dict[str, NDArray[np.float32]]


class Reader:
    """Sees texts by the batch, and remembers some `MOST_TOKENS` tokens between batches.

    One thread at a time.
    """

    def __init__(self, heads_model: HeadsModel, language_model: LanguageModel) -> None:
        self._heads = heads_model
        self._languages = language_model
        self._forget()

    def _forget(self) -> None:
        self._votes = TokenRows(width=languages.COLUMNS)
        self._weights = TokenRows(width=heads.COLUMNS)
        self._extractor = Extractor(self._heads.valences, learn=self._learn)

    def _learn(self, tokens: Sequence[str]) -> None:
        self._votes.add(self._languages.token_rows(tokens))
        self._weights.add(self._heads.token_rows(tokens))

    def batches(self, texts: Sequence[str]) -> Iterator[Seen]:
        """See many texts, `BATCH` at a time, in order."""
        for start in range(0, len(texts), BATCH):
            if self._extractor.tokens_met > MOST_TOKENS:
                self._forget()
            yield self._see(texts[start : start + BATCH])

    def _see(self, texts: Sequence[str]) -> Seen:
        found = self._extractor.extract(texts)
        votes = self._votes.summed(found.cut)
        logits = self._heads.logits(found, token_sums=self._weights.summed(found.cut))
        speaks = (found.counted("emoji") > 0) | (found.counted("compound") != 0)
        return Seen(
            languages=languages.decide(votes),
            wordless=(speaks & ~languages.has_letters(votes)).tolist(),
            cues=found.cues,
            probabilities=heads.probabilities(logits),
        )
