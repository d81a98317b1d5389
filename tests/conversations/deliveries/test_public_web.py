"""The open web in the house: a blog's threads, pushed feeds and pingbacks, through its doors."""

from __future__ import annotations

import hmac
import json
import xmlrpc.client
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from heard.channels import feeds, wordpress
from heard.channels.base import Outgoing, SendState
from heard.channels.signing import new_secret
from heard.conversations.deliveries.journal import take_in
from heard.conversations.deliveries.listening import store
from heard.conversations.inboxes import health
from heard.conversations.inboxes.accounts import account_of
from heard.conversations.models import Conversation, Inbox, Listening, Message
from heard.lib.sealing import seal
from tests import make
from tests.channels.test_wordpress import Blog

FEED = "https://blog.example/comments.xml"


def taken_in() -> None:
    while take_in(now=timezone.now()):
        pass


def asked(box: Inbox, blog: Blog) -> None:
    """Ask the blog once, as the listening house does, and take in what it brought."""
    cursor = Listening.objects.get(inbox=box).cursor
    fetched = wordpress.poll(cursor or blog.cursor, blog.account)
    store(box, fetched, before=cursor, now=timezone.now())
    taken_in()


@pytest.mark.journey
@pytest.mark.django_db
def test_people_under_one_post_of_a_real_blog_are_conversations_that_share_their_root() -> None:
    blog = Blog()
    box = make.inbox(kind="wordpress")
    health.row_of(box, now=timezone.now())
    ann = blog.comment("Are you open on Sunday?")
    al = blog.comment("How much is the tea?", "Al")
    asked(box, blog)
    asked(box, blog)
    root = f"post-{blog.post['id']}"
    ours = {f"comment-{ann}", f"comment-{al}"}
    said = Message.objects.filter(inbox=box, external_id__in=ours)
    assert said.count() == 2
    talks = {message.conversation for message in said.select_related("conversation")}
    assert len(talks) == 2
    assert {talk.root for talk in talks} == {root}
    assert {talk.contact_id for talk in talks} == {message.contact_id for message in said}
    outgoing = Outgoing(
        "k", "ann", "We are!", root=root, parent=f"comment-{ann}", at=datetime.now(UTC)
    )
    sent = wordpress.send(outgoing, blog.account)
    assert sent.state is SendState.SENT
    asked(box, blog)
    reply = Message.objects.get(inbox=box, external_id=sent.external_id)
    assert reply.kind == "reply"
    assert reply.conversation == said.get(external_id=f"comment-{ann}").conversation
    assert Conversation.objects.get(pk=reply.conversation_id).waiting_since is None
    blog.asks("DELETE", f"comments/{al}", None, ours=True)
    asked(box, blog)
    assert said.get(external_id=f"comment-{al}").deleted_at is not None


@pytest.mark.django_db
def test_a_hub_is_greeted_at_the_door_and_what_it_pushes_is_taken_in(client: Client) -> None:
    secret = seal(json.dumps({"signing_secret": new_secret()}))
    box = make.inbox(kind="feeds", token="hub-door", secret=secret, settings={"feeds": FEED})
    account = account_of(box)
    callback = urlsplit(feeds.callback(FEED, FEED, account)).query
    query = urlencode({"hub.mode": "subscribe", "hub.topic": FEED, "hub.challenge": "abc"})
    greeting = client.get(f"/hooks/hub-door/?{callback}&{query}")
    assert (greeting.status_code, greeting.content) == (200, b"abc")
    body = (
        f"<rss version='2.0'><channel><item><guid>{FEED}#1</guid><description>Are you open?"
        f"</description><pubDate>{datetime.now(UTC):%a, %d %b %Y %H:%M:%S +0000}</pubDate>"
        "</item></channel></rss>"
    ).encode()
    shared = hmac.new(account.secret.encode(), f"websub {FEED}".encode(), "sha256").hexdigest()
    mark = hmac.new(shared.encode(), body, "sha512").hexdigest()
    for signature, status in ((f"sha512={mark}", 202), ("sha512=" + "0" * 128, 401), ("", 401)):
        answer = client.post(
            f"/hooks/hub-door/?{callback}",
            body,
            content_type="application/rss+xml",
            headers={"X-Hub-Signature": signature},
        )
        assert answer.status_code == status
    taken_in()
    assert Message.objects.get(inbox=box).text == "Are you open?"


@pytest.mark.django_db
def test_a_pingback_is_answered_in_its_own_words(client: Client) -> None:
    make.inbox(kind="webmention", token="ping-door", settings={"sites": "shop.example"})
    body = xmlrpc.client.dumps(("https://a.example/", "https://shop.example/"), "pingback.ping")
    answer = client.post("/hooks/ping-door/", body, content_type="text/xml")
    assert answer.status_code == 200
    assert xmlrpc.client.loads(answer.content)[0]
    refused = client.post("/hooks/ping-door/", "<!DOCTYPE x>" + body, content_type="text/xml")
    assert refused.status_code == 401
    assert client.get("/hooks/ping-door/").status_code == 200
