#!/usr/bin/env python3
"""Makes .venv as the lock file says, with nothing but Python's standard library to begin with.

Neither pip nor ensurepip is needed: uv comes from the address, and with the digest, that `uv.lock`
names. A mirror of the package index is used when UV_DEFAULT_INDEX, UV_INDEX_URL or PIP_INDEX_URL
names one.
"""

from __future__ import annotations

import hashlib
import html.parser
import io
import os
import platform
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
ATTEMPTS = 4
TIMEOUT_SECONDS = 60


def main() -> None:
    """Make the environment; arguments go to `uv sync`."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs this may have any version
        sys.exit("heard needs Python 3.11 or newer; run: make setup PYTHON=python3.11")
    if not (ENVIRONMENT / "bin" / "python").exists():
        venv.EnvBuilder(symlinks=True, clear=ENVIRONMENT.exists()).create(ENVIRONMENT)
    uv = ENVIRONMENT / "bin" / "uv"
    wheel = locked_wheel()
    note = ENVIRONMENT / "uv-digest"
    if not uv.exists() or not note.exists() or note.read_text() != wheel["hash"]:
        unpack(fetch(wheel), to=uv)
        note.write_text(wheel["hash"])
    done = subprocess.run(
        [uv, "sync", "--frozen", "--inexact", *sys.argv[1:]], env=settings(), check=False
    )
    sys.exit(done.returncode)


def settings() -> dict[str, str]:
    """uv keeps to our environment and to the Python that made it."""
    ours = {
        "UV_PROJECT_ENVIRONMENT": str(ENVIRONMENT),
        "UV_PYTHON": str(ENVIRONMENT / "bin" / "python"),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_COMPILE_BYTECODE": "1",
        "UV_SYSTEM_CERTS": "1",  # trust whom Python trusts, also behind a company's proxy
    }
    home = os.environ.get("HOME", "")
    if not home or not os.access(home, os.W_OK):
        ours["UV_CACHE_DIR"] = str(ENVIRONMENT / "cache")
    rest = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return {**rest, **ours}


def locked_wheel() -> dict[str, str]:
    """The wheel of uv for this machine, as the lock file names it."""
    import tomllib  # noqa: PLC0415 - an older Python must come as far as to be told so

    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    wheels: list[dict[str, str]] = next(
        package["wheels"] for package in packages if package["name"] == "uv"
    )
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    if sys.platform == "darwin":
        system, machine = "macosx", {"aarch64": "arm64"}.get(machine, machine)
    else:
        system = "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"
    for wheel in wheels:
        tags = file_name(wheel).removesuffix(".whl").split("-")[-1]
        if any(tag.startswith(system) and tag.endswith(machine) for tag in tags.split(".")):
            return wheel
    sys.exit(f"The lock file names no uv for this machine ({system}, {machine}).")


def fetch(wheel: dict[str, str]) -> bytes:
    """The wheel's content, with the digest that the lock file demands."""
    reason = ""
    for attempt in range(ATTEMPTS):
        time.sleep(attempt * 2)
        try:
            content = download(mirrored(wheel) or wheel["url"])
        except (OSError, urllib.error.URLError) as error:
            reason = str(error)
            continue
        if f"sha256:{hashlib.sha256(content).hexdigest()}" == wheel["hash"]:
            return content
        reason = "what came is not what the lock file names"
    sys.exit(
        f"{file_name(wheel)} could not be fetched: {reason}.\n"
        "Is the network up? Name a mirror with PIP_INDEX_URL, or a proxy with https_proxy."
    )


def mirrored(wheel: dict[str, str]) -> str:
    """The wheel's address on the package index that this machine is told to use; empty if none."""
    names = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
    index = next((os.environ[name] for name in names if os.environ.get(name)), "")
    if not index:
        return ""
    page = index.rstrip("/") + "/uv/"
    links = Links()
    links.feed(download(page).decode())
    found = [link for link in links.found if file_name({"url": link}) == file_name(wheel)]
    return urllib.parse.urljoin(page, found[0]) if found else ""


def download(url: str) -> bytes:
    """What is at this address."""
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - ours
        content: bytes = answer.read()
    return content


def file_name(wheel: dict[str, str]) -> str:
    """The last part of the wheel's address."""
    return urllib.parse.unquote(urllib.parse.urlsplit(wheel["url"]).path.rsplit("/", 1)[-1])


def unpack(content: bytes, *, to: Path) -> None:
    """Take the program out of the wheel."""
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        inside = next(name for name in wheel.namelist() if name.endswith("/scripts/uv"))
        draft = to.with_name("uv.new")
        draft.write_bytes(wheel.read(inside))
    draft.chmod(0o755)
    draft.replace(to)


class Links(html.parser.HTMLParser):
    """Every address a page of the package index leads to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember where a link leads."""
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


main()
