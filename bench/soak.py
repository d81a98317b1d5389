"""A soak: real servers speak to one house all at once, while its processes are killed at random.

python -m bench.soak --minutes 30 --rate 50

Nothing may be lost and nothing doubled; lag is from the moment that a customer's program was done
saying it to the moment that the house had filed it. Prints a table, and exits 1 when it fell short.
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
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from bench.house import House
from heard.channels import signing
from tests.journeys.correspondents import Chatter, Correspondent, Mailer, Poster, Reader

SHARED = Path(os.environ.get("HEARD_SHARED", Path(__file__).parents[2] / "shared"))
SETTLES_SECONDS = 120
LAG_TARGET_SECONDS = 5.0
PARTS = ("web", "live", "worker", "listen", "wsgi", "asgi")
PLACES: dict[str, tuple[str, Callable[[dict[str, str]], Correspondent], float]] = {
    "email": ("mail", Mailer, 0.35),
    "matrix": ("matrix", Chatter, 0.12),
    "wordpress": ("wordpress", Reader, 0.04),
    "bluesky": ("atproto", Poster, 0.04),
}
"""Which server, who speaks there, and their share of what is said; the rest comes by the hook."""


@dataclass
class Said:
    """What was said, by the word that stands in it, and when that was done."""

    at: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    refused: Counter[str] = field(default_factory=Counter)

    def note(self, word: str) -> None:
        with self.lock:
            self.at[word] = time.time()


def main() -> None:
    options = argparse.ArgumentParser(prog="bench.soak")
    options.add_argument("--minutes", type=float, default=30)
    options.add_argument("--rate", type=float, default=50, help="messages a second, of all places")
    options.add_argument("--kill-every", type=float, default=60, help="seconds")
    wanted = options.parse_args()
    house, run = House(), secrets.token_hex(3)
    said, stop = Said(), threading.Event()
    try:
        house.command("migrate")
        house.start()
        speakers = connect(house)
        threads = [
            threading.Thread(target=speak, args=[kind, say, wanted.rate * share, said, run, stop])
            for kind, (say, share) in speakers.items()
        ]
        threads.append(threading.Thread(target=kill, args=[house, wanted.kill_every, stop]))
        for thread in threads:
            thread.start()
        stop.wait(wanted.minutes * 60)
        stop.set()
        for thread in threads:
            thread.join(60)
        sys.exit(0 if told(house, said, run) else 1)
    finally:
        house.stop()


def server(name: str) -> dict[str, str] | None:
    """Start a real server by its script; None, with a word, where that does not go."""
    script = SHARED / "servers" / f"{name}.sh"
    if not script.exists():
        print(f"skipped: no script for {name}")
        return None
    started = subprocess.run([script, "start"], capture_output=True, text=True, check=False)
    if started.returncode:
        print(f"skipped: {name} did not start ({started.stderr.strip()[-200:]})")
        return None
    lines = (line.partition("=") for line in started.stdout.splitlines() if "=" in line)
    return {key: value for key, _, value in lines}


def connect(house: House) -> dict[str, tuple[Callable[[str], None], float]]:
    """An inbox for each place that can be had; how to speak there, and its share."""
    speakers: dict[str, tuple[Callable[[str], None], float]] = {}
    left = 1.0
    for kind, (name, who, share) in PLACES.items():
        found = server(name)
        if found is None:
            continue
        customer = who(found)
        words = ["inbox", "add", kind, "--name", f"Our {kind}", "--set", "allow_private=yes"]
        for key, value in customer.settings.items():
            words += ["--set", f"{key}={value}"]
        for key in customer.secrets:
            words += ["--set", f"{key}=-"]
        house.command(*words, stdin="".join(f"{one}\n" for one in customer.secrets.values()))
        speakers[kind] = (customer.say, share)
        left -= share
    shown = house.command("inbox", "add", "hook", "--name", "Our hook").split()
    address, secret = shown[shown.index("address") + 1], shown[shown.index("secret") + 1]
    speakers["hook"] = (poster(address, secret), left)
    time.sleep(8)  # until every ear has begun: what is said before is not heard, and need not be
    return speakers


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
    kind: str,
    say: Callable[[str], None],
    rate: float,
    said: Said,
    run: str,
    stop: threading.Event,
) -> None:
    """Say something again and again, evenly; what the place itself refuses was not said."""
    began, number = time.monotonic(), 0
    while not stop.is_set():
        word = f"soak-{run}-{kind}-{number}"
        try:
            say(f"Where is my parcel {word}")
            said.note(word)
        except (OSError, httpx.HTTPError, RuntimeError):
            said.refused[kind] += 1
        number += 1
        ahead = began + number / rate - time.monotonic()
        if ahead > 0:
            stop.wait(ahead)


def kill(house: House, every: float, stop: threading.Event) -> None:
    """End one process of the house without a word, again and again."""
    mark = f"HEARD_HOME={house.home}".encode()
    while not stop.wait(every):
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                is_part = any(part.encode() in words for part in PARTS)
                if is_part and mark in (folder / "environ").read_bytes():
                    found.append((int(folder.name), b" ".join(words[-6:]).decode()))
        if found:
            pid, name = random.choice(found)
            print(f"killed {pid}: {name}", flush=True)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def told(house: House, said: Said, run: str) -> bool:
    """Wait until all has been filed, then print what became of it; whether that is good."""
    deadline = time.monotonic() + SETTLES_SECONDS
    filed: Mapping[str, list[float]] = {}
    while time.monotonic() < deadline:
        filed = heard_in(house, run)
        if all(word in filed for word in said.at):
            break
        time.sleep(2)
    kinds: dict[str, list[str]] = defaultdict(list)
    for word in said.at:
        kinds[word.split("-")[2]].append(word)
    print("\n| place | said | refused there | lost | doubled | lag p50 | p99 | most |")
    print("|---|---|---|---|---|---|---|---|")
    is_good = True
    everything: list[float] = []
    for kind, words in [*sorted(kinds.items()), ("all", list(said.at))]:
        lags = [max(0.0, min(filed[word]) - said.at[word]) for word in words if word in filed]
        lost = sum(word not in filed for word in words)
        doubled = sum(len(filed[word]) > 1 for word in words if word in filed)
        everything = lags
        is_good = is_good and not lost and not doubled
        cuts = statistics.quantiles(lags, n=100) if len(lags) > 1 else [0.0] * 99
        refused = said.refused[kind] if kind != "all" else said.refused.total()
        print(
            f"| {kind} | {len(words)} | {refused} | {lost} | {doubled} | {cuts[49]:.2f} s"
            f" | {cuts[98]:.2f} s | {max(lags, default=0):.1f} s |"
        )
    return is_good and statistics.quantiles(everything, n=100)[98] < LAG_TARGET_SECONDS


def heard_in(house: House, run: str) -> dict[str, list[float]]:
    """The moments at which each word was filed, by the diary."""
    filed: dict[str, list[float]] = defaultdict(list)
    with house.database() as database:
        rows = database.execute(
            """
            SELECT substring(m.text FROM %s), extract(epoch FROM e.at)::float8
            FROM message m LEFT JOIN event e ON e.name = 'message.received'
                AND (e.data ->> 'message')::bigint = m.id
            WHERE m.kind = 'incoming' AND m.text LIKE %s
            """,
            [f"soak-{run}-[a-z]+-[0-9]+", f"%soak-{run}-%"],
        )
        for word, at in rows:
            filed[str(word)].append(float(str(at)))
    return filed


if __name__ == "__main__":
    main()
