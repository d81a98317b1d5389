"""`heard backup` and `heard restore`: everything of an installation in one file, and back.

A restore takes effect as a whole or not at all.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import django
from django.apps import apps
from django.conf import settings
from django.db import connection

from heard import database, environment, migrating
from heard.lib import archive, dumping, stores
from heard.lib.private import HeldError, hold
from heard.lib.spoken import SpokenError

DUMP = "database.dump"
FORMAT = 1
# What belongs to this machine, or can be made again.
LEFT_OUT = frozenset({"postgres", "postgres-password", "locks", "logs", "static"})


class RestoreError(SpokenError):
    """The backup cannot be restored here. The text says why, and what to do."""


def backup(arguments: Sequence[str]) -> int:
    """Write everything (database, attachments, keys and settings) into one file."""
    parser = argparse.ArgumentParser(prog="heard backup", description=backup.__doc__)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--with-s3", action="store_true", help="also what lies in the bucket (HEARD_S3_BUCKET)"
    )
    options = parser.parse_args(arguments)
    file = options.file.absolute()
    elsewhere = write(file, with_s3=options.with_s3)
    size = f"{file.stat().st_size / 1e6:,.1f} MB"
    if elsewhere:
        print(f"Everything but the attachments in {elsewhere} is in {file} ({size}).")
        print("Let the bucket keep its versions or be copied, or take --with-s3. Keep it private.")
    else:
        print(f"Everything is in {file} ({size}). Keep it private.")
    return 0


def restore(arguments: Sequence[str]) -> int:
    """Bring back everything from a backup; what is here now is replaced as a whole."""
    parser = argparse.ArgumentParser(prog="heard restore", description=restore.__doc__)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--replace", action="store_true", help="even if there is something here")
    options = parser.parse_args(arguments)
    made_at, elsewhere = read(options.file.absolute(), replace=options.replace)
    if elsewhere:
        print(f"All but the attachments in {elsewhere} is as it was on {made_at}.")
        print(
            "The backup does not carry those; `heard attachments check` says whether all are there."
        )
    else:
        print(f"Everything is as it was on {made_at}.")
    return 0


def write(file: Path, *, with_s3: bool = False) -> str:
    """Write the backup to the new file `file`; returns where attachments lie that it leaves out.

    Raises `ArchiveError`, `DumpError`, and `StoreError` when the bucket cannot be read.
    """
    account = environment.s3()
    elsewhere = stores.Bucket(account).title if account and not with_s3 else ""
    home = environment.prepare_home()
    if not file.parent.is_dir():
        raise archive.ArchiveError(f"There is no folder {file.parent} to write the backup into.")
    with database.serving(), tempfile.TemporaryDirectory(dir=file.parent, prefix=".heard-") as near:
        django.setup()
        dump = Path(near, DUMP)
        # Rows first: a file is stored before the row that names it, so none can be missing.
        dumping.dump(environment.database_url(), to=dump)
        facts = {
            "format": FORMAT,
            "made_by": f"heard {importlib.metadata.version('heard')}",
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "migrations": migrating.applied_migrations(),
            "elsewhere": elsewhere,
        }
        connection.close()
        files = ((f"home/{path.relative_to(home)}", path) for path in kept_files(home))
        fetched = from_bucket(account, home=home, near=Path(near)) if account and with_s3 else ()
        archive.write(file, parts=chain([(DUMP, dump)], files, fetched), facts=facts)
    return elsewhere


def from_bucket(account: stores.Account, *, home: Path, near: Path) -> Iterator[tuple[str, Path]]:
    """What lies in the bucket, one file after the other, as if it lay in the data folder."""
    bucket, folder = stores.Bucket(account), stores.Folder(home / "attachments")
    here = near / "from-bucket"
    for stored in bucket.listed():
        if folder.size(stored.digest) is None:
            try:
                here.write_bytes(b"".join(bucket.pieces(stored.digest)))
            except stores.MissingError:
                continue  # removed since it was listed
            yield f"home/{folder.path(stored.digest).relative_to(home)}", here


def read(file: Path, *, replace: bool) -> tuple[str, str]:
    """Restore the backup in `file`; returns when it was made, and what bucket it leans on.

    Raises `RestoreError`, `ArchiveError` or `DumpError`, and leaves everything as it was.
    """
    home = environment.prepare_home()
    try:
        with hold(home, "run", note="restoring a backup"), database.serving():
            django.setup()
            if not replace:
                refuse_inhabited()
            with tempfile.TemporaryDirectory(dir=home, prefix=".restoring-") as folder:
                return _read(file, home=home, near=Path(folder))
    except HeldError as holder:
        raise RestoreError(f"heard is at work in {home} ({holder}); end it first.") from None


def kept_files(home: Path) -> Iterator[Path]:
    """Every file of the data folder that belongs into a backup."""
    for top in sorted(home.iterdir()):
        if top.name not in LEFT_OUT and not top.name.startswith("."):
            found = sorted(top.rglob("*")) if top.is_dir() else [top]
            yield from (path for path in found if _is_kept(path))


def _is_kept(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.suffix != ".part"


def refuse_inhabited() -> None:
    """Raise `RestoreError` when somebody works here already, or has been heard here."""
    if not database.is_prepared():
        return
    for model in (settings.AUTH_USER_MODEL, "contacts.Contact"):
        if apps.get_model(model).objects.exists():
            raise RestoreError(
                "There is something in this installation already; --replace puts the backup in its"
                " place (write a backup of it before)."
            )


def _read(file: Path, *, home: Path, near: Path) -> tuple[str, str]:
    fresh = near / "fresh"
    fresh.mkdir(mode=0o700)
    facts = archive.extract(file, to=fresh)
    _refuse_unknown(facts, file=file)
    (fresh / "home").mkdir(mode=0o700, exist_ok=True)
    _keep_database_url(home, fresh=fresh / "home")
    change = FileChange(home, fresh=fresh / "home")
    connection.close()
    try:
        dumping.load(environment.database_url(), file=fresh / DUMP, before_commit=change.add)
    except BaseException:
        change.undo()
        raise
    change.finish()
    migrating.bring_up()
    connection.close()
    return str(facts["made_at"]), str(facts.get("elsewhere") or "")


class FileChange:
    """The files of a backup in the place of those that are here.

    Before the rows are committed files are only added: whichever rows hold in the end, their files
    are there.
    """

    def __init__(self, home: Path, *, fresh: Path) -> None:
        self.home = home
        self.fresh = fresh
        self._wanted = {path.relative_to(fresh) for path in kept_files(fresh)}
        self._added: list[Path] = []

    def add(self) -> None:
        """Bring in what is not here yet."""
        for name in sorted(self._wanted):
            target = self.home / name
            if not target.exists():
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                (self.fresh / name).rename(target)
                self._added.append(target)

    def undo(self) -> None:
        """Take out again what `add` brought in."""
        for path in self._added:
            path.unlink()

    def finish(self) -> None:
        """Replace what was here under the same name, and remove what the backup does not have."""
        for path in kept_files(self.fresh):
            path.replace(self.home / path.relative_to(self.fresh))
        for path in list(kept_files(self.home)):
            if path.relative_to(self.home) not in self._wanted:
                path.unlink()


def _refuse_unknown(facts: dict[str, object], *, file: Path) -> None:
    migrations = facts.get("migrations")
    if facts.get("format") != FORMAT or not isinstance(migrations, list):
        raise RestoreError(f"{file} was made by a newer heard; update this one and try again.")
    unknown = migrating.unknown_migrations([(app, name) for app, name in migrations])
    if unknown:
        raise RestoreError(
            f"{file} was made by {facts['made_by']}, which is newer than this heard"
            f" (it has {unknown[0]}); update this one and try again."
        )


def _keep_database_url(home: Path, *, fresh: Path) -> None:
    """The settings of the backup, except that this installation keeps its own database."""
    came, here = fresh / "heard.env", home / "heard.env"
    lines = came.read_text().splitlines() if came.exists() else []
    ours = here.read_text().splitlines() if here.exists() else []
    wanted = [line for line in lines if not _names_database(line)]
    wanted += [line for line in ours if _names_database(line)]
    if wanted:
        came.write_text("\n".join(wanted) + "\n")
        came.chmod(0o600)


def _names_database(line: str) -> bool:
    return line.strip().removeprefix("export ").lstrip().startswith("DATABASE_URL")
