"""Google Business: reviews of places on Google's map and in its search, and the owner's answers.

Google's questions and answers cannot be heard: their interface ended on 3 November 2025.
https://developers.google.com/my-business/reference/rest/v4/accounts.locations.reviews
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from heard.channels import asking, google, lengths, payloads, reviews
from heard.channels.asking import failed
from heard.channels.base import (
    Abilities,
    Account,
    Checked,
    Delivered,
    Fetched,
    Grant,
    Heard,
    Outgoing,
    PlaceError,
    Progress,
    Receipt,
    Setting,
    Unit,
)
from heard.channels.dates import moment

kind = "google_business"
title = "Google Business"
settings = (
    Setting(
        "locations",
        "Places",
        help="One a line, at most 50, like accounts/1/locations/2; the page about this channel says"
        " how to find them.",
        form="lines",
    ),
    Setting(
        "client_id",
        "OAuth client id",
        help="console.cloud.google.com → APIs & Services → Credentials → OAuth client.",
    ),
    Setting("client_secret", "OAuth client secret", help="Beside the client id.", is_secret=True),
    Setting(
        "refresh_token",
        "Refresh token",
        help="Comes from signing in as an owner or manager of the places.",
        is_secret=True,
        is_rare=True,
    ),
)
LENGTH = 4096
public = Abilities(one_reply=True, length=LENGTH, unit=Unit.BYTES)
private = None
every_seconds = 120.0

API = "https://mybusiness.googleapis.com"
PLACES_API = "https://mybusinessbusinessinformation.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/business.manage"
FIRST_LOOK = timedelta(days=30)
LOCATIONS = 50
PAGE, PAGES, SWEEP_TURNS = 50, 4, 30
"""Once an hour the newest 200 of each place are looked through for answers given at Google."""
SEEN_LIMIT = PAGE * (PAGES + 2)
STARS = {"ONE": 1, "TWO": 2, "THREE": 3, "FOUR": 4, "FIVE": 5}
LOCATION = re.compile(r"accounts/[\w-]{1,60}/locations/[\w-]{1,60}", re.ASCII)
REVIEW = re.compile(LOCATION.pattern + r"/reviews/[\w=-]{1,160}", re.ASCII)
TRANSLATED, ORIGINAL = "(Translated by Google)", "(Original)"


def poll(cursor: str, account: Account) -> Fetched:
    """Reviews that are new, changed or newly answered; at first, those of 30 days.

    Two hundred a place and question at most. Raises `PlaceError`.
    """
    now = datetime.now(UTC)
    state: dict[str, Any] = json.loads(cursor) if cursor else {"seen": {}, "turn": -1}
    since = moment(str(state.get("since") or "")) or now - FIRST_LOOK
    state |= {"turn": state["turn"] + 1, "since": since.isoformat()}
    is_sweep = state["turn"] % SWEEP_TURNS == 0
    token = google.refreshed_token(account)
    found: list[Delivered] = []
    places = _places(account)
    for place in places:
        seen = state["seen"].setdefault(place, {})
        found += _news(place, seen, account, token, since=since, is_sweep=is_sweep, now=now)
        reviews.forget(seen, limit=SEEN_LIMIT)
    state["seen"] = {place: state["seen"][place] for place in places}
    return Fetched(tuple(found), json.dumps(state))


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:  # noqa: ARG001
    """One review, that it was changed, and the answer beneath it, or that Google refused it."""
    said = payloads.read(delivered.body)

    def understood(one: Any) -> Iterator[Heard]:
        name = payloads.name_of(one["name"], "name")
        reviewer = one.get("reviewer") or {}
        changed_at = payloads.at(one["updateTime"], heard_at=delivered.at)
        yield from reviews.review(
            name,
            at=payloads.at(one.get("createTime") or one["updateTime"], heard_at=delivered.at),
            words=as_written(payloads.words(one.get("comment"))),
            rating=_stars(one.get("starRating")),
            sender=name,
            sender_name=payloads.words(reviewer.get("displayName")),
            changed_at=changed_at if said.get("changed") is True else None,
        )

    def answer(one: Any) -> Iterator[Heard]:
        name = payloads.name_of(said["review"]["name"], "name")
        at = payloads.at(one["updateTime"], heard_at=delivered.at)
        text = as_written(payloads.words(one["comment"]))
        if one.get("reviewReplyState") == "REJECTED":
            why = payloads.words(one.get("policyViolation"))
            reason = f"Google does not show this answer{f' ({why})' if why else ''}."
            yield Progress(reviews.answer_name(name, text), at, "failed", reason)
        else:
            place = name.partition("/reviews/")[0]
            yield from reviews.answer(name, at=at, text=text, sender=place, to=name)

    yield from payloads.each([said.get("review")], where="review", understood=understood)
    reply = said["review"].get("reviewReply") if isinstance(said.get("review"), dict) else None
    if reply is not None:
        yield from payloads.each([reply], where="reviewReply", understood=answer)


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Answer the review. An answer that stands there already is replaced."""
    if lengths.length(outgoing.text, Unit.BYTES) > LENGTH:
        return failed(f"The text is longer than {LENGTH} bytes.", is_final=True)
    name = outgoing.root or outgoing.parent
    if not REVIEW.fullmatch(name):
        return failed("This is no review of a place at Google.", is_final=True)
    try:
        token = google.refreshed_token(account)
    except PlaceError as error:
        return google.not_signed_in(error)

    def named(said: Any) -> str:
        return reviews.answer_name(name, as_written(payloads.words(said["comment"])))

    receipt = asking.handed(
        "PUT",
        f"{google.address(account, API)}/v4/{name}/reply",
        account=account,
        judge=google.judge,
        named=named,
        headers={"authorization": f"Bearer {token}"},
        body=asking.as_json({"comment": outgoing.text}),
    )
    return reviews.named(receipt, name, outgoing.text)


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """Yes: the same answer once more takes its own place."""
    return True


def check(account: Account) -> Checked:
    """What the places are called; each must let us read its reviews."""
    token = google.refreshed_token(account)
    names = []
    for place in _places(account):
        location = "locations/" + place.rpartition("/")[2]
        url = f"{google.address(account, PLACES_API)}/v1/{location}"
        told = _asked(url, account, token, {"readMask": "title"})
        _page(place, account, token, count=1)
        names.append(payloads.words(told.get("title")) or place)
    return Checked(names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more")


def grant(account: Account) -> Grant:
    """Where an owner or manager of the places signs in. Raises `PlaceError`."""
    return google.grant(account, scope=SCOPE)


def as_written(text: str) -> str:
    """The person's own words: Google puts its translation before or behind them."""
    before, mark, behind = text.partition(TRANSLATED)
    if not mark:
        return text
    original = behind.partition(ORIGINAL)[2]
    return before.strip() or original.strip() or behind.strip()


def _news(
    place: str,
    seen: dict[str, Any],
    account: Account,
    token: str,
    *,
    since: datetime,
    is_sweep: bool,
    now: datetime,
) -> Iterator[Delivered]:
    """Reviews of one place that are not known as they are, the last changed first."""
    after = ""
    for _ in range(PAGES):
        said = _page(place, account, token, count=PAGE, after=after)
        page = [one for one in said.get("reviews") or () if _is_review(one)]
        fresh = [*_fresh(page, seen, now=now)]
        yield from (one for one, at in fresh if at >= since)
        after = str(said.get("nextPageToken") or "")
        oldest = min((_changed(one) for one in page), default=since)
        if not after or oldest < since or not (fresh or is_sweep):
            break


def _fresh(
    page: list[Any], seen: dict[str, Any], *, now: datetime
) -> Iterator[tuple[Delivered, datetime]]:
    for one in page:
        name = str(one["name"])
        reply = one.get("reviewReply") or {}
        found = reviews.news(
            seen,
            name,
            said=(one.get("comment"), one.get("updateTime")),
            rating=one.get("starRating"),
            answered=(reply.get("comment"), reply.get("reviewReplyState") == "REJECTED"),
        )
        if found is not None:
            body = json.dumps({**found.told(), "review": one}, ensure_ascii=False).encode()
            delivery = Delivered(body, {}, now, f"{name[-200:]}/{found.mark}")
            yield delivery, _last_said(one)


def _is_review(one: Any) -> bool:
    """Whether it has what going on from here needs; `parse` looks at the rest."""
    try:
        return bool(one["name"]) and bool(_last_said(one))
    except payloads.WRONG:
        return False


def _changed(one: Any) -> datetime:
    found = moment(str(one["updateTime"]))
    if found is None:
        raise ValueError("a review without a date")
    return found


def _last_said(one: Any) -> datetime:
    """When the person or the owner said something last."""
    reply = moment(str((one.get("reviewReply") or {}).get("updateTime") or ""))
    return max(_changed(one), reply) if reply else _changed(one)


def _stars(value: Any) -> int | None:
    return STARS.get(value) if isinstance(value, str) else None


def _places(account: Account) -> list[str]:
    told = account.settings.get("locations")
    lines = told.splitlines() if isinstance(told, str) else told or ()
    found = list(dict.fromkeys(str(line).strip().strip("/") for line in lines if str(line).strip()))
    wrong = next((place for place in found if not LOCATION.fullmatch(place)), None)
    if wrong is not None or not found:
        raise PlaceError(
            f"“{(wrong or '')[:80]}” is no place: it looks like accounts/1/locations/2.",
            needs_person=True,
        )
    if len(found) > LOCATIONS:
        raise PlaceError(f"An inbox can have {LOCATIONS} places at most.", needs_person=True)
    return found


def _page(
    place: str, account: Account, token: str, *, count: int, after: str = ""
) -> dict[str, Any]:
    params = {"pageSize": str(count), "orderBy": "updateTime desc"}
    params |= {"pageToken": after} if after else {}
    return _asked(f"{google.address(account, API)}/v4/{place}/reviews", account, token, params)


def _asked(url: str, account: Account, token: str, params: dict[str, str]) -> dict[str, Any]:
    said = asking.wanted(
        "GET",
        url,
        account=account,
        judge=google.judge,
        headers={"authorization": f"Bearer {token}"},
        params=params,
    ).json()
    if not isinstance(said, dict):
        raise PlaceError("Google answered with something that is no list.")
    return said
