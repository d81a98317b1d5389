"""Discord: what people write in chosen channels of a server, and in their threads.

A bot asks for the newest messages of each; what changed or is missing among them was edited or
taken back. https://docs.discord.com/developers/resources/message
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from heard.channels import asking, lengths, payloads, terms, web
from heard.channels.asking import NO_BODY, Body, Trouble, failed
from heard.channels.base import (
    Abilities,
    Account,
    Act,
    Acting,
    Checked,
    Deleted,
    Delivered,
    Edited,
    Fetched,
    File,
    Heard,
    Incoming,
    Kind,
    Outgoing,
    PlaceError,
    Quota,
    Receipt,
    SendState,
    Setting,
    Unit,
)

kind = "discord"
title = "Discord"
settings = (
    Setting(
        "token",
        "Bot token",
        help="discord.com/developers/applications → your application → Bot → Reset Token.",
        is_secret=True,
    ),
    Setting(
        "channels",
        "Channels to hear",
        help="Their ids, one a line: right click on the channel → Copy Channel ID (Developer Mode"
        " shows it). Threads and forum posts in them are heard too.",
        form="lines",
    ),
    Setting(
        "ours",
        "User ids of your own people there",
        help="One a line. What they write is an answer of yours.",
        is_needed=False,
        form="lines",
    ),
)
LENGTH = 2000
public = Abilities(acts=frozenset({Act.LIKE, Act.EDIT, Act.DELETE}), length=LENGTH, unit=Unit.UTF16)
private = None
every_seconds = 60.0

API, SITE = "https://discord.com/api/v10", "https://discord.com/channels"
LIKE = "%F0%9F%91%8D"
"""A thumb."""
PAGE, PAGES, THREADS = 100, 5, 40
FIRST_LOOK = timedelta(days=2)
EPOCH_MS = 1_420_070_400_000
"""The first moment of 2015, where Discord's ids begin to count."""
SAID = frozenset({0, 19, 20, 23})
"""Kinds of messages in which somebody says something: plain, an answer, a command."""
READS_WORDS = (1 << 18) | (1 << 19)
"""Flags of an application that may read what messages say."""
REPEATABLE = timedelta(minutes=2)
"""Discord knows a nonce again for "a few minutes"."""
GONE = frozenset({10003, 10008})
"""Unknown channel, unknown message."""
REFUSED = {
    10003: "the channel or thread is gone",
    10008: "the message was taken back",
    50001: "the bot cannot see this channel",
    50005: "only its author can change a message",
    50013: "the bot lacks the right to write there",
    50083: "the thread is closed",
    160005: "the thread is locked",
    90001: "the person has blocked the bot",
}
_MARK = re.compile(r"<(?:(@[!&]?|#)(\d{1,20})|a?(:\w{1,40}:)\d{1,20})>", re.ASCII)
_ID = re.compile(r"\d{15,20}", re.ASCII)


def poll(cursor: str, account: Account) -> Fetched:
    """What is new, changed or missing since the cursor; at first, what two days brought.

    Edits and deletions are followed among the hundred newest of each channel and thread.
    """
    now = datetime.now(UTC)
    state: dict[str, Any] = json.loads(cursor) if cursor else {}
    asking = _Asking(account)
    me = str(state.get("me") or asking.get("users/@me").get("id") or "")
    ours = {me, *terms.lines(account.settings.get("ours"))}
    places: dict[str, dict[str, Any]] = dict(state.get("places") or {})
    known: dict[str, dict[str, Any]] = {}
    for name in _channels(account):
        known[name] = places.get(name) or _place(asking.get(f"channels/{name}"))
    for guild in sorted({one["guild"] for one in known.values()} - {""}):
        for thread in _threads(asking, guild, set(known)):
            known[thread["id"]] = places.get(thread["id"]) or _place(thread)
    deliveries = [
        delivery
        for name, place in known.items()
        if not place["is_forum"]
        for delivery in _fresh(name, place, asking, ours=ours, now=now)
    ]
    return Fetched(tuple(deliveries), json.dumps({"me": me, "places": known}), quota=asking.quota)


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:  # noqa: ARG001
    """One message, as it is now, or that it is gone."""
    said = payloads.read(delivered.body)

    def understood(message: Any) -> Iterator[Heard]:
        return _message(message, said=said, heard_at=delivered.at)

    yield from payloads.each([said.get("message")], where="message", understood=understood)


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Answer the message, in its channel or thread."""
    if lengths.length(outgoing.text, Unit.UTF16) > LENGTH:
        return failed(f"The text is longer than {LENGTH:,} characters.", is_final=True)
    channel, _, message = (outgoing.parent or outgoing.root).partition("/")
    said: dict[str, Any] = {
        "content": outgoing.text,
        "nonce": hashlib.sha256(outgoing.idempotency_key.encode()).hexdigest()[:25],
        "enforce_nonce": True,
        "allowed_mentions": {"parse": [], "replied_user": True},
    }
    if message:
        said["message_reference"] = {"message_id": message, "fail_if_not_exists": False}
    return _handed("POST", f"channels/{channel}/messages", account, body=asking.as_json(said))


def may_repeat(outgoing: Outgoing) -> bool:
    """As long as Discord knows the nonce again."""
    return outgoing.at is not None and datetime.now(UTC) - outgoing.at < REPEATABLE


def act(acting: Acting, account: Account) -> Receipt:
    """Like with a thumb; change and take back what the bot said."""
    channel, _, message = acting.external_id.partition("/")
    path = f"channels/{channel}/messages/{message}"
    if acting.act is Act.LIKE:
        receipt = _handed("PUT", f"{path}/reactions/{LIKE}/@me", account)
    elif acting.act is Act.EDIT and acting.of_ours:
        body = asking.as_json({"content": acting.text, "allowed_mentions": {"parse": []}})
        receipt = _handed("PATCH", path, account, body=body)
    elif acting.act is Act.DELETE and acting.of_ours:
        receipt = _handed("DELETE", path, account, done_too=GONE)
    else:
        return failed("Discord does not let us do this to this message.", is_final=True)
    return failed(receipt.reason) if receipt.state is SendState.UNKNOWN else receipt


def check(account: Account) -> Checked:
    """Which bot this is, whether it may read words, and whether it sees each channel."""
    asking = _Asking(account)
    said = asking.get("users/@me")
    warnings: list[str] = []
    try:
        flags = asking.get("applications/@me").get("flags")
        if isinstance(flags, int) and not flags & READS_WORDS:
            warnings.append("Switch on “Message Content Intent” (Bot): the bot reads no words.")
    except PlaceError as error:
        warnings.append(f"What the bot may read could not be seen: {error}")
    for name in _channels(account):
        try:
            asking.get(f"channels/{name}")
        except PlaceError as error:
            warnings.append(f"Channel {name}: {error}")
    account_name = payloads.words(said.get("global_name")) or payloads.words(said.get("username"))
    return Checked(
        account_name, found={"user_id": str(said.get("id") or "")}, warnings=tuple(warnings)
    )


def judge(answer: web.Answer) -> Trouble | None:
    """What an answer of Discord means."""
    if answer.is_good:
        return None
    said = _said(answer)
    words = " ".join(str(said.get("message") or "").split())[:160]
    quoted = f": “{words}”" if words else ""
    code = said.get("code")
    if answer.status == 401:
        return Trouble(
            f"Discord no longer knows the bot's token: reset it, and put in the new one{quoted}.",
            is_final=True,
            needs_person=True,
        )
    if answer.status == 429:
        told = said.get("retry_after")
        wish = answer.retry_after_seconds(now=datetime.now(UTC))
        wait = math.ceil(told) if isinstance(told, int | float) and 0 <= told < 86_400 else wish
        return Trouble(f"Discord asks us to slow down{quoted}.", retry_after_seconds=wait or 1)
    if code in REFUSED:
        return Trouble(f"Discord refused it: {REFUSED[code]} ({code}).", is_final=True)
    if answer.status >= 500:
        return asking.plainly(answer)
    return Trouble(f"Discord refused it ({code or answer.status}{quoted}).", is_final=True)


class _Asking:
    """One turn of questions, with the tightest limit that Discord told on the way."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.quota: Quota | None = None

    def ask(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """One answer. Raises `PlaceError`."""
        answer = asking.wanted(
            "GET",
            f"{_api(self.account)}/{path}",
            account=self.account,
            judge=judge,
            headers=_headers(self.account),
            params=params,
        )
        found = _quota(answer)
        if found is not None and (self.quota is None or found.left < self.quota.left):
            self.quota = found
        return answer.json()

    def get(self, path: str) -> dict[str, Any]:
        """One answer that is an object. Raises `PlaceError`."""
        said = self.ask(path)
        if not isinstance(said, dict):
            raise PlaceError("Discord answered with something unexpected.")
        return said

    def messages(self, channel: str, *, after: int) -> list[dict[str, Any]]:
        """The newest messages, newest first: one page, and on until those heard before."""
        found: list[dict[str, Any]] = []
        for _ in range(PAGES):
            params = {"limit": str(PAGE), **({"before": found[-1]["id"]} if found else {})}
            page = self.ask(f"channels/{channel}/messages", params)
            if not isinstance(page, list):
                raise PlaceError("Discord answered with something that is no list.")
            named = [one for one in page if _is_named(one)]
            found += named
            if len(named) < PAGE or int(named[-1]["id"]) <= after:
                break
        return found


def _fresh(
    name: str, place: dict[str, Any], asking: _Asking, *, ours: set[str], now: datetime
) -> Iterator[Delivered]:
    """What is new, changed or gone in one channel or thread; `place` is kept up."""
    is_first = not place.get("last")
    last = int(place.get("last") or _id_at(now - FIRST_LOOK))
    seen: dict[str, list[Any]] = place.get("seen") or {}
    messages = asking.messages(name, after=last)[: PAGE if is_first else PAGE * PAGES]
    there = {one["id"] for one in messages}
    oldest = min((int(one["id"]) for one in messages), default=0)
    about = {"guild": place["guild"], "channel": name, "parent": place["parent"]}
    for gone in [one for one in seen if int(one) >= oldest and one not in there]:
        is_ours = seen.pop(gone)[1]
        said = {**about, "is_ours": is_ours, "message": {"id": gone, "is_gone": True}}
        yield Delivered(_json(said), {}, now, f"{gone}/gone")
    for one in reversed(messages):
        mark = str(one.get("edited_timestamp") or "")
        known = seen.get(one["id"])
        if (known is None and int(one["id"]) <= last) or (known and known[0] == mark):
            continue
        is_ours = (one.get("author") or {}).get("id") in ours
        seen[one["id"]] = [mark, is_ours]
        said = {**about, "is_ours": is_ours, "message": one}
        yield Delivered(_json(said), {}, now, f"{one['id']}/{mark}")
    newest = sorted(seen, key=int)[-PAGE:]
    place["seen"] = {one: seen[one] for one in newest}
    place["last"] = str(max([last, *(int(one["id"]) for one in messages)]))


def _message(message: Any, *, said: Mapping[str, Any], heard_at: datetime) -> Iterator[Heard]:
    channel = payloads.name_of(said.get("channel"), "channel")
    name = payloads.name_of(f"{channel}/{payloads.name_of(message['id'])}")
    is_ours = said.get("is_ours") is True
    which = Kind.REPLY if is_ours else Kind.INCOMING
    if message.get("is_gone") is True:
        yield Deleted(name, heard_at, which)
        return
    if message["type"] not in SAID:
        return
    author = message["author"]
    text, files = _words(message), tuple(_files(message.get("attachments")))
    answers = (message.get("message_reference") or {}).get("message_id")
    above = payloads.words(said.get("parent"))
    # A thread has the id of the message from which it was opened.
    root = f"{above}/{channel}" if above else "" if answers else name
    guild = payloads.words(said.get("guild"))
    yield Incoming(
        external_id=name,
        at=payloads.at(message["timestamp"], heard_at=heard_at),
        text=text or ("" if files else "(Without words.)"),
        sender=payloads.name_of(author["id"], "author"),
        kind=which,
        sender_name=payloads.words(author.get("global_name") or author.get("username"))[:200],
        root=root,
        parent=payloads.name_of(f"{channel}/{answers}") if answers else "",
        is_public=True,
        is_automatic=bool(author.get("bot") or message.get("webhook_id")) and not is_ours,
        files=files,
        extra={"url": f"{SITE}/{guild}/{name}"} if guild else {},
    )
    if message.get("edited_timestamp"):
        at = payloads.at(message["edited_timestamp"], heard_at=heard_at)
        yield Edited(name, at, text, kind=which)


def _words(message: Mapping[str, Any]) -> str:
    """What it says, with names in place of the ids that Discord writes."""
    names = {
        str(one.get("id")): payloads.words(one.get("global_name") or one.get("username"))
        for one in message.get("mentions") or ()
    }

    def read(found: re.Match[str]) -> str:
        if found[3]:
            return found[3]
        return found[1][0] + (names.get(found[2]) or found[2])

    return _MARK.sub(read, payloads.words(message.get("content")))


def _files(attachments: Any) -> Iterator[File]:
    for one in attachments or ():
        yield File(
            payloads.words(one.get("filename"))[:200] or "file",
            payloads.words(one.get("content_type"))[:100] or "application/octet-stream",
            b"",
            source=payloads.words(one["url"])[:4000],
        )


def _threads(asking: _Asking, guild: str, channels: set[str]) -> list[dict[str, Any]]:
    """The open threads of our channels, those with the newest words."""
    found = asking.get(f"guilds/{guild}/threads/active").get("threads")
    ours = [one for one in found or () if _is_named(one) and one.get("parent_id") in channels]
    ours.sort(key=lambda one: str(one.get("last_message_id") or one["id"]).zfill(20))
    return ours[-THREADS:]


def _place(channel: Mapping[str, Any]) -> dict[str, Any]:
    """What is remembered of a channel, or of a thread in one."""
    is_thread = channel.get("type") in {10, 11, 12}
    return {
        "guild": str(channel.get("guild_id") or ""),
        "parent": str(channel.get("parent_id") or "") if is_thread else "",
        "is_forum": channel.get("type") in {15, 16},  # all its messages are in threads
    }


def _is_named(one: Any) -> bool:
    name = one.get("id") if isinstance(one, dict) else None
    return isinstance(name, str) and _ID.fullmatch(name) is not None


def _id_at(at: datetime) -> int:
    """The id that a message of that moment would have.

    https://docs.discord.com/developers/reference#snowflakes
    """
    return (int(at.timestamp() * 1000) - EPOCH_MS) << 22


def _channels(account: Account) -> list[str]:
    """The chosen channels. Raises `PlaceError` for what is no id."""
    names = list(terms.lines(account.settings.get("channels")))
    for name in names:
        if not _ID.fullmatch(name):
            raise PlaceError(f"“{name[:40]}” is no id of a channel.", needs_person=True)
    if not names:
        raise PlaceError("There is no channel to hear.", needs_person=True)
    return names


def _api(account: Account) -> str:
    return str(account.settings.get("api_url") or API).rstrip("/")


def _headers(account: Account) -> dict[str, str]:
    return {
        "authorization": f"Bot {account.secrets.get('token', '')}",
        "user-agent": "DiscordBot (heard, 1)",
    }


def _handed(
    method: str,
    path: str,
    account: Account,
    *,
    body: Body = NO_BODY,
    done_too: frozenset[int] = frozenset(),
) -> Receipt:
    def judged(answer: web.Answer) -> Trouble | None:
        is_done = not answer.is_good and _said(answer).get("code") in done_too
        return None if is_done else judge(answer)

    return asking.handed(
        method,
        f"{_api(account)}/{path}",
        account=account,
        judge=judged,
        named=lambda said: f"{said['channel_id']}/{said['id']}",
        headers=_headers(account),
        body=body,
    )


def _said(answer: web.Answer) -> dict[str, Any]:
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _quota(answer: web.Answer) -> Quota | None:
    """https://docs.discord.com/developers/topics/rate-limits#header-format"""
    try:
        left = int(answer.headers["x-ratelimit-remaining"])
        of = int(answer.headers["x-ratelimit-limit"])
        return Quota(left, of, payloads.from_unix(float(answer.headers["x-ratelimit-reset"])))
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def _json(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False).encode(errors="replace")
