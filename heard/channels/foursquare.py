"""Foursquare: tips that people leave about a place. They can be read, and not answered.

Foursquare tells neither who wrote a tip nor that it was changed: the latter is found by looking
again. https://docs.foursquare.com/fsq-developers-places/reference/place-tips
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

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
    Receipt,
    Setting,
)
from heard.channels.dates import moment

kind = "foursquare"
title = "Foursquare"
settings = (
    Setting(
        "place",
        "Id of the place",
        help="24 letters and digits at the end of the address of its page at Foursquare.",
    ),
    Setting(
        "service_key",
        "Service API key",
        help="foursquare.com/developers → your project → Settings → Service API keys.",
        is_secret=True,
    ),
)
public = Abilities(replies=False, by_link=True, keeps=timedelta(hours=24))
"""The most that Foursquare lets anybody keep besides ids.
https://docs.foursquare.com/fsq-developers-places/reference/usage-guidelines"""
private = None
every_seconds = 3600.0
"""Each question is paid for, and a tip is no call for help: once an hour."""

API = "https://places-api.foursquare.com"
VERSION = "2025-06-17"
FIELDS = "fsq_tip_id,created_at,text,lang,url,agree_count"
FIRST_LOOK = timedelta(days=90)
PAGE, SEEN_LIMIT = 50, 200
PLACE = re.compile(r"[A-Za-z0-9]{10,40}")


def poll(cursor: str, account: Account) -> Fetched:
    """Tips that are new or changed, of the newest 50; at first, those of 90 days."""
    now = datetime.now(UTC)
    state: dict[str, Any] = json.loads(cursor) if cursor else {"seen": {}}
    since = moment(str(state.get("since") or "")) or now - FIRST_LOOK
    state["since"] = since.isoformat()
    page = [one for one in _tips(account, count=PAGE) if _is_tip(one)]
    found: list[Delivered] = []
    for one in page:
        name = str(one["fsq_tip_id"])
        news = reviews.news(state["seen"], name, said=(one.get("text"),), rating=None, answered=())
        if news is not None and _written(one) >= since:
            told = {"place": _place(account), "changed": news.is_changed, "tip": one}
            body = json.dumps(told, ensure_ascii=False).encode()
            found.append(Delivered(body, {}, now, f"{name}/{news.mark}"))
    reviews.forget(state["seen"], limit=SEEN_LIMIT)
    return Fetched(tuple(found), json.dumps(state))


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:  # noqa: ARG001
    """One tip, and that it was changed."""
    said = payloads.read(delivered.body)

    def understood(one: Any) -> Iterator[Heard]:
        name = payloads.name_of(one["fsq_tip_id"], "fsq_tip_id")
        place, agreed = payloads.words(said.get("place")), one.get("agree_count")
        yield from reviews.review(
            name,
            at=min(_written(one), delivered.at),
            words=payloads.words(one.get("text")),
            rating=None,
            sender=name,
            sender_name="Somebody at Foursquare",
            language=payloads.words(one.get("lang"))[:2],
            url=_link(one.get("url"), place=place),
            changed_at=delivered.at if said.get("changed") is True else None,
            extra={"agreed": agreed} if isinstance(agreed, int) and agreed else {},
        )

    yield from payloads.each([said.get("tip")], where="tip", understood=understood)


def send(outgoing: Outgoing, account: Account) -> Receipt:  # noqa: ARG001
    """Never: Foursquare takes no answers to tips through an interface."""
    return failed("Foursquare takes answers only on its own pages.", is_final=True)


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """Nothing ever leaves."""
    return True


def check(account: Account) -> Checked:
    """What the place is called there; its tips must be open to this key."""
    told = _asked("", account, {"fields": "name"})
    _tips(account, count=1)
    name = payloads.words(told.get("name")) if isinstance(told, dict) else ""
    return Checked(name or _place(account))


def judge(answer: web.Answer) -> Trouble | None:
    """What an answer of Foursquare means."""
    if answer.is_good:
        return None
    said = asking.said_by(answer)
    wish = answer.retry_after_seconds(now=datetime.now(UTC))
    if answer.status == 429:
        return Trouble(
            f"Foursquare asks us to slow down, or its credits are used up{said}.",
            retry_after_seconds=wish or 3600,
        )
    if answer.status in {401, 402, 403}:
        return Trouble(
            f"Foursquare does not let this key do that: it has ended, or nothing is left to pay"
            f" with{said}.",
            is_final=True,
            needs_person=True,
        )
    if answer.status < 500 and answer.status not in asking.PASSING:
        return Trouble(
            f"Foursquare refused it ({answer.status}{said}).", is_final=True, needs_person=True
        )
    return asking.plainly(answer)


def _is_tip(one: Any) -> bool:
    """Whether it has what going on from here needs; `parse` looks at the rest."""
    try:
        return bool(one["fsq_tip_id"]) and bool(_written(one))
    except payloads.WRONG:
        return False


def _written(one: Any) -> datetime:
    found = moment(str(one["created_at"]))
    if found is None:
        raise ValueError("a tip without a date")
    return found


def _link(value: Any, *, place: str) -> str:
    """Where the tip stands, or the place."""
    if isinstance(value, str) and value.startswith("https://foursquare.com/"):
        return value
    return f"https://foursquare.com/v/{place}" if PLACE.fullmatch(place) else ""


def _place(account: Account) -> str:
    place = str(account.settings.get("place") or "").strip()
    if not PLACE.fullmatch(place):
        raise PlaceError("The id of the place is 24 letters and digits.", needs_person=True)
    return place


def _tips(account: Account, *, count: int) -> list[Any]:
    params = {"sort": "NEWEST", "limit": str(count), "fields": FIELDS}
    said = _asked("/tips", account, params)
    if not isinstance(said, list):
        raise PlaceError("Foursquare answered with something that is no list.")
    return said


def _asked(path: str, account: Account, params: dict[str, str]) -> Any:
    base = str(account.settings.get("api_url") or API).rstrip("/")
    return asking.wanted(
        "GET",
        f"{base}/places/{quote(_place(account), safe='')}{path}",
        account=account,
        judge=judge,
        headers={
            "authorization": f"Bearer {account.secrets.get('service_key', '')}",
            "x-places-api-version": VERSION,
        },
        params=params,
    ).json()
