"""The life of the embedded PostgreSQL: start it, use it, leave it as it was found.

Commands may overlap: whoever leaves last stops the server, and a command that was killed counts as
gone. After a crash the start waits until the server has recovered.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import shlex
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, TextIO
from urllib.parse import quote

from heard.lib import cluster as clusters
from heard.lib.cluster import Cluster, EmbeddedDatabaseError
from heard.lib.private import home_lock

__all__ = [
    "EmbeddedDatabaseError",
    "database_url",
    "is_running",
    "remove",
    "revive",
    "running",
    "start",
    "state",
    "stop",
]

PATIENCE_SECONDS = 900
LOOK_AGAIN_SECONDS = 0.05
STATE_LINE = 7

State = Literal["stopped", "starting", "ready", "stopping"]


def database_url(home: Path) -> str:
    """The address of the embedded database of this data folder, whether it runs or not."""
    cluster = clusters.locate(home)
    secret = quote(clusters.password(home), safe="")
    sockets = quote(str(cluster.sockets), safe="/")
    return f"postgresql://{clusters.ROLE}:{secret}@/{clusters.DATABASE}?host={sockets}&port=5432"


def state(home: Path) -> State:
    """What the server of this data folder is doing, by its own account. Costs microseconds."""
    return _state(clusters.locate(home)) if home.is_dir() else "stopped"


def is_running(home: Path) -> bool:
    """Whether the server takes connections."""
    return state(home) == "ready"


def start(
    home: Path,
    *,
    patience_seconds: int = PATIENCE_SECONDS,
    settings: Mapping[str, str] | None = None,
) -> None:
    """Start the server, so that it stays until `stop`; make the cluster first when there is none.

    `settings` are PostgreSQL's own, over the tuned ones, until the next start. A server that runs
    already is left as it is. Raises `EmbeddedDatabaseError`.
    """
    with _gate(home):
        _start(home, patience_seconds=patience_seconds, settings=settings or {})
        _kept(home).touch()


def stop(home: Path, *, patience_seconds: int = PATIENCE_SECONDS) -> None:
    """Stop the server, whoever uses it. Raises `EmbeddedDatabaseError` when it does not end."""
    with _gate(home):
        _stop(home, patience_seconds=patience_seconds)


@contextlib.contextmanager
def running(home: Path, *, patience_seconds: int = PATIENCE_SECONDS) -> Iterator[None]:
    """Have the server running within the block, and leave it as it was found.

    The last of several overlapping users stops it. A server that nobody uses any more, because its
    user was killed, is taken over.
    """
    with home_lock(home, "users").open("a") as users:
        with _gate(home):
            if _state(clusters.locate(home)) != "ready":
                _kept(home).unlink(missing_ok=True)
                _start(home, patience_seconds=patience_seconds, settings={})
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield
        finally:
            with _gate(home):
                if _is_last(users) and not _kept(home).exists():
                    _stop(home, patience_seconds=patience_seconds)


def remove(home: Path) -> None:
    """Stop the server and delete the cluster with everything in it. For throw-away servers."""
    with _gate(home):
        _stop(home, patience_seconds=PATIENCE_SECONDS)
        cluster = clusters.locate(home)
        shutil.rmtree(cluster.folder, ignore_errors=True)
        shutil.rmtree(cluster.sockets, ignore_errors=True)
        link = home / "postgres"
        if link.is_symlink():
            link.unlink()


def revive(home: Path) -> None:
    """Start a server again that died under its users; it may still recover when this returns."""
    with _gate(home):
        cluster = clusters.locate(home)
        if _state(cluster) == "stopped":
            _launch(cluster, patience_seconds=1, settings={})


def _kept(home: Path) -> Path:
    """There is such a file while the server was started to stay."""
    return home_lock(home, "kept-running")


@contextlib.contextmanager
def _gate(home: Path) -> Iterator[None]:
    """One at a time starts or stops the server."""
    with home_lock(home, "gate").open("a") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield


def _is_last(users: TextIO) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _start(home: Path, *, patience_seconds: int, settings: Mapping[str, str]) -> None:
    cluster = clusters.locate(home)
    if not cluster.exists:
        clusters.make(cluster, durable=settings.get("fsync") != "off")
    deadline = time.monotonic() + patience_seconds
    while (found := _state(cluster)) != "ready":
        left = deadline - time.monotonic()
        if left <= 0:
            raise EmbeddedDatabaseError(
                f"The database is still {found} after {patience_seconds} seconds;"
                " it goes on by itself, so try again in a while."
            )
        if found == "stopped":
            _launch(cluster, patience_seconds=math.ceil(left), settings=settings)
        else:
            time.sleep(LOOK_AGAIN_SECONDS)


def _launch(cluster: Cluster, *, patience_seconds: int, settings: Mapping[str, str]) -> None:
    """Start a stopped server and wait for it; return early when it is worth another try."""
    clusters.check(cluster)
    clusters.prepare_sockets(cluster)
    clusters.configure(cluster.data, settings=settings)
    clusters.keep_password(cluster)
    # The process number in these may be anybody's by now, or one that nobody has buried yet.
    for stale in (cluster.data / "postmaster.pid", *cluster.sockets.glob(".s.PGSQL.*")):
        stale.unlink(missing_ok=True)
    log = cluster.data / "start.log"
    log.unlink(missing_ok=True)
    began_at = time.time()
    sockets = f"-c unix_socket_directories={shlex.quote(str(cluster.sockets))}"
    arguments = ["-s", "-w", "-t", str(patience_seconds), "-l", str(log), "-o", sockets]
    started = cluster.run("pg_ctl", "start", "-D", str(cluster.data), *arguments)
    if started.returncode and _state(cluster) == "stopped":
        said = started.stderr + clusters.words_since(cluster, began_at)
        if "shared memory block" not in said:
            raise EmbeddedDatabaseError(clusters.explain(cluster, log=said))
        time.sleep(LOOK_AGAIN_SECONDS)  # processes of a killed server are still on their way out


def _stop(home: Path, *, patience_seconds: int) -> None:
    cluster = clusters.locate(home)
    _kept(home).unlink(missing_ok=True)
    if not cluster.exists or _state(cluster) == "stopped":
        return
    arguments = ["-s", "-w", "-t", str(patience_seconds), "-m", "fast"]
    cluster.run("pg_ctl", "stop", "-D", str(cluster.data), *arguments)
    if _state(cluster) != "stopped":
        raise EmbeddedDatabaseError(
            f"The database did not stop within {patience_seconds} seconds;"
            f" its log is in {cluster.data / 'log'}."
        )


def _state(cluster: Cluster) -> State:
    """Read from postmaster.pid: the process on its first line, its state on its eighth."""
    try:
        lines = (cluster.data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return "stopped"
    except PermissionError:
        raise EmbeddedDatabaseError(
            f"The database in {cluster.folder} belongs to another user; run heard as that user."
        ) from None
    if not lines or not _is_server(int(lines[0]), cluster=cluster):
        return "stopped"
    said = lines[STATE_LINE].strip() if len(lines) > STATE_LINE else "starting"
    if said == "ready":
        return "ready"
    return "stopping" if said == "stopping" else "starting"


def _is_server(process: int, *, cluster: Cluster) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    try:
        command = Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return not Path("/proc/self").exists()  # only Linux can tell us more
    return os.fsencode(cluster.data) in command
