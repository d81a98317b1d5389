"""Hot replies rest, grave ones wait for somebody else, and nothing goes around the one door."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from heard.channels.base import Act
from heard.conversations import handling, queries
from heard.conversations.clocks.settling import settle
from heard.conversations.intake.merging import unite
from heard.conversations.intake.receiving import receive
from heard.conversations.models import (
    Conversation,
    Draft,
    Inbox,
    Message,
    Notice,
    Promise,
    Review,
    ScandalFlag,
    SecondEyes,
    Sending,
    TooClose,
)
from heard.conversations.outbox import sending
from heard.conversations.outbox.acting import act
from heard.conversations.outbox.replying import (
    Manner,
    RepliesCross,
    ReplyBlocked,
    ReplyWaits,
    TooSoon,
    WordsHeld,
    cooled,
    let_out,
    reply,
    retry,
    take_up_cooled,
    undo,
)
from heard.conversations.second_eyes import reviewing
from heard.conversations.second_eyes.crossing import known_from, known_now
from heard.conversations.second_eyes.reviewing import (
    NotYours,
    ReviewOver,
    give_back,
    step_back,
    withdraw,
)
from heard.events.models import Event
from heard.staff.models import User
from tests import make
from tests.api.test_api import Program
from tests.conversations.asking import browser
from tests.conversations.places import PigeonPost, pigeons  # noqa: F401 - a fixture
from tests.make import NOON

pytestmark = pytest.mark.django_db

HOT = "Hello Ann, you people are wasting our time. It leaves with the next pigeon, please wait."
COOL = "Hello Ann, I am sorry that you had to wait. It leaves with the next pigeon, at five."
LAW = "Hello Ann, I am sorry. Our solicitor has the letter, and we will write to you by Friday."
HTMX = {"HX-Request": "true"}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def box(pigeons: PigeonPost) -> Inbox:  # noqa: F811
    return make.inbox(kind="pigeon_post", is_public=True)


@pytest.fixture
def ada() -> User:
    return make.user(name="Ada Holm")


@pytest.fixture
def ben() -> User:
    return make.user(name="Ben Rask")


def asked(box: Inbox, **fields: Any) -> Conversation:
    return make.conversation(box, **{"text": "Where is my pigeon?", "is_public": True, **fields})


def waiting(opened: Conversation, *, author: User, text: str, **how: Any) -> Review:
    with pytest.raises(ReplyWaits) as waits:
        reply(opened, text=text, author=author, now=how.pop("now", NOON), **how)
    return waits.value.review


def sent(opened: Conversation) -> list[str]:
    return list(
        Message.objects.filter(conversation=opened, kind="reply")
        .order_by("pk")
        .values_list("text", flat=True)
    )


def names(opened: Conversation) -> list[str]:
    rows = Event.objects.filter(subject="conversation", subject_id=opened.pk)
    return list(rows.order_by("pk").values_list("name", flat=True))


# Cooling down


def test_a_hot_reply_to_a_public_place_rests_and_is_in_no_outbox(box: Inbox, ada: User) -> None:
    opened = asked(box)
    review = waiting(opened, author=ada, text=HOT)
    assert review.state == Review.State.RESTING
    assert review.rests_until == NOON + 5 * MINUTE
    assert review.signs[0]["code"] == "heat.words"
    assert not sent(opened)
    assert not Sending.objects.exists()
    opened.refresh_from_db()
    assert opened.waiting_since is not None  # the clock goes on
    assert "reply.rested" in names(opened)


def test_it_goes_by_itself_when_it_has_cooled_and_not_before(box: Inbox, ada: User) -> None:
    opened = asked(box)
    review = waiting(opened, author=ada, text=HOT)
    assert cooled(review, now=NOON + 4 * MINUTE) is None
    assert not sent(opened)
    assert cooled(review, now=NOON + 5 * MINUTE) is not None
    assert sent(opened) == [HOT]
    assert cooled(review, now=NOON + 6 * MINUTE) is None
    assert sent(opened) == [HOT]
    told = Event.objects.get(name="reply.queued", subject_id=opened.pk).data
    assert (told["review"], told["approved_by"]) == (review.pk, "")


def test_the_policy_says_for_how_long(box: Inbox, ada: User) -> None:
    box.policy.cool_down_minutes = 20
    box.policy.save()
    assert waiting(asked(box), author=ada, text=HOT).rests_until == NOON + 20 * MINUTE


def test_a_lost_job_does_not_keep_it_for_ever(box: Inbox, ada: User) -> None:
    opened = asked(box)
    waiting(opened, author=ada, text=HOT)
    assert take_up_cooled(now=NOON + 5 * MINUTE) == 0
    assert take_up_cooled(now=NOON + 6 * MINUTE) == 1
    assert sent(opened) == [HOT]


def test_in_private_nothing_rests(pigeons: PigeonPost, ada: User) -> None:  # noqa: F811
    opened = make.conversation(make.inbox(kind="pigeon_post"))
    reply(opened, text=HOT, author=ada, now=NOON)
    assert sent(opened) == [HOT]


def test_the_owner_is_not_exempt(box: Inbox) -> None:
    boss = make.owner()
    review = waiting(asked(box), author=boss, text=HOT)
    with pytest.raises(TooSoon):
        let_out(review, by=boss, now=NOON + MINUTE)


def test_another_person_shortens_it_and_its_author_cannot(box: Inbox, ada: User, ben: User) -> None:
    opened = asked(box)
    review = waiting(opened, author=ada, text=HOT)
    with pytest.raises(TooSoon):
        let_out(review, by=ada, now=NOON + MINUTE)
    let_out(review, by=ben, now=NOON + MINUTE)
    message = Message.objects.get(kind="reply")
    assert (message.text, message.author) == (HOT, ada)
    told = Event.objects.get(name="reply.queued", subject_id=opened.pk)
    assert (told.actor, told.data["approved_by"]) == (ada, "Ben Rask")


def test_rewritten_cool_it_goes_at_once_and_the_hot_words_never(box: Inbox, ada: User) -> None:
    opened = asked(box)
    review = waiting(opened, author=ada, text=HOT)
    reply(opened, text=COOL, author=ada, now=NOON + MINUTE)
    assert sent(opened) == [COOL]
    assert cooled(review, now=NOON + 9 * MINUTE) is None
    assert sent(opened) == [COOL]


def test_rewritten_hot_it_rests_anew(box: Inbox, ada: User) -> None:
    opened = asked(box)
    waiting(opened, author=ada, text=HOT)
    again = waiting(opened, author=ada, text=HOT + " How dare you.", now=NOON + MINUTE)
    assert again.rests_until == NOON + 6 * MINUTE
    assert Review.objects.filter(state="resting").count() == 1


def test_who_was_insulted_rests_even_with_kind_words_but_is_not_made_to_wait_anew(
    box: Inbox, ada: User
) -> None:
    opened = asked(box, text="Where is it?", external_id="m1", sender="ann")
    reply(opened, text=COOL, author=ada, now=NOON + MINUTE)
    more = make.incoming(
        "You are an idiot", sender="ann", parent="m1", root="m1", at=NOON + 2 * MINUTE,
        is_public=True,
    )  # fmt: skip
    receive(box, [more], now=NOON + 2 * MINUTE)
    opened.refresh_from_db()
    kind = "I hear you, Ann, and I am sorry. The pigeon is in Lund now and will be there by six."
    first = waiting(opened, author=ada, text=kind, now=NOON + 3 * MINUTE)
    assert first.signs[0]["code"] == "heat.insulted"
    second = waiting(opened, author=ada, text=kind + " Ada", now=NOON + 4 * MINUTE)
    assert second.rests_until == first.rests_until


def test_the_third_angry_draft_in_a_row_rests_wherever_the_others_were(
    box: Inbox, ada: User
) -> None:
    sharp = "Hello, you should have told us about the loft. It leaves with the next pigeon today."
    private = make.conversation(make.inbox(kind="pigeon_post"))
    reply(private, text=sharp, author=ada, now=NOON - 9 * MINUTE)
    other = asked(box, external_id="o1")
    Draft.objects.create(conversation=other, author=ada, text=sharp, updated_at=NOON - MINUTE)
    review = waiting(asked(box, external_id="o2"), author=ada, text=sharp)
    assert {sign["code"] for sign in review.signs} == {"heat.words", "heat.row"}


def test_withdrawn_it_never_goes_and_is_a_draft_again(box: Inbox, ada: User, ben: User) -> None:
    opened = asked(box)
    review = waiting(opened, author=ada, text=HOT)
    with pytest.raises(NotYours):
        withdraw(review, by=ben, now=NOON)
    withdraw(review, by=ada, now=NOON)
    assert Draft.objects.get(conversation=opened, author=ada).text == HOT
    with pytest.raises(ReviewOver):
        let_out(review, by=ben, now=NOON)
    assert cooled(review, now=NOON + 9 * MINUTE) is None
    assert not sent(opened)


def test_what_came_in_between_gives_it_back_instead_of_sending_it(
    box: Inbox, ada: User, ben: User
) -> None:
    opened = asked(box)
    review = waiting(opened, author=ada, text=HOT)
    reply(opened, text=COOL, author=ben, now=NOON + MINUTE)
    assert cooled(review, now=NOON + 5 * MINUTE) is None
    review.refresh_from_db()
    assert (review.state, review.word) == ("returned", "crossed:Ben Rask")
    assert Draft.objects.get(author=ada).text == HOT
    assert sent(opened) == [COOL]
    assert Notice.objects.filter(user=ada, kind="review.returned").exists()


def test_a_flag_that_was_raised_meanwhile_makes_somebody_look(
    box: Inbox, ada: User, ben: User
) -> None:
    opened = asked(box)
    review = waiting(opened, author=ada, text=HOT)
    raise_flag()
    assert cooled(review, now=NOON + 5 * MINUTE) is None
    review.refresh_from_db()
    assert review.state == Review.State.ASKED
    assert not sent(opened)
    assert Notice.objects.filter(user=ben, kind="review.asked").exists()


# A second pair of eyes


def raise_flag(**where: Any) -> ScandalFlag:
    return ScandalFlag.objects.create(
        word="the film", raised_at=NOON, until=NOON + timedelta(days=2), **where
    )


def test_the_rules_say_what_needs_it(box: Inbox, ada: User) -> None:
    assert codes(box, ada, LAW) == ["legal"]
    assert codes(box, ada, COOL + " We refund £450 today.") == ["refund"]
    assert codes(box, ada, COOL, extra={"audience": 20_000}) == ["reach"]
    red = COOL + " That is bullshit."
    assert codes(box, ada, red, overruled=["kind.swearing"]) == ["public_red"]
    SecondEyes.objects.create(first_replies=2)
    assert codes(box, ada, COOL) == ["new_agent"]
    SecondEyes.objects.update(
        first_replies=None, reach_above=None, refund_above=None, legal_words=False, public_red=False
    )
    for text in (LAW, COOL + " We refund £450 today.", COOL):
        opened = asked(box, extra={"audience": 20_000})
        reply(opened, text=text, author=ada, now=NOON)


def codes(box: Inbox, author: User, text: str, overruled: Any = (), **asking: Any) -> list[str]:
    review = waiting(asked(box, **asking), author=author, text=text, overruled=overruled)
    assert review.state == Review.State.ASKED
    return [it["code"] for it in review.reasons]


def test_new_agents_are_looked_at_until_so_many_replies_are_out(
    box: Inbox, ada: User, ben: User
) -> None:
    SecondEyes.objects.create(first_replies=2)
    boss = make.owner()
    for n in range(2):
        review = waiting(asked(box), author=ada, text=f"{COOL} {n}")
        with pytest.raises(NotYours):
            let_out(review, by=ben, now=NOON)  # as new as she is
        let_out(review, by=boss, now=NOON)
    reply(asked(box), text=COOL, author=ada, now=NOON)
    reply(asked(box), text=COOL, author=boss, now=NOON)


@pytest.mark.parametrize("where", ["house", "brand", "inbox"])
def test_a_flag_flies_over_what_it_was_raised_for_until_its_end(
    box: Inbox, ada: User, where: str
) -> None:
    box.brand = make.brand()
    box.save()
    over: dict[str, dict[str, Any]] = {
        "house": {},
        "brand": {"brand": box.brand},
        "inbox": {"inbox": box},
    }
    raise_flag(**over[where])
    assert waiting(asked(box), author=ada, text=COOL).reasons[0] == {
        "code": "scandal",
        "seen": "the film",
    }
    elsewhere = asked(make.inbox(kind="pigeon_post"), text="Hello?", is_public=False)
    if where == "house":
        waiting(elsewhere, author=ada, text=COOL)
    else:
        reply(elsewhere, text=COOL, author=ada, now=NOON)
    reply(asked(box), text=COOL, author=ada, now=NOON + timedelta(days=3))


def test_nobody_approves_their_own_not_even_the_owner(box: Inbox, ben: User) -> None:
    boss = make.owner()
    review = waiting(asked(box), author=boss, text=LAW)
    for now in (NOON, NOON + timedelta(days=3)):
        with pytest.raises((NotYours, TooSoon)):
            let_out(review, by=boss, now=now)
        assert cooled(review, now=now) is None
    with pytest.raises(NotYours):
        give_back(review, word="I like it", by=boss, now=NOON)
    let_out(review, by=ben, now=NOON)


def test_only_who_may_see_the_conversation_may_look(box: Inbox, ada: User, ben: User) -> None:
    box.teams.add(make.team())
    ada.teams.set(box.teams.all())
    review = waiting(asked(box), author=ada, text=LAW)
    with pytest.raises(NotYours):
        let_out(review, by=ben, now=NOON)
    ben.teams.set(box.teams.all())
    let_out(review, by=ben, now=NOON)


def test_where_the_house_wants_it_only_who_leads_may_look_while_somebody_does(
    box: Inbox, ada: User, ben: User
) -> None:
    SecondEyes.objects.create(only_leads=True)
    boss = make.owner()
    review = waiting(asked(box), author=ada, text=LAW)
    with pytest.raises(NotYours):
        let_out(review, by=ben, now=NOON)
    let_out(review, by=boss, now=NOON)
    let_out(waiting(asked(box), author=boss, text=LAW), by=ben, now=NOON)


def test_an_approval_with_a_change_sends_the_change_and_shows_it_to_the_author(
    box: Inbox, ada: User, ben: User
) -> None:
    opened = asked(box)
    review = waiting(opened, author=ada, text=LAW)
    better = LAW.replace("Our solicitor has", "I have")
    let_out(review, by=ben, now=NOON, text=better)
    review.refresh_from_db()
    assert sent(opened) == [better]
    assert (review.text, review.changed_text, review.by) == (LAW, better, ben)
    assert Notice.objects.filter(user=ada, kind="review.changed").exists()
    shown = browser(ada).get(f"/reviews/{review.pk}/").content.decode()
    assert "<del> Our solicitor has</del><ins> I have</ins>" in shown


def test_a_change_passes_the_check_and_may_not_be_angrier(box: Inbox, ada: User, ben: User) -> None:
    opened = asked(box)
    review = waiting(opened, author=ada, text=LAW)
    with pytest.raises(ReplyBlocked):
        let_out(review, by=ben, now=NOON, text="Hello {name}, it is here.")
    with pytest.raises(WordsHeld):
        let_out(review, by=ben, now=NOON, text=HOT)
    red = LAW + " That is bullshit."
    with pytest.raises(ReplyBlocked):  # red words are not overruled by whoever writes them in
        let_out(review, by=ben, now=NOON, text=red, overruled=["kind.swearing"])
    assert not sent(opened)


def test_given_back_it_is_the_authors_draft_with_the_word(box: Inbox, ada: User, ben: User) -> None:
    opened = asked(box)
    review = waiting(opened, author=ada, text=LAW)
    with pytest.raises(ValueError, match="why"):
        give_back(review, word=" ", by=ben, now=NOON)
    give_back(review, word="Leave the solicitor out.", by=ben, now=NOON)
    page = browser(ada).get(f"/conversations/{opened.pk}/").content.decode()
    assert "Leave the solicitor out." in page
    assert "Our solicitor has the letter" in page
    assert "Leave the solicitor out." not in (
        browser(ben).get(f"/conversations/{opened.pk}/").content.decode()
    )
    reply(opened, text=COOL, author=ada, now=NOON + MINUTE)
    review.refresh_from_db()
    assert review.state == Review.State.WITHDRAWN


def test_where_nobody_else_is_the_author_waits_and_confirms(box: Inbox) -> None:
    boss = make.owner()
    opened = asked(box)
    review = waiting(opened, author=boss, text=LAW)
    page = browser(boss).get(f"/conversations/{opened.pk}/").content.decode()
    assert "Nobody else is here who could look" in page
    with pytest.raises(TooSoon):
        let_out(review, by=boss, now=NOON + MINUTE)
    assert cooled(review, now=NOON + 9 * MINUTE) is None  # it does not go by itself
    let_out(review, by=boss, now=NOON + 5 * MINUTE)
    assert sent(opened) == [LAW]


def test_the_way_of_a_house_of_one_closes_when_somebody_comes(box: Inbox) -> None:
    boss = make.owner()
    review = waiting(asked(box), author=boss, text=LAW)
    make.user()
    with pytest.raises(NotYours):
        let_out(review, by=boss, now=NOON + timedelta(hours=1))


def test_the_clock_goes_on_and_the_page_says_so(box: Inbox, ada: User, ben: User) -> None:
    opened = asked(box, at=timezone.now())
    review = waiting(opened, author=ada, text=LAW, now=timezone.now())
    page = browser(ben).get(f"/reviews/{review.pk}/").content.decode()
    assert "The clock goes on running (first answer: " in page
    assert " left)." in page
    opened.refresh_from_db()
    assert opened.reply_count == 0


def test_what_it_promises_is_written_down_when_it_goes(box: Inbox, ada: User, ben: User) -> None:
    opened = asked(box)
    due = NOON + timedelta(days=2)
    review = waiting(opened, author=ada, text=LAW, promise=("a letter", due))
    assert not Promise.objects.exists()
    let_out(review, by=ben, now=NOON + MINUTE)
    promise = Promise.objects.get()
    assert (promise.text, promise.due_at, promise.made_by) == ("a letter", due, ada)


def test_it_goes_in_the_manner_in_which_it_was_written(
    box: Inbox,
    ada: User,
    ben: User,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    from heard.channels.base import Abilities

    pigeons.public = Abilities(private_reply=True, length=60)
    opened = asked(box)
    review = waiting(opened, author=ada, text=LAW, manner=Manner(is_split=True))
    let_out(review, by=ben, now=NOON)
    assert len(sent(opened)) == 2
    review = waiting(asked(box), author=ada, text=LAW[:50], manner=Manner(is_private=True))
    let_out(review, by=ben, now=NOON)
    assert Sending.objects.order_by("-pk")[0].is_private


# Nothing goes around it


def test_a_reply_that_is_undone_is_looked_at_again(box: Inbox, ada: User, ben: User) -> None:
    opened = asked(box)
    review = waiting(opened, author=ada, text=LAW)
    message = let_out(review, by=ben, now=NOON)
    assert undo(message, by=ada, now=NOON) == LAW
    review.refresh_from_db()
    assert review.state == Review.State.WITHDRAWN
    with pytest.raises(ReviewOver):
        let_out(review, by=ben, now=NOON)
    waiting(opened, author=ada, text=LAW, now=NOON + MINUTE)
    assert not sent(opened)


def test_a_failed_reply_is_not_sent_again_while_a_flag_flies(
    box: Inbox, ada: User, ben: User
) -> None:
    opened = asked(box)
    stuck = reply(opened, text=COOL, author=ada, now=NOON).sending
    Sending.objects.update(state="failed")
    raise_flag()
    stuck.refresh_from_db()
    with pytest.raises(WordsHeld):
        retry(stuck, by=ben, now=NOON + MINUTE)
    ScandalFlag.objects.update(until=timezone.now() + MINUTE)
    client = browser(ben)
    said = client.post(f"/messages/{stuck.message_id}/retry/", headers=HTMX)
    assert "Somebody else must look" in said.headers["HX-Trigger"]
    stuck.refresh_from_db()
    assert stuck.state == "failed"
    retry(stuck, by=ben, now=timezone.now() + timedelta(days=3))
    stuck.refresh_from_db()
    assert stuck.state == "waiting"


def test_other_words_at_the_place_pass_the_same_door(
    box: Inbox,
    ada: User,
    pigeons: PigeonPost,  # noqa: F811
) -> None:
    from heard.channels.base import Abilities

    pigeons.public = Abilities(acts=frozenset({Act.EDIT}))
    message = reply(asked(box), text=COOL, author=ada, now=NOON)
    for text in (HOT, LAW):
        with pytest.raises(WordsHeld):
            act(message, Act.EDIT, text=text, by=ada, now=NOON)
    with pytest.raises(ReplyBlocked):
        act(message, Act.EDIT, text="Hello {name}", by=ada, now=NOON)
    act(message, Act.EDIT, text=COOL + " Ada", by=ada, now=NOON)


def test_the_page_keeps_it_and_says_why(box: Inbox, ada: User, ben: User) -> None:
    opened = asked(box)
    client = browser(ada)
    answer = client.post(
        f"/conversations/{opened.pk}/messages/", {"text": LAW, "kind": "reply"}, headers=HTMX
    )
    page = answer.content.decode()
    assert "waits for a second pair of eyes" in page
    assert "It is about law: “solicitor”." in page
    assert not sent(opened)
    assert client.get("/inbox/eyes/").content.decode().count("waits for you") == 1
    assert "pigeon" in browser(ben).get("/inbox/eyes/").content.decode()


def test_while_typing_it_says_what_will_happen(box: Inbox, ada: User) -> None:
    opened = asked(box)
    client = browser(ada)
    there = f"/conversations/{opened.pk}/draft/"
    assert "it rests before it goes" in client.post(there, {"text": HOT}).content.decode()
    assert "Somebody else looks at it" in client.post(there, {"text": LAW}).content.decode()
    assert "data-weight" not in client.post(there, {"text": COOL}).content.decode()


def test_a_program_is_told_that_it_waits(box: Inbox, ada: User, ben: User) -> None:
    opened = asked(box)
    answer = Program(ada, "read", "write").ask(
        "post", f"/conversations/{opened.pk}/replies", {"text": LAW}
    )
    assert answer.status_code == 202
    assert answer.json()["state"] == "asked"
    assert answer.json()["reasons"] == [{"code": "legal", "seen": "solicitor"}]
    assert not sent(opened)
    waits = answer.json()["id"]
    approval = f"/reviews/{waits}/approval"
    assert Program(ada, "read", "write").ask("post", approval, {}).json()["code"] == "not_yours"
    assert [it["id"] for it in Program(ben, "read", "write").ask("get", "/reviews").json()] == [
        waits
    ]
    assert Program(ben, "read", "write").ask("post", approval, {}).status_code == 201
    assert sent(opened) == [LAW]
    assert Program(ben, "read", "write").ask("post", approval, {}).json()["code"] == "over"


def test_a_program_gives_back_takes_back_and_is_told_what_crossed(
    box: Inbox, ada: User, ben: User
) -> None:
    opened = asked(box)
    there = f"/conversations/{opened.pk}/replies"
    first = Program(ada, "read", "write").ask("post", there, {"text": LAW}).json()["id"]
    word = {"word": "Leave the law out."}
    assert (
        Program(ben, "read", "write").ask("post", f"/reviews/{first}/return", word).json()["state"]
        == "returned"
    )
    second = Program(ada, "read", "write").ask("post", there, {"text": LAW}).json()["id"]
    taken = Program(ada, "read", "write").ask("post", f"/reviews/{second}/withdrawal", {})
    assert taken.json()["state"] == "withdrawn"
    reply(opened, text=COOL, author=ben, now=NOON)
    crossed = Program(ada, "read", "write").ask("post", there, {"text": COOL + " Ada", "newest": 0})
    assert crossed.status_code == 409
    told = crossed.json()
    assert told["code"] == "crossed"
    knowing = [it["key"] for it in told["crossings"]]
    again = {"text": COOL + " Ada", "newest": 0, "knowing": knowing}
    assert Program(ada, "read", "write").ask("post", there, again).status_code == 201


DEEDS = ("cool", "approve", "approve own", "return", "withdraw", "rewrite", "confirm", "undo")


@given(st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 9)), max_size=8))
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_people_do_nothing_grave_goes_unseen_and_nothing_goes_twice(
    box: Inbox, deeds: list[tuple[str, int]]
) -> None:
    ada, ben = make.user(), make.user()
    opened = asked(box)
    review = waiting(opened, author=ada, text=LAW)
    now = NOON
    for deed, minutes in deeds:
        now += minutes * MINUTE
        approvals = Event.objects.filter(name="reply.queued", subject_id=opened.pk).count()
        with contextlib.suppress(ReviewOver, NotYours, TooSoon, RepliesCross):
            review = _do(deed, review, ada=ada, ben=ben, now=now)
        gone = Event.objects.filter(name="reply.queued", subject_id=opened.pk).count() - approvals
        assert gone == 0 or (gone == 1 and deed == "approve")
    assert len(sent(opened)) <= 1


def _do(deed: str, review: Review, *, ada: User, ben: User, now: Any) -> Review:
    done: dict[str, Callable[[], object]] = {
        "cool": lambda: cooled(review, now=now),
        "approve": lambda: let_out(review, by=ben, now=now),
        "approve own": lambda: let_out(review, by=ada, now=now),
        "confirm": lambda: let_out(review, by=ada, now=now + timedelta(hours=1)),
        "return": lambda: give_back(review, word="no", by=ben, now=now),
        "withdraw": lambda: withdraw(review, by=ada, now=now),
    }
    if deed == "rewrite":
        if not sent(review.conversation):
            return waiting(review.conversation, author=ada, text=LAW + " Ada", now=now)
    elif deed == "undo":
        message = Message.objects.filter(conversation=review.conversation, kind="reply").first()
        if message is not None:
            undo(message, by=ada, now=now)
    else:
        done[deed]()
    return review


# Too close


def test_who_is_too_close_hands_it_over_and_is_not_offered_it_again(
    box: Inbox, ada: User, ben: User
) -> None:
    opened = asked(box)
    handling.assign(opened, to=ada, by=ada, now=NOON)
    review = waiting(opened, author=ada, text=HOT)
    assert step_back(opened, by=ada, words="alone", now=NOON) == ben
    opened.refresh_from_db()
    review.refresh_from_db()
    assert (opened.assignee, review.state) == (ben, "withdrawn")
    told = Event.objects.get(name="conversation.stepped_back").data
    assert told == {}
    offered = queries.choices(queries.sight_of(ada), inbox=box.pk, conversation=opened.pk).people
    assert ada.pk not in {person.id for person in offered}
    handling.assign(opened, to=None, by=ben, now=NOON)
    listed = browser(ada).get("/inbox/unassigned/").content.decode()
    assert "Where is my pigeon?" not in listed
    assert "Where is my pigeon?" in browser(ben).get("/inbox/unassigned/").content.decode()
    assert Notice.objects.get(kind="conversation.handed").user == ben
    reviewing.come_back(opened, by=ada, now=NOON)
    assert "Where is my pigeon?" in browser(ada).get("/inbox/unassigned/").content.decode()


def test_the_team_comes_first_then_the_keeper_then_who_has_least_then_who_leads(
    box: Inbox, ada: User
) -> None:
    boss = make.manager()
    assert step_back(asked(box), by=ada, words="x", now=NOON) == boss
    busy, free, keeper = make.user(), make.user(), make.user()
    for n in range(2):
        handling.assign(asked(box, external_id=f"b{n}"), to=busy, by=busy, now=NOON)
        handling.assign(asked(box, external_id=f"k{n}"), to=keeper, by=busy, now=NOON)
    assert step_back(asked(box), by=ada, words="x", now=NOON) == free
    box.keeper = keeper
    box.save()
    assert step_back(asked(box), by=ada, words="x", now=NOON) == keeper
    team = make.team()
    busy.teams.add(team)
    opened = asked(box)
    handling.assign(opened, to=ada, team=team, by=ada, now=NOON)
    assert step_back(opened, by=ada, words="x", now=NOON) == busy
    opened.refresh_from_db()
    assert opened.team == team


def test_where_nobody_else_is_it_stays_with_a_note(box: Inbox) -> None:
    boss = make.owner()
    opened = asked(box)
    handling.assign(opened, to=boss, by=boss, now=NOON)
    assert step_back(opened, by=boss, words="I am too close to this.", now=NOON) is None
    opened.refresh_from_db()
    assert opened.assignee == boss
    assert Message.objects.get(kind="note").text == "I am too close to this."


def test_who_is_too_close_may_not_look_and_writes_what_rests(
    box: Inbox, ada: User, ben: User
) -> None:
    opened = asked(box)
    step_back(opened, by=ben, words="x", now=NOON)
    review = waiting(opened, author=ada, text=HOT)
    with pytest.raises(NotYours):
        let_out(review, by=ben, now=NOON)
    assert waiting(opened, author=ben, text=COOL, told=None).state == Review.State.RESTING


# Two at once


def test_what_somebody_else_has_said_since_one_began_is_shown_first(
    box: Inbox, ada: User, ben: User
) -> None:
    opened = asked(box)
    began = known_now(opened, now=NOON)
    assert known_from(str(began)) == began
    reply(opened, text=COOL, author=ben, now=NOON + MINUTE)
    with pytest.raises(RepliesCross) as cross:
        reply(opened, text=COOL + " Ada", author=ada, now=NOON + 2 * MINUTE, told=began)
    [crossing] = cross.value.crossings
    assert (crossing.what, crossing.who, crossing.text) == ("reply", "Ben Rask", COOL)
    reply(opened, text=COOL + " Ada", author=ada, now=NOON, told=began, knowing=[crossing.key])
    assert len(sent(opened)) == 2


def test_what_somebody_else_writes_or_has_waiting_is_shown_too(
    box: Inbox, ada: User, ben: User
) -> None:
    opened = asked(box)
    began = known_now(opened, now=NOON)
    Draft.objects.create(
        conversation=opened, author=ben, text="I began, too", updated_at=NOON + MINUTE
    )
    waiting(opened, author=make.user(name="Cy"), text=HOT, now=NOON + MINUTE)
    with pytest.raises(RepliesCross) as cross:
        reply(opened, text=COOL, author=ada, now=NOON + 2 * MINUTE, told=began)
    assert {(it.what, it.who) for it in cross.value.crossings} == {
        ("draft", "Ben Rask"),
        ("review", "Cy"),
    }


def test_what_was_there_before_does_not_cross(box: Inbox, ada: User, ben: User) -> None:
    opened = asked(box)
    reply(opened, text=COOL, author=ben, now=NOON)
    Draft.objects.create(conversation=opened, author=ben, text="Old", updated_at=NOON)
    reply(
        opened, text=COOL + " Ada", author=ada, now=NOON, told=known_now(opened, now=NOON + MINUTE)
    )


def test_a_draft_remembers_when_it_was_begun(box: Inbox, ada: User, ben: User) -> None:
    opened = asked(box)
    client = browser(ada)
    client.post(f"/conversations/{opened.pk}/draft/", {"text": "I beg"})
    reply(opened, text=COOL, author=ben, now=timezone.now())
    client.post(f"/conversations/{opened.pk}/draft/", {"text": "I begin"})
    answer = client.post(
        f"/conversations/{opened.pk}/messages/",
        {"text": COOL + " Ada", "kind": "reply", "began": str(known_now(opened, now=NOON))},
        headers=HTMX,
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Ben Rask answered" in page
    assert "<ins> Ada</ins>" in page
    assert sent(opened) == [COOL]
    client.post(f"/conversations/{opened.pk}/draft/dropping/")
    assert not Draft.objects.filter(author=ada).exists()


def test_of_two_who_send_at_once_the_second_is_shown_the_first(
    transactional_db: None, ada: User, ben: User
) -> None:
    opened = make.conversation(make.inbox(kind="contact_page"))
    began = known_now(opened, now=NOON)
    outcomes = at_once(
        lambda: reply(opened, text=COOL, author=ada, now=NOON, told=began),
        lambda: reply(opened, text=COOL + " Ben", author=ben, now=NOON, told=began),
    )
    assert sorted(type(it).__name__ for it in outcomes) == ["Message", "RepliesCross"]
    assert len(sent(opened)) == 1


@pytest.mark.parametrize("turn", range(3))
def test_of_many_who_end_a_review_at_once_one_does(
    transactional_db: None,
    ada: User,
    ben: User,
    turn: int,
) -> None:
    opened = make.conversation(make.inbox(kind="contact_page", is_public=True), is_public=True)
    cy = make.user()
    review = waiting(opened, author=ada, text=HOT)
    late = NOON + timedelta(minutes=6)
    deeds = [
        lambda: let_out(review, by=ben, now=late),
        lambda: let_out(review, by=cy, now=late, text=COOL),
        lambda: withdraw(review, by=ada, now=late),
        lambda: give_back(review, word="no", by=ben, now=late),
        lambda: cooled(review, now=late),
        lambda: reply(opened, text=COOL + " Ada", author=ada, now=late),
    ]
    at_once(*deeds[turn:], *deeds[:turn])
    assert len(sent(opened)) <= 2
    assert sent(opened).count(HOT) <= 1
    review.refresh_from_db()
    assert not review.is_open
    gone = Review.objects.filter(state="gone").count()
    assert gone == Message.objects.filter(kind="reply", text__in=[HOT, COOL]).count()


def at_once(*deeds: Callable[[], object]) -> list[object]:
    """What each gave or raised, all begun at the same moment."""
    start = threading.Barrier(len(deeds))
    outcomes: list[object] = []

    def do(deed: Callable[[], object]) -> None:
        start.wait()
        try:
            outcomes.append(deed())
        except Exception as error:  # noqa: BLE001 - what it raised is what is looked at
            outcomes.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


# What becomes of it elsewhere


def test_it_goes_with_its_conversation_when_that_is_merged(box: Inbox, ada: User) -> None:
    first = asked(box, external_id="a", sender="ann")
    second = asked(box, external_id="b", sender="ann")
    old, new = (waiting(it, author=ada, text=LAW) for it in (first, second))
    step_back(second, by=make.user(), words="x", now=NOON)
    unite(second, into=first, by=make.owner(), now=NOON)
    old.refresh_from_db()
    new.refresh_from_db()
    assert (new.conversation, new.state) == (first, "asked")
    assert old.state == "returned"
    assert TooClose.objects.filter(conversation=first).exists()


def test_a_conversation_that_holds_one_does_not_vanish_with_its_last_message(
    box: Inbox, ada: User
) -> None:
    opened = asked(box)
    review = waiting(opened, author=ada, text=LAW)
    opened.messages.all().delete()
    settle([opened.pk], now=NOON)
    review.refresh_from_db()
    assert Conversation.objects.filter(pk=opened.pk).exists()


def test_the_outbox_takes_nothing_that_waits(box: Inbox, ada: User) -> None:
    opened = asked(box)
    waiting(opened, author=ada, text=HOT)
    assert sending.recover(now=NOON + timedelta(days=1)) == 0
    assert not Sending.objects.exists()


# The settings


def test_who_leads_says_what_needs_it(box: Inbox, ada: User) -> None:
    boss = browser(make.manager())
    assert browser(ada).get("/settings/second-eyes/").status_code == 403
    page = boss.get("/settings/second-eyes/").content.decode()
    assert 'value="10000"' in page
    filled = {"public_red": "on", "reach_above": "", "refund_above": "50", "first_replies": "20"}
    assert boss.post("/settings/second-eyes/", filled).status_code == 302
    rules = SecondEyes.objects.get()
    assert (rules.legal_words, rules.reach_above, rules.first_replies) == (False, None, 20)
    assert boss.post("/settings/second-eyes/", filled | {"reach_above": "5"}).status_code == 302
    assert SecondEyes.objects.get().reach_above == 5


def test_who_leads_raises_a_flag_with_an_end_and_takes_it_down(box: Inbox, ada: User) -> None:
    boss = browser(make.manager())
    there = "/settings/second-eyes/flags/"
    wrong = {"where": f"inbox-{box.pk}", "word": "The film", "until": "2020-01-01T10:00"}
    assert boss.post(there, wrong).status_code == 422
    until = (timezone.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    assert boss.post(there, wrong | {"until": until}).status_code == 302
    assert "The film" in boss.get("/settings/second-eyes/").content.decode()
    assert waiting(asked(box), author=ada, text=COOL, now=timezone.now()).reasons
    flag = ScandalFlag.objects.get()
    assert flag.inbox == box
    assert boss.post(f"{there}{flag.pk}/").status_code == 302
    reply(asked(box), text=COOL, author=make.user(), now=timezone.now())
    assert Event.objects.filter(name__in=["flag.raised", "flag.lowered"]).count() == 2


def test_a_manager_flags_only_what_they_see(box: Inbox) -> None:
    box.teams.add(make.team())
    boss = browser(make.manager())
    until = (timezone.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    flag = {"where": f"inbox-{box.pk}", "word": "x", "until": until}
    assert boss.post("/settings/second-eyes/flags/", flag).status_code == 422
    assert not ScandalFlag.objects.exists()
