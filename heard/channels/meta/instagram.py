"""Instagram: comments, comments in live videos, mentions, and messages of a professional account.

An author of a comment can be written to privately once, within 7 days; in a live video while it
lasts. A delivery only says where we are mentioned: `look` brings the words.
https://developers.facebook.com/docs/instagram-platform/webhooks
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from heard.channels import asking, payloads
from heard.channels.asking import failed
from heard.channels.base import (
    Abilities,
    Account,
    Act,
    Acting,
    Checked,
    Delivered,
    Elsewhere,
    Heard,
    Incoming,
    Kind,
    Outgoing,
    PlaceError,
    Receipt,
    Setting,
    Unit,
)
from heard.channels.dates import moment
from heard.channels.meta import chats, graph, hooks, messenger

kind = "instagram"
title = "Instagram"
settings = (
    Setting(
        "account_id",
        "Instagram account id",
        help="The long number of the professional account; the Meta app dashboard shows it under"
        " Instagram → API setup.",
    ),
    Setting(
        "signed_in_with",
        "Signed in with",
        help="Where the access token was made.",
        default="instagram",
        choices=(("instagram", "Instagram"), ("facebook", "Facebook, by a Page")),
    ),
    Setting(
        "token",
        "Access token",
        help="In the Meta app dashboard: Instagram → API setup → Generate token.",
        is_secret=True,
    ),
    replace(
        hooks.APP_SECRET,
        help="In the Meta app dashboard: Instagram → API setup → Instagram app secret; of an app"
        " that signs in with Facebook, App settings → Basic → App secret.",
    ),
    hooks.VERIFY_TOKEN,
    chats.HUMAN_AGENT,
    chats.BOTS,
)
LENGTH, CHAT_BYTES = 2200, 1000
REFRESHED_BEFORE = timedelta(days=30)
public = Abilities(
    private_reply=True,
    acts=frozenset({Act.DELETE, Act.SPAM, Act.APPROVE}),
    length=LENGTH,
)
private = Abilities(
    acts=frozenset({Act.LIKE}),
    length=CHAT_BYTES,
    unit=Unit.BYTES,
    window=messenger.WINDOW,
    tells=frozenset({"read"}),
)
has_own_secret = False
heeds = hooks.HEEDS
FIELDS = (
    "comments",
    "live_comments",
    "mentions",
    "messages",
    "message_reactions",
    "messaging_postbacks",
    "messaging_seen",
)
RIGHTS = frozenset(
    {"instagram_basic", "instagram_manage_comments", "instagram_manage_messages"}
    | {"pages_manage_metadata", "pages_show_list"}
)

greet = hooks.greet
authenticate = hooks.authenticate
confirm = hooks.confirm
may_repeat = messenger.may_repeat


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:
    """What was said to our account. Comments tell no time of their own: Meta's of the delivery."""
    ours = str(account.settings.get("account_id") or "")
    us = frozenset({ours, *_also_us(account)})
    said = payloads.read(delivered.body)
    if "looked_at" in said:

        def seen(found: Any) -> Iterator[Heard]:
            yield _mention(found, heard_at=delivered.at)

        yield from payloads.each([said], where="mention", understood=seen)
        return

    def understood(entry: dict[str, Any]) -> Iterator[Heard]:
        told_at = payloads.at(entry["time"], heard_at=delivered.at)

        def change(one: Any) -> Iterator[Heard]:
            field = one["field"]
            if field in chats.FIELDS:
                yield from chats.event(
                    one["value"], account=account, us=ours, heard_at=delivered.at
                )
            elif field in {"comments", "live_comments"}:
                yield _comment(one["value"], us=us, told_at=told_at, is_live=field[0] == "l")
            elif field == "mentions":
                yield _pointed(one["value"], told_at=told_at)
            elif field not in {"story_insights", "messaging_handover"}:
                raise ValueError(f"changes of “{str(field)[:60]}” are not known here")

        yield from payloads.each(entry.get("changes"), where="changes", understood=change)
        yield from chats.heard(entry, account=account, us=ours, heard_at=delivered.at)

    yield from hooks.entries(
        delivered, what="instagram", ours=ours, whose="account", understood=understood
    )


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Answer under a comment or mention, or its author privately, once; or answer a message."""
    item = str(outgoing.answered.get("item") or "")
    if not item:
        return chats.send(outgoing, account, length=CHAT_BYTES, unit=Unit.BYTES)
    if outgoing.is_private:
        return _privately(outgoing, account, item=item)
    if len(outgoing.text) > LENGTH:
        return failed(f"The text is longer than {LENGTH} characters.", is_final=True)
    if item == "mention":
        about = {"media_id": str(outgoing.answered.get("media_id") or "")}
        if outgoing.answered.get("comment_id"):
            about["comment_id"] = str(outgoing.answered["comment_id"])
        return _said(f"{account.settings.get('account_id')}/mentions", outgoing, account, **about)
    if item == "live_comment":
        return failed(
            "A comment in a live video can only be answered privately, while the video lasts.",
            is_final=True,
        )
    return _said(f"{outgoing.parent}/replies", outgoing, account)


def act(acting: Acting, account: Account) -> Receipt:
    """Hide, show or delete a comment; give a message a heart."""
    name = acting.external_id
    if acting.act in {Act.SPAM, Act.APPROVE}:
        hide = "true" if acting.act is Act.SPAM else "false"
        return graph.done("POST", name, account, params={"hide": hide})
    if acting.act is Act.DELETE:
        return graph.done("DELETE", name, account)
    if acting.act is Act.LIKE and acting.root:
        heart = {
            "recipient": {"id": acting.root},
            "sender_action": "react",
            "payload": {"message_id": name, "reaction": "love"},
        }
        return graph.done("POST", "me/messages", account, body=asking.as_json(heart))
    return failed("Instagram does not let us do this to this message.", is_final=True)


def fetch(source: str, account: Account) -> bytes:
    """The bytes of a picture. Meta's addresses for them end after some days."""
    return graph.downloaded(source, account=account, is_ours=False)


def look(source: str, account: Account) -> tuple[Delivered, ...]:
    """The words of a mention; none when it is gone again. Meta does not name who comments."""
    about = json.loads(source)
    media, comment = about["media_id"], about["comment_id"]
    wanted = (
        f"mentioned_comment.comment_id({comment}){{id,text,timestamp,media{{id,permalink}}}}"
        if comment
        else f"mentioned_media.media_id({media}){{id,caption,timestamp,permalink,username}}"
    )
    path = str(account.settings.get("account_id"))
    said = graph.asked("GET", path, account=account, params={"fields": wanted})
    found = said.get("mentioned_comment") or said.get("mentioned_media")
    if not isinstance(found, dict):
        return ()
    body = json.dumps({"looked_at": about, "found": found}, ensure_ascii=False).encode()
    return (Delivered(body, {}, datetime.now(UTC), f"mention/{comment or media}"),)


def check(account: Account) -> Checked:
    """Whose token it is and until when. One of Instagram's own is made young again (60 days)."""
    is_own = account.settings.get("signed_in_with", "instagram") == "instagram"
    wanted = str(account.settings.get("account_id") or "")
    path = "me" if is_own else wanted
    fields = "user_id,username" if is_own else "id,username"
    found = graph.asked("GET", path, account=account, params={"fields": fields})
    if is_own and wanted not in {str(found.get("user_id")), str(found.get("id"))}:
        raise PlaceError(
            f"The token belongs to “{found.get('username')}” ({found.get('user_id')}), not to the"
            f" account {wanted}.",
            needs_person=True,
        )
    if is_own:
        about = _refreshed(account)
        delivers = messenger.subscribed(account, "me/subscribed_apps")
        if missing := [name for name in FIELDS if delivers and name not in delivers]:
            words = f"The account does not deliver {', '.join(missing)} yet: switch it on at Meta."
            about = replace(about, warnings=(*about.warnings, words))
    else:
        try:
            about = graph.checked_token(account, needed=RIGHTS)
        except (PlaceError, KeyError, TypeError, AttributeError):
            about = Checked("", warnings=("Meta did not tell when the token ends.",))
    name = str(found.get("username") or wanted)
    return replace(
        about, account=f"@{name}", found={**about.found, **chats.window(account), "username": name}
    )


def _refreshed(account: Account) -> Checked:
    """When the token ends; in its second month it is exchanged for a younger one."""
    until = moment(str(account.settings.get("token_until") or ""))
    if until is not None and until - datetime.now(UTC) > REFRESHED_BEFORE:
        return Checked("", found={"token_until": until.isoformat()}, expires_at=until)
    if account.renew is None:
        return Checked("", warnings=("A token of Instagram's own ends after 60 days.",))
    try:
        said = graph.asked(
            "GET",
            "refresh_access_token",
            account=account,
            params={
                "grant_type": "ig_refresh_token",
                "access_token": account.secrets.get("token", ""),
            },
        )
        token, seconds = said["access_token"], int(said["expires_in"])
    except (PlaceError, KeyError, TypeError, ValueError):
        # A token of less than a day is not exchanged yet; the next check tries again.
        return Checked("", warnings=("The token was not renewed: it ends 60 days after it began.",))
    account.renew({"token": token})
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    return Checked("", found={"token_until": until.isoformat()}, expires_at=until)


def _also_us(account: Account) -> Iterator[str]:
    name = str(account.settings.get("username") or "").lower()
    if name:
        yield f"@{name}"


def _comment(value: Any, *, us: frozenset[str], told_at: datetime, is_live: bool) -> Incoming:
    name = payloads.name_of(value["id"])
    author = value.get("from") or {}
    username = payloads.words(author.get("username"))
    sender = payloads.name_of(author.get("id") or f"unnamed/{name}", "from.id")
    media = value.get("media") or {}
    root = payloads.name_of(media.get("id") or name, "media.id")
    is_ours = sender in us or f"@{username.lower()}" in us
    extra: dict[str, Any] = {"item": "live_comment" if is_live else "comment", "media_id": root}
    if not is_live and not is_ours:
        extra |= chats.private_until(told_at)
    if media.get("ad_id"):
        extra["ad"] = payloads.words(media.get("ad_title")) or str(media["ad_id"])
    return Incoming(
        external_id=name,
        at=told_at,
        text=payloads.words(value.get("text")) or "(Without words.)",
        sender=sender,
        kind=Kind.REPLY if is_ours else Kind.INCOMING,
        sender_name=username,
        root=root,
        parent=str(value.get("parent_id") or "") or root,
        is_public=True,
        extra=extra,
    )


def _pointed(value: Any, *, told_at: datetime) -> Elsewhere:
    """Where somebody mentions us: all that Meta delivers of it."""
    about = {
        "media_id": payloads.name_of(value["media_id"], "media_id"),
        "comment_id": payloads.name_of(value["comment_id"]) if value.get("comment_id") else "",
        "told_at": told_at.isoformat(),
    }
    return Elsewhere(json.dumps(about))


def _mention(said: Any, *, heard_at: datetime) -> Incoming:
    about, found = said["looked_at"], said["found"]
    media = payloads.name_of(about["media_id"], "media_id")
    comment = payloads.name_of(about["comment_id"]) if about.get("comment_id") else ""
    name = comment or f"mention/{media}"[:300]
    username = payloads.words(found.get("username"))
    link = found.get("permalink") or (found.get("media") or {}).get("permalink")
    extra: dict[str, Any] = {"item": "mention", "media_id": media}
    if comment:
        extra["comment_id"] = comment
    if url := payloads.words(link):
        extra["url"] = url
    text = payloads.words(found.get("text")) or payloads.words(found.get("caption"))
    return Incoming(
        external_id=name,
        at=payloads.at(found.get("timestamp") or about["told_at"], heard_at=heard_at),
        text=text or "(Without words.)",
        sender=f"@{username}" if username else f"unnamed/{name}"[:300],
        sender_name=username or "Somebody on Instagram",
        root=media,
        is_public=True,
        extra=extra,
    )


def _privately(outgoing: Outgoing, account: Account, *, item: str) -> Receipt:
    if item == "mention":
        return failed("The author of a mention cannot be written to privately.", is_final=True)
    return chats.send_privately(
        outgoing, account, recipient="comment_id", length=CHAT_BYTES, unit=Unit.BYTES
    )


def _said(path: str, outgoing: Outgoing, account: Account, **about: str) -> Receipt:
    return graph.handed(
        "POST",
        path,
        account=account,
        body=asking.as_json({"message": outgoing.text, **about}),
        named=lambda said: said["id"],
    )
