"""X: mentions, answers, quotes and reposts of us, direct messages, and our own posts.

X bills what is read. Asked, it is heard within a monthly budget in dollars; delivered, it costs
what X's webhooks cost. https://docs.x.com/x-api
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from heard.channels import asking, lengths, payloads, web
from heard.channels.asking import NO_BODY, Body, Trouble, failed
from heard.channels.base import (
    Abilities,
    Account,
    Acknowledged,
    Act,
    Acting,
    Checked,
    Deleted,
    Delivered,
    Edited,
    Fetched,
    File,
    Greeting,
    Heard,
    Incoming,
    Kind,
    NotUnderstoodError,
    Outgoing,
    PlaceError,
    Progress,
    Quota,
    Receipt,
    RefusedError,
    SendState,
    SetAside,
    Setting,
    Unit,
)
from heard.channels.payloads import from_unix
from heard.channels.texts import without_entities

kind = "x"
title = "X"
settings = (
    Setting(
        "api_key",
        "API key",
        help="console.x.com → your app → Keys and tokens → Consumer keys.",
        is_secret=True,
    ),
    Setting("api_secret", "API key secret", help="Shown beside the API key.", is_secret=True),
    Setting(
        "access_token",
        "Access token",
        help="On the same page, made with the right to read, write and send direct messages.",
        is_secret=True,
    ),
    Setting("access_secret", "Access token secret", help="Shown beside the token.", is_secret=True),
    Setting(
        "arrives",
        "How posts arrive",
        help="Asking costs for each post that is found. Delivery needs X's Account Activity API.",
        default="asked",
        choices=(("asked", "heard asks X"), ("delivered", "X delivers to heard")),
    ),
    Setting(
        "budget",
        "Budget for reading, US dollars a month",
        help="heard stops asking when it is spent, and says so.",
        is_needed=False,
        default="20",
        form="number",
        when=("arrives", ("asked",)),
    ),
)
LENGTH, CHAT_LENGTH = 280, 10_000
public = Abilities(
    private_reply=True,
    acts=frozenset({Act.LIKE, Act.SHARE, Act.DELETE}),
    length=LENGTH,
    unit=Unit.WEIGHTED,
)
private = Abilities(length=CHAT_LENGTH, tells=frozenset({"read"}))
has_own_secret = False
heeds = ("x-twitter-webhooks-signature", "content-type")
every_seconds = 60.0

API = "https://api.x.com"
POST_USD, PERSON_USD, OWN_USD = 0.005, 0.010, 0.001
"""What reading one costs by X's price list of April 2026: a post of others, a person, one's own."""
HEARD_USD = POST_USD + PERSON_USD
"""A mention and its author."""
DEFAULT_BUDGET_USD = 20.0
FIRST, PAGE = 5, 100
IDLE_SECONDS = 3600.0
TURNS = {"mentions": 1, "messages": 2, "own": 5}
"""Each so many turns is asked: X allows one question a minute about messages."""
CRC = re.compile(r"[A-Za-z0-9+/=_-]{1,200}")
"""What a challenge looks like: never like a delivery, whose signature is made the same way."""

POST_FIELDS = {
    "tweet.fields": "author_id,created_at,conversation_id,in_reply_to_user_id,referenced_tweets,"
    "lang,public_metrics,edit_history_tweet_ids,attachments,note_tweet",
    "expansions": "author_id,attachments.media_keys",
    "user.fields": "name,username,public_metrics",
    "media.fields": "url,type,preview_image_url",
}
CHAT_FIELDS = {
    "dm_event.fields": "id,text,event_type,created_at,sender_id,dm_conversation_id,attachments",
    "event_types": "MessageCreate",
    "expansions": "sender_id,attachments.media_keys",
    "user.fields": "name,username,public_metrics",
    "media.fields": "url,type,preview_image_url",
}


def greet(delivered: Delivered, account: Account) -> Greeting | None:
    """The answer to X's challenge (CRC), made from the API key secret; None for deliveries."""
    if delivered.method != "GET":
        return None
    challenge = parse_qs(urlsplit(delivered.url).query).get("crc_token", [""])[0]
    secret = account.secrets.get("api_secret", "")
    if not secret or not CRC.fullmatch(challenge):
        raise RefusedError("This is no challenge of X.")
    token = _mark(secret, challenge.encode())
    return Greeting(json.dumps({"response_token": token}).encode(), "application/json")


def authenticate(delivered: Delivered, account: Account) -> None:
    """Let in what is signed with the API key secret over the raw body; else `RefusedError`."""
    secret = account.secrets.get("api_secret", "")
    given = delivered.headers.get("x-twitter-webhooks-signature", "")
    if not secret or not given:
        raise RefusedError("The header x-twitter-webhooks-signature is missing.")
    if not hmac.compare_digest(given.encode(), _mark(secret, delivered.body).encode()):
        raise RefusedError("The signature is not made with the API key secret over these bytes.")


def confirm(delivered: Delivered, account: Account) -> Greeting:  # noqa: ARG001
    """X takes nothing but 200 for an answer, and delivers again after all else."""
    return Greeting(b"OK")


def poll(cursor: str, account: Account) -> Fetched:
    """What is new since the cursor, within the month's budget; at first, the five newest of each.

    The cursor also keeps the month's spending, by X's price list. Raises `PlaceError` when the
    budget is spent.
    """
    if account.settings.get("arrives") == "delivered":
        return Fetched((), cursor, pause_seconds=IDLE_SECONDS)
    now = _now()
    state: dict[str, Any] = json.loads(cursor) if cursor else {}
    month = f"{now:%Y-%m}"
    if state.get("month") != month:
        state |= {"month": month, "usd": 0.0}
    budget = _budget(account)
    if state["usd"] >= budget:
        raise PlaceError(
            f"The month's budget for X is spent: ${state['usd']:.2f} of ${budget:.2f}. Nothing is"
            f" heard there until {_next_month(now):%d %B}, unless the budget is raised.",
            needs_person=True,
        )
    turn = int(state.get("turn", -1)) + 1
    state["turn"] = turn
    found: list[Delivered] = []
    for name, each in TURNS.items():
        if turn % each == 0 or state.get(f"{name}_next"):
            found += _page(name, state, account, now=now)
    left = max(0.0, budget - state["usd"])
    return Fetched(
        tuple(found),
        json.dumps(state, sort_keys=True),
        has_more=any(state.get(f"{name}_next") for name in TURNS),
        quota=Quota(int(left / HEARD_USD), int(budget / HEARD_USD), _next_month(now)),
    )


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:
    """What X delivered, or one item of what was asked for."""
    said = payloads.read(delivered.body)
    us = _us(account)
    if "heard" in said:

        def one(item: Any) -> Iterator[Heard]:
            if item["heard"] == "messages":
                return _chat(item, us=us, heard_at=delivered.at)
            return _post(item, us=us, heard_at=delivered.at)

        yield from payloads.each([said], where="item", understood=one)
        return
    whose = said.get("for_user_id")
    if whose is None:
        raise NotUnderstoodError("This names no account (for_user_id).")
    if str(whose) != us:
        yield SetAside(
            where=f"account {str(whose)[:40]}",
            reason=f"This belongs to another account ({str(whose)[:40]}); this inbox hears {us}.",
        )
        return
    yield from _delivery(said, us=us, heard_at=delivered.at)


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Answer in public beneath the post, or by direct message."""
    if outgoing.is_private or outgoing.root.startswith("dm/"):
        if len(outgoing.text) > CHAT_LENGTH:
            return failed(f"The text is longer than {CHAT_LENGTH} characters.", is_final=True)
        person = outgoing.root.removeprefix("dm/") if not outgoing.is_private else outgoing.to
        is_group = person != outgoing.to and not outgoing.is_private
        path = f"{person}/messages" if is_group else f"with/{outgoing.to}/messages"
        return _handed(
            f"2/dm_conversations/{path}",
            account,
            {"text": outgoing.text},
            named=lambda said: f"dm/{said['data']['dm_event_id']}",
        )
    if lengths.length(outgoing.text, Unit.WEIGHTED) > LENGTH:
        return failed(f"The text is longer than {LENGTH} characters.", is_final=True)
    data: dict[str, Any] = {"text": outgoing.text}
    if outgoing.parent:
        data["reply"] = {"in_reply_to_tweet_id": outgoing.parent}
    return _handed("2/tweets", account, data, named=lambda said: said["data"]["id"])


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """No: X knows no key. It mostly refuses the same words twice, but promises nothing."""
    return False


def composing(text: str, settings: Mapping[str, Any]) -> str:  # noqa: ARG001
    """The page that X names for it (docs.x.com, "Web Intent")."""
    return f"https://x.com/intent/post?text={quote(text)}"


def act(acting: Acting, account: Account) -> Receipt:
    """Like, repost; delete our own."""
    name, us = acting.external_id, _us(account)
    if name.startswith("dm/"):
        return failed("X lets us do this to posts only.", is_final=True)
    if acting.act is Act.LIKE:
        return _done("POST", f"2/users/{us}/likes", account, {"tweet_id": name})
    if acting.act is Act.SHARE:
        return _done("POST", f"2/users/{us}/retweets", account, {"tweet_id": name})
    if acting.act is Act.DELETE and acting.of_ours:
        return _done("DELETE", f"2/tweets/{name}", account)
    return failed("X does not let us do this to this post.", is_final=True)


def check(account: Account) -> Checked:
    """Who we are at X, what this month's reading has cost, and that deliveries come here."""
    me = _asked("GET", "2/users/me", account)["data"]
    warnings: list[str] = []
    quota = None
    if account.settings.get("arrives") == "delivered":
        warnings += _subscribed(account)
    else:
        budget = _budget(account)
        try:
            usage = _asked("GET", "2/usage/tweets", account, token=_app_token(account))["data"]
            spent = int(usage["project_usage"]) * POST_USD
            warnings.append(
                f"This month about ${spent:.2f} of ${budget:.2f} are spent for"
                f" {int(usage['project_usage']):,} posts that were read by this app."
            )
            left = max(0.0, budget - spent)
            quota = Quota(int(left / HEARD_USD), int(budget / HEARD_USD), _next_month(_now()))
        except (PlaceError, KeyError, TypeError, ValueError):
            warnings.append(
                f"X did not tell what was spent. The budget is ${budget:.2f} a month: about"
                f" {int(budget / HEARD_USD):,} mentions with their authors."
            )
    return Checked(
        f"@{me['username']}",
        found={"user_id": str(me["id"]), "username": str(me["username"])},
        warnings=tuple(warnings),
        quota=quota,
    )


def judge(answer: web.Answer) -> Trouble | None:
    """What an answer of X's API means."""
    if answer.is_good:
        return None
    try:
        said = json.loads(answer.body)
        words = str(said.get("detail") or said.get("title") or "")
    except (ValueError, AttributeError, RecursionError):
        words = ""
    quoted = f": “{' '.join(words.split())[:160]}”" if words else ""
    if answer.status == 429:
        return Trouble(f"X asks us to slow down{quoted}.", retry_after_seconds=_until_reset(answer))
    if answer.status == 401:
        return Trouble(
            f"X no longer knows the keys or the token: make new ones and put them in{quoted}.",
            is_final=True,
            needs_person=True,
        )
    if answer.status == 402:
        return Trouble(
            f"The app's credits at X are used up: buy some at console.x.com{quoted}.",
            is_final=True,
            needs_person=True,
        )
    if answer.status == 403 and "duplicate content" in words.lower():
        return Trouble("X refuses the same words twice: it was posted before.", is_final=True)
    if answer.status >= 500:
        return asking.plainly(answer)
    return Trouble(
        f"X refused it{quoted or f' ({answer.status})'}.",
        is_final=True,
        needs_person="oauth" in words.lower() or "permission" in words.lower(),
    )


def signed(
    method: str, url: str, params: Mapping[str, str], account: Account, *, nonce: str, at: datetime
) -> str:
    """The Authorization header of OAuth 1.0a, HMAC-SHA1 (RFC 5849, section 3.4)."""
    own = account.secrets
    proof = {
        "oauth_consumer_key": own.get("api_key", ""),
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(int(at.timestamp())),
        "oauth_token": own.get("access_token", ""),
        "oauth_version": "1.0",
    }
    pairs = sorted((_safe(name), _safe(value)) for name, value in {**params, **proof}.items())
    line = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join((method, _safe(url), _safe(line)))
    key = f"{_safe(own.get('api_secret', ''))}&{_safe(own.get('access_secret', ''))}"
    mark = base64.b64encode(hmac.digest(key.encode(), base.encode(), "sha1")).decode()
    return "OAuth " + ", ".join(
        f'{name}="{_safe(value)}"' for name, value in ({**proof, "oauth_signature": mark}).items()
    )


def _delivery(said: Mapping[str, Any], *, us: str, heard_at: datetime) -> Iterator[Heard]:
    users = said.get("users") if isinstance(said.get("users"), dict) else {}

    def post(one: Any) -> Iterator[Heard]:
        return _old_post(one, us=us, heard_at=heard_at)

    def liked(one: Any) -> Iterator[Heard]:
        if str(one["user"]["id_str"]) == us:
            at = payloads.at(one["timestamp_ms"], heard_at=heard_at)
            yield Acknowledged(payloads.name_of(one["favorited_status"]["id_str"]), at, Act.LIKE)

    def deleted(one: Any) -> Iterator[Heard]:
        status = one["status"]
        which = Kind.REPLY if str(status.get("user_id")) == us else Kind.INCOMING
        at = payloads.at(one["timestamp_ms"], heard_at=heard_at)
        yield Deleted(payloads.name_of(status["id"]), at, which)

    def written(one: Any) -> Iterator[Heard]:
        yield _old_chat(one, users=users or {}, us=us, heard_at=heard_at)

    def read(one: Any) -> Iterator[Heard]:
        if str(one["sender_id"]) != us:
            at = payloads.at(one["created_timestamp"], heard_at=heard_at)
            yield Progress(f"dm/{payloads.name_of(one['last_read_event_id'])}"[:300], at, "read")

    for name, understood in (
        ("tweet_create_events", post),
        ("favorite_events", liked),
        ("tweet_delete_events", deleted),
        ("direct_message_events", written),
        ("direct_message_mark_read_events", read),
    ):
        yield from payloads.each(said.get(name), where=name, understood=understood)
    if "user_event" in said:
        yield SetAside(where="user_event", reason="The account took the app's rights away at X.")


def _post(item: Any, *, us: str, heard_at: datetime) -> Iterator[Heard]:
    """A post as the API tells it when asked."""
    post = item["item"]
    people = {str(one["id"]): one for one in item.get("users") or ()}
    author = payloads.name_of(post["author_id"], "author_id")
    about = {str(one["type"]): str(one["id"]) for one in post.get("referenced_tweets") or ()}
    history = [payloads.name_of(one) for one in post.get("edit_history_tweet_ids") or ()]
    person = people.get(author) or {}
    yield from _said(
        name=history[0] if history else payloads.name_of(post["id"]),
        at=payloads.at(post["created_at"], heard_at=heard_at),
        text=without_entities(payloads.words((post.get("note_tweet") or {}).get("text")))
        or without_entities(payloads.words(post.get("text"))),
        author=author,
        person=(payloads.words(person.get("name")), payloads.words(person.get("username"))),
        us=us,
        root=str(post.get("conversation_id") or ""),
        parent=about.get("replied_to", ""),
        to=str(post.get("in_reply_to_user_id") or ""),
        shares=about.get("retweeted", ""),
        quotes=about.get("quoted", ""),
        audience=(person.get("public_metrics") or {}).get("followers_count"),
        language=payloads.words(post.get("lang")),
        is_edited=len(history) > 1,
        files=tuple(_pictures(item.get("media"))),
    )


def _old_post(post: Any, *, us: str, heard_at: datetime) -> Iterator[Heard]:
    """A post as the Account Activity API delivers it."""
    author = post["user"]
    long = post.get("extended_tweet") or {}
    edits = (post.get("edit_history") or {}).get("edit_tweet_ids") or []
    name = payloads.name_of(post["id_str"])
    parent = str(post.get("in_reply_to_status_id_str") or "")
    shared = post.get("retweeted_status") or {}
    entities = long.get("extended_entities") or post.get("extended_entities") or {}
    media = [
        {"type": one.get("type"), "url": one.get("media_url_https")}
        for one in entities.get("media") or ()
    ]
    yield from _said(
        name=payloads.name_of(edits[0]) if edits else name,
        at=payloads.at(post.get("timestamp_ms") or post["created_at"], heard_at=heard_at),
        text=without_entities(payloads.words(long.get("full_text") or post.get("text"))),
        author=payloads.name_of(author["id_str"], "user.id_str"),
        person=(payloads.words(author.get("name")), payloads.words(author.get("screen_name"))),
        us=us,
        root="" if parent else name,
        parent=parent,
        to=str(post.get("in_reply_to_user_id_str") or ""),
        shares=str(shared.get("id_str") or ""),
        quotes=str(post.get("quoted_status_id_str") or ""),
        audience=author.get("followers_count"),
        language=payloads.words(post.get("lang")),
        is_edited=len(edits) > 1,
        files=tuple(_pictures(media)),
    )


def _said(
    *,
    name: str,
    at: datetime,
    text: str,
    author: str,
    person: tuple[str, str],
    us: str,
    root: str,
    parent: str,
    to: str,
    shares: str,
    quotes: str,
    audience: Any,
    language: str,
    is_edited: bool,
    files: tuple[File, ...],
) -> Iterator[Heard]:
    """A post in our words: said to us, by us, or a repost of either."""
    is_ours = author == us
    if is_ours and shares:
        yield Acknowledged(shares, at, Act.SHARE)
        return
    title, username = person
    extra: dict[str, Any] = {"url": f"https://x.com/{username or 'i'}/status/{name}"}
    extra |= {key: value for key, value in (("shares", shares), ("quotes", quotes)) if value}
    if isinstance(audience, int):
        extra["audience"] = audience
    yield Incoming(
        external_id=name,
        at=at,
        text=text or ("" if files else "(Without words.)"),
        sender=author,
        kind=Kind.REPLY if is_ours else Kind.INCOMING,
        sender_name=f"{title} (@{username})" if title and username else title or username,
        root=root,
        parent=parent or shares or quotes,
        to=to if is_ours else "",
        language=language[:2] if language not in {"und", "zxx", "qme", "art"} else "",
        is_public=True,
        need="recognition" if shares else "",
        files=files,
        extra=extra,
    )
    if is_edited:
        yield Edited(name, at, text, kind=Kind.REPLY if is_ours else Kind.INCOMING)


def _chat(item: Any, *, us: str, heard_at: datetime) -> Iterator[Heard]:
    """A direct message as the API tells it when asked."""
    event = item["item"]
    people = {str(one["id"]): one for one in item.get("users") or ()}
    sender = payloads.name_of(event["sender_id"], "sender_id")
    place = str(event.get("dm_conversation_id") or "")
    pair = place.split("-")
    other = next((one for one in pair if one != us), sender) if len(pair) == 2 else place
    person = people.get(sender) or {}
    yield _message(
        name=payloads.name_of(event["id"]),
        at=payloads.at(event["created_at"], heard_at=heard_at),
        text=without_entities(payloads.words(event.get("text"))),
        sender=sender,
        other=other or sender,
        title=payloads.words(person.get("name")),
        us=us,
        files=tuple(_pictures(item.get("media"))),
    )


def _old_chat(event: Any, *, users: Mapping[str, Any], us: str, heard_at: datetime) -> Incoming:
    """A direct message as the Account Activity API delivers it."""
    created = event["message_create"]
    sender = payloads.name_of(created["sender_id"], "sender_id")
    target = payloads.name_of(created["target"]["recipient_id"], "recipient_id")
    data = created["message_data"]
    media = (data.get("attachment") or {}).get("media") or {}
    found = [{"type": media.get("type"), "url": media.get("media_url_https")}] if media else []
    return _message(
        name=payloads.name_of(event["id"]),
        at=payloads.at(event["created_timestamp"], heard_at=heard_at),
        text=without_entities(payloads.words(data.get("text"))),
        sender=sender,
        other=target if sender == us else sender,
        title=payloads.words((users.get(sender) or {}).get("name")),
        us=us,
        files=tuple(_pictures(found)),
    )


def _message(
    *,
    name: str,
    at: datetime,
    text: str,
    sender: str,
    other: str,
    title: str,
    us: str,
    files: tuple[File, ...],
) -> Incoming:
    is_ours = sender == us
    return Incoming(
        external_id=f"dm/{name}"[:300],
        at=at,
        text=text or ("" if files else "(Without words.)"),
        sender=sender,
        kind=Kind.REPLY if is_ours else Kind.INCOMING,
        sender_name=title,
        root=f"dm/{other}",
        to=other if is_ours else "",
        files=files,
    )


def _pictures(media: Any) -> Iterator[File]:
    """Pictures; of films the still, because X keeps the film behind other doors."""
    for one in media or ():
        url = one.get("url") or one.get("preview_image_url")
        if isinstance(url, str) and url.startswith(("https://", "http://")):
            name = "picture.jpg" if one.get("type") == "photo" else "still.jpg"
            yield File(name, "image/jpeg", b"", source=url)


def _page(
    name: str, state: dict[str, Any], account: Account, *, now: datetime
) -> Iterator[Delivered]:
    """One page of one list; `state` learns where to go on and what it cost.

    Lists begin with the newest. So the page after is asked for until all since last time is here,
    and only then the mark moves.
    """
    us = _us(account)
    since, after = state.get(name, ""), state.get(f"{name}_next", "")
    is_chat = name == "messages"
    params = {**(CHAT_FIELDS if is_chat else POST_FIELDS)}
    params["max_results"] = str(PAGE if since else FIRST)
    if after:
        params["pagination_token"] = after
    if int(since or 0) and not is_chat:
        params["since_id"] = since
    path = {
        "mentions": f"2/users/{us}/mentions",
        "own": f"2/users/{us}/tweets",
        "messages": "2/dm_events",
    }[name]
    said = _asked("GET", path, account, params=params)
    items = [one for one in said.get("data") or () if isinstance(one, dict) and one.get("id")]
    others = said.get("includes") or {}
    people = {str(one.get("id")): one for one in others.get("users") or ()}
    media = {str(one.get("media_key")): one for one in others.get("media") or ()}
    fresh = [one for one in items if int(one["id"]) > int(since or 0)]
    # What was read before on the same day is not billed again.
    authors = {str(one.get("author_id") or one.get("sender_id")) for one in fresh} & people.keys()
    price = POST_USD if name == "mentions" else OWN_USD
    state["usd"] = round(state["usd"] + len(fresh) * price + len(authors) * PERSON_USD, 4)
    newest = max((int(one["id"]) for one in fresh), default=0)
    state[f"{name}_top"] = str(max(newest, int(state.get(f"{name}_top") or 0)))
    next_page = (said.get("meta") or {}).get("next_token") if since else None
    if next_page and len(fresh) == len(items) and items:
        state[f"{name}_next"] = next_page
    else:
        state.pop(f"{name}_next", None)
        state[name] = str(max(int(state.pop(f"{name}_top")), int(since or 0)))
    for one in fresh:
        who = [people[key] for key in (str(one.get("author_id")), str(one.get("sender_id")))
               if key in people]  # fmt: skip
        keys = (one.get("attachments") or {}).get("media_keys") or ()
        envelope = {
            "heard": name,
            "item": one,
            "users": who,
            "media": [media[key] for key in keys if key in media],
        }
        body = json.dumps(envelope, ensure_ascii=False).encode()
        yield Delivered(body, {}, now, f"{'dm' if is_chat else 'post'}/{one['id']}")


def _us(account: Account) -> str:
    """Our account's id: what an access token begins with."""
    return account.secrets.get("access_token", "").partition("-")[0]


def _budget(account: Account) -> float:
    value = account.settings.get("budget")
    return float(value) if isinstance(value, int | float) else DEFAULT_BUDGET_USD


def _next_month(now: datetime) -> datetime:
    later = now.replace(day=1) + timedelta(days=32)
    return later.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _now() -> datetime:
    return datetime.now(UTC)


def _safe(value: str) -> str:
    return quote(value, safe="-._~")


def _mark(secret: str, content: bytes) -> str:
    return "sha256=" + base64.b64encode(hmac.digest(secret.encode(), content, "sha256")).decode()


def _until_reset(answer: web.Answer) -> int:
    """Seconds until X takes questions again: Retry-After, or its own header in seconds of Unix."""
    now = _now()
    wish = answer.retry_after_seconds(now=now)
    if wish is not None:
        return wish
    reset = answer.headers.get("x-rate-limit-reset", "")
    if not (reset.isascii() and reset.isdigit() and len(reset) < 12):
        return 60
    return max(1, min(int((from_unix(int(reset)) - now).total_seconds()) + 1, 24 * 3600))


def _url(path: str, account: Account) -> str:
    return f"{str(account.settings.get('api_url') or API).rstrip('/')}/{path}"


def _proof(method: str, path: str, params: Mapping[str, str], account: Account) -> dict[str, str]:
    nonce = secrets.token_hex(16)
    url = _url(path, account)
    return {"authorization": signed(method, url, params, account, nonce=nonce, at=_now())}


def _asked(
    method: str,
    path: str,
    account: Account,
    *,
    params: Mapping[str, str] | None = None,
    token: str = "",
    body: Body = NO_BODY,
) -> Any:
    """The JSON that X answers, asked as our account, or as the app by its token."""
    headers = (
        {"authorization": f"Bearer {token}"} if token
        else _proof(method, path, params or {}, account)
    )  # fmt: skip
    return asking.wanted(
        method,
        _url(path, account),
        account=account,
        judge=judge,
        headers=headers,
        params=params,
        body=body,
    ).json()


def _app_token(account: Account) -> str:
    """The token of the app itself, which some questions want (RFC 6749, section 4.4)."""
    pair = f"{_safe(account.secrets['api_key'])}:{_safe(account.secrets['api_secret'])}"
    said = asking.wanted(
        "POST",
        _url("oauth2/token", account),
        account=account,
        judge=judge,
        headers={"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"},
        body=asking.as_form({"grant_type": "client_credentials"}),
    ).json()
    return str(said["access_token"])


def _subscribed(account: Account) -> list[str]:
    """Have X deliver here, if it does not yet. What is not done yet, in words."""
    try:
        token = _app_token(account)
        hooks = _asked("GET", "2/webhooks", account, token=token).get("data") or []
        ours = next((one for one in hooks if one.get("url") == account.hook), None)
        if ours is None:
            made = _asked(
                "POST",
                "2/webhooks",
                account,
                token=token,
                body=asking.as_json({"url": account.hook}),
            )
            ours = made.get("data") or made
        if ours.get("valid") is False:
            _asked("PUT", f"2/webhooks/{ours['id']}", account, token=token)
        _asked("POST", f"2/account_activity/webhooks/{ours['id']}/subscriptions/all", account)
    except (PlaceError, KeyError, TypeError, AttributeError) as error:
        if "duplicate" in str(error).lower():
            return []
        return [f"X does not deliver here yet ({error}). Save the inbox, and check it again."]
    return []


def _handed(path: str, account: Account, data: Mapping[str, Any], *, named: Any) -> Receipt:
    return asking.handed(
        "POST",
        _url(path, account),
        account=account,
        judge=judge,
        named=named,
        headers=_proof("POST", path, {}, account),
        body=asking.as_json(data),
    )


def _done(
    method: str, path: str, account: Account, data: Mapping[str, Any] | None = None
) -> Receipt:
    """An act; what is gone already needs no deleting, and a second repost is the first."""

    def judged(answer: web.Answer) -> Trouble | None:
        found = judge(answer)
        if method == "DELETE" and answer.status == 404:
            return None
        return None if found and "already retweeted" in found.reason.lower() else found

    receipt = asking.handed(
        method,
        _url(path, account),
        account=account,
        judge=judged,
        named=lambda _: "",
        headers=_proof(method, path, {}, account),
        body=asking.as_json(data) if data else NO_BODY,
    )
    return failed(receipt.reason) if receipt.state is SendState.UNKNOWN else receipt
