"""What the contact's message brings: is the writer upset or thankful, and what do they ask?"""

from __future__ import annotations

import re
from functools import lru_cache

from heard.reading import Mood, Need, Reading, Stance, read
from heard.think.findings import Facts
from heard.think.wording import folded, lowered, sentences, set_of, spoken, table

_PRAISE_FROM_WORDS = 7
# Of the messages of our corpus (dev) that are read as praise, those read so less surely are as
# often none as not.
_SURELY_PLEASED = 0.6
_FEELING = re.compile(
    r"\b(?i:worst|terribl|horribl|awful|appalling|ridiculous|unacceptable|unbelievabl|disgrac|disgust"
    r"|hate|angr|furious|livid|fuming|outrag|fed up|(?:sick|tired) of|pathetic|useless|never again"
    r"|wtf|damn|(?:the|as) (?:hell|heck)|joke|shame|disappoint|frustrat|annoy|irritat|upset|ugh"
    r"|stress|scared|crying|in tears|ruined|insult|rude|lied|liar|scam|rip ?off|robbe|stole|ignor"
    r"|incompeten|nightmare|fuck|shit|crap|sucks?\b)"
    r"|!!|\?\?|(?:\b[A-ZÀ-ÖØ-Þ]{3,}\b[ ,!.]+){3}|[😡🤬😠😤😭😢👎🤮💔🤦]"
)
_FEELING_ABROAD = spoken(table("contact.toml")["feels"])


@lru_cache(maxsize=256)
def reading_of(text: str) -> Reading:
    """The reading of one text; a message is read once, however often its answer is typed at."""
    return read([text])[0]


def is_upset(facts: Facts) -> bool:
    """Whether the contact is angry or hurt, as far as is known.

    A negative message is mostly the plain report of a fault; it takes a warning to others or a word
    of feeling to tell that somebody is upset about it.
    """
    if facts.contact_is_upset is not None:
        return facts.contact_is_upset
    if not is_negative(facts):
        return False
    warns = reading_of(facts.message).stance is Stance.AVOID
    return warns or has_feeling(facts.message)


def has_feeling(text: str) -> bool:
    """Whether there is a word, a sign or a way of writing by which feeling shows."""
    return bool(_FEELING.search(text) or _FEELING_ABROAD.search(lowered(folded(text))))


def is_negative(facts: Facts) -> bool:
    """Whether the message is read as negative: a complaint, or the report of a fault."""
    return bool(facts.message.strip()) and reading_of(facts.message).mood is Mood.NEGATIVE


def is_pleased(facts: Facts) -> bool:
    """Whether the message praises, in more than a bare thank-you, and asks for nothing."""
    if facts.contact_is_upset or len(facts.message.split()) < _PRAISE_FROM_WORDS:
        return False
    reading = reading_of(facts.message)
    if reading.mood is not Mood.POSITIVE or reading.need is not Need.RECOGNITION:
        return False
    return (reading.mood_probabilities or (0.0, 0.0, 0.0))[2] >= _SURELY_PLEASED


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
