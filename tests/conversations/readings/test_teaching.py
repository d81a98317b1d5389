from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from heard.conversations.intake.receiving import receive
from heard.conversations.models import Correction, Message
from heard.conversations.readings.correcting import correct
from heard.conversations.readings.teaching import learn, learn_nightly, learn_now, said_of
from heard.events.models import Event
from heard.learning.models import Refit
from tests import make
from tests.learning.test_refitting import CLEAR, THICK

pytestmark = pytest.mark.django_db


def taught_house(now: datetime) -> None:
    """A house whose people have judged sixty messages about soup."""
    box, ann = make.inbox(), make.user()
    items = [make.incoming(text, sender=f"guest {n}") for n, text in enumerate([*THICK, *CLEAR])]
    receive(box, items, now=now - timedelta(hours=2))
    for said in Message.objects.all():
        mood = "positive" if "thick" in said.text else "negative"
        correct(said, head="mood", to=mood, by=ann, now=now - timedelta(hours=1))


def test_corrections_and_confirmations_are_learnt_and_read_the_next_message(now: datetime) -> None:
    taught_house(now)
    learnt = learn(by=None, now=now)
    made = learnt["mood"].refit
    assert made is not None
    assert (made.state, made.label_count) == ("active", 60)
    assert (
        made.confirmed_count
        == Correction.objects.filter(was="positive", now="positive").count()
        + Correction.objects.filter(was="negative", now="negative").count()
    )
    assert learnt["need"].has_too_few
    opened = make.conversation(text="My minestrone was thick.")
    assert opened.messages.get().mood == "positive"
    assert Message.objects.filter(read_by="person").count() == 60


def test_the_last_word_on_a_message_counts_and_words_that_are_gone_do_not(now: datetime) -> None:
    box, ann = make.inbox(), make.user()
    receive(box, [make.incoming("Lovely!"), make.incoming("Hm."), make.incoming("Gone")], now=now)
    lovely, hm, gone = Message.objects.order_by("id")
    correct(lovely, head="mood", to="neutral", by=ann, now=now)
    correct(lovely, head="mood", to="positive", by=ann, now=now)
    correct(hm, head="mood", to="negative", by=ann, now=now)
    correct(hm, head="need", to="nothing", by=ann, now=now)
    correct(gone, head="mood", to="negative", by=ann, now=now)
    Message.objects.filter(pk=gone.pk).update(text="")
    assert [(it.text, it.says) for it in said_of("mood")] == [
        ("Hm.", "negative"), ("Lovely!", "positive"),
    ]  # fmt: skip
    assert [(it.text, it.says) for it in said_of("need")] == [("Hm.", "nothing")]


def test_to_say_that_a_reading_is_right_is_kept_once(now: datetime) -> None:
    ann = make.user()
    said = make.conversation(text="Lovely, thank you!").messages.get()
    for head in ("mood", "need", "need"):
        correct(said, head=head, to=getattr(said, head), by=ann, now=now)
    assert list(Correction.objects.order_by("id").values_list("head", "was", "now")) == [
        ("mood", "positive", "positive"), ("need", "recognition", "recognition"),
    ]  # fmt: skip
    assert set(
        Event.objects.filter(name__startswith="reading.").values_list("name", flat=True)
    ) == {"reading.confirmed"}
    assert [it.is_confirmed for it in said_of("mood")] == [True]


def test_it_learns_of_a_night_when_asked_and_from_the_command_line(now: datetime) -> None:
    taught_house(now)
    learn_nightly(timestamp=int(now.timestamp()))
    made = Refit.objects.get()
    assert (made.at, made.by) == (now, None)
    made.delete()
    ann = make.manager()
    learn_now(by=ann.pk)
    assert Refit.objects.get().by == ann
    told = StringIO()
    call_command("learn", stdout=told)
    assert "mood: 60 labels; nothing new" in told.getvalue()
    assert "need: 0 labels; it takes 20" in told.getvalue()
    Refit.objects.all().delete()
    told = StringIO()
    call_command("learn", stdout=told)
    assert "mood: 60 labels; macro F1 1.000" in told.getvalue()
    assert "in use." in told.getvalue()
