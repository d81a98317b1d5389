"""bench/RESULTS.md: one page, of which each bench writes its own chapter and keeps the others."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"


def write(lines: Sequence[str], *, page: Path = RESULTS) -> None:
    """Write what stands before the chapters."""
    _, chapters = _parts(page)
    _put(page, "\n".join(lines), chapters)


def write_chapter(name: str, lines: Sequence[str], *, page: Path = RESULTS) -> None:
    """Write one chapter, in the place of what it said before."""
    head, chapters = _parts(page)
    _put(page, head, chapters | {name: "\n".join(lines)})


def machine() -> str:
    """On what it was measured."""
    said = Path("/proc/cpuinfo")
    models = re.findall(r"model name\s*: (.+)", said.read_text()) if said.exists() else []
    model = models[0].strip() if models else platform.machine()
    return f"{os.cpu_count()} cores ({model}), Python {platform.python_version()}"


def _parts(page: Path) -> tuple[str, dict[str, str]]:
    text = page.read_text() if page.exists() else ""
    head, *rest = re.split(r"^## ", text, flags=re.MULTILINE)
    chapters = (one.partition("\n") for one in rest)
    return head, {name.strip(): said for name, _, said in chapters}


def _put(page: Path, head: str, chapters: dict[str, str]) -> None:
    said = [head, *(f"## {name}\n\n{said.strip()}" for name, said in chapters.items())]
    page.write_text("\n\n".join(one.strip() for one in said) + "\n")
