"""Prints of texts and the search for copies among them: CPU seconds of one process, and recall.

python -m bench.likeness
"""

from __future__ import annotations

import random
import time

import numpy as np

from bench.archive import sentence
from heard.reading import likeness
from heard.reading.likeness import Prints, founders, pairs, prints

TEXTS, KNOWN, LOT = 40_000, 20_000, 2_000

Row = tuple[str, str, str]


def measure() -> list[Row]:
    """Texts a CPU second, a lot beside those known, and how many edited copies are found."""
    chance = random.Random(3)
    texts = [sentence(chance) for _ in range(TEXTS)]
    prints(texts[:1_000])
    began = time.process_time()
    told = prints(texts)
    printed = TEXTS / (time.process_time() - began)
    some = Prints(told.signatures[: KNOWN + LOT], told.sizes[: KNOWN + LOT])
    began = time.process_time()
    founders(some, np.arange(KNOWN), moments=np.zeros(KNOWN + LOT), span=1.0)
    lot = time.process_time() - began
    return [
        ("prints of texts, to find copies by", f"{printed:,.0f} texts per CPU s", "≥ 20,000"),
        (f"copies among {LOT:,} new and {KNOWN:,} known", f"{1000 * lot:.0f} CPU ms", "-"),
        ("copies with a fifth of the words replaced that are found", f"{recall():.2%}", "≥ 98 %"),
    ]


def recall() -> float:
    """Of random texts of ten to forty words and their copies, the share that is found."""
    chance = random.Random(4)
    vocabulary = [f"word{n}" for n in range(20_000)]
    texts = [chance.sample(vocabulary, chance.randint(likeness.SHORT, 40)) for _ in range(5_000)]
    copies = [list(text) for text in texts]
    for text in copies:
        for place in chance.sample(range(len(text)), len(text) // 5):
            text[place] = chance.choice(vocabulary)
    found = pairs(prints([*map(" ".join, texts), *map(" ".join, copies)]), since=len(texts))
    return len(np.unique(found[found[:, 0] - found[:, 1] == len(texts), 0])) / len(texts)


if __name__ == "__main__":
    for what, reached, target in measure():
        print(f"{what}: {reached}   [{target}]")
