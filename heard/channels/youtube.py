"""YouTube: comments under the films of a channel, and the answers among them.

YouTube must be asked, and counts every question: 10,000 units a day as it comes, one for a page of
comments, 50 for an answer. https://developers.google.com/youtube/v3/docs/commentThreads
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from heard.channels import asking, google, payloads, web
from heard.channels.asking import NO_BODY, Body, Trouble, failed
from heard.channels.base import (
    Abilities,
    Account,
    Act,
    Acting,
    Checked,
    Delivered,
    Edited,
    Fetched,
    Grant,
    Heard,
    Incoming,
    Kind,
    Outgoing,
    PlaceError,
    Quota,
    Receipt,
    SendState,
    Setting,
)
from heard.channels.dates import moment

kind = "youtube"
title = "YouTube"
settings = (
    Setting(
        "client_id",
        "OAuth client id",
        help="console.cloud.google.com → APIs & Services → Credentials → OAuth client.",
    ),
    Setting("client_secret", "OAuth client secret", help="Beside the client id.", is_secret=True),
    Setting(
        "refresh_token",
        "Refresh token",
        help="Comes from signing in as the channel; the page about this channel says more.",
        is_secret=True,
        is_rare=True,
    ),
    Setting(
        "units",
        "Units a day",
        help="What Google allows your project; 10,000 unless you were given more.",
        is_needed=False,
        default="10000",
        form="number",
        is_rare=True,
    ),
)
LENGTH = 10_000
public = Abilities(
    acts=frozenset({Act.APPROVE, Act.SPAM, Act.EDIT, Act.DELETE}),
    length=LENGTH,
)
private = None
every_seconds = 300.0

API, TOKEN = "https://www.googleapis.com", "https://oauth2.googleapis.com/token"
SCOPE = "https://www.googleapis.com/auth/youtube.force-ssl"
UNITS_A_DAY = 10_000
READING_SHARE = 0.8
"""What of the day's units asking may use; the rest is for answers."""
PACIFIC = ZoneInfo("America/Los_Angeles")
"""Units begin anew at midnight there."""
FIRST_LOOK = timedelta(days=7)
PAGE, SEEN_LIMIT = 100, 600
SWEEP_TURNS, SWEEP_PAGES, PAGES = 12, 4, 10
"""Every so many turns, the pages behind the first are looked through for new answers."""
SPENT = frozenset({"quotaExceeded", "dailyLimitExceeded"})
TOO_FAST = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})
GONE = frozenset({"commentNotFound", "notFound"})


def poll(cursor: str, account: Account) -> Fetched:
    """Comment threads that are new or have changed since the cursor; at first, those of a week.

    A new answer is found at once in the newest hundred threads, within the hour in the newest four
    hundred. Raises `PlaceError`, also when the day's units are used up.
    """
    now = datetime.now(UTC)
    state: dict[str, Any] = json.loads(cursor) if cursor else {"seen": {}, "turn": -1}
    day = f"{now.astimezone(PACIFIC):%Y-%m-%d}"
    if state.get("day") != day:
        state |= {"day": day, "units": 0}
    limit = int(_units(account) * READING_SHARE)
    if state["units"] >= limit:
        raise PlaceError(
            f"The day's units for asking YouTube are used up ({state['units']:,} of"
            f" {_units(account):,}; the rest is kept for answers).",
            retry_after_seconds=(_midnight(now) - now).total_seconds(),
        )
    since = moment(str(state.get("since") or "")) or now - FIRST_LOOK
    token = _token(account)
    if not state.get("channel"):
        state["channel"] = str(_channel(account, token)["id"])
        state["units"] += 1
    turn = state["turn"] = state["turn"] + 1
    pages = SWEEP_PAGES if cursor and turn % SWEEP_TURNS == 0 else 1
    threads = [
        *_threads(state, account, token, since=since, pages=pages, held=False),
        *_threads(state, account, token, since=since, pages=1, held=True),
    ]
    found = [*_fresh(threads, state, account, token, oldest=None if cursor else since, now=now)]
    newest = max((_at(thread) for thread, _ in threads), default=since)
    state["since"] = max(newest, since).isoformat()
    while len(state["seen"]) > SEEN_LIMIT:
        del state["seen"][next(iter(state["seen"]))]
    return Fetched(
        tuple(found),
        json.dumps(state),
        quota=Quota(max(0, limit - state["units"]), _units(account), _midnight(now)),
    )


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:  # noqa: ARG001
    """The comments of one thread, ours as replies; those that were changed, as edited too."""
    said = payloads.read(delivered.body)
    ours, held = str(said.get("ours") or ""), said.get("held") is True

    def first(thread: Any) -> Iterator[Heard]:
        return _comment(
            thread["snippet"]["topLevelComment"],
            thread=payloads.name_of(thread["id"]),
            ours=ours,
            held=held,
            heard_at=delivered.at,
        )

    def answer(comment: Any) -> Iterator[Heard]:
        root = payloads.name_of(said["thread"]["id"])
        return _comment(comment, thread=root, ours=ours, held=held, heard_at=delivered.at)

    yield from payloads.each([said.get("thread")], where="thread", understood=first)
    yield from payloads.each(said.get("answers"), where="answers", understood=answer)


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Answer beneath the first comment of the thread: YouTube has one level of answers."""
    if len(outgoing.text) > LENGTH:
        return failed(f"The text is longer than {LENGTH} characters.", is_final=True)
    thread = outgoing.root or outgoing.parent.partition(".")[0]
    snippet = {"parentId": thread, "textOriginal": outgoing.text}
    return _handed(
        "POST",
        "comments",
        account,
        params={"part": "snippet"},
        body=asking.as_json({"snippet": snippet}),
    )


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """No: YouTube knows no key by which it would see the repetition."""
    return False


def act(acting: Acting, account: Account) -> Receipt:
    """Publish a comment that is held, hide one; change and delete our own."""
    name = acting.external_id
    if acting.act in {Act.APPROVE, Act.SPAM}:
        status = "published" if acting.act is Act.APPROVE else "rejected"
        params = {"id": name, "moderationStatus": status}
        return _done("POST", "comments/setModerationStatus", account, params=params)
    if acting.act is Act.EDIT and acting.of_ours:
        body = asking.as_json({"id": name, "snippet": {"textOriginal": acting.text}})
        return _done("PUT", "comments", account, params={"part": "snippet"}, body=body)
    if acting.act is Act.DELETE and acting.of_ours:
        return _done("DELETE", "comments", account, params={"id": name})
    return failed("YouTube does not let us do this to this comment.", is_final=True)


def check(account: Account) -> Checked:
    """Which channel the sign-in opens. Costs one unit."""
    channel = _channel(account, _token(account))
    name = payloads.words((channel.get("snippet") or {}).get("title")) or str(channel["id"])
    return Checked(name, found={"channel_id": str(channel["id"])})


def grant(account: Account) -> Grant:
    """Where somebody signs in as the channel. Raises `PlaceError`."""
    return google.grant(account, scope=SCOPE)


def judge(answer: web.Answer) -> Trouble | None:
    """What an answer of Google's API means."""
    if answer.is_good:
        return None
    now = datetime.now(UTC)
    reason, words = _reason(answer)
    quoted = f": “{' '.join(words.split())[:160]}”" if words else ""
    wish = answer.retry_after_seconds(now=now)
    if reason in SPENT:
        seconds = int((_midnight(now) - now).total_seconds())
        return Trouble(
            "The day's units at YouTube are used up; they begin anew at midnight in California.",
            retry_after_seconds=seconds if wish is None else wish,
        )
    if reason in TOO_FAST or answer.status == 429:
        return Trouble(f"YouTube asks us to slow down{quoted}.", retry_after_seconds=wish or 60)
    if answer.status == 401 or reason in {"invalid_grant", "authError"}:
        return Trouble(
            f"The sign-in to YouTube has ended: sign in again, and put in the new token{quoted}.",
            is_final=True,
            needs_person=True,
        )
    if reason in {"insufficientPermissions", "accessNotConfigured", "invalid_client"}:
        return Trouble(
            f"Google does not let this project or sign-in do that{quoted}.",
            is_final=True,
            needs_person=True,
        )
    if answer.status >= 500:
        return asking.plainly(answer)
    return Trouble(f"YouTube refused it ({reason or answer.status}{quoted}).", is_final=True)


def _comment(
    comment: Any, *, thread: str, ours: str, held: bool, heard_at: datetime
) -> Iterator[Heard]:
    name = payloads.name_of(comment["id"])
    about = comment["snippet"]
    author = (about.get("authorChannelId") or {}).get("value") or f"unnamed/{name}"[:300]
    written_at = payloads.at(about["publishedAt"], heard_at=heard_at)
    changed_at = payloads.at(about.get("updatedAt") or about["publishedAt"], heard_at=heard_at)
    text = payloads.words(about.get("textOriginal")) or payloads.words(about.get("textDisplay"))
    which = Kind.REPLY if author == ours else Kind.INCOMING
    video = str(about.get("videoId") or "")
    url = f"https://www.youtube.com/watch?v={video}&lc={name}" if video else ""
    yield Incoming(
        external_id=name,
        at=written_at,
        text=text or "(Without words.)",
        sender=payloads.name_of(author, "authorChannelId"),
        kind=which,
        sender_name=payloads.words(about.get("authorDisplayName")),
        root=thread,
        parent=thread if name != thread else "",
        is_public=not held,
        extra={
            **({"url": url} if url else {}),
            **({"video": video} if video else {}),
            **({"held": True} if held else {}),
        },
    )
    if changed_at > written_at:
        yield Edited(name, changed_at, text, kind=which)


def _threads(
    state: dict[str, Any],
    account: Account,
    token: str,
    *,
    since: datetime,
    pages: int,
    held: bool,
) -> list[tuple[Any, bool]]:
    """Threads, newest first: at least so many pages, and on until what was there last time."""
    found: list[tuple[Any, bool]] = []
    after = ""
    for number in range(PAGES):
        params = {
            "part": "snippet,replies",
            "allThreadsRelatedToChannelId": state["channel"],
            "order": "time",
            "textFormat": "plainText",
            "maxResults": str(PAGE),
            **({"moderationStatus": "heldForReview"} if held else {}),
            **({"pageToken": after} if after else {}),
        }
        said = _asked("commentThreads", account, token, params)
        state["units"] += 1
        page = [one for one in said.get("items") or () if _is_thread(one)]
        found += [(one, held) for one in page]
        after = str(said.get("nextPageToken") or "")
        oldest = min((_at(one) for one in page), default=None)
        if not after or oldest is None or (number + 1 >= pages and oldest <= since):
            break
    return found


def _fresh(
    threads: list[tuple[Any, bool]],
    state: dict[str, Any],
    account: Account,
    token: str,
    *,
    oldest: datetime | None,
    now: datetime,
) -> Iterator[Delivered]:
    """Those that are not known as they are, with all their answers."""
    for thread, held in threads:
        name, answers = str(thread["id"]), (thread.get("replies") or {}).get("comments") or []
        mark = _mark(thread, answers, held=held)
        if state["seen"].get(name) == mark:
            continue
        state["seen"].pop(name, None)
        state["seen"][name] = mark
        if oldest is not None and _at(thread) < oldest:
            continue
        if (thread["snippet"].get("totalReplyCount") or 0) > len(answers):
            answers = _answers(name, state, account, token)
        alone = {key: value for key, value in thread.items() if key != "replies"}
        said = {"ours": state["channel"], "held": held, "thread": alone, "answers": answers}
        body = json.dumps(said, ensure_ascii=False).encode()
        yield Delivered(body, {}, now, f"{name}/{mark}")


def _answers(name: str, state: dict[str, Any], account: Account, token: str) -> list[Any]:
    """All answers of a thread, at most a thousand."""
    found: list[Any] = []
    after = ""
    for _ in range(PAGES):
        params = {
            "part": "snippet",
            "parentId": name,
            "textFormat": "plainText",
            "maxResults": str(PAGE),
            **({"pageToken": after} if after else {}),
        }
        said = _asked("comments", account, token, params)
        state["units"] += 1
        found += said.get("items") or []
        after = str(said.get("nextPageToken") or "")
        if not after:
            break
    return found


def _mark(thread: Any, answers: list[Any], *, held: bool) -> str:
    """What changes when somebody writes or edits, and not when somebody likes."""
    first = thread["snippet"]["topLevelComment"]
    said = [
        (one.get("id"), (one.get("snippet") or {}).get("updatedAt")) for one in (first, *answers)
    ]
    about = json.dumps([said, thread["snippet"].get("totalReplyCount"), held])
    return hashlib.sha256(about.encode()).hexdigest()[:16]


def _is_thread(one: Any) -> bool:
    """Whether it has what going on from here needs; `parse` looks at the rest."""
    try:
        return bool(one["id"]) and _at(one) is not None
    except payloads.WRONG:
        return False


def _at(thread: Any) -> datetime:
    found = moment(str(thread["snippet"]["topLevelComment"]["snippet"]["publishedAt"]))
    if found is None:
        raise ValueError("a comment without a date")
    return found


def _midnight(now: datetime) -> datetime:
    """When the units of the next day begin."""
    there = now.astimezone(PACIFIC)
    tomorrow = (there + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return tomorrow.astimezone(UTC)


def _units(account: Account) -> int:
    value = account.settings.get("units")
    return int(value) if isinstance(value, int | float) and value > 0 else UNITS_A_DAY


def _channel(account: Account, token: str) -> dict[str, Any]:
    said = _asked("channels", account, token, {"part": "snippet", "mine": "true"})
    try:
        found: dict[str, Any] = said["items"][0]
        _ = found["id"]
    except (LookupError, TypeError):
        raise PlaceError(
            "This sign-in has no YouTube channel: sign in as the channel itself.",
            needs_person=True,
        ) from None
    return found


def _base(account: Account) -> str:
    return f"{str(account.settings.get('api_url') or API).rstrip('/')}/youtube/v3"


def _token(account: Account) -> str:
    """An access token for the next hour. Raises `PlaceError`."""
    own = str(account.settings.get("api_url") or "")
    said = asking.wanted(
        "POST",
        f"{own.rstrip('/')}/token" if own else TOKEN,
        account=account,
        judge=judge,
        body=asking.as_form(
            {
                "client_id": str(account.settings.get("client_id") or ""),
                "client_secret": account.secrets.get("client_secret", ""),
                "refresh_token": account.secrets.get("refresh_token", ""),
                "grant_type": "refresh_token",
            }
        ),
    ).json()
    token = said.get("access_token") if isinstance(said, dict) else None
    if not isinstance(token, str):
        raise PlaceError("Google answered without a token.")
    return token


def _asked(path: str, account: Account, token: str, params: Mapping[str, str]) -> Any:
    said = asking.wanted(
        "GET",
        f"{_base(account)}/{path}",
        account=account,
        judge=judge,
        headers={"authorization": f"Bearer {token}"},
        params=params,
    ).json()
    if not isinstance(said, dict):
        raise PlaceError("YouTube answered with something that is no list.")
    return said


def _handed(
    method: str,
    path: str,
    account: Account,
    *,
    params: Mapping[str, str],
    body: Body = NO_BODY,
    judged_by: asking.Judge = judge,
) -> Receipt:
    try:
        token = _token(account)
    except PlaceError as error:
        wish = error.retry_after_seconds
        return Receipt(
            SendState.FAILED,
            reason=str(error),
            retry_after_seconds=None if wish is None else int(wish),
            is_final=error.needs_person,
        )
    return asking.handed(
        method,
        f"{_base(account)}/{path}",
        account=account,
        judge=judged_by,
        named=lambda said: said["id"],
        headers={"authorization": f"Bearer {token}"},
        params=params,
        body=body,
    )


def _done(
    method: str,
    path: str,
    account: Account,
    *,
    params: Mapping[str, str],
    body: Body = NO_BODY,
) -> Receipt:
    """An act; what is gone already needs no deleting."""

    def judged(answer: web.Answer) -> Trouble | None:
        is_gone = method == "DELETE" and _reason(answer)[0] in GONE
        return None if is_gone else judge(answer)

    receipt = _handed(method, path, account, params=params, body=body, judged_by=judged)
    return failed(receipt.reason) if receipt.state is SendState.UNKNOWN else receipt


def _reason(answer: web.Answer) -> tuple[str, str]:
    """Google's own word for what went wrong, and its sentence."""
    try:
        error = json.loads(answer.body).get("error")
        if isinstance(error, str):  # as the sign-in answers
            return error, str(json.loads(answer.body).get("error_description") or "")
        first = (error.get("errors") or [{}])[0]
        return str(first.get("reason") or ""), str(error.get("message") or "")
    except payloads.WRONG:
        return "", ""
