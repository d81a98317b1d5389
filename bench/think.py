"""`python -m bench.think`: how quick the check of a draft is, beside VADER in the same run.

CPU time of one core, which says more than wall time on a shared machine; rates are the best of five
rounds. Drafts are the public ones of our own corpus, and real ones where HEARD_SHARED has them.
"""

from __future__ import annotations

import html
import os
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from bench import results
from heard.reading.labelled import data_folder, table
from heard.think import Facts, check
from heard.think.evaluation import CORPUS, of_corpus
from heard.think.privacy.asking import asking
from heard.think.privacy.disclosures import disclosures
from heard.think.privacy.personal_data import personal_data
from heard.think.scores.scoring import scores
from heard.think.scores.seeming import SEEMS

ROUNDS = 5
LENGTH = 280
Concern = Callable[[str, Facts], Iterable[object]]
RULES: dict[str, tuple[Concern, ...]] = {
    "shapes: numbers, addresses, secrets": (personal_data,),
    "shapes, and what is told in words": (personal_data, disclosures),
    "all, requests in public too": (personal_data, disclosures, asking),
}
Row = tuple[str, str, str]


def main() -> None:
    rows = [row for row in of_corpus(CORPUS) if row["is_public"]]
    drafts = {"our corpus": [row["draft"] for row in rows]}
    real = data_folder() / "twcs_agent_replies" / "replies.csv.gz"
    if real.exists():
        drafts["real replies"] = [html.unescape(row["text"]) for row in table(real)][::5]
    found = [*typing(rows), *rates(drafts)]
    results.write_chapter(
        "The check of a draft",
        [
            f"{datetime.now(UTC):%Y-%m-%d}, {results.machine()}, CPU time of one core. "
            "`python -m bench.think`.",
            "",
            "| work | reached | to reach |",
            "|---|---|---|",
            *(f"| {what} | {reached} | {target} |" for what, reached, target in found),
        ],
    )
    print("\n".join(map(" | ".join, found)))


def typing(rows: Sequence[dict[str, str]]) -> list[Row]:
    """A check of a draft of 280 characters, each made of two that answer like messages."""
    pairs = [
        (f"{row['draft']} {other['draft']}"[:LENGTH], Facts(message=row["message"], is_public=True))
        for row, other in pairwise(rows)
    ]
    whole = [pair for pair in pairs if len(pair[0]) == LENGTH][:500]
    for draft, facts in whole[:20]:
        scores(draft, facts, found=check(draft, facts))
    checked, asked, scored = [], [], []
    for draft, facts in whole:
        began = time.process_time()
        found = check(draft, facts)
        between = time.process_time()
        scores(draft, facts, found=found)
        checked.append(1000 * (between - began))
        if any(finding.code == SEEMS for finding in found.findings):
            asked.append(checked[-1])
        scored.append(1000 * (time.process_time() - between))
    return [
        (f"check of {LENGTH} characters, {len(whole)} drafts, each for the first time",
         _middle_and_worst(checked), "< 15 ms"),
        (f"of these, {len(asked)} with the question whether it sounds private",
         _middle_and_worst(asked), "< 15 ms"),
        ("its scores", _middle_and_worst(scored), "-"),
    ]  # fmt: skip


def _middle_and_worst(took: list[float]) -> str:
    ranked = sorted(took)
    p50, p99 = (ranked[int(share * (len(ranked) - 1))] for share in (0.5, 0.99))
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"


def rates(drafts: dict[str, list[str]]) -> list[Row]:
    """Texts a second that the rules about personal data look at."""
    facts = Facts(is_public=True)
    found = []
    for name, texts in drafts.items():
        vader = _vader(texts[:1000])
        for what, concerns in RULES.items():
            rate = best(partial(_look, concerns, facts), texts)
            beside = f", {rate / vader:.1f} × VADER" if vader else ""
            found.append(
                (f"personal data, {what}; {name} ({len(texts):,})",
                 f"{rate:,.0f} texts/s{beside}", "≥ 30,000")
            )  # fmt: skip
    return found


def _look(concerns: Sequence[Concern], facts: Facts, text: str) -> None:
    for concern in concerns:
        list(concern(text, facts))


def best(work: Callable[[str], object], texts: Sequence[str]) -> float:
    """Texts a CPU second, in the best of some rounds."""
    took = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for text in texts:
            work(text)
        took.append(time.process_time() - began)
    return len(texts) / min(took)


def _vader(texts: Sequence[str]) -> float | None:
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        return None
    return best(SentimentIntensityAnalyzer().polarity_scores, texts)


if __name__ == "__main__":
    main()
