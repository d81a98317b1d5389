"""`heard doctor`: looks at everything a person could get wrong, and says it in words.

It changes nothing, and starts the embedded database only for as long as it looks.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import json
import shutil
import smtplib
import stat
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib import metadata
from itertools import islice
from pathlib import Path
from urllib.parse import unquote, urlsplit

import django
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from heard import database, environment, migrating, running
from heard.lib import cluster, stores
from heard.lib.private import is_held
from heard.lib.spoken import SpokenError

OLDEST_PYTHON = (3, 11)
GIGABYTE = 1_000_000_000
LEAST_FREE_GIGABYTES = 0.5
COMFORTABLE_FREE_GIGABYTES = 5.0
CLOCKS_MAY_DIFFER_SECONDS = 5.0
DEAF = {"troubled", "needs_person"}
WORKER_SILENT_SECONDS = 60.0
MAIL_PATIENCE_SECONDS = 5.0
MANY = 100
PROBE = hashlib.sha256(b"heard").hexdigest()
EXTENSIONS = ("pg_trgm", "unaccent")
MAIL_SCHEMES = ("smtp", "smtps", "smtp+tls")


class State(StrEnum):
    """What the doctor thinks of something: only `WRONG` must be mended."""

    GOOD = "good"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What was looked at, what the doctor thinks of it, and why."""

    about: str
    state: State
    text: str


def examine(arguments: Sequence[str]) -> int:
    """Look at everything that could be wrong, and say what to do about it."""
    parser = argparse.ArgumentParser(prog="heard doctor", description=examine.__doc__)
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args(arguments)
    opinions = list(look())
    wrong = sum(opinion.state == State.WRONG for opinion in opinions)
    if options.json:
        print(json.dumps([asdict(opinion) for opinion in opinions], indent=1))
    else:
        for opinion in opinions:
            print(f"{_SIGNS[opinion.state]} {opinion.about:<12} {opinion.text}")
        print(f"\n{wrong} to mend." if wrong else "\nAll is well.")
    return 1 if wrong else 0


_SIGNS = {State.GOOD: "✓", State.NOTE: "·", State.WRONG: "✗"}


def look() -> Iterator[Opinion]:
    """Every opinion, one after the other; what depends on the database comes last."""
    for about, examination in WITHOUT_DATABASE.items():
        yield from _opinions(about, examination)
    try:
        with database.serving():
            for about, examination in WITH_DATABASE.items():
                yield from _opinions(about, examination)
    except SpokenError as error:
        yield Opinion("database", State.WRONG, str(error))


def python() -> Iterator[tuple[State, str]]:
    """The version of Python."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < OLDEST_PYTHON:
        yield State.WRONG, f"Python {version} is too old; heard needs 3.11 or newer."
    else:
        yield State.GOOD, f"Python {version}"


def packages() -> Iterator[tuple[State, str]]:
    """Whether what is installed is what the lock file names."""
    lock = Path(__file__).resolve().parent.parent / "uv.lock"
    if not lock.exists():
        yield State.NOTE, "There is no lock file here, so the packages cannot be compared with it."
        return
    missing, other = compare_with_lock(lock)
    if missing:
        yield State.WRONG, f"Missing: {', '.join(missing)}. Run `make setup`."
    if other:
        yield State.WRONG, f"Not as in the lock file: {', '.join(other)}. Run `make setup`."
    if not missing and not other:
        yield State.GOOD, "As the lock file names them."


def compare_with_lock(lock: Path) -> tuple[list[str], list[str]]:
    """Packages heard needs by itself that are missing, and all that are of another version."""
    packages = tomllib.loads(lock.read_text(encoding="utf-8"))["package"]
    wanted: dict[str, set[str]] = {}  # a name may come in several versions, one for each Python
    for package in packages:
        wanted.setdefault(package["name"], set()).add(package.get("version", ""))
    heard = next(package for package in packages if package["name"] == "heard")
    missing = [one["name"] for one in heard["dependencies"] if _installed(one["name"]) is None]
    other = []
    for name, versions in wanted.items():
        found = _installed(name)
        if found is not None and found not in versions and "" not in versions:
            other.append(f"{name} {found} instead of {' or '.join(sorted(versions))}")
    return missing, other


def home() -> Iterator[tuple[State, str]]:
    """The data folder: there, writable, with space left."""
    folder = environment.prepare_home()
    free = shutil.disk_usage(folder).free / GIGABYTE
    if free < LEAST_FREE_GIGABYTES:
        yield State.WRONG, f"{folder} has only {free:.2f} GB left; free some space soon."
    elif free < COMFORTABLE_FREE_GIGABYTES:
        yield State.NOTE, f"{folder} has {free:.1f} GB left; that will not last for ever."
    else:
        yield State.GOOD, f"{folder}, {free:,.0f} GB free"
    for part in ("attachments", "logs"):
        inside = folder / part
        if inside.exists() and not _is_writable(inside):
            yield State.WRONG, f"{inside} is not writable for you; give it to this user."


def secrets() -> Iterator[tuple[State, str]]:
    """That nobody else may read what is secret."""
    environment.secret_key()
    folder = environment.prepare_home()
    readable = []
    for name in ("secret-key", "postgres-password", "heard.env"):
        file = folder / name
        if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
            readable.append(str(file))
    if readable:
        yield State.WRONG, f"Others may read {', '.join(readable)}; run: chmod 600 FILE."
    else:
        yield State.GOOD, "Nobody else may read the key and the password."


def address() -> Iterator[tuple[State, str]]:
    """The public address, and the ports."""
    url = environment.public_url()
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        yield State.WRONG, f"HEARD_URL must begin with https:// or http://, not {url!r}."
    elif parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        yield State.NOTE, f"{url} is not encrypted: passwords travel readable. Use https://."
    else:
        yield State.GOOD, url
    ours = is_held(environment.prepare_home(), "run")
    for port in (environment.port(), environment.live_port()):
        if ours:
            yield State.GOOD, f"Port {port} serves this heard."
            continue
        try:
            running.refuse_taken(environment.host(), port)
        except running.CannotRunError as error:
            yield State.WRONG, str(error)
        else:
            yield State.GOOD, f"Port {port} is free."


def clock() -> Iterator[tuple[State, str]]:
    """The time zone."""
    yield State.GOOD, environment.timezone()


def attachments() -> Iterator[tuple[State, str]]:
    """Whether the store of attachments takes, gives and forgets bytes."""
    goes_to, account = environment.attachments_in(), environment.s3()
    folder = stores.Folder(environment.home() / "attachments")
    if account is None:
        yield State.GOOD, f"They go to {folder.title}."
        return
    bucket = stores.Bucket(account)
    try:
        bucket.put(PROBE, b"heard")
        given = b"".join(bucket.pieces(PROBE))
        bucket.remove(PROBE)
    except stores.StoreError as error:
        yield State.WRONG, f"{bucket.title[:1].upper()}{bucket.title[1:]} cannot be used: {error}"
        return
    if given != b"heard":
        yield State.WRONG, f"{bucket.title} does not give back what was put there."
    elif goes_to == "s3":
        yield State.GOOD, f"They go to {bucket.title}, which takes and gives."
    else:
        yield State.NOTE, f"They go to {folder.title}; {bucket.title} is only read from."
    if goes_to == "s3" and (waiting := sum(1 for _ in islice(folder.listed(), MANY))):
        count = f"{waiting}" if waiting < MANY else f"{MANY} or more"
        yield (
            State.NOTE,
            (
                f"{count} still lie in {folder.title};"
                " `heard attachments move --to s3` moves them now."
            ),
        )


def kept_files() -> Iterator[tuple[State, str]]:
    """Whether the newest attachments are where their rows say."""
    if not database.is_prepared() or not database.is_current():
        return
    django.setup()
    tidying = importlib.import_module("heard.conversations.files.tidying")
    lost = list(tidying.missing(newest=MANY))
    if lost:
        names = ", ".join(row.name for row in lost[:3])
        yield (
            State.WRONG,
            (
                f"{len(lost)} of the newest {MANY} attachments are in no store ({names} …);"
                " `heard attachments check` names all: bring them back from a backup."
            ),
        )
    if not all(tidying.is_ours(one) for one in tidying.stores()):
        yield State.WRONG, "The bucket belongs to another heard: give this one a HEARD_S3_PREFIX."


def mail() -> Iterator[tuple[State, str]]:
    """Whether mails can leave."""
    url = environment.text("EMAIL_URL", "")
    if not url:
        folder = environment.home() / "mail"
        yield State.NOTE, f"EMAIL_URL is not set: mails are written into {folder} and not sent."
        return
    parts = urlsplit(url)
    if parts.scheme not in MAIL_SCHEMES or not parts.hostname:
        yield State.WRONG, "EMAIL_URL must look like smtp+tls://user:password@mail.example.org:587."
        return
    try:
        with _mail_server(url) as server:
            server.noop()
    except smtplib.SMTPAuthenticationError:
        yield State.WRONG, f"{parts.hostname} refuses the user and password of EMAIL_URL."
    except (OSError, smtplib.SMTPException) as error:
        yield State.WRONG, f"{parts.hostname} of EMAIL_URL does not take mail ({error})."
    else:
        yield State.GOOD, f"{parts.hostname} takes mail."


def server() -> Iterator[tuple[State, str]]:
    """The database server: version, extensions, clock."""
    with database.connect() as reached:
        version = reached.info.server_version
        row = reached.execute(
            "SELECT extract(epoch FROM clock_timestamp())::float,"
            " ARRAY(SELECT name::text FROM pg_available_extensions)"
        ).fetchone()
        assert row is not None
    theirs, available = row
    kind = "embedded" if environment.uses_embedded_database() else "of DATABASE_URL"
    yield State.GOOD, f"PostgreSQL {version // 10_000}.{version % 10_000} ({kind}) answers."
    lacking = [name for name in EXTENSIONS if name not in available]
    if lacking:
        package = "install PostgreSQL's contrib package on its machine"
        yield State.WRONG, f"It lacks the extensions {', '.join(lacking)}; {package}."
    difference = abs(theirs - time.time())
    if difference > CLOCKS_MAY_DIFFER_SECONDS:
        yield State.WRONG, f"Its clock is {difference:.0f} s off ours; set both by NTP."


def admission() -> Iterator[tuple[State, str]]:
    """Whom the embedded server lets in."""
    if not environment.uses_embedded_database():
        return
    ours = cluster.locate(environment.home())
    rules = (ours.data / "pg_hba.conf").read_text().splitlines()
    ways_in = [line.split()[-1] for line in rules if line.strip() and not line.startswith("#")]
    if any(way != "scram-sha-256" for way in ways_in):
        file = ours.data / "pg_hba.conf"
        text = f"{file} lets people in without a password; keep only `scram-sha-256` in it."
        yield State.WRONG, text
    else:
        yield State.GOOD, "Nobody comes in without the password."
    for aside in ours.folder.parent.glob(f"{ours.folder.name}-set-aside-*"):
        text = f"{aside} is the database of a former data folder; delete it if nobody misses it."
        yield State.NOTE, text


def tables() -> Iterator[tuple[State, str]]:
    """Whether the tables are those of this program."""
    if not database.is_prepared():
        yield State.NOTE, "There are no tables yet; `heard run` makes them."
        return
    django.setup()
    migrating.refuse_newer()
    waiting = migrating.unapplied_migrations()
    if waiting:
        yield State.NOTE, f"{len(waiting)} changes wait for `heard migrate` (or `heard run`)."
    else:
        yield State.GOOD, "The tables are those of this heard."
    for message in checks.run_checks():
        if message.level >= checks.ERROR:
            yield State.WRONG, f"{message.msg} {message.hint or ''}".strip()


def worker() -> Iterator[tuple[State, str]]:
    """Whether jobs are being done while heard runs."""
    if not is_held(environment.home(), "run") or not database.is_prepared():
        yield State.NOTE, "heard is not running now, so nothing is taken in or sent."
        return
    with database.connect() as reached:
        row = reached.execute(
            "SELECT extract(epoch FROM now() - max(last_heartbeat))::float"
            " FROM procrastinate_workers"
        ).fetchone()
    silent = row[0] if row else None
    if silent is None or silent > WORKER_SILENT_SECONDS:
        log = environment.home() / "logs" / "worker.log"
        yield State.WRONG, f"The worker gives no sign of life; {log} may say why."
    else:
        yield State.GOOD, "The worker is at work."


def listening() -> Iterator[tuple[State, str]]:
    """Whether every connected inbox hears."""
    if not database.is_prepared() or not database.is_current():
        return
    with database.connect() as reached:
        rows = reached.execute(
            "SELECT i.name, l.reason, l.state FROM listening l JOIN inbox i ON i.id = l.inbox_id"
            " WHERE NOT i.is_sample ORDER BY i.name"
        ).fetchall()
    deaf = [(name, reason) for name, reason, state in rows if state in DEAF]
    for name, reason in deaf:
        yield State.WRONG, f"The inbox {name} does not hear: {reason}"
    if rows and not deaf:
        yield State.GOOD, f"{len(rows)} connected inboxes hear well."


Examination = Callable[[], Iterator[tuple[State, str]]]
WITHOUT_DATABASE: dict[str, Examination] = {
    "python": python,
    "packages": packages,
    "data folder": home,
    "secrets": secrets,
    "address": address,
    "time zone": clock,
    "attachments": attachments,
    "mail": mail,
}
WITH_DATABASE: dict[str, Examination] = {
    "database": server,
    "admission": admission,
    "tables": tables,
    "files": kept_files,
    "worker": worker,
    "listening": listening,
}


def _opinions(about: str, examination: Examination) -> Iterator[Opinion]:
    try:
        for state, text in examination():
            yield Opinion(about, state, text)
    except (SpokenError, ImproperlyConfigured) as error:
        yield Opinion(about, State.WRONG, str(error))
    except OSError as error:
        yield Opinion(about, State.WRONG, f"{error.filename or about}: {error.strerror or error}.")
    except Exception as error:  # noqa: BLE001 - a doctor does not faint
        told = f"{type(error).__name__}: {error}"
        yield Opinion(about, State.WRONG, f"This is a fault of heard; please report it ({told}).")


def _installed(name: str) -> str | None:
    with contextlib.suppress(metadata.PackageNotFoundError):
        return metadata.version(name)
    return None


def _is_writable(folder: Path) -> bool:
    probe = folder / ".doctor"
    try:
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def _mail_server(url: str) -> smtplib.SMTP:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, parts.port or 465, timeout=MAIL_PATIENCE_SECONDS
        )
    else:
        server = smtplib.SMTP(host, parts.port or 25, timeout=MAIL_PATIENCE_SECONDS)
    if parts.scheme == "smtp+tls":
        server.starttls()
    if parts.username:
        server.login(unquote(parts.username), unquote(parts.password or ""))
    return server
