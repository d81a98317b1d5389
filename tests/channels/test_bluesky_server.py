"""Bluesky against a real server of its software: what a customer's own client says and sees."""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import pytest

from heard.channels import bluesky
from heard.channels.base import (
    Account,
    Act,
    Acting,
    Deleted,
    Fetched,
    File,
    Heard,
    Incoming,
    Kind,
    Outgoing,
    PlaceError,
    SendState,
)
from heard.channels.bluesky import session
from tests.servers import running

pytestmark = pytest.mark.journey

POST = "app.bsky.feed.post"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360"
    "000002000001e221bc330000000049454e44ae426082"
)


class Anna:
    """A customer with a client of her own."""

    def __init__(self, env: dict[str, str]) -> None:
        self._client = httpx.Client(base_url=f"{env['URL']}/xrpc/", trust_env=False, timeout=20)
        me = self._client.post(
            "com.atproto.server.createSession",
            json={"identifier": env["CUSTOMER_USER"], "password": env["PASSWORD"]},
        ).json()
        self.did = me["did"]
        self._client.headers["authorization"] = f"Bearer {me['accessJwt']}"

    def close(self) -> None:
        self._client.close()

    def get(self, method: str, **params: str) -> Any:
        answer = self._client.get(method, params=params)
        answer.raise_for_status()
        return answer.json()

    def writes(self, collection: str, **record: Any) -> dict[str, str]:
        at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        answer = self._client.post(
            "com.atproto.repo.createRecord",
            json={
                "repo": self.did,
                "collection": collection,
                "record": {"$type": collection, "createdAt": at, **record},
            },
        )
        answer.raise_for_status()
        return cast("dict[str, str]", answer.json())

    def mentions(self, did: str, text: str, **record: Any) -> dict[str, str]:
        mention = {"$type": "app.bsky.richtext.facet#mention", "did": did}
        facet = {"index": {"byteStart": 0, "byteEnd": 14}, "features": [mention]}
        return self.writes(POST, text=f"@acmecare.test {text}", facets=[facet], **record)

    def deletes(self, uri: str) -> None:
        _, _, did, collection, key = uri.split("/")
        self._client.post(
            "com.atproto.repo.deleteRecord",
            json={"repo": did, "collection": collection, "rkey": key},
        ).raise_for_status()

    def uploads(self, content: bytes) -> Any:
        answer = self._client.post(
            "com.atproto.repo.uploadBlob", content=content, headers={"content-type": "image/png"}
        )
        return answer.json()["blob"]


@pytest.fixture(scope="module")
def env() -> dict[str, str]:
    return running("atproto")


@pytest.fixture
def anna(env: dict[str, str]) -> Iterator[Anna]:
    anna = Anna(env)
    yield anna
    anna.close()


def account_at(env: dict[str, str], **settings: str) -> Account:
    return Account(
        name="Bluesky",
        settings={
            "handle": env["USER"],
            "service": env["URL"],
            "plc_url": env["PLC_URL"],
            **settings,
        },
        secrets={"password": env["PASSWORD"]},
        allow_private=True,
    )


def until(look: Callable[[], Any], *, seconds: float = 20) -> Any:
    """The first thing that is found; the place may need a moment."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.2)
    return found


def said(fetched: Fetched, account: Account) -> list[Heard]:
    return [one for delivered in fetched.deliveries for one in bluesky.parse(delivered, account)]


def polled(account: Account, external_id: str) -> Incoming:
    """A message as polling hears it, from the beginning."""

    def look() -> Incoming | None:
        for one in said(bluesky.poll("", account), account):
            if isinstance(one, Incoming) and one.external_id == external_id:
                return one
        return None

    return cast("Incoming", until(look))


@contextlib.contextmanager
def listening(account: Account, cursor: str = "") -> Iterator[Iterator[Fetched]]:
    with contextlib.closing(cast("Generator[Fetched]", bluesky.listen(cursor, account))) as ear:
        yield ear


def test_a_mention_is_heard_and_answered_once_in_its_thread(
    env: dict[str, str], anna: Anna
) -> None:
    account = account_at(env)
    checked = bluesky.check(account)
    assert checked.account == "@acmecare.test"
    image = {"alt": "A torn box", "image": anna.uploads(PIXEL)}
    word = secrets.token_hex(4)
    asked = anna.mentions(
        checked.found["did"],
        f"where is order {word}?",
        langs=["en"],
        embed={"$type": "app.bsky.embed.images", "images": [image]},
    )
    mention = polled(account, asked["uri"])
    assert mention.text == f"@acmecare.test where is order {word}?"
    assert (mention.kind, mention.sender, mention.extra["cid"]) == (
        Kind.INCOMING, anna.did, asked["cid"],
    )  # fmt: skip
    assert mention.files[0].name == "A torn box"
    assert bluesky.fetch(mention.files[0].source, account) == PIXEL

    reply = Outgoing(
        idempotency_key=f"reply_{word}",
        to=mention.sender,
        text=f"@anna.test it left on Monday: https://acme.example/{word} #sorry",
        parent=mention.external_id,
        root=mention.root,
        at=datetime.now(UTC),
        answered=mention.extra,
        files=(File(name="The parcel.png", content_type="image/png", content=PIXEL),),
    )
    receipt = bluesky.send(reply, account)
    assert receipt.state is SendState.SENT
    assert bluesky.send(reply, account) == receipt

    def thread() -> Any:
        shown = anna.get("app.bsky.feed.getPostThread", uri=asked["uri"])["thread"]
        return shown.get("replies")

    answers = until(thread)
    assert [one["post"]["uri"] for one in answers] == [receipt.external_id]
    record = answers[0]["post"]["record"]
    assert record["text"] == reply.text
    assert [one["features"][0]["$type"].partition("#")[2] for one in record["facets"]] == [
        "link", "mention", "tag",
    ]  # fmt: skip
    assert answers[0]["post"]["embed"]["images"][0]["alt"] == "The parcel"

    echo = polled(account, receipt.external_id)
    assert (echo.kind, echo.parent, echo.to) == (Kind.REPLY, asked["uri"], anna.did)

    again = anna.writes(
        POST,
        text="Thank you!",
        reply={
            "root": {"uri": asked["uri"], "cid": asked["cid"]},
            "parent": {"uri": receipt.external_id, "cid": answers[0]["post"]["cid"]},
        },
    )
    thanks = polled(account, again["uri"])
    assert (thanks.root, thanks.parent) == (asked["uri"], receipt.external_id)


def test_a_like_and_a_repost_are_seen_there_and_once(env: dict[str, str], anna: Anna) -> None:
    account = account_at(env)
    praise = anna.mentions(bluesky.check(account).found["did"], "you are the best")
    until(lambda: polled(account, praise["uri"]))
    for act in (Act.LIKE, Act.SHARE):
        first, second = (
            bluesky.act(Acting(act, praise["uri"], idempotency_key=key), account) for key in "ab"
        )
        assert first == second
        assert first.state is SendState.SENT

    def counted() -> Any:
        view = anna.get("app.bsky.feed.getPosts", uris=praise["uri"])["posts"][0]
        return view["likeCount"] and view["repostCount"] and view

    view = until(counted)
    assert (view["likeCount"], view["repostCount"]) == (1, 1)


def test_quotes_reposts_and_own_posts_are_told_apart(env: dict[str, str], anna: Anna) -> None:
    account = account_at(env)
    bluesky.check(account)
    greeting = anna.mentions(session.Line(account).did, "hello")
    polled(account, greeting["uri"])
    ours = bluesky.send(
        Outgoing(
            idempotency_key=secrets.token_hex(8), to="", text="Hello!", parent=greeting["uri"],
            at=datetime.now(UTC),
        ),
        account,
    )  # fmt: skip
    echo = polled(account, ours.external_id)
    subject = {"uri": ours.external_id, "cid": echo.extra["cid"]}
    quote = anna.writes(
        POST, text="they say", embed={"$type": "app.bsky.embed.record", "record": subject}
    )
    repost = anna.writes("app.bsky.feed.repost", subject=subject)
    assert polled(account, quote["uri"]).extra["quotes"] == ours.external_id
    passed = polled(account, repost["uri"])
    assert (passed.need, passed.extra["shares"]) == ("nothing", ours.external_id)


def test_a_post_that_names_us_is_heard_in_the_firehose_and_its_deletion_too(
    env: dict[str, str], anna: Anna
) -> None:
    word = f"zq{secrets.token_hex(4)}"
    account = account_at(
        env, stream="firehose", stream_url=env["FIREHOSE_URL"], terms=f"Blue {word}\nother"
    )
    with listening(account) as ear:
        fetched = next(ear)  # what had to be asked for
        fetched = next(ear)  # the stream is open
        post = anna.writes(POST, text=f"A night in the BLUE {word}, lovely", langs=["en"])
        anna.writes(POST, text=f"Something blue, something {word}")
        named: list[Heard] = []
        while not named:
            fetched = next(ear)
            named = said(fetched, account)
        (one,) = named
        assert isinstance(one, Incoming)
        assert one.external_id == post["uri"]
        assert one.extra["terms"] == [f"Blue {word}"]
        assert one.extra["cid"] == post["cid"]
        assert one.extra["handle"] == "anna.test"
    anna.deletes(post["uri"])  # while nobody listens
    with listening(account, fetched.cursor) as ear:
        gone: list[Heard] = []
        while not any(isinstance(one, Deleted) for one in gone):
            gone += said(next(ear), account)
        assert [one.external_id for one in gone if isinstance(one, Deleted)] == [post["uri"]]


def test_a_stream_from_the_future_begins_anew(env: dict[str, str]) -> None:
    account = account_at(env, stream="firehose", stream_url=env["FIREHOSE_URL"], terms="anything")
    with listening(account) as ear:
        cursor = next(ear).cursor
    told = json.loads(cursor)
    told["stream"], told["position"] = env["FIREHOSE_URL"], 10**12
    with listening(account, json.dumps(told)) as ear:
        next(ear)
        fetched = next(ear)
        assert json.loads(fetched.cursor)["position"] is None


def test_names_are_found_by_search_where_no_stream_is_read(env: dict[str, str], anna: Anna) -> None:
    word = f"zq{secrets.token_hex(4)}"
    post = anna.writes(POST, text=f"Has anybody been to {word} lately?")
    account = account_at(env, terms=word)
    assert polled(account, post["uri"]).extra["terms"] == [word]


def test_a_block_is_told_before_an_answer_is_wasted(env: dict[str, str], anna: Anna) -> None:
    account = account_at(env)
    did = bluesky.check(account).found["did"]
    angry = anna.mentions(did, "never again")
    polled(account, angry["uri"])
    block = anna.writes("app.bsky.graph.block", subject=did)
    reply = Outgoing(idempotency_key=secrets.token_hex(8), to="", text="?", parent=angry["uri"])
    try:
        receipt = until(
            lambda: (found := bluesky.send(reply, account)).state is SendState.FAILED and found
        )
        assert "blocked" in receipt.reason
        assert receipt.is_final
    finally:
        anna.deletes(block["uri"])
    gone = anna.mentions(did, "deleted at once")
    anna.deletes(gone["uri"])
    reply = Outgoing(idempotency_key=secrets.token_hex(8), to="", text="?", parent=gone["uri"])

    def refused() -> Any:
        receipt = bluesky.send(reply, account)
        return "no longer there" in receipt.reason

    until(refused)


def test_a_wrong_password_needs_a_person_and_a_lost_session_does_not(env: dict[str, str]) -> None:
    account = account_at(env)
    did = session.Line(account).did
    wrong = Account(
        name="x", settings=account.settings, secrets={"password": "no"}, allow_private=True
    )
    with pytest.raises(PlaceError) as refused:
        bluesky.check(wrong)
    assert refused.value.needs_person
    known = session.Line(account).session
    spoilt = session.Session(
        did, known.handle, known.server, known.access[:-4] + "AAAA", known.refresh,
        known.opened_with,
    )  # fmt: skip
    session._sessions[known.opened_with] = spoilt
    assert bluesky.check(account).account == "@acmecare.test"
