"""How long an open inbox waits for what has just arrived."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time

from bench import hooks
from bench.house import House

COUNT = 500


def measure(house: House) -> tuple[float, float, int]:
    """Milliseconds from 202 to event (median, 95th percentile) and how many events were seen.

    One delivery each ten milliseconds; an event may tell of several.
    """
    opened = house.command("inbox", "add", "hook", "--name", f"Live {time.time_ns()}")
    words = opened.split()
    secret = next(word for word in words if word.startswith("whsec_")).strip(".,")
    address = next(word for word in words if "/hooks/" in word).strip(".,")
    path = "/hooks/" + address.split("/hooks/")[1]
    lines = hooks.signed(
        COUNT, base64.b64decode(secret.removeprefix("whsec_")), tag="live"
    ).splitlines()
    seen: dict[int, float] = {}
    listening, ended = threading.Event(), threading.Event()

    def listen() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", house.live_port, timeout=30)
        connection.request(
            "GET",
            "/live/",
            headers={"Cookie": house.cookie, "Origin": f"http://127.0.0.1:{house.port}"},
        )
        response = connection.getresponse()
        listening.set()
        while not ended.is_set():
            line = response.readline()
            if line.startswith(b"data:"):
                moment = time.monotonic()
                told = json.loads(line[5:])
                for changed in told.get("changed", []):
                    seen.setdefault(int(changed[0]), moment)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    listening.wait(10)
    time.sleep(0.5)
    accepted: dict[str, float] = {}
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=30)
    began = time.monotonic()
    for n, line in enumerate(lines):
        time.sleep(max(0.0, began + n * 0.01 - time.monotonic()))
        name, stamp, signature, body = line.split(" ", 3)
        connection.request(
            "POST",
            path,
            body,
            {
                "webhook-id": name,
                "webhook-timestamp": stamp,
                "webhook-signature": signature,
                "Content-Type": "application/json",
            },
        )
        response = connection.getresponse()
        response.read()
        accepted[json.loads(body)["id"]] = time.monotonic()
    hooks.drain(house)
    time.sleep(1)
    ended.set()
    with house.database() as database:
        rows = database.execute(
            "SELECT external_id, conversation_id FROM message WHERE external_id LIKE 'live%'"
        ).fetchall()
    waits = sorted(
        1000 * max(0.0, seen[int(str(pk))] - accepted[str(name)])
        for name, pk in rows
        if int(str(pk)) in seen and str(name) in accepted
    )
    if not waits:
        return float("nan"), float("nan"), 0
    return waits[len(waits) // 2], waits[int(0.95 * (len(waits) - 1))], len(waits)
