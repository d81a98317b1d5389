"""Measures heard, a peer and the machine in one run, and writes bench/RESULTS.md.

make bench                          everything, up to a million messages (about half an hour)
make bench ARGS="--messages 100000 --without peers"
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench import (
    answers,
    archive,
    false_alarms,
    firehose,
    floods,
    hooks,
    likeness,
    limits,
    mail,
    results,
)
from bench.house import House, calm, crowd, descendants, get, heard, probe, pss_mb, watched

SHARED = Path(os.environ.get("HEARD_SHARED", Path(__file__).parents[2] / "shared"))

Row = tuple[str, str, str]

TAKEN = "SELECT max(taken_count) FROM import_run WHERE finished_at IS NULL"
OF_FORUM = "SELECT count(*) FROM message m JOIN inbox i ON i.id = inbox_id WHERE i.name = 'Forum'"


def main() -> None:
    options = argparse.ArgumentParser(prog="bench")
    options.add_argument("--messages", type=int, default=1_000_000)
    options.add_argument("--without", nargs="*", default=[], help="chapters to leave out")
    wanted = options.parse_args()
    now = datetime.now(UTC)
    house = House()
    rows: list[Row] = []

    def chapter(name: str, measure: Callable[[], list[Row]]) -> None:
        if name in wanted.without:
            return
        began = time.monotonic()
        found = measure()
        rows.extend(found)
        print(f"== {name} ({time.monotonic() - began:.0f} s)", flush=True)
        for what, reached, target in found:
            print(f"   {what}: {reached}   [{target}]", flush=True)

    try:
        house.command("migrate")
        started = house.start()
        rows.append(("first start to first page", f"{started:.1f} s", "-"))
        house.stop()
        rows.append(("second start to first page", f"{house.start():.1f} s", "≤ 5 s"))
        house.sign_in()
        chapter("reading", reading)
        chapter("answers", answers.measure)
        chapter("likeness", likeness.measure)
        chapter("think", false_alarms.measure)
        chapter("firehose", firehose.measure)
        sizes = [n for n in (10_000, 100_000, 1_000_000) if n <= wanted.messages]
        have, first_pages, ours = 0, dict[str, float](), dict[tuple[str, int], float]()
        for size in sizes:
            chapter(f"import {size}", partial(bring, house, first=have, upto=size, now=now))
            chapter(f"pages {size}", partial(pages, house, size=size, first=first_pages, ours=ours))
            have = size
        chapter("again", partial(again, house, upto=have))
        chapter("disk", lambda: disk(house))
        chapter("floods", lambda: floods.measure(house))
        chapter("read", lambda: with_readings(house, now=now))
        chapter("forum", lambda: forum(house))
        chapter("sweep", lambda: sweep(house))
        chapter("hook", lambda: hook(house))
        chapter("api", lambda: api(house))
        chapter("live", lambda: live(house))
        chapter("mail", lambda: mail.measure(ours))
        chapter("memory", lambda: memory(house))
        chapter("limits", lambda: machine(house))
        chapter("peers", lambda: peers(ours))
    finally:
        house.remove()
    write(rows, wanted=wanted, now=now)


def bring(house: House, *, first: int, upto: int, now: datetime) -> list[Row]:
    """Import `first` to `upto`, readings off, and how the rate holds from beginning to end."""
    file = house.home / f"archive-{upto}.csv"
    archive.write(file, first=first, count=upto - first, now=now)
    (house.home / "map.toml").write_text(archive.MAP)
    marks: list[tuple[float, int]] = []
    peak = [0.0]
    with house.database() as database:
        began = time.monotonic()
        running = subprocess.Popen(
            [heard(), "import", "csv", "--inbox", "Archive", "--map",
             str(house.home / "map.toml"), "--no-reading",
             "--open-since", archive.open_since(now, 0.3), str(file)],
            env=house.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

        def look() -> None:
            row = database.execute(TAKEN).fetchone()
            if row and row[0]:
                marks.append((time.monotonic() - began, int(str(row[0]))))
            peak[0] = max(peak[0], pss_mb(descendants(running.pid)))

        with watched(0.5, look):
            said, _ = running.communicate()
    seconds = time.monotonic() - began
    if running.returncode:
        sys.exit(said)
    count = upto - first
    filed = next((at for at, n in marks if n >= count), marks[-1][0] if marks else seconds)
    found = [
        (
            f"import of {count:,} short messages, readings off",
            f"{count / filed:,.0f}/s filed, {count / seconds:,.0f}/s until the rest was done "
            "(30 % opened, books closed)",
            "≥ 10,000/s",
        ),
        ("importer memory at its peak", f"{peak[0]:.0f} MB", "< 700 MB"),
    ]
    slice_ = min(100_000, count // 4)
    start, end = rate(marks, 0, slice_), rate(marks, count - slice_, count)
    if start and end and count >= 400_000:
        found.append(
            (
                f"the last {slice_:,} beside the first",
                f"{end:,.0f}/s to {start:,.0f}/s ({end / start - 1:+.0%})",
                "not more than 25 % slower",
            )
        )
    return found


def rate(marks: list[tuple[float, int]], low: int, high: int) -> float:
    """Messages a second between two counts; what comes after the last message is not of it."""
    end = next((at for at, n in marks if n >= high), marks[-1][0] if marks else 0.0)
    inside = [(at, n) for at, n in marks if n >= low and at <= end]
    if len(inside) < 2 or inside[-1][0] == inside[0][0]:
        return 0.0
    return (inside[-1][1] - inside[0][1]) / (inside[-1][0] - inside[0][0])


def pages(
    house: House, *, size: int, first: dict[str, float], ours: dict[tuple[str, int], float]
) -> list[Row]:
    with house.database() as database:
        database.execute("VACUUM ANALYZE")
    calm(house)
    found: list[Row] = []
    count = 120
    far = fiftieth(house, "all")
    for name, path, target in (
        ("inbox, all, page 1", "/inbox/all/", "p50 ≤ 8 ms, ≤ 7 CPU ms"),
        ("inbox, unassigned, page 1", "/inbox/unassigned/", "p50 ≤ 8 ms, ≤ 7 CPU ms"),
        ("inbox, waiting, page 1", "/inbox/waiting/", "p50 ≤ 8 ms, ≤ 7 CPU ms"),
        ("inbox, failing, page 1", "/inbox/failing/", "p50 ≤ 8 ms, ≤ 7 CPU ms"),
        ("inbox, all, page 50", far, "p50 ≤ 8 ms, ≤ 7 CPU ms"),
        ("search, rare word", f"/search/?q={archive.RARE_WORD}", "p50 ≤ 8 ms"),
        ("search, common word", f"/search/?q={archive.COMMON_WORD}", "p50 ≤ 10 ms"),
        ("search, middling word", f"/search/?q={archive.MIDDLING_WORD}", "p50 ≤ 40 ms"),
        ("home", "/", "≤ 60 ms"),
        ("ledger", "/ledger/", "-"),
        ("a conversation of 30 messages", thirty(house), "p50 ≤ 10 ms"),
    ):
        timing = probe(house, path, count=count)
        before = first.setdefault(name, timing.p50)
        ours[name, size] = timing.p50
        growth = f", {timing.p50 / before:.2f} × the first size" if before != timing.p50 else ""
        found.append(
            (
                f"{name}, {size:,} messages",
                f"p50 {timing.p50} ms, p95 {timing.p95} ms, {timing.cpu} CPU ms{growth}",
                target,
            )
        )
    timing = crowd(house, "/inbox/all/", clients=8)
    found.append(
        (
            f"inbox, 8 clients, {size:,} messages",
            f"{timing.per_second:.0f} pages/s, p95 {timing.p95} ms",
            "≥ 250 pages/s, p95 ≤ 60 ms",
        )
    )
    timed = house.python(
        "import time; from heard.meter.report import Scope, report\n"
        "report(Scope())\n"
        "took = []\n"
        "for _ in range(9):\n"
        "    began = time.perf_counter(); report(Scope())\n"
        "    took.append(time.perf_counter() - began)\n"
        "print(1000 * sorted(took)[4])"
    )
    found.append((f"report, {size:,} messages", f"{float(timed):.0f} ms", "≤ 60 ms"))
    return found


def fiftieth(house: House, view: str) -> str:
    """The address of page 50, or the last there is: by following the link to the next page."""
    path = f"/inbox/{view}/"
    for _ in range(49):
        page = get(house.port, path, house.cookie)[1].decode()
        link = re.search(rf'href="(/inbox/{view}/\?[^"]*after=[^"]+)"', page)
        if link is None:
            break
        path = link.group(1).replace("&amp;", "&")
    return path


def thirty(house: House) -> str:
    """A conversation of thirty messages."""
    return house.python(
        "from datetime import timedelta; from django.utils import timezone\n"
        "from heard.channels.base import Incoming, Kind\n"
        "from heard.conversations.intake.receiving import receive\n"
        "from heard.conversations.models import Conversation, Inbox\n"
        "box = Inbox.objects.get(name='Archive'); now = timezone.now()\n"
        "items = [Incoming(external_id=f'thirty{n}', at=now - timedelta(hours=30 - n), "
        "text='And where is it now? ' * 6, sender='thirty', root='thirty0', "
        "kind=Kind.REPLY if n % 2 else Kind.INCOMING, parent=f'thirty{n - 1}' if n else '') "
        "for n in range(30)]\n"
        "receive(box, items, now=now)\n"
        "c = Conversation.objects.get(inbox=box, root='thirty0', contact__isnull=False)\n"
        "print(f'/conversations/{c.pk}/')"
    ).strip()


def again(house: House, *, upto: int) -> list[Row]:
    """The same archive under another name: everything is known."""
    file = house.home / f"archive-{upto}.csv"
    copy = house.home / "again.csv"
    copy.write_bytes(file.read_bytes() + b"\n")
    count = sum(1 for _ in copy.open()) - 2
    began = time.monotonic()
    house.command(
        "import", "csv", "--inbox", "Archive", "--map", str(house.home / "map.toml"),
        "--no-reading", str(copy),
    )  # fmt: skip
    seconds = time.monotonic() - began
    return [(f"the same archive again ({count:,})", f"{count / seconds:,.0f}/s", "≥ 30,000/s")]


def with_readings(house: House, *, now: datetime) -> list[Row]:
    file = house.home / "read.csv"
    archive.write(file, first=5_000_000, count=100_000, now=now)
    began = time.monotonic()
    house.command(
        "import", "csv", "--inbox", "Read", "--map", str(house.home / "map.toml"), str(file)
    )
    seconds = time.monotonic() - began
    return [
        ("import of 100,000 short messages, readings on", f"{100_000 / seconds:,.0f}/s",
         "≥ 3,000/s")
    ]  # fmt: skip


def forum(house: House) -> list[Row]:
    folder = SHARED / "data" / "thunderbird_support"
    if not folder.is_dir():
        return [("the forum archive", "left out: set HEARD_SHARED", "≥ 2,000/s")]
    began = time.monotonic()
    said = house.command(
        "import", "helpforum", "--inbox", "Forum", str(folder / "questions.csv.gz"),
        str(folder / "answers.csv.gz"),
    )  # fmt: skip
    seconds = time.monotonic() - began
    with house.database() as database:
        row = database.execute(OF_FORUM).fetchone()
    count = int(str(row[0])) if row else 0
    print(said)
    return [
        (f"the forum archive ({count:,} long HTML texts), readings on",
         f"{count / seconds:,.0f}/s", "≥ 2,000/s")
    ]  # fmt: skip


def sweep(house: House) -> list[Row]:
    """A thousand clocks due among 300,000 that run, each recorded; then nothing due."""
    said = house.python(
        "import time; from datetime import timedelta; from django.db import connection\n"
        "from django.utils import timezone; from heard.conversations.clocks.sweeping import sweep\n"
        "now = timezone.now()\n"
        "while sweep(now).is_full: pass\n"
        "with connection.cursor() as c:\n"
        '    c.execute("""UPDATE clock SET next_at = %s + interval \'1 day\' * (1 + id %% 30),\n'
        "        due_at = %s + interval '1 day' * (1 + id %% 30), failed_at = NULL, fail = '',\n"
        "        met_at = NULL, ended_at = NULL, is_paused = false, is_history = false,\n"
        "        sighting = ''\n"
        '        WHERE id IN (SELECT id FROM clock LIMIT 300000)""", [now, now])\n'
        "    running = c.rowcount\n"
        "    c.execute('VACUUM ANALYZE clock')\n"
        "took, nothing = [], []\n"
        "for turn in range(5):\n"
        "    with connection.cursor() as c:\n"
        '        c.execute("""UPDATE clock SET next_at = %s, due_at = %s WHERE id IN (SELECT id\n'
        '            FROM clock WHERE next_at > %s ORDER BY id LIMIT 1000 OFFSET %s)""",\n'
        "            [now, now, now, turn * 2000])\n"
        "    began = time.perf_counter(); done = sweep(now + timedelta(seconds=1))\n"
        "    took.append(time.perf_counter() - began); assert done.failed == 1000, done\n"
        "    began = time.perf_counter(); sweep(now + timedelta(seconds=1))\n"
        "    nothing.append(time.perf_counter() - began)\n"
        "print(running, sorted(took)[2], sorted(nothing)[2])"
    )
    running, took, nothing = said.split()
    return [
        (f"sweep, 1,000 due among {int(running):,} running clocks, fails recorded",
         f"{float(took):.3f} s", "≤ 0.15 s"),
        ("sweep, nothing due", f"{1000 * float(nothing):.1f} ms", "≤ 5 ms"),
    ]  # fmt: skip


def hook(house: House) -> list[Row]:
    found = hooks.measure(house)
    if not found:
        return [("signed hook", "left out: wrk is not installed", "≥ 45 % of a bare view")]
    return [
        ("signed hook, one message a request, 16 connections",
         f"{found['hook_per_second']:,}/s beside {found['bare_per_second']:,}/s of a bare view: "
         f"{found['share_of_bare']:.0%}", "≥ 45 %"),
        ("its CPU, taking the messages in included",
         f"{found['cpu_seconds_per_1000']} CPU s per 1,000; all taken in "
         f"{found['taken_in_after_seconds']} s after the last", "≤ 1.2 CPU s per 1,000"),
    ]  # fmt: skip


def api(house: House) -> list[Row]:
    """A hundred messages a request through the REST API, by one client."""
    said = house.python(
        "import json\n"
        "from django.utils import timezone\n"
        "from heard.conversations.models import Inbox\n"
        "from heard.staff import tokens\n"
        "from heard.staff.models import User\n"
        "owner = User.objects.filter(role='owner').first()\n"
        "_, token = tokens.issue(owner, name='bench', scopes=['intake'], by=owner, "
        "now=timezone.now())\n"
        "print(json.dumps([token, Inbox.objects.filter(kind='hook').first().pk]))"
    )
    token, inbox = json.loads(said)
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=60)
    bodies = [
        json.dumps(
            {
                "messages": [
                    {
                        "id": f"api{turn}-{n}",
                        "at": datetime.now(UTC).isoformat(),
                        "text": "Where is my order? It should have come on Monday, please help me.",
                        "from": {"address": f"person{n}"},
                    }
                    for n in range(100)
                ]
            }
        )
        for turn in range(150)
    ]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    began = time.monotonic()
    for body in bodies:
        connection.request("POST", f"/api/v1/inboxes/{inbox}/messages", body, headers)
        response = connection.getresponse()
        response.read()
        if response.status >= 300:
            sys.exit(f"the API answered {response.status}")
    accepted = time.monotonic() - began
    hooks.drain(house)
    everything = time.monotonic() - began
    count = 100 * len(bodies)
    return [
        ("API, batches of 100, one client",
         f"{count / accepted:,.0f}/s accepted, {count / everything:,.0f}/s taken in",
         "≥ 10,000/s"),
    ]  # fmt: skip


def live(house: House) -> list[Row]:
    """From a delivery accepted to its event in an open inbox, at 100 deliveries a second."""
    from bench.live import measure

    p50, p95, count = measure(house)
    return [
        (f"delivery accepted to event in an open inbox, 100/s ({count} of them)",
         f"p50 {p50:.0f} ms, p95 {p95:.0f} ms", "p95 ≤ 300 ms")
    ]  # fmt: skip


def reading() -> list[Row]:
    code = (
        "import time; from heard.reading import read; from bench.archive import sentence\n"
        "import random; chance = random.Random(1)\n"
        "texts = [sentence(chance) for _ in range(20000)]; read(texts[:100])\n"
        "began = time.process_time(); read(texts)\n"
        "print(len(texts) / (time.process_time() - began))"
    )
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return [("reading, all heads", f"{float(said.stdout):,.0f} texts per CPU s", "≥ 5,000")]


def disk(house: House) -> list[Row]:
    """What an archive weighs as it was filed, before later chapters rewrite its clocks."""
    with house.database() as database:
        row = database.execute(
            "SELECT pg_total_relation_size('message') + pg_total_relation_size('conversation') "
            "+ pg_total_relation_size('clock') + pg_total_relation_size('contact') "
            "+ pg_total_relation_size('handle') + pg_total_relation_size('event'), "
            "(SELECT count(*) FROM message)"
        ).fetchone()
    assert row is not None
    size, count = int(str(row[0])), int(str(row[1]))
    return [
        (f"disk per 1,000 of {count:,} messages, search index and all",
         f"{size / count * 1000 / 1e6:.2f} MB", "≤ 1.5 MB"),
    ]  # fmt: skip


def memory(house: House) -> list[Row]:
    return [("web processes after the run", f"{pss_mb(house.web()):.0f} MB", "≤ 200 MB")]


def machine(house: House) -> list[Row]:
    found = limits.measure(house)
    return [
        ("limit: COPY into one table with four indexes", f"{found['copied']:,.0f} rows/s", "-"),
        ("limit: one row and commit, one connection", f"{found['committed']:,.0f}/s", "-"),
        ("limit: a round trip to the database", f"{found['asked_ms']:.3f} ms", "-"),
    ]


PEER_PAGES = (
    ("list_p1_1c", "list, page 1", "inbox, all, page 1"),
    ("list_p50_1c", "list, page 50", "inbox, all, page 50"),
    ("search_rare_1c", "search, rare word", "search, rare word"),
    ("search_common_1c", "search, common word", "search, common word"),
    ("view30_1c", "a thread of 30", "a conversation of 30 messages"),
    ("dashboard_1c", "dashboard", "home"),
)
"""Its figure, in words, and which page of ours does the same."""


def peers(ours: dict[tuple[str, int], float]) -> list[Row]:
    """django-helpdesk, measured by the script beside the real data, where there is one.

    `ours` are the median milliseconds of our pages in this run, by page and number of messages.
    """
    script = SHARED / "bench" / "peers" / "django_helpdesk.py"
    if not script.exists():
        return [("django-helpdesk", "left out: set HEARD_SHARED", "-")]
    sizes = [n for n in (10_000, 100_000) if (PEER_PAGES[0][2], n) in ours]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, str(script)],
            env=os.environ | {"BENCH_SIZES": ",".join(map(str, sizes)), "BENCH_DIR": folder},
            capture_output=True, text=True, check=False, timeout=1200,
        )  # fmt: skip
    if done.returncode:
        return [("django-helpdesk", "did not run here: " + done.stderr.strip()[-120:], "-")]
    figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    found: list[Row] = []
    for n in sizes:
        theirs = figures["sizes"][str(n)]
        for key, what, page in PEER_PAGES:
            if "p50" in theirs.get(key, {}) and (page, n) in ours:
                peer, mine = theirs[key]["p50"], ours[page, n]
                found.append(
                    (f"django-helpdesk, {what}, {n:,} tickets",
                     f"p50 {peer:.0f} ms, heard {mine:.1f} ms: {peer / mine:.0f} ×", "a clear lead")
                )  # fmt: skip
        found.append(
            (f"django-helpdesk, mails taken in, {n:,} tickets",
             f"{theirs['ingest']['msg_s']:.0f}/s{beside(theirs, ours)}; 8 clients "
             f"{theirs['list_p1_8c'].get('rps')} pages/s; server {theirs['server_pss_mb']} MB", "-")
        )  # fmt: skip
        found.append(
            (f"django-helpdesk, 1,000 tickets due, {n:,} tickets",
             f"{theirs['escalate_1000_due']['s']} s", "-")
        )  # fmt: skip
    return found


def beside(theirs: dict[str, Any], ours: dict[tuple[str, int], float]) -> str:
    """Our intake of the same short mails in this run, if it was measured."""
    mine, peer = ours.get(("mails taken in", 0)), theirs["ingest"]["msg_s"]
    return f" (heard {mine:,.0f}/s: {mine / peer:.0f} ×)" if mine and peer else ""


def write(rows: list[Row], *, wanted: argparse.Namespace, now: datetime) -> None:
    results.write(
        [
            "# What was measured",
            "",
            f"{now:%Y-%m-%d}, {results.machine()}, "
            "embedded PostgreSQL with full durability, everything switched on unless said. "
            f'`make bench ARGS="--messages {wanted.messages}"`. Medians; the machine is a shared '
            "one, so ratios and CPU say more than milliseconds.",
            "",
            "| work | reached | to reach |",
            "|---|---|---|",
            *(f"| {what} | {reached} | {target} |" for what, reached, target in rows),
        ]
    )
    print(f"written to {results.RESULTS}")


if __name__ == "__main__":
    main()
