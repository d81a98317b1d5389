"""How a reply may go: not where the place takes none, alone to the person, in numbered parts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from heard.channels.base import Abilities, Act, Receipt, SendState, Unit
from heard.conversations.clocks.settling import settle
from heard.conversations.intake.receiving import receive
from heard.conversations.models import (
    Acknowledgement,
    Conversation,
    Inbox,
    Message,
    Notice,
    Sending,
)
from heard.conversations.outbox import acting
from heard.conversations.outbox.acting import NotAllowedError, act, carry_out
from heard.conversations.outbox.replying import Manner, ReplyBlocked, ReplyImpossible, reply, undo
from heard.conversations.outbox.sending import _claim, _held_by_cap, _write, deliver
from tests import make
from tests.conversations.places import PigeonPost, pigeons  # noqa: F401 - a fixture
from tests.make import NOON

pytestmark = pytest.mark.django_db

LONG = (
    "First we looked for it. Then we found it in the loft. It leaves with the next pigeon. Sorry."
)


@pytest.fixture
def box(pigeons: PigeonPost) -> Inbox:  # noqa: F811
    return make.inbox(kind="pigeon_post", keeper=make.user())


def asked(box: Inbox, **fields: Any) -> Conversation:
    return make.conversation(box, **{"external_id": "m1", **fields})


def leave(sending: Sending) -> None:
    Sending.objects.filter(pk=sending.pk).update(not_before=NOON - timedelta(days=300))
    deliver(sending_id=sending.pk)


def test_nothing_is_written_where_the_place_takes_nothing(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    pigeons.private = Abilities(replies=False, by_link=True)
    with pytest.raises(ReplyImpossible, match="by_link"):
        reply(asked(box), text="It is here.", author=make.user(), now=NOON)


def test_after_the_window_only_a_template_goes_and_only_where_there_are_some(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    pigeons.private = Abilities(window=timedelta(hours=24))
    opened = asked(box)
    late = NOON + timedelta(hours=25)
    with pytest.raises(ReplyImpossible, match="closed"):
        reply(opened, text="It is here.", author=make.user(), now=late)
    pigeons.private = Abilities(window=timedelta(hours=24), templates=True)
    with pytest.raises(ReplyImpossible, match="closed"):
        reply(opened, text="It is here.", author=make.user(), now=late)
    sent = reply(
        opened, text="It is here.", author=make.user(), now=late, manner=Manner(template="found")
    )
    assert sent.sending.template == "found"
    leave(sent.sending)
    assert pigeons.sent[0].template == "found"


def test_a_private_answer_to_a_public_question_is_private_here_and_there(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    pigeons.public = Abilities(private_reply=True, length=20)
    opened = asked(box, is_public=True)
    sent = reply(
        opened,
        text="It leaves with the next pigeon.",
        author=make.user(),
        now=NOON,
        manner=Manner(is_private=True),
    )
    leave(sent.sending)
    assert (sent.is_public, pigeons.sent[0].is_private, pigeons.sent[0].parent) == (
        False,
        True,
        "m1",
    )
    opened.refresh_from_db()
    assert opened.need == "nothing"


def test_a_long_answer_leaves_in_numbered_parts_one_after_the_other(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    pigeons.private = Abilities(length=50, unit=Unit.GRAPHEMES)
    opened = asked(box)
    with pytest.raises(ReplyBlocked):
        reply(opened, text=LONG, author=make.user(), now=NOON)
    author = make.user()
    first = reply(opened, text=LONG, author=author, now=NOON, manner=Manner(is_split=True))
    sendings = list(Sending.objects.order_by("pk"))
    assert [s.message.text[-5:] for s in sendings] == ["(1/3)", "(2/3)", "(3/3)"]
    leave(sendings[1])
    assert not pigeons.sent
    for number, sending in enumerate(sendings, start=1):
        pigeons.receipts.append(Receipt(SendState.SENT, f"part{number}"))
        leave(sending)
    assert [one.parent for one in pigeons.sent] == ["m1", "part1", "part2"]
    assert {s.state for s in Sending.objects.all()} == {"sent"}
    assert first.pk == sendings[0].message_id


def test_undoing_takes_all_parts_back_and_gives_the_words_without_numbers(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    pigeons.private = Abilities(length=50)
    author = make.user()
    reply(asked(box), text=LONG, author=author, now=NOON, manner=Manner(is_split=True))
    last = Message.objects.filter(kind="reply").order_by("pk").last()
    assert last is not None
    assert undo(last, by=author, now=NOON) == LONG
    assert not Message.objects.filter(kind="reply").exists()


def test_an_accident_is_stopped_after_as_many_replies_an_hour_as_the_inbox_may(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    box.settings = {"hourly_cap": 2}
    box.save()
    sendings = []
    for number in range(4):
        opened = asked(box, external_id=f"m{number}", sender=f"p{number}")
        words = f"It leaves with pigeon number {number}."
        sendings.append(reply(opened, text=words, author=make.user(), now=NOON).sending)
    for sending in sendings:
        leave(sending)
    assert len(pigeons.sent) == 2
    waiting = Sending.objects.filter(state="waiting")
    assert [s.reason for s in waiting] == [
        "2 replies have left this inbox within an hour; the rest waits."
    ] * 2
    assert [n.kind for n in Notice.objects.filter(user=box.keeper)] == ["inbox.capped"]
    assert _held_by_cap(waiting[0].pk, now=timezone.now() + timedelta(hours=2)) is False


def test_a_like_goes_to_the_place_once_and_counts_here_at_once(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    pigeons.private = Abilities(acts=frozenset({Act.LIKE, Act.SPAM}))
    opened = asked(box, text="You were wonderful, thank you!")
    message = opened.messages.get()
    ann = make.user()
    act(message, Act.LIKE, by=ann, now=NOON)
    act(message, Act.LIKE, by=ann, now=NOON)
    act(message, Act.THANK, by=ann, now=NOON)
    assert Acknowledgement.objects.count() == 2
    [row] = message.acts.all()
    pigeons.receipts += [
        Receipt(SendState.FAILED, reason="Busy.", retry_after_seconds=90),
        Receipt(SendState.SENT),
    ]
    carry_out(act_id=row.pk)
    row.refresh_from_db()
    assert (row.state, row.reason, row.try_count) == ("waiting", "Busy.", 1)
    carry_out(act_id=row.pk)
    carry_out(act_id=row.pk)
    row.refresh_from_db()
    assert (row.state, len(pigeons.acted)) == ("done", 2)
    assert pigeons.acted[0].external_id == "m1"
    with pytest.raises(NotAllowedError):
        act(message, Act.DELETE, by=ann, now=NOON)


def test_what_the_place_refuses_to_do_is_told_to_whoever_asked_for_it(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    pigeons.private = Abilities(acts=frozenset({Act.SPAM}))
    message = asked(box).messages.get()
    ann = make.user()
    act(message, Act.SPAM, by=ann, now=NOON)
    message.refresh_from_db()
    assert (message.need, message.read_by) == ("nothing", "person")
    pigeons.receipts.append(Receipt(SendState.FAILED, reason="Not yours.", is_final=True))
    carry_out(act_id=message.acts.get().pk)
    assert message.acts.get().state == "failed"
    assert Notice.objects.get(user=ann).text == "Not yours."
    act(message, Act.SPAM, by=ann, now=NOON)
    carry_out(act_id=message.acts.get().pk)
    assert message.acts.get().state == "done"


def test_an_act_whose_job_was_lost_is_taken_up(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    pigeons.private = Abilities(acts=frozenset({Act.LIKE}))
    message = asked(box).messages.get()
    act(message, Act.LIKE, by=make.user(), now=NOON)
    assert acting.take_up_acts(now=NOON + timedelta(seconds=30)) == 0
    assert acting.take_up_acts(now=NOON + timedelta(minutes=5)) == 1
    assert acting.take_up_acts(now=NOON + timedelta(minutes=5)) == 0


def test_the_composer_says_what_the_place_allows_before_anything_is_written(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
    client: Client,
) -> None:
    client.force_login(make.owner())
    pigeons.private = Abilities(window=timedelta(hours=24), length=50)
    opened = asked(box)
    page = client.get(reverse("conversation", args=[opened.pk])).content.decode()
    assert "closed for replies" not in page
    assert "The time in which this place lets us write is over" in page
    address = reverse("create_message", args=[opened.pk])
    response = client.post(address, {"text": "It is here."}, headers={"hx-request": "true"})
    assert "is over" in response.headers["HX-Trigger"]
    assert not Sending.objects.exists()
    pigeons.private = Abilities(length=50)
    draft = reverse("save_draft", args=[opened.pk])
    assert "3 numbered parts" in client.post(draft, {"text": LONG}).content.decode()
    assert (
        "This place takes 50"
        not in client.post(draft, {"text": LONG, "split": "1"}).content.decode()
    )


def test_a_claim_is_written_down_as_the_place_said(box: Inbox, pigeons: PigeonPost) -> None:  # noqa: F811
    sent = reply(asked(box), text="It is here.", author=make.user(), now=NOON)
    Sending.objects.update(not_before=NOON - timedelta(days=300))
    claim = _claim(sent.sending.pk, now=NOON)
    assert claim is not None
    assert claim.outgoing.references == ("m1",)
    assert claim.outgoing.to == "ann"
    _write(claim, Receipt(SendState.SENT, "r9"), now=NOON)
    assert Message.objects.get(pk=sent.pk).external_id == "r9"


def test_an_account_that_may_write_for_longer_has_its_own_window(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    pigeons.private = Abilities(window=timedelta(hours=24))
    box.settings = {"window_hours": 168}
    box.save()
    opened = asked(box)
    assert opened.closes_at == NOON + timedelta(days=7)
    settle([opened.pk], now=NOON)
    opened.refresh_from_db()
    assert opened.closes_at == NOON + timedelta(days=7)


def test_a_reply_whose_worker_was_killed_is_one_with_its_echo_where_the_name_is_ours(
    box: Inbox,
    pigeons: PigeonPost,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pigeons, "name_of", lambda outgoing, account: "ring-9", raising=False)

    def killed(outgoing: Any, account: Any) -> Receipt:
        raise KeyboardInterrupt

    monkeypatch.setattr(pigeons, "send", killed)
    opened = asked(box)
    sent = reply(opened, text="It is here.", author=make.user(), now=NOON)
    with pytest.raises(KeyboardInterrupt):
        leave(sent.sending)
    echo = make.answer("It is here.", external_id="ring-9", parent="m1", at=NOON)
    receive(box, [echo], now=NOON)
    assert Message.objects.filter(kind="reply").count() == 1
