"""Slack: what people write in the channels of a community workspace, in threads, and to our app.

Slack delivers what is said where the app is a member. Names of people are only known where Slack
tells them along. https://docs.slack.dev/apis/events-api
"""

from __future__ import annotations

import hmac
import html
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from heard.channels import asking, payloads, terms, web
from heard.channels.asking import Trouble, failed
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
    File,
    Greeting,
    Heard,
    Incoming,
    Kind,
    Outgoing,
    PlaceError,
    Receipt,
    RefusedError,
    SendState,
    SetAside,
    Setting,
)

kind = "slack"
title = "Slack"
settings = (
    Setting(
        "token",
        "Bot token",
        help="api.slack.com/apps → your app → OAuth & Permissions; it begins with xoxb-.",
        is_secret=True,
    ),
    Setting(
        "app_secret",
        "Signing secret",
        help="The same app → Basic Information → App Credentials.",
        is_secret=True,
    ),
    Setting(
        "ours",
        "Member IDs of your own people there",
        help="One a line, such as U012AB3CD: profile → ⋮ → Copy member ID. What they write is an"
        " answer of yours.",
        is_needed=False,
        form="lines",
    ),
)
LENGTH = 4000
"""Slack takes ten times as much, and advises against it."""
ACTS = frozenset({Act.LIKE, Act.EDIT, Act.DELETE})
public = Abilities(acts=ACTS, length=LENGTH, private_reply=True)
private = Abilities(acts=ACTS, length=LENGTH)
has_own_secret = False
heeds = ("x-slack-signature", "x-slack-request-timestamp", "content-type")

API = "https://slack.com"
TOLERANCE_SECONDS = 300
FILE_BYTES = 100 * 1024 * 1024
LIKE = "thumbsup"
SCOPES = ("channels:history", "chat:write", "reactions:write", "files:read")
SAID = frozenset({"", "file_share", "thread_broadcast", "me_message", "bot_message"})
"""Kinds of message events in which somebody says something."""
QUIET = re.compile(
    r"(channel|group|bot|pinned|unpinned|reminder|ekm|huddle|sh|tabbed|workflow)_\w+"
    r"|message_replied|assistant_app_thread|joiner_notification\w*|file_comment|file_mention"
)
"""Kinds in which Slack itself does."""
UNHEARD = frozenset({"app_mention", "reaction_removed", "app_uninstalled", "tokens_revoked"})
"""A mention of the app is delivered as a message too."""
ENDED = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"}
)
FORBIDDEN = {
    "missing_scope": "Slack has not given this app the right to do that: add it under OAuth &"
    " Permissions, and install the app again",
    "no_permission": "the app lacks a right there",
    "not_in_channel": "the app is no member of this channel: invite it there",
    "channel_not_found": "the app cannot see this channel: invite it there",
    "is_archived": "this channel is archived",
    "restricted_action": "this workspace does not let the app write there",
    "msg_too_long": "the text is too long",
    "cannot_dm_bot": "nobody can write to an app there",
}
"""https://docs.slack.dev/reference/methods/chat.postMessage#errors, in words for people."""
FAST = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
OPEN = frozenset(
    {"internal_error", "fatal_error", "request_timeout", "duplicate_message_not_found"}
)
"""Slack says itself that it may have been done all the same."""
_LINK = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")


def authenticate(delivered: Delivered, account: Account) -> None:
    """Let in what is signed with the signing secret within the last five minutes."""
    secret = account.secrets.get("app_secret", "")
    given = delivered.headers.get("x-slack-signature", "")
    stamp = delivered.headers.get("x-slack-request-timestamp", "")
    if not secret or not given or not stamp:
        raise RefusedError(
            "The headers x-slack-signature and x-slack-request-timestamp are needed."
        )
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        raise RefusedError("The header x-slack-request-timestamp is no number of seconds.")
    if abs(delivered.at.timestamp() - int(stamp)) > TOLERANCE_SECONDS:
        raise RefusedError("The delivery is more than five minutes from our clock.")
    content = b"v0:" + stamp.encode() + b":" + delivered.body
    ours = "v0=" + hmac.digest(secret.encode(), content, "sha256").hex()
    if not hmac.compare_digest(given.encode(), ours.encode()):
        raise RefusedError("The signature is not made with the signing secret over these bytes.")


def greet(delivered: Delivered, account: Account) -> Greeting | None:
    """Give back the challenge by which Slack tries the address, if the request is signed."""
    if b"url_verification" not in delivered.body:
        return None
    try:
        said = json.loads(delivered.body)
        is_trial, challenge = said["type"] == "url_verification", str(said.get("challenge"))
    except payloads.WRONG:
        return None
    if not is_trial:
        return None
    authenticate(delivered, account)
    return Greeting(challenge.encode(errors="replace"))


def confirm(delivered: Delivered, account: Account) -> Greeting:  # noqa: ARG001
    """Slack waits three seconds for a 200, and delivers again without."""
    return Greeting(b"OK")


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:
    """What one event says."""
    said = payloads.read(delivered.body)
    what = said.get("type")
    if what == "app_rate_limited":
        reason = "Slack held events back for a minute: more than 30,000 came in an hour"
        yield SetAside(where="events", reason=reason, raw=str(said.get("minute_rate_limited")))
    if what != "event_callback":
        return
    ours = _ours(account)
    site = str(account.settings.get("team_url") or "").rstrip("/")

    def understood(event: Any) -> Iterator[Heard]:
        return _event(event, ours=ours, site=site, heard_at=delivered.at)

    yield from payloads.each([said.get("event")], where="event", understood=understood)


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Answer in the thread, in the direct messages, or privately what was said in a channel."""
    if len(outgoing.text) > LENGTH:
        return failed(f"The text is longer than {LENGTH} characters.", is_final=True)
    place, _, thread = (outgoing.root or outgoing.parent).partition("/")
    if outgoing.is_private:
        thread = ""
        try:
            opened = _asked("conversations.open", {"users": outgoing.to}, account)
            place = payloads.name_of((opened.get("channel") or {}).get("id"))
        except PlaceError as error:
            return _not_opened(error)
        except payloads.WRONG:
            return failed("Slack did not open a conversation with this person.")
    elif not thread:
        thread = str(outgoing.answered.get("thread_ts") or "")
    # Slack takes this key, and has errors about it, but promises nothing: see `may_repeat`.
    key = str(uuid.uuid5(uuid.NAMESPACE_OID, outgoing.idempotency_key))
    message = {
        "channel": place,
        "text": _escaped(outgoing.text),
        "client_msg_id": key,
        **({"thread_ts": thread} if thread else {}),
    }
    return _handed("chat.postMessage", message, account)


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """No: Slack does not promise to see the repetition."""
    return False


def act(acting: Acting, account: Account) -> Receipt:
    """Like with a thumb; change and take back our own."""
    channel, _, ts = acting.external_id.partition("/")
    if acting.act is Act.LIKE:
        fields = {"channel": channel, "timestamp": ts, "name": LIKE}
        return _done("reactions.add", fields, account, done_too="already_reacted")
    if acting.act is Act.EDIT and acting.of_ours:
        fields = {"channel": channel, "ts": ts, "text": _escaped(acting.text)}
        return _done("chat.update", fields, account)
    if acting.act is Act.DELETE and acting.of_ours:
        fields = {"channel": channel, "ts": ts}
        return _done("chat.delete", fields, account, done_too="message_not_found")
    return failed("Slack does not let us do this to this message.", is_final=True)


def fetch(source: str, account: Account) -> bytes:
    """A file. The token goes to Slack and nowhere else."""
    parts = urlsplit(source)
    host = parts.hostname or ""
    if not host.endswith(".slack.com") and host != urlsplit(_api(account)).hostname:
        raise PlaceError(f"{host} is not Slack: nothing is fetched there.", needs_person=True)

    def judged(answer: web.Answer) -> Trouble | None:
        if answer.status in {301, 302, 303}:  # to the page where people sign in
            return Trouble(f"{FORBIDDEN['missing_scope']} (files:read).", needs_person=True)
        return asking.plainly(answer)

    return asking.wanted(
        "GET",
        source,
        account=account,
        judge=judged,
        headers=_headers(account),
        limit_bytes=FILE_BYTES,
        timeout_seconds=60,
    ).body


def check(account: Account) -> Checked:
    """Which app this is in which workspace, and which rights it lacks."""
    answer = _asked_whole("auth.test", {}, account)
    said = answer.json()
    if not said.get("user_id"):
        raise PlaceError(
            "This token is not that of a bot: it begins with xoxb-.", needs_person=True
        )
    given = {one.strip() for one in answer.headers.get("x-oauth-scopes", "").split(",")} - {""}
    lacking = [scope for scope in SCOPES if given and scope not in given]
    warnings = [f"The app lacks the rights {', '.join(lacking)}."] if lacking else []
    return Checked(
        f"{payloads.words(said.get('user'))} in {payloads.words(said.get('team'))}",
        found={"user_id": str(said["user_id"]), "team_url": str(said.get("url") or "")},
        warnings=tuple(warnings),
    )


def judge(answer: web.Answer) -> Trouble | None:
    """What an answer of the Web API means: a refusal comes as 200 too."""
    error = _error(answer)
    if answer.is_good and not error:
        return None
    if error in ENDED:
        return Trouble(
            f"Slack no longer knows the token: install the app again, and put in the new one"
            f" ({error}).",
            is_final=True,
            needs_person=True,
        )
    if error in FAST or answer.status == 429:
        wish = answer.retry_after_seconds(now=datetime.now(UTC))
        return Trouble("Slack asks us to slow down.", retry_after_seconds=wish or 60)
    if error in FORBIDDEN:
        person = error in {"missing_scope", "no_permission"}
        return Trouble(
            f"It was not done: {FORBIDDEN[error]} ({error}).", is_final=True, needs_person=person
        )
    if error in OPEN:
        return Trouble(f"Slack has trouble of its own ({error}).", is_unknown=True)
    if error and error != "service_unavailable" and answer.status < 500:
        return Trouble(f"Slack refused it ({error}).", is_final=True)
    return Trouble("Slack is not available.") if answer.is_good else asking.plainly(answer)


def plain(text: str) -> str:
    """Slack's own marks as people read them: links, mentions, channels, escaped signs."""

    def read(found: re.Match[str]) -> str:
        target, label = found[1], found[2]
        if target.startswith(("@", "#")):
            return target[0] + (label or target[1:])
        if target.startswith("!"):
            return label or "@" + target[1:].partition("^")[0]
        bare = target.removeprefix("mailto:").removeprefix("tel:")
        return f"{label} ({bare})" if label and label not in {target, bare} else bare

    return html.unescape(_LINK.sub(read, text))


def _event(event: Any, *, ours: frozenset[str], site: str, heard_at: datetime) -> Iterator[Heard]:
    what = event["type"]
    if what in UNHEARD:
        return
    if what == "reaction_added":
        item = event["item"]
        if event["user"] in ours and item.get("type") == "message":
            at = payloads.at(event["event_ts"], heard_at=heard_at)
            yield Acknowledged(_name(item["channel"], item["ts"]), at, Act.LIKE)
        return
    if what != "message":
        raise ValueError("an event of a kind that is not known here")
    subtype = event.get("subtype") or ""
    if subtype in {"message_changed", "message_deleted"}:
        yield from _change(event, subtype, ours=ours, heard_at=heard_at)
    elif subtype in SAID:
        yield _message(event, ours=ours, site=site, heard_at=heard_at)
    elif not QUIET.fullmatch(subtype):
        raise ValueError("a message of a kind that is not known here")


def _change(
    event: Mapping[str, Any], subtype: str, *, ours: frozenset[str], heard_at: datetime
) -> Iterator[Heard]:
    """An edit, or what was taken back; a preview that Slack adds to a link is neither."""
    before = event.get("previous_message") or {}
    now = event.get("message") or {}
    name = _name(event["channel"], event.get("deleted_ts") or (now or before)["ts"])
    which = Kind.REPLY if before.get("user", now.get("user")) in ours else Kind.INCOMING
    if subtype == "message_deleted" or now.get("subtype") == "tombstone":
        yield Deleted(name, payloads.at(event["event_ts"], heard_at=heard_at), which)
    elif now.get("edited") and now.get("text") != before.get("text"):
        at = payloads.at(now["edited"]["ts"], heard_at=heard_at)
        yield Edited(name, at, plain(payloads.words(now.get("text"))), kind=which)


def _message(
    event: Mapping[str, Any], *, ours: frozenset[str], site: str, heard_at: datetime
) -> Incoming:
    channel, ts = event["channel"], event["ts"]
    name = _name(channel, ts)
    thread = str(event.get("thread_ts") or "")
    is_direct = event.get("channel_type") == "im"
    sender = payloads.name_of(event.get("user") or event.get("bot_id"), "user")
    who = event.get("user_profile") or {}
    files = tuple(_files(event.get("files")))
    extra: dict[str, Any] = {}
    if site:
        extra["url"] = f"{site}/archives/{channel}/p{ts.replace('.', '')}"
    if is_direct and thread:
        extra["thread_ts"] = thread
    is_ours = sender in ours
    return Incoming(
        external_id=name,
        at=payloads.at(ts, heard_at=heard_at),
        text=plain(payloads.words(event.get("text"))) or ("" if files else "(Without words.)"),
        sender=sender,
        kind=Kind.REPLY if is_ours else Kind.INCOMING,
        sender_name=payloads.words(
            who.get("display_name") or who.get("real_name") or event.get("username")
        )[:200],
        # Direct messages are one conversation, whatever threads are in it.
        root=payloads.name_of(channel) if is_direct else _name(channel, thread or ts),
        parent=_name(channel, thread) if thread and thread != ts else "",
        is_public=event.get("channel_type") == "channel",
        is_automatic=bool(event.get("bot_id")) and not is_ours,
        files=files,
        extra=extra,
    )


def _files(files: Any) -> Iterator[File]:
    for one in files or ():
        source = one.get("url_private_download") or one.get("url_private")
        if not source or one.get("mode") in {"tombstone", "hidden_by_limit", "external"}:
            continue
        yield File(
            payloads.words(one.get("name"))[:200] or "file",
            payloads.words(one.get("mimetype"))[:100] or "application/octet-stream",
            b"",
            source=payloads.words(source)[:4000],
        )


def _name(channel: Any, ts: Any) -> str:
    if not isinstance(channel, str) or not isinstance(ts, str) or not channel or not ts:
        raise ValueError("a message without channel or ts")
    return payloads.name_of(f"{channel}/{ts}")


def _ours(account: Account) -> frozenset[str]:
    """The app, and our own people there."""
    people = terms.lines(account.settings.get("ours"))
    return frozenset(one for one in (*people, account.settings.get("user_id")) if one)


def _escaped(text: str) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text#escaping"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _api(account: Account) -> str:
    return str(account.settings.get("api_url") or API).rstrip("/")


def _headers(account: Account) -> dict[str, str]:
    return {"authorization": f"Bearer {account.secrets.get('token', '')}"}


def _asked_whole(call: str, data: Mapping[str, Any], account: Account) -> web.Answer:
    return asking.wanted(
        "POST",
        f"{_api(account)}/api/{call}",
        account=account,
        judge=judge,
        headers=_headers(account),
        body=_json(data),
    )


def _asked(call: str, data: Mapping[str, Any], account: Account) -> dict[str, Any]:
    said = _asked_whole(call, data, account).json()
    return said if isinstance(said, dict) else {}


def _handed(
    call: str, data: Mapping[str, Any], account: Account, *, judged_by: asking.Judge = judge
) -> Receipt:
    return asking.handed(
        "POST",
        f"{_api(account)}/api/{call}",
        account=account,
        judge=judged_by,
        named=lambda said: _name(said["channel"], said["ts"]),
        headers=_headers(account),
        body=_json(data),
    )


def _done(call: str, data: Mapping[str, Any], account: Account, *, done_too: str = "") -> Receipt:
    """An act; what is so already needs no doing, and what is open is tried again."""

    def judged(answer: web.Answer) -> Trouble | None:
        return None if done_too and _error(answer) == done_too else judge(answer)

    receipt = _handed(call, data, account, judged_by=judged)
    return failed(receipt.reason) if receipt.state is SendState.UNKNOWN else receipt


def _not_opened(error: PlaceError) -> Receipt:
    wish = error.retry_after_seconds
    return Receipt(
        SendState.FAILED,
        reason=str(error),
        retry_after_seconds=None if wish is None else int(wish),
        is_final=error.needs_person,
    )


def _json(data: Mapping[str, Any]) -> asking.Body:
    body = asking.as_json(data)
    return body._replace(content_type="application/json; charset=utf-8")


def _error(answer: web.Answer) -> str:
    """Slack's own word for what went wrong."""
    try:
        said = json.loads(answer.body)
        return "" if said["ok"] is True else str(said.get("error") or "refused")[:80]
    except payloads.WRONG:
        return ""
