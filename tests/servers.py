"""Third-party servers on loopback, where their scripts are at hand: started once, then stopped.

mail = running("mail")          # skips, saying why, where it cannot be had in time
mail["SMTP_PORT"]
"""

from __future__ import annotations

import atexit
import functools
import os
import subprocess
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("HEARD_SHARED", Path(__file__).parents[2] / "shared"))
PATIENCE_SECONDS = float(os.environ.get("HEARD_SERVER_PATIENCE", "240"))


def running(name: str) -> dict[str, str]:
    """What the server's script tells about it, by name. Skips the test where it does not start."""
    said = _started(name)
    if isinstance(said, str):
        pytest.skip(said)
    return dict(said)


@functools.cache
def _started(name: str) -> dict[str, str] | str:
    script = SHARED / "servers" / f"{name}.sh"
    if not script.exists():
        return f"the script of the server “{name}” is not at hand"
    was_running = subprocess.run([script, "status"], capture_output=True, check=False)
    try:
        started = subprocess.run(
            [script, "start"], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"the server “{name}” did not start within {PATIENCE_SECONDS:.0f} s"
    if started.returncode:
        last = (started.stderr or started.stdout).strip().splitlines()[-1:]
        return f"the server “{name}” did not start: {' '.join(last)}"
    if was_running.returncode:  # whoever had started it before also ends it
        atexit.register(_stop, script)
    lines = (line.partition("=") for line in started.stdout.splitlines() if "=" in line)
    return {key: value for key, _, value in lines}


def _stop(script: Path) -> None:
    subprocess.run([script, "stop"], capture_output=True, check=False)
