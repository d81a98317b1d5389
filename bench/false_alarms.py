"""The check beside a house's knowledge: what it costs, and how often it speaks for nothing.

python -m bench.false_alarms        (needs HEARD_SHARED for the real dialogues)
"""

from __future__ import annotations

import gzip
import html
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from heard.think import Facts, Known, Light, Opening, Turn, check

SHARED = Path(os.environ.get("HEARD_SHARED", Path(__file__).parents[2] / "shared"))
DIALOGUES = SHARED / "data/twcs_airline_dialogues/dialogues.jsonl.gz"
EVERY = 30
FACTS, TURNS, TEXTS, DRAFTS = 500, 20, 100, 300
WEEK = Opening((((540, 1080),),) * 5 + (((600, 840),), ()))
STRANGE = (
    *(Known(f"Zzq{n} price", f"€ {90_001 + n}") for n in range(6)),
    *(Known(f"Zzq{n} share", f"{71 + n} %") for n in range(6)),
    Known("Zzq phone", "+99 99 999999999"),
    Known("Zzq site", "https://zzq.example"),
)
"""A house that has written down facts of every sort, of which none is ever meant."""
RULES = (
    "true.contradicts", "true.opening", "true.contradicts_earlier", "true.other_name",
    "true.not_known", "helpful.open_question", "helpful.ready_made", "necessary.answered",
    "necessary.settled", "necessary.another_house", "necessary.better_in_private",
    "necessary.quarrel",
)  # fmt: skip

Row = tuple[str, str, str]


def measure() -> list[Row]:
    """CPU time of a check as it is typed, and the shares of real replies that it speaks to."""
    rows: list[Row] = [
        (
            f"a check of 280 characters, {FACTS} facts, {TURNS} turns, {TEXTS} saved answers",
            f"{typing():.1f} CPU ms",
            "≤ 15 ms",
        )
    ]
    if not DIALOGUES.is_file():
        return rows
    drafts = list(islice(replies(), 0, None, EVERY))
    for name, known in (("", ()), (", beside facts that are never meant", STRANGE)):
        spoken, any_light, red = Counter[str](), 0, 0
        for draft, facts in drafts:
            found = check(draft, Facts(**facts, known=known, opening=WEEK))
            lights = set(found.lights.values())
            any_light += lights != {Light.GREEN}
            red += Light.RED in lights
            spoken.update({finding.code for finding in found.findings})
        count = len(drafts)
        where = f"of {count:,} real replies in their threads{name}"
        rows.append((f"any light, {where}", f"{any_light / count:.1%}", "≤ 15 %"))
        rows.append((f"a red light, {where}", f"{red / count:.1%}", "≤ 3 %"))
        rows += [
            (f"{code}, {where}", f"{spoken[code] / count:.2%}", "≤ 2 %")
            for code in RULES
            if spoken[code] or not known
        ]
    return rows


def replies() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each reply of an airline's desk, with all that was said before it."""
    with gzip.open(DIALOGUES, "rt", encoding="utf-8") as lines:
        for line in lines:
            said = [
                Turn(is_ours=it["role"] == "agent", text=html.unescape(it["text"]))
                for it in json.loads(line)["turns"]
            ]
            for number, turn in enumerate(said):
                before = tuple(reversed(said[:number]))
                if turn.is_ours and before:
                    yield turn.text, _facts(before)


def _facts(before: tuple[Turn, ...]) -> dict[str, Any]:
    return {
        "message": next((turn.text for turn in before if not turn.is_ours), ""),
        "is_public": True,
        "thread": before,
        "earlier_replies": tuple(turn.text for turn in before if turn.is_ours)[:5],
    }


def typing() -> float:
    """CPU milliseconds of one check while a draft of 280 characters grows."""
    draft = (
        "Hi Ann, thank you for writing. The article 77 deluxe is € 78 and delivery takes 3 to 5"
        " days; we are open from 9 to 5 on Fridays, and you can call us on 020 7946 0000. I will"
        " send you the rest by Friday at 5 pm. If you would like to come by, our shop is near. Best"
    )
    thread = tuple(
        Turn(is_ours=n % 2 == 1, text=f"Turn {n}: article 7{n} was € 1{n} on Monday. What now?")
        for n in range(TURNS)
    )
    facts = Facts(
        message="How much is article 77? When do you open, and is there parking? It came broken!",
        is_public=True,
        contact_name="Ann Lee",
        known=tuple(
            Known(f"Article {n} deluxe", f"€ {n}.50", (f"item {n}",)) for n in range(FACTS)
        ),
        opening=WEEK,
        thread=thread,
        earlier_replies=tuple(turn.text for turn in thread if turn.is_ours)[:5],
        saved_answers=tuple(
            f"Answer {n}: it costs € {n} and takes {n} days." for n in range(TEXTS)
        ),
    )
    check(draft, facts)
    began = time.process_time()
    for number in range(DRAFTS):
        check(f"{draft[:270]}{number}", facts)
    return (time.process_time() - began) / DRAFTS * 1000


if __name__ == "__main__":
    for what, reached, target in measure():
        print(f"{what}: {reached}   [{target}]")
