"""The pages of people: a person's story, likely pairs, joins and their undoing, merge and split."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from heard.contacts.models import Contact, Handle, Joining
from heard.conversations import handling
from heard.conversations.intake.receiving import receive
from heard.conversations.models import Conversation, Inbox, Merging, Message, Splitting
from heard.conversations.people import meeting
from heard.conversations.people.recognising import count
from tests import make
from tests.conversations.asking import ask, browser, read_as

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def mail() -> Inbox:
    return make.inbox(name="Post", kind="email", teams=(make.team(name="Bar"),))


def person(address: str) -> Contact:
    return Handle.objects.select_related("contact").get(address=address).contact


def page(user: Any, address: str, **more: Any) -> str:
    answer = browser(user).get(address, **more)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_page_tells_every_word_and_only_what_one_may_see(mail: Inbox) -> None:
    hidden = make.inbox(name="Board", kind="mastodon", teams=(make.team(),))
    opened = ask(mail, "Where is my lamp?", sender="ann", sender_name="Ann")
    ask(hidden, "A secret of mine", sender="ann2")
    bo = make.user(name="Bo Lind", teams=(mail.teams.get(),))
    ann, secret = person("ann"), person("ann2")
    handling.promise(
        opened, text="A lamp by Friday", due_at=make.NOON + timedelta(days=1), by=bo, now=make.NOON
    )
    browser(make.owner()).post(
        reverse("join_contacts", args=[ann.pk]), {"other": secret.pk, "keep": ann.pk}
    )
    count([ann.pk], now=make.NOON)
    for user, sees in ((bo, False), (make.owner(), True)):
        shown = page(user, reverse("contact", args=[ann.pk]))
        assert "Where is my lamp?" in shown
        assert "A lamp by Friday" in shown
        assert ("A secret of mine" in shown) is sees
        assert ("ann2" in shown) is sees
        assert ("in 2 conversations" in shown) is sees
    assert browser(make.user(teams=(make.team(),))).get(
        reverse("contact", args=[ann.pk])
    ).status_code == 404  # fmt: skip
    gone = browser(make.owner()).get(reverse("contact", args=[secret.pk]))
    assert gone.headers["Location"] == reverse("contact", args=[ann.pk])


def test_words_are_paged_by_key_with_the_same_number_of_queries(
    mail: Inbox, django_assert_num_queries: Any
) -> None:
    items = [
        make.incoming(f"word {n:03}", sender="ann", root=f"r{n % 3}",
                      at=make.NOON - timedelta(minutes=n))
        for n in range(95)
    ]  # fmt: skip
    receive(mail, items, now=make.NOON, readings=[read_as() for _ in items])
    address = reverse("contact", args=[person("ann").pk])
    seen: list[str] = []
    after = ""
    for _ in range(3):
        shown = page(make.owner(), f"{address}?after={after}", headers=HTMX if after else {})
        seen += [line for line in shown.split("<") if line.startswith('p class="words">word')]
        after = shown.partition("?after=")[2].partition("#")[0].partition('"')[0]
    assert [line[-8:] for line in seen] == [f"word {n:03}" for n in range(95)]
    assert after == ""
    assert browser(make.owner()).get(f"{address}?after=nowhere").status_code == 404


def test_a_join_by_one_press_can_be_undone_on_the_page(mail: Inbox) -> None:
    sky = make.inbox(kind="bluesky", is_public=True)
    ask(mail, sender="lampfan77@garden.example", sender_name="Ann Miller")
    ask(sky, sender="@lampfan77", sender_name="Ann Miller")
    while meeting.look(now=make.NOON):
        pass
    owner = browser(make.owner(name="Olga"))
    shown = owner.get(reverse("alike")).content.decode()
    assert "the same word in the handle" in shown
    one, other = person("lampfan77@garden.example"), person("@lampfan77")
    assert "Who stays?" in owner.get(reverse("contact", args=[one.pk])).content.decode()
    card = owner.get(reverse("contact_alike", args=[one.pk]), headers=HTMX).content.decode()
    assert "Ann Miller" in card
    owner.post(reverse("join_contacts", args=[one.pk]), {"other": other.pk, "keep": other.pk})
    made = Joining.objects.get()
    assert (made.gone, made.kept) == (one, other), "whom one chose survives"
    assert made.reasons
    assert "Undo" in owner.get(reverse("contact", args=[other.pk])).content.decode()
    owner.post(reverse("undo_join", args=[made.pk]))
    assert person("lampfan77@garden.example") == one
    assert owner.post(reverse("undo_join", args=[made.pk])).status_code == 404
    assert "undone on" in owner.get(reverse("contact", args=[other.pk])).content.decode()


def test_who_may_not_see_both_can_neither_join_nor_undo(mail: Inbox) -> None:
    hidden = make.inbox(kind="email", teams=(make.team(),))
    ask(mail, sender="ann")
    ask(hidden, sender="secret")
    ann, secret = person("ann"), person("secret")
    bo = browser(make.user(teams=(mail.teams.get(),)))
    for here, other in ((ann, secret), (secret, ann)):
        address = reverse("join_contacts", args=[here.pk])
        assert bo.post(address, {"other": other.pk}).status_code == 404
    assert not Joining.objects.exists()


def test_conversations_are_merged_and_split_and_both_undone(mail: Inbox) -> None:
    first = ask(mail, "One", sender="ann", root="a")
    second = ask(mail, "Two", sender="ann", root="b")
    stranger = ask(mail, "Three", sender="otto")
    bo = browser(make.user(name="Bo", teams=(mail.teams.get(),)))
    sheet = bo.get(reverse("together", args=[first.pk]), headers=HTMX).content.decode()
    assert "Two" in sheet
    assert "Three" not in sheet
    address = reverse("merge_conversations", args=[first.pk])
    assert bo.post(address, {"other": stranger.pk}, headers=HTMX).status_code == 404
    merged = bo.post(address, {"other": second.pk}, headers=HTMX)
    assert "They are one conversation now" in merged.headers["HX-Trigger"]
    assert "Two" in merged.content.decode()
    assert "Two" in bo.get(reverse("conversation", args=[second.pk])).content.decode()
    assert "merged another conversation" in merged.content.decode()
    made = Merging.objects.get()
    bo.post(reverse("undo_merge", args=[made.pk]), headers=HTMX)
    assert Conversation.objects.get(pk=second.pk).merged_into is None
    receive(mail, [make.incoming("More", sender="ann", root="a")], now=make.NOON)
    more = Message.objects.get(text="More")
    split = bo.post(
        reverse("split_conversation", args=[first.pk]), {"start": more.pk}, headers=HTMX
    )
    assert "Split" in split.headers["HX-Trigger"]
    made_split = Splitting.objects.get()
    bo.post(reverse("undo_split", args=[made_split.pk]), headers=HTMX)
    more.refresh_from_db()
    assert more.conversation_id == first.pk
    outsider = browser(make.user(teams=(make.team(),)))
    for name, pk in (("together", first.pk), ("merge_conversations", first.pk)):
        assert outsider.get(reverse(name, args=[pk])).status_code in (404, 405)
    assert outsider.post(address, {"other": second.pk}).status_code == 404


def test_what_somebody_is_stands_at_their_row_by_what_one_may_see(mail: Inbox) -> None:
    hidden = make.inbox(kind="email", teams=(make.team(),))
    for days in (30, 20, 10):
        ask(hidden, sender="ann", sender_name="Ann", at=make.NOON - timedelta(days=days))
    ask(mail, sender="ann", sender_name="Ann")
    count([person("ann").pk], now=make.NOON)
    shown = page(make.owner(), reverse("inbox_view", args=["all"]))
    assert "bond-regular" in shown
    shown = page(make.user(teams=(mail.teams.get(),)), reverse("inbox_view", args=["all"]))
    assert "bond-regular" not in shown
    assert "bond-first_time" in shown
