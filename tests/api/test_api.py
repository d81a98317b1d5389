"""The API promises: what its person may see and do, and one shape for every refusal."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from heard.conversations.deliveries.journal import take_in
from heard.conversations.models import Conversation, Delivery, Inbox, Message, Sending
from heard.events.models import Event
from heard.staff.models import ApiToken, Role, User
from heard.staff.tokens import issue, revoke
from tests import make

pytestmark = pytest.mark.django_db


class Program:
    """A program with a token."""

    def __init__(self, user: User, *scopes: str) -> None:
        self.user = user
        self.token, self.text = issue(user, name="till", scopes=scopes, by=None, now=timezone.now())
        self.client = Client()

    def ask(self, method: str, path: str, data: Any = None, **headers: str) -> Any:
        said = data if isinstance(data, bytes) else json.dumps(data).encode()
        return self.client.generic(
            method,
            f"/api/v1{path}",
            b"" if data is None else said,
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.text}", **headers},
        )


@pytest.fixture
def owner() -> Program:
    return Program(make.owner(name="Olu"), "read", "write", "intake")


def message(**fields: Any) -> dict[str, Any]:
    return {"id": "1", "text": "Where is my order?", "from": {"address": "ann"}, **fields}


class TestTokens:
    def test_a_token_tells_for_whom_it_acts(self, owner: Program) -> None:
        answer = owner.ask("GET", "/me").json()
        assert (answer["user"], answer["role"]) == ("Olu", Role.OWNER)
        assert answer["scopes"] == ["intake", "read", "write"]

    def test_only_a_digest_is_kept(self, owner: Program) -> None:
        row = ApiToken.objects.values().get()
        assert owner.text not in str(row)
        assert owner.text.startswith(row["beginning"])

    @pytest.mark.parametrize("text", ["", "heard_x", "Bearer", "\ud800", "x" * 10_000])
    def test_without_a_good_token_nothing_opens(self, owner: Program, text: str) -> None:
        owner.text = text.encode(errors="replace").decode()
        answer = owner.ask("GET", "/me")
        assert (answer.status_code, answer.json()["code"]) == (401, "no_token")

    def test_a_session_is_no_token(self) -> None:
        client = Client()
        client.force_login(make.owner(), "heard.staff.sessions.SignIn")
        assert client.get("/api/v1/inboxes").status_code == 401

    def test_a_revoked_token_opens_nothing(self, owner: Program, now: datetime) -> None:
        revoke(owner.token, by=None, now=now)
        assert owner.ask("GET", "/me").status_code == 401

    def test_somebody_who_left_has_no_tokens(self, owner: Program) -> None:
        User.objects.update(is_active=False)
        assert owner.ask("GET", "/me").status_code == 401

    @pytest.mark.parametrize(
        ("scope", "method", "path"),
        [
            ("write", "GET", "/inboxes"),
            ("intake", "GET", "/conversations"),
            ("intake", "GET", "/conversations/1"),
            ("read", "POST", "/inboxes/1/messages"),
            ("write", "POST", "/inboxes/1/messages"),
            ("read", "POST", "/conversations/1/replies"),
            ("read", "POST", "/conversations/1/notes"),
            ("read", "POST", "/conversations/1/resolution"),
            ("read", "PUT", "/conversations/1/assignment"),
            ("write", "GET", "/deliveries/1"),
        ],
    )
    def test_a_scope_is_a_limit(self, scope: str, method: str, path: str) -> None:
        answer = Program(make.owner(), scope).ask(method, path, {"text": "x"})
        assert (answer.status_code, answer.json()["code"]) == (403, "out_of_scope")

    def test_the_last_use_is_noted_once_an_hour(self, owner: Program) -> None:
        owner.ask("GET", "/me")
        first = ApiToken.objects.get().last_used_at
        owner.ask("GET", "/me")
        assert first is not None
        assert ApiToken.objects.get().last_used_at == first
        ApiToken.objects.update(last_used_at=first - timedelta(hours=2))
        owner.ask("GET", "/me")
        assert ApiToken.objects.get().last_used_at != first - timedelta(hours=2)

    def test_the_command_makes_lists_and_revokes(self) -> None:
        make.user(email="bo@house.example")
        out, err = StringIO(), StringIO()
        call_command(
            "token",
            *("add", "BO@house.example", "--name", "till", "--scope", "read"),
            stdout=out,
            stderr=err,
        )
        text = out.getvalue().strip()
        token = ApiToken.objects.get()
        assert text.startswith(token.beginning)
        out = StringIO()
        call_command("token", "list", stdout=out)
        assert "bo@house.example" in out.getvalue()
        assert text not in out.getvalue()
        call_command("token", "revoke", str(token.pk), stdout=StringIO())
        with pytest.raises(CommandError):
            call_command("token", "revoke", str(token.pk), stdout=StringIO())
        with pytest.raises(CommandError):
            call_command("token", "add", "x@y.example", "--name", "a", "--scope", "read")


class TestBringing:
    def test_a_message_is_kept_and_becomes_a_conversation(self, owner: Program) -> None:
        inbox = make.inbox(kind="hook")
        answer = owner.ask("POST", f"/inboxes/{inbox.pk}/messages", message())
        assert answer.status_code == 202
        take_in(now=timezone.now())
        assert Conversation.objects.get().preview == "Where is my order?"
        told = owner.ask("GET", f"/deliveries/{answer.json()['delivery']}").json()
        assert (told["state"], told["messages"], told["inbox"]) == ("taken", 1, inbox.pk)

    def test_a_hundred_cost_the_caller_as_many_statements_as_one(
        self, owner: Program, django_assert_num_queries: Any
    ) -> None:
        inbox = make.inbox(kind="hook")
        owner.ask("POST", f"/inboxes/{inbox.pk}/messages", message())
        many = {"messages": [message(id=str(n)) for n in range(100)]}
        with django_assert_num_queries(3):  # token, inbox, delivery
            owner.ask("POST", f"/inboxes/{inbox.pk}/messages", many)
        take_in(now=timezone.now())
        assert Message.objects.count() == 100

    def test_the_same_key_is_the_same_delivery(self, owner: Program) -> None:
        path = f"/inboxes/{make.inbox(kind='hook').pk}/messages"
        key = {"Idempotency-Key": "k1"}
        first = owner.ask("POST", path, message(), **key).json()
        assert owner.ask("POST", path, message(), **key).json() == first
        assert owner.ask("POST", path, message()).json() != first

    def test_what_is_wrong_is_told_or_set_aside(self, owner: Program) -> None:
        inbox = make.inbox(kind="hook")
        answer = owner.ask("POST", f"/inboxes/{inbox.pk}/messages", b"{nonsense")
        assert (answer.status_code, answer.json()["code"]) == (400, "not_json")
        assert not Delivery.objects.exists()
        answer = owner.ask("POST", f"/inboxes/{inbox.pk}/messages", message(text=""))
        take_in(now=timezone.now())
        told = owner.ask("GET", f"/deliveries/{answer.json()['delivery']}").json()
        assert (told["state"], told["reason"]) == ("set_aside", "“text” is missing")

    def test_a_page_of_ours_is_not_fed_by_programs(self, owner: Program) -> None:
        path = f"/inboxes/{make.inbox(kind='contact_page').pk}/messages"
        assert owner.ask("POST", path, message()).status_code == 409


class TestReading:
    def test_conversations_come_page_by_page(self, owner: Program) -> None:
        inbox = make.inbox()
        for minute in range(5):
            at = make.NOON + timedelta(minutes=minute)
            make.conversation(inbox, sender=f"p{minute}", at=at, now=at)
        found, after = [], ""
        for _ in range(3):
            page = owner.ask("GET", f"/conversations?size=2&after={after}").json()
            found += [row["id"] for row in page["conversations"]]
            after = page["after"]
        assert after == ""
        newest = Conversation.objects.order_by("-last_at").values_list("pk", flat=True)
        assert found == list(newest)

    def test_filters_narrow(self, owner: Program) -> None:
        one, two = make.conversation(), make.conversation()
        path = f"/conversations?view=unassigned&inbox={one.inbox_id}"
        rows = owner.ask("GET", path).json()["conversations"]
        assert [row["id"] for row in rows] == [one.pk]
        assert owner.ask("GET", f"/conversations/{two.pk}").json()["said"][0]["kind"] == "incoming"

    @pytest.mark.parametrize(
        "query", ["view=everything", "after=x", "size=0", "size=x", "inbox=x", "size=100000"]
    )
    def test_what_makes_no_sense_is_a_422(self, owner: Program, query: str) -> None:
        answer = owner.ask("GET", f"/conversations?{query}")
        assert answer.status_code == 422
        assert {"code", "message"} <= set(answer.json())

    def test_long_threads_come_in_pieces(self, owner: Program) -> None:
        conversation = make.conversation()
        Message.objects.bulk_create(
            Message(
                conversation=conversation,
                inbox=conversation.inbox,
                kind="note",
                text=str(number),
                at=make.NOON + timedelta(minutes=number // 2),
            )
            for number in range(130)
        )
        first = owner.ask("GET", f"/conversations/{conversation.pk}").json()
        assert len(first["said"]) == 100
        path = f"/conversations/{conversation.pk}?before={first['before']}"
        second = owner.ask("GET", path).json()
        ids = [row["id"] for row in second["said"] + first["said"]]
        assert len(set(ids)) == 131
        assert second["before"] is None

    def test_nobody_sees_what_their_teams_do_not(self) -> None:
        team, other = make.team(), make.team()
        hidden = make.conversation(make.inbox(teams=(other,)))
        seen = make.conversation(make.inbox(teams=(team,)))
        hook = make.inbox(kind="hook", teams=(other,))
        bo = Program(make.user(teams=(team,)), "read", "write", "intake")
        rows = bo.ask("GET", "/conversations").json()["conversations"]
        assert [row["id"] for row in rows] == [seen.pk]
        assert [row["id"] for row in bo.ask("GET", "/inboxes").json()] == [seen.inbox_id]
        kept = Delivery.objects.create(inbox=hook, received_at=make.NOON, body=b"{}")
        for method, path in (
            ("GET", f"/conversations/{hidden.pk}"),
            ("POST", f"/conversations/{hidden.pk}/replies"),
            ("POST", f"/conversations/{hidden.pk}/notes"),
            ("POST", f"/conversations/{hidden.pk}/resolution"),
            ("PUT", f"/conversations/{hidden.pk}/assignment"),
            ("POST", f"/inboxes/{hook.pk}/messages"),
            ("GET", f"/deliveries/{kept.pk}"),
        ):
            answer = bo.ask(method, path, {"text": "x"})
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        rows = bo.ask("GET", f"/conversations?inbox={hidden.inbox_id}").json()["conversations"]
        assert rows == []


class TestDoing:
    def test_a_reply_is_checked_and_put_into_the_outbox(self, owner: Program) -> None:
        conversation = make.conversation()
        path = f"/conversations/{conversation.pk}/replies"
        answer = owner.ask("POST", path, {"text": "Your order left us today, it comes tomorrow."})
        assert answer.status_code == 201
        assert answer.json()["sending"] == "waiting"
        assert Sending.objects.get().message.author == owner.user

    def test_a_reply_that_the_place_does_not_take_says_why(self, owner: Program) -> None:
        box = make.inbox(kind="sms")
        stopped = make.conversation(box, sender="+15550001", text="STOP", extra={"opted": "out"})
        answer = owner.ask("POST", f"/conversations/{stopped.pk}/replies", {"text": "But why?"})
        told = answer.json()
        assert (answer.status_code, told["code"], told["obstacle"]) == (
            409,
            "impossible",
            "opted_out",
        )
        assert not Sending.objects.exists()

    def test_copies_go_to_those_of_the_mail_who_are_named(self, owner: Program) -> None:
        box = make.inbox(kind="email")
        asked = make.conversation(box, sender="ann@x.org", extra={"cc": ["ben@x.org", "c@x.org"]})
        said = {"text": "It is on its way to you.", "copies": ["ben@x.org", "else@x.org"]}
        assert owner.ask("POST", f"/conversations/{asked.pk}/replies", said).status_code == 201
        assert Sending.objects.get().copies == ["ben@x.org"]

    def test_a_reply_that_is_held_back_says_why(self, owner: Program) -> None:
        path = f"/conversations/{make.conversation().pk}/replies"
        answer = owner.ask("POST", path, {"text": "Dear {name}, it is on its way."})
        assert (answer.status_code, answer.json()["code"]) == (409, "held_back")
        assert answer.json()["findings"][0]["says"]
        assert not Sending.objects.exists()

    def test_a_note_stays_in_the_house(self, owner: Program) -> None:
        path = f"/conversations/{make.conversation().pk}/notes"
        answer = owner.ask("POST", path, {"text": "She called twice."})
        assert (answer.status_code, answer.json()["kind"]) == (201, "note")
        assert owner.ask("POST", path, {"text": "   "}).status_code == 422
        assert not Sending.objects.exists()

    def test_a_conversation_is_resolved_and_assigned(self, owner: Program) -> None:
        conversation, bo = make.conversation(), make.user()
        path = f"/conversations/{conversation.pk}"
        told = owner.ask("PUT", f"{path}/assignment", {"user": bo.pk}).json()
        assert told["assignee"] == bo.pk
        told = owner.ask("PUT", f"{path}/assignment", {}).json()
        assert told["assignee"] is None
        assert owner.ask("POST", f"{path}/resolution").status_code == 200
        assert Event.objects.filter(name="conversation.resolved", actor=owner.user).exists()
        assert owner.ask("PUT", f"{path}/assignment", {"user": 999999}).status_code == 404

    def test_nobody_is_given_what_they_may_not_see(self, owner: Program) -> None:
        conversation = make.conversation(make.inbox(teams=(make.team(),)))
        path = f"/conversations/{conversation.pk}/assignment"
        answer = owner.ask("PUT", path, {"user": make.user().pk})
        assert (answer.status_code, answer.json()["code"]) == (409, "cannot_see")


def test_the_page_of_the_api_needs_nothing_from_elsewhere(client: Client) -> None:
    page = client.get("/api/docs/")
    assert page.status_code == 200
    assert "http://" not in page.content.decode().replace("http://testserver", "")
    assert "https://" not in page.content.decode()
    told = client.get("/api/v1/openapi.json").json()
    brought = told["paths"]["/api/v1/inboxes/{number}/messages"]["post"]["requestBody"]
    assert "attachments" in str(brought)
    assert "$ref" not in str(brought)


def test_an_address_that_is_not_there_answers_as_an_api(owner: Program) -> None:
    assert owner.ask("GET", "/nothing").status_code == 404
    assert owner.ask("DELETE", "/me").status_code == 405


def test_inboxes_are_opened_from_the_command_line() -> None:
    out = StringIO()
    call_command("inbox", "add", "hook", "--name", "Till", stdout=out, stderr=StringIO())
    inbox = Inbox.objects.get()
    assert f"/hooks/{inbox.token}/" in out.getvalue()
    assert "whsec_" in out.getvalue()
    assert "whsec_" not in inbox.secret
    with pytest.raises(CommandError):
        call_command("inbox", "add", "hook", "--name", "Till", stdout=out, stderr=StringIO())
    call_command("inbox", "add", "contact_page", "--name", "Ask Us", stdout=out)
    assert "/ask/ask-us/" in out.getvalue()
    call_command(
        "inbox", "set", "Till", "reply_url=https://a.example/", "allow_private=true", stdout=out
    )
    inbox.refresh_from_db()
    assert inbox.settings["reply_url"] == "https://a.example/"
    assert inbox.settings["allow_private"] is True
    old = inbox.secret
    call_command("inbox", "secret", "Till", "--keep-old", stdout=out, stderr=StringIO())
    inbox.refresh_from_db()
    assert inbox.secret != old
