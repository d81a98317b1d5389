"""Yelp: reviews of a place, read three at a time. Answers are opened there and pasted.

Yelp lets only its partners answer through an interface.
https://docs.developer.yelp.com/reference/v3_business_reviews
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from heard.channels import asking, payloads, reviews, web
from heard.channels.asking import Trouble, failed
from heard.channels.base import (
    Abilities,
    Account,
    Checked,
    Delivered,
    Fetched,
    Heard,
    Outgoing,
    PlaceError,
    Quota,
    Receipt,
    Setting,
)
from heard.channels.dates import moment

kind = "yelp"
title = "Yelp"
settings = (
    Setting(
        "business",
        "Name of the place at Yelp",
        help="What stands behind /biz/ in the address of its page, like the-shop-berlin.",
    ),
    Setting(
        "api_key",
        "API key",
        help="yelp.com/developers → Manage API access.",
        is_secret=True,
    ),
)
public = Abilities(replies=False, by_link=True, keeps=timedelta(hours=24))
"""Yelp's terms let others keep its content for 24 hours, ids alone for longer.
https://terms.yelp.com/developers/api_terms/"""
private = None
every_seconds = 600.0
"""144 questions a day, of the 300 of the smallest plan."""

API = "https://api.yelp.com"
PACIFIC = ZoneInfo("America/Los_Angeles")
"""Yelp's times are of there, and do not say so."""
FIRST_LOOK = timedelta(days=30)
SEEN_LIMIT = 100
NAME = re.compile(r"[^\s/?#%]{1,200}")


def poll(cursor: str, account: Account) -> Fetched:
    """The newest reviews, as many as the plan shows (three); at first, those of 30 days.

    More than that between two questions are not seen. Raises `PlaceError`.
    """
    now = datetime.now(UTC)
    state: dict[str, Any] = json.loads(cursor) if cursor else {"seen": {}}
    since = moment(str(state.get("since") or "")) or now - FIRST_LOOK
    state["since"] = since.isoformat()
    answer = _asked("/reviews", account, {"sort_by": "newest"})
    said = answer.json()
    every = said.get("reviews") if isinstance(said, dict) else None
    if not isinstance(every, list):
        raise PlaceError("Yelp answered with something that is no list.")
    page = [one for one in every if _is_review(one)]
    found = [one for one, at in _fresh(page, state["seen"], now=now) if at >= since]
    reviews.forget(state["seen"], limit=SEEN_LIMIT)
    return Fetched(tuple(found), json.dumps(state), quota=_quota(answer))


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:  # noqa: ARG001
    """One review, and that it was changed."""
    said = payloads.read(delivered.body)

    def understood(one: Any) -> Iterator[Heard]:
        name = payloads.name_of(one["id"])
        user = one.get("user") or {}
        words = payloads.words(one.get("text"))
        is_cut = words.endswith(("...", "…"))
        yield from reviews.review(
            name,
            at=min(_written(one), delivered.at),
            words=words,
            rating=reviews.stars(one.get("rating")),
            sender=payloads.name_of(user.get("id") or name, "user.id"),
            sender_name=payloads.words(user.get("name")),
            url=_link(one.get("url")),
            changed_at=delivered.at if said.get("changed") is True else None,
            extra={"cut": True} if is_cut else {},
        )

    yield from payloads.each([said.get("review")], where="review", understood=understood)


def send(outgoing: Outgoing, account: Account) -> Receipt:  # noqa: ARG001
    """Never: people paste the answer there."""
    return failed("Yelp takes answers only on its own pages for businesses.", is_final=True)


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """Nothing ever leaves."""
    return True


def check(account: Account) -> Checked:
    """What the place is called there; its reviews must be in the plan of this key."""
    told = _asked("", account, {}).json()
    answer = _asked("/reviews", account, {"sort_by": "newest"})
    name = payloads.words(told.get("name")) if isinstance(told, dict) else ""
    return Checked(name or _place(account), quota=_quota(answer))


def judge(answer: web.Answer) -> Trouble | None:
    """What an answer of Yelp means."""
    if answer.is_good:
        return None
    now = datetime.now(UTC)
    code, said = _code(answer), asking.said_by(answer)
    wish = answer.retry_after_seconds(now=now)
    if answer.status == 429 or code == "ACCESS_LIMIT_REACHED":
        return Trouble(
            f"Yelp asks us to slow down{said}.", retry_after_seconds=wish or _until_reset(answer)
        )
    if answer.status in {401, 403}:
        return Trouble(
            f"Yelp does not let this key do that: it has ended, or its plan has no reviews{said}.",
            is_final=True,
            needs_person=True,
        )
    if answer.status < 500 and answer.status not in asking.PASSING:
        return Trouble(
            f"Yelp refused it ({answer.status}{said}).", is_final=True, needs_person=True
        )
    return asking.plainly(answer)


def _fresh(
    page: list[Any], seen: dict[str, Any], *, now: datetime
) -> Iterator[tuple[Delivered, datetime]]:
    """Those that are not known as they are, and when they were written."""
    for one in page:
        name = str(one["id"])
        found = reviews.news(
            seen, name, said=(one.get("text"),), rating=one.get("rating"), answered=()
        )
        if found is not None:
            body = json.dumps({**found.told(), "review": one}, ensure_ascii=False).encode()
            yield Delivered(body, {}, now, f"{name}/{found.mark}"), _written(one)


def _is_review(one: Any) -> bool:
    """Whether it has what going on from here needs; `parse` looks at the rest."""
    try:
        return bool(one["id"]) and bool(_written(one))
    except payloads.WRONG:
        return False


def _written(one: Any) -> datetime:
    found = moment(str(one["time_created"]), zone=PACIFIC)
    if found is None:
        raise ValueError("a review without a date")
    return found


def _link(value: Any) -> str:
    return value if isinstance(value, str) and value.startswith("https://") else ""


def _code(answer: web.Answer) -> str:
    try:
        return str(json.loads(answer.body)["error"]["code"])
    except payloads.WRONG:
        return ""


def _quota(answer: web.Answer) -> Quota | None:
    left, limit = (
        answer.headers.get(f"ratelimit-{name}", "") for name in ("remaining", "dailylimit")
    )
    if not re.fullmatch(r"[0-9]{1,9}(\.0)?", left):
        return None
    of = int(float(limit)) if re.fullmatch(r"[0-9]{1,9}(\.0)?", limit) else None
    return Quota(int(float(left)), of, moment(answer.headers.get("ratelimit-resettime", "")))


def _until_reset(answer: web.Answer) -> int:
    """Seconds until the day's questions begin anew, or a minute if none is left out."""
    quota = _quota(answer)
    if quota is None or quota.left or quota.renewed_at is None:
        return 60
    wait = (quota.renewed_at - datetime.now(UTC)).total_seconds()
    return max(60, min(int(wait), 24 * 3600))


def _place(account: Account) -> str:
    place = str(account.settings.get("business") or "").strip()
    if not NAME.fullmatch(place):
        raise PlaceError(
            "The name of the place is what stands behind /biz/ in its address.", needs_person=True
        )
    return place


def _asked(path: str, account: Account, params: dict[str, str]) -> web.Answer:
    base = str(account.settings.get("api_url") or API).rstrip("/")
    return asking.wanted(
        "GET",
        f"{base}/v3/businesses/{quote(_place(account), safe='')}{path}",
        account=account,
        judge=judge,
        headers={"authorization": f"Bearer {account.secrets.get('api_key', '')}"},
        params=params,
    )
