"""The house keeps its shape: ladder of foreign keys, words in modules, settings documented."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

from heard.lib.jobs import jobs

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for path in (ROOT / "heard").rglob("*.py") if "migrations" not in path.parts)
FORBIDDEN = {
    "utils", "helpers", "common", "misc", "core", "services", "managers", "actions", "mixins",
    "constants",
}  # fmt: skip


def rungs() -> dict[str, int]:
    ladder = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = ladder["contracts"][0]["layers"]
    return {
        name.strip(): number
        for number, layer in enumerate(reversed(layers))
        for name in layer.split("|")
    }


def test_foreign_keys_point_down_the_ladder_like_imports() -> None:
    rung = rungs()
    user = apps.get_model(settings.AUTH_USER_MODEL)
    wrong = []
    for model in apps.get_models():
        if not model.__module__.startswith("heard."):
            continue
        area = model.__module__.split(".")[1]
        for field in model._meta.get_fields():
            target = field.related_model if field.is_relation and not field.auto_created else None
            if target is None or target is user or isinstance(target, str):
                continue
            other = target.__module__.split(".")[1]
            if other != area and rung[other] >= rung[area]:
                wrong.append(f"{model.__name__}.{field.name} -> {target.__name__}")
    assert not wrong


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_is_in_it(path: Path) -> None:
    source = path.read_text()
    assert not source.strip() or ast.get_docstring(ast.parse(source))


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert not [path for path in MODULES if path.stem in FORBIDDEN]


def test_every_setting_from_the_environment_is_documented() -> None:
    names = {
        name
        for path in MODULES
        for name in re.findall(r'"(HEARD_[A-Z_]+|DATABASE_URL|EMAIL_URL)"', path.read_text())
    }
    documented = (ROOT / "docs" / "configure.md").read_text()
    assert not sorted(name for name in names if name not in documented)


ALL_MODULES = """
import sys, django
django.setup()
from importlib import import_module
from django.conf import settings

from heard.lib.jobs import jobs
for path in settings.PROCRASTINATE_IMPORT_PATHS:
    import_module(path)
print(*sys.modules)
"""


def test_the_worker_knows_every_job() -> None:
    wanted = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in MODULES
        if re.search(r"^@jobs\.(task|periodic)", path.read_text(), re.MULTILINE)
    }
    told = subprocess.run(
        [sys.executable, "-c", ALL_MODULES],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "heard.settings"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    missing = sorted(wanted - set(told.stdout.split()))
    assert not missing


NAMED_AFTER_THEIR_PLACE = {"heard.meter.drawing.draw", "heard.meter.tallying.tally"}


def test_a_job_in_the_queue_of_a_house_that_upgrades_is_found_wherever_its_module_moved() -> None:
    for path in settings.PROCRASTINATE_IMPORT_PATHS:
        import_module(path)
    dotted = {name for name in jobs.tasks if name.startswith("heard.")}
    assert dotted == NAMED_AFTER_THEIR_PLACE
