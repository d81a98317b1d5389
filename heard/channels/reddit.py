"""Reddit: replies to our posts and comments, mentions, messages, and chosen subreddits.

Reddit must be asked; what changed or went away is found by asking again for what was heard lately.
Commercial use needs an agreement with Reddit. https://www.reddit.com/dev/api
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from heard.channels import asking, payloads, terms, web
from heard.channels.asking import Trouble, failed
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

kind = "reddit"
title = "Reddit"
settings = (
    Setting(
        "client_id",
        "App id",
        help="reddit.com/prefs/apps → your app: the line under its name.",
    ),
    Setting("client_secret", "App secret", help="The same page.", is_secret=True),
    Setting(
        "refresh_token",
        "Refresh token",
        help="Comes from signing in as your account; the page about this channel says more.",
        is_secret=True,
        is_rare=True,
    ),
    Setting(
        "subreddits",
        "Subreddits to hear",
        help="One a line, without r/. Replies, mentions and messages are heard from everywhere.",
        is_needed=False,
        form="lines",
    ),
    Setting(
        "terms",
        "Names to listen for in them",
        help="One a line: your names, products, domains. Empty: all that is written there.",
        is_needed=False,
        form="lines",
    ),
    Setting(
        "excluded",
        "Words that rule a post out",
        help="One a line.",
        is_needed=False,
        form="lines",
        is_rare=True,
    ),
)
LENGTH = 10_000
ACTS = frozenset({Act.LIKE, Act.EDIT, Act.DELETE})
public = Abilities(acts=ACTS, length=LENGTH)
private = Abilities(length=LENGTH)
every_seconds = 120.0

API, TOKEN, SITE = "https://oauth.reddit.com", "https://www.reddit.com", "https://www.reddit.com"
AGENT = "web:heard:1 (self-hosted customer care)"
"""Reddit turns away programs that do not say what they are."""
SCOPES = ("identity", "read", "history", "privatemessages", "submit", "edit", "vote")
FIRST_LOOK = timedelta(days=2)
PAGE, PAGES = 100, 5
WATCHED, WATCH = 100, timedelta(days=7)
"""So many of the latest, and none older, are asked for again at every turn."""
SEEN_LIMIT = 1500
KEPT_BACK = 10
"""So many questions of a period are left for answers."""
GONE = frozenset({"[deleted]", "[removed]"})
MACHINES = frozenset({"automoderator", "reddit"})
UNNAMED = "t4_zzzz"
"""How the name of a message begins that Reddit took, and does not tell the name of."""
REFUSED = {
    "TOO_OLD": "the post is too old to be answered",
    "THREAD_LOCKED": "the post is locked",
    "COMMENT_LOCKED": "the comment is locked",
    "DELETED_COMMENT": "the comment was taken back",
    "DELETED_LINK": "the post was taken back",
    "TOO_LONG": "the text is too long",
    "USER_BLOCKED": "the person has blocked this account",
    "NOT_WHITELISTED_BY_USER_MESSAGE": "the person takes messages only from those they chose",
    "SUBREDDIT_NOTALLOWED": "this account may not write in that subreddit",
    "SUBREDDIT_OUTBOUND_LINKING_DISALLOWED": "this subreddit takes no such links",
}
_LINK = re.compile(r"/comments/([a-z0-9]{1,20})/")
_SUBREDDIT = re.compile(r"\w{2,30}", re.ASCII)


class _Seen(NamedTuple):
    """What is remembered of an item: how it was, whose it is, when it was written."""

    mark: str
    is_ours: bool
    at: float


def poll(cursor: str, account: Account) -> Fetched:
    """What is new or has changed since the cursor; at first, the newest hundred of two days.

    Edits and what was taken back are found among the hundred newest of the last week.
    """
    now = datetime.now(UTC)
    session = _Session(account, _token(account)[0])
    state: dict[str, Any] = json.loads(cursor) if cursor else {}
    me = str(state.get("me") or session.get("api/v1/me").get("name") or "")
    if not me:
        raise PlaceError("Reddit does not tell whose account this is.")
    since: dict[str, float] = dict(state.get("since") or {})
    seen = {name: _Seen(*one) for name, one in (state.get("seen") or {}).items()}
    found = _found(session, since, me=me, now=now)
    recent = [
        name
        for name, one in seen.items()
        if not name.startswith("t4_") and one.at > (now - WATCH).timestamp()
    ][-WATCHED:]
    if recent:
        for item in session.listed("api/info", {"id": ",".join(recent)}):
            name = item["data"]["name"]
            found[name] = {**found.get(name, {}), "item": item}
    deliveries = [*_fresh(found, seen, me=me, now=now)]
    while len(seen) > SEEN_LIMIT:
        del seen[next(iter(seen))]
    quota = session.quota
    pause = None
    if quota is not None and quota.left < KEPT_BACK and quota.renewed_at is not None:
        pause = max(1.0, (quota.renewed_at - now).total_seconds())
    after = json.dumps({"me": me, "since": since, "seen": seen})
    return Fetched(tuple(deliveries), after, pause_seconds=pause, quota=quota)


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:  # noqa: ARG001
    """A comment, a post or a message; edited ones as such too."""
    said = payloads.read(delivered.body)

    def understood(item: Any) -> Iterator[Heard]:
        return _item(item, said=said, heard_at=delivered.at)

    yield from payloads.each([said.get("item")], where="item", understood=understood)


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Answer the comment, post or message."""
    if len(outgoing.text) > LENGTH:
        return failed(f"The text is longer than {LENGTH:,} characters.", is_final=True)
    thing = outgoing.parent or outgoing.root
    is_message = thing.startswith("t4_")
    if outgoing.is_private and not is_message:
        return failed("Reddit does not let us answer a public comment privately.", is_final=True)
    receipt = _handed("api/comment", {"thing_id": thing, "text": outgoing.text}, account)
    if receipt.state is SendState.SENT and receipt.external_id.startswith(UNNAMED):
        return Receipt(SendState.SENT, external_id=_found_again(outgoing, account))
    return receipt


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """No: Reddit knows no key by which it would see the repetition."""
    return False


def act(acting: Acting, account: Account) -> Receipt:
    """Vote up, as the person at the key wants it; change and delete our own."""
    name = acting.external_id
    if acting.act is Act.LIKE:
        receipt = _handed("api/vote", {"id": name, "dir": "1"}, account)
    elif acting.act is Act.EDIT and acting.of_ours:
        fields = {"thing_id": name, "text": acting.text}
        receipt = _handed("api/editusertext", fields, account)
    elif acting.act is Act.DELETE and acting.of_ours:
        receipt = _handed("api/del", {"id": name}, account)
    else:
        return failed("Reddit does not let us do this to this message.", is_final=True)
    return failed(receipt.reason) if receipt.state is SendState.UNKNOWN else receipt


def check(account: Account) -> Checked:
    """Whose account it is, and which rights the sign-in lacks."""
    for name in terms.lines(account.settings.get("subreddits")):
        if not _SUBREDDIT.fullmatch(_bare(name)):
            raise PlaceError(f"“{name[:40]}” is no name of a subreddit.", needs_person=True)
    token, scope = _token(account)
    session = _Session(account, token)
    name = str(session.get("api/v1/me").get("name") or "")
    if not name:
        raise PlaceError("Reddit does not tell whose account this is.", needs_person=True)
    given = scope.replace(",", " ").split()
    lacking = [one for one in SCOPES if given and "*" not in given and one not in given]
    warnings = [f"The sign-in lacks the rights {', '.join(lacking)}."] if lacking else []
    return Checked(
        f"u/{name}", found={"username": name}, warnings=tuple(warnings), quota=session.quota
    )


def grant(account: Account) -> Grant:
    """Where somebody signs in as the company's account, for long. Raises `PlaceError`.

    https://github.com/reddit-archive/reddit/wiki/OAuth2
    """
    client = str(account.settings.get("client_id") or "")
    if not client or not account.secrets.get("client_secret"):
        raise PlaceError("The app id and app secret are missing.")
    base = str(account.settings.get("api_url") or TOKEN).rstrip("/")
    return Grant(
        authorize_url=f"{base}/api/v1/authorize",
        token_url=f"{base}/api/v1/access_token",
        client_id=client,
        client_secret=account.secrets["client_secret"],
        scope=" ".join(SCOPES),
        more={"duration": "permanent"},
        is_basic=True,
    )


def judge(answer: web.Answer) -> Trouble | None:
    """What an answer of Reddit means: a refusal may come as 200 too."""
    code, words, wish = _error(answer)
    if answer.is_good and not code:
        return None
    quoted = f": “{' '.join(words.split())[:160]}”" if words else ""
    if code == "RATELIMIT" or answer.status == 429:
        asked = answer.retry_after_seconds(now=datetime.now(UTC))
        reset = _number(answer.headers.get("x-ratelimit-reset"))
        wait = asked if asked is not None else int(wish or reset or 60)
        return Trouble(f"Reddit asks us to slow down{quoted}.", retry_after_seconds=wait)
    if answer.status == 401 or code in {"invalid_grant", "USER_REQUIRED"}:
        return Trouble(
            "The sign-in to Reddit has ended: sign in again, and put in the new token.",
            is_final=True,
            needs_person=True,
        )
    if answer.status == 403:
        return Trouble(f"Reddit does not let this account do that{quoted}.", is_final=True)
    if answer.status >= 500:
        return asking.plainly(answer)
    why = REFUSED.get(code)
    return Trouble(
        f"Reddit refused it: {why} ({code})." if why else f"Reddit refused it ({code}{quoted}).",
        is_final=True,
    )


class _Session:
    """One turn of questions, with what Reddit says of how many are left."""

    def __init__(self, account: Account, token: str) -> None:
        self.account = account
        self.token = token
        self.quota: Quota | None = None

    def get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """One answer. Raises `PlaceError`."""
        answer = asking.wanted(
            "GET",
            f"{_api(self.account)}/{path}",
            account=self.account,
            judge=judge,
            headers=_headers(self.token),
            params={"raw_json": "1", **(params or {})},
        )
        self.quota = _quota(answer) or self.quota
        said = answer.json()
        if not isinstance(said, dict):
            raise PlaceError("Reddit answered with something that is no listing.")
        return said

    def listed(self, path: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
        """The items of one page that can be named and dated."""
        return list(_flat(self.get(path, params).get("data")))

    def newest(self, path: str, *, after: float, pages: int) -> Iterator[dict[str, Any]]:
        """Items, newest first, page by page until one was written before."""
        onward = ""
        for _ in range(pages):
            params = {"limit": str(PAGE), **({"after": onward} if onward else {})}
            if path == "message/inbox":
                params["mark"] = "false"  # people read their inbox there, too
            listing = self.get(path, params).get("data")
            items = list(_flat(listing))
            yield from items
            onward = str((listing or {}).get("after") or "")
            if not onward or not items or items[-1]["data"]["created_utc"] <= after:
                return


def _found(
    session: _Session, since: dict[str, float], *, me: str, now: datetime
) -> dict[str, dict[str, Any]]:
    """What is new everywhere, by name; `since` is moved on."""
    first = (now - FIRST_LOOK).timestamp()
    watched = terms.told_by(session.account.settings)
    found: dict[str, dict[str, Any]] = {}
    for path in _paths(me, session.account):
        newest = after = since.get(path, first)
        for item in session.newest(path, after=after, pages=PAGES if path in since else 1):
            data = item["data"]
            if path not in since and data["created_utc"] <= first:
                continue
            newest = max(newest, data["created_utc"])
            one: dict[str, Any] = {"item": item}
            if path.startswith("r/") and watched:
                one["terms"] = watched.found(f"{data.get('title') or ''}\n{_words(data)}")
                if not one["terms"]:
                    continue
            found[data["name"]] = {**one, **found.get(data["name"], {})}
        since[path] = newest
    return found


def _fresh(
    found: Mapping[str, dict[str, Any]], seen: dict[str, _Seen], *, me: str, now: datetime
) -> Iterator[Delivered]:
    """Those that are not known as they are, oldest first; `seen` is kept up."""
    for name, one in sorted(found.items(), key=lambda pair: pair[1]["item"]["data"]["created_utc"]):
        data = one["item"]["data"]
        known, mark = seen.pop(name, None), _mark(data)
        is_ours = known.is_ours if known else data.get("author") == me
        seen[name] = _Seen(mark, is_ours, data["created_utc"])
        if known is not None and known.mark == mark:
            continue
        said = {"me": me, "is_ours": is_ours, "is_changed": known is not None, **one}
        body = json.dumps(said, ensure_ascii=False).encode(errors="replace")
        yield Delivered(body, {}, now, f"{name}/{mark}")


def _paths(me: str, account: Account) -> Iterator[str]:
    """What is asked for: our inbox, what we say, and the subreddits in one."""
    yield from ("message/inbox", "message/sent", f"user/{me}/comments")
    names = [_bare(name) for name in terms.lines(account.settings.get("subreddits"))]
    joined = "+".join(name for name in names if _SUBREDDIT.fullmatch(name))
    if joined:
        yield from (f"r/{joined}/comments", f"r/{joined}/new")


def _flat(listing: Any) -> Iterator[dict[str, Any]]:
    """The items of a listing, with the answers that hang on messages."""
    for item in (listing.get("children") if isinstance(listing, dict) else None) or ():
        data = item.get("data") if isinstance(item, dict) else None
        if not isinstance(data, dict):
            continue
        answers = data.get("replies")
        alone = {key: value for key, value in data.items() if key != "replies"}
        if isinstance(data.get("created_utc"), int | float) and isinstance(data.get("name"), str):
            yield {"kind": item.get("kind"), "data": alone}
        if isinstance(answers, dict) and item.get("kind") == "t4":
            yield from _flat(answers.get("data"))


def _item(item: Any, *, said: Mapping[str, Any], heard_at: datetime) -> Iterator[Heard]:
    what, data = item["kind"], item["data"]
    name = payloads.name_of(data["name"], "name")
    written_at = payloads.at(data["created_utc"], heard_at=heard_at)
    me = str(said.get("me") or "")
    is_ours = said.get("is_ours") is True or (bool(me) and data.get("author") == me)
    which = Kind.REPLY if is_ours else Kind.INCOMING
    if _is_gone(data):
        yield Deleted(name, heard_at, which)
        return
    text = _words(data)
    shared: dict[str, Any] = {
        "external_id": name,
        "at": written_at,
        "kind": which,
        "sender": payloads.name_of(_author(data, what), "author"),
        "sender_name": payloads.words(data.get("author")),
        "is_automatic": str(data.get("author") or "").lower() in MACHINES,
    }
    if what == "t4":
        yield Incoming(
            **shared,
            text=text or payloads.words(data.get("subject")) or "(Without words.)",
            subject=payloads.words(data.get("subject")),
            root=payloads.name_of(data.get("first_message_name") or name),
            parent=str(data.get("parent_id") or ""),
            to=payloads.words(data.get("dest")) if is_ours else "",
        )
        return
    if what not in {"t1", "t3"}:
        raise ValueError("a thing of a kind that is not known here")
    heading = payloads.words(data.get("title") if what == "t3" else data.get("link_title"))
    extra: dict[str, Any] = {"subreddit": payloads.words(data.get("subreddit"))}
    path = payloads.words(data.get("permalink") or data.get("context"))
    if path.startswith("/"):
        extra["url"] = SITE + path
    if said.get("terms"):
        extra["terms"] = [payloads.words(one) for one in said["terms"]]
    yield Incoming(
        **shared,
        text=text or heading or "(Without words.)",
        subject=heading,
        root=name if what == "t3" else _post(data),
        parent=str(data.get("parent_id") or "") if what == "t1" else "",
        is_public=True,
        extra=extra,
    )
    changed = data.get("edited")
    if changed and not isinstance(changed, bool):
        at = payloads.at(changed, heard_at=heard_at)
        yield Edited(name, at, text or heading, kind=which)
    elif said.get("is_changed") is True:  # the inbox does not tell when
        yield Edited(name, heard_at, text or heading, kind=which)


def _author(data: Mapping[str, Any], what: str) -> Any:
    """Who wrote: a person, or a subreddit's moderators together."""
    together = f"r/{data['subreddit']}" if what == "t4" and data.get("subreddit") else ""
    return data.get("author") or together


def _post(data: Mapping[str, Any]) -> str:
    """The post under which a comment stands; the inbox only tells it in an address."""
    if data.get("link_id"):
        return payloads.name_of(data["link_id"])
    found = _LINK.search(str(data.get("context") or data.get("permalink") or ""))
    return f"t3_{found[1]}" if found else ""


def _words(data: Mapping[str, Any]) -> str:
    return payloads.words(data.get("body") or data.get("selftext"))


def _is_gone(data: Mapping[str, Any]) -> bool:
    """Whether its author, or a moderator, took it back. Authors may also only leave Reddit."""
    words = str(data.get("body") or data.get("selftext") or "")
    return words in GONE or bool(data.get("removed_by_category"))


def _mark(data: Mapping[str, Any]) -> str:
    """What changes when somebody edits or takes back, and not when somebody votes."""
    is_gone = _is_gone(data)
    about = "gone" if is_gone else f"said {_words(data)}"
    return hashlib.sha256(about.encode(errors="replace")).hexdigest()[:12]


def _bare(name: str) -> str:
    return name.strip().removeprefix("https://www.reddit.com").strip("/").removeprefix("r/")


def _api(account: Account) -> str:
    return str(account.settings.get("api_url") or API).rstrip("/")


def _headers(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", "user-agent": AGENT}


def _token(account: Account) -> tuple[str, str]:
    """An access token for the next hours, and its scope. Raises `PlaceError`."""
    base = str(account.settings.get("api_url") or TOKEN).rstrip("/")
    client = str(account.settings.get("client_id") or "")
    pair = f"{client}:{account.secrets.get('client_secret', '')}".encode()
    said = asking.wanted(
        "POST",
        f"{base}/api/v1/access_token",
        account=account,
        judge=judge,
        headers={"authorization": f"Basic {base64.b64encode(pair).decode()}", "user-agent": AGENT},
        body=asking.as_form(
            {
                "grant_type": "refresh_token",
                "refresh_token": account.secrets.get("refresh_token", ""),
            }
        ),
    ).json()
    token = said.get("access_token") if isinstance(said, dict) else None
    if not isinstance(token, str):
        raise PlaceError("Reddit answered without a token.")
    return token, str(said.get("scope") or "")


def _handed(path: str, fields: Mapping[str, str], account: Account) -> Receipt:
    try:
        token, _ = _token(account)
    except PlaceError as error:
        wish = error.retry_after_seconds
        return Receipt(
            SendState.FAILED,
            reason=str(error),
            retry_after_seconds=None if wish is None else int(wish),
            is_final=error.needs_person,
        )
    return asking.handed(
        "POST",
        f"{_api(account)}/{path}",
        account=account,
        judge=judge,
        named=lambda said: said["json"]["data"]["things"][0]["data"]["name"],
        headers=_headers(token),
        params={"raw_json": "1"},
        body=asking.as_form({"api_type": "json", **fields}),
    )


def _found_again(outgoing: Outgoing, account: Account) -> str:
    """The name of the message just sent, by which it will be heard; "" if it is not there yet."""
    try:
        session = _Session(account, _token(account)[0])
        for item in session.listed("message/sent", {"limit": "10"}):
            if _words(item["data"]) == outgoing.text.strip():
                return str(item["data"]["name"])
    except PlaceError:
        pass
    return ""


def _quota(answer: web.Answer) -> Quota | None:
    left, used, reset = (
        _number(answer.headers.get(f"x-ratelimit-{name}"))
        for name in ("remaining", "used", "reset")
    )
    if left is None:
        return None
    at = datetime.now(UTC) + timedelta(seconds=reset) if reset is not None else None
    return Quota(int(left), int(left + used) if used is not None else None, at)


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text, re.ASCII) else None


def _error(answer: web.Answer) -> tuple[str, str, float | None]:
    """Reddit's own word for what went wrong, its sentence, and how long to wait."""
    try:
        said = json.loads(answer.body)
        inner = said.get("json") if isinstance(said.get("json"), dict) else {}
        for error in inner.get("errors") or ():
            wait = inner.get("ratelimit")
            return str(error[0]), str(error[1] or ""), float(wait) if wait else None
        if answer.is_good and not said.get("error"):
            return "", "", None
        code = str(said.get("error") or said.get("reason") or answer.status)
        return code, str(said.get("message") or said.get("error_description") or ""), None
    except payloads.WRONG:
        return ("", "", None) if answer.is_good else (str(answer.status), "", None)
