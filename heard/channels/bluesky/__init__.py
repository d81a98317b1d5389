"""Bluesky: mentions, replies and quotes, our own posts, and posts that name the company.

Answers stand in the thread. Whatever is sent twice is there once: its record's name is made from
what it is for. docs/channels/bluesky.md says how to connect an account.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from heard.channels import asking, lengths, web
from heard.channels.base import (
    Abilities,
    Account,
    Act,
    Acting,
    Checked,
    Delivered,
    Fetched,
    File,
    Heard,
    Outgoing,
    PlaceError,
    Receipt,
    SendState,
    Setting,
    Unit,
)
from heard.channels.bluesky import posts, writing
from heard.channels.bluesky.hearing import SEARCHED_COUNT, Ear, has_stream, queries_of
from heard.channels.bluesky.posts import LIKE, POST, REPOST
from heard.channels.bluesky.session import SERVICE, Line, refusal, said

kind = "bluesky"
title = "Bluesky"
settings = (
    Setting(
        "handle",
        "Handle of the account",
        help="As it stands under the name on your profile, for example acme.bsky.social.",
    ),
    Setting(
        "password",
        "App password",
        help="Made at Bluesky under Settings → Privacy and security → App passwords. "
        "Not the password with which you sign in.",
        is_secret=True,
    ),
    Setting(
        "terms",
        "Names to listen for",
        help="One a line: your names, products, domains. Other spellings behind “=”, parted by "
        "commas. Posts with one of them are heard even if they do not mention the account.",
        is_needed=False,
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
        "stream",
        "How names are found",
        help="Search asks once a minute and is enough for a few names. The streams read every "
        "post of the network as it is written; Jetstream needs less bandwidth.",
        is_needed=False,
        default="none",
        choices=(("none", "Search"), ("jetstream", "Jetstream"), ("firehose", "Firehose")),
    ),
    Setting(
        "stream_url",
        "Address of the stream",
        help="Leave empty for Bluesky's own.",
        is_needed=False,
    ),
    Setting(
        "service",
        "Server of the account",
        help="Only if your account is not kept by Bluesky itself.",
        is_needed=False,
        default=SERVICE,
    ),
)
public = Abilities(
    acts=frozenset({Act.LIKE, Act.SHARE, Act.DELETE}),
    files=True,
    length=300,
    unit=Unit.GRAPHEMES,
)
private = None
every_seconds = 20.0

STEP_SECONDS = 2.0
POST_LIMIT_BYTES = 3000
IMAGE_COUNT, IMAGE_LIMIT_BYTES = 4, 1_000_000
FILE_LIMIT_BYTES = 100 * 1024 * 1024
PLC = "https://plc.directory"
UNREACHED = (
    PlaceError,
    web.ForbiddenAddressError,
    web.NotReachedError,
    web.NoAnswerError,
    web.TooLongError,
)
"""What may go wrong while we ask, before anything is written."""


def parse(delivered: Delivered, account: Account) -> Iterator[Heard]:  # noqa: ARG001
    """The one thing that a delivery holds."""
    return posts.heard_in(delivered)


def poll(cursor: str, account: Account) -> Fetched:
    """What is new: at first the notifications and own posts of the last day."""
    return Ear(cursor, account).look()


def listen(cursor: str, account: Account) -> Iterator[Fetched]:
    """The same for ever, and between two looks what the stream brings, if one is chosen.

    A stream that breaks off is opened again by whoever calls again, where it broke.
    """
    ear = Ear(cursor, account)
    fetched = ear.look()
    yield fetched
    if not (has_stream(account.settings) and ear.terms):
        while True:
            yield from _rested(ear, fetched)
            fetched = ear.look()
            yield fetched
    with ear.stream() as stream:
        until = _next_look(fetched)
        while True:
            found = stream.read(STEP_SECONDS)
            yield ear.fetched(ear.streamed(found, position=stream.position))
            if time.monotonic() >= until:
                fetched = ear.look()
                until = _next_look(fetched)
                yield fetched


def send(outgoing: Outgoing, account: Account) -> Receipt:
    """Answer in the thread."""
    if (reason := _why_not(outgoing)) is not None:
        return asking.failed(reason, is_final=True)
    line = Line(account)
    try:
        view = _shown(outgoing.parent, line)
        viewer = view.get("viewer")
        if isinstance(viewer, dict) and viewer.get("replyDisabled") is True:
            return asking.failed("Its author lets only some people answer.", is_final=True)
        images = [_image(file, line) for file in outgoing.files]
        key, at = writing.key_for(outgoing)
        parent = {"uri": outgoing.parent, "cid": str(view["cid"])}
        reply = view["record"].get("reply")
        record = writing.post(
            outgoing.text.strip(),
            at=at,
            root=dict(reply["root"]) if isinstance(reply, dict) else parent,
            parent=parent,
            images=images,
            did_of=lambda handle: _did_of(handle, line),
        )
    except _RefusedError as error:
        return error.receipt
    except (LookupError, TypeError, ValueError, AttributeError):
        return asking.failed("The post that is answered could not be understood.")
    except UNREACHED as error:
        return _not_sent(error)
    return _put(POST, key, record, line)


def may_repeat(outgoing: Outgoing) -> bool:  # noqa: ARG001
    """Yes: every try writes the record of the same name."""
    return True


def composing(text: str, settings: Mapping[str, Any]) -> str:  # noqa: ARG001
    """The page that Bluesky names for it (docs.bsky.app, "Action Intent Links")."""
    return f"https://bsky.app/intent/compose?text={quote(text)}"


def act(acting: Acting, account: Account) -> Receipt:
    """Like or repost a post, or delete one of ours."""
    line = Line(account)
    if acting.act not in public.acts:
        return asking.failed("Bluesky cannot do this.", is_final=True)
    try:
        if acting.act is Act.DELETE:
            return _deleted(acting, line)
        view = _shown(acting.external_id, line)
    except _RefusedError as error:
        return error.receipt
    except UNREACHED as error:
        return _not_sent(error)
    name, collection = ("like", LIKE) if acting.act is Act.LIKE else ("repost", REPOST)
    viewer = view.get("viewer")
    if isinstance(viewer, dict) and viewer.get(name):
        return Receipt(SendState.SENT, external_id=str(viewer[name]))
    record = {
        "$type": collection,
        "subject": {"uri": acting.external_id, "cid": str(view.get("cid") or "")},
        "createdAt": writing.stamp(posts.now()),
    }
    return _put(collection, writing.key_about(acting.external_id), record, line)


def fetch(source: str, account: Account) -> bytes:
    """A picture or film, from the server that keeps its author's records."""
    did, _, cid = source.partition("/")
    document = asking.wanted("GET", _document_of(did, account), account=account).json()
    services = document.get("service") if isinstance(document, dict) else None
    for service in services if isinstance(services, list) else ():
        if isinstance(service, dict) and service.get("type") == "AtprotoPersonalDataServer":
            server = str(service.get("serviceEndpoint") or "").rstrip("/")
            return asking.wanted(
                "GET",
                f"{server}/xrpc/com.atproto.sync.getBlob",
                params={"did": did, "cid": cid},
                account=account,
                limit_bytes=FILE_LIMIT_BYTES,
                timeout_seconds=60,
            ).body
    raise PlaceError("Nobody says where the files of this person are kept.", needs_person=True)


def check(account: Account) -> Checked:
    """Open a session, and see whose it is."""
    line = Line(account)
    try:
        me = line.get("com.atproto.server.getSession", params={})
    except (web.NotReachedError, web.NoAnswerError) as error:
        raise PlaceError(f"The server could not be reached: {error}.") from error
    except web.ForbiddenAddressError as error:
        raise PlaceError(f"The server was not asked: {error}.", needs_person=True) from error
    handle = str(me.get("handle") or "")
    warnings = []
    if line.session.is_of_main_password():
        warnings.append(
            "This is the password of the account itself. An app password can do less harm."
        )
    if me.get("active") is False:
        warnings.append("The account is switched off at Bluesky.")
    if len(queries_of(account.settings)) > SEARCHED_COUNT and not has_stream(account.settings):
        warnings.append(f"Search asks for the first {SEARCHED_COUNT} names; choose a stream.")
    return Checked(
        account=f"@{handle}",
        found={"did": line.did},
        warnings=tuple(warnings),
        quota=line.quota,
    )


class _RefusedError(Exception):
    """It cannot be sent; the receipt says why."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__(receipt.reason)
        self.receipt = receipt


def _why_not(outgoing: Outgoing) -> str | None:
    """What is wrong with a reply before anybody is asked."""
    images = [file for file in outgoing.files if file.content_type.startswith("image/")]
    text = outgoing.text.strip()
    if outgoing.is_private:
        return "Bluesky has no private answer to a public post that we could send."
    if f"/{POST}/" not in outgoing.parent:
        return "There is no post to answer."
    if lengths.length(text, Unit.GRAPHEMES) > 300 or len(text.encode()) > POST_LIMIT_BYTES:
        return "A post has at most 300 characters."
    if len(images) < len(outgoing.files):
        return "Only pictures can be sent to Bluesky."
    if len(images) > IMAGE_COUNT:
        return f"A post has at most {IMAGE_COUNT} pictures."
    if any(len(file.content) > IMAGE_LIMIT_BYTES for file in images):
        return "A picture on Bluesky has at most 1 MB."
    return None


def _shown(uri: str, line: Line) -> Mapping[str, Any]:
    """The post as we see it. Raises `_RefusedError` if it is gone, or we are blocked."""
    asked = {"uri": uri, "depth": "0", "parentHeight": "0"}
    answer = line.ask("GET", "app.bsky.feed.getPostThread", params=asked)
    if said(answer) == "NotFound":
        raise _RefusedError(asking.failed("The post is no longer there.", is_final=True))
    if not answer.is_good:
        raise refusal(answer)
    thread = answer.json().get("thread", {})
    if thread.get("blocked") is True:
        reason = "Its author has blocked us, or we them."
        raise _RefusedError(asking.failed(reason, is_final=True))
    view = thread.get("post")
    if not isinstance(view, dict) or not isinstance(view.get("record"), dict):
        raise _RefusedError(asking.failed("The post is no longer there.", is_final=True))
    return view


def _image(file: File, line: Line) -> dict[str, Any]:
    """A picture handed over, described by the name of its file."""
    answer = line.ask(
        "POST", "com.atproto.repo.uploadBlob", body=file.content, content_type=file.content_type
    )
    if not answer.is_good:
        raise _RefusedError(_refused(answer))
    stem, dot, _ = file.name.rpartition(".")
    return {"alt": stem if dot else file.name, "image": answer.json()["blob"]}


def _did_of(handle: str, line: Line) -> str:
    """Whom a handle names; nobody is no reason not to send."""
    answer = line.ask("GET", "com.atproto.identity.resolveHandle", params={"handle": handle})
    return str(answer.json().get("did") or "") if answer.is_good else ""


def _put(collection: str, key: str, record: Mapping[str, Any], line: Line) -> Receipt:
    """Write a record that is not there yet; that it is there already is as good."""
    data = {"collection": collection, "rkey": key, "record": record, "swapRecord": None}
    return _written("com.atproto.repo.putRecord", data, line)


def _deleted(acting: Acting, line: Line) -> Receipt:
    """Take back a post of ours; one that is gone already is as good."""
    uri = acting.external_id
    if posts.author_of(uri) != line.did or f"/{POST}/" not in uri:
        return asking.failed("Only our own posts can be deleted.", is_final=True)
    data = {"collection": POST, "rkey": posts.key_of(uri)}
    return _written("com.atproto.repo.deleteRecord", data, line)


def _written(method: str, data: Mapping[str, Any], line: Line) -> Receipt:
    """Change one record of ours, named by `data`."""
    try:
        uri = f"at://{line.did}/{data['collection']}/{data['rkey']}"
        answer = line.ask("POST", method, data={"repo": line.did, **data})
    except web.NoAnswerError as error:
        return Receipt(
            SendState.UNKNOWN, reason=f"Bluesky did not say whether it took it ({error})."
        )
    except UNREACHED as error:
        return _not_sent(error)
    if answer.is_good or said(answer) == "InvalidSwap":
        return Receipt(SendState.SENT, external_id=uri)
    return _refused(answer)


def _refused(answer: web.Answer) -> Receipt:
    """The receipt for a refusal, with the wait that the place's own headers name."""
    receipt, error = asking.refused(answer), refusal(answer)
    wish = receipt.retry_after_seconds
    if wish is None and error.retry_after_seconds is not None:
        wish = int(error.retry_after_seconds)
    return Receipt(
        SendState.FAILED,
        reason=receipt.reason,
        retry_after_seconds=wish,
        is_final=receipt.is_final,
    )


def _not_sent(error: Exception) -> Receipt:
    """The receipt for what broke before anything was written."""
    wish = error.retry_after_seconds if isinstance(error, PlaceError) else None
    return Receipt(
        SendState.FAILED,
        reason=str(error) if isinstance(error, PlaceError) else f"It was not sent: {error}.",
        retry_after_seconds=int(wish) if wish is not None else None,
        is_final=isinstance(error, web.ForbiddenAddressError)
        or (isinstance(error, PlaceError) and error.needs_person),
    )


def _rested(ear: Ear, fetched: Fetched) -> Iterator[Fetched]:
    """Nothing, again and again, until it is time to look."""
    until = _next_look(fetched)
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(STEP_SECONDS, left))
        yield ear.fetched(())


def _next_look(fetched: Fetched) -> float:
    """When to ask again, on the clock that only goes forward."""
    pause = 0.0 if fetched.has_more else every_seconds
    return time.monotonic() + max(pause, fetched.pause_seconds or 0.0)


def _document_of(did: str, account: Account) -> str:
    """Where the document stands that tells who keeps somebody's records."""
    if did.startswith("did:web:"):
        return f"https://{did.removeprefix('did:web:')}/.well-known/did.json"
    return f"{str(account.settings.get('plc_url') or PLC).rstrip('/')}/{did}"
