"""What the contact's message brings: is the writer upset or thankful, and what do they ask?"""

from __future__ import annotations

import re
from functools import lru_cache

from heard.reading import Mood, Reading, read
from heard.think.findings import Facts
from heard.think.wording import folded, sentences, set_of

# Short of this a negative mood is as often a plain report of a fault as a person who is upset.
UPSET_FROM = 0.6
PLEASED_FROM = 0.7


@lru_cache(maxsize=256)
def reading_of(text: str) -> Reading:
    """The reading of one text; a message is read once, however often its answer is typed at."""
    return read([text])[0]


def is_upset(facts: Facts) -> bool:
    """Whether the contact is angry, hurt or in trouble, as far as is known."""
    if facts.contact_is_upset is not None:
        return facts.contact_is_upset
    return _mood_is(facts.message, Mood.NEGATIVE, least=UPSET_FROM)


def is_pleased(facts: Facts) -> bool:
    """Whether the message praises or thanks."""
    if facts.contact_is_upset:
        return False
    return _mood_is(facts.message, Mood.POSITIVE, least=PLEASED_FROM)


def first_name(name: str) -> str:
    """The word to greet a person by; "" when a name is an account's name and no person's."""
    first = next(iter(name.split()), "").strip(".,")
    return first if re.fullmatch(r"[^\W\d_][^\W\d_'’-]+", first) and first[0].isupper() else ""


def questions_in(text: str) -> list[str]:
    """The sentences of a text that end with a question mark."""
    asked = (text[start:end].strip() for start, end in sentences(text))
    return [sentence for sentence in asked if sentence.rstrip(")\"'!").endswith("?")]


def words_shared(draft: str, message: str) -> set[str]:
    """Words of content that a draft takes up from the message."""
    return _content(draft) & _content(message)


_ORDINARY = set_of(
    """
    about after again also been before being best call check come could customer does done even ever
    every flight from further give glad going good great have hear hello help here hope however into
    just know let like look make many message more much need never only other over please really
    reply right said same send service sorry still sure take team than thank thanks that their them
    then there these they thing this time today very want well were what when where which while will
    with work would your yours
    """
)


def _content(text: str) -> set[str]:
    words = re.findall(r"[^\W_]{4,}", folded(text).casefold())
    return {word.removesuffix("s") for word in words if word not in _ORDINARY}


def _mood_is(message: str, mood: Mood, *, least: float) -> bool:
    if not message.strip():
        return False
    reading = reading_of(message)
    if reading.mood is not mood or reading.mood_probabilities is None:
        return False
    return reading.mood_probabilities[list(Mood).index(mood)] >= least
