"""A soak: real servers speak to one house all at once, while its processes are killed at random.

python -m bench.soak --minutes 30 --rate 50 --kill-every 60

Nothing may be lost and nothing doubled; lag is from the moment that a customer's program was done
saying it to the moment at which somebody else saw it in the database. Prints a table, writes it
into RESULTS.md, and exits 1 when it fell short. Begin with servers that have been reset: a mailbox
that still holds the mails of two soaks makes the mail server the slowest of all.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from bench import results
from bench.house import House
from heard.channels import signing
from tests.journeys.correspondents import (
    Caller,
    Chatter,
    Correspondent,
    Guest,
    Mailer,
    Poster,
    Reader,
    Talker,
)

SHARED = Path(os.environ.get("HEARD_SHARED", Path(__file__).parents[2] / "shared"))
SETTLES_SECONDS = 120
CALM_SECONDS = 8
LAG_TARGET_SECONDS = 5.0
LOOK_SECONDS = 0.25
IN_FLIGHT = 1_000
"""So many numbers of messages back may still appear: transactions do not end in their order."""
PARTS = {"web": b"wsgi", "live": b"asgi", "worker": b"worker", "listen": b"listen"}
"""A word in the command line of each part's processes."""
PLACES: dict[str, tuple[str, Callable[[dict[str, str]], Correspondent], float]] = {
    "email": ("mail", Mailer, 0.30),
    "matrix": ("matrix", Chatter, 0.10),
    "xmpp": ("xmpp", Talker, 0.10),
    "wordpress": ("wordpress", Reader, 0.04),
    "bluesky": ("atproto", Poster, 0.04),
}
"""Which server, who speaks there, and their share of what is said; the rest comes by the hook."""
CARDS, CALLS = 0.05, 0.05
TABLES = 400

Speaker = tuple[Callable[[str], None], float]
"""How somebody speaks at a place, and their share of all that is said."""


@dataclass
class Said:
    """What was said and when that was done, what a place refused, and what was seen of it when."""

    run: str
    at: dict[str, float] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    seen: dict[str, float] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)

    @property
    def pattern(self) -> str:
        """What each word looks like, to PostgreSQL."""
        return f"soak-{self.run}-[a-z_]+-[0-9]+"


def main() -> None:
    options = argparse.ArgumentParser(prog="bench.soak")
    options.add_argument("--minutes", type=float, default=30)
    options.add_argument("--rate", type=float, default=50, help="messages a second, of all places")
    options.add_argument("--kill-every", type=float, default=60, help="seconds")
    options.add_argument("--only-print", action="store_true", help="do not write RESULTS.md")
    wanted = options.parse_args()
    house, said = House(), Said(secrets.token_hex(3))
    stop, over = threading.Event(), threading.Event()
    try:
        with servers() as found:
            house.command("migrate")
            house.start()
            speakers = connect(house, found)
            looks = threading.Event()
            watcher = threading.Thread(target=watch, args=[house, said, looks, over], daemon=True)
            watcher.start()
            looks.wait(60)
            threads = [
                threading.Thread(target=speak, args=[kind, say, wanted.rate * share, said, stop])
                for kind, (say, share) in speakers.items()
            ]
            threads.append(
                threading.Thread(target=kill, args=[house, wanted.kill_every, said, stop])
            )
            for thread in threads:
                thread.start()
            stop.wait(wanted.minutes * 60)
            stop.set()
            for thread in threads:
                thread.join(60)
            lines, is_good = told(house, said)
            over.set()
            watcher.join(10)
    finally:
        house.remove()
    print("\n" + "\n".join(lines), flush=True)
    if not wanted.only_print:
        write(lines, said, wanted)
    sys.exit(0 if is_good else 1)


@contextmanager
def servers() -> Iterator[Mapping[str, dict[str, str]]]:
    """The real servers that can be had, by name; those that did not run before end afterwards."""
    found: dict[str, dict[str, str]] = {}
    ours: list[Path] = []
    try:
        for name, _, _ in PLACES.values():
            script = SHARED / "servers" / f"{name}.sh"
            if not script.exists():
                print(f"skipped: no script for {name}")
                continue
            if subprocess.run([script, "status"], capture_output=True, check=False).returncode:
                ours.append(script)
            started = subprocess.run([script, "start"], capture_output=True, text=True, check=False)
            if started.returncode:
                print(f"skipped: {name} did not start ({started.stderr.strip()[-200:]})")
                continue
            lines = (line.partition("=") for line in started.stdout.splitlines() if "=" in line)
            found[name] = {key: value for key, _, value in lines}
        yield found
    finally:
        for script in ours:
            subprocess.run([script, "stop"], capture_output=True, check=False)


def connect(house: House, found: Mapping[str, dict[str, str]]) -> dict[str, Speaker]:
    """An inbox for each place that can be had, and who speaks there."""
    speakers: dict[str, Speaker] = {}
    for kind, (name, who, share) in PLACES.items():
        if name in found:
            customer = who(found[name])
            words = ["inbox", "add", kind, "--name", f"Our {kind}", "--set", "allow_private=yes"]
            for key, value in customer.settings.items():
                if key != "every_seconds":  # as it is, when nobody has chosen anything
                    words += ["--set", f"{key}={value}"]
            for key in customer.secrets:
                words += ["--set", f"{key}=-"]
            house.command(*words, stdin="".join(f"{one}\n" for one in customer.secrets.values()))
            speakers[kind] = (customer.say, share)
    tables = f"tables=Table 1 … Table {TABLES}"
    house.command("inbox", "add", "comment_card", "--name", "Our tables", "--set", tables)
    cards = house.python(
        "from django.utils import timezone\n"
        "from heard.conversations.comment_cards import cards\n"
        "from heard.conversations.models import Inbox\n"
        "from heard.conversations.views.comment_card import address_of\n"
        "inbox = Inbox.objects.get(kind='comment_card')\n"
        "print(*map(address_of, cards.set_out(inbox, now=timezone.now())))"
    )
    speakers["comment_card"] = (Guest(cards.split()).say, CARDS)
    speakers["phone"] = (Caller(*signed_door(house, "phone")).say, CALLS)
    left = 1.0 - sum(share for _, share in speakers.values())
    speakers["hook"] = (poster(*signed_door(house, "hook")), left)
    settle(house)
    return speakers


def settle(house: House) -> None:
    """Wait until every ear has begun, and what stood at the places before has been taken in."""
    calm, deadline = 0, time.monotonic() + 2 * SETTLES_SECONDS
    with house.database() as database:
        while calm < CALM_SECONDS and time.monotonic() < deadline:
            row = database.execute(
                """
                SELECT (SELECT count(*) FROM delivery WHERE state = 'waiting')
                    + (SELECT count(*) FROM listening WHERE state <> 'well')
                """
            ).fetchone()
            calm = calm + 1 if row == (0,) else 0
            time.sleep(1)


def signed_door(house: House, kind: str) -> tuple[str, str]:
    """An inbox to which programs post, its address and its secret."""
    shown = house.command("inbox", "add", kind, "--name", f"Our {kind}").split()
    return shown[shown.index("address") + 1], shown[shown.index("secret") + 1]


def poster(address: str, secret: str) -> Callable[[str], None]:
    """Post to the hook as a program does: the same delivery again until it is taken."""
    client = httpx.Client(timeout=10)

    def say(text: str) -> None:
        name = text.rsplit(" ", 1)[-1]
        body = json.dumps({"id": name, "text": text, "from": f"p-{name[-2:]}"}).encode()
        while True:
            headers = signing.signed(body, secret=secret, message_id=name, at=datetime.now(UTC))
            with suppress(httpx.HTTPError):
                if client.post(address, content=body, headers=headers).status_code == 202:
                    if random.random() < 0.1:  # some are delivered twice
                        client.post(address, content=body, headers=headers)
                    return
            time.sleep(0.3)

    return say


def speak(
    kind: str, say: Callable[[str], None], rate: float, said: Said, stop: threading.Event
) -> None:
    """Say something again and again, evenly; what the place itself refuses was not said."""
    began, number = time.monotonic(), 0
    while not stop.is_set():
        word = f"soak-{said.run}-{kind}-{number}"
        try:
            say(f"Where is my parcel {word}")
            said.at[word] = time.time()
        except (OSError, httpx.HTTPError, RuntimeError):
            said.refused[kind] += 1
        number += 1
        ahead = began + number / rate - time.monotonic()
        if ahead > 0:
            stop.wait(ahead)


def kill(house: House, every: float, said: Said, stop: threading.Event) -> None:
    """End one process of the house without a word, again and again: any part of it, at random."""
    while not stop.wait(every):
        found: list[tuple[str, int]] = []
        for pid in house.processes()[1:]:
            with suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                found += [(part, pid) for part, sign in PARTS.items() if sign in words]
        if found:
            part = random.choice(sorted({part for part, _ in found}))
            pid = random.choice([pid for one, pid in found if one == part])
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                said.kills[part] += 1
                print(f"killed {part} (process {pid})", flush=True)


def watch(house: House, said: Said, looks: threading.Event, over: threading.Event) -> None:
    """Look again and again for what has become visible to others; `looks` once that has begun."""
    newest = 0
    with house.database() as database:
        while not over.wait(LOOK_SECONDS):
            rows = database.execute(
                """
                SELECT id, substring(concat_ws(' ', text, external_id) FROM %s) FROM message
                WHERE id > %s AND kind = 'incoming'
                """,
                [said.pattern, newest - IN_FLIGHT],
            ).fetchall()
            now = time.time()
            for number, word in rows:
                newest = max(newest, int(str(number)))
                if word is not None:
                    said.seen.setdefault(str(word), now)
            looks.set()


def told(house: House, said: Said) -> tuple[list[str], bool]:
    """Wait until all has been filed; what became of it as a table, and whether that is good."""
    deadline = time.monotonic() + SETTLES_SECONDS
    filed: Mapping[str, int] = {}
    while time.monotonic() < deadline:
        filed = heard_in(house, said)
        if all(word in filed and word in said.seen for word in said.at):
            break
        time.sleep(2)
    kinds: dict[str, list[str]] = defaultdict(list)
    for word in said.at:
        kinds[word.split("-")[2]].append(word)
    lines = [
        "| place | said | refused there | heard | lost | doubled | lag p50 | p99 | most |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    is_good = bool(said.at)
    for kind, words in [*sorted(kinds.items()), ("all", list(said.at))]:
        lags = sorted(
            max(0.0, said.seen.get(word, time.time()) - said.at[word])
            for word in words
            if word in filed
        )
        lost = sum(word not in filed for word in words)
        doubled = sum(filed[word] > 1 for word in words if word in filed)
        cuts = statistics.quantiles(lags, n=100) if len(lags) > 1 else [max(lags, default=0)] * 99
        p99 = min(cuts[98], max(lags, default=0.0))
        is_good = is_good and not lost and not doubled and p99 < LAG_TARGET_SECONDS
        refused = said.refused[kind] if kind != "all" else said.refused.total()
        lines.append(
            f"| {kind} | {len(words):,} | {refused} | {len(lags):,} | {lost} | {doubled}"
            f" | {cuts[49]:.2f} s | {p99:.2f} s | {max(lags, default=0):.1f} s |"
        )
    return lines, is_good


def heard_in(house: House, said: Said) -> dict[str, int]:
    """How often each word was filed; a call counts once all of it is known."""
    with house.database() as database:
        rows = database.execute(
            """
            SELECT substring(concat_ws(' ', m.text, m.external_id) FROM %s) AS word, count(*)
            FROM message m LEFT JOIN call c ON c.message_id = m.id
            WHERE m.kind = 'incoming' AND (c.id IS NULL OR c.outcome = 'abandoned')
            GROUP BY word
            """,
            [said.pattern],
        ).fetchall()
    return {str(word): int(str(count)) for word, count in rows if word is not None}


def write(lines: list[str], said: Said, wanted: argparse.Namespace) -> None:
    """Its chapter of RESULTS.md."""
    killed = ", ".join(f"{part} {count} times" for part, count in sorted(said.kills.items()))
    results.write_chapter(
        "Soak",
        [
            f"{datetime.now(UTC):%Y-%m-%d}, {results.machine()}, the servers and their customers "
            f"on the same machine. `python -m bench.soak --minutes {wanted.minutes:g} --rate "
            f"{wanted.rate:g} --kill-every {wanted.kill_every:g}`: every place is a real server "
            f"or the house's own door; killed without a word: {killed or 'nothing'}. Lag is until "
            "somebody else sees it in the database. To reach: none lost, none doubled, p99 under "
            f"{LAG_TARGET_SECONDS:g} s at every place.",
            "",
            *lines,
        ],
    )
    print(f"written to {results.RESULTS}")


if __name__ == "__main__":
    main()
