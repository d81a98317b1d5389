"""App Store: reviews of an app, and the answers of its maker, through App Store Connect.

Apple must be asked. It tells neither that nor when a review was changed: that is found by looking
again. https://developer.apple.com/documentation/appstoreconnectapi/customer-reviews
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from heard.channels import asking, payloads, reviews, web, webtokens
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
    SendState,
    Setting,
)
from heard.channels.dates import moment

kind = "app_store"
title = "App Store"
settings = (
    Setting(
        "app_id",
        "Apple ID of the app",
        help="A number: App Store Connect → your app → App Information.",
    ),
    Setting(
        "key_id",
        "Key ID",
        help="App Store Connect → Users and Access → Integrations → App Store Connect API.",
    ),
    Setting(
        "issuer_id",
        "Issuer ID",
        help="Above the list of keys. Leave it empty for an individual key.",
        is_needed=False,
    ),
    Setting(
        "key",
        "Private key",
        help="All that stands in the .p8 file, which can be downloaded once.",
        is_secret=True,
    ),
)
LENGTH = 5970
public = Abilities(one_reply=True, length=LENGTH)
private = None
every_seconds = 300.0

API = "https://api.appstoreconnect.apple.com"
AUDIENCE = "appstoreconnect-v1"
TOKEN_SECONDS = 15 * 60
"""Apple takes no token that is good for more than 20 minutes."""
FIRST_LOOK = timedelta(days=30)
PAGE, PAGES, SWEEP_TURNS = 200, 5, 12
"""Once an hour the newest thousand are looked through for changes and answers."""
SEEN_LIMIT = PAGE * (PAGES + 2)
LIMIT = re.compile(r"user-hour-(lim|rem):(\d{1,9})")


class _Page(NamedTuple):
    """Reviews, their answers by id, where the next page is, and how often we may still ask."""

    reviews: list[Any]
    answers: dict[str, Any]
    after: str
    quota: Quota | None


def poll(cursor: str, account: Account) -> Fetched:
    """Reviews that are new, changed or newly answered; at first, those of 30 days, 1,000 at most.

    Changes behind the newest 200 are found within the hour, in the newest 1,000. Raises
    `PlaceError`.
    """
    now = datetime.now(UTC)
    state: dict[str, Any] = json.loads(cursor) if cursor else {"seen": {}, "turn": -1}
    since = moment(str(state.get("since") or "")) or now - FIRST_LOOK
    state |= {"turn": state["turn"] + 1, "since": since.isoformat()}
    is_sweep = state["turn"] % SWEEP_TURNS == 0
    token = _token(account, now=now)
    found: list[Delivered] = []
    after, quota = "", None
    for _ in range(PAGES):
        page = _page(account, token, after=after)
        after, quota = page.after, page.quota or quota
        fresh = [*_fresh(page, state["seen"], account, now=now)]
        found += [one for one, at in fresh if at >= since]
        oldest = min((_written(one) for one in page.reviews), default=since)
        if not after or oldest < since or not (fresh or is_sweep):
            break
    reviews.forget(state["seen"], limit=SEEN_LIMIT)
    return Fetched(tuple(found), json.dumps(state), quota=quota)


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:  # noqa: ARG001
    """One review, that it was changed, and the answer beneath it."""
    said = payloads.read(delivered.body)

    def understood(one: Any) -> Iterator[Heard]:
        name = payloads.name_of(one["id"])
        about = one["attributes"]
        app = payloads.words(said.get("app"))
        territory = payloads.words(about.get("territory"))
        lines = (payloads.words(about.get("title")), payloads.words(about.get("body")))
        yield from reviews.review(
            name,
            at=payloads.at(about["createdDate"], heard_at=delivered.at),
            words="\n\n".join(line for line in lines if line),
            rating=reviews.stars(about.get("rating")),
            sender=name,
            sender_name=payloads.words(about.get("reviewerNickname")),
            url=f"https://apps.apple.com/app/id{app}?see-all=reviews" if app.isdigit() else "",
            changed_at=delivered.at if said.get("changed") is True else None,
            extra={"territory": territory} if territory else {},
        )

    def answer(one: Any) -> Iterator[Heard]:
        name = payloads.name_of(said["review"]["id"])
        about = one["attributes"]
        yield from reviews.answer(
            name,
            at=payloads.at(about["lastModifiedDate"], heard_at=delivered.at),
            text=about["responseBody"],
            sender=payloads.words(said.get("app")) or "us",
            to=name,
        )

    yield from payloads.each([said.get("review")], where="review", understood=understood)
    if said.get("response") is not None:
        yield from payloads.each([said["response"]], where="response", understood=answer)


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Answer the review. An answer that stands there already is replaced."""
    if len(outgoing.text) > LENGTH:
        return failed(f"The text is longer than {LENGTH} characters.", is_final=True)
    name = outgoing.root or outgoing.parent
    try:
        token = _token(account, now=datetime.now(UTC))
    except PlaceError as error:
        return Receipt(SendState.FAILED, reason=str(error), is_final=error.needs_person)

    def named(said: Any) -> str:
        kept = payloads.words(said["data"]["attributes"]["responseBody"])
        return reviews.answer_name(name, kept)

    data = {
        "type": "customerReviewResponses",
        "attributes": {"responseBody": outgoing.text},
        "relationships": {"review": {"data": {"type": "customerReviews", "id": name}}},
    }
    receipt = asking.handed(
        "POST",
        f"{_base(account)}/customerReviewResponses",
        account=account,
        judge=judge,
        named=named,
        headers={"authorization": f"Bearer {token}"},
        body=asking.as_json({"data": data}),
    )
    return reviews.named(receipt, name, outgoing.text)


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """Yes: the same answer once more takes its own place."""
    return True


def check(account: Account) -> Checked:
    """The name of the app that the key opens."""
    token = _token(account, now=datetime.now(UTC))
    answer = _asked(f"{_base(account)}/apps/{_app(account)}", account, token, {})
    try:
        name = payloads.words(answer.json()["data"]["attributes"]["name"])
    except (LookupError, TypeError):
        name = ""
    return Checked(name or _app(account), quota=_quota(answer))


def judge(answer: web.Answer) -> Trouble | None:
    """What an answer of App Store Connect means."""
    if answer.is_good:
        return None
    said = asking.said_by(answer)
    wish = answer.retry_after_seconds(now=datetime.now(UTC))
    if answer.status == 429:
        return Trouble(f"Apple asks us to slow down{said}.", retry_after_seconds=wish or 300)
    if answer.status == 401:
        return Trouble(
            f"Apple does not take this key: it was revoked, or key and ids do not belong"
            f" together{said}.",
            is_final=True,
            needs_person=True,
        )
    if answer.status == 403:
        return Trouble(
            f"This key may not do that; it needs the role Customer Support or Admin{said}.",
            is_final=True,
            needs_person=True,
        )
    if answer.status < 500:
        # 409 is Apple's word for what it does not take, now or later.
        return Trouble(f"Apple refused it ({answer.status}{said}).", is_final=True)
    return asking.plainly(answer)


def _fresh(
    page: _Page, seen: dict[str, Any], account: Account, *, now: datetime
) -> Iterator[tuple[Delivered, datetime]]:
    """Those that are not known as they are, and when they were written."""
    for one in page.reviews:
        about, name = one["attributes"], str(one["id"])
        response = page.answers.get(_answer_id(one))
        answered = (response or {}).get("attributes") or {}
        found = reviews.news(
            seen,
            name,
            said=(about.get("title"), about.get("body")),
            rating=about.get("rating"),
            answered=(answered.get("responseBody"),),
        )
        if found is not None:
            told = {"app": _app(account), **found.told(), "review": one, "response": response}
            body = json.dumps(told, ensure_ascii=False).encode()
            yield Delivered(body, {}, now, f"{name}/{found.mark}"), _written(one)


def _page(account: Account, token: str, *, after: str) -> _Page:
    params = {"sort": "-createdDate", "limit": str(PAGE), "include": "response"}
    params |= {"cursor": after} if after else {}
    url = f"{_base(account)}/apps/{_app(account)}/customerReviews"
    answer = _asked(url, account, token, params)
    said = answer.json()
    if not isinstance(said, dict):
        raise PlaceError("Apple answered with something that is no list.")
    answers = {
        str(one.get("id")): one
        for one in said.get("included") or ()
        if isinstance(one, dict) and one.get("type") == "customerReviewResponses"
    }
    found = [one for one in said.get("data") or () if _is_review(one)]
    return _Page(found, answers, _next(said), _quota(answer))


def _next(said: dict[str, Any]) -> str:
    """The mark of the next page, out of the address that Apple gives for it."""
    links = said.get("links")
    address = links.get("next") if isinstance(links, dict) else None
    if not isinstance(address, str):
        return ""
    return parse_qs(urlsplit(address).query).get("cursor", [""])[0]


def _is_review(one: Any) -> bool:
    """Whether it has what going on from here needs; `parse` looks at the rest."""
    try:
        return bool(one["id"]) and bool(_written(one))
    except payloads.WRONG:
        return False


def _written(one: Any) -> datetime:
    found = moment(str(one["attributes"]["createdDate"]))
    if found is None:
        raise ValueError("a review without a date")
    return found


def _answer_id(one: Any) -> str:
    try:
        return str(one["relationships"]["response"]["data"]["id"])
    except payloads.WRONG:
        return ""


def _quota(answer: web.Answer) -> Quota | None:
    """`user-hour-lim:3500;user-hour-rem:500;`, of an hour that goes on rolling."""
    told = dict(LIMIT.findall(answer.headers.get("x-rate-limit", "")))
    if "rem" not in told:
        return None
    return Quota(int(told["rem"]), int(told["lim"]) if "lim" in told else None)


def _app(account: Account) -> str:
    app = str(account.settings.get("app_id") or "").strip()
    if not (app.isascii() and app.isdigit()):
        raise PlaceError("The Apple ID of an app is a number.", needs_person=True)
    return app


def _base(account: Account) -> str:
    return f"{str(account.settings.get('api_url') or API).rstrip('/')}/v1"


def _token(account: Account, *, now: datetime) -> str:
    """A token for some minutes; an individual key has no issuer and stands for its user."""
    issuer = str(account.settings.get("issuer_id") or "").strip()
    begin = int(now.timestamp())
    claims = {"iss": issuer} if issuer else {"sub": "user"}
    return webtokens.signed(
        {**claims, "iat": begin, "exp": begin + TOKEN_SECONDS, "aud": AUDIENCE},
        key=account.secrets.get("key", ""),
        key_id=str(account.settings.get("key_id") or "").strip(),
    )


def _asked(url: str, account: Account, token: str, params: dict[str, str]) -> web.Answer:
    return asking.wanted(
        "GET",
        url,
        account=account,
        judge=judge,
        headers={"authorization": f"Bearer {token}"},
        params=params,
    )
