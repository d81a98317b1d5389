"""Matches Bluesky's firehose against ten thousand watched terms: real frames of a real server.

The frames are those of a test server on loopback to which people post; they are repeated until
there are enough. CPU seconds of one process count, not the clock.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from multiprocessing.queues import Queue
from pathlib import Path

import httpx

from bench.archive import sentence
from heard.channels.base import Account, PlaceError
from heard.channels.bluesky.firehose import BATCH, Seen, Stream, in_frame, matched
from heard.channels.bluesky.posts import searched_in
from heard.channels.terms import Terms

SHARED = Path(os.environ.get("HEARD_SHARED", Path(__file__).parents[2] / "shared"))
TERM_COUNT, POST_COUNT, LIKE_COUNT = 10_000, 240, 60
REPEATED = 60_000
ELSEWHERE = (
    "昨日ホテルに泊まりました。朝ごはんがとてもおいしかったです。",
    "Wo bleibt meine Bestellung? Schöne Grüße aus Köln, ich warte seit Montag 😡😡",
    "Çok güzel bir gün, kahve içiyoruz ☕️",
    "Где мой заказ? Уже третий день жду ответа поддержки.",
    "오늘 점심은 정말 맛있었어요 🍜",
)

Row = tuple[str, str, str]


def measure() -> list[Row]:
    """Posts per CPU second: frames decoded, texts matched, and both as the channel does it."""
    env = server()
    if env is None:
        return [("Bluesky's firehose", "left out: the test server did not start", "≥ 20,000/s")]
    chance = random.Random(5)
    frames = recorded(env, chance)
    of_posts = [frame for frame in frames if any(one.record for one in in_frame(frame)[0])]
    others = [frame for frame in frames if not in_frame(frame)[0]]
    terms = Terms(watched(chance))
    many = of_posts * (REPEATED // len(of_posts) + 1)
    seen = [post for frame in of_posts for post in in_frame(frame)[0]]
    texts = [searched_in(post.record) for post in seen if post.record]
    lots = texts * (REPEATED // len(texts) + 1)
    found = sum(map(bool, terms.found_in(texts)))

    def decode() -> None:
        for frame in many:
            in_frame(frame)

    def match() -> None:
        for start in range(0, len(lots), BATCH):
            terms.found_in(lots[start : start + BATCH])

    def both() -> None:
        posts: list[Seen] = []
        for frame in many:
            posts += in_frame(frame)[0]
            if len(posts) >= BATCH:
                matched(posts, terms=terms, knows=lambda _: False)
                posts = []

    decoded, matching = rate(decode, len(many)), rate(match, len(lots))
    together = rate(both, len(many))
    passing = many_others(others)
    flowing = streamed(many, terms)
    size = sum(map(len, of_posts)) / len(of_posts)
    return [
        (
            f"Bluesky's firehose against {TERM_COUNT:,} terms: frames decoded and matched",
            f"{together:,.0f} posts per CPU s ({found} of {len(texts)} posts name something)",
            "≥ 20,000/s",
        ),
        (
            "its parts",
            f"decoding {decoded:,.0f}/s (frames of {size:,.0f} bytes), matching {matching:,.0f}/s",
            "-",
        ),
        (
            "the same read from a websocket on loopback",
            f"{flowing:,.0f} posts per CPU s of the reading process",
            "-",
        ),
        ("frames without a post, passed over", f"{passing:,.0f}/s", "-"),
    ]


def streamed(frames: list[bytes], terms: Terms) -> float:
    """The same through the channel's own line, from a server in a process of its own."""
    port = multiprocessing.get_context("spawn").Queue()
    server = multiprocessing.get_context("spawn").Process(
        target=pour, args=(frames[:REPEATED], port), daemon=True
    )
    server.start()
    account = Account(
        name="bench",
        settings={"stream": "firehose", "stream_url": f"ws://localhost:{port.get(timeout=60)}"},
        allow_private=True,
    )
    try:
        with Stream(account, terms=terms, position=None, knows=lambda _: False) as stream:
            began = time.process_time()
            with contextlib.suppress(PlaceError):  # it ends when everything was poured
                while True:
                    stream.read(1)
            return REPEATED / (time.process_time() - began)
    finally:
        server.kill()


def pour(frames: list[bytes], port: Queue[int]) -> None:
    """A server that says all of it to whoever comes, and hangs up."""
    from websockets.sync.server import ServerConnection, serve

    def say(line: ServerConnection) -> None:
        for frame in frames:
            line.send(frame)

    with serve(say, "localhost", 0, compression=None) as server:
        port.put(server.socket.getsockname()[1])
        server.serve_forever()


def rate(work: Callable[[], None], count: int) -> float:
    """How many a CPU second: the best of three, as the machine is a shared one."""
    took = []
    for _ in range(3):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return count / min(took)


def many_others(frames: list[bytes]) -> float:
    many = frames * (REPEATED // max(1, len(frames)) + 1)

    def passed() -> None:
        for frame in many:
            in_frame(frame)

    return rate(passed, len(many)) if frames else 0.0


def watched(chance: random.Random) -> Iterator[str]:
    """Names of one and two words, domains, handles and hashtags; a few stand in the posts."""
    yield from ("Blue Heron", "blueheron.example", "@blueheron.test", "#blueheron", "Bestellung")
    signs = "abcdefghijklmnopqrstuvwxyz"
    for number in range(TERM_COUNT - 5):
        word, other = (
            "".join(chance.choices(signs, k=chance.randint(4, 10))).capitalize() for _ in "ab"
        )
        kind = number % 10
        if kind < 5:
            yield word
        elif kind < 7:
            yield f"{word} {other}"
        elif kind == 7:
            yield f"{word.lower()}.com"
        elif kind == 8:
            yield f"@{word.lower()}.bsky.social"
        else:
            yield f"#{word.lower()}"


def server() -> dict[str, str] | None:
    """The test server's addresses; None if it cannot be had."""
    script = SHARED / "servers" / "atproto.sh"
    if not script.exists():
        return None
    done = subprocess.run([script, "start"], capture_output=True, text=True, check=False)
    lines = (line.partition("=") for line in done.stdout.splitlines() if "=" in line)
    return {key: value for key, _, value in lines} if done.returncode == 0 else None


def recorded(env: dict[str, str], chance: random.Random) -> list[bytes]:
    """People post and like at the server; the frames that this makes."""
    from websockets.sync.client import connect

    with httpx.Client(base_url=f"{env['URL']}/xrpc/", trust_env=False, timeout=30) as client:
        me = client.post(
            "com.atproto.server.createSession",
            json={"identifier": env["CUSTOMER_USER"], "password": env["PASSWORD"]},
        ).json()
        headers = {"authorization": f"Bearer {me['accessJwt']}"}

        def create(collection: str, record: dict[str, object]) -> dict[str, str]:
            record = {"$type": collection, "createdAt": datetime.now(UTC).isoformat(), **record}
            body = json.dumps({"repo": me["did"], "collection": collection, "record": record})
            answer = client.post(
                "com.atproto.repo.createRecord",
                content=body,
                headers={**headers, "content-type": "application/json"},
            )
            answer.raise_for_status()
            made: dict[str, str] = answer.json()
            return made

        with connect(env["FIREHOSE_URL"], max_size=None, max_queue=None) as line:
            made = [create("app.bsky.feed.post", post(chance)) for _ in range(POST_COUNT)]
            for one in made[:LIKE_COUNT]:
                subject = {"uri": one["uri"], "cid": one["cid"]}
                create("app.bsky.feed.like", {"subject": subject})
            frames: list[bytes] = []
            while True:
                try:
                    frame = line.recv(timeout=2)
                except TimeoutError:
                    return frames
                frames.append(frame.encode() if isinstance(frame, str) else frame)


def post(chance: random.Random) -> dict[str, object]:
    """Something that somebody might write: most in English, some with a link, some naming us."""
    if chance.random() < 0.3:
        text = chance.choice(ELSEWHERE)
    else:
        text = " ".join(sentence(chance) for _ in range(chance.randint(1, 3)))[:240]
    if chance.random() < 0.02:
        text = f"The Blue Heron again: {text}"[:280]
    told: dict[str, object] = {"text": text, "langs": ["en"]}
    if chance.random() < 0.2:
        start = len(text.encode()) + 1
        told["text"] = f"{text} example.com/news"
        link = {"$type": "app.bsky.richtext.facet#link", "uri": "https://example.com/news/2026"}
        told["facets"] = [
            {"index": {"byteStart": start, "byteEnd": start + 16}, "features": [link]}
        ]
    return told


if __name__ == "__main__":
    for what, reached, target in measure():
        print(f"{what}: {reached}   [{target}]")
