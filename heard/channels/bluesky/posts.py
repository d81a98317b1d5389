"""Bluesky's records as the house's values, and the small JSON in which they are kept until then.

A delivery holds one thing: a post, a repost of a post of ours, a post that is gone, or what our
people liked or reposted there. Nothing in it changes from one look to the next.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from heard.channels.base import (
    Acknowledged,
    Act,
    Deleted,
    Delivered,
    Edited,
    File,
    Heard,
    Incoming,
    Kind,
    NotUnderstoodError,
)
from heard.channels.dates import moment
from heard.channels.texts import repair

POST, REPOST, LIKE = "app.bsky.feed.post", "app.bsky.feed.repost", "app.bsky.feed.like"
REPOSTED = "↻ reposted"
BELIEVED = timedelta(days=1)
"""A post may say of itself when it was written, but not longer ago than this before it was seen."""


def kept(what: str, *, at: datetime, name: str, **told: Any) -> Delivered:
    """One thing on its way to the house."""
    said = {"what": what, **told}
    return Delivered(
        body=json.dumps(said, ensure_ascii=False, sort_keys=True).encode(errors="replace"),
        headers={},
        at=at,
        external_id=name,
    )


def person(view: Mapping[str, Any]) -> dict[str, Any]:
    """What of a profile is worth keeping with a message."""
    labels = view.get("labels")
    return {
        "did": _text(view.get("did")),
        "handle": _text(view.get("handle")),
        "name": _text(view.get("displayName")),
        "followers": _count(view.get("followersCount")),
        "is_bot": isinstance(labels, list)
        and any(
            isinstance(label, dict) and label.get("val") == "bot" and not label.get("neg")
            for label in labels
        ),
    }


def heard_in(delivered: Delivered) -> Iterator[Heard]:
    """What a delivery says. Raises `NotUnderstoodError`."""
    try:
        said = json.loads(delivered.body)
        what = said["what"]
        uri = _uri(said["uri"])
        at = min(moment(_text(said.get("seen_at"))) or delivered.at, delivered.at)
        if what == "post":
            yield _post(said, uri=uri, at=at)
        elif what == "repost":
            yield _repost(said, uri=uri, at=at)
        elif what == "gone":
            yield Deleted(uri, at=at, kind=_kind(uri, own=_text(said.get("own"))))
        elif what == "acted":
            yield Acknowledged(uri, at=at, act=Act(said["act"]))
        else:
            raise NotUnderstoodError("Nobody knows this kind of delivery.")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise NotUnderstoodError(f"This is no post of Bluesky: {error!r}"[:300]) from None


def _post(said: Mapping[str, Any], *, uri: str, at: datetime) -> Incoming | Edited:
    record = said["record"]
    text = text_of(record)
    own = _text(said.get("own"))
    if said.get("is_edit"):
        return Edited(uri, at=at, text=text, kind=_kind(uri, own=own))
    author = said["author"]
    reply = record.get("reply") if isinstance(record.get("reply"), dict) else None
    root, parent = (_ref(reply.get("root")), _ref(reply.get("parent"))) if reply else ({}, {})
    sender, is_ours = author_of(uri), author_of(uri) == own
    answered = author_of(parent["uri"]) if parent else ""
    extra: dict[str, Any] = {"url": address_of(uri), "cid": _text(said.get("cid"))}
    if root:
        extra["root"] = root
    if quoted := _quoted(record.get("embed")):
        extra["quotes"] = quoted
    if author.get("handle"):
        extra["handle"] = _text(author["handle"])
    if (followers := _count(author.get("followers"))) is not None:
        extra["audience"] = followers
    if said.get("terms"):
        extra["terms"] = [_text(one) for one in said["terms"]]
    written = moment(_text(record.get("createdAt"))) or at
    languages = record.get("langs")
    return Incoming(
        external_id=uri,
        at=min(written, at) if at - written < BELIEVED or is_ours else at,
        text=text,
        sender=sender,
        kind=Kind.REPLY if is_ours else Kind.INCOMING,
        sender_name=_name(author),
        root=root["uri"] if root else uri,
        parent=parent["uri"] if parent else "",
        to=answered if is_ours and answered != own else "",
        language=_text(languages[0])[:2].lower() if isinstance(languages, list) and languages
        else "",
        is_public=True,
        is_automatic=author.get("is_bot") is True,
        files=_files(record.get("embed"), did=sender),
        extra=extra,
    )  # fmt: skip


def _repost(said: Mapping[str, Any], *, uri: str, at: datetime) -> Incoming:
    """Somebody passed on a post of ours: no words, and nothing to answer."""
    author, subject = said["author"], _uri(said["subject"])
    extra: dict[str, Any] = {"shares": subject, "url": address_of(subject)}
    if (followers := _count(author.get("followers"))) is not None:
        extra["audience"] = followers
    return Incoming(
        external_id=uri,
        at=at,
        text=REPOSTED,
        sender=author_of(uri),
        sender_name=_name(author),
        parent=subject,
        is_public=True,
        is_automatic=author.get("is_bot") is True,
        need="nothing",
        extra=extra,
    )


def text_of(record: Mapping[str, Any]) -> str:
    """The words of a post; links that it shows shortened are written out."""
    text = record["text"]
    if not isinstance(text, str):
        raise TypeError("its text is no text")
    raw, end, parts = text.encode(errors="surrogatepass"), 0, []
    for start, stop, uri in sorted(_links(record), key=lambda link: link[0]):
        shown = raw[start:stop].decode(errors="replace")
        if start < end or stop > len(raw) or uri.endswith(shown):
            continue
        parts += [raw[end:start], uri.encode(errors="replace")]
        end = stop
    text = b"".join([*parts, raw[end:]]).decode(errors="replace")
    card = _card(record.get("embed"))
    if card and card not in text:
        text = f"{text}\n{card}"
    return repair(text).strip()


def searched_in(record: Mapping[str, Any]) -> str:
    """Everything in a post that may name somebody: words, full links, what its images show."""
    text = record.get("text")
    parts = [text] if isinstance(text, str) else []
    if record.get("facets"):
        parts += [uri for _, _, uri in _links(record)]
    if embed := record.get("embed"):
        parts += [_card(embed), *(alt for _, _, alt in _media(embed))]
    return parts[0] if len(parts) == 1 else "\n".join(parts)


def author_of(uri: str) -> str:
    """Whose record an address names (at://DID/collection/key)."""
    return uri.removeprefix("at://").partition("/")[0]


def key_of(uri: str) -> str:
    """The last part of a record's address."""
    return uri.rpartition("/")[2]


def address_of(uri: str) -> str:
    """Where people see a post."""
    return f"https://bsky.app/profile/{author_of(uri)}/post/{key_of(uri)}"


def now() -> datetime:
    """The moment of asking."""
    return datetime.now(UTC)


def _kind(uri: str, *, own: str) -> Kind:
    return Kind.REPLY if author_of(uri) == own else Kind.INCOMING


def _uri(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith("at://") or len(value) > 300:
        raise ValueError("its address is missing")
    return value


def _ref(value: Any) -> dict[str, str]:
    """A strong reference: address and content hash; empty if it is none."""
    if not isinstance(value, dict) or not str(value.get("uri", "")).startswith("at://"):
        return {}
    return {"uri": str(value["uri"])[:300], "cid": _text(value.get("cid"))}


def _name(author: Mapping[str, Any]) -> str:
    handle = _text(author.get("handle"))
    return _text(author.get("name"))[:200].strip() or (f"@{handle}" if handle else "")


def _text(value: Any) -> str:
    return repair(value) if isinstance(value, str) else ""


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _links(record: Mapping[str, Any]) -> Iterator[tuple[int, int, str]]:
    """The links of a post: from which byte to which, and where each leads."""
    facets = record.get("facets")
    for facet in facets if isinstance(facets, list) else ():
        try:
            start, stop = int(facet["index"]["byteStart"]), int(facet["index"]["byteEnd"])
            for feature in facet["features"]:
                if feature.get("$type") == "app.bsky.richtext.facet#link" and 0 <= start < stop:
                    yield start, stop, _text(feature["uri"])[:2000]
        except (LookupError, TypeError, ValueError, AttributeError):
            continue


def _parts(embed: Any) -> Iterator[Mapping[str, Any]]:
    """What is embedded: itself, and the media beside a quote."""
    if isinstance(embed, dict):
        yield embed
        if isinstance(embed.get("media"), dict):
            yield embed["media"]


def _quoted(embed: Any) -> str:
    """The address of the post that is quoted (app.bsky.embed.record, …recordWithMedia)."""
    for _ in range(2):
        embed = embed.get("record") if isinstance(embed, dict) else None
        if isinstance(embed, dict) and f"/{POST}/" in str(embed.get("uri", "")):
            return str(embed["uri"])[:300]
    return ""


def _card(embed: Any) -> str:
    """The link of a preview card."""
    for part in _parts(embed):
        if isinstance(external := part.get("external"), dict):
            return _text(external.get("uri"))[:2000]
    return ""


def _media(embed: Any) -> Iterator[tuple[str, str, str]]:
    """Content hash, type and description of every picture and film."""
    for part in _parts(embed):
        images = part.get("images")
        found = [(one, "image") for one in images] if isinstance(images, list) else []
        if "video" in part:
            found.append((part, "video"))
        for one, name in found:
            blob = one.get(name) if isinstance(one, dict) else None
            if not isinstance(blob, dict):
                continue
            ref = blob.get("ref")
            cid = ref.get("$link") if isinstance(ref, dict) else blob.get("cid")
            if isinstance(cid, str):
                yield cid, _text(blob.get("mimeType"))[:120], _text(one.get("alt"))


def _files(embed: Any, *, did: str) -> tuple[File, ...]:
    """The files of a post, named by what their author says they show."""
    return tuple(
        File(
            name=" ".join(alt.split())[:180] or f"{kind.partition('/')[0] or 'file'} {number}",
            content_type=kind or "application/octet-stream",
            content=b"",
            source=f"{did}/{cid}",
        )
        for number, (cid, kind, alt) in enumerate(_media(embed), start=1)
    )
