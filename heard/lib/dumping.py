"""A PostgreSQL database into a file, and back in one transaction, by PostgreSQL's own programs.

The embedded server's programs are used where they reach the database, else those found on the PATH.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from heard.lib import cluster
from heard.lib.spoken import SpokenError

CHUNK_BYTES = 1024 * 1024
# What pg_restore says first may name settings that an older server does not know.
TRANSACTION_TIMEOUT = b"SET transaction_timeout = 0;\n"
TRANSACTION_TIMEOUT_SINCE = 17
LOCK_PATIENCE = "20s"
DONE = "everything is in place"


class DumpError(SpokenError):
    """The database could not be written out or read in. The text says why, and what to do."""


def dump(url: str, *, to: Path) -> None:
    """Write the whole database, as of one moment, to the new file `to`."""
    programs, _ = _programs(url)
    name, environment = _connection(url)
    left_out = ["owner", "privileges", "comments", "publications", "subscriptions", "tablespaces"]
    options = ["--format=custom", *(f"--no-{what}" for what in left_out), f"--file={to}"]
    done = subprocess.run(
        [str(programs / "pg_dump"), *options, f"--dbname={name}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DumpError(_explain(done.stderr))


def load(url: str, *, file: Path, before_commit: Callable[[], None]) -> None:
    """Replace everything in the database by what `file` holds, or leave all as it is.

    `before_commit` runs when the rows are in place and may still stop it by an exception.
    """
    programs, server_version = _programs(url)
    name, environment = _connection(url)
    quiet = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
    psql = subprocess.Popen(
        [str(programs / "psql"), *quiet, f"--dbname={name}"],
        env={**environment, "PGOPTIONS": f"-c lock_timeout={LOCK_PATIENCE}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert psql.stdin
    assert psql.stdout
    assert psql.stderr
    with psql:
        try:
            psql.stdin.write(b"\\o /dev/null\nBEGIN;\nDROP SCHEMA public CASCADE;\n")
            psql.stdin.write(b"CREATE SCHEMA public;\n")
            for chunk in _script(programs, file=file, server_version=server_version):
                psql.stdin.write(chunk)
            psql.stdin.write(f"\\o\nSELECT '{DONE}';\n".encode())
            psql.stdin.flush()
            if psql.stdout.readline().decode().strip() != DONE:
                raise BrokenPipeError
            before_commit()
            psql.stdin.write(b"COMMIT;\n")
            psql.stdin.close()
        except BrokenPipeError:  # psql ends at the first error, and with it the transaction
            with contextlib.suppress(BrokenPipeError):
                psql.stdin.close()
            raise DumpError(_explain(psql.stderr.read().decode(errors="replace"))) from None
        if psql.wait():
            raise DumpError(_explain(psql.stderr.read().decode(errors="replace")))


def _script(programs: Path, *, file: Path, server_version: int) -> Iterator[bytes]:
    """What `file` holds as SQL that this server understands."""
    with subprocess.Popen(
        [str(programs / "pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as restore:
        assert restore.stdout
        assert restore.stderr
        is_first = True
        while chunk := restore.stdout.read(CHUNK_BYTES):
            if is_first and server_version < TRANSACTION_TIMEOUT_SINCE:
                yield chunk.replace(TRANSACTION_TIMEOUT, b"", 1)
            else:
                yield chunk
            is_first = False
        if restore.wait():
            raise DumpError(_explain(restore.stderr.read().decode(errors="replace")))


def _programs(url: str) -> tuple[Path, int]:
    """The folder of programs that reach this server and are not older than it, and its version."""
    name, environment = _connection(url)
    on_path = shutil.which("pg_dump")
    reasons = []
    for folder in (cluster.binaries(), Path(on_path).parent if on_path else None):
        if folder is None:
            continue
        asked = subprocess.run(
            [str(folder / "psql"), "--no-psqlrc", "-Atc", "SHOW server_version_num", name],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.returncode:
            reasons.append(asked.stderr.strip())
            continue
        server_version = int(asked.stdout) // 10_000
        if server_version <= _version_of(folder / "pg_dump"):
            return folder, server_version
        reasons.append(f"the server is of version {server_version}")
    raise DumpError(
        f"No pg_dump here can reach the database ({reasons[0]});"
        " install PostgreSQL's client programs of the server's version."
    )


def _version_of(program: Path) -> int:
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True)
    return int(said.stdout.split()[2].split(".")[0])


def _connection(url: str) -> tuple[str, dict[str, str]]:
    """The address without its password, and the environment that holds the password."""
    parts = {key: value for key, value in conninfo_to_dict(url).items() if value is not None}
    secret = str(parts.pop("password", ""))
    return make_conninfo("", **parts), {**os.environ, "PGPASSWORD": secret}


def _explain(said: str) -> str:
    if "No space left on device" in said:
        return "The disk is full; free some space and try again: the data is as it was."
    if "lock timeout" in said:
        return "The database is in use; end whatever else uses it (heard run) and try again."
    if "must be owner of schema" in said or "permission denied for database" in said:
        return (
            "The database's user may not replace everything in it;"
            " make it the owner of the database: ALTER DATABASE … OWNER TO …"
        )
    lines = [line for line in said.splitlines() if line.strip()] or ["no reason was given"]
    return f"PostgreSQL's programs failed and the data is as it was: {lines[0].strip()}"
