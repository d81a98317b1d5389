"""From Bluesky into the house and back: a real server of its software, everything heard twice."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from heard.channels import bluesky
from heard.channels.bluesky.session import Line
from heard.conversations.deliveries.journal import take_in
from heard.conversations.deliveries.listening import store
from heard.conversations.inboxes import health
from heard.conversations.inboxes.accounts import account_of
from heard.conversations.models import Acknowledgement, Inbox, Listening, Message, Sending
from heard.conversations.outbox.replying import reply
from heard.conversations.outbox.sending import deliver
from heard.lib.sealing import seal
from tests import make
from tests.channels.test_bluesky_server import POST, Anna
from tests.servers import running

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def env() -> dict[str, str]:
    return running("atproto")


@pytest.fixture
def anna(env: dict[str, str]) -> Iterator[Anna]:
    anna = Anna(env)
    yield anna
    anna.close()


@pytest.fixture
def box(env: dict[str, str]) -> Inbox:
    inbox = make.inbox(
        kind="bluesky",
        settings={
            "handle": env["USER"],
            "service": env["URL"],
            "plc_url": env["PLC_URL"],
            "allow_private": True,
        },
        secret=seal(json.dumps({"password": env["PASSWORD"]})),
    )
    health.row_of(inbox, now=timezone.now())
    return inbox


def listen(box: Inbox, *, until: Callable[[], object], again: bool = False) -> None:
    """Look until it is there; `again` forgets how far we were, so that everything comes twice."""
    end = time.monotonic() + 20
    while True:
        if again:
            Listening.objects.update(cursor="")
        cursor = Listening.objects.get(inbox=box).cursor
        fetched = bluesky.poll(cursor, account_of(box))
        store(box, fetched, before=cursor, now=timezone.now())
        while take_in(now=timezone.now()):
            pass
        if until():
            return
        assert time.monotonic() < end, "it was not heard"
        time.sleep(0.3)


def test_a_mention_becomes_a_conversation_and_our_answer_is_one_message(
    box: Inbox, anna: Anna
) -> None:
    did, word = bluesky.check(account_of(box)).found["did"], secrets.token_hex(4)
    asked = anna.mentions(did, f"where is order {word}?")
    listen(box, until=lambda: Message.objects.filter(external_id=asked["uri"]).exists())
    question = Message.objects.get(external_id=asked["uri"])
    conversation = question.conversation
    assert conversation.is_public
    assert conversation.waiting_since is not None

    reply(
        conversation,
        text="We are sorry for the wait. Your parcel reaches you tomorrow.",
        author=make.user(),
        now=timezone.now(),
    )
    Sending.objects.update(not_before=timezone.now() - timedelta(minutes=1))
    sending = Sending.objects.get()
    deliver(sending_id=sending.pk)
    sending.refresh_from_db()
    assert sending.state == "sent", sending.reason
    ours = sending.message
    ours.refresh_from_db()
    before = Message.objects.count()
    listen(box, until=lambda: True)
    listen(box, until=lambda: True, again=True)
    assert Message.objects.filter(external_id=ours.external_id).count() == 1
    assert Message.objects.filter(conversation=conversation, kind="reply").count() == 1
    assert Message.objects.filter(external_id=asked["uri"]).count() == 1
    assert Message.objects.count() == before

    cid = anna.get("app.bsky.feed.getPosts", uris=ours.external_id)["posts"][0]["cid"]
    thanks = anna.writes(
        POST,
        text="Thank you so much!",
        reply={
            "root": {"uri": asked["uri"], "cid": asked["cid"]},
            "parent": {"uri": ours.external_id, "cid": cid},
        },
    )
    listen(box, until=lambda: Message.objects.filter(external_id=thanks["uri"]).exists())
    assert Message.objects.get(external_id=thanks["uri"]).conversation == conversation


def test_a_repost_is_kept_and_asks_nothing_and_a_like_of_ours_is_known(
    box: Inbox, anna: Anna
) -> None:
    word = secrets.token_hex(4)
    did = bluesky.check(account_of(box)).found["did"]
    praise = anna.mentions(did, f"the best shop in town {word}")
    listen(box, until=lambda: Message.objects.filter(external_id=praise["uri"]).exists())
    staff = Line(account_of(box))
    like = {
        "$type": "app.bsky.feed.like",
        "subject": {"uri": praise["uri"], "cid": praise["cid"]},
        "createdAt": timezone.now().isoformat(),
    }
    data = {"repo": did, "collection": "app.bsky.feed.like", "record": like}
    assert staff.ask("POST", "com.atproto.repo.createRecord", data=data).is_good
    listen(
        box,
        until=lambda: Acknowledgement.objects.filter(message__external_id=praise["uri"]).exists(),
    )
    post = {
        "$type": "app.bsky.feed.post",
        "text": f"Bread is out of the oven {word}",
        "createdAt": timezone.now().isoformat(),
    }
    data = {"repo": did, "collection": "app.bsky.feed.post", "record": post}
    ours = staff.ask("POST", "com.atproto.repo.createRecord", data=data).json()
    subject = {"uri": ours["uri"], "cid": ours["cid"]}
    repost = anna.writes("app.bsky.feed.repost", subject=subject)
    listen(box, until=lambda: Message.objects.filter(external_id=repost["uri"]).exists())
    assert Message.objects.get(external_id=repost["uri"]).need == "nothing"
