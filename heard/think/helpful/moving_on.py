"""Does the draft move the contact on, or does it only comfort, refuse or send away?

Its words are in `moving_on.toml`, in six languages; of drafts in others it finds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from heard.reading import Need
from heard.think.contact import is_pleased, questions_in, reading_of
from heard.think.findings import Facts, Finding, Letter, Light
from heard.think.helpful.substance import substance
from heard.think.wording import folded, is_empty, low_words, lowered, one_of, spelt, table


def moving_on(draft: str, facts: Facts) -> Iterable[Finding]:
    """At most one finding; every one is a warning."""
    if is_empty(draft):
        return
    said = substance(draft)
    if not said:
        yield from _only_kind(draft, facts)
    elif facts.message.strip() and not is_pleased(facts) and _only_sends_away(draft, said):
        says = "This only sends away; give the link, the number or the name that gets them further."
        yield _warning("helpful.sends_away", says, draft)
    else:
        yield from _dead_end(draft)


def _only_kind(draft: str, facts: Facts) -> Iterable[Finding]:
    questions = questions_in(facts.message)
    if questions:
        asked = questions[0] if len(questions[0]) <= 80 else f"{questions[0][:79]}…"
        says = f"They asked “{asked}”, and nothing here answers it."
        yield _warning("helpful.no_answer", says, draft)
    elif facts.message.strip() and reading_of(facts.message).need is Need.ANSWER:
        says = "This is kind, but does not say what happens next."
        yield _warning("helpful.no_step", says, draft)


_TOLD = table("helpful/moving_on.toml")
_PARTS: dict[str, dict[str, str]] = _TOLD.pop("parts")


def _of(what: str) -> str:
    """The lines of all languages, as one pattern."""
    words = []
    for language, told in _TOLD.items():
        lines = one_of(told[what])
        for name, part in _PARTS.get(language, {}).items():
            lines = lines.replace(f"{{{name}}}", one_of(part))
        words.append(spelt(lines, language))
    return f"(?:{'|'.join(words)})"


_AWAY = re.compile(rf"\b{_of('sends_away')}|^(?:\W*(?:@\w+|__\w+__))*\W*{_of('elsewhere')}")
_WAY = re.compile(
    rf"https?:|www\.|\w\.(?:com|org|net|[a-z]{{2}})(?=[/\s.,]|$)|\d|@\w|[>→›:]|\b{_of('way')}"
)


def _only_sends_away(draft: str, said: tuple[str, ...]) -> bool:
    text = lowered(folded(re.sub(r"__\w+__|^\s*@\w+", "", draft)))
    if len(said) > 2 or _WAY.search(text):
        return False
    return all(_AWAY.search(lowered(part)) for part in said)


_REFUSAL = re.compile(rf"\b{_of('refuses')}")
_WAY_ON = re.compile(rf"https?:|\?|\b{_of('way_on')}")


def _dead_end(draft: str) -> Iterable[Finding]:
    text = low_words(draft)
    match = _REFUSAL.search(text)
    if match and not _WAY_ON.search(text[: match.start()] + text[match.end() :]):
        yield Finding(
            code="helpful.dead_end",
            letter=Letter.HELPFUL,
            light=Light.AMBER,
            says="This closes the door; say what they can do instead, or who can.",
            matched=draft[match.start() : match.end()],
            start=match.start(),
            end=match.end(),
        )


def _warning(code: str, says: str, draft: str) -> Finding:
    return Finding(
        code=code,
        letter=Letter.HELPFUL,
        light=Light.AMBER,
        says=says,
        start=len(draft),
        end=len(draft),
    )
