"""The sample company comes in whole, shows something true everywhere, and goes without a trace.

It is loaded once for this file, beside a company of the user's own, in a transaction that is taken
back at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import transaction
from django.db.models import F, Q, QuerySet
from pytest_django import DjangoDbBlocker

from heard.channels.base import Kind
from heard.contacts.models import Contact
from heard.conversations.checks.facts import facts_of
from heard.conversations.floods.sifting import look
from heard.conversations.intake.receiving import receive
from heard.conversations.models import (
    Clock,
    Conversation,
    Correction,
    Enquiry,
    Flood,
    Inbox,
    Message,
    Notice,
    Review,
    Sending,
)
from heard.conversations.outbox.sending import deliver
from heard.conversations.readings.correcting import CHOICES
from heard.conversations.readings.teaching import learn
from heard.events.models import Event
from heard.knowledge.gaps import NAMES, gaps_in
from heard.knowledge.models import HouseFact, SavedAnswer
from heard.meter import rollups
from heard.meter.learning import stories
from heard.sample import company
from heard.sample.events import events
from heard.sample.happenings import Said
from heard.sample.loading import begin, load, load_sample, progress, remove
from heard.staff.models import Team, User
from heard.think import check
from tests import make

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 15, 20, tzinfo=UTC)  # a Tuesday afternoon


def counts() -> dict[str, int]:
    """How many rows there are of everything that the product keeps, but for its own figures."""
    kept = [model for model in apps.get_models() if model.__module__.startswith("heard.")]
    found = {model.__name__: model._default_manager.count() for model in kept}
    return {name: count for name, count in found.items() if name not in ("DayFigures", "StaleDay")}


BEFORE: dict[str, int] = {}


@pytest.fixture(scope="module", autouse=True)
def _loaded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), transaction.atomic():
        make.owner(name="Ines Own")
        make.team(name=company.TEAMS[0])
        own = make.inbox(name="Our own inbox", kind="x")
        receive(
            own,
            [make.incoming("Best soup ever!", is_public=True, at=NOW)],
            now=NOW,
            readings=[None],
        )
        rollups.freshen()
        BEFORE.update(counts())
        load(NOW)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def _taken_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def conversations() -> QuerySet[Conversation]:
    return Conversation.objects.filter(inbox__is_sample=True)


def clocks() -> QuerySet[Clock]:
    return Clock.objects.filter(inbox__is_sample=True)


def test_everything_that_was_said_is_there() -> None:
    said = Counter(str(it.message.kind) for it in events(NOW) if isinstance(it, Said))
    stored = Message.objects.filter(inbox__is_sample=True)
    assert Counter(stored.values_list("kind", flat=True)) == said
    assert not stored.filter(kind="reply", is_automatic=False, author=None).exists()
    stage = progress()
    assert stage is not None
    assert stage.is_done
    assert stage.total == len(company.INBOXES)


def test_every_view_of_the_inbox_has_something_to_show() -> None:
    open_ = conversations().filter(status="open")
    greta = User.objects.get(is_sample=True, role="owner")
    assert open_.filter(assignee=greta).count() >= 3
    assert open_.filter(assignee=None).count() >= 10
    assert open_.filter(waiting_since__isnull=False).count() >= 20
    assert open_.filter(due_at__lte=NOW).count() >= 5
    assert open_.filter(due_at__gt=NOW).count() >= 5
    assert open_.filter(promised_at__lt=NOW).exists()
    assert open_.filter(promised_at__gt=NOW).exists()
    assert conversations().filter(status="snoozed").count() >= 2
    assert conversations().filter(status="resolved").count() > 500


def test_the_ledger_has_fails_of_every_kind() -> None:
    failed = clocks().filter(failed_at__isnull=False)
    kinds = set(failed.values_list("fail", "sighting"))
    assert kinds == {(f, s) for f in ("service", "recognition") for s in ("unseen", "seen")}
    assert failed.filter(met_at__gt=F("due_at")).count() > 50
    assert failed.filter(met_at=None).count() > 50
    assert not failed.filter(keeper=None).exists()


@pytest.mark.usefixtures("_taken_back")
def test_a_campaign_of_a_dozen_accounts_is_the_one_flood() -> None:
    while look():
        pass
    [flood] = Flood.objects.all()
    assert flood.messages.count() == 12
    assert conversations().filter(flood=flood, status="open").count() == 12
    remove(NOW)
    assert not Flood.objects.exists()


def test_a_reply_that_says_otherwise_than_the_house_is_told_so() -> None:
    opened = conversations().filter(inbox__name="Quince & Cork by e-mail").latest("pk")
    author = User.objects.get(is_sample=True, name="Youssef Benali")
    facts = facts_of(opened, author=author, now=NOW)
    found = check("Dear Beth, delivery is £7.50 to Pell.", facts)
    assert "true.contradicts" in {it.code for it in found.findings}
    found = check("Dear Beth, delivery is £4.95 to Pell.", facts)
    assert not [it for it in found.findings if it.code.startswith("true.")]
    assert not HouseFact.objects.exclude(brand__is_sample=True).exists()


@pytest.mark.usefixtures("_taken_back")
def test_what_is_said_of_made_up_messages_teaches_nobody() -> None:
    assert Correction.objects.filter(message__inbox__is_sample=True).count() > 200
    told = learn(by=None, now=NOW)
    assert {(head, it.label_count, it.refit) for head, it in told.items()} == {
        (head, 0, None) for head in CHOICES
    }
    assert not any(story.label_count for story in stories())
    assert not Enquiry.objects.filter(message__inbox__is_sample=True).exists()


def test_service_sagged_in_the_middle_and_came_back() -> None:
    monday = (NOW - timedelta(days=NOW.weekday())).replace(hour=0, minute=0)

    def within(weeks_ago: int) -> float:
        begin_at = monday - timedelta(weeks=weeks_ago)
        week = clocks().filter(
            kind="first_response", started_at__range=(begin_at, begin_at + timedelta(weeks=1))
        )
        return week.filter(met_at__lte=F("due_at")).count() / week.count()

    assert within(3) < within(8) - 0.1
    assert within(3) < within(1) - 0.05


def test_one_person_is_one_contact_wherever_they_write() -> None:
    marta = Contact.objects.get(name="Marta Lindqvist")
    assert {handle.kind for handle in marta.handles.all()} >= {"phone", "x", "review"}
    assert marta.conversations.count() >= 3


def test_two_tables_with_the_same_number_are_two_people() -> None:
    assert Contact.objects.filter(name="Table 6").count() > 1


def test_the_diary_says_when_things_happened() -> None:
    diary = Event.objects.filter(subject="conversation")
    assert diary.filter(at__lt=NOW - timedelta(days=50)).count() > 100
    assert not diary.filter(at__gt=NOW).exists()
    assert diary.filter(name="reply.sent", actor__is_sample=True).count() > 900


def test_only_what_is_recent_is_news() -> None:
    assert 0 < Notice.objects.filter(user__name="Greta Quince").count() < 60


def test_the_house_has_answers_in_its_voice_whose_gaps_are_known() -> None:
    saved = SavedAnswer.objects.filter(is_sample=True)
    assert saved.in_use().count() >= 6
    assert saved.filter(is_proposed=True).exists()
    gaps = {gap for row in saved for gap in gaps_in(row.text)}
    assert gaps - set(NAMES) == {"what we do now"}


def test_promises_were_kept_broken_and_are_still_open() -> None:
    promises = clocks().filter(kind="promise")
    assert promises.filter(met_at__lte=F("due_at")).count() >= 5
    assert promises.filter(met_at__gt=F("due_at")).exists()
    assert promises.filter(met_at=None, failed_at__isnull=False).exists()


def test_many_speak_under_one_post_each_in_a_conversation_of_their_own() -> None:
    film = conversations().filter(root="the-film-from-table-nine", inbox__kind="x")
    assert film.count() >= 15
    assert film.filter(contact__name="Kayleigh Marsh").get().incoming_count == 3


def test_the_figures_kept_are_the_figures_counted() -> None:
    assert rollups.differences() == []


def test_a_name_that_is_taken_is_told_apart() -> None:
    assert Team.objects.filter(name__startswith=company.TEAMS[0]).count() == 2


def test_nothing_leaves_the_house() -> None:
    assert not Sending.objects.filter(message__inbox__is_sample=True).exists()


@pytest.mark.usefixtures("_taken_back")
def test_an_answer_to_a_made_up_person_goes_nowhere_and_counts_as_sent() -> None:
    inbox = Inbox.objects.get(is_sample=True, kind="x")
    waiting = conversations().filter(inbox=inbox, status="open")[0]
    reply = Message.objects.create(
        conversation=waiting, inbox=inbox, kind=Kind.REPLY, text="Here we are.", at=NOW
    )
    sending = Sending.objects.create(message=reply, not_before=NOW, updated_at=NOW)
    Sending.objects.update(not_before=NOW - timedelta(days=3650))
    deliver(sending_id=sending.pk)
    sending.refresh_from_db()
    assert (sending.state, sending.reason) == ("sent", "")


@pytest.mark.usefixtures("_taken_back")
def test_loading_again_makes_nothing() -> None:
    before = counts()
    load(NOW + timedelta(hours=1))
    assert counts() == before


@pytest.mark.usefixtures("_taken_back")
def test_what_was_interrupted_goes_on() -> None:
    remove(NOW)
    begin(NOW)
    Inbox.objects.filter(is_sample=True).exclude(kind="card").update(last_heard_at=NOW)
    load_sample(now=NOW.isoformat())
    assert Message.objects.filter(inbox__is_sample=True, inbox__kind="card").exists()
    assert not Message.objects.filter(~Q(inbox__kind="card"), inbox__is_sample=True).exists()


@pytest.mark.usefixtures("_taken_back")
def test_it_goes_without_a_trace() -> None:
    assert remove(NOW)
    assert counts() == BEFORE | {"Event": BEFORE["Event"] + 1}
    assert rollups.differences() == []
    assert not remove(NOW)


@pytest.mark.usefixtures("_taken_back")
def test_what_others_have_come_to_use_stays_theirs() -> None:
    theirs = Inbox.objects.get(name="Our own inbox")
    sample = Inbox.objects.filter(is_sample=True, kind="x").get()
    theirs.policy, theirs.place = sample.policy, sample.place
    theirs.save()
    both = sample.conversation_set.exclude(contact=None)[0].contact
    assert both is not None
    address = both.handles.get(kind="x").address
    receive(theirs, [make.incoming("Me too", sender=address)], now=NOW, readings=[None])
    remove(NOW)
    theirs.refresh_from_db()
    assert theirs.policy.is_sample is False
    assert theirs.place is not None
    assert Contact.objects.filter(pk=both.pk).exists()


@pytest.mark.usefixtures("_taken_back")
def test_the_command_loads_and_removes(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("sample", "load")
    assert "already" in capsys.readouterr().out
    call_command("sample", "remove")
    assert "gone" in capsys.readouterr().out
    assert progress() is None
    call_command("sample", "remove")
    assert "not here" in capsys.readouterr().out


def test_one_reply_rests_and_one_waits_for_a_second_pair_of_eyes() -> None:
    waiting = Review.objects.filter(conversation__inbox__is_sample=True)
    assert sorted(waiting.values_list("state", flat=True)) == ["asked", "resting"]
