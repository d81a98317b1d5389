"""The saved answers of Quince & Daughters, in the voice of the house."""

from __future__ import annotations

from dataclasses import dataclass

from heard.sample.company import TEAMS

_FRONT, _COUNTER, _SHOP = TEAMS


@dataclass(frozen=True, slots=True)
class Answer:
    """One saved answer; `by` wrote it. `by`, `place` and `team` are as `company` calls them."""

    short: str
    title: str
    text: str
    by: str
    place: str = ""
    team: str = ""
    language: str = ""
    kinds: tuple[str, ...] = ()
    is_proposed: bool = False


ANSWERS = (
    Answer(
        "hours",
        "When we are open",
        "Hello {contact name}, today somebody is at the door of {place} {opening hours today}. Come"
        " hungry. {agent name}",
        by="Imogen",
        language="en",
    ),
    Answer(
        "hours",
        "Wann wir offen haben",
        "Guten Tag {contact name}, heute ist bei {place} jemand an der Tür: {opening hours today}."
        " Kommen Sie hungrig. {agent name}",
        by="Imogen",
        language="de",
    ),
    Answer(
        "dogs",
        "Dogs and boots",
        "Both are welcome, {contact name}: dogs in the front room and on the terrace, boots as long"
        " as they are dry by the pudding. The bowl of water stands at the door. {agent name}",
        by="Luca",
        place="table",
        language="en",
    ),
    Answer(
        "gluten",
        "Without gluten",
        "Gladly, {contact name}. Tell us when you book, and Chef keeps a clean board and a pan of"
        " its own for you; most of the menu can be made without gluten. {agent name}",
        by="Luca",
        place="table",
        language="en",
    ),
    Answer(
        "order",
        "Where is my order?",
        "Hello {contact name}, I've looked: {order} is on the van and will be with you today before"
        " six. If it isn't, I ring you, not you me. {agent name}",
        by="Youssef",
        team=_SHOP,
        language="en",
    ),
    Answer(
        "voucher",
        "Vouchers",
        "It's good in all three places and for two years, {contact name}, and you can spend it in"
        " bits: what is left is printed on the receipt. {agent name}",
        by="Tomasz",
        language="en",
    ),
    Answer(
        "sorry-wait",
        "They waited and nobody said why",
        "{contact name}, I'm sorry. You waited, and nobody told you why; that is ours to mend, not"
        " yours to forgive. {what we do now} {agent name}",
        by="Imogen",
        team=_FRONT,
        language="en",
    ),
    Answer(
        "private",
        "Not before an audience",
        "{contact name}, I'd like to put this right, and not before an audience. Only we read what"
        " you write here: {private page link} {agent name}",
        by="Tomasz",
        language="en",
        kinds=("x", "facebook", "instagram", "mastodon", "bluesky"),
    ),
    Answer(
        "starter",
        "Starter to take away",
        "There's a spoonful of our starter for everybody who brings a jar, {contact name}. It likes"
        " to be fed twice a day, and spoken to. {agent name}",
        by="Mei",
        team=_COUNTER,
        language="en",
        is_proposed=True,
    ),
)
