"""The hook promises: only what is signed comes in, and nothing that is signed is ever lost."""

from __future__ import annotations

import base64
import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heard.channels import hook, signing
from heard.channels.base import Account, Delivered, Incoming, RefusedError, SetAside
from heard.conversations.deliveries.journal import take_in
from heard.conversations.models import Conversation, Delivery, Inbox, Message
from heard.conversations.views import hooks
from heard.lib.sealing import seal
from tests import make

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
AT = datetime(2026, 3, 4, 11, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _fresh_doors() -> None:
    hooks._doors.clear()


def make_hook(secret: str = SECRET) -> Inbox:
    return make.inbox(kind="hook", secret=seal(secret))


def post(
    client: Client,
    inbox: Inbox,
    body: bytes,
    *,
    name: str = "d1",
    secret: str = SECRET,
    at: datetime | None = None,
    headers: dict[str, str] | None = None,
) -> Any:
    signed = signing.signed(body, secret=secret, message_id=name, at=at or timezone.now())
    return client.post(
        f"/hooks/{inbox.token}/",
        body,
        content_type="application/json",
        headers=signed | (headers or {}),
    )


def message(**fields: Any) -> dict[str, Any]:
    return {"id": "1", "text": "Where is my order?", "from": {"address": "ann"}, **fields}


def said(*messages: Any) -> bytes:
    return json.dumps({"messages": messages}).encode()


def parsed(body: bytes) -> list[Incoming | SetAside]:
    return list(hook.parse(Delivered(body, {}, AT), Account("Shop", {})))


def one(**fields: Any) -> Incoming:
    [found] = parsed(json.dumps(message(**fields)).encode())
    assert isinstance(found, Incoming), found
    return found


class TestSignatures:
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""

    def test_the_example_of_the_standard(self) -> None:
        body = b'{"test": 2432232314}'
        at = datetime.fromtimestamp(1614265330, UTC)
        headers = signing.signed(
            body, secret=SECRET, message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", at=at
        )
        assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        signing.verify(body, headers=headers, secret=SECRET, now=at)

    @given(st.binary(max_size=200), st.text(min_size=1, max_size=30))
    def test_what_is_signed_is_recognised_and_nothing_else(self, body: bytes, name: str) -> None:
        headers = signing.signed(body, secret=SECRET, message_id=name, at=AT)
        signing.verify(body, headers=headers, secret=SECRET, now=AT)
        wrongs: tuple[dict[str, Any], ...] = (
            {"body": body + b"!"},
            {"secret": OTHER},
            {"secret": ""},
            {"secret": "whsec_"},
            {"secret": "whsec_c2hvcnQ="},
            {"headers": headers | {"webhook-id": name + "!"}},
            {"headers": headers | {"webhook-timestamp": str(int(AT.timestamp()) + 1)}},
            {"headers": headers | {"webhook-signature": ""}},
            {"headers": headers | {"webhook-signature": "v1,"}},
            {"headers": headers | {"webhook-signature": headers["webhook-signature"][3:]}},
            {"headers": headers | {"webhook-signature": "v2" + headers["webhook-signature"][2:]}},
            {"headers": {}},
            {"now": AT + timedelta(seconds=301)},
            {"now": AT - timedelta(seconds=301)},
        )
        for wrong in wrongs:
            words: dict[str, Any] = {"headers": headers, "secret": SECRET, "now": AT} | wrong
            with pytest.raises(RefusedError):
                signing.verify(words.pop("body", body), **words)

    @given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=60))
    def test_no_header_breaks_it(self, name: str, moment: str, mark: str) -> None:
        headers = {"webhook-id": name, "webhook-timestamp": moment, "webhook-signature": mark}
        with pytest.raises(RefusedError):
            signing.verify(b"", headers=headers, secret=SECRET, now=AT)

    def test_while_a_secret_is_replaced_both_are_good_and_both_sign(self) -> None:
        both = f"{OTHER} {SECRET}"
        for secret in (SECRET, OTHER):
            headers = signing.signed(b"x", secret=secret, message_id="1", at=AT)
            signing.verify(b"x", headers=headers, secret=both, now=AT)
            headers = signing.signed(b"x", secret=both, message_id="1", at=AT)
            signing.verify(b"x", headers=headers, secret=secret, now=AT)

    def test_new_secrets_differ_and_are_long_enough(self) -> None:
        secret = signing.new_secret()
        assert secret != signing.new_secret()
        assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32


class TestParsing:
    def test_every_documented_field(self) -> None:
        found = one(
            at="2026-03-04T10:00:00+01:00",
            html="<p>Where is my <b>order</b>?</p>",
            subject="Order 7",
            thread="t1",
            parent="0",
            public=True,
            language="EN",
            need="answer",
            extra={"order": 7},
            attachments=[
                {"name": "a.txt", "content_type": "text/plain", "base64": "U291cA=="},
                {"name": "b.png", "url": "https://example.org/b.png"},
            ],
            **{"from": {"address": "ann@example.org", "name": "Ann"}},
        )
        assert found.at == datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
        assert (found.external_id, found.root, found.parent) == ("1", "t1", "0")
        assert (found.sender, found.sender_name) == ("ann@example.org", "Ann")
        assert (found.subject, found.language, found.need) == ("Order 7", "en", "answer")
        assert found.is_public
        assert found.extra == {"order": 7}
        assert [(file.name, file.content) for file in found.files] == [("a.txt", b"Soup")]
        assert found.text == "Where is my order?\n[b.png] https://example.org/b.png"

    def test_an_answer_given_elsewhere_is_a_reply(self) -> None:
        found = one(kind="reply", author="Bo", to={"address": "ann"}, **{"from": None})
        assert (found.kind, found.author, found.to) == ("reply", "Bo", "ann")

    def test_html_alone_is_read_as_text(self) -> None:
        assert one(text=None, html="<p>One</p><p>Two</p>").text == "One\n\nTwo"

    def test_without_a_time_it_was_said_when_it_came_and_never_later(self) -> None:
        assert one().at == AT
        assert one(at="2099-01-01T00:00:00Z").at == AT
        assert one(at=1772600000).at == datetime(2026, 3, 4, 4, 53, 20, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("wrong", "reason"),
        [
            ({"id": None}, "id"),
            ({"id": " "}, "id"),
            ({"id": "x" * 301}, "id"),
            ({"id": 1.5}, "id"),
            ({"text": None}, "text"),
            ({"text": 5}, "text"),
            ({"from": None}, "from"),
            ({"from": 5}, "from"),
            ({"from": {"address": "x" * 321}}, "from"),
            ({"kind": "note"}, "kind"),
            ({"at": "soon"}, "at"),
            ({"at": "3/4/2026"}, "at"),
            ({"need": "money"}, "need"),
            ({"need": ["answer"]}, "need"),
            ({"extra": []}, "extra"),
            ({"attachments": {}}, "attachments"),
            ({"attachments": [{"name": "a", "base64": "%"}]}, "base64"),
            ({"attachments": [{"name": "a"}]}, "url"),
            ({"attachments": [{}] * 21}, "20"),
        ],
    )
    def test_what_is_wrong_is_named(self, wrong: dict[str, Any], reason: str) -> None:
        [found] = parsed(json.dumps(message(**wrong)).encode())
        assert isinstance(found, SetAside)
        assert reason in found.reason

    def test_one_wrong_message_does_not_stop_the_others(self) -> None:
        found = parsed(said(message(id="1"), message(id="2", text=""), message(id="3")))
        assert [type(item).__name__ for item in found] == ["Incoming", "SetAside", "Incoming"]
        aside = found[1]
        assert isinstance(aside, SetAside)
        assert json.loads(aside.raw)["id"] == "2"


FIELDS = (
    *("id", "text", "html", "from", "at", "thread", "parent", "kind", "to", "extra", "need"),
    *("attachments", "base64", "address", "name", "url", "messages", "subject", "public"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(FIELDS) | st.text(max_size=5),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)
NEARLY = st.builds(
    lambda fields, extra: json.dumps({"messages": [message(**fields, extra=extra)] * 2}).encode(),
    st.fixed_dictionaries(
        {},
        optional={
            name: st.text(max_size=40) | JSON
            for name in ("id", "text", "html", "subject", "thread", "parent", "author", "language")
        },
    ),
    st.dictionaries(st.text(max_size=5), JSON, max_size=2),
)
BODIES = st.one_of(
    st.binary(max_size=300),
    JSON.map(lambda value: json.dumps(value).encode()),
    NEARLY,
    st.sampled_from(
        [
            b"[" * 100_000,
            b'{"messages":' * 5_000,
            b'{"id": "\\u0000\\ud800", "text": "\\u0000", "from": "a\\u0000b"}',
            b'{"id": "\\ud800", "text": "\\udfff", "from": "\\ud800"}',
            b'{"id": "1", "text": "x", "from": "a", "extra": {"\\u0000": ["\\ud800", 1e999]}}',
            b'{"id": "1", "text": "x", "from": "a", "extra": {"a": NaN}}',
            b'{"id": ' + b"9" * 5000 + b', "text": "x", "from": "a"}',
            b"\xff\xfe\x00\x01",
        ]
    ),
)


@pytest.mark.django_db
class TestTheDoor:
    @settings(
        max_examples=80,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(body=BODIES)
    def test_whatever_is_posted_nothing_raises_and_nothing_signed_is_lost(
        self, client: Client, body: bytes
    ) -> None:
        inbox = make_hook()
        answer = post(client, inbox, body)
        assert answer.status_code == 202
        delivery = Delivery.objects.get(pk=answer.json()["delivery"])
        assert bytes(delivery.body) == body
        while take_in(now=timezone.now()):
            pass
        delivery.refresh_from_db()
        assert delivery.state in {"taken", "set_aside"}
        assert (delivery.state == "taken") == (delivery.message_count > 0)
        assert delivery.message_count or delivery.reason
        assert not Delivery.objects.filter(inbox=inbox, state="set_aside", reason="").exists()

    def test_a_signed_message_becomes_a_conversation(self, client: Client) -> None:
        inbox = make_hook()
        answer = post(client, inbox, json.dumps(message()).encode())
        assert answer.status_code == 202
        assert Delivery.objects.get().headers["webhook-id"] == "d1"
        assert "webhook-signature" not in Delivery.objects.get().headers
        take_in(now=timezone.now())
        assert Conversation.objects.get().preview == "Where is my order?"

    def test_a_thousand_messages_may_come_at_once_and_no_more(self, client: Client) -> None:
        inbox = make_hook()
        post(client, inbox, said(*[message(id=str(n)) for n in range(1001)]), name="a")
        take_in(now=timezone.now())
        assert "at most 1000" in Delivery.objects.get().reason
        post(client, inbox, said(*[message(id=str(n)) for n in range(1000)]), name="b")
        take_in(now=timezone.now())
        assert Message.objects.count() == 1000

    def test_what_is_not_signed_with_this_secret_is_refused_and_not_kept(
        self, client: Client
    ) -> None:
        inbox = make_hook()
        old = timezone.now() - timedelta(minutes=6)
        for answer in (
            post(client, inbox, b"{}", secret=OTHER),
            post(client, inbox, b"{}", at=old),
            post(client, inbox, b"{}", headers={"webhook-id": "another"}),
            client.post(f"/hooks/{inbox.token}/", b"{}", content_type="application/json"),
        ):
            assert answer.status_code == 401
            assert set(answer.json()) == {"code", "message"}
        assert not Delivery.objects.exists()

    def test_an_inbox_whose_secret_cannot_be_opened_lets_nobody_in(self, client: Client) -> None:
        inbox = make.inbox(kind="hook", secret="sealed elsewhere")
        assert post(client, inbox, b"{}").status_code == 401
        assert post(client, make.inbox(kind="hook", secret=""), b"{}").status_code == 401

    @pytest.mark.parametrize("token", ["", "nobody", "x" * 500, "%00", "%ff%fe", "../", "a/b"])
    def test_an_unknown_address_is_a_404(self, client: Client, token: str) -> None:
        answer = client.post(f"/hooks/{token}/", b"{}", content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_inbox")

    def test_a_contact_page_takes_no_deliveries_from_outside(self, client: Client) -> None:
        inbox = make.inbox(kind="contact_page", secret=seal(SECRET))
        assert post(client, inbox, b"{}").status_code == 404

    def test_only_posts_are_deliveries(self, client: Client) -> None:
        answer = client.get(f"/hooks/{make_hook().token}/")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")

    def test_what_is_too_large_is_refused(self, client: Client, settings: Any) -> None:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
        assert post(client, make_hook(), b"x" * 101).status_code == 413

    def test_the_same_delivery_again_answers_the_same(self, client: Client) -> None:
        inbox = make_hook()
        first = post(client, inbox, b"{}").json()
        assert post(client, inbox, b"{}").json() == first

    def test_a_known_inbox_costs_one_statement(
        self, client: Client, django_assert_num_queries: Any
    ) -> None:
        inbox = make_hook()
        post(client, inbox, b"{}", name="a")
        with django_assert_num_queries(1):
            post(client, inbox, b"{}", name="b")

    def test_a_new_secret_is_heeded_after_a_few_seconds(self, client: Client) -> None:
        inbox = make_hook()
        post(client, inbox, b"{}")
        inbox.secret = seal(OTHER)
        inbox.save()
        door = hooks._doors[inbox.token]
        hooks._doors[inbox.token] = door._replace(until=0.0)
        assert post(client, inbox, b"{}").status_code == 401
        assert post(client, inbox, b"{}", secret=OTHER).status_code == 202


@pytest.mark.django_db(transaction=True)
def test_ten_parallel_posts_of_the_same_delivery_make_one_message() -> None:
    inbox = make_hook()
    body = json.dumps(message()).encode()
    answers: list[tuple[int, Any]] = []
    start = threading.Barrier(10)

    def run() -> None:
        start.wait()
        answer = post(Client(), inbox, body)
        answers.append((answer.status_code, answer.json()["delivery"]))
        take_in(now=timezone.now())
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 10
    assert len(set(answers)) == 1
    take_in(now=timezone.now())
    assert Delivery.objects.get().state == "taken"
    assert Message.objects.count() == 1
    assert connection.in_atomic_block is False


def test_a_number_that_no_database_keeps_is_set_aside_alone() -> None:
    said = {"id": "1", "text": "Hello", "from": "ann", "extra": {"weight": float("inf")}}
    body = json.dumps([said]).replace("Infinity", "1e999").encode()
    delivered = Delivered(b'{"messages": ' + body + b"}", {}, make.NOON)
    [one] = hook.parse(delivered, Account(name="x", settings={}))
    assert isinstance(one, SetAside)
    assert "too large" in one.reason


def test_what_proves_the_sender_in_an_address_is_not_kept() -> None:
    kept = hooks._worth_keeping({"content-type": "a", "x-signature": "b"}, "word=s&page=2&apikey=x")
    assert kept == {"content-type": "a", "query": "page=2"}
