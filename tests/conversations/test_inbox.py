"""The inbox and its conversations over HTTP: who sees what, what it costs, and what can be done."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from heard.channels.base import File
from heard.conversations import handling, queries
from heard.conversations.colleagues.presence import be_present
from heard.conversations.intake.receiving import receive
from heard.conversations.models import (
    Acknowledgement,
    Conversation,
    Correction,
    Draft,
    Inbox,
    Message,
    Presence,
    Promise,
    Sending,
    Sighting,
)
from heard.conversations.queries import VIEWS, Filters, sight_of
from heard.events.models import Event
from heard.staff.models import User
from tests import make
from tests.conversations.asking import ask, browser, read_as, say

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
LIST_CEILING = 8
CONVERSATION_CEILING = 14


@pytest.fixture
def bar() -> Inbox:
    return make.inbox(name="Bar", teams=(make.team(name="Bar"),))


@pytest.fixture
def kitchen() -> Inbox:
    return make.inbox(name="Kitchen", teams=(make.team(name="Kitchen"),))


@pytest.fixture
def bo(bar: Inbox) -> User:
    """An agent of the bar's team."""
    return make.user(name="Bo Lind", teams=tuple(bar.teams.all()))


def page(client: Client, address: str, headers: dict[str, str] | None = None) -> str:
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200, (address, answer.status_code)
    return answer.content.decode()


# Who sees what


def addresses(opened: Conversation) -> list[tuple[str, str, dict[str, str]]]:
    """Every address at which something of a conversation can be had or changed."""
    said = Message.objects.filter(conversation=opened, kind="incoming").earliest("at")
    sent = Message.objects.filter(conversation=opened, kind="reply").latest("at")
    paper = said.attachments.get()
    promised = opened.promises.get()
    one, words = f"/conversations/{opened.pk}/", {"text": "Hello"}
    return [
        ("get", one, {}),
        ("get", f"{one}thread/", {}),
        ("get", f"{one}presence/", {}),
        ("post", f"{one}presence/", {"is": "looking"}),
        ("get", f"{one}assignment/", {}),
        ("post", f"{one}assignment/", {"to": "nobody"}),
        ("get", f"{one}snooze/", {}),
        ("post", f"{one}snooze/", {"until": "tomorrow"}),
        ("post", f"{one}waking/", {}),
        ("get", f"{one}promises/", {}),
        ("post", f"{one}promises/", {"text": "A cake", "at": "2100-01-01T10:00"}),
        ("post", f"{one}draft/", {"text": "Dear", "kind": "note"}),
        ("post", f"{one}messages/", {**words, "kind": "note"}),
        ("post", f"/messages/{said.pk}/reading/", {"head": "need", "to": "nothing"}),
        ("post", f"/messages/{said.pk}/acknowledgement/", {"kind": "thank"}),
        ("get", f"/messages/{said.pk}/original/", {}),
        ("post", f"/messages/{sent.pk}/retry/", {}),
        ("post", f"/messages/{sent.pk}/arrival/", {}),
        ("post", f"/messages/{sent.pk}/undoing/", {}),
        ("post", f"/promises/{promised.pk}/kept/", {}),
        ("get", f"/attachments/{paper.pk}/", {}),
        ("post", f"{one}resolution/", {}),
        ("post", f"{one}reopening/", {}),
    ]


def whole(box: Inbox) -> Conversation:
    """A conversation that has everything."""
    file = File("bill.pdf", "application/pdf", b"%PDF")
    opened = ask(box, "My secret question", files=(file,), html="<b>My</b> secret")
    by = make.owner()
    reply = Message.objects.create(
        conversation=opened, inbox=box, kind="reply", text="Ours", at=make.NOON, author=by
    )
    Sending.objects.create(
        message=reply, state="failed", not_before=make.NOON, updated_at=make.NOON
    )
    due = timezone.now() + timedelta(days=1)
    handling.promise(opened, text="Call", due_at=due, by=by, now=timezone.now())
    return opened


def test_another_teams_conversation_is_not_there_at_any_address(kitchen: Inbox, bo: User) -> None:
    opened, client = whole(kitchen), browser(bo)
    before = Event.objects.count()
    for method, address, fields in addresses(opened):
        assert getattr(client, method)(address, fields).status_code == 404, address
        assert getattr(client, method)(address, fields, headers=HTMX).status_code == 404, address
    assert Event.objects.count() == before
    assert not Sighting.objects.filter(user=bo).exists()
    assert not Draft.objects.exists()


def test_ones_own_teams_conversation_is_there_at_every_address(bar: Inbox, bo: User) -> None:
    opened, client = whole(bar), browser(bo)
    for method, address, fields in addresses(opened):
        answer = getattr(client, method)(address, fields)
        b"".join(answer)  # read to its end, a file is closed
        assert answer.status_code in (200, 204, 302), (address, answer.status_code)


def test_a_stranger_is_led_to_the_door(bar: Inbox) -> None:
    opened, client = whole(bar), Client()
    for method, address, fields in [*addresses(opened), ("get", "/inbox/all/", {})]:
        answer = getattr(client, method)(address, fields)
        assert answer.status_code == 302, address
        assert answer.headers["Location"].startswith("/accounts/login/")


def test_lists_counts_rows_and_search_leave_out_what_one_may_not_see(
    bar: Inbox, kitchen: Inbox, bo: User
) -> None:
    ask(bar, "A question for the bar", sender="ann", sender_name="Ann")
    hidden = ask(kitchen, "A secret of the kitchen", sender="kim", sender_name="Kim Secret")
    client = browser(bo)
    for name in VIEWS:
        assert "ecret" not in page(client, f"/inbox/{name}/"), name
        rows = page(client, f"/inbox/{name}/rows/?ids={hidden.pk}&top=1")
        assert "ecret" not in rows, name
    assert "A question for the bar" in page(client, "/inbox/open/")
    counted = queries.counts(sight_of(bo), now=make.NOON)
    assert {name: count.number for name, count in counted.items() if count.number} == {
        "unassigned": 1,
        "waiting": 1,
    }
    for words in ("secret", "kim"):
        assert "Secret" not in page(client, f"/search/?q={words}")
    assert client.get(f"/inbox/all/?inbox={kitchen.pk}").status_code == 404
    assert client.get(f"/search/?q=secret&inbox={kitchen.pk}").status_code == 404
    owner = browser(make.owner())
    assert "A secret of the kitchen" in page(owner, f"/inbox/all/?inbox={kitchen.pk}")


def test_an_inbox_without_teams_is_everybodys(bo: User) -> None:
    ask(make.inbox(), "For all of us")
    assert "For all of us" in page(browser(bo), "/inbox/open/")


def test_the_other_visits_of_a_contact_are_shown_only_as_far_as_one_may_see(
    bar: Inbox, kitchen: Inbox, bo: User
) -> None:
    ask(kitchen, "In the kitchen", sender="ann")
    opened = ask(bar, "At the bar", sender="ann")
    assert "In the kitchen" not in page(browser(bo), f"/conversations/{opened.pk}/")
    shown = page(browser(make.owner()), f"/conversations/{opened.pk}/")
    assert "In the kitchen" in shown
    assert "2 visits" in shown


# What it costs


def test_a_list_costs_the_same_few_queries_however_long_it_is(bar: Inbox, bo: User) -> None:
    client, costs = browser(bo), []
    for crowd in (1, 10):
        for _ in range(crowd):
            opened = ask(bar, sender=f"ann{Conversation.objects.count()}")
            handling.assign(opened, to=bo, by=bo, now=make.NOON)
            be_present(opened, by=make.user(), is_typing=True, now=timezone.now())
        costs.append({name: cost(client, f"/inbox/{name}/") for name in VIEWS})
    assert max(costs[0].values()) <= LIST_CEILING
    assert max(costs[1].values()) <= LIST_CEILING
    assert costs[0]["mine"] == costs[1]["mine"]


def cost(client: Client, address: str, headers: dict[str, str] | None = None) -> int:
    with CaptureQueriesContext(connection) as captured:
        page(client, address, headers)
    return len(captured)


def test_a_conversation_costs_the_same_few_queries_however_long_it_is(bar: Inbox, bo: User) -> None:
    opened, client, costs = whole(bar), browser(bo), []
    for crowd in (1, 20):
        for n in range(crowd):
            say(bar, make.incoming(f"And {n}", sender="ann", root=opened.root))
            handling.note(opened, text=f"Note {n}", author=bo, now=make.NOON)
        costs.append(cost(client, f"/conversations/{opened.pk}/"))
        assert cost(client, f"/conversations/{opened.pk}/thread/", headers=HTMX) <= LIST_CEILING
        Sighting.objects.all().delete()
    assert costs[0] == costs[1]
    assert costs[0] <= CONVERSATION_CEILING


# Pages by key

moments = st.lists(st.integers(0, 4), min_size=1, max_size=14)


@hypothesis_settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(minutes=moments, others=moments, size=st.integers(1, 5))
@pytest.mark.parametrize("name", ["all", "waiting", "mine"])
@pytest.mark.parametrize("is_owner", [True, False])
def test_pages_by_key_show_each_row_once_and_in_order(
    name: str,
    is_owner: bool,
    bar: Inbox,
    bo: User,
    minutes: list[int],
    others: list[int],
    size: int,
) -> None:
    Conversation.objects.all().delete()
    me = make.owner() if is_owner else bo
    second, hidden = make.inbox(), make.inbox(teams=(make.team(),))

    def rows(box: Inbox, offsets: list[int]) -> list[Conversation]:
        made = []
        for n, offset in enumerate(offsets):
            moment = make.NOON + timedelta(minutes=offset)
            row = Conversation(inbox=box, root=f"{box.pk}-{n}", status="open", assignee=me)
            row.last_at = row.waiting_since = row.snoozed_until = moment
            row.status = "snoozed" if name == "snoozed" else "open"
            made.append(row)
        return Conversation.objects.bulk_create(made)

    mine = rows(bar, minutes) + rows(second, others)
    unseen = rows(hidden, others)
    view, sight = VIEWS[name], sight_of(me)
    way = -1 if view.newest_first else 1
    expected = sorted(
        [*mine, *unseen] if is_owner else mine,
        key=lambda row: (way * getattr(row, view.key).timestamp(), way * row.pk),
    )
    walked: list[int] = []
    after = ""
    while True:
        shown = queries.page(
            view, sight=sight, filters=Filters(), now=make.NOON, after=after, size=size
        )
        walked += [row.id for row in shown.rows]
        after = shown.after
        if not after:
            break
    assert walked == [row.pk for row in expected]


def test_a_place_that_is_none_is_not_found(bo: User) -> None:
    assert browser(bo).get("/inbox/all/?after=nowhere").status_code == 404
    assert browser(bo).get("/inbox/nowhere/").status_code == 404


def test_counts_stop_at_their_cap() -> None:
    assert str(queries.Count(1000)) == "1,000"
    assert str(queries.Count(1001)) == "1,000+"


# Views and filters


def test_each_view_shows_what_its_name_says(bar: Inbox, bo: User) -> None:
    now = timezone.now()

    def one(who: str, minutes: int, reading: Any = None) -> Conversation:
        at = now - timedelta(minutes=minutes)
        asked = make.incoming(f"Said by {who}", sender=who, at=at)
        return say(bar, asked, reading=reading, now=now)

    mine = one("mine", 5)
    handling.assign(mine, to=bo, by=bo, now=now)
    one("late", 60 * 24 * 9)
    asleep = one("asleep", 7)
    handling.snooze(asleep, until=now + timedelta(days=1), by=bo, now=now)
    kept = one("promised", 8)
    handling.promise(kept, text="x", due_at=now + timedelta(days=1), by=bo, now=now)
    over = one("over", 9)
    handling.resolve(over, by=bo, now=now)
    one("nothing", 1, read_as("nothing"))
    client = browser(bo)
    shown = {}
    for name in VIEWS:
        content = page(client, f"/inbox/{name}/")
        people = ("mine", "late", "asleep", "promised", "over", "nothing")
        shown[name] = {who for who in people if f"Said by {who}<" in content}
    assert shown == {
        "mine": {"mine"},
        "unassigned": {"late", "promised"},
        "waiting": {"mine", "late", "promised"},
        "eyes": set(),
        "failing": {"late"},
        "closing": set(),
        "promised": {"promised"},
        "snoozed": {"asleep"},
        "open": {"mine", "late", "promised"},
        "all": {"mine", "late", "asleep", "promised", "over", "nothing"},
    }


def test_filters_narrow_a_view_and_an_empty_view_says_so(bar: Inbox, bo: User) -> None:
    team = bar.teams.get()
    first = ask(bar, "Praise be", sender="a", reading=read_as("recognition"))
    second = ask(make.inbox(kind="email"), "By mail", sender="b")
    handling.assign(first, to=None, team=team, by=bo, now=make.NOON)
    handling.assign(second, to=bo, by=bo, now=make.NOON)
    client = browser(bo)

    def seen(query: str) -> tuple[bool, bool]:
        content = page(client, f"/inbox/open/?{query}")
        return "Praise be" in content, "By mail" in content

    assert seen("") == (True, True)
    assert seen(f"inbox={bar.pk}") == (True, False)
    assert seen("kind=email") == (False, True)
    assert seen("need=recognition") == (True, False)
    assert seen(f"team={team.pk}") == (True, False)
    assert seen(f"assignee={bo.pk}") == (False, True)
    assert seen("assignee=0") == (True, False)
    assert "Nothing like that here" in page(client, "/inbox/mine/?need=recognition")


def test_a_row_is_drawn_again_only_while_it_stands_in_the_view(bar: Inbox, bo: User) -> None:
    opened, client = ask(bar, "Still here"), browser(bo)
    address = f"/inbox/unassigned/rows/?ids={opened.pk}"
    assert f'id="c{opened.pk}"' in page(client, address)
    handling.assign(opened, to=bo, by=bo, now=make.NOON)
    assert f'id="c{opened.pk}"' not in page(client, address)
    assert f'id="c{opened.pk}"' in page(client, f"{address}&top=1".replace("unassigned", "mine"))


# Opening, and what can be done


def test_opening_is_a_sighting_and_asking_again_for_the_thread_is_not(bar: Inbox, bo: User) -> None:
    opened, client = ask(bar), browser(bo)
    assert "fresh" in page(client, "/inbox/unassigned/")
    client.head(f"/conversations/{opened.pk}/")
    client.get(f"/conversations/{opened.pk}/thread/", headers=HTMX)
    assert not Sighting.objects.exists()
    page(client, f"/conversations/{opened.pk}/", headers=HTMX)
    assert Sighting.objects.get().user == bo


def test_a_conversation_shows_what_was_said_done_and_read(bar: Inbox, bo: User) -> None:
    asked = make.incoming(
        "My <b>table</b> at https://shop.example/1?a=1&b=2.\n\nOn Monday Bo wrote:\n> old words",
        sender="ann",
        sender_name="Ann",
    )
    opened = say(bar, asked, reading=read_as("answer", "negative", "de", "high"))
    handling.note(opened, text="She is upset", author=bo, now=make.NOON)
    handling.assign(opened, to=bo, by=bo, now=make.NOON)
    unread = make.incoming("Hei", sender="ann", root=opened.root, language="fi")
    receive(bar, [unread], now=make.NOON, readings=[None])
    content = page(browser(bo), f"/conversations/{opened.pk}/")
    assert "My &lt;b&gt;table&lt;/b&gt;" in content
    assert 'href="https://shop.example/1?a=1&amp;b=2"' in content
    assert "needs an answer · unhappy" in content
    assert "German" in content
    assert "not read (Finnish)" in content
    assert "Note, only for us" in content
    assert "Bo Lind took it" in content
    assert content.index("what was said before") < content.index("old words")


def test_a_reply_is_held_by_the_check_sent_and_taken_back(bar: Inbox, bo: User) -> None:
    opened, client = ask(bar, sender="ann", sender_name="Ann"), browser(bo)
    address = f"/conversations/{opened.pk}/messages/"
    held = client.post(address, {"kind": "reply", "text": "Dear {name},"}, headers=HTMX)
    assert held.status_code == 422
    assert "Dear {name}," in held.content.decode()
    assert not Sending.objects.exists()
    words = "Hello Ann, your order left this morning and reaches you on Friday before noon."
    answer = client.post(
        address, {"kind": "reply", "text": words, "overruled": codes(held)}, headers=HTMX
    )
    assert answer.status_code == 200
    assert json.loads(answer.headers["HX-Trigger"])["heard:sent"] == {"id": opened.pk}
    assert answer.headers["HX-Push-Url"] == "false"
    sent = Message.objects.get(kind="reply")
    assert (sent.text, sent.author) == (words, bo)
    assert "leaves in" in answer.content.decode()
    back = client.post(f"/messages/{sent.pk}/undoing/", headers=HTMX)
    assert words in back.content.decode()
    assert not Message.objects.filter(kind="reply").exists()


def codes(answer: Any) -> list[str]:
    return re.findall(r'name="overruled" value="([^"]+)"', answer.content.decode())


def test_a_reply_can_make_the_promise_it_speaks_of(bar: Inbox, bo: User) -> None:
    opened, client = ask(bar, sender="ann", sender_name="Ann"), browser(bo)
    due = (timezone.now() + timedelta(days=2)).isoformat()
    fields = {
        "kind": "reply",
        "text": "Hello Ann, thank you for asking. I will call you on Friday at 10:00.",
        "promise": due,
        "promise_text": "call you on Friday",
        "overruled": ["helpful.unanswered", "true.promise"],
    }
    answer = client.post(f"/conversations/{opened.pk}/messages/", fields, headers=HTMX)
    assert answer.status_code == 200, codes(answer)
    assert Promise.objects.get().text == "call you on Friday"


def test_a_draft_is_kept_checked_and_seen_by_colleagues(bar: Inbox, bo: User) -> None:
    opened, client = ask(bar), browser(bo)
    address = f"/conversations/{opened.pk}/draft/"
    checked = client.post(address, {"kind": "reply", "text": "Dear {name},\r\nI"}, headers=HTMX)
    assert 'data-state="stop"' in checked.content.decode()
    assert Draft.objects.get().text == "Dear {name},\nI"
    assert Presence.objects.get().is_typing
    assert "Dear {name}," in page(client, f"/conversations/{opened.pk}/")
    colleague = browser(make.owner())
    assert "Bo Lind is typing" in page(colleague, f"/conversations/{opened.pk}/")
    assert "Bo Lind is typing" in page(colleague, "/inbox/open/")
    assert "Dear {name}," not in page(colleague, f"/conversations/{opened.pk}/")
    assert client.post(address, {"kind": "note", "text": "psst"}, headers=HTMX).status_code == 204
    assert Draft.objects.get().kind == "note"
    client.post(address, {"kind": "reply", "text": " "}, headers=HTMX)
    assert not Draft.objects.exists()


def test_a_note_is_written_and_never_sent(bar: Inbox, bo: User) -> None:
    opened, client = ask(bar), browser(bo)
    client.post(f"/conversations/{opened.pk}/messages/", {"kind": "note", "text": "Only us"})
    assert Message.objects.get(kind="note").text == "Only us"
    assert not Sending.objects.exists()


def test_it_can_be_given_only_to_whoever_sees_the_inbox(bar: Inbox, bo: User) -> None:
    opened, client = ask(bar), browser(bo)
    outsider = make.user(name="Out Sider", teams=(make.team(),))
    address = f"/conversations/{opened.pk}/assignment/"
    assert "Out Sider" not in page(client, address)
    assert client.post(address, {"to": f"person-{outsider.pk}"}).status_code == 404
    assert client.post(address, {"to": f"person-{bo.pk}"}).status_code == 302
    opened.refresh_from_db()
    assert opened.assignee == bo
    client.post(address, {"to": f"team-{bar.teams.get().pk}"})
    given = Conversation.objects.get()
    assert (given.assignee_id, given.team_id) == (None, bar.teams.get().pk)


def test_snooze_resolve_and_reopen_by_their_buttons(bar: Inbox, bo: User) -> None:
    opened, client = ask(bar), browser(bo)
    one = f"/conversations/{opened.pk}/"

    def status() -> str:
        opened.refresh_from_db()
        return opened.status

    past = client.post(f"{one}snooze/", {"at": "2020-01-01T10:00"}, headers=HTMX)
    assert (past.status_code, past.headers["HX-Retarget"]) == (422, "#sheet")
    moved = client.post(f"{one}snooze/", {"until": "tomorrow"}, headers=HTMX)
    assert "heard:next" in moved.headers["HX-Trigger"]
    assert status() == "snoozed"
    client.post(f"{one}waking/")
    assert status() == "open"
    client.post(f"{one}resolution/")
    assert status() == "resolved"
    client.post(f"{one}reopening/")
    assert status() == "open"


def test_a_reading_is_corrected_and_praise_acknowledged_with_one_click(
    bar: Inbox, bo: User
) -> None:
    opened, client = ask(bar, "Lovely!"), browser(bo)
    said = Message.objects.get()
    reading = f"/messages/{said.pk}/reading/"
    assert (
        client.post(reading, {"head": "need", "to": "recognition"}, headers=HTMX).status_code == 200
    )
    assert Correction.objects.get().now == "recognition"
    assert client.post(reading, {"head": "need", "to": "cake"}).status_code == 404
    client.post(f"/messages/{said.pk}/acknowledgement/", {"kind": "like"})
    assert Acknowledgement.objects.get().by == bo
    assert client.post(f"/messages/{said.pk}/acknowledgement/", {"kind": "hug"}).status_code == 404
    opened.refresh_from_db()
    assert opened.status == "resolved"


def test_a_failed_reply_is_shown_and_sent_again(bar: Inbox, bo: User) -> None:
    opened, client = whole(bar), browser(bo)
    sent = Message.objects.get(kind="reply")
    Sending.objects.update(reason="No such mailbox")
    content = page(client, f"/conversations/{opened.pk}/")
    assert "This has not been sent." in content
    assert "No such mailbox" in content
    client.post(f"/messages/{sent.pk}/retry/")
    assert Sending.objects.get().state == "waiting"


# What came with the messages


@pytest.mark.parametrize(
    ("name", "content_type", "is_shown"),
    [
        ("bill.pdf", "application/pdf", False),
        ("page.html", "text/html", False),
        ("drawing.svg", "image/svg+xml", False),
        ("photo.png", "image/png", True),
    ],
)
def test_a_file_is_never_active_content(
    name: str, content_type: str, is_shown: bool, bar: Inbox, bo: User
) -> None:
    ask(bar, files=(File(name, content_type, b"<script>alert(1)</script>"),))
    paper = Message.objects.get().attachments.get()
    answer = browser(bo).get(f"/attachments/{paper.pk}/")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("inline" if is_shown else "attachment")
    expected = content_type if is_shown else "application/octet-stream"
    assert answer.headers["Content-Type"] == expected
    assert answer.getvalue() == b"<script>alert(1)</script>"


def test_html_is_shown_without_anything_that_acts_or_calls_home(bar: Inbox, bo: User) -> None:
    html = (
        '<p onclick="x()">Hello <b>you</b></p><script>alert(1)</script>'
        '<img src="https://spy.example/p.gif"><a href="javascript:x()">a</a>'
        '<style>p{}</style><iframe src="/"></iframe>'
    )
    ask(bar, "Hello you", html=html)
    shown = page(browser(bo), f"/messages/{Message.objects.get().pk}/original/", headers=HTMX)
    assert "<b>you</b>" in shown
    for bad in ("onclick", "<script", "<img", "javascript:", "<style", "<iframe"):
        assert bad not in shown


def test_lists_and_single_conversations_follow_the_same_rule_of_who_sees_what() -> None:
    mine, theirs = make.team(), make.team()
    for teams in ((), (mine,), (theirs,), (mine, theirs)):
        make.inbox(teams=teams)
    for person in (make.owner(), make.manager(), make.user(teams=(mine,)), make.user()):
        seen = set(Inbox.objects.visible_to(person).values_list("pk", flat=True))
        assert set(sight_of(person).doors) == seen


def test_nothing_that_people_wrote_becomes_markup_in_a_list(client: Client) -> None:
    now = timezone.now()
    owner, bo = make.owner(), make.user(name="<i>Bo</i>")
    box = make.inbox()
    for n, (name, text) in enumerate([("<b>Ann</b>", "<script>a()</script>"), ("", "")]):
        item = make.incoming(
            text, external_id=f"x{n}", sender=f"s{n}", sender_name=name, subject="<u>S</u>", at=now
        )
        receive(box, [item], now=now)
    opened = Conversation.objects.get(root="x0")
    handling.assign(opened, to=bo, by=owner, now=now)
    be_present(opened, by=bo, is_typing=True, now=now)
    client.force_login(owner)
    for address in ("/inbox/all/?need=answer", "/inbox/all/", f"/inbox/all/rows/?ids={opened.pk}"):
        page = client.get(address).content.decode()
        for tag in ("<b>Ann", "<script>a", "<u>S", "<i>Bo", "need=answer&v", "&view"):
            assert tag not in page
    assert "&lt;b&gt;Ann&lt;/b&gt;" in page
    assert "&lt;script&gt;a()&lt;/script&gt;" in page
    assert "&lt;i&gt;Bo&lt;/i&gt; is typing" in page
