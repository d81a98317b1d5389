"""Search: languages, accents, slips of the finger, filters, and what it may show."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from heard.conversations.models import Inbox, Message, Vocabulary, Word
from heard.conversations.queries import Sight, sight_of
from heard.conversations.search.searching import Question, count, search
from heard.conversations.search.vocabulary import distance, learn, nearest
from tests import make
from tests.conversations.asking import ask, browser, read_as

pytestmark = pytest.mark.django_db


@pytest.fixture
def box() -> Inbox:
    return make.inbox()


@pytest.fixture
def everything() -> Sight:
    return sight_of(make.owner())


def found(words: str, **narrowed: object) -> list[str]:
    """The texts found, without marks, newest first."""
    question = Question(words=words, **narrowed)  # type: ignore[arg-type]
    hits = search(question, sight=sight_of(make.owner())).hits
    return [Message.objects.get(pk=hit.id).text for hit in hits]


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("en", "The invoices were paid twice", "invoice"),
        ("en", "I was charged twice", "charging"),
        ("de", "Die Lieferungen kamen zu spät", "Lieferung"),
        ("de", "Die Lieferungen kamen zu spät", "spat"),
        ("fr", "Les plats étaient délicieux", "plat delicieux"),
        ("es", "Las mesas no están listas", "mesa estan"),
        ("fi", "Laskut maksettiin kahdesti", "lasku"),
        ("xx", "Zürich grüßt", "zurich"),
        ("en", "Write to ann@mail.example please", "ann@mail.example"),
        ("en", "The order 4411-7 is missing", "4411-7"),
    ],
)
def test_words_are_found_in_each_language_and_without_accents(
    language: str, text: str, words: str, box: Inbox
) -> None:
    ask(box, text, reading=read_as(language=language))
    ask(box, "Something quite different", sender="ben")
    assert found(words) == [text]


def test_quotes_minus_and_or_mean_what_they_mean_elsewhere(box: Inbox) -> None:
    for text in ("milk with refunds", "milk and honey", "honey cake"):
        ask(box, text, sender=text)
    assert set(found("milk")) == {"milk with refunds", "milk and honey"}
    assert found("milk -refund") == ["milk and honey"]
    assert found('"honey cake"') == ["honey cake"]
    assert len(found("cake or refunds")) == 2
    assert found('milk -"and honey"') == ["milk with refunds"]
    assert found("-milk") == []
    assert found("the") == []


@given(st.text(max_size=30))
def test_no_query_breaks_the_search(words: str) -> None:
    question = Question(words=words)
    sight = Sight(user_id=0, doors={}, is_everything=True)
    search(question, sight=sight)
    count(question, sight=sight)


@pytest.mark.parametrize("is_frequent", [True, False])
def test_the_newest_come_first_and_the_next_page_goes_on(
    is_frequent: bool, box: Inbox, everything: Sight
) -> None:
    for n in range(70):
        at = make.NOON + timedelta(minutes=n // 2)
        ask(box, f"soup {n}", sender=f"s{n}", at=at)
    if is_frequent:  # as far as the planner knows: then the newest messages are walked
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE message")
    seen: list[int] = []
    after = ""
    while True:
        page = search(Question(words="soup", after=after), sight=everything)
        seen += [hit.id for hit in page.hits]
        after = page.after
        if not after:
            break
    newest_first = Message.objects.order_by("-at", "-id").values_list("pk", flat=True)
    assert seen == list(newest_first)
    assert str(count(Question(words="soup"), sight=everything)) == "70"


def test_filters_narrow_what_is_found(box: Inbox) -> None:
    other = make.inbox()
    old = datetime(2025, 6, 1, 12, tzinfo=UTC)
    ask(box, "soup old", sender="ann", at=old)
    ask(box, "soup happy", sender="ben", reading=read_as("recognition", "positive"))
    ask(other, "soup other", sender="ann")
    ann = Message.objects.get(text="soup old").contact_id
    assert found("soup", inbox=other.pk) == ["soup other"]
    assert found("soup", need="recognition") == ["soup happy"]
    assert found("soup", mood="positive") == ["soup happy"]
    assert found("soup", kind="reply") == []
    assert found("soup", until=date(2025, 6, 1)) == ["soup old"]
    assert found("soup", since=date(2025, 6, 1), until=date(2025, 6, 1)) == ["soup old"]
    assert set(found("soup", since=date(2026, 1, 1))) == {"soup happy", "soup other"}
    assert set(found("soup", contact=ann)) == {"soup old", "soup other"}


def test_people_are_found_by_the_beginning_of_name_or_handle(box: Inbox, everything: Sight) -> None:
    ask(box, "Hello", sender="jp@mail.example", sender_name="José Pérez")
    ask(box, "Hello", sender="ann@mail.example", sender_name="Ann Marlow")

    def people(words: str) -> list[str]:
        return [person.name for person in search(Question(words=words), sight=everything).people]

    assert people("jos") == ["José Pérez"]
    assert people("perez jose") == ["José Pérez"]
    assert people("ann@mail.example") == ["Ann Marlow"]
    assert people("ann@mail") == ["Ann Marlow"]
    assert people("xyz") == []


def test_what_was_found_is_marked_and_nothing_else_is_markup(box: Inbox, everything: Sight) -> None:
    ask(box, "<script>alert('soup')</script> & \ue000<b>soup</b>\ue001")
    hit = search(Question(words="soup"), sight=everything).hits[0]
    assert "<mark>soup</mark>" in hit.snippet
    assert "<script>" not in hit.snippet
    assert "<b>" not in hit.snippet
    assert hit.snippet.count("<mark>") == hit.snippet.count("</mark>") == 1
    assert not hit.snippet.endswith("…")
    page = browser(make.owner()).get("/search/", {"q": "soup"}).content.decode()
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page


def test_long_texts_are_shown_around_what_was_found(box: Inbox, everything: Sight) -> None:
    words = [f"word{n}" for n in range(120)]
    ask(box, " ".join([*words[:60], "soup", *words[60:]]))
    snippet = search(Question(words="soup"), sight=everything).hits[0].snippet
    assert snippet.startswith("… ")
    assert snippet.endswith(" …")
    assert "<mark>soup</mark>" in snippet
    assert len(snippet) < 400


# Slips


def test_a_misspelt_word_finds_what_was_meant_and_says_so(box: Inbox, everything: Sight) -> None:
    for n in range(12):
        ask(box, "I did not receive my order", sender=f"s{n}")
    assert search(Question(words="recieve"), sight=everything).hits == ()
    learn()
    page = search(Question(words="recieve"), sight=everything)
    assert page.also == ("receive",)
    assert len(page.hits) == 12
    assert search(Question(words="receive"), sight=everything).also == ()
    shown = browser(make.owner()).get("/search/", {"q": "recieve"}).content.decode()
    assert "We looked for receive as well" in shown


def test_every_word_of_a_query_is_put_right(box: Inbox) -> None:
    for n in range(12):
        ask(box, "The delivery of my breakfast", sender=f"s{n}")
    learn()
    assert nearest(["delivry", "breakfest"]) == ("delivery breakfast",)
    assert nearest(["delivery", "breakfast"]) == ()
    assert nearest(["xqzw"]) == ()
    assert nearest([]) == ()


def test_words_are_learned_once_and_go_on_where_they_were_left(box: Inbox) -> None:
    for n in range(5):
        ask(box, "crème brûlée 4411 x", sender=f"s{n}")
    ids = list(Message.objects.order_by("pk").values_list("pk", flat=True))
    Vocabulary.objects.create(pk=1, up_to=ids[0] - 1)
    while learn(batch=2):
        pass
    assert learn() == 0
    assert dict(Word.objects.values_list("text", "count")) == {"creme": 5, "brulee": 5}


@pytest.mark.parametrize(
    ("one", "other", "slips"),
    [
        ("order", "order", 0),
        ("ordre", "order", 1),
        ("oder", "order", 1),
        ("orderr", "order", 1),
        ("arder", "order", 1),
        ("recieve", "receive", 1),
        ("brekfest", "breakfast", 2),
        ("", "abc", 3),
    ],
)
def test_slips_are_counted(one: str, other: str, slips: int) -> None:
    assert distance(one, other) == slips


short = st.text("abc", max_size=6)


@given(short, short, short)
def test_slips_are_a_distance(one: str, other: str, third: str) -> None:
    assert distance(one, other) == distance(other, one)
    assert (distance(one, other) == 0) == (one == other)
    assert distance(one, other) <= max(len(one), len(other))
    assert distance(one, other) >= abs(len(one) - len(other))
