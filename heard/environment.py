"""What the person who runs heard decided: the environment, and `heard.env` in the data folder.

The environment wins over the file. Nothing here needs Django. `docs/configure.md` lists every name.
"""

from __future__ import annotations

import functools
import os
import secrets
import zoneinfo
from pathlib import Path
from urllib.parse import urlsplit

from heard.lib import postgres, private, stores
from heard.lib.spoken import SpokenError

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})


class SettingError(SpokenError):
    """A setting that cannot work. The text is one sentence for the person who set it."""


def home() -> Path:
    """The folder that holds everything of this installation: `HEARD_HOME`, else `heard-home`.

    Without `HEARD_HOME` it lies in the checkout heard runs from, or else in the current folder.
    """
    chosen = os.environ.get("HEARD_HOME", "").strip()
    if chosen:
        return Path(chosen).expanduser().absolute()
    checkout = Path(__file__).resolve().parent.parent
    base = checkout if (checkout / "pyproject.toml").exists() else Path.cwd()
    return base / "heard-home"


def text(name: str, default: str) -> str:
    """The setting `name`, or `default` when it is unset or empty."""
    value = os.environ.get(name, "").strip()
    return value or _from_file(home() / "heard.env").get(name, "") or default


def number(name: str, default: int) -> int:
    """The setting `name` as a whole number. Raises `SettingError` when it is none."""
    value = text(name, str(default))
    try:
        return int(value)
    except ValueError:
        raise SettingError(f"{name} must be a whole number, not {value!r}.") from None


def flag(name: str, default: bool) -> bool:  # noqa: FBT001 - reads as `text` and `number` do
    """The setting `name` as yes or no. Raises `SettingError` when it is neither."""
    value = text(name, "yes" if default else "no").lower()
    if value not in TRUE | FALSE:
        raise SettingError(f"{name} must be yes or no, not {value!r}.")
    return value in TRUE


def uses_embedded_database() -> bool:
    """Whether heard keeps its own PostgreSQL, because `DATABASE_URL` names no other."""
    return not text("DATABASE_URL", "")


def database_url() -> str:
    """`DATABASE_URL`, or the address of the embedded server (which may not be running yet)."""
    url = text("DATABASE_URL", "")
    if not url:
        prepare_home()
        return postgres.database_url(home())
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or len(parts.path) < 2:
        raise SettingError(
            "DATABASE_URL must look like postgresql://user:password@host:5432/database;"
            " heard works with PostgreSQL only."
        )
    return url


def host() -> str:
    """The address the web process listens at (`HEARD_HOST`)."""
    return text("HEARD_HOST", "127.0.0.1")


def port() -> int:
    """The port of the pages (`HEARD_PORT`)."""
    return _port("HEARD_PORT", 8000)


def live_port() -> int:
    """The port of the live events (`HEARD_LIVE_PORT`)."""
    return _port("HEARD_LIVE_PORT", 8001)


def public_url() -> str:
    """The address people type to reach heard (`HEARD_URL`), without a slash at its end."""
    shown = "localhost" if host() in {"127.0.0.1", "0.0.0.0", "::", "::1"} else host()  # noqa: S104
    return text("HEARD_URL", f"http://{shown}:{port()}").rstrip("/")


def s3() -> stores.Account | None:
    """The bucket for attachments (`HEARD_S3_…`), if one is named.

    Raises `SettingError` when something is missing to reach it.
    """
    bucket = text("HEARD_S3_BUCKET", "")
    if not bucket:
        return None
    key, secret = text("HEARD_S3_KEY", ""), text("HEARD_S3_SECRET", "")
    endpoint = text("HEARD_S3_ENDPOINT", "").rstrip("/")
    if not (key and secret):
        raise SettingError("HEARD_S3_BUCKET needs HEARD_S3_KEY and HEARD_S3_SECRET beside it.")
    if endpoint and urlsplit(endpoint).scheme not in {"http", "https"}:
        raise SettingError("HEARD_S3_ENDPOINT must look like https://s3.example.org.")
    return stores.Account(
        bucket=bucket,
        key=key,
        secret=secret,
        region=text("HEARD_S3_REGION", "us-east-1"),
        endpoint=endpoint,
        prefix=text("HEARD_S3_PREFIX", "").strip("/"),
    )


def attachments_in() -> str:
    """Where new attachments go (`HEARD_ATTACHMENTS`): "folder" or "s3".

    Raises `SettingError` for anything else, and for "s3" without a bucket.
    """
    bucket = s3()
    chosen = text("HEARD_ATTACHMENTS", "s3" if bucket else "folder").lower()
    if chosen not in {"folder", "s3"}:
        raise SettingError(f"HEARD_ATTACHMENTS must be folder or s3, not {chosen!r}.")
    if chosen == "s3" and bucket is None:
        raise SettingError("HEARD_ATTACHMENTS=s3 needs HEARD_S3_BUCKET.")
    return chosen


def timezone() -> str:
    """The company's time zone (`HEARD_TIMEZONE`). Raises `SettingError` when there is none such."""
    name = text("HEARD_TIMEZONE", "UTC")
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingError(
            f"HEARD_TIMEZONE is {name!r}, which is no time zone; write Europe/Berlin or so."
        ) from None
    return name


def secret_key() -> str:
    """The key that signs sessions and links: `HEARD_SECRET_KEY`, else a 0600 file made once."""
    return text("HEARD_SECRET_KEY", "") or _kept_secret(home() / "secret-key")


def prepare_home() -> Path:
    """`home()`, made when it is missing. Raises `SettingError` when that cannot be."""
    folder = home()
    try:
        private.make_home(folder)
    except OSError as error:
        raise SettingError(
            f"The data folder {folder} cannot be made ({error.strerror});"
            " set HEARD_HOME to a folder that you may write to."
        ) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SettingError(
            f"The data folder {folder} is not writable for you;"
            " give it to this user, or set HEARD_HOME to another folder."
        )
    return folder


def _port(name: str, default: int) -> int:
    value = number(name, default)
    if not 0 < value < 65_536:
        raise SettingError(f"{name} must be between 1 and 65535, not {value}.")
    return value


def _kept_secret(path: Path) -> str:
    prepare_home()
    try:
        return private.kept_secret(path, make=lambda: secrets.token_urlsafe(50))
    except OSError as error:
        raise SettingError(
            f"{path} cannot be read or made ({error.strerror}); it must belong to you."
        ) from None


@functools.cache
def _from_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines; `#` starts a comment line, quotes around a value are taken off."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingError(
            f"{path} cannot be read ({error.strerror}); run heard as its owner."
        ) from None
    settings = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith("#"):
            settings[name.strip().removeprefix("export ").strip()] = value.strip().strip("\"'")
    return settings
