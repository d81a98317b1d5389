"""How often the right answer is among the three suggested: dialogues, and the help page given.

python -m bench.answers        this chapter alone

The dialogues are IBM's (Apache-2.0). Their development part is what the house has answered before,
their test part is asked. What is found is a page, ranked by the exchanges in which it was given, as
`conversations.recalling` adds them up. A page that was never given before cannot be found by any
way: the second figure leaves those questions out. Nothing was trained on which page was given;
`MEANING_SHARE` was chosen by turns within the development part.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heard.knowledge.shelf import MEANING_SHARE, MOST, Shelf, rounded, terms_of
from heard.lib.shares import wilson
from heard.reading import embed

SHARED = Path(os.environ.get("HEARD_SHARED", Path(__file__).parents[2] / "shared"))
DIALOGUES = Path("data/ibm_care_dialogues/dialogues.jsonl.gz")
SHOWN = 3
LOOKED_AT, AGREEING = 30, 0.3
"""As in `conversations.recalling`, which needs a database to be read."""

Row = tuple[str, str, str]
Rank = Callable[["Asked"], Sequence[str]]


@dataclass(frozen=True)
class Asked:
    """What was asked of which company, and the page that its agent gave."""

    company: str
    question: str
    page: str
    is_development: bool


def measure() -> list[Row]:
    """A row for each way to find the page, among one company's and among those of all."""
    file = SHARED / DIALOGUES
    if not file.exists():
        return [("answers suggested", f"not measured: {DIALOGUES} is not in HEARD_SHARED", "-")]
    dialogues = read(file)
    known = [it for it in dialogues if it.is_development]
    asked = [it for it in dialogues if not it.is_development]
    rows = [
        row
        for is_one_company in (True, False)
        for row in compared(known, asked, is_one_company=is_one_company)
    ]
    return [*rows, speed()]


def read(file: Path) -> list[Asked]:
    """The dialogues, without the names that people are called by and without links."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [dialogue(json.loads(line)) for line in lines]


def dialogue(told: dict[str, object]) -> Asked:
    content, header, given = told["dialogContent"], told["dialogHeader"], told["agentURL"]
    assert isinstance(content, list)
    assert isinstance(header, dict)
    assert isinstance(given, dict)
    said = [turn["message"] for turn in content if "client" in turn]
    question = "\n".join(re.sub(r"@\w+|https?:\S*", "", text) for text in said)
    page = re.sub(r"^https?://(web\.archive\.org/web/\d+/https?://)?(www\.)?", "", given["url"])
    page = page.partition("#")[0].partition("?")[0].rstrip("/").lower()
    return Asked(header["company"], question, page, told["origin_split"] == "dev")


def compared(known: Sequence[Asked], asked: Sequence[Asked], *, is_one_company: bool) -> list[Row]:
    companies = sorted({it.company for it in (*known, *asked)})
    places = {name: place for place, name in enumerate(companies)}
    vectors = embed([it.question for it in known])
    shelf = Shelf(capacity=len(known), dimension=vectors.shape[1])
    shelf.put(
        list(range(1, len(known) + 1)),
        [places[it.company] for it in known],
        rounded(vectors),
        [terms_of(it.question) for it in known],
    )
    chance = random.Random(4)

    def of_house(one: Asked) -> list[str]:
        return [it.page for it in known if not is_one_company or it.company == one.company]

    def anything(one: Asked) -> Sequence[str]:
        pages = sorted(set(of_house(one)))
        return chance.sample(pages, min(SHOWN, len(pages)))

    def frequent(one: Asked) -> Sequence[str]:
        return [page for page, _ in Counter(of_house(one)).most_common(SHOWN)]

    def alike(share: float) -> Rank:
        def ranked(one: Asked) -> Sequence[str]:
            hits = shelf.search(
                embed([one.question])[0],
                terms_of(one.question),
                groups=[places[one.company]] if is_one_company else None,
                limit=LOOKED_AT,
                meaning_share=share,
            )
            worth: dict[str, float] = defaultdict(float)
            for hit in hits:
                page = known[hit.id - 1].page
                worth[page] += hit.likeness * (AGREEING if worth[page] else 1)
            return sorted(worth, key=lambda page: -worth[page])[:SHOWN]

        return ranked

    ways: tuple[tuple[str, Rank], ...] = (
        ("three pages at random", anything),
        ("the three pages given most", frequent),
        ("by words alone (BM25)", alike(0.0)),
        ("by meaning alone (embeddings)", alike(1.0)),
        ("by both, as suggested", alike(MEANING_SHARE)),
    )
    where = "of one company" if is_one_company else "of 17 companies in one house"
    given = {(it.company, it.page) for it in known}
    found = []
    for name, ranked in ways:
        right = [one.page in ranked(one) for one in asked]
        possible = [
            hit for hit, it in zip(right, asked, strict=True) if (it.company, it.page) in given
        ]
        text = f"{told(right)}; of pages given before {told(possible)}"
        found.append((f"right help page among three, {where}: {name}", text, "-"))
    return found


def told(right: Sequence[bool]) -> str:
    low, high = wilson(sum(right), len(right))
    assert low is not None
    assert high is not None
    return f"{np.mean(right):.1%} ({sum(right)} of {len(right)}, {low:.1%} to {high:.1%})"


def speed() -> Row:
    """How long one search takes in a full memory, the question's own vector included."""
    chance = np.random.default_rng(3)
    width = embed([]).shape[1]
    vectors = chance.normal(size=(MOST, width)).astype(np.float32)
    words = [f"word{n}" for n in range(20_000)]
    shelf = Shelf(capacity=MOST, dimension=width)
    texts = [" ".join(words[n] for n in chance.zipf(1.3, 20) % len(words)) for _ in range(MOST)]
    shelf.put(
        list(range(1, MOST + 1)), [1] * MOST, rounded(vectors), [terms_of(it) for it in texts]
    )
    took = []
    for text in texts[:40]:
        began = time.process_time()
        shelf.search(embed([text])[0], terms_of(text), groups=None, limit=LOOKED_AT)
        took.append(1000 * (time.process_time() - began))
    middle, worst = sorted(took)[20], sorted(took)[38]
    return (
        f"an answer sought among {MOST:,} exchanges",
        f"p50 {middle:.1f} CPU ms, p95 {worst:.1f} CPU ms",
        "< 20 ms",
    )


def main() -> None:
    for what, reached, target in measure():
        print(f"{what}: {reached}   [{target}]")


if __name__ == "__main__":
    main()
