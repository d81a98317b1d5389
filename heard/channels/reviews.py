"""Reviews: stars, perhaps words, and at most one answer of the owner, the same at every place.

An answer has no name of its own at most places, and a new one takes its place there. So its name
here is the review's and what it says: sent by us or written there by hand, it is one message.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

from heard.channels import payloads
from heard.channels.base import Edited, Heard, Incoming, Kind, Receipt, SendState

BAD = 2
"""Up to here somebody has to answer, words or not."""

Need = Literal["", "answer", "recognition", "nothing"]


def stars(value: Any) -> int | None:
    """1 to 5; None for whatever else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and value in {1, 2, 3, 4, 5} else None


def need(words: str, rating: int | None) -> Need:
    """A bad one needs an answer, stars alone recognition; all other words are read."""
    if rating is not None and rating <= BAD:
        return "answer"
    return "" if words or rating is None else "recognition"


def answer_name(review: str, text: str) -> str:
    """The name of an answer to a review; blanks do not matter, since places change them."""
    said = " ".join(text.split()).encode(errors="surrogatepass")
    return f"{review[:260]}/answer/{hashlib.sha256(said).hexdigest()[:16]}"


def named(receipt: Receipt, review: str, text: str) -> Receipt:
    """The receipt with the answer's name, also where the place did not repeat what it took."""
    if receipt.state is not SendState.SENT or receipt.external_id:
        return receipt
    return replace(receipt, external_id=answer_name(review, text))


class News(NamedTuple):
    """What makes a review worth bringing; `mark` is another each time it says something else."""

    mark: str
    is_changed: bool

    def told(self) -> dict[str, Any]:
        """As it stands in a delivery, beside the review."""
        return {"changed": self.is_changed}


def news(
    seen: dict[str, Any],
    name: str,
    *,
    said: tuple[Any, ...],
    rating: Any,
    answered: tuple[Any, ...],
) -> News | None:
    """What is new about a review since it was last looked at, None if nothing is; `seen` learns it.

    `said` is all that the person can change besides the stars, `answered` all that we can.
    """
    theirs, mark = _mark(said, rating), _mark(said, rating, answered)
    before = seen.pop(name, None)
    seen[name] = [mark, theirs]
    if before is None:
        return News(mark, is_changed=False)
    if before[0] == mark:
        return None
    return News(mark, is_changed=before[1] != theirs)


def forget(seen: dict[str, Any], *, limit: int) -> None:
    """Keep what was last looked at."""
    while len(seen) > limit:
        del seen[next(iter(seen))]


def _mark(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode(errors="surrogatepass")).hexdigest()[:16]


def review(
    name: str,
    *,
    at: datetime,
    words: str,
    rating: int | None,
    sender: str,
    sender_name: str = "",
    language: str = "",
    url: str = "",
    changed_at: datetime | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Iterator[Heard]:
    """A review; and that it was changed, with the stars it has now and what they ask of us."""
    told = dict(extra or {})
    told |= {"rating": rating} if rating else {}
    told |= {"url": url} if url else {}
    text = words or (f"{rating} of 5, no words" if rating else "(Without words.)")
    yield Incoming(
        external_id=name,
        at=at,
        text=text,
        sender=sender,
        sender_name=sender_name,
        root=name,
        language=language,
        is_public=True,
        need=need(words, rating),
        extra=told,
    )
    if changed_at is not None:
        yield Edited(
            name,
            changed_at,
            text,
            extra={"rating": rating} if rating else {},
            need=need(words, rating),
            language=language,
        )


def answer(
    review_name: str, *, at: datetime, text: str, sender: str, to: str, author: str = ""
) -> Iterator[Heard]:
    """The owner's answer that stands beneath a review; nothing where none does."""
    text = payloads.words(text)
    if text:
        yield Incoming(
            external_id=answer_name(review_name, text),
            at=at,
            text=text,
            sender=sender,
            kind=Kind.REPLY,
            root=review_name,
            parent=review_name,
            to=to,
            author=author,
            is_public=True,
        )
