# ruff: noqa: N999 -- a command is called as its file
"""`heard import`: brings an archive in, tells how far it is, and says what became of it."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from heard.channels.archives import (
    Archive,
    CallRecords,
    Dialogues,
    HelpForum,
    Mbox,
    Table,
    Twcs,
    read_map,
)
from heard.channels.archives.calls import SYSTEMS
from heard.channels.dates import moment
from heard.channels.phone.numbers import is_country
from heard.conversations.archives.importing import Progress, Summary, Wishes, bring_in

PLAIN_SECONDS = 10
TERMINAL_SECONDS = 0.2


class Command(BaseCommand):
    """One subcommand for each format of archive."""

    help = "Bring an archive in: a forum, tweets, dialogues, a mailbox, calls, any export by a map."

    def add_arguments(self, parser: CommandParser) -> None:
        """The formats, each with its own arguments and those that all share."""
        formats = parser.add_subparsers(dest="format", metavar="FORMAT", required=True)

        forum = formats.add_parser("helpforum", help="two CSV files, questions and answers")
        forum.add_argument("--inbox", required=True, metavar="NAME")
        forum.add_argument("questions", type=Path)
        forum.add_argument("answers", type=Path)

        tweets = formats.add_parser("twcs", help="support tweets; one inbox for each company")
        which = tweets.add_mutually_exclusive_group(required=True)
        which.add_argument("--company", action="append", metavar="HANDLE", help="may be repeated")
        which.add_argument("--all", action="store_true", help="every company in the file")
        tweets.add_argument("file", type=Path)

        dialogues = formats.add_parser("dialogues", help="dated dialogues, a JSON object a line")
        dialogues.add_argument("file", type=Path)

        letters = formats.add_parser("mbox", help="a mailbox file")
        letters.add_argument("--inbox", required=True, metavar="NAME")
        letters.add_argument(
            "--us",
            nargs="+",
            action="extend",
            required=True,
            metavar="ADDRESS",
            help="our own addresses, or whole domains as @example.com",
        )
        letters.add_argument("file", nargs="?")

        rung = formats.add_parser("calls", help="call records of Asterisk, FreeSWITCH or 3CX")
        rung.add_argument("--inbox", required=True, metavar="NAME")
        rung.add_argument("--from", required=True, dest="system", choices=sorted(SYSTEMS))
        rung.add_argument(
            "--timezone",
            type=_zone,
            default=ZoneInfo("UTC"),
            metavar="ZONE",
            help="where the times in the file were written: Europe/Berlin (UTC)",
        )
        rung.add_argument(
            "--country",
            type=_country,
            default="",
            metavar="CC",
            help="where numbers without a country code are dialled: DE",
        )
        rung.add_argument("file", type=Path)

        table = formats.add_parser("csv", help="any CSV or JSON lines, read by a map in TOML")
        table.add_argument("--inbox", required=True, metavar="NAME")
        table.add_argument("--map", required=True, type=Path, metavar="FILE.toml")
        table.add_argument("file", type=Path)

        for one in (forum, tweets, dialogues, letters, rung, table):
            _add_shared_arguments(one)

    def handle(self, *_: Any, **options: Any) -> None:
        """Read the wishes, bring the archive in, and say what became of it."""
        wishes = Wishes(
            kind=options["format"],
            inbox=(options.get("inbox") or "").strip(),
            open_since=options["open_since"],
            respond_within_minutes=options["respond_within"],
            is_read=not options["no_reading"],
            processes=options["processes"],
        )
        said = _Said(sys.stderr.isatty())
        try:
            archive = _archive(options)
            summary = bring_in(archive, wishes=wishes, clock=timezone.now, tell=said.tell)
        except KeyboardInterrupt:
            said.end()
            self.stderr.write("Stopped. The same command goes on from here.")
            raise
        said.end()
        self.stdout.write(_sentences(summary))


def _add_shared_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--open-since",
        type=_date,
        metavar="DATE",
        help="conversations with a message since then are still alive; all others arrive closed",
    )
    parser.add_argument(
        "--respond-within",
        type=_minutes,
        metavar="HOURS",
        help="the promise by which history is judged in a new inbox (24; every hour counts)",
    )
    parser.add_argument("--no-reading", action="store_true", help="take texts in without reading")
    parser.add_argument(
        "--processes",
        type=_count,
        metavar="N",
        help="how many file messages beside each other (as many as there are cores)",
    )


def _date(text: str) -> datetime:
    at = moment(text, zone=timezone.get_current_timezone())
    if at is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write it as 2026-01-31")
    return at


def _minutes(text: str) -> int:
    try:
        hours = float(text)
    except ValueError:
        hours = 0
    if not 1 / 60 <= hours <= 24 * 366:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of hours")
    return round(hours * 60)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes (1 to 64)")
    return int(text)


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise argparse.ArgumentTypeError(f"{text!r} is no time zone") from None


def _country(text: str) -> str:
    if not is_country(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no country's two letters")
    return text.upper()


def _archive(options: dict[str, Any]) -> Archive:
    match options["format"]:
        case "helpforum":
            return HelpForum(options["questions"], options["answers"])
        case "twcs":
            return Twcs(options["file"], tuple(options["company"] or ()))
        case "dialogues":
            return Dialogues(options["file"])
        case "mbox":
            addresses = [*options["us"]]
            # `--us ADDRESS… FILE`: the last of many words is the file.
            file = options["file"] or (addresses.pop() if len(addresses) > 1 else None)
            if file is None:
                raise CommandError("Name the mailbox file after our addresses.")
            return Mbox(Path(file), tuple(addresses))
        case "calls":
            return CallRecords(
                options["file"], options["system"], options["timezone"], options["country"]
            )
        case _:
            return Table(options["file"], read_map(options["map"]))


class _Said:
    """Progress: one line that changes on a terminal, a new line now and then elsewhere."""

    def __init__(self, is_terminal: bool) -> None:  # noqa: FBT001 - there is nothing else to it
        self._is_terminal = is_terminal
        self._last = time.monotonic()
        self._has_line = False

    def tell(self, progress: Progress) -> None:
        """Say it, if it has not been said just now."""
        now = time.monotonic()
        if now - self._last < (TERMINAL_SECONDS if self._is_terminal else PLAIN_SECONDS):
            return
        self._last = now
        line = (
            f"{progress.share:4.0%}  {progress.records:,} records"
            f"  {progress.rate():,.0f} messages/s  {_left(progress)}"
        )
        if self._is_terminal:
            sys.stderr.write(f"\r{line:<78}")
            self._has_line = True
        else:
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the line that changed."""
        if self._has_line:
            sys.stderr.write("\r" + " " * 78 + "\r")


def _left(progress: Progress) -> str:
    seconds = progress.seconds_left()
    return "" if seconds is None else f"{_span(seconds)} left"


def _span(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"


def _sentences(summary: Summary) -> str:
    lines = []
    if len(summary.inboxes) == 1:
        lines.append(f"Into the inbox {summary.inboxes[0]}:")
    elif summary.inboxes:
        names = ", ".join(summary.inboxes[:5]) + (" …" if len(summary.inboxes) > 5 else "")
        lines.append(f"Into {len(summary.inboxes)} inboxes ({names}):")
    if summary.went_on_from:
        lines.append(f"  (gone on with from record {summary.went_on_from:,})")
    lines.append(f"  {summary.taken:>12,}  taken")
    lines.append(f"  {summary.known:>12,}  known already")
    lines.append(f"  {summary.set_aside:>12,}  set aside")
    lines += [
        f"  {'':12}  {reason.times:>9,}  {reason.reason} ({reason.where} …)"
        for reason in summary.reasons[:20]
    ]
    if summary.reasons:
        lines.append("  They are kept as they came: Settings, Set aside (/settings/aside/).")
    if summary.failed:
        lines.append(f"  {summary.failed:>12,}  promises that were not kept: see the ledger")
    if summary.revived:
        lines.append(f"  {summary.revived:>12,}  conversations are still open")
    lines.append(f"{_span(summary.seconds)}, {summary.rate:,.0f} messages/s.")
    return "\n".join(lines)
