"""The words of our messages, learned in the background, and what a misspelt one may have meant."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

from heard.conversations.models import Vocabulary
from heard.lib.jobs import jobs

BATCH = 10_000
LONGEST_TEXT = 4000
SHORTEST_WORD = 4
LONGEST_WORD = 30
MOST_SLIPS = 2
LONG_WORD = 6
MUCH_MORE = 10
SUGGESTIONS = 2
WORDS_ASKED = 4

LEARN = """
    INSERT INTO word (text, count)
    SELECT word, ndoc FROM ts_stat(format(
        'SELECT to_tsvector(''public.heard_simple'', left(text, %%s)) FROM message
            WHERE id > %%s AND id <= %%s', %(length)s::int, %(first)s::bigint, %(last)s::bigint))
    WHERE length(word) BETWEEN %(shortest)s AND %(longest)s AND word ~ '^[[:alpha:]]+$'
    ORDER BY word
    ON CONFLICT (text) DO UPDATE SET count = word.count + excluded.count
"""

UNLEARN = """
    WITH met AS (
        SELECT word, ndoc FROM ts_stat(format(
            'SELECT to_tsvector(''public.heard_simple'', left(coalesce((
                SELECT g.text FROM change g WHERE g.inbox_id = m.inbox_id AND g.what = ''written''
                    AND g.external_id = m.external_id AND g.kind = m.kind), m.text), %%s))
            FROM message m WHERE m.id = ANY(%%L::bigint[])', %(length)s::int, %(ids)s::bigint[]))
    ), less AS (
        UPDATE word w SET count = w.count - met.ndoc FROM met
        WHERE w.text = met.word AND w.count > met.ndoc
    )
    DELETE FROM word w USING met WHERE w.text = met.word AND w.count <= met.ndoc
"""

NEXT = "SELECT max(id) FROM (SELECT id FROM message WHERE id > %s ORDER BY id LIMIT %s) x"

NEAR = """
    SELECT asked.n - 1, asked.plain, near.text, near.count
    FROM (
        SELECT n, public.unaccent(word) AS plain
        FROM unnest(%(words)s::text[]) WITH ORDINALITY AS x(word, n)
    ) asked
    CROSS JOIN LATERAL (
        SELECT w.text, w.count FROM word w WHERE w.text %% asked.plain
        ORDER BY similarity(w.text, asked.plain) DESC, w.count DESC LIMIT 40
    ) near
    WHERE length(asked.plain) >= %(shortest)s
"""


@jobs.periodic(cron="* * * * *")
@jobs.task(name="learn_words", queue="background", queueing_lock="learn_words")
def learn_words(timestamp: int) -> None:  # noqa: ARG001 - given to every periodic job
    """Take the words of the next messages into the vocabulary."""
    learn()


@transaction.atomic
def learn(*, batch: int = BATCH) -> int:
    """Learn from the next `batch` messages; returns how many words were met."""
    progress, _ = Vocabulary.objects.select_for_update().get_or_create(pk=1)
    with connection.cursor() as cursor:
        cursor.execute(NEXT, [progress.up_to, batch])
        last = cursor.fetchone()[0]
        if last is None:
            return 0
        cursor.execute(
            LEARN,
            {
                "length": LONGEST_TEXT,
                "first": progress.up_to,
                "last": last,
                "shortest": SHORTEST_WORD,
                "longest": LONGEST_WORD,
            },
        )
        met = cursor.rowcount
    progress.up_to = last
    progress.save(update_fields=["up_to"])
    return int(met)


@transaction.atomic
def unlearn(ids: Sequence[int]) -> None:
    """Take the words of these messages out again, before the messages lose them."""
    progress = Vocabulary.objects.select_for_update().filter(pk=1).first()
    learned = [pk for pk in ids if progress is not None and pk <= progress.up_to]
    if learned:
        with connection.cursor() as cursor:
            cursor.execute(UNLEARN, {"length": LONGEST_TEXT, "ids": learned})


def nearest(words: Sequence[str]) -> tuple[str, ...]:
    """Known spellings of the whole, with the words we do not know put right; () without any."""
    asked = [word.lower() for word in words]
    if not asked or len(asked) > WORDS_ASKED:
        return ()
    near: dict[int, list[tuple[int, int, str]]] = {}
    known: dict[int, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(NEAR, {"words": asked, "shortest": SHORTEST_WORD})
        for n, plain, text, count in cursor.fetchall():
            slips = distance(plain, text)
            if slips == 0:
                known[n] = count
            elif slips <= (1 if len(text) < LONG_WORD else MOST_SLIPS):
                near.setdefault(n, []).append((slips, -count, text))
    # What many write and few misspell is right, however rare it is.
    better = {
        n: [text for _, count, text in sorted(found) if -count >= MUCH_MORE * known.get(n, 0)]
        for n, found in near.items()
    }
    better = {n: found for n, found in better.items() if found}
    if not better:
        return ()
    best = [better[n][0] if n in better else word for n, word in enumerate(asked)]
    spellings = [" ".join(best)]
    spellings += [
        " ".join([*best[:n], second, *best[n + 1 :]])
        for n, found in better.items()
        for second in found[1:SUGGESTIONS]
    ]
    return tuple(spellings[:SUGGESTIONS])


def distance(one: str, other: str) -> int:
    """Slips between two words: a letter more, less or another, or two swapped (Damerau)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        older, before, row = before, row, [i]
        for j, wanted in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]
