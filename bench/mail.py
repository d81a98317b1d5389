"""E-mail taken in by one process: kept raw, parsed, threaded, read and stored; beside a peer.

python -m bench.mail        this chapter alone, with django-helpdesk's own intake in the same run
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

from bench.archive import sentence
from bench.house import House, cpu_of
from heard.lib import postgres

SHARED = Path(os.environ.get("HEARD_SHARED", Path(__file__).parents[2] / "shared"))
COUNT = 4_000
ROUNDS = 3
"""Each in an inbox of its own, the earlier ones beside it; the middle one is told."""
AT_ONCE = 50
"""As many mails as the IMAP listener keeps in one transaction."""

Row = tuple[str, str, str]


def plain(number: int, chance: random.Random) -> bytes:
    """A short mail as the peer's own bench has it; three of ten answer an earlier one."""
    is_answer = number % 10 < 3 and number > 20
    earlier = chance.randrange(number) if is_answer else 0
    headers = f"In-Reply-To: <plain{earlier}@example.org>\r\n" if is_answer else ""
    text = "\r\n".join(sentence(chance) for _ in range(3))
    return (
        f"From: Customer {number} <c{chance.randrange(5000)}@example.org>\r\n"
        f"To: support@bench.example\r\nSubject: Question {number}\r\n"
        f"Message-ID: <plain{number}@example.org>\r\nDate: {_date(number)}\r\n{headers}"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    ).encode()


def mixed(number: int, chance: random.Random) -> bytes:
    """As mailboxes are: two thirds with HTML beside the text, many with quotes, some with files."""
    mail = EmailMessage()
    mail["From"] = f"Jörg Müller {number} <m{chance.randrange(5000)}@example.org>"
    mail["To"] = "Support <support@bench.example>"
    mail["Subject"] = f"Re: Anfrage {number}: wo bleibt das Päckchen?"
    mail["Date"], mail["Message-ID"] = _date(number), f"<mixed{number}@example.org>"
    mail["Received"] = f"from a.example by b.example; {_date(number)}"
    mail["Authentication-Results"] = "b.example; dkim=pass header.d=example.org; dmarc=pass"
    said = " ".join(sentence(chance) for _ in range(3))
    quoted = [sentence(chance) for _ in range(12)]
    if number % 10 < 5 and number > 20:
        mail["References"] = f"<mixed{chance.randrange(number)}@example.org>"
    lines = "\n".join(f"> {line}" for line in quoted)
    mail.set_content(
        f"Guten Tag,\n\n{said}\n\nAm 22.11.2026 um 10:00 schrieb Support:\n{lines}\n\n-- \nJörg\n"
    )
    if number % 3:
        old = "".join(f"<p style='margin:0'>{line}</p>" for line in quoted)
        mail.add_alternative(
            f"<html><body><p>Guten Tag,</p><p>{said}</p><blockquote>{old}</blockquote></body>",
            subtype="html",
        )
    if number % 20 == 0:
        mail.add_attachment(
            chance.randbytes(20_000), maintype="image", subtype="jpeg", filename="Päckchen.jpg"
        )
    return mail.as_bytes().replace(b"\n", b"\r\n")


def take(shape: str, turn: int = 0) -> dict[str, float]:
    """Inside a house: take a corpus in, and tell what it cost this process."""
    from django.db import transaction
    from django.utils import timezone

    from heard.channels.base import Delivered
    from heard.conversations.deliveries.journal import keep_fetched, take_in
    from heard.conversations.models import Inbox, Message, Policy

    make = {"plain": plain, "mixed": mixed}[shape]
    chance = random.Random(7 + turn)
    now = timezone.now()
    policy = Policy.objects.first() or Policy.objects.create(name="Bench")
    inbox = Inbox.objects.create(
        name=f"Mail {shape} {turn}", slug=f"mail-{shape}-{turn}", kind="email", policy=policy,
        created_at=now,
        settings={"address": "support@bench.example", "trusted_server": "b.example"},
    )  # fmt: skip
    mails = [
        Delivered(make(n, chance), {"folder": "INBOX", "uid": str(n)}, now, external_id=f"i/1/{n}")
        for n in range(COUNT)
    ]

    def bring(lot: list[Delivered]) -> None:
        with transaction.atomic():
            keep_fetched(inbox.pk, lot, now=now)

    bring(mails[:AT_ONCE])
    take_in(now=now)  # the models are loaded, the statements planned
    rest = mails[AT_ONCE:]
    database = _backend()
    at_the_database = cpu_of(database)
    cpu, began = time.process_time(), time.monotonic()
    for start in range(0, len(rest), AT_ONCE):
        bring(rest[start : start + AT_ONCE])
        if start % (10 * AT_ONCE) == 9 * AT_ONCE:
            take_in(now=now)
    while take_in(now=now):
        pass
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    stored = Message.objects.filter(inbox=inbox).count()
    if stored != COUNT:
        sys.exit(f"{stored} of {COUNT} mails were stored")
    return {
        "count": len(rest), "seconds": seconds, "cpu": cpu,
        "database": cpu_of(database) - at_the_database,
        "kilobytes": sum(len(mail.body) for mail in rest) / len(rest) / 1024,
    }  # fmt: skip


def measure(ours: dict[tuple[str, int], float] | None = None) -> list[Row]:
    """In a house of its own, where nobody else takes anything in."""
    house = House()
    found: list[Row] = []
    try:
        postgres.start(house.home)
        house.command("migrate")
        for shape, what in (("plain", "short plain mails"), ("mixed", "mails as mailboxes are")):
            told = []
            for turn in range(ROUNDS):
                taking = f"take({shape!r}, {turn})"
                code = f"import json; from bench.mail import take; print(json.dumps({taking}))"
                told.append(json.loads(house.python(code)))
            told.sort(key=lambda one: one["seconds"])
            said = told[ROUNDS // 2]
            slowest, quickest = (one["count"] / one["seconds"] for one in (told[-1], told[0]))
            count, cpu, database = said["count"], said["cpu"], said["database"]
            if ours is not None and shape == "plain":
                ours["mails taken in", 0] = count / said["seconds"]
                ours["CPU s per 1,000 mails", 0] = 1000 * cpu / count
            found.append(
                (
                    f"{what} ({said['kilobytes']:.1f} kB), kept, parsed, threaded, read and stored "
                    "by one process",
                    f"{count / said['seconds']:,.0f}/s ({slowest:,.0f} to {quickest:,.0f} in "
                    f"{ROUNDS} rounds); {1000 * cpu / count:.2f} CPU s per 1,000, "
                    f"and {1000 * database / count:.2f} of the database",
                    "≥ 1,000/s, ≤ 1.0 CPU s per 1,000",
                )
            )
    finally:
        house.remove()
    return found


def peer(ours: dict[tuple[str, int], float]) -> Iterator[Row]:
    """django-helpdesk's `get_email` on a folder of mails, by the script beside the real data."""
    script = SHARED / "bench" / "peers" / "django_helpdesk.py"
    if not script.exists():
        yield "django-helpdesk", "left out: set HEARD_SHARED", "-"
        return
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, str(script)],
            env=os.environ | {"BENCH_SIZES": "10000", "BENCH_DIR": folder},
            capture_output=True, text=True, check=False, timeout=1200,
        )  # fmt: skip
    if done.returncode:
        yield "django-helpdesk", "did not run here: " + done.stderr.strip()[-120:], "-"
        return
    figures = json.loads(done.stdout.strip().splitlines()[-1])
    rate, cpu = ours["mails taken in", 0], ours["CPU s per 1,000 mails", 0]
    for where, theirs in (
        ("empty", figures["ingest_empty"]),
        ("10,000 tickets", figures["sizes"]["10000"]["ingest"]),
    ):
        yield (
            f"django-helpdesk, short plain mails taken in, {where}",
            f"{theirs['msg_s']:.0f}/s, heard {rate:,.0f}/s: {rate / theirs['msg_s']:.0f} ×; "
            f"{theirs['client_cpu_s_per_1k']} CPU s per 1,000, heard {cpu:.2f}: "
            f"{theirs['client_cpu_s_per_1k'] / cpu:.0f} ×",
            "≥ 10 ×",
        )


def _backend() -> int:
    """The process of the database that works for us."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _date(number: int) -> str:
    at = datetime.now(UTC) - timedelta(hours=1) + timedelta(milliseconds=number)
    return f"{at:%a, %d %b %Y %H:%M:%S} +0000"


def main() -> None:
    ours: dict[tuple[str, int], float] = {}
    for what, reached, target in measure(ours):
        print(f"{what}: {reached}   [{target}]", flush=True)
    if "--without-peer" not in sys.argv:
        for what, reached, target in peer(ours):
            print(f"{what}: {reached}   [{target}]", flush=True)


if __name__ == "__main__":
    main()
