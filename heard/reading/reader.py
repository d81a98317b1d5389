"""The reader: the models, what they remember of tokens, and what they say of a batch of texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heard.reading import heads, languages
from heard.reading.cues import Found
from heard.reading.features import DENSE, Extractor
from heard.reading.heads import HeadsModel
from heard.reading.languages import LanguageModel
from heard.reading.tokens import TokenRows, TokenTable

BATCH = 1_000
MOST_TOKENS = 25_000
READ_LANGUAGES = frozenset({"en"})


@dataclass(frozen=True, slots=True)
class Seen:
    """What the models say of a batch.

    `languages` has an item for every text. `cues`, `probabilities` and `counted` (the figures by
    `features.DENSE`) have one, in order, for each of the texts at `places`: those that were read.
    """

    languages: list[str]
    places: list[int]
    cues: list[list[Found]]
    probabilities: dict[str, NDArray[np.float32]]
    counted: NDArray[np.float32]


class Reader:
    """Sees texts by the batch, and remembers some `MOST_TOKENS` tokens between batches.

    One thread at a time.
    """

    def __init__(self, heads_model: HeadsModel, language_model: LanguageModel) -> None:
        self._heads = heads_model
        self._languages = language_model
        self.forget()

    def forget(self) -> None:
        """Begin again with an empty table: no word of a text stays in memory."""
        self._table = table = TokenTable()
        self._votes = TokenRows(table, width=languages.COLUMNS, rows_for=self._languages.token_rows)
        self._weights = TokenRows(table, width=heads.COLUMNS, rows_for=self._heads.token_rows)
        self._extractor = Extractor(table, self._heads.valences)

    def batches(self, texts: Sequence[str], *, only_read: bool = True) -> Iterator[Seen]:
        """See many texts, `BATCH` at a time, in order.

        English is read, and texts of nothing but emoji and the like; with `only_read` false also
        every other text, as if it were English.
        """
        for start in range(0, len(texts), BATCH):
            if len(self._table) > MOST_TOKENS:
                self.forget()
            yield self._see(texts[start : start + BATCH], only_read=only_read)

    def _see(self, texts: Sequence[str], *, only_read: bool) -> Seen:
        cut = self._table.cut(texts)
        votes = self._votes.summed(cut)
        told = languages.decide(votes)
        is_read = [language in READ_LANGUAGES for language in told]
        places = np.flatnonzero(is_read | languages.are_signs(votes) | (not only_read)).tolist()
        if not places:
            return Seen(told, [], [], {}, np.zeros((0, len(DENSE)), dtype=np.float32))
        found = self._extractor.extract(self._table.part(cut, places))
        logits = self._heads.logits(found, token_sums=self._weights.summed(found.cut))
        return Seen(told, places, found.cues, heads.probabilities(logits), found.dense)
