"""Trustpilot: reviews of a company, and its answers.

Trustpilot delivers what is written, changed and taken back, if it is told where; our own answers
are found by asking. It signs nothing: a word in the address proves it.
https://developers.trustpilot.com
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from heard.channels import asking, google, payloads, reviews, web
from heard.channels.asking import Trouble, failed
from heard.channels.base import (
    Abilities,
    Account,
    Act,
    Acting,
    Checked,
    Deleted,
    Delivered,
    Fetched,
    Greeting,
    Heard,
    Outgoing,
    PlaceError,
    Receipt,
    RefusedError,
    SendState,
    Setting,
)
from heard.channels.dates import moment

kind = "trustpilot"
title = "Trustpilot"
settings = (
    Setting(
        "business_unit_id",
        "Business unit id",
        help="24 letters and digits; the page about this channel says how to find them.",
    ),
    Setting(
        "api_key",
        "API key",
        help="Trustpilot Business → Integrations → Developers → APIs.",
        is_secret=True,
    ),
    Setting("api_secret", "API secret", help="Beside the API key.", is_secret=True),
    Setting(
        "business_user_id",
        "Business user id",
        help="In whose name answers are given. Without it reviews are heard and not answered.",
        is_needed=False,
    ),
    Setting(
        "word",
        "Word in the address",
        help="A long word of your own, if Trustpilot shall deliver: it stands behind “?word=” in"
        " the address that you give to Trustpilot. Without it heard only asks.",
        is_secret=True,
        is_needed=False,
        is_rare=True,
    ),
)
LENGTH = 10_000
"""Trustpilot names no limit; this is ours."""
public = Abilities(one_reply=True, length=LENGTH, acts=frozenset({Act.DELETE}))
private = None
has_own_secret = False
heeds = ("authorization",)
every_seconds = 300.0

API = "https://api.trustpilot.com"
SIGN_IN = "v1/oauth/oauth-business-users-for-applications/accesstoken"
WORD_LENGTH = 16
FIRST_LOOK = timedelta(days=30)
PAGE, PAGES, SWEEP_TURNS = 100, 5, 12
"""Once an hour the newest 500 are looked through for changes and answers."""
SEEN_LIMIT = PAGE * (PAGES + 2)
WRITTEN, CHANGED, GONE = (
    f"service-review-{what}" for what in ("created", "updated", "deleted")
)  # fmt: skip


def authenticate(delivered: Delivered, account: Account) -> None:
    """Let in what carries the word of this inbox, in the address or as a password in it."""
    word = account.secrets.get("word", "")
    if len(word) < WORD_LENGTH:
        raise RefusedError(f"This inbox has no word of at least {WORD_LENGTH} letters.")
    query = parse_qs(urlsplit(delivered.url).query)
    given = query.get("word", [""])[0] or _password(delivered.headers.get("authorization", ""))
    if not given or not hmac.compare_digest(given.encode(), word.encode()):
        raise RefusedError("The word in the address is missing, or not that of this inbox.")


def confirm(delivered: Delivered, account: Account) -> Greeting:  # noqa: ARG001
    """Trustpilot delivers again what is not answered with 200."""
    return Greeting(b"OK")


def poll(cursor: str, account: Account) -> Fetched:
    """Reviews that are new, changed or newly answered; at first, those of 30 days, 500 at most.

    Changes behind the newest 100 are found within the hour. Raises `PlaceError`.
    """
    now = datetime.now(UTC)
    state: dict[str, Any] = json.loads(cursor) if cursor else {"seen": {}, "turn": -1}
    since = moment(str(state.get("since") or "")) or now - FIRST_LOOK
    state |= {"turn": state["turn"] + 1, "since": since.isoformat()}
    is_sweep = state["turn"] % SWEEP_TURNS == 0
    token = _token(account)
    found: list[Delivered] = []
    for number in range(1, PAGES + 1):
        said = _page(account, token, number=number, count=PAGE)
        every = said.get("reviews") or ()
        page = [one for one in every if _is_review(one)]
        fresh = [*_fresh(page, state["seen"], now=now)]
        found += [one for one, at in fresh if at >= since]
        oldest = min((_written(one) for one in page), default=since)
        if len(every) < PAGE or oldest < since or not (fresh or is_sweep):
            break
    reviews.forget(state["seen"], limit=SEEN_LIMIT)
    return Fetched(tuple(found), json.dumps(state))


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:
    """What Trustpilot delivered, or one review as it was found, with the answer beneath it."""
    said = payloads.read(delivered.body)
    us = str(account.settings.get("business_unit_id") or "us")

    def event(one: Any) -> Iterator[Heard]:
        what, about = one["eventName"], one["eventData"]
        if what == GONE:
            yield Deleted(payloads.name_of(about["id"]), delivered.at)
        elif what in {WRITTEN, CHANGED}:
            yield from _review(about, is_changed=what == CHANGED, at=delivered.at)
        else:
            raise ValueError(f"events “{str(what)[:60]}” are not known here")

    def found(one: Any) -> Iterator[Heard]:
        yield from _review(one, is_changed=said.get("changed") is True, at=delivered.at)

    def answer(one: Any) -> Iterator[Heard]:
        review = said["review"]
        yield from reviews.answer(
            payloads.name_of(review["id"]),
            at=payloads.at(one.get("updatedAt") or one["createdAt"], heard_at=delivered.at),
            text=one["text"],
            sender=us,
            to=_person(review),
        )

    if "events" in said:
        yield from payloads.each(said["events"], where="events", understood=event)
        return
    yield from payloads.each([said.get("review")], where="review", understood=found)
    reply = said["review"].get("companyReply") if isinstance(said.get("review"), dict) else None
    if reply is not None:
        yield from payloads.each([reply], where="companyReply", understood=answer)


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Answer the review in the name of the business user."""
    if len(outgoing.text) > LENGTH:
        return failed(f"The text is longer than {LENGTH} characters.", is_final=True)
    user = str(account.settings.get("business_user_id") or "").strip()
    if not user:
        return failed("Enter the business user in whose name to answer.", is_final=True)
    name = outgoing.root or outgoing.parent
    try:
        token = _token(account)
    except PlaceError as error:
        return google.not_signed_in(error)
    receipt = asking.handed(
        "POST",
        f"{_base(account)}/v1/private/reviews/{quote(name, safe='')}/reply",
        account=account,
        judge=judge,
        named=lambda _: "",  # what it answers is not promised
        headers={"authorization": f"Bearer {token}"},
        body=asking.as_json({"authorBusinessUserId": user, "message": outgoing.text}),
    )
    return reviews.named(receipt, name, outgoing.text)


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """No: Trustpilot does not say what a second answer does."""
    return False


def act(acting: Acting, account: Account) -> Receipt:
    """Take our answer back."""
    review, mark, _ = acting.external_id.rpartition("/answer/")
    if acting.act is not Act.DELETE or not acting.of_ours or not mark:
        return failed("Trustpilot lets us take back our own answers, no more.", is_final=True)
    try:
        token = _token(account)
    except PlaceError as error:
        return google.not_signed_in(error)
    receipt = asking.handed(
        "DELETE",
        f"{_base(account)}/v1/private/reviews/{quote(review, safe='')}/reply",
        account=account,
        judge=lambda answer: None if answer.status == 404 else judge(answer),
        named=lambda _: "",
        headers={"authorization": f"Bearer {token}"},
    )
    return failed(receipt.reason) if receipt.state is SendState.UNKNOWN else receipt


def check(account: Account) -> Checked:
    """What the company is called there; its reviews must be open to this key."""
    token = _token(account)
    told = _asked(f"business-units/{_unit(account)}", account, token, {})
    _page(account, token, number=1, count=1)
    warnings = []
    if not str(account.settings.get("business_user_id") or "").strip():
        warnings.append("Without a business user id reviews are heard and cannot be answered.")
    word = account.secrets.get("word", "")
    if word and len(word) < WORD_LENGTH:
        warnings.append(f"The word in the address needs {WORD_LENGTH} letters: nothing gets in.")
    return Checked(payloads.words(told.get("displayName")) or _unit(account), {}, tuple(warnings))


def judge(answer: web.Answer) -> Trouble | None:
    """What an answer of Trustpilot means."""
    if answer.is_good:
        return None
    said = asking.said_by(answer)
    wish = answer.retry_after_seconds(now=datetime.now(UTC))
    if answer.status == 429:
        return Trouble(f"Trustpilot asks us to slow down{said}.", retry_after_seconds=wish or 300)
    if answer.status in {401, 403}:
        return Trouble(
            f"Trustpilot does not let this key do that: it has ended, or its plan has no such"
            f" right{said}.",
            is_final=True,
            needs_person=True,
        )
    if answer.status < 500 and answer.status not in asking.PASSING:
        return Trouble(
            f"Trustpilot refused it ({answer.status}{said}).", is_final=True, needs_person=True
        )
    return asking.plainly(answer)


def _review(one: Any, *, is_changed: bool, at: datetime) -> Iterator[Heard]:
    name = payloads.name_of(one["id"])
    changed_at = payloads.at(one["updatedAt"], heard_at=at) if one.get("updatedAt") else at
    consumer = one.get("consumer") or {}
    head, text = payloads.words(one.get("title")), payloads.words(one.get("text"))
    # Trustpilot makes a title of the first words where the person wrote none.
    lines = (text,) if text.startswith(head.rstrip("….")) else (head, text)
    order = payloads.words(one.get("referenceId"))
    yield from reviews.review(
        name,
        at=payloads.at(one["createdAt"], heard_at=at),
        words="\n\n".join(line for line in lines if line),
        rating=reviews.stars(one.get("stars")),
        sender=_person(one),
        sender_name=payloads.words(consumer.get("displayName") or consumer.get("name")),
        language=payloads.words(one.get("language"))[:2],
        url=f"https://www.trustpilot.com/reviews/{quote(name, safe='')}",
        changed_at=changed_at if is_changed else None,
        extra={"order": order} if order else {},
    )


def _person(one: Any) -> str:
    """Who wrote it; a review whose author is not told is a person of its own."""
    consumer = one.get("consumer") or {}
    return payloads.name_of(consumer.get("id") or one["id"], "consumer.id")


def _fresh(
    page: list[Any], seen: dict[str, Any], *, now: datetime
) -> Iterator[tuple[Delivered, datetime]]:
    """Those that are not known as they are, and when they were written."""
    for one in page:
        name, reply = str(one["id"]), one.get("companyReply") or {}
        found = reviews.news(
            seen,
            name,
            said=(one.get("title"), one.get("text")),
            rating=one.get("stars"),
            answered=(reply.get("text"),),
        )
        if found is not None:
            body = json.dumps({**found.told(), "review": one}, ensure_ascii=False).encode()
            yield Delivered(body, {}, now, f"{name}/{found.mark}"), _written(one)


def _is_review(one: Any) -> bool:
    """Whether it has what going on from here needs; `parse` looks at the rest."""
    try:
        reply = one.get("companyReply")
        return bool(one["id"]) and bool(_written(one)) and isinstance(reply, dict | None)
    except payloads.WRONG:
        return False


def _written(one: Any) -> datetime:
    found = moment(str(one["createdAt"]))
    if found is None:
        raise ValueError("a review without a date")
    return found


def _password(header: str) -> str:
    """The password of Basic authentication (RFC 7617), as an address with one has it sent."""
    scheme, _, pair = header.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(pair, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _base(account: Account) -> str:
    return str(account.settings.get("api_url") or API).rstrip("/")


def _unit(account: Account) -> str:
    unit = str(account.settings.get("business_unit_id") or "").strip()
    if not (unit.isascii() and unit.isalnum()):
        raise PlaceError("The business unit id is 24 letters and digits.", needs_person=True)
    return unit


def _token(account: Account) -> str:
    """A token for the key itself; good for days, and asked for anew each time."""
    pair = f"{account.secrets.get('api_key', '')}:{account.secrets.get('api_secret', '')}"
    said = asking.wanted(
        "POST",
        f"{_base(account)}/{SIGN_IN}",
        account=account,
        judge=judge,
        headers={"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"},
        body=asking.as_form({"grant_type": "client_credentials"}),
    ).json()
    token = said.get("access_token") if isinstance(said, dict) else None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise PlaceError("Trustpilot answered without a token.")
    return token


def _page(account: Account, token: str, *, number: int, count: int) -> dict[str, Any]:
    params = {"orderBy": "createdat.desc", "perPage": str(count), "page": str(number)}
    return _asked(f"private/business-units/{_unit(account)}/reviews", account, token, params)


def _asked(path: str, account: Account, token: str, params: dict[str, str]) -> dict[str, Any]:
    said = asking.wanted(
        "GET",
        f"{_base(account)}/v1/{path}",
        account=account,
        judge=judge,
        headers={
            "authorization": f"Bearer {token}",
            "apikey": account.secrets.get("api_key", ""),
        },
        params=params,
    ).json()
    if not isinstance(said, dict):
        raise PlaceError("Trustpilot answered with something that is no list.")
    return said
