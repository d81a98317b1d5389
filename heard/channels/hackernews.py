"""Hacker News: stories and comments that name us, found by its public search.

Nobody can write there through an interface: answers are opened and pasted. What our own people
write there is heard by their user names, and what others answer to them.
https://hn.algolia.com/api
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from heard.channels import asking, payloads, terms
from heard.channels.base import (
    Abilities,
    Account,
    Checked,
    Delivered,
    Edited,
    Fetched,
    Heard,
    Incoming,
    Kind,
    Outgoing,
    PlaceError,
    Receipt,
    Setting,
)
from heard.channels.texts import plain

kind = "hackernews"
title = "Hacker News"
settings = (
    Setting(
        "terms",
        "Names to listen for",
        help="One a line: your names, products, domains. Other spellings behind “=”, parted by"
        " commas.",
        form="lines",
    ),
    Setting(
        "excluded",
        "Words that rule a post out",
        help="One a line. A post with one of them is not taken for one about you.",
        is_needed=False,
        form="lines",
    ),
    Setting(
        "ours",
        "User names of your own people there",
        help="One a line. What they write is an answer of yours, and answers to them are heard.",
        is_needed=False,
        form="lines",
    ),
)
public = Abilities(replies=False, by_link=True)
private = None
every_seconds = 300.0

API_URL = "https://hn.algolia.com/api/v1"
SITE_URL = "https://news.ycombinator.com"
SPELLINGS = 100
"""Questions a turn: an hour's make 1,200 of the 10,000 that one address may ask."""
PEOPLE, THREADS, PAGE, PAGES = 10, 50, 100, 10
FIRST = timedelta(days=7)
OVERLAP = timedelta(hours=3)
"""Asked for again each time: the search learns of some posts late, and they can be edited for two
hours."""


def poll(cursor: str, account: Account) -> Fetched:
    """What names us, what our people wrote, what was answered to them. Begins seven days back."""
    now = datetime.now(UTC)
    state = json.loads(cursor) if cursor else {}
    since = int(state.get("since") or (now - FIRST).timestamp())
    watched = terms.told_by(account.settings)
    ours = terms.lines(account.settings.get("ours"))[:PEOPLE]
    written: dict[str, int] = dict(state.get("written") or {})
    seen: dict[str, str] = state.get("seen") or {}
    found: dict[str, dict[str, Any]] = {}
    for spelling in watched.spellings[:SPELLINGS]:
        quoted = '"' + spelling.replace('"', " ") + '"'
        for hit in _hits({"query": quoted, "advancedSyntax": "true"}, since, account):
            if named := watched.found(_words(hit)):
                found[hit["objectID"]] = {"hit": hit, "terms": named}
    for name in ours:
        for hit in _hits({"tags": f"(story,comment),author_{name}"}, since, account):
            found.setdefault(hit["objectID"], {"hit": hit})["is_ours"] = True
            written[hit["objectID"]] = int(hit.get("story_id") or hit["objectID"])
    written = dict(list(written.items())[-THREADS:])
    if written:
        threads = ",".join(f"story_{one}" for one in sorted(set(written.values())))
        for hit in _hits({"tags": f"comment,({threads})"}, since, account):
            if str(hit.get("parent_id")) in written:
                found.setdefault(hit["objectID"], {"hit": hit})
    looks = {name: _look(one["hit"]) for name, one in found.items()}
    fresh = [
        {**one, "is_edited": name in seen}
        for name, one in found.items()
        if seen.get(name) != looks[name]
    ]
    bodies = [json.dumps({"items": fresh}, ensure_ascii=False).encode()] if fresh else []
    after = {
        "since": max(since, int((now - OVERLAP).timestamp())),
        "seen": looks,
        "written": written,
    }
    return Fetched(
        tuple(Delivered(body, {}, now) for body in bodies),
        json.dumps(after, separators=(",", ":")),
    )


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:  # noqa: ARG001
    """Stories and comments; edited ones as such too."""
    said = payloads.read(delivered.body)
    yield from payloads.each(
        said.get("items"), where="items", understood=lambda one: _said(one, heard_at=delivered.at)
    )


def send(outgoing: Outgoing, account: Account) -> Receipt:  # noqa: ARG001
    """Never: people paste the answer there."""
    return asking.failed("Hacker News takes answers only on its own pages.", is_final=True)


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """Yes: nothing is ever sent."""
    return True


def check(account: Account) -> Checked:
    """Whether the search answers, and whether there is something to look for."""
    watched = terms.told_by(account.settings)
    ours = terms.lines(account.settings.get("ours"))
    if not (watched or ours):
        raise PlaceError("There is no name to listen for.", needs_person=True)
    list(_hits({"query": "heard"}, int(datetime.now(UTC).timestamp()), account))
    warnings = []
    if len(watched.spellings) > SPELLINGS:
        warnings.append(f"Only the first {SPELLINGS} spellings are looked for.")
    if len(ours) > PEOPLE:
        warnings.append(f"Only the first {PEOPLE} user names are followed.")
    return Checked(account="Hacker News", warnings=tuple(warnings))


def _hits(params: Mapping[str, str], since: int, account: Account) -> Iterator[dict[str, Any]]:
    """What the search finds, the newest first, a thousand at most as it gives no more."""
    for page in range(PAGES):
        answer = asking.wanted(
            "GET",
            f"{account.settings.get('api_url') or API_URL}/search_by_date",
            account=account,
            params={
                "tags": "(story,comment)",
                "typoTolerance": "false",
                **params,
                "numericFilters": f"created_at_i>={since}",
                "hitsPerPage": str(PAGE),
                "page": str(page),
            },
        )
        said = answer.json()
        hits = said.get("hits") if isinstance(said, dict) else None
        if not isinstance(hits, list):
            raise PlaceError("The search answered, but not with what was found.")
        yield from (
            one for one in hits if isinstance(one, dict) and isinstance(one.get("objectID"), str)
        )
        if len(hits) < PAGE:
            return


def _words(hit: Mapping[str, Any]) -> str:
    """All that a hit says in its own name: a comment's story is somebody else's."""
    parts = ("title", "url", "story_text", "comment_text", "text")
    return "\n".join(plain(str(hit[part])) for part in parts if hit.get(part))


def _look(hit: Mapping[str, Any]) -> str:
    return hashlib.sha256(_words(hit).encode()).hexdigest()[:10]


def _said(one: Mapping[str, Any], *, heard_at: datetime) -> Iterator[Heard]:
    hit = one["hit"]
    name = payloads.name_of(hit.get("objectID"), "objectID")
    is_ours = one.get("is_ours") is True
    which = Kind.REPLY if is_ours else Kind.INCOMING
    markup = str(hit.get("comment_text") or hit.get("story_text") or hit.get("text") or "")
    heading = plain(str(hit.get("title") or ""))
    link = str(hit.get("url") or "")
    text = "\n\n".join(part for part in (heading, plain(markup), link) if part)
    if not text:
        raise ValueError("it says nothing")
    points = hit.get("points")
    yield Incoming(
        external_id=name,
        at=payloads.at(hit.get("created_at_i"), heard_at=heard_at),
        text=text,
        sender=payloads.name_of(hit.get("author"), "author"),
        sender_name=str(hit["author"]),
        author=str(hit["author"]) if is_ours else "",
        kind=which,
        root=str(hit.get("story_id") or name),
        parent=str(hit.get("parent_id") or ""),
        subject=heading or plain(str(hit.get("story_title") or "")),
        is_public=True,
        extra={
            "url": f"{SITE_URL}/item?id={name}",
            **({"terms": list(one["terms"])} if one.get("terms") else {}),
            **({"points": points} if isinstance(points, int) else {}),
        },
    )
    if one.get("is_edited"):
        yield Edited(name, heard_at, text=text, kind=which)
