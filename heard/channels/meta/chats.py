"""The messages of Messenger and of Instagram, which share one format, both ways.

A chat has no thread: its root is the person's id. What our side wrote anywhere comes back as an
echo, under the id that sending it had answered.
https://developers.facebook.com/docs/messenger-platform/reference/webhook-events
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from heard.channels import asking, lengths, payloads, web
from heard.channels.asking import failed
from heard.channels.base import (
    Account,
    Deleted,
    Edited,
    File,
    Heard,
    Incoming,
    Kind,
    Outgoing,
    Progress,
    Receipt,
    SetAside,
    Setting,
    Unit,
)
from heard.channels.dates import moment
from heard.channels.meta import graph

QUIET = frozenset(
    {"optin", "referral", "account_linking", "pass_thread_control", "take_thread_control"}
    | {"request_thread_control", "app_roles", "typing", "message_context", "feedback"}
)
"""Events that say nothing a person would answer."""
FIELDS = frozenset(
    {"messages", "message_echoes", "message_edits", "message_edit", "message_reactions"}
    | {"message_deliveries", "message_reads", "messaging_postbacks", "messaging_seen"}
)
"""The fields under which an event may also come as a change: Meta's test button does it so."""
TYPES = {
    "image": ("picture.jpg", "image/jpeg"),
    "video": ("video.mp4", "video/mp4"),
    "audio": ("sound.mp4", "audio/mp4"),
    "file": ("file", "application/octet-stream"),
}
UNSEEN = "(A kind of message that only the app shows.)"

PRIVATE_REPLY = timedelta(days=7)
"""So long after a comment its author can be written to privately, once."""

HUMAN_AGENT = Setting(
    "human_agent",
    "Answer for 7 days",
    help="Yes, if Meta has granted the app the Human Agent permission; without it the window is 24"
    " hours.",
    is_needed=False,
    form="yes",
    is_rare=True,
)
BOTS = Setting(
    "bots",
    "Apps that answer by themselves",
    help="Ids of other apps, one a line, whose messages count as automatic and stop no clock.",
    is_needed=False,
    form="lines",
    is_rare=True,
)


def heard(
    entry: Mapping[str, Any], *, account: Account, us: str, heard_at: datetime
) -> Iterator[Heard]:
    """What the messages of one entry say; also those that another app answers (standby)."""

    def understood(one: Any) -> Iterable[Heard]:
        return event(one, account=account, us=us, heard_at=heard_at)

    for name in ("messaging", "standby"):
        yield from payloads.each(entry.get(name), where=name, understood=understood)


def send(
    outgoing: Outgoing, account: Account, *, length: int, unit: Unit = Unit.CHARACTERS
) -> Receipt:
    """Write to the person; after 24 hours by the human agent's tag, where that was granted."""
    if lengths.length(outgoing.text, unit) > length:
        return failed(f"The text is longer than {length} {unit}.", is_final=True)
    message = {"recipient": {"id": outgoing.to}, "message": {"text": outgoing.text}}
    late = False

    def judged(answer: web.Answer) -> asking.Trouble | None:
        nonlocal late
        late = graph.late(answer)
        return graph.judge(answer)

    sent = _handed({**message, "messaging_type": "RESPONSE"}, account, judged_by=judged)
    if not late or not says_yes(account, "human_agent"):
        return sent
    return _handed({**message, "messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}, account)


def send_privately(
    outgoing: Outgoing,
    account: Account,
    *,
    recipient: str,
    length: int,
    unit: Unit = Unit.CHARACTERS,
) -> Receipt:
    """The one private message to who wrote a comment (`comment_id`) or a post (`post_id`)."""
    if lengths.length(outgoing.text, unit) > length:
        return failed(f"The text is longer than {length} {unit}.", is_final=True)
    until = moment(str(outgoing.answered.get("private_until") or ""))
    if until is not None and datetime.now(UTC) > until:
        return failed(
            "It was written more than 7 days ago: its author cannot be written to privately any"
            " more.",
            is_final=True,
        )
    return _handed(
        {"recipient": {recipient: outgoing.parent}, "message": {"text": outgoing.text}}, account
    )


def private_until(said_at: datetime) -> dict[str, str]:
    """For the `extra` of a comment: until when its author can be written to privately."""
    return {"private_until": (said_at + PRIVATE_REPLY).isoformat()}


def window(account: Account) -> dict[str, int]:
    """How long Meta lets this account write after the person's last message, for the house."""
    return {"window_hours": 7 * 24 if says_yes(account, "human_agent") else 24}


def says_yes(account: Account, name: str) -> bool:
    """Whether a setting was switched on, however it is kept."""
    return str(account.settings.get(name) or "").lower() in {"yes", "true", "1", "on"}


def _handed(
    data: Mapping[str, Any], account: Account, *, judged_by: asking.Judge | None = None
) -> Receipt:
    return graph.handed(
        "POST",
        "me/messages",
        account=account,
        body=asking.as_json(data),
        named=lambda said: said["message_id"],
        judged_by=judged_by,
    )


def event(said: Any, *, account: Account, us: str, heard_at: datetime) -> Iterator[Heard]:
    """What one event says; raises one of `payloads.WRONG` for what is not known."""
    if ruling := said.get("policy_enforcement"):
        reason = f"Meta enforces its policy: {payloads.words(ruling.get('reason'))}"[:300]
        yield SetAside(where="policy_enforcement", reason=reason)
        return
    sender = payloads.name_of(said["sender"]["id"], "sender.id")
    person = payloads.name_of(said["recipient"]["id"], "recipient.id") if sender == us else sender
    kind = Kind.REPLY if sender == us else Kind.INCOMING
    at = payloads.at(said["timestamp"], heard_at=heard_at)
    if "message" in said:
        yield from _message(
            said["message"], account=account, us=us, person=person, kind=kind, at=at
        )
    elif edit := said.get("message_edit"):
        name = payloads.name_of(edit["mid"], "mid")
        yield Edited(name, at, payloads.words(edit.get("text")), kind=kind)
    elif pressed := said.get("postback"):
        yield Incoming(
            external_id=payloads.name_of(pressed.get("mid") or f"{person}/{said['timestamp']}"),
            at=at,
            text=payloads.words(pressed.get("title")) or payloads.words(pressed.get("payload")),
            sender=person,
            root=person,
            extra={"pressed": payloads.words(pressed.get("payload"))},
        )
    elif reaction := said.get("reaction"):
        yield from _reaction(reaction, us=us, person=person, kind=kind, at=at)
    elif delivery := said.get("delivery"):
        for name in delivery.get("mids") or ():
            yield Progress(payloads.name_of(name, "mid"), at, "delivered")
    elif read := said.get("read"):
        if name := read.get("mid"):
            yield Progress(payloads.name_of(name, "mid"), at, "read")
    elif not QUIET & said.keys():
        raise ValueError("an event of a kind that is not known here")


def _message(
    message: Any, *, account: Account, us: str, person: str, kind: Kind, at: datetime
) -> Iterator[Heard]:
    name = payloads.name_of(message["mid"], "mid")
    if message.get("is_deleted") is True:
        yield Deleted(name, at, kind)
        return
    files = tuple(_files(message.get("attachments")))
    text = "\n".join(
        part
        for part in (payloads.words(message.get("text")), *_links(message.get("attachments")))
        if part
    )
    about = message.get("reply_to") or {}
    extra: dict[str, Any] = {}
    if isinstance(about.get("story"), dict):
        extra["url"] = payloads.words(about["story"].get("url"))
    if payload := payloads.words((message.get("quick_reply") or {}).get("payload")):
        extra["pressed"] = payload
    app = str(message.get("app_id") or "")
    yield Incoming(
        external_id=name,
        at=at,
        text=text or ("" if files else UNSEEN),
        sender=us if kind is Kind.REPLY else person,
        kind=kind,
        root=person,
        parent=payloads.name_of(about["mid"], "mid") if about.get("mid") else "",
        to=person if kind is Kind.REPLY else "",
        is_automatic=bool(app) and app in _bots(account),
        files=files,
        extra=extra,
    )


def _bots(account: Account) -> frozenset[str]:
    kept = account.settings.get("bots") or ()
    return frozenset(kept.split() if isinstance(kept, str) else map(str, kept))


def _reaction(
    reaction: Any, *, us: str, person: str, kind: Kind, at: datetime
) -> Iterator[Incoming | Deleted]:
    """A heart is a message of its own: nobody need answer it, and it can be taken back."""
    about = payloads.name_of(reaction["mid"], "mid")
    name = f"reaction/{us if kind is Kind.REPLY else person}/{about}"[:300]
    if reaction.get("action") == "unreact":
        yield Deleted(name, at, kind)
        return
    sign = payloads.words(reaction.get("emoji")) or payloads.words(reaction.get("reaction"))
    yield Incoming(
        external_id=name,
        at=at,
        text=sign,
        sender=us if kind is Kind.REPLY else person,
        kind=kind,
        root=person,
        parent=about,
        to=person if kind is Kind.REPLY else "",
        need="nothing",
        is_automatic=kind is Kind.REPLY,
        extra={"reaction": sign},
    )


def _files(attachments: Any) -> Iterator[File]:
    """Pictures, sounds and files, whose bytes are at Meta's own addresses for a while."""
    for one in attachments or ():
        kind = one.get("type")
        url = (one.get("payload") or {}).get("url")
        if kind in TYPES and isinstance(url, str) and url.startswith(("https://", "http://")):
            name, content_type = TYPES[kind]
            yield File(name, content_type, b"", source=url)


def _links(attachments: Any) -> Iterator[str]:
    """What is shared and not sent: a post, a story, a place."""
    for one in attachments or ():
        payload = one.get("payload") or {}
        if one.get("type") in TYPES and payload.get("url"):
            continue
        where = payload.get("coordinates")
        if isinstance(where, dict):
            yield f"geo:{where.get('lat')},{where.get('long')}"
        title = payloads.words(payload.get("title")) or payloads.words(one.get("title"))
        yield " ".join(part for part in (title, payloads.words(payload.get("url"))) if part)
