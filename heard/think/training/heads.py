"""Fitting the heads: one logistic regression each, on the very features that the scores see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression

from heard.reading import embed
from heard.reading.heads import packed
from heard.reading.labelled import lines
from heard.think.checking import check
from heard.think.evaluation import Labelled, labelled, of_corpus
from heard.think.scores.figures import FIGURES, Seen, figures
from heard.think.scores.heads import BUCKETS, HEADS, levelled, words
from heard.think.wording import bare

# The marks in `ibm_care.tsv`, in the order of their signs.
_MARKS = ("helpful", "kind", "personal", "warm", "private")
_ROUNDS = 500
_STRENGTH = {"kind": 0.5, "helpful": 0.5, "personal": 0.5, "private": 2.0}
# Figures count this much beside words; they are levelled to a spread of 1 before.
_FIGURES_COUNT = 0.5
# How much the directions of meaning count in each head.
_MEANING_COUNT = {"kind": 0.0, "helpful": 0.0, "personal": 0.0, "private": 1.0}
# Whether a draft is kind or helpful, the plain sums and the reader's probabilities tell wherever it
# was written; whether it is personal, its shape tells better. What belongs in private is a matter
# of words, and of the way that is named: the rules' own findings would only teach it to trust them.
_RULED = FIGURES.index("heard")
_SEES: dict[str, list[int]] = {
    "kind": list(range(_RULED)),
    "helpful": list(range(_RULED)),
    "personal": [
        place
        for place, name in enumerate(FIGURES)
        if place >= _RULED or name.startswith("message") or name in ("upset", "negative")
    ],
    "private": [FIGURES.index("names a private way")],
}

# The drafts of these desks were written to show what is kind and what helps. Hardly any of them is
# better in private, and whether they are personal was judged more strictly than the guide asks.
_DESKS = ("reply-en-desks-b-", "reply-en-desks-c-", "reply-en-desks-d-")
_WITHOUT = {"personal": _DESKS, "private": _DESKS}

Figures = NDArray[np.float64]


def train(corpus: Path, data: Path) -> dict[str, NDArray[Any]]:
    """The arrays of the model file: learnt from `train` and real replies, made honest on `dev`.

    `corpus` is the folder of our own corpus, `data` that of the public sets.
    """
    rows = [*of_corpus(corpus), *_ibm_care(data)]
    drafts = [labelled(row) for row in rows]
    learnt, tried = (
        np.array([row["split"] == split for row in rows], dtype=bool) for split in ("train", "dev")
    )
    told = [words(each.draft) for each in drafts]
    rareness = _rareness(
        [places for (places, _), is_learnt in zip(told, learnt, strict=True) if is_learnt]
    )
    spelt, dense = _spelt(told, rareness), _figures(drafts)
    meant = embed([bare(each.draft) for each in drafts]).astype(np.float64)
    mean = dense[learnt].mean(axis=0)
    spread = np.maximum(dense[learnt].std(axis=0), 1e-6) / _FIGURES_COUNT
    level = (dense - mean) / spread
    weights = np.zeros((BUCKETS, len(HEADS)))
    figure_weights = np.zeros((len(FIGURES), len(HEADS)))
    meaning = np.zeros((meant.shape[1], len(HEADS)))
    bias = np.zeros(len(HEADS))
    for column, head in enumerate(HEADS):
        fits = np.array([head != "private" or each.facts.is_public for each in drafts])
        fits &= [not row["id"].startswith(_WITHOUT.get(head, ())) for row in rows]
        truth = np.array([each.labels[head] for each in drafts])
        pull = _MEANING_COUNT[head]
        parts = [spelt, csr_matrix(level[:, _SEES[head]]), csr_matrix(pull * meant)]
        seen = hstack(parts).tocsr()
        fitted = LogisticRegression(C=_STRENGTH[head], max_iter=_ROUNDS, tol=1e-5).fit(
            seen[learnt & fits], truth[learnt & fits]
        )
        logits = fitted.decision_function(seen[tried & fits])
        stretch, shift = _honest(logits, truth[tried & fits])
        weights[:, column] = stretch * fitted.coef_[0, :BUCKETS]
        borders = [BUCKETS, BUCKETS + len(_SEES[head])]
        _, own, meaning[:, column] = np.split(stretch * fitted.coef_[0], borders)
        meaning[:, column] *= pull
        own = own / spread[_SEES[head]]
        figure_weights[_SEES[head], column] = own
        bias[column] = stretch * fitted.intercept_[0] + shift - own @ mean[_SEES[head]]
    small, scale = packed(weights)
    return {
        "rareness": rareness,
        "weights": small,
        "scale": scale,
        "dense": figure_weights.astype(np.float32),
        "meaning": meaning.astype(np.float32),
        "bias": bias.astype(np.float32),
    }


def _ibm_care(data: Path) -> Iterator[dict[str, Any]]:
    """Replies of real desks; the texts are IBM's, the labels ours, by the number of the tweet."""
    replies: dict[str, dict[str, str]] = {}
    for dialogue in lines(data / "ibm_care_dialogues" / "dialogues.jsonl.gz"):
        asked = ""
        last = {"tweet_ID": dialogue["agentURL"]["tweet_ID"]}
        last["message"] = dialogue["agentURL"]["url_utterance"]
        for turn in [*dialogue["dialogContent"], last]:
            if "client" in turn:
                asked = turn["message"]
            else:
                said = {"message": asked, "draft": turn["message"]}
                replies.setdefault(turn["tweet_ID"], said)
    with (files(__package__) / "ibm_care.tsv").open(encoding="utf-8") as file:
        for line in file:
            number, marks = line.split()
            labels = {mark: said == "1" for mark, said in zip(_MARKS, marks, strict=True)}
            row = {"id": f"ibm-care-{number}", "split": "train", "language": "en"}
            yield {**row, "is_public": True, **replies[number], **labels}


def _rareness(learnt: Sequence[NDArray[np.int64]]) -> NDArray[np.float16]:
    """How much a bucket counts: the logarithm of the share of drafts that have it, turned round."""
    times = np.bincount(np.concatenate(learnt), minlength=BUCKETS)
    rareness: NDArray[np.float16] = (np.log((1 + len(learnt)) / (1 + times)) + 1).astype(np.float16)
    return rareness


def _spelt(
    told: Sequence[tuple[NDArray[np.int64], NDArray[np.float32]]], rareness: NDArray[np.float16]
) -> csr_matrix:
    starts = np.cumsum([0, *(len(places) for places, _ in told)])
    counts = np.concatenate([levelled(counts * rareness[places]) for places, counts in told])
    columns = np.concatenate([places for places, _ in told])
    return csr_matrix((counts.astype(np.float64), columns, starts), shape=(len(told), BUCKETS))


def _figures(drafts: Sequence[Labelled]) -> Figures:
    found = [check(each.draft, each.facts) for each in drafts]
    return np.stack(
        [
            figures(Seen(each.draft, each.facts, seen))
            for each, seen in zip(drafts, found, strict=True)
        ]
    )


def _honest(logits: Figures, truth: NDArray[np.bool_]) -> tuple[float, float]:
    """What logits are stretched and shifted by to be honest on texts not learnt from (Platt)."""

    def loss(by: Figures) -> float:
        moved = by[0] * logits + by[1]
        return float(np.logaddexp(0.0, np.where(truth, -moved, moved)).sum())

    found = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
    return float(found[0]), float(found[1])
