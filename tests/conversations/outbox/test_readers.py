"""Who will read an answer, known before it is written; and what only passes other words on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from heard.channels.base import Incoming, Kind, Outgoing
from heard.conversations.abilities import readers_of, side_of
from heard.conversations.clocks.settling import settle
from heard.conversations.intake.receiving import receive
from heard.conversations.models import Conversation, Inbox, Sending
from heard.conversations.outbox import sending
from heard.conversations.outbox.replying import ReplyImpossible, reply
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db

ANN, BEN, CEE = "ann@example.org", "ben@example.org", "cee@example.com"


def page_of(client: Client, opened: Conversation) -> str:
    client.force_login(make.owner())
    return client.get(reverse("conversation", args=[opened.pk])).content.decode()


def texted(phone: Inbox, text: str, **fields: Any) -> Conversation:
    fields.setdefault("sender", "+15550001")
    [pk] = receive(
        phone, [make.incoming(text, root=fields["sender"], **fields)], now=NOON
    ).conversations
    return Conversation.objects.get(pk=pk)


def later(minutes: int) -> Any:
    return NOON + timedelta(minutes=minutes)


class TestStop:
    @pytest.fixture
    def phone(self) -> Inbox:
        return make.inbox(kind="sms", keeper=make.user())

    def test_nothing_is_written_to_whoever_wrote_stop_until_they_write_start(
        self, phone: Inbox, client: Client
    ) -> None:
        texted(phone, "Where is it?")
        opened = texted(phone, "STOP", at=later(1), extra={"opted": "out"}, need="nothing")
        page = page_of(client, opened)
        assert "They wrote STOP: we may not write to them here" in page
        assert 'id="send" disabled' in page
        with pytest.raises(ReplyImpossible, match="opted_out"):
            reply(opened, text="It is here.", author=make.user(), now=later(2))
        answered = client.post(
            reverse("create_message", args=[opened.pk]),
            {"text": "It is here."},
            headers={"hx-request": "true"},
        )
        assert "STOP" in answered.headers["HX-Trigger"]
        assert not Sending.objects.exists()
        texted(phone, "Anything new?", at=later(3))
        with pytest.raises(ReplyImpossible):
            reply(opened, text="It is here.", author=make.user(), now=later(4))
        texted(phone, "START", at=later(5), extra={"opted": "in"}, need="nothing")
        reply(opened, text="It is here.", author=make.user(), now=later(6))
        assert "They wrote STOP" not in page_of(client, opened)

    def test_a_stop_of_another_person_stops_nobody_else(self, phone: Inbox) -> None:
        texted(phone, "STOP", sender="+15550002", extra={"opted": "out"})
        reply(texted(phone, "Where is it?"), text="Here.", author=make.user(), now=NOON)

    def test_a_stop_that_comes_before_the_reply_has_left_keeps_it_back(
        self, phone: Inbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        left: list[Outgoing] = []
        monkeypatch.setattr("heard.channels.sms.send", lambda outgoing, _: left.append(outgoing))
        opened = texted(phone, "Where is it?")
        row = reply(opened, text="It is here.", author=make.user(), now=NOON).sending
        texted(phone, "stop", at=later(1), extra={"opted": "out"})
        Sending.objects.update(not_before=timezone.now() - timedelta(days=300))
        sending.deliver(sending_id=row.pk)
        row.refresh_from_db()
        assert (row.state, left) == ("failed", [])
        assert row.reason.startswith("They have written STOP")


class TestMail:
    @pytest.fixture
    def mail(self) -> Inbox:
        return make.inbox(kind="email", keeper=make.user())

    def wrote(self, mail: Inbox, **extra: Any) -> Conversation:
        return make.conversation(mail, sender=ANN, external_id="a@example.org", extra=extra)

    def test_the_composer_says_where_an_answer_really_goes(
        self, mail: Inbox, client: Client
    ) -> None:
        page = page_of(client, self.wrote(mail, reply_to=CEE))
        assert f"Answers go to {CEE} instead of {ANN}" in page

    def test_a_forged_wish_is_named_and_not_heeded(self, mail: Inbox, client: Client) -> None:
        opened = self.wrote(mail, reply_to=CEE, cc=[BEN], trust={"dmarc": "fail"})
        page = page_of(client, opened)
        assert f"asks for answers to {CEE}" in page
        assert f"answers go to {ANN}" in page
        assert f'value="{BEN}">' in page

    def test_who_stood_in_copy_stays_there_unless_the_writer_takes_them_out(
        self, mail: Inbox, client: Client
    ) -> None:
        opened = self.wrote(mail, cc=[BEN, CEE, ANN])
        page = page_of(client, opened)
        assert f'name="copy" value="{BEN}" checked' in page
        assert f'name="copy" value="{ANN}"' not in page
        client.post(
            reverse("create_message", args=[opened.pk]),
            {"text": "It is on its way to you.", "copy": [BEN, "mallory@example.net"]},
        )
        row = Sending.objects.get()
        assert row.copies == [BEN]
        assert sending._outgoing(row.message).copies == (BEN,)
        page = page_of(client, opened)
        assert f"copy to {BEN}" in page
        assert f'name="copy" value="{BEN}" checked' in page
        assert f'name="copy" value="{CEE}">' in page
        again = make.incoming(
            sender=ANN, root="a@example.org", at=timezone.now(), extra={"cc": [CEE]}
        )
        receive(mail, [again], now=timezone.now())
        assert f'name="copy" value="{CEE}" checked' in page_of(client, opened)

    def test_nobody_gets_a_copy_unless_it_is_asked_for(self, mail: Inbox) -> None:
        opened = self.wrote(mail, cc=[BEN])
        assert reply(opened, text="Here.", author=make.user(), now=NOON).sending.copies is None

    @pytest.mark.parametrize(
        "extra",
        [
            {"cc": [BEN], "list": "birds.example.org"},
            {"cc": [f"{n}@example.org" for n in range(11)]},
            {"cc": [BEN], "trust": {"dmarc": "fail"}},
        ],
    )
    def test_a_crowd_a_list_and_a_forgery_are_copied_only_if_somebody_says_so(
        self, extra: dict[str, Any]
    ) -> None:
        able = side_of("email", is_public=False)
        readers = readers_of("email", able, sender=ANN, told=extra)
        assert (bool(readers.copies), readers.ticked) == (True, ())

    @pytest.mark.parametrize("extra", [{"cc": "ben"}, {"cc": [7]}, {"reply_to": 7}, {"trust": 7}])
    def test_odd_facts_copy_nobody(self, extra: dict[str, Any]) -> None:
        able = side_of("email", is_public=False)
        readers = readers_of("email", able, sender=ANN, told=extra)
        assert (readers.to, readers.copies, readers.instead_of) == (ANN, (), "")

    def test_a_place_without_copies_offers_none(self) -> None:
        able = side_of("contact_page", is_public=False)
        assert readers_of("contact_page", able, sender=ANN, told={"cc": [BEN]}).copies == ()


class TestPassedOn:
    def said(self, box: Inbox, *items: Incoming) -> None:
        receive(box, items, now=NOON)

    @pytest.fixture
    def box(self) -> Inbox:
        box = make.inbox(kind="mastodon", is_public=True)
        ours = make.answer("We open on Sunday.", external_id="p1", is_public=True)
        self.said(box, ours)
        return box

    @pytest.mark.parametrize("is_settled", [False, True])
    def test_a_repost_is_shown_as_one_at_the_row_and_in_the_thread(
        self, box: Inbox, client: Client, *, is_settled: bool
    ) -> None:
        shared = make.incoming(
            "↻ boosted", external_id="p2", parent="p1", extra={"shares": "p1"}, need="nothing"
        )
        self.said(box, shared)
        opened = Conversation.objects.get(incoming_count=1)
        if is_settled:
            settle([opened.pk], now=NOON)
            opened.refresh_from_db()
        assert opened.last_kind == "shared"
        page = page_of(client, opened)
        assert "shared our post" in page
        assert "We open on Sunday." in page
        assert '<div class="words">↻' not in page
        rows = client.get(reverse("inbox_view", args=["all"])).content.decode()
        assert "passed it on" in rows

    def test_a_quote_names_what_it_quotes_and_keeps_its_own_words(
        self, box: Inbox, client: Client
    ) -> None:
        words = "At last! Which door do I take?"
        self.said(box, make.incoming(words, external_id="p3", extra={"quotes": "p1"}))
        opened = Conversation.objects.get(incoming_count=1)
        page = page_of(client, opened)
        assert "quotes our post" in page
        assert words in page
        assert opened.last_kind == "quoted"
        assert opened.need == "answer"

    def test_what_is_quoted_and_not_here_is_led_to_only_by_a_web_address(
        self, box: Inbox, client: Client
    ) -> None:
        for name, quoted in (("p4", "https://posts.example/9"), ("p5", "javascript:alert(1)")):
            self.said(
                box,
                make.incoming("Look!", external_id=name, sender=name, extra={"quotes": quoted}),
            )
        first, second = Conversation.objects.filter(incoming_count=1).order_by("pk")
        assert 'href="https://posts.example/9"' in page_of(client, first)
        page = page_of(client, second)
        assert "quotes a post" in page
        assert "javascript:alert" not in page

    def test_a_reply_of_ours_after_it_is_the_last_word(self, box: Inbox) -> None:
        self.said(box, make.incoming("Look!", external_id="p6", extra={"quotes": "p1"}))
        reply_ = make.answer(external_id="p7", parent="p6", to="ann", at=later(3))
        self.said(box, reply_)
        assert reply_.kind is Kind.REPLY
        assert Conversation.objects.get(incoming_count=1).last_kind == "reply"
