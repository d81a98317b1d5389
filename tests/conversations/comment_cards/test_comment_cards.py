"""Comment cards promise: who sits at the table is heard at once, and sees that somebody comes."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import pypdf
import pytest
from django.test import Client
from django.utils import timezone

from heard.conversations import handling
from heard.conversations.clocks.sweeping import sweep
from heard.conversations.comment_cards import cards, sheet
from heard.conversations.models import Clock, Conversation, Inbox, Message, Notice, Policy, Spot
from heard.conversations.outbox.sending import private_link
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def inbox() -> Inbox:
    return make.inbox(
        kind="comment_card",
        name="Fern & Co",
        slug="fern",
        settings={
            "tables": ["Table 1 … Table 9", "Bar"],
            "help_minutes": 5,
            "words": "How was it?",
        },
    )


@pytest.fixture
def spot(inbox: Inbox) -> Spot:
    return cards.set_out(inbox, now=timezone.now())[6]


def page_of(spot: Spot) -> str:
    return f"/t/{cards.shown(spot.code)}/"


def keys(page: Any) -> list[str]:
    return re.findall(r'name="key" value="([^"]+)"', page.content.decode())


def leave(client: Client, spot: Spot, **said: Any) -> Conversation:
    """Fill in the card; the conversation that it became."""
    answer = client.post(page_of(spot), said)
    assert answer.status_code == 302, answer.content.decode()
    token = answer.headers["Location"].split("/")[-2]
    return Conversation.objects.get(token=token)


class TestCodes:
    def test_each_table_has_a_code_that_nobody_guesses_and_anybody_can_type(
        self, inbox: Inbox, spot: Spot
    ) -> None:
        assert spot.name == "Table 7"
        shown = cards.shown(spot.code)
        assert re.fullmatch(r"[2-9A-HJKMNP-Z]{4}(-[2-9A-HJKMNP-Z]{4}){2}", shown)
        for typed in (shown, shown.lower(), spot.code, f" {shown} "):
            assert cards.find(typed) == spot
        codes = set(Spot.objects.values_list("code", flat=True))
        assert len(codes) == 10

    def test_a_guess_does_not_reach_the_database(
        self, spot: Spot, django_assert_num_queries: Any
    ) -> None:
        other = "A" if spot.code[-1] != "A" else "B"
        with django_assert_num_queries(0):
            assert cards.find(spot.code[:-1] + other) is None
            assert cards.find("") is None

    def test_codes_stay_when_the_list_changes_and_go_with_their_table(
        self, inbox: Inbox, spot: Spot, client: Client
    ) -> None:
        inbox.settings = {**inbox.settings, "tables": ["Bar", "Table 7"]}
        inbox.save()
        gone = Spot.objects.get(name="Table 1")
        assert client.get(page_of(gone)).status_code == 404
        again = cards.set_out(inbox, now=timezone.now())
        assert [one.name for one in again] == ["Bar", "Table 7"]
        assert again[1].code == spot.code

    def test_a_new_code_ends_the_printed_one(
        self, inbox: Inbox, spot: Spot, client: Client
    ) -> None:
        client.force_login(make.manager())
        path = f"/settings/inboxes/{inbox.pk}/codes/"
        assert client.post(path, {"spot": spot.pk}).status_code == 302
        assert client.get(page_of(spot)).status_code == 404
        spot.refresh_from_db()
        assert client.get(page_of(spot)).status_code == 200
        other = Spot.objects.get(name="Bar").code
        client.post(path, {"spot": "all"})
        assert Spot.objects.get(name="Bar").code != other

    def test_only_those_who_lead_see_the_codes(self, inbox: Inbox, client: Client) -> None:
        client.force_login(make.user())
        assert client.get(f"/settings/inboxes/{inbox.pk}/cards/").status_code == 403
        assert client.get(f"/settings/inboxes/{inbox.pk}/cards.pdf").status_code == 403


class TestCards:
    def test_a_face_alone_is_enough(self, client: Client, spot: Spot) -> None:
        talk = leave(client, spot, rating="4")
        assert (talk.contact_name, talk.preview) == ("Table 7", "4 of 5, no words")
        assert talk.waiting_since is None
        page = client.get(f"/t/said/{talk.token}/").content.decode()
        assert "Thank you" in page

    def test_a_bad_face_needs_an_answer(self, client: Client, spot: Spot) -> None:
        talk = leave(client, spot, rating="1")
        assert talk.need == "answer"
        assert Clock.objects.get(conversation=talk).kind == "first_response"

    def test_praise_needs_recognition(self, client: Client, spot: Spot) -> None:
        talk = leave(client, spot, rating="5", text="The soup was wonderful.")
        assert talk.need == "recognition"
        assert Clock.objects.get(conversation=talk).kind == "recognition"

    def test_nothing_at_all_is_asked_for_again_and_kept_by_the_form(
        self, client: Client, spot: Spot
    ) -> None:
        answer = client.post(page_of(spot), {"email": "ann@", "text": "Hello <there>"})
        assert answer.status_code == 422
        page = answer.content.decode()
        assert "does not look like an e-mail address" in page
        assert "Hello &lt;there&gt;" in page
        assert client.post(page_of(spot), {}).status_code == 422
        assert not Conversation.objects.exists()

    def test_pressing_twice_says_it_once(self, client: Client, spot: Spot) -> None:
        key = keys(client.get(page_of(spot)))[1]
        first = leave(client, spot, rating="5", key=key)
        second = leave(client, spot, rating="5", key=key)
        assert first == second
        assert Message.objects.count() == 1

    def test_programs_are_held_back(self, client: Client, spot: Spot) -> None:
        assert client.post(page_of(spot), {"rating": "5", "website": "x"}).status_code == 422
        for _ in range(10):
            leave(client, spot, rating="5")
        assert client.post(page_of(spot), {"rating": "5"}).status_code == 429

    def test_an_answer_stands_on_the_guests_page_and_its_link_is_mailed(
        self, client: Client, spot: Spot, settings: Any
    ) -> None:
        talk = leave(client, spot, rating="2", text="Cold.", email="ann@example.org")
        assert private_link(talk).endswith(f"/t/said/{talk.token}/")
        path = f"/t/said/{talk.token}/now/"
        before = client.get(path)
        same = client.get(path, headers={"if-none-match": before.headers["ETag"]})
        assert same.status_code == 304
        Message.objects.create(
            conversation=talk,
            inbox=talk.inbox,
            kind="reply",
            text="We are sorry.",
            at=timezone.now(),
            author_name="Bo Berg",
        )
        after = client.get(path, headers={"if-none-match": before.headers["ETag"]})
        assert after.status_code == 200
        assert "We are sorry." in after.content.decode()
        assert "Berg" not in after.content.decode()

    def test_the_page_is_light_and_private(self, client: Client, spot: Spot) -> None:
        page = client.get(page_of(spot))
        assert len(page.content) < 10_000
        assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert "no-store" in page.headers["Cache-Control"]
        assert not page.cookies


class TestCalls:
    def test_a_call_has_minutes_and_is_told_to_the_team_at_once(
        self, client: Client, inbox: Inbox, spot: Spot
    ) -> None:
        team = make.team()
        inbox.teams.set([team])
        waiter, other = make.user(teams=(team,)), make.user()
        talk = leave(client, spot, call="1")
        clock = Clock.objects.get(conversation=talk)
        assert clock.due_at - clock.started_at == timedelta(minutes=5)
        assert talk.inbox != inbox
        assert talk.inbox.hours is None
        assert talk.inbox.policy.first_response_minutes == 5
        assert (talk.contact_name, talk.is_urgent) == ("Table 7", True)
        assert [notice.user for notice in Notice.objects.all()] == [waiter]
        client.force_login(waiter)
        assert "Table 7: somebody asks for help, now." in client.get("/notices/").content.decode()
        client.force_login(other)
        assert client.get(f"/conversations/{talk.pk}/").status_code == 404

    def test_a_second_call_from_the_table_is_the_same_one_until_it_is_taken(
        self, client: Client, spot: Spot
    ) -> None:
        keeper = make.user()
        Inbox.objects.update(keeper=keeper)
        first = leave(client, spot, call="1")
        assert leave(client, spot, call="1") == first
        assert Notice.objects.count() == 1
        handling.assign(first, to=keeper, by=keeper, now=timezone.now())
        assert leave(client, spot, call="1") != first
        assert Inbox.objects.filter(kind="comment_card").count() == 2
        assert Policy.objects.filter(first_response_minutes=5).count() == 1

    def test_other_minutes_count_from_the_next_call_and_a_taken_name_is_no_hindrance(
        self, client: Client, inbox: Inbox, spot: Spot
    ) -> None:
        make.inbox(name="Fern & Co: somebody is wanted")
        first = leave(client, spot, call="1")
        assert first.inbox.name == "Fern & Co: somebody is wanted (2)"
        Policy.objects.filter(pk=first.inbox.policy_id).update(first_response_minutes=4)
        bar = Spot.objects.get(name="Bar")
        leave(client, bar, call="1")
        first.inbox.policy.refresh_from_db()
        assert first.inbox.policy.first_response_minutes == 4
        Inbox.objects.filter(pk=inbox.pk).update(settings={**inbox.settings, "help_minutes": 9})
        leave(client, Spot.objects.get(name="Table 1"), call="1")
        first.inbox.policy.refresh_from_db()
        assert first.inbox.policy.first_response_minutes == 9

    def test_the_alert_comes_once_even_if_whoever_took_the_call_in_has_died(
        self, client: Client, spot: Spot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make.owner()
        with monkeypatch.context() as dying:
            dying.setattr(cards, "alert", lambda *_, **__: 1 / 0)
            talk = leave(client, spot, call="1")
        assert not Notice.objects.exists()
        for _ in range(2):
            cards.alert_of_call(token=talk.token)
        assert Notice.objects.count() == 1
        with pytest.raises(Conversation.DoesNotExist):
            cards.alert_of_call(token="unknown")

    def test_who_takes_it_is_told_to_the_guest_and_meets_the_clock(
        self, client: Client, spot: Spot
    ) -> None:
        talk = leave(client, spot, call="1", text="The bill, please")
        path = f"/t/said/{talk.token}/now/"
        before = client.get(path)
        assert "We have called somebody to Table 7." in before.content.decode()
        assert "The bill" not in before.content.decode()
        mia = Client()
        waiter = make.owner(name="Mia Moss")
        mia.force_login(waiter)
        assert "On my way" in mia.get(f"/conversations/{talk.pk}/").content.decode()
        assert mia.post(f"/conversations/{talk.pk}/coming/").status_code == 302
        after = client.get(path, headers={"if-none-match": before.headers["ETag"]})
        assert "Mia is on the way to you." in after.content.decode()
        assert Clock.objects.get(conversation=talk).met_by == waiter
        assert "On my way" not in mia.get(f"/conversations/{talk.pk}/").content.decode()
        talk.refresh_from_db()
        handling.resolve(talk, by=waiter, now=timezone.now())
        assert "Done." in client.get(path).content.decode()

    def test_to_be_assigned_is_enough_for_the_guest(self, client: Client, spot: Spot) -> None:
        talk = leave(client, spot, call="1")
        waiter = make.user(name="Mia Moss")
        handling.assign(talk, to=waiter, by=waiter, now=timezone.now())
        page = client.get(f"/t/said/{talk.token}/").content.decode()
        assert "Mia is on the way to you." in page

    def test_without_minutes_there_is_no_such_button(
        self, client: Client, inbox: Inbox, spot: Spot
    ) -> None:
        Inbox.objects.filter(pk=inbox.pk).update(settings={**inbox.settings, "help_minutes": None})
        assert "help me here" not in client.get(page_of(spot)).content.decode()
        assert client.post(page_of(spot), {"call": "1"}).status_code == 422

    def test_the_clock_fails_after_its_minutes_like_any_other(
        self, client: Client, spot: Spot
    ) -> None:
        talk = leave(client, spot, call="1")
        sweep(timezone.now() + timedelta(minutes=6))
        assert Clock.objects.get(conversation=talk).failed_at is not None


class TestSheet:
    def test_the_sheet_holds_every_card_on_a4(self, client: Client, inbox: Inbox) -> None:
        client.force_login(make.owner())
        answer = client.get(f"/settings/inboxes/{inbox.pk}/cards.pdf")
        assert answer.headers["Content-Type"] == "application/pdf"
        read = pypdf.PdfReader(io.BytesIO(answer.content))
        assert len(read.pages) == 2  # ten cards, eight to a page
        width, height = read.pages[0].mediabox[2:]
        assert (round(width), round(height)) == (595, 842)
        words = "".join(page.extract_text() for page in read.pages)
        assert "Table 9" in words
        assert "Bar" in words
        page = client.get(f"/settings/inboxes/{inbox.pk}/cards/").content.decode()
        assert page.count("<svg xmlns") == 2

    def test_names_of_any_script_and_length_stay_on_their_card(self) -> None:
        names = ["卓 三番 窓側", "طاولة ٧", "<b>&{x}", "Terrasse unter dem großen Kastanienbaum 4"]
        printed = [sheet.Printed("Fern & Co", name, "https://x.example/t/A/") for name in names]
        [page] = sheet.pages(printed, words="{0} & <more>")
        assert "&lt;b&gt;&amp;{x}" in page
        assert "{0} &amp; &lt;more&gt;" in page
        assert sheet.pdf([page], title="x").startswith(b"%PDF")


class TestSettings:
    def test_an_inbox_is_opened_with_a_list_of_tables(self, client: Client) -> None:
        client.force_login(make.owner())
        said = {
            "name": "Riverside",
            "place_tables": "Table 1 … Table 12\nBar",
            "place_words": "How was it?",
            "place_help_minutes": "3",
            "policy": make.policy().pk,
        }
        answer = client.post("/settings/inboxes/new/comment_card/", said)
        assert answer.status_code == 302, answer.content.decode()
        opened = Inbox.objects.get(name="Riverside")
        assert opened.settings["help_minutes"] == 3
        page = client.get(f"/settings/inboxes/{opened.pk}/cards/").content.decode()
        assert "Table 12" in page
        wrong = client.post("/settings/inboxes/new/comment_card/", {**said, "place_tables": " "})
        assert wrong.status_code == 422
