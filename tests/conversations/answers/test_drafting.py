"""A draft by the server: asked for, grounded, checked like any other, and never sent by itself."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from heard.assistant.drafting import parsed
from heard.assistant.models import Assistant, Consultation
from heard.conversations.answers import drafting, recalling, remembering
from heard.conversations.answers.grounding import LIKE_ENOUGH_TO_READ, grounds_for
from heard.conversations.intake.receiving import receive
from heard.conversations.models import Conversation, Draft, Drafted, Message, Sending
from heard.conversations.outbox import replying
from heard.events.models import Event
from heard.knowledge.models import HouseFact, SavedAnswer
from heard.staff.models import User
from tests import make
from tests.assistant.far_side import CALL, arrange, said
from tests.channels.place import Place

pytestmark = pytest.mark.django_db
QUESTION = "Hello, I am Ann Smith. What does a day ticket cost, and can I bring my dog?"
DRAFT = "Hello [NAME 1], thank you for asking. A day ticket costs 12 euros, and dogs are welcome."


@pytest.fixture(autouse=True)
def _fresh_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test begins in a process that has read nothing."""
    monkeypatch.setattr(recalling, "_memory", recalling._Memory())


@pytest.fixture
def ann() -> User:
    return make.owner(name="Ruth Weaver")


@pytest.fixture
def opened() -> Conversation:
    fact = {"subject": "Day ticket", "words": "price, cost", "value": "12 euros"}
    HouseFact.objects.create(**fact, said_at=make.NOON)
    HouseFact.objects.create(subject="Parking", value="behind the house", said_at=make.NOON)
    return make.conversation(text=QUESTION, sender="ann@mail.example", sender_name="Ann Smith")


def drafted(opened: Conversation, by: User, *answers: Any, **fields: Any) -> tuple[Drafted, Place]:
    """What comes of asking when the server answers so."""
    with Place() as place:
        if not Assistant.objects.exists():
            arrange(place, drafts=True, **fields)
        Assistant.objects.update(url=f"{place.url}/v1")
        for answer in answers:
            place.answers(CALL, said(answer))
        wanted = drafting.ask_for_draft(opened, by=by, now=timezone.now())
        drafting.draft_reply(drafted_id=wanted.pk)
    wanted.refresh_from_db()
    return wanted, place


def test_a_draft_rests_on_facts_and_shows_them(opened: Conversation, ann: User) -> None:
    found, place = drafted(opened, ann, {"reply": DRAFT, "sources": [1, 7]})
    assert found.text == (
        "Hello Ann, thank you for asking. A day ticket costs 12 euros, and dogs are welcome."
    )
    assert [(it["title"], it["used"]) for it in found.sources] == [("Day ticket", True)]
    body = json.dumps(place.asked[0].json())
    assert "Day ticket: 12 euros" in body
    assert "Parking" not in body
    event = Event.objects.get(name="reply.drafted")
    assert (event.actor_id, event.data["drafted"]) == (ann.pk, found.pk)


def test_saved_answers_come_first_with_their_gaps_filled(opened: Conversation, ann: User) -> None:
    common = {"said_at": make.NOON, "said_by": ann}
    opened.inbox.name = "the harbour inn"  # a number in it would be masked
    opened.inbox.save(update_fields=["name"])
    saved = SavedAnswer.objects.create(
        short="dogs",
        title="Dogs",
        text="Dear {contact name}, your dog is welcome at {inbox}.",
        **common,
    )
    SavedAnswer.objects.create(
        short="cats", title="Dogs and cats", text="No dog.", is_proposed=True, **common
    )
    SavedAnswer.objects.create(
        short="team", title="Dogs", text="No dog.", team=make.team(), **common
    )
    found, place = drafted(opened, make.user(), {"reply": DRAFT, "sources": [1]})
    assert [(it["kind"], it["id"], it["used"]) for it in found.sources] == [
        ("saved", saved.pk, True),
        ("fact", HouseFact.objects.get(subject="Day ticket").pk, False),
    ]
    asked = place.asked[0].json()["messages"][1]["content"]
    assert "1. Dogs: Dear [NAME" in asked
    assert f"your dog is welcome at {opened.inbox.name}" in asked


def test_what_was_answered_to_others_is_a_source_without_their_names(
    opened: Conversation, ann: User
) -> None:
    box = opened.inbox
    question = make.incoming(
        "What does a day ticket cost? Yours, Zoltan", sender="z@mail.example", sender_name="Zoltan"
    )
    receive(box, [question], now=make.NOON)
    other = Conversation.objects.exclude(pk=opened.pk).get()
    said_before = replying.reply(
        other, text="Hello Zoltan, a day ticket costs 12 euros.", author=ann, now=make.NOON
    )
    Sending.objects.update(state="sent")
    while remembering.remember(now=timezone.now() + timedelta(hours=1)):
        pass
    found, place = drafted(opened, ann, {"reply": DRAFT, "sources": [1]})
    assert ("reply", said_before.pk) in [(it["kind"], it["id"]) for it in found.sources]
    assert "a day ticket costs 12 euros" in place.asked[0].body.decode()
    assert "Zoltan" not in place.asked[0].body.decode()


def test_no_name_or_address_leaves_with_the_question(opened: Conversation, ann: User) -> None:
    _, place = drafted(opened, ann, {"reply": DRAFT, "sources": []})
    body = place.asked[0].body.decode()
    for detail in ("Ann", "Smith", "mail.example", "Ruth", "Weaver"):
        assert detail not in body
        assert detail not in Consultation.objects.get().sent


def test_nothing_is_sent_by_itself_and_the_check_looks_at_it(
    client: Client, opened: Conversation, ann: User
) -> None:
    client.force_login(ann)
    reply = "You idiot, calm down. Your card 4111 1111 1111 1111 is fine."
    found, _ = drafted(opened, ann, {"reply": reply, "sources": []})
    assert not Message.objects.filter(kind="reply").exists()
    assert not Sending.objects.exists()
    page = client.get(reverse("drafting", args=[found.pk])).content.decode()
    assert 'data-draft="You idiot' in page
    assert "Check every word" not in page  # a source was shown
    checked = client.post(reverse("save_draft", args=[opened.pk]), {"text": found.text})
    assert "data-stopped" in checked.content.decode()
    with pytest.raises(replying.ReplyBlocked):
        replying.reply(opened, text=found.text, author=ann, now=make.NOON)


def test_a_sent_draft_is_marked_in_diary_and_thread(
    client: Client, opened: Conversation, ann: User, settings: Settings
) -> None:
    client.force_login(ann)
    found, _ = drafted(opened, ann, {"reply": DRAFT, "sources": [1]})
    now = timezone.now()
    text = found.text.replace("12 euros", "14 euros")
    sent = replying.reply(opened, text=text, author=ann, now=now)
    data = Event.objects.get(name="reply.queued").data
    assert data["drafted"] == found.pk
    assert 0.9 < data["kept"] < 1
    page = client.get(reverse("conversation", args=[opened.pk])).content.decode()
    assert "drafted by the server" in page
    assert "had a reply drafted by the server" in page
    replying.undo(sent, by=ann, now=now)
    replying.reply(opened, text=text, author=ann, now=now + timedelta(seconds=1))
    assert Event.objects.filter(name="reply.queued").latest("pk").data["drafted"] == found.pk


def test_own_words_after_a_draft_are_ones_own(opened: Conversation, ann: User) -> None:
    drafted(opened, ann, {"reply": "Bonjour tout le monde", "sources": []})
    replying.reply(opened, text="Hello Ann, it costs 12 euros.", author=ann, now=timezone.now())
    assert "drafted" not in Event.objects.get(name="reply.queued").data


@pytest.mark.parametrize(
    "answer",
    ["", "Dear customer,", {"reply": ""}, {"reply": "Hm", "sources": []}, {"reply": ["a b c"]},
     {"reply": "we care " * 40, "sources": []}, {"reply": "x " * 3000}],
)  # fmt: skip
def test_nonsense_is_no_draft_and_says_so(
    client: Client, opened: Conversation, ann: User, answer: Any
) -> None:
    client.force_login(ann)
    found, _ = drafted(opened, ann, answer)
    assert found.state == "nothing"
    page = client.get(reverse("drafting", args=[found.pk])).content.decode()
    assert "No draft: The server answered with something that cannot be used." in page
    assert "data-draft" not in page
    assert not Event.objects.filter(name="reply.drafted").exists()
    assert Consultation.objects.get().outcome == "unusable"


@given(st.text(max_size=200), st.integers(0, 5))
def test_no_answer_breaks_the_parsing(answer: str, count: int) -> None:
    for text in (answer, json.dumps({"reply": answer, "sources": [answer, -1, 1, 2**70, True]})):
        found = parsed(text, source_count=count)
        assert found is None or all(0 <= n < count for n in found.used)


def test_the_page_asks_on_until_it_is_there(
    client: Client, opened: Conversation, ann: User
) -> None:
    client.force_login(ann)
    arrange(drafts=True)
    asked = client.post(reverse("ask_for_draft", args=[opened.pk])).content.decode()
    wanted = Drafted.objects.get()
    assert reverse("drafting", args=[wanted.pk]) in asked
    client.post(reverse("ask_for_draft", args=[opened.pk]))
    assert Drafted.objects.count() == 1
    Drafted.objects.update(asked_at=timezone.now() - drafting.GIVEN_UP - timedelta(seconds=1))
    late = client.get(reverse("drafting", args=[wanted.pk])).content.decode()
    assert "it has not come in time" in late
    client.force_login(make.user())
    assert client.get(reverse("drafting", args=[wanted.pk])).status_code == 404


def test_the_button_stands_there_only_where_a_server_drafts(
    client: Client, opened: Conversation, ann: User
) -> None:
    client.force_login(ann)
    page = reverse("conversation", args=[opened.pk])
    assert "Draft it for me" not in client.get(page).content.decode()
    assert client.post(reverse("ask_for_draft", args=[opened.pk])).status_code == 404
    arrange(drafts=True)
    assert "Draft it for me" in client.get(page).content.decode()


def test_the_words_of_drafts_go_after_a_day(opened: Conversation, ann: User) -> None:
    found, _ = drafted(opened, ann, {"reply": DRAFT, "sources": []})
    drafting.forget_drafted(timestamp=0)
    found.refresh_from_db()
    assert found.text
    Drafted.objects.update(asked_at=timezone.now() - timedelta(days=2))
    drafting.forget_drafted(timestamp=0)
    found.refresh_from_db()
    assert (found.text, found.state) == ("", "left")
    assert not Draft.objects.exists()


def test_sources_are_ranked_as_suggestions_are_and_a_fact_by_its_likest_name() -> None:
    assert recalling.likenesses("anything", []) == []
    asked = "What does a day ticket cost?"
    titled = [("Day ticket", ""), ("Price of a day ticket", ""), ("Parking", "Behind the house.")]
    ticket, price, parking = recalling.likenesses(asked, titled)
    assert 1 >= ticket > price > recalling.LIKE_ENOUGH > LIKE_ENOUGH_TO_READ > parking
    shared = {"value": "12 euros", "said_at": make.NOON}
    HouseFact.objects.create(subject="Entry", words="day ticket, price", **shared)
    HouseFact.objects.create(subject="Ticket for dogs", **shared)
    HouseFact.objects.create(subject="Parking", **shared)
    opened = make.conversation(text=asked)
    found = grounds_for(opened, asked, by=make.owner(), now=make.NOON)
    assert [(it.kind, it.title) for it in found.sources] == [
        ("fact", "Entry"),
        ("fact", "Ticket for dogs"),
    ]
