"""The company's blog on WordPress: comments and pingbacks in every state, and our own posts.

Asked over REST with an application password. WordPress tells no one when a comment changes, so the
newest hundred are looked at each time and compared: edits, moderation and deletions are followed
that far back. https://developer.wordpress.org/rest-api/reference/comments/
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from heard.channels import asking, payloads, web
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
    Heard,
    Incoming,
    Kind,
    Outgoing,
    PlaceError,
    Receipt,
    SendState,
    Setting,
)
from heard.channels.dates import moment
from heard.channels.texts import plain

kind = "wordpress"
title = "WordPress blog"
settings = (
    Setting("site", "Address of the blog", help="As readers open it: https://blog.example.com"),
    Setting(
        "user",
        "User name",
        help="A WordPress user of yours, at least an editor. Answers appear under its name.",
    ),
    Setting(
        "password",
        "Application password",
        help="In WordPress: Users, Profile, Application Passwords. Not the login password.",
        is_secret=True,
    ),
)
public = Abilities(acts=frozenset({Act.APPROVE, Act.SPAM, Act.EDIT, Act.DELETE}))
private = None
every_seconds = 60.0
busy_seconds = 1.0
"""A discussion under a post is followed as it goes on: one small question each time."""

PAGE, OVERLAP, PAGES = 100, 10, 10
"""Comments asked for at once, how many are asked for twice, and pages until the house has a say."""
GLANCE, WHOLE_SECONDS = 20, 15
"""While people talk, the newest comments are glanced at; all lists are looked through so often, and
titles and names are asked for again."""
FIRST_DAYS = timedelta(days=7)
LISTS: Mapping[str, Mapping[str, str]] = {
    "comments": {"status": "any", "type": "comment"},
    "pings": {"status": "any", "type": "pings"},
    "posts": {"status": "publish"},
}
COMMENT_FIELDS = (
    "id,post,parent,author,author_name,author_email,author_url,date_gmt,content,link,status,type"
)
POST_FIELDS = "id,author,date_gmt,title,excerpt,link,status"
HEARD_STATES = frozenset({"approved", "hold"})
UNHEARD_STATES = frozenset({"spam", "trash"})


def poll(cursor: str, account: Account) -> Fetched:
    """What is new or changed among comments, pings and posts, each by its highest number.

    Begins with what is not older than seven days, a hundred of each at most. Asked again soon, it
    only glances at the newest comments, unless there is more.
    """
    state = json.loads(cursor) if cursor else {}
    now = datetime.now(UTC)
    found: list[Delivered] = []
    has_more = False
    is_glance = "staff" in state and 0 <= now.timestamp() - state["whole_at"] < WHOLE_SECONDS
    if not is_glance:
        state |= {"whole_at": int(now.timestamp()), "titles": {}, "staff": {}}
    for name in ("comments",) if is_glance else LISTS:
        known = state.get(name)
        size = GLANCE if is_glance and known and "offset" not in known else PAGE
        items, gone, state[name], more = _changes(name, known, account, size=size, now=now)
        has_more |= more
        if items or gone:
            body = _body(name, items, gone, state, account)
            found.append(Delivered(json.dumps(body, ensure_ascii=False).encode(), {}, now))
    return Fetched(tuple(found), json.dumps(state, separators=(",", ":")), has_more=has_more)


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:  # noqa: ARG001
    """What `poll` found: comments as `Incoming`, those of our own people and posts as replies."""
    said = payloads.read(delivered.body)
    at = delivered.at
    yield from payloads.each(
        said.get("comments"), where="comments", understood=lambda one: _comment(one, heard_at=at)
    )
    yield from payloads.each(
        said.get("posts"), where="posts", understood=lambda one: _post(one, heard_at=at)
    )
    yield from payloads.each(
        said.get("gone"), where="gone", understood=lambda one: _gone(one, heard_at=at)
    )


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Comment as our user, under the comment or the post that it answers."""
    post = _number(outgoing.root, "post-")
    if not post:
        return asking.failed("WordPress did not say which post this stands under.", is_final=True)
    said = {
        "post": post,
        "parent": _number(outgoing.parent, "comment-"),
        "content": html.escape(outgoing.text, quote=False),
        "status": "approved",
    }
    url = f"{_root(account)}wp/v2/comments"
    receipt = asking.handed(
        "POST",
        url,
        account=account,
        headers=_headers(account),
        body=asking.as_json(said),
        named=_comment_name,
        done_too=frozenset({409}),
    )
    if receipt.state is SendState.SENT and not receipt.external_id:
        return _said_before(said, outgoing, account)
    return receipt


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """Yes: WordPress refuses the same words of the same author at the same place (409)."""
    return True


def act(acting: Acting, account: Account) -> Receipt:
    """Approve, mark as spam, change our own words, or put into WordPress's trash."""
    number = _number(acting.external_id, "comment-")
    if not number:
        return asking.failed("Only comments can be moderated from here.", is_final=True)
    url = f"{_root(account)}wp/v2/comments/{number}"
    headers = _headers(account)
    if acting.act is Act.DELETE:
        return asking.handed(
            "DELETE",
            url,
            account=account,
            headers=headers,
            named=_comment_name,
            done_too=frozenset({404, 410}),
        )
    if acting.act is Act.EDIT:
        said = {"content": html.escape(acting.text, quote=False)}
    elif acting.act in {Act.APPROVE, Act.SPAM}:
        said = {"status": "approved" if acting.act is Act.APPROVE else "spam"}
    else:
        return asking.failed("WordPress knows no such thing.", is_final=True)
    receipt = asking.handed(
        "POST",
        url,
        account=account,
        headers=headers,
        body=asking.as_json(said),
        named=_comment_name,
    )
    if receipt.state is SendState.FAILED and _stands(url, said.get("status"), account):
        return Receipt(SendState.SENT, external_id=acting.external_id)
    return receipt


def check(account: Account) -> Checked:
    """Who we are there and what we may do; finds where the blog keeps its interface."""
    root = str(account.settings.get("api_url") or "") or _discovered(account)
    answer = asking.wanted(
        "GET",
        f"{root}wp/v2/users/me",
        account=account,
        headers=_headers(account),
        params={"context": "edit", "_fields": "id,name,capabilities"},
    )
    said = answer.json()
    try:
        rights = said["capabilities"]
        user, name = int(said["id"]), str(said["name"])
    except (KeyError, TypeError, ValueError):
        raise PlaceError("The place answered, but not as WordPress does.") from None
    if not rights.get("moderate_comments"):
        raise PlaceError(
            "This user may not moderate comments. Give it the role of an editor in WordPress.",
            needs_person=True,
        )
    warnings = []
    if not rights.get("list_users"):
        warnings.append(
            "This user may not list users (an administrator may): comments of your other people are"
            " taken for those of customers."
        )
    return Checked(
        account=f"{name} at {account.settings.get('site')}",
        found={"api": root, "user_id": user},
        warnings=tuple(warnings),
    )


def _discovered(account: Account) -> str:
    """Where the interface is: what the blog says in its Link header, else the usual place."""
    site = _site(account)
    try:
        answer = web.ask(
            "HEAD", f"{site}/", allow_private=account.allow_private, follows=True, is_cut=True
        )
    except web.ForbiddenAddressError as error:
        raise PlaceError(f"The place was not asked: {error}.", needs_person=True) from error
    except (web.NotReachedError, web.NoAnswerError) as error:
        raise PlaceError(f"The place could not be reached: {error}.") from error
    said = re.search(r'<([^<>]+)>;\s*rel="https://api\.w\.org/"', answer.headers.get("link", ""))
    return said[1] if said else f"{site}/wp-json/"


def _changes(
    name: str, state: Mapping[str, Any] | None, account: Account, *, size: int, now: datetime
) -> tuple[list[dict[str, Any]], list[int], dict[str, Any], bool]:
    """New and changed items of one list, the numbers of those gone, the new state, and if unread.

    The state is the highest number (`last`), what the newest hundred looked like (`seen`), and
    while there is more to read than one turn may, how far it was read (`offset`, from `top`).
    """
    if state is None:
        page = _page(name, 0, account, size=PAGE)
        since = now - FIRST_DAYS
        items = [{"what": "new", "item": one} for one in page if (_at(one) or now) >= since]
        return items, [], _known(page, last=0, seen={}, size=size), False
    last, top, offset = state["last"], state.get("top", 0), state.get("offset", 0)
    seen: Mapping[str, list[str]] = state["seen"]
    found: dict[int, dict[str, Any]] = {}
    first: list[dict[str, Any]] = []
    gone: list[int] = []
    is_read = False
    for number in range(PAGES):
        page = _page(name, offset, account, size=size)
        if size < PAGE and len(page) == size and page[-1]["id"] > last:
            return _changes(name, state, account, size=PAGE, now=now)  # too much for a glance
        if number == 0 and not state.get("offset"):
            first, gone = page, _missing(page, seen, size=size)
        for one in page:
            what = _what(one, seen, last=last)
            if what:
                found.setdefault(one["id"], {"what": what, "item": one})
        is_read = len(page) < size or page[-1]["id"] <= last
        if is_read:
            break
        offset += PAGE - OVERLAP
    items = [found[one] for one in sorted(found)]
    if is_read and not state.get("offset"):
        return items, gone, _known(first, last=last, seen=seen, size=size), False
    # A long way back: what the newest hundred look like is asked once the end is reached.
    top = max(top, last, *found)
    after: dict[str, Any] = {"last": last, "seen": dict(seen), "top": top, "offset": offset}
    if is_read:
        after = {"last": top, "seen": {}}
    return items, gone, after, True


def _page(name: str, offset: int, account: Account, *, size: int) -> list[dict[str, Any]]:
    """So many items, the newest first."""
    is_posts = name == "posts"
    answer = asking.wanted(
        "GET",
        f"{_root(account)}wp/v2/{'posts' if is_posts else 'comments'}",
        account=account,
        headers=_headers(account),
        params={
            **LISTS[name],
            "context": "edit",
            "orderby": "id",
            "order": "desc",
            "per_page": str(size),
            "offset": str(offset),
            "_fields": POST_FIELDS if is_posts else COMMENT_FIELDS,
        },
        limit_bytes=32 * 1024 * 1024,
    )
    said = answer.json()
    if not isinstance(said, list) or not all(
        isinstance(one, dict) and isinstance(one.get("id"), int) for one in said
    ):
        raise PlaceError("The place answered, but not as WordPress does.")
    return said


def _known(
    page: Sequence[Mapping[str, Any]], *, last: int, seen: Mapping[str, list[str]], size: int
) -> dict[str, Any]:
    """The state after a page: the newest hundred, what lies beneath the page as it was `seen`."""
    looks = {str(one["id"]): _look(one) for one in page}
    lowest = min(map(int, looks), default=0)
    beneath = sorted((one for one in seen if int(one) < lowest), key=int, reverse=True)
    room = PAGE - size if len(page) == size else 0  # beneath a page that is not full is nothing
    looks |= {one: seen[one] for one in beneath[:room]}
    return {"last": max([last, *(one["id"] for one in page)]), "seen": looks}


def _look(one: Mapping[str, Any]) -> list[str]:
    """What of an item would be noticed if it changed: its words, and its state."""
    words = json.dumps([one.get("content"), one.get("title"), one.get("excerpt")])
    return [hashlib.sha256(words.encode()).hexdigest()[:10], str(one.get("status", ""))]


def _what(one: Mapping[str, Any], seen: Mapping[str, list[str]], *, last: int) -> str:
    """Whether an item is new, edited, withdrawn or restored; nothing if it is as it was.

    A number between known ones that was not there before belongs to a comment whose transaction
    ended late.
    """
    before = seen.get(str(one["id"]))
    if before is None:
        is_late = bool(seen) and one["id"] > min(map(int, seen))
        return "new" if one["id"] > last or is_late else ""
    words, status = _look(one)
    if status != before[1] and status in UNHEARD_STATES:
        return "withdrawn"
    if status != before[1] and before[1] in UNHEARD_STATES:
        return "restored"
    return "edited" if words != before[0] else ""


def _missing(
    page: Sequence[Mapping[str, Any]], seen: Mapping[str, list[str]], *, size: int
) -> list[int]:
    """What stood among the newest, and would still if it were there."""
    here = {one["id"] for one in page}
    lowest = min(here, default=0) if len(page) == size else 0
    return sorted(number for number in map(int, seen) if number > lowest and number not in here)


def _body(
    name: str,
    items: list[dict[str, Any]],
    gone: list[int],
    state: Mapping[str, Any],
    account: Account,
) -> dict[str, Any]:
    """All that `parse` needs: what was found, which of it is ours, and the titles of the posts.

    Who is ours, and titles, are learnt into the state: what is known there is not asked for.
    """
    staff: dict[str, str | None] = state["staff"]
    _learn({one["item"].get("author") or 0 for one in items}, staff, _staff, account)
    if name == "posts":
        for one in items:
            one["author_name"] = staff.get(str(one["item"].get("author"))) or ""
        return {"posts": items, "gone": [f"post-{one}" for one in gone]}
    titles: dict[str, str | None] = state["titles"]
    _learn({one["item"].get("post") or 0 for one in items}, titles, _titles, account)
    for one in items:
        one["is_ours"] = staff.get(str(one["item"].get("author"))) is not None
        one["title"] = titles.get(str(one["item"].get("post"))) or ""
    return {"comments": items, "gone": [f"comment-{one}" for one in gone]}


def _learn(
    numbers: set[int],
    known: dict[str, str | None],
    ask: Callable[[set[int], Account], Mapping[int, str]],
    account: Account,
) -> None:
    """Ask for those that are not known yet; of what the place says nothing, that is known too."""
    unknown = {one for one in numbers if one and str(one) not in known}
    if unknown:
        told = ask(unknown, account)
        known |= {str(one): told.get(one) for one in unknown}


def _staff(users: set[int], account: Account) -> dict[int, str]:
    """Of these users our people, with their names: those who may write posts, and we ourselves."""
    me = account.settings.get("user_id")
    params = {"context": "edit", "_fields": "id,name,capabilities"}
    said = _listed("users", users, params, account)
    if not said:  # we may not list users: we still know ourselves
        said = [
            asking.wanted(
                "GET",
                f"{_root(account)}wp/v2/users/me",
                account=account,
                headers=_headers(account),
                params=params,
            ).json()
        ]
        me = said[0].get("id")
    return {
        one["id"]: str(one.get("name", ""))
        for one in said
        if one["id"] == me or (one.get("capabilities") or {}).get("edit_posts")
    }


def _titles(posts: set[int], account: Account) -> dict[int, str]:
    """The titles of posts and pages."""
    titles: dict[int, str] = {}
    for place in ("posts", "pages"):
        wanted = posts - titles.keys()
        if wanted:
            for one in _listed(place, wanted, {"status": "any", "_fields": "id,title"}, account):
                titles[one["id"]] = plain(str((one.get("title") or {}).get("rendered", "")))
    return titles


def _listed(
    place: str, ids: set[int], params: Mapping[str, str], account: Account
) -> list[dict[str, Any]]:
    """Those of these items that we may see."""
    found: list[dict[str, Any]] = []
    ordered = sorted(ids)
    for start in range(0, len(ordered), PAGE):
        some = ordered[start : start + PAGE]
        answer = asking.wanted(
            "GET",
            f"{_root(account)}wp/v2/{place}",
            account=account,
            headers=_headers(account),
            params={**params, "include": ",".join(map(str, some)), "per_page": str(PAGE)},
            also=frozenset({400, 401, 403, 404}),
        )
        said = answer.json() if answer.is_good else []
        found += [one for one in said if isinstance(one, dict) and "id" in one]
    return found


def _comment(one: Mapping[str, Any], *, heard_at: datetime) -> Iterator[Heard]:
    """A comment or ping, new or changed, as what it means."""
    what, item = one["what"], one["item"]
    name = f"comment-{int(item['id'])}"
    status = str(item.get("status", ""))
    is_ours = one.get("is_ours") is True
    which = Kind.REPLY if is_ours else Kind.INCOMING
    if status == "trash" or what == "withdrawn":
        if what != "new":
            yield Deleted(name, heard_at, kind=which)
        return
    said = str(item["content"]["rendered"])
    if what == "edited":
        yield Edited(name, heard_at, text=plain(said), html=said, kind=which)
        return
    post = int(item["post"])
    is_ping = item.get("type") in {"pingback", "trackback"}
    source = str(item.get("author_url") or "")
    yield Incoming(
        external_id=name,
        at=min(_at(item) or heard_at, heard_at),
        text=plain(said),
        html=said,
        sender=_sender(item),
        sender_name=plain(str(item.get("author_name") or "")) or "Anonymous",
        kind=which,
        author=plain(str(item.get("author_name") or "")) if is_ours else "",
        root=f"post-{post}",
        parent=f"comment-{item['parent']}" if item.get("parent") else "",
        subject=str(one.get("title") or ""),
        is_public=True,
        need="nothing" if status == "spam" and not is_ours else "",
        extra={
            "url": source if is_ping and source else str(item.get("link") or ""),
            "status": status,
            **({"mention": str(item["type"])} if is_ping else {}),
            **({"website": source} if source and not is_ping else {}),
            **({"trust": {"wordpress": "signed in"}} if item.get("author") else {}),
        },
    )


def _post(one: Mapping[str, Any], *, heard_at: datetime) -> Iterator[Heard]:
    """A post of ours, which begins a thread."""
    what, item = one["what"], one["item"]
    name = f"post-{int(item['id'])}"
    said = str((item.get("excerpt") or {}).get("rendered", ""))
    heading = plain(str(item["title"]["rendered"]))
    text = f"{heading}\n\n{plain(said)}".strip()
    if what == "edited":
        yield Edited(name, heard_at, text=text, kind=Kind.REPLY)
        return
    yield Incoming(
        external_id=name,
        at=min(_at(item) or heard_at, heard_at),
        text=text,
        sender=f"user-{item.get('author') or 0}",
        kind=Kind.REPLY,
        author=str(one.get("author_name") or ""),
        root=name,
        subject=heading,
        is_public=True,
        extra={"url": str(item.get("link") or "")},
    )


def _gone(name: Any, *, heard_at: datetime) -> Iterator[Heard]:
    """A deletion; whose it was is not told any more."""
    which = payloads.name_of(name)
    if which.startswith("post-"):
        yield Deleted(which, heard_at, kind=Kind.REPLY)
        return
    yield Deleted(which, heard_at)
    yield Deleted(which, heard_at, kind=Kind.REPLY)


def _sender(item: Mapping[str, Any]) -> str:
    """Who writes, as WordPress tells people apart: by account, by address, by the page that links.

    An address that was typed in proves nothing, and a name even less: without either, each comment
    is a stranger's.
    """
    if item.get("author"):
        return f"user-{int(item['author'])}"
    if item.get("type") in {"pingback", "trackback"} and item.get("author_url"):
        return str(item["author_url"])[:300]
    email = str(item.get("author_email") or "").strip().casefold()
    return email[:300] or f"comment-{int(item['id'])}"


def _at(item: Mapping[str, Any]) -> datetime | None:
    return moment(str(item.get("date_gmt") or ""))


def _comment_name(said: Any) -> str:
    return f"comment-{int(said['id'])}"


def _number(name: str, start: str) -> int:
    """The number in a name like comment-12; 0 for any other name."""
    rest = name.removeprefix(start)
    return int(rest) if name.startswith(start) and rest.isascii() and rest.isdigit() else 0


def _stands(url: str, status: str | None, account: Account) -> bool:
    """Whether a comment has this status already: WordPress answers 500 when nothing changes."""
    if status is None:
        return False
    try:
        answer = asking.wanted(
            "GET", url, account=account, headers=_headers(account), params={"context": "edit"}
        )
        return bool(answer.json()["status"] == status)
    except (PlaceError, *payloads.WRONG):
        return False


def _said_before(said: Mapping[str, Any], outgoing: Outgoing, account: Account) -> Receipt:
    """Whether the comment that stands in the way (409) is this one, from an earlier try."""
    try:
        me = asking.wanted(
            "GET", f"{_root(account)}wp/v2/users/me", account=account, headers=_headers(account)
        ).json()["id"]
        there = asking.wanted(
            "GET",
            f"{_root(account)}wp/v2/comments",
            account=account,
            headers=_headers(account),
            params={
                "post": str(said["post"]),
                "parent": str(said["parent"]),
                "author": str(me),
                "status": "any",
                "context": "edit",
                "per_page": str(PAGE),
                "_fields": "id,content,date_gmt",
            },
        ).json()
        for one in there:
            at = _at(one)
            is_this = outgoing.at is None or at is None or at >= outgoing.at - timedelta(seconds=60)
            if is_this and one["content"]["raw"].strip() == str(said["content"]).strip():
                return Receipt(SendState.SENT, external_id=_comment_name(one))
    except (PlaceError, *payloads.WRONG) as error:
        return Receipt(SendState.UNKNOWN, reason=f"WordPress has these words already: {error}")
    return asking.failed("WordPress does not take the same words twice here.", is_final=True)


def _site(account: Account) -> str:
    site = str(account.settings.get("site") or "").strip().rstrip("/")
    return site if "://" in site else f"https://{site}"


def _root(account: Account) -> str:
    """Where the interface begins: as found when connecting, as told for tests, or as usual."""
    told = account.settings.get("api_url") or account.settings.get("api")
    return str(told or f"{_site(account)}/wp-json/")


def _headers(account: Account) -> dict[str, str]:
    pair = f"{account.settings.get('user', '')}:{account.secrets.get('password', '')}"
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
