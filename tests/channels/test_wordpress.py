"""A WordPress blog: heard in every state, followed when it changes, answered once."""

from __future__ import annotations

import base64
import json
import secrets
import xmlrpc.client
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from heard.channels import wordpress
from heard.channels.base import (
    Account,
    Act,
    Acting,
    Deleted,
    Delivered,
    Edited,
    Heard,
    Incoming,
    Kind,
    NotUnderstoodError,
    Outgoing,
    PlaceError,
    SendState,
    SetAside,
)
from heard.channels.web import ask
from tests.channels.place import Place
from tests.servers import running

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
COMMENTS = "/wp-json/wp/v2/comments"


@pytest.fixture
def place() -> Iterator[Place]:
    with Place() as place:
        yield place


def account_at(place: Place) -> Account:
    return Account(
        name="Blog",
        settings={"site": place.url, "user": "bo", "user_id": 7},
        secrets={"password": "pass word"},
        allow_private=True,
    )


@pytest.fixture(autouse=True)
def _whole_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests ask again at once, and want to see everything."""
    monkeypatch.setattr(wordpress, "WHOLE_SECONDS", 0)


def comment(number: int, **other: Any) -> dict[str, Any]:
    at = datetime.now(UTC) - timedelta(minutes=5)
    return {
        "id": number,
        "post": 3,
        "parent": 0,
        "author": 0,
        "author_name": "Ann &amp; Al",
        "author_email": "Ann@Example.org",
        "author_url": "",
        "date_gmt": f"{at:%Y-%m-%dT%H:%M:%S}",
        "content": {"rendered": f"<p>Is number {number} open?</p>", "raw": "x"},
        "link": f"https://blog.example/a/#comment-{number}",
        "status": "approved",
        "type": "comment",
        "future_field": {"of": ["whatever"]},
        **other,
    }


def says(place: Place, *turns: list[dict[str, Any]]) -> None:
    """What the lists of comments say, turn by turn; there are no pings, no posts."""
    for comments in turns:
        place.answers(f"GET {COMMENTS}", comments)
        place.answers(f"GET {COMMENTS}", [])
    place.answers("GET /wp-json/wp/v2/posts", [])
    place.answers("GET /wp-json/wp/v2/pages", [])
    place.answers(
        "GET /wp-json/wp/v2/users",
        [
            {"id": 7, "name": "Bo", "capabilities": {"edit_posts": True}},
            {"id": 9, "name": "Customer", "capabilities": {"read": True}},
        ],
    )


def heard(place: Place, cursor: str) -> tuple[list[Heard], str]:
    account = account_at(place)
    fetched = wordpress.poll(cursor, account)
    said = [one for each in fetched.deliveries for one in wordpress.parse(each, account)]
    again = [one for each in fetched.deliveries for one in wordpress.parse(each, account)]
    assert said == again
    return said, fetched.cursor


def test_it_begins_with_the_last_week(place: Place) -> None:
    old = comment(1, date_gmt="2020-01-01T00:00:00")
    says(place, [comment(2), old])
    (said,), _ = heard(place, "")
    assert isinstance(said, Incoming)
    assert (said.external_id, said.root, said.sender) == ("comment-2", "post-3", "ann@example.org")
    assert said.text == "Is number 2 open?"
    assert said.sender_name == "Ann & Al"
    assert said.is_public
    assert said.extra["url"] == "https://blog.example/a/#comment-2"
    pair = base64.b64encode(b"bo:pass word").decode()
    assert place.asked[0].headers["authorization"] == f"Basic {pair}"
    assert place.asked[0].query["status"] == "any"
    types = [one.query.get("type") for one in place.asked if one.path == COMMENTS]
    assert types == ["comment", "pings"]


def test_two_of_the_same_second_and_one_that_came_late_are_all_heard(place: Place) -> None:
    says(place, [comment(5), comment(2)], [comment(6), comment(5), comment(4), comment(2)])
    _, cursor = heard(place, "")
    said, _ = heard(place, cursor)
    assert [one.external_id for one in said if isinstance(one, Incoming)] == [
        "comment-4",
        "comment-6",
    ]


def test_edits_moderation_and_deletions_are_followed(place: Place) -> None:
    changed = {"rendered": "<p>Never mind</p>", "raw": "x"}
    says(
        place,
        [comment(number) for number in (5, 4, 3, 2, 1)],
        [
            comment(5, status="hold"),
            comment(4, content=changed),
            comment(3, status="spam"),
            comment(2, status="trash"),
        ],
        [comment(5), comment(4, content=changed), comment(3), comment(2, status="trash")],
    )
    _, cursor = heard(place, "")
    said, cursor = heard(place, cursor)
    told = [(type(one), getattr(one, "external_id", "")) for one in said]
    assert told == [
        (Deleted, "comment-2"),
        (Deleted, "comment-3"),
        (Edited, "comment-4"),
        (Deleted, "comment-1"),
        (Deleted, "comment-1"),
    ]
    assert next(one.text for one in said if isinstance(one, Edited)) == "Never mind"
    said, _ = heard(place, cursor)
    assert [(type(one), getattr(one, "external_id", "")) for one in said] == [
        (Incoming, "comment-3")
    ]


def test_what_our_people_say_is_a_reply_and_what_customers_with_an_account_say_is_not(
    place: Place,
) -> None:
    says(place, [comment(9, author=7, author_name="Bo", parent=8), comment(8, author=9)])
    said, _ = heard(place, "")
    customer, ours = sorted(
        (one for one in said if isinstance(one, Incoming)), key=lambda one: one.external_id
    )
    assert (customer.kind, customer.sender) == (Kind.INCOMING, "user-9")
    assert (ours.kind, ours.author, ours.parent) == (Kind.REPLY, "Bo", "comment-8")


def test_spam_needs_nothing_and_trash_is_not_heard(place: Place) -> None:
    says(place, [comment(2, status="trash"), comment(1, status="spam")])
    (said,), _ = heard(place, "")
    assert isinstance(said, Incoming)
    assert said.need == "nothing"


def test_a_pingback_is_a_mention_by_the_page_that_links(place: Place) -> None:
    says(place, [])
    body = {
        "comments": [
            {
                "what": "new",
                "item": comment(1, type="pingback", author_url="https://a.example/p"),
            }
        ]
    }
    (said,) = wordpress.parse(Delivered(json.dumps(body).encode(), {}, NOW), account_at(place))
    assert isinstance(said, Incoming)
    assert said.sender == said.extra["url"] == "https://a.example/p"
    assert said.extra["mention"] == "pingback"


def test_asked_again_soon_it_glances_at_the_newest_and_forgets_nothing_beneath(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wordpress, "WHOLE_SECONDS", 60)
    older = [comment(number) for number in range(30, 0, -1)]
    says(place, older)
    hidden = comment(29, status="spam")
    for turn in ([comment(31), comment(30), hidden, *older[2:19]], older[:20]):
        place.answers(f"GET {COMMENTS}", turn)
    _, cursor = heard(place, "")
    asked = len(place.asked)

    said, cursor = heard(place, cursor)
    assert [type(one).__name__ for one in said] == ["Deleted", "Incoming"]
    (glance,) = place.asked[asked:]  # one question: no pings, no posts, no title that is known
    assert (glance.path, glance.query["per_page"]) == (COMMENTS, "20")
    said, cursor = heard(place, cursor)  # 31 is gone, 29 is back
    assert {(type(one).__name__, getattr(one, "external_id", "")) for one in said} == {
        ("Deleted", "comment-31"),
        ("Incoming", "comment-29"),
    }
    assert len(json.loads(cursor)["comments"]["seen"]) == 30


def test_too_much_for_a_glance_is_looked_through(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wordpress, "WHOLE_SECONDS", 60)
    says(place, [comment(1)])
    many = [comment(number) for number in range(41, 0, -1)]
    for turn in (many[:20], many):
        place.answers(f"GET {COMMENTS}", turn)
    _, cursor = heard(place, "")
    said, _ = heard(place, cursor)
    assert [one.external_id for one in said if isinstance(one, Incoming)] == [
        f"comment-{number}" for number in range(2, 42)
    ]


def test_a_long_way_back_is_read_in_turns_and_nothing_is_missed(place: Place) -> None:
    says(place, [comment(1)])
    _, cursor = heard(place, "")
    everything = [comment(number) for number in range(2001, 0, -1)]
    got: set[str] = set()
    account = account_at(place)

    def page(name: str, offset: int, account: Account, *, size: int) -> list[dict[str, Any]]:
        return everything[offset : offset + 100] if name == "comments" else []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wordpress, "_page", page)
        turns = 0
        while True:
            fetched = wordpress.poll(cursor, account)
            got |= {
                one.external_id
                for each in fetched.deliveries
                for one in wordpress.parse(each, account)
                if isinstance(one, Incoming)
            }
            cursor, turns = fetched.cursor, turns + 1
            if not fetched.has_more:
                break
        assert got == {f"comment-{number}" for number in range(2, 2002)}
        assert turns < 6
        assert not wordpress.poll(cursor, account).deliveries


def test_one_bad_comment_is_set_aside_and_a_broken_body_is_not_understood(place: Place) -> None:
    body = json.dumps({"comments": [{"what": "new", "item": {"id": 1}}, {"what": "new"}, 3]})
    account = account_at(place)
    said = list(wordpress.parse(Delivered(body.encode(), {}, NOW), account))
    assert [type(one) for one in said] == [SetAside] * 3
    with pytest.raises(NotUnderstoodError):
        list(wordpress.parse(Delivered(body.encode()[:-9], {}, NOW), account))


def test_an_answer_stands_under_the_comment_as_text(place: Place) -> None:
    place.answers(f"POST {COMMENTS}", {"id": 12}, status=201)
    outgoing = Outgoing("k", "ann", "1 < 2 & <b>", root="post-3", parent="comment-9")
    receipt = wordpress.send(outgoing, account_at(place))
    assert (receipt.state, receipt.external_id) == (SendState.SENT, "comment-12")
    assert place.asked[0].json() == {
        "post": 3,
        "parent": 9,
        "content": "1 &lt; 2 &amp; &lt;b&gt;",
        "status": "approved",
    }


def test_the_same_answer_sent_again_is_known_for_the_first(place: Place) -> None:
    place.answers(f"POST {COMMENTS}", {"code": "comment_duplicate"}, status=409)
    place.answers("GET /wp-json/wp/v2/users/me", {"id": 7})
    there = {"id": 12, "content": {"raw": "Hello"}, "date_gmt": "2026-11-22T12:00:05"}
    place.answers(f"GET {COMMENTS}", [there])
    account = account_at(place)
    outgoing = Outgoing("k", "ann", "Hello", root="post-3", parent="comment-9", at=NOW)
    assert wordpress.may_repeat(outgoing)
    assert wordpress.send(outgoing, account).external_id == "comment-12"
    later = Outgoing("l", "ann", "Hello", root="post-3", parent="comment-9", at=NOW.replace(day=23))
    receipt = wordpress.send(later, account)
    assert receipt.state is SendState.FAILED
    assert receipt.is_final


@pytest.mark.parametrize(
    ("status", "is_final", "seconds"), [(429, False, 9), (503, False, None), (401, True, None)]
)
def test_a_refused_answer_says_whether_to_try_again(
    place: Place, status: int, is_final: bool, seconds: int | None
) -> None:
    headers = {"retry-after": "9"} if seconds else {}
    place.answers(f"POST {COMMENTS}", {"message": "No"}, status=status, headers=headers)
    receipt = wordpress.send(Outgoing("k", "", "Hello", root="post-3"), account_at(place))
    assert receipt.state is SendState.FAILED
    assert (receipt.is_final, receipt.retry_after_seconds) == (is_final, seconds)


def test_an_answer_whose_line_broke_is_unknown_and_one_without_a_post_is_refused(
    place: Place,
) -> None:
    place.breaks_off(f"POST {COMMENTS}")
    account = account_at(place)
    sent = wordpress.send(Outgoing("k", "", "Hello", root="post-3"), account)
    assert sent.state is SendState.UNKNOWN
    assert wordpress.send(Outgoing("k", "", "Hello"), account).is_final


def test_a_limit_and_a_withdrawn_password_are_told_in_words(place: Place) -> None:
    place.answers(f"GET {COMMENTS}", {}, status=429, headers={"retry-after": "30"})
    place.answers(f"GET {COMMENTS}", {"message": "Incorrect password"}, status=401)
    with pytest.raises(PlaceError) as slow:
        wordpress.poll("", account_at(place))
    assert slow.value.retry_after_seconds == 30
    with pytest.raises(PlaceError) as expired:
        wordpress.poll("", account_at(place))
    assert expired.value.needs_person


def test_connecting_finds_the_interface_and_says_what_is_missing(place: Place) -> None:
    link = f'<{place.url}/?rest_route=/>; rel="https://api.w.org/"'
    place.answers("HEAD /", "", headers={"link": link})
    rights = {"moderate_comments": True}
    place.answers("GET /", {"id": 7, "name": "Bo", "capabilities": rights})
    place.answers("GET /", {"id": 7, "name": "Bo", "capabilities": {}})
    checked = wordpress.check(account_at(place))
    assert checked.found == {"api": f"{place.url}/?rest_route=/", "user_id": 7}
    assert place.asked[1].query["rest_route"] == "/wp/v2/users/me"
    assert len(checked.warnings) == 1
    with pytest.raises(PlaceError, match="editor") as refused:
        wordpress.check(account_at(place))
    assert refused.value.needs_person


# A real WordPress


class Blog:
    """The test server's blog, with one new post."""

    def __init__(self) -> None:
        env = running("wordpress")
        self.url = env["URL"]
        account = Account(
            name="Blog",
            settings={"site": env["URL"], "user": env["USER"]},
            secrets={"password": env["TOKEN"]},
            allow_private=True,
        )
        found = wordpress.check(account).found
        self.account = Account(
            name="Blog",
            settings={**account.settings, **found},
            secrets=account.secrets,
            allow_private=True,
        )
        pair = base64.b64encode(f"{env['USER']}:{env['TOKEN']}".encode()).decode()
        self.ours = {"authorization": f"Basic {pair}"}
        self.cursor = wordpress.poll("", self.account).cursor
        said = {"title": secrets.token_hex(4), "content": "News of ours", "status": "publish"}
        self.post = self.asks("POST", "posts", said, ours=True)

    def asks(self, method: str, path: str, data: Any, *, ours: bool = False) -> Any:
        answer = ask(
            method,
            f"{self.url}/wp-json/wp/v2/{path}",
            body=json.dumps(data).encode(),
            headers={"content-type": "application/json", **(self.ours if ours else {})},
            allow_private=True,
        )
        assert answer.is_good, answer.body
        return answer.json()

    def comment(self, text: str, name: str = "Ann", parent: int = 0) -> int:
        return int(
            self.asks(
                "POST",
                "comments",
                {
                    "post": self.post["id"],
                    "parent": parent,
                    "content": text,
                    "author_name": name,
                    "author_email": f"{name.lower()}@example.org",
                },
            )["id"]
        )

    def heard(self) -> list[Heard]:
        """What is new under our post."""
        fetched = wordpress.poll(self.cursor, self.account)
        self.cursor = fetched.cursor
        root = f"post-{self.post['id']}"
        return [
            one
            for each in fetched.deliveries
            for one in wordpress.parse(each, self.account)
            if not isinstance(one, Incoming) or one.root == root
        ]


@pytest.mark.journey
def test_a_question_at_a_real_blog_is_heard_and_answered_once() -> None:
    blog = Blog()
    (post,) = blog.heard()
    assert isinstance(post, Incoming)
    assert post.kind == Kind.REPLY
    ann, al = blog.comment("Are you open?"), blog.comment("Me too", "Al")
    first, second = blog.heard()
    assert isinstance(first, Incoming)
    assert isinstance(second, Incoming)
    assert (first.external_id, second.external_id) == (f"comment-{ann}", f"comment-{al}")
    assert first.sender != second.sender
    assert first.root == second.root == post.external_id
    assert first.subject == post.subject
    outgoing = Outgoing(
        "key",
        first.sender,
        "We are <open>, Ann & you?",
        root=first.root,
        parent=first.external_id,
        at=datetime.now(UTC),
    )
    sent = wordpress.send(outgoing, blog.account)
    again = wordpress.send(outgoing, blog.account)
    assert sent.state is again.state is SendState.SENT
    assert sent.external_id == again.external_id
    (echo,) = blog.heard()
    assert isinstance(echo, Incoming)
    assert (echo.kind, echo.external_id) == (Kind.REPLY, sent.external_id)
    assert (echo.text, echo.parent) == (outgoing.text, first.external_id)


@pytest.mark.journey
def test_moderation_at_a_real_blog_goes_both_ways() -> None:
    blog = Blog()
    blog.heard()
    number = blog.comment("Buy pills")
    name = f"comment-{number}"
    blog.heard()
    for what, status in ((Act.SPAM, "spam"), (Act.APPROVE, "approved"), (Act.DELETE, "trash")):
        for _ in range(2):
            done = wordpress.act(Acting(what, name, "k"), blog.account)
            assert done.state is SendState.SENT, done
        there = blog.asks("GET", f"comments/{number}?context=edit", None, ours=True)
        assert there["status"] == status
        blog.heard()
    assert not blog.heard()
    other = blog.comment("Frist")
    blog.heard()
    blog.asks("POST", f"comments/{other}", {"content": "First"}, ours=True)
    (edited,) = blog.heard()
    assert isinstance(edited, Edited)
    assert edited.text == "First"
    blog.asks("POST", f"comments/{other}", {"status": "hold"}, ours=True)
    assert [type(one) for one in blog.heard()] == [Incoming] * 0
    blog.asks("DELETE", f"comments/{other}?force=true", None, ours=True)
    gone = blog.heard()
    assert Deleted(f"comment-{other}", gone[0].at, kind=Kind.INCOMING) in gone  # type: ignore[union-attr]


@pytest.mark.journey
def test_a_pingback_to_a_real_blog_is_heard() -> None:
    blog = Blog()
    blog.heard()
    with Place() as place:
        link = blog.post["link"]
        page = f"<html><title>Of a blog</title><body><p>I read <a href='{link}'>this</a> today</p>"
        place.answers("GET /mine", page, headers={"content-type": "text/html"})
        server = xmlrpc.client.ServerProxy(f"{blog.url}/xmlrpc.php")
        server.pingback.ping(f"{place.url}/mine", link)
        said = [one for one in blog.heard() if isinstance(one, Incoming)]
    (ping,) = said
    assert ping.extra["mention"] == "pingback"
    assert ping.sender == f"{place.url}/mine"
    assert "this" in ping.text
