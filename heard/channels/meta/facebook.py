"""A Facebook Page: posts, comments, recommendations, and mentions; and the messages to the Page.

Meta delivers all of them to one address of an app, so one inbox hears both sides. The Page's own
posts and comments come as replies. https://developers.facebook.com/docs/graph-api/webhooks
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from heard.channels import asking, payloads
from heard.channels.asking import failed
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
    Heard,
    Incoming,
    Kind,
    Outgoing,
    Receipt,
)
from heard.channels.meta import chats, graph, hooks, messenger

kind = "facebook"
title = "Facebook Page"
settings = messenger.settings
LENGTH = 8000
public = Abilities(
    private_reply=True,
    acts=frozenset({Act.LIKE, Act.EDIT, Act.DELETE, Act.SPAM, Act.APPROVE}),
    length=LENGTH,
)
private = messenger.private
has_own_secret = False
heeds = hooks.HEEDS
FIELDS = ("feed", "ratings", "mention", *messenger.FIELDS)
RIGHTS = messenger.RIGHTS | {"pages_read_user_content", "pages_manage_engagement"}

POSTS = frozenset({"post", "status", "photo", "video", "link", "album", "event", "note", "share"})
WRITTEN, CHANGED = frozenset({"add"}), frozenset({"edit", "edited", "update"})

greet = hooks.greet
authenticate = hooks.authenticate
confirm = hooks.confirm
may_repeat = messenger.may_repeat
fetch = messenger.fetch


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:
    """What happened at our Page, in public and in messages."""
    ours = str(account.settings.get("page_id") or "")

    def understood(entry: dict[str, Any]) -> Iterator[Heard]:
        def change(one: Any) -> Iterator[Heard]:
            if one["field"] in chats.FIELDS:
                return chats.event(one["value"], account=account, us=ours, heard_at=delivered.at)
            return _change(one, us=ours, entry=entry, heard_at=delivered.at)

        yield from payloads.each(entry.get("changes"), where="changes", understood=change)
        yield from chats.heard(entry, account=account, us=ours, heard_at=delivered.at)

    yield from hooks.entries(delivered, what="page", ours=ours, whose="Page", understood=understood)


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Comment under what is answered; or write to its author, once; or answer a message."""
    item = str(outgoing.answered.get("item") or "")
    if item and not outgoing.is_private:
        return _commented(outgoing, account)
    if item == "review" or outgoing.answered.get("mention"):
        return failed(
            "Facebook lets us write privately only to who posted or commented at our Page.",
            is_final=True,
        )
    if item:
        to = "comment_id" if item == "comment" else "post_id"
        return chats.send_privately(outgoing, account, recipient=to, length=messenger.LENGTH)
    return messenger.send(outgoing, account)


def act(acting: Acting, account: Account) -> Receipt:
    """Like, hide or show; change or delete a comment of our own."""
    name = acting.external_id
    if acting.act is Act.LIKE:
        return graph.done("POST", f"{name}/likes", account)
    if acting.act in {Act.SPAM, Act.APPROVE}:
        return graph.done("POST", name, account, body=_json(is_hidden=acting.act is Act.SPAM))
    if acting.act is Act.EDIT and acting.of_ours:
        return graph.done("POST", name, account, body=_json(message=acting.text))
    if acting.act is Act.DELETE and acting.of_ours:
        return graph.done("DELETE", name, account)
    return failed("Facebook does not let us do this to this message.", is_final=True)


def check(account: Account) -> Checked:
    """Whether the token is our Page's, and whether the Page delivers what we want to hear."""
    return messenger.checked_page(account, fields=FIELDS, rights=RIGHTS)


def _commented(outgoing: Outgoing, account: Account) -> Receipt:
    if len(outgoing.text) > LENGTH:
        return failed(f"The text is longer than {LENGTH} characters.", is_final=True)
    return graph.handed(
        "POST",
        f"{outgoing.parent or outgoing.root}/comments",
        account=account,
        body=asking.as_json({"message": outgoing.text}),
        named=lambda said: said["id"],
    )


def _json(**data: Any) -> asking.Body:
    return asking.as_json(data)


def _change(change: Any, *, us: str, entry: dict[str, Any], heard_at: datetime) -> Iterator[Heard]:
    field, value = change["field"], change["value"]
    told_at = payloads.at(entry["time"], heard_at=heard_at)
    if field == "feed":
        yield from _feed(value, us=us, told_at=told_at)
    elif field == "ratings":
        yield from _rating(value, us=us, told_at=told_at)
    elif field == "mention":
        yield from _mention(value, us=us, told_at=told_at)
    else:
        raise ValueError(f"changes of “{str(field)[:60]}” are not known here")


def _feed(value: Any, *, us: str, told_at: datetime) -> Iterator[Heard]:
    item, verb = value["item"], value.get("verb")
    author = value.get("from") or {}
    which = Kind.REPLY if str(author.get("id") or "") == us else Kind.INCOMING
    if item in {"reaction", "like"}:
        if which is Kind.REPLY and verb == "add":
            about = value.get("comment_id") or value["post_id"]
            yield Acknowledged(payloads.name_of(about), told_at, Act.LIKE)
        return
    if item == "comment":
        name = payloads.name_of(value["comment_id"], "comment_id")
    elif item in POSTS:
        name = payloads.name_of(value["post_id"], "post_id")
    else:
        return
    if verb in WRITTEN:
        yield _written(value, name, item=item, which=which, told_at=told_at)
    elif verb in CHANGED:
        yield Edited(name, told_at, _text(value), kind=which)
    elif verb in {"remove", "delete"}:
        yield Deleted(name, told_at, which)


def _written(value: Any, name: str, *, item: str, which: Kind, told_at: datetime) -> Incoming:
    author = value.get("from") or {}
    post = payloads.name_of(value["post_id"], "post_id")
    parent = str(value.get("parent_id") or "") if item == "comment" else ""
    about = value.get("post") or {}
    url = payloads.words(about.get("permalink_url")) or payloads.words(value.get("link"))
    extra: dict[str, Any] = {"item": "comment" if item == "comment" else "post"}
    at = payloads.at(value["created_time"], heard_at=told_at)
    if url:
        extra["url"] = url
    if which is Kind.INCOMING:
        extra |= chats.private_until(at)
    return Incoming(
        external_id=name,
        at=at,
        text=_text(value),
        sender=payloads.name_of(author.get("id") or f"unnamed/{name}", "from.id"),
        kind=which,
        sender_name=payloads.words(author.get("name")),
        root=post,
        parent=parent or ("" if item != "comment" else post),
        is_public=True,
        files=tuple(_pictures(value)),
        extra=extra,
    )


def _rating(value: Any, *, us: str, told_at: datetime) -> Iterator[Heard]:
    """A recommendation, or its opposite. What is said beneath it comes in the same field."""
    if value.get("item") == "comment":
        yield from _feed({"post_id": value["open_graph_story_id"], **value}, us=us, told_at=told_at)
        return
    if value.get("item") != "rating":
        return
    name = payloads.name_of(value["open_graph_story_id"], "open_graph_story_id")
    verb = value.get("verb", "add")
    if verb in {"remove", "delete"}:
        yield Deleted(name, told_at)
        return
    says = value.get("recommendation_type")
    text = payloads.words(value.get("review_text"))
    mark = value.get("rating") or {"positive": 5, "negative": 1}.get(str(says).lower())
    words = text or ("(Recommends us.)" if mark == 5 else "(Does not recommend us.)")
    if verb in CHANGED:
        yield Edited(name, told_at, words if mark else text, extra={"rating": mark} if mark else {})
        return
    yield Incoming(
        external_id=name,
        at=payloads.at(value["created_time"], heard_at=told_at),
        text=words,
        sender=payloads.name_of(value.get("reviewer_id") or f"unnamed/{name}", "reviewer_id"),
        sender_name=payloads.words(value.get("reviewer_name")),
        root=name,
        is_public=True,
        extra={"item": "review", **({"rating": mark} if mark else {})},
    )


def _mention(value: Any, *, us: str, told_at: datetime) -> Iterator[Heard]:
    """Somebody names the Page in a post or comment elsewhere, as far as Meta lets us see it."""
    if value.get("verb", "add") not in WRITTEN or str(value.get("sender_id") or "") == us:
        return
    item = "comment" if value.get("comment_id") else "post"
    name = payloads.name_of(value.get("comment_id") or value["post_id"], "post_id")
    yield Incoming(
        external_id=name,
        at=payloads.at(value["created_time"], heard_at=told_at),
        text=payloads.words(value.get("message")) or "(Mentions the Page.)",
        sender=payloads.name_of(value.get("sender_id") or f"unnamed/{name}", "sender_id"),
        sender_name=payloads.words(value.get("sender_name")),
        root=payloads.name_of(value.get("post_id") or name, "post_id"),
        is_public=True,
        extra={"item": item, "mention": True},
    )


def _text(value: Any) -> str:
    text = payloads.words(value.get("message"))
    link = payloads.words(value.get("link"))
    return text or link or ("(A picture.)" if _picture(value) else "(Without words.)")


def _picture(value: Any) -> str:
    for name in ("photo", "video"):
        if isinstance(value.get(name), str) and value[name].startswith(("https://", "http://")):
            return str(value[name])
    return ""


def _pictures(value: Any) -> Iterator[File]:
    url = _picture(value)
    if url:
        is_film = url == value.get("video")
        yield File(*(chats.TYPES["video" if is_film else "image"]), b"", source=url)
