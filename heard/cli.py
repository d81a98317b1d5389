"""The one entry, `heard <command>`: brings up what a command needs, and says errors plainly."""

from __future__ import annotations

import ast
import difflib
import errno
import functools
import importlib
import importlib.metadata
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import django
import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.db.utils import Error as DjangoDatabaseError

from heard import database, environment
from heard.lib.processes import MARK
from heard.lib.spoken import SpokenError

HERE = Path(__file__).parent
# Where each of our own commands lives: only the one that is asked for is loaded.
OWN = {
    "run": ("heard.running", "run", "Start everything, and stay until Ctrl-C."),
    "doctor": ("heard.doctor", "examine", "Look at everything that could be wrong."),
    "backup": ("heard.backup", "backup", "Write everything into one file."),
    "restore": ("heard.backup", "restore", "Bring everything back from such a file."),
    "migrate": ("heard.migrating", "migrate", "Bring the database to this program's level."),
}


DJANGO_OPTIONS = {
    "--version",
    "--settings",
    "--pythonpath",
    "--traceback",
    "--no-color",
    "--force-color",
    "--skip-checks",
}


@dataclass(frozen=True, slots=True)
class AreaCommand:
    """A management command of one of our areas, as far as its text tells without running it."""

    name: str
    area: str
    summary: str
    needs_database: bool


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit: 0 done, 1 not done (and said why), 130 interrupted."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "heard.settings")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _dispatch(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except Exception as error:
        if os.environ.get("HEARD_DEBUG", "") in environment.TRUE:
            raise
        if MARK in os.environ:  # a part of a running heard: its log wants to know more
            traceback.print_exc()
        print(f"heard: {plainly(error)}", file=sys.stderr)
        code = error.returncode if isinstance(error, CommandError) else 1
    sys.exit(code)


def plainly(error: Exception) -> str:
    """What went wrong and what to do, in a sentence."""
    if isinstance(error, SpokenError | CommandError):
        return str(error)
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "The disk is full; free some space and try again: nothing that was saved is lost."
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}."
    if isinstance(error, ImproperlyConfigured):
        return f"A setting is wrong: {database.first_line(error)}."
    cause = error.__cause__ if isinstance(error, DjangoDatabaseError) else error
    if isinstance(cause, psycopg.OperationalError):
        return database.explain(cause)
    if isinstance(cause, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
        return "The database is not of this version of heard; run `heard migrate` and try again."
    return (
        f"This should not have happened ({type(error).__name__}: {database.first_line(error)});"
        " with HEARD_DEBUG=1 it shows where, for a report to heard's makers."
    )


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in {"help", "--help", "-h"}:
        return _show_commands()
    name, *arguments = words
    if name in {"version", "--version"}:
        print(f"heard {importlib.metadata.version('heard')}")
        return 0
    if name in OWN:
        return _run_own_command(name, arguments)
    if found := area_commands().get(name):
        return _run_area_command(found, arguments)
    return _run_django_command(name, arguments)


def _run_own_command(name: str, arguments: list[str]) -> int:
    module, function, _ = OWN[name]
    code: int = getattr(importlib.import_module(module), function)(arguments)
    return code


def _run_area_command(found: AreaCommand, arguments: list[str]) -> int:
    module = f"heard.{found.area}.management.commands.{found.name}"
    if not found.needs_database:
        return _execute(importlib.import_module(module).Command(), found.name, arguments)
    with database.serving():
        if not database.is_current():
            _run_own_command("migrate", ["--quiet"])
        django.setup()
        return _execute(importlib.import_module(module).Command(), found.name, arguments)


def _run_django_command(name: str, arguments: list[str]) -> int:
    with database.serving():
        django.setup()
        known = get_commands()
        if name not in known:
            near = difflib.get_close_matches(name, [*OWN, *area_commands(), *known], n=1)
            hint = f"did you mean `heard {near[0]}`?" if near else "`heard` lists what there is."
            raise CommandError(f"There is no command {name}; {hint}")
        app = known[name]
        command = load_command_class(app, name) if isinstance(app, str) else app
        return _execute(command, name, arguments)


def _execute(command: BaseCommand, name: str, arguments: list[str]) -> int:
    # As Django's own entry does, so that a mistyped option shows the usage.
    command._called_from_command_line = True  # type: ignore[attr-defined]  # noqa: SLF001
    is_ours = command.__module__.startswith("heard.")
    if is_ours:
        command.suppressed_base_arguments = DJANGO_OPTIONS
    options = vars(command.create_parser("heard", name).parse_args(arguments))
    if is_ours:
        options["skip_checks"] = True  # `make check` and `heard doctor` check; commands are quick
    positional = options.pop("args", ())
    command.execute(*positional, **options)
    return 0


@functools.cache
def area_commands() -> dict[str, AreaCommand]:
    """The commands of our areas by name, read from their files: no area is imported for it."""
    found = {}
    for file in sorted(HERE.glob("*/management/commands/[a-z]*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        attributes = _attributes_of_command(tree)
        summary = attributes.get("help") or (ast.get_docstring(tree) or "").split("\n")[0]
        found[file.stem] = AreaCommand(
            name=file.stem,
            area=file.parts[-4],
            summary=str(summary),
            needs_database=bool(attributes.get("needs_database", True)),
        )
    return found


def _attributes_of_command(tree: ast.Module) -> dict[str, object]:
    attributes: dict[str, object] = {}
    for part in tree.body:
        if isinstance(part, ast.ClassDef) and part.name == "Command":
            for line in part.body:
                targets = line.targets if isinstance(line, ast.Assign) else []
                target = line.target if isinstance(line, ast.AnnAssign) else [*targets, None][0]
                value = getattr(line, "value", None)
                if isinstance(target, ast.Name) and isinstance(value, ast.Constant):
                    attributes[target.id] = value.value
    return attributes


def _show_commands() -> int:
    print("heard: customer care that lets nothing be forgotten.\n\nheard itself")
    for name, (_, _, summary) in OWN.items():
        _show_command(name, summary)
    _show_command("version", "Say which heard this is.")
    area = ""
    for command in sorted(area_commands().values(), key=lambda one: (one.area, one.name)):
        if command.area != area:
            area = command.area
            print(f"\n{area}")
        _show_command(command.name, command.summary)
    print(
        "\n`heard <command> --help` tells more; Django's own commands (shell, dbshell …) work too."
    )
    return 0


def _show_command(name: str, summary: str) -> None:
    print(f"  {name:<16} {summary}")


if __name__ == "__main__":
    main()
