"""Call records and recordings that a SIP server on this machine leaves in a folder.

Only what lies in the folder that the operator names (`HEARD_CALL_RECORDS`) is ever read: an inbox
chooses files within it, and neither `..` nor a link leads out of it. Read are the lines that
Kamailio's `acc` module writes: CDRs, and calls that were refused.
"""

from __future__ import annotations

import base64
import contextlib
import fnmatch
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from heard import environment
from heard.channels.base import (
    CallEvent,
    Delivered,
    Fetched,
    File,
    PlaceError,
    SetAside,
    Setting,
)
from heard.channels.phone.numbers import e164
from heard.channels.texts import repair

FOLDER = "HEARD_CALL_RECORDS"
ENVELOPE = "sip"
SETTINGS = (
    Setting(
        "records",
        "File of call records",
        help="Only for a SIP server on this machine: its log, within the folder of"
        " HEARD_CALL_RECORDS.",
        is_needed=False,
    ),
    Setting(
        "recordings",
        "Folder of recordings",
        help="Within the same folder. A recording belongs to the call that ended with it.",
        is_needed=False,
    ),
    Setting(
        "recording_names",
        "Names of recordings",
        help="Which files are the caller's voice, such as *-dec.wav.",
        is_needed=False,
        default="*",
    ),
    Setting(
        "voicemail",
        "Extensions of the voicemail",
        help="Calls to one of these left a voicemail; several with commas.",
        is_needed=False,
        default="voicemail",
    ),
)

READ_BYTES = 1024 * 1024
RECORDING_BYTES = 20 * 1024 * 1024
MOST_FILES = 10_000
MATCH_SECONDS = 5.0
"""A recording is closed within this time of the end of its call."""
SETTLED_SECONDS = 1.0
PATIENCE_SECONDS = 120.0
"""So long a recording and a call wait for each other."""
IDLE_SECONDS = 3600.0
SOUNDS = {
    ".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".oga": "audio/ogg",
    ".m4a": "audio/mp4", ".flac": "audio/flac", ".webm": "audio/webm",
}  # fmt: skip

_CDR = re.compile(r"log_write_cdr\(\): (.*)$")
_REFUSED = re.compile(r"ACC: transaction answered: (.*method=INVITE;.*code=[3-6]\d\d;.*)$")
_ASKS = frozenset({"401", "407", "487"})
"""Not refusals: it asks who calls, or the caller has hung up (which is told apart below)."""
CANCELLED = "487"


class _Ended(NamedTuple):
    """A call that was connected: its name, its end, how long it was, what was dialled."""

    call: str
    at: float
    seconds: float
    dialled: str


@dataclass(frozen=True, slots=True)
class _State:
    """How far the log was read, the recordings that were seen, and the calls that miss theirs."""

    file: int
    offset: int
    since: float
    taken: tuple[str, ...] = ()
    calls: tuple[_Ended, ...] = ()
    """Calls without a recording so far."""


def folder() -> str:
    """The folder that the operator has named; "" without one."""
    return environment.text(FOLDER, "")


def check(settings: Mapping[str, Any]) -> None:
    """Whether what the inbox names is there. Raises `PlaceError`."""
    if settings.get("records"):
        _log(settings)
        _sounds(settings)


def poll(cursor: str, settings: Mapping[str, Any]) -> Fetched:
    """The records since the cursor and the recordings that go with them. Raises `PlaceError`."""
    if not settings.get("records") or not folder():
        return Fetched((), cursor, pause_seconds=IDLE_SECONDS)
    now = time.time()
    log = _log(settings)
    state = _begun(cursor, log, now=now)
    lines, state, has_more = _lines(log, state)
    found = [_delivered({"line": line}, _digest(line), now=now) for line in lines]
    calls = [*state.calls, *(call for line in lines if (call := _ended(line)))]
    with_recordings, state = _match(settings, replace(state, calls=tuple(calls)), now=now)
    return Fetched(
        (*found, *with_recordings),
        json.dumps([state.file, state.offset, state.since, state.taken, state.calls]),
        has_more=has_more,
    )


def sound_of(name: str) -> str:
    """The content type of a recording, by its name."""
    return SOUNDS.get(os.path.splitext(name)[1].lower(), "audio/wav")  # noqa: PTH122


def events(
    told: Any, settings: Mapping[str, Any], *, country: str
) -> Iterator[CallEvent | SetAside]:
    """What one record, or one recording, says."""
    if isinstance(told, dict) and isinstance(told.get("line"), str):
        yield from _record(told["line"], settings, country=country)
    elif isinstance(told, dict) and isinstance(told.get("recording"), dict):
        yield _recording(told["recording"], _words(settings.get("voicemail") or "voicemail"))
    else:
        yield SetAside("record", "This is neither a call record nor a recording.")


# What a line says


def _record(
    line: str, settings: Mapping[str, Any], *, country: str
) -> Iterator[CallEvent | SetAside]:
    fields = _fields(line)
    if fields is None:
        yield SetAside("record", "This is no call record.", raw=line)
        return
    call = fields.get("callid") or fields.get("call_id") or ""
    start = _stamp(fields.get("start_time") or fields.get("timestamp"))
    end = _stamp(fields.get("end_time")) or start
    if not call or start is None or end is None:
        yield SetAside("record", "The call record lacks its call id or its times.", raw=line)
        return
    dialled = fields.get("dst_user", "")
    base = CallEvent(
        external_id="ringing",
        call=call[:200],
        at=start,
        what="ringing",
        caller=e164(fields.get("src_user", ""), country=country),
        called=e164(dialled, country=country),
    )
    yield base
    if "code" in fields:
        code = fields["code"]
        why = "" if code == CANCELLED else fields.get("reason", "").lower()
        yield replace(base, external_id="hung_up", what="hung_up", at=end, reason=why)
        return
    if dialled.lower() in _words(settings.get("voicemail") or "voicemail"):
        seconds = max(0.0, (end - start).total_seconds())
        yield replace(
            base, external_id="voicemail", what="voicemail", at=end, seconds=round(seconds, 3)
        )
    else:
        yield replace(base, external_id="answered", what="answered", agent=dialled[:200])
    yield replace(base, external_id="hung_up", what="hung_up", at=end)


def _recording(told: Mapping[str, Any], mailboxes: set[str]) -> CallEvent | SetAside:
    try:
        content = base64.b64decode(told["base64"], validate=True)
        at = datetime.fromtimestamp(float(told["at"]), UTC)
        name, call, seconds = str(told["name"]), str(told["call"]), float(told["seconds"])
    except (LookupError, TypeError, ValueError, OverflowError, OSError):
        return SetAside("recording", "The recording lacks its name, its call or its bytes.")
    is_voicemail = str(told.get("dialled", "")).lower() in mailboxes
    return CallEvent(
        external_id="voicemail" if is_voicemail else f"recording:{name}"[:200],
        call=call[:200],
        at=at,
        what="voicemail" if is_voicemail else "recording",
        seconds=seconds,
        file=File(name, sound_of(name), content),
    )


def _fields(line: str) -> dict[str, str] | None:
    found = _CDR.search(line) or _REFUSED.search(line)
    if found is None:
        return None
    pairs = (part.partition("=") for part in found[1].split(";"))
    return {name.strip(): repair(value).strip() for name, _, value in pairs if name.strip()}


def _stamp(text: str | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(text or ""), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _words(text: object) -> set[str]:
    return {word.strip().lower() for word in str(text).split(",") if word.strip()}


# What is found in the folder


def _lines(log: Path, state: _State) -> tuple[list[str], _State, bool]:
    """The records among the next megabyte of whole lines."""
    try:
        with log.open("rb") as stream:
            stream.seek(state.offset)
            read = stream.read(READ_BYTES)
    except OSError as error:
        raise PlaceError(
            f"The call records cannot be read: {error.strerror}.", needs_person=True
        ) from None
    whole = read.rfind(b"\n") + 1
    if not whole and len(read) == READ_BYTES:
        whole = len(read)  # no line is that long: it is passed over
    lines = read[:whole].decode("utf-8", "replace").splitlines()
    found = [line for line in lines if (fields := _fields(line)) and not _is_question(fields)]
    return found, replace(state, offset=state.offset + whole), len(read) == READ_BYTES


def _is_question(fields: Mapping[str, str]) -> bool:
    return fields.get("code") in _ASKS - {CANCELLED}


def _match(
    settings: Mapping[str, Any], state: _State, *, now: float
) -> tuple[list[Delivered], _State]:
    """Give each new recording to the call that ended with it; what finds none waits for a while."""
    sounds = _sounds(settings)
    if sounds is None:
        return [], replace(state, calls=())
    calls, taken, found = list(state.calls), list(state.taken), []
    for name, closed_at, size in _new_sounds(sounds, settings, state, now=now):
        near = [call for call in calls if _belongs(name, closed_at, call)]
        if near and size <= RECORDING_BYTES:
            call = min(near, key=lambda it: (it.call not in name, abs(it.at - closed_at)))
            with contextlib.suppress(OSError):
                content = base64.b64encode((sounds / name).read_bytes()).decode()
                said = {**call._asdict(), "name": name, "base64": content}
                found.append(_delivered({"recording": said}, f"recording:{name}", now=now))
            calls.remove(call)
        elif not near and now - closed_at < PATIENCE_SECONDS:
            continue
        taken.append(name)
    late = now - PATIENCE_SECONDS
    kept = tuple(call for call in calls if call[1] > late)
    return found, replace(
        state, since=max(state.since, late), taken=tuple(taken[-200:]), calls=kept
    )


def _belongs(name: str, closed_at: float, call: _Ended) -> bool:
    return call.call in name or abs(call.at - closed_at) <= MATCH_SECONDS


def _new_sounds(
    sounds: Path, settings: Mapping[str, Any], state: _State, *, now: float
) -> list[tuple[str, float, int]]:
    """Name, last change and size of recordings that nobody writes to any more, oldest first."""
    pattern = str(settings.get("recording_names") or "*")
    found = []
    try:
        with os.scandir(sounds) as entries:
            for _, entry in zip(range(MOST_FILES), entries, strict=False):
                is_sound = os.path.splitext(entry.name)[1].lower() in SOUNDS  # noqa: PTH122
                if not is_sound or not fnmatch.fnmatch(entry.name, pattern):
                    continue
                if entry.name in state.taken or not entry.is_file(follow_symlinks=False):
                    continue
                about = entry.stat(follow_symlinks=False)
                if state.since < about.st_mtime <= now - SETTLED_SECONDS:
                    found.append((entry.name, about.st_mtime, about.st_size))
    except OSError as error:
        raise PlaceError(
            f"The recordings cannot be read: {error.strerror}.", needs_person=True
        ) from None
    return sorted(found, key=lambda it: it[1])


def _ended(line: str) -> _Ended | None:
    """The call of a line, if it was connected."""
    fields = _fields(line) or {}
    try:
        start, end = float(fields["start_time"]), float(fields["end_time"])
    except (LookupError, ValueError):
        return None
    call, dialled = fields.get("callid", ""), fields.get("dst_user", "")
    return _Ended(call, end, round(end - start, 3), dialled) if call else None


def _begun(cursor: str, log: Path, *, now: float) -> _State:
    """Where to go on: at the end of the log at first, at its beginning after it was rotated."""
    about = log.stat()
    try:
        file, offset, since, taken, calls = json.loads(cursor)
        state = _State(
            int(file),
            int(offset),
            float(since),
            tuple(str(name) for name in taken),
            tuple(_Ended(str(c), float(at), float(long), str(to)) for c, at, long, to in calls),
        )
    except (ValueError, TypeError):
        return _State(about.st_ino, about.st_size, now)
    if state.file != about.st_ino or about.st_size < state.offset:
        return replace(state, file=about.st_ino, offset=0)
    return state


def _log(settings: Mapping[str, Any]) -> Path:
    path = _within(str(settings.get("records")))
    if not path.is_file():
        raise PlaceError(f"There is no file {path.name} in {FOLDER}.", needs_person=True)
    return path


def _sounds(settings: Mapping[str, Any]) -> Path | None:
    if not settings.get("recordings"):
        return None
    path = _within(str(settings["recordings"]))
    if not path.is_dir():
        raise PlaceError(f"There is no folder {path.name} in {FOLDER}.", needs_person=True)
    return path


def _within(name: str) -> Path:
    """A path inside the operator's folder, links followed. Raises `PlaceError` for any other."""
    named = folder()
    if not named:
        raise PlaceError(
            f"Records of calls are read only where {FOLDER} names a folder.", needs_person=True
        )
    allowed = Path(named).resolve()
    try:
        path = (allowed / name.strip()).resolve()
    except (OSError, ValueError, RuntimeError):
        path = Path("/")
    if allowed not in path.parents:
        raise PlaceError(f"{name} does not lie in the folder of {FOLDER}.", needs_person=True)
    return path


def _delivered(told: Mapping[str, Any], name: str, *, now: float) -> Delivered:
    body = json.dumps({ENVELOPE: told}, ensure_ascii=False).encode()
    return Delivered(body, {}, datetime.fromtimestamp(now, UTC), external_id=name[:180])


def _digest(line: str) -> str:
    return "record:" + hashlib.sha256(line.encode()).hexdigest()[:40]
