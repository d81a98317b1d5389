"""Google Play: reviews of an app, and the answers of its maker.

Google shows an interface only the reviews with words of the last seven days, of the version that
everybody gets. https://developers.google.com/android-publisher/reply-to-reviews
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from heard.channels import asking, google, payloads, reviews
from heard.channels.asking import failed
from heard.channels.base import (
    Abilities,
    Account,
    Checked,
    Delivered,
    Fetched,
    Heard,
    Outgoing,
    PlaceError,
    Receipt,
    Setting,
)

kind = "google_play"
title = "Google Play"
settings = (
    Setting(
        "package",
        "Name of the app's package",
        help="Like com.example.app: what stands behind “id=” in the address of its page.",
    ),
    Setting(
        "key",
        "Key of the service account",
        help="All that stands in the JSON file that Google Cloud made; the account needs the right"
        " “Reply to reviews” in the Play Console.",
        is_secret=True,
    ),
)
LENGTH = 350
public = Abilities(one_reply=True, length=LENGTH)
private = None
every_seconds = 300.0

API = "https://androidpublisher.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/androidpublisher"
PAGE, PAGES, SWEEP_TURNS = 100, 10, 12
"""200 questions an hour are allowed: one each turn, and once an hour all that is kept."""
SEEN_LIMIT = PAGE * (PAGES + 2)
PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)+")


def poll(cursor: str, account: Account) -> Fetched:
    """Reviews that are new, changed or newly answered; at first, those of a week, 1,000 at most.

    Answers given in the Play Console are found within the hour. Raises `PlaceError`.
    """
    state: dict[str, Any] = json.loads(cursor) if cursor else {"seen": {}, "turn": -1}
    state["turn"] += 1
    is_sweep = state["turn"] % SWEEP_TURNS == 0
    token = _token(account)
    now = datetime.now(UTC)
    found: list[Delivered] = []
    after = ""
    for _ in range(PAGES):
        said = _asked(account, token, count=PAGE, after=after)
        page = [one for one in said.get("reviews") or () if _is_review(one)]
        fresh = [*_fresh(page, state["seen"], account, now=now)]
        found += fresh
        after = str((said.get("tokenPagination") or {}).get("nextPageToken") or "")
        if not after or not (fresh or is_sweep):
            break
    reviews.forget(state["seen"], limit=SEEN_LIMIT)
    return Fetched(tuple(found), json.dumps(state))


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:  # noqa: ARG001
    """One review, that it was changed, and the answer beneath it."""
    said = payloads.read(delivered.body)

    def understood(one: Any) -> Iterator[Heard]:
        name = payloads.name_of(one["reviewId"], "reviewId")
        theirs, ours = _comments(one)
        rating = reviews.stars(theirs.get("starRating"))
        at = _at(theirs, heard_at=delivered.at)
        package = payloads.words(said.get("package"))
        yield from reviews.review(
            name,
            at=at,
            # In old reviews a tab stands between the title and the rest.
            words=payloads.words(theirs.get("originalText") or theirs.get("text")).replace(
                "\t", "\n"
            ),
            rating=rating,
            sender=name,
            sender_name=payloads.words(one.get("authorName")),
            language=payloads.words(theirs.get("reviewerLanguage"))[:2],
            url=_page(package, name) if package else "",
            changed_at=at if said.get("changed") is True else None,
            extra={
                key: payloads.words(theirs.get(word))
                for key, word in (("version", "appVersionName"), ("device", "device"))
                if payloads.words(theirs.get(word))
            },
        )
        if ours:
            yield from reviews.answer(
                name,
                at=_at(ours, heard_at=delivered.at),
                text=ours["text"],
                sender=package or "us",
                to=name,
            )

    yield from payloads.each([said.get("review")], where="review", understood=understood)


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Answer the review. An answer that stands there already is replaced."""
    if len(outgoing.text) > LENGTH:
        return failed(f"The text is longer than {LENGTH} characters.", is_final=True)
    name = outgoing.root or outgoing.parent
    try:
        token = _token(account)
        path = f"{_base(account)}/{quote(name, safe='')}:reply"
    except PlaceError as error:
        return google.not_signed_in(error)

    def named(said: Any) -> str:
        return reviews.answer_name(name, payloads.words(said["result"]["replyText"]))

    receipt = asking.handed(
        "POST",
        path,
        account=account,
        judge=google.judge,
        named=named,
        headers={"authorization": f"Bearer {token}"},
        body=asking.as_json({"replyText": outgoing.text}),
    )
    return reviews.named(receipt, name, outgoing.text)


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """Yes: the same answer once more takes its own place."""
    return True


def check(account: Account) -> Checked:
    """Whether the service account may read the reviews of this app."""
    _asked(account, _token(account), count=1)
    return Checked(_package(account))


def _fresh(
    page: list[Any], seen: dict[str, Any], account: Account, *, now: datetime
) -> Iterator[Delivered]:
    """Those that are not known as they are."""
    for one in page:
        name = str(one["reviewId"])
        theirs, ours = _comments(one)
        found = reviews.news(
            seen,
            name,
            said=(theirs.get("lastModified"), theirs.get("text")),
            rating=theirs.get("starRating"),
            answered=(ours.get("text"),),
        )
        if found is not None:
            told = {"package": _package(account), **found.told(), "review": one}
            body = json.dumps(told, ensure_ascii=False).encode()
            yield Delivered(body, {}, now, f"{name}/{found.mark}")


def _comments(one: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the person said, and what we answered, perhaps nothing."""
    theirs = [c["userComment"] for c in one["comments"] if isinstance(c.get("userComment"), dict)]
    ours = [c["developerComment"] for c in one["comments"] if c.get("developerComment")]
    if not theirs:
        raise ValueError("a review without what the person said")
    return theirs[-1], ours[-1] if ours else {}


def _is_review(one: Any) -> bool:
    """Whether it has what going on from here needs; `parse` looks at the rest."""
    try:
        return bool(one["reviewId"]) and len(_comments(one)) == 2
    except payloads.WRONG:
        return False


def _at(comment: Any, *, heard_at: datetime) -> datetime:
    return payloads.at(comment["lastModified"]["seconds"], heard_at=heard_at)


def _page(package: str, review: str) -> str:
    return (
        f"https://play.google.com/store/apps/details?id={quote(package, safe='.')}"
        f"&reviewId={quote(review, safe='')}"
    )


def _package(account: Account) -> str:
    package = str(account.settings.get("package") or "").strip()
    if not PACKAGE.fullmatch(package):
        raise PlaceError(
            "The name of the package is not one: it looks like com.example.app.", needs_person=True
        )
    return package


def _base(account: Account) -> str:
    own = google.address(account, API)
    return f"{own}/androidpublisher/v3/applications/{_package(account)}/reviews"


def _token(account: Account) -> str:
    return google.service_token(account, key=account.secrets.get("key", ""), scope=SCOPE)


def _asked(account: Account, token: str, *, count: int, after: str = "") -> dict[str, Any]:
    said = asking.wanted(
        "GET",
        _base(account),
        account=account,
        judge=google.judge,
        headers={"authorization": f"Bearer {token}"},
        params={"maxResults": str(count), **({"token": after} if after else {})},
    ).json()
    if not isinstance(said, dict):
        raise PlaceError("Google Play answered with something that is no list.")
    return said
