"""Keeps drawn charts: asked for by a page, drawn once by the worker, shown from then on.

To draw takes a tenth of a second and 80 MB, which no page should have to carry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django.db import transaction

from heard.lib.jobs import jobs
from heard.meter.models import Drawing

KEPT = timedelta(days=2)


def drawing(kind: str, rows: Sequence[Mapping[str, Any]], *, now: datetime) -> Drawing:
    """The drawing of these rows; its `svg` is empty until the worker has drawn it."""
    digest = hashlib.sha256(json.dumps([kind, rows], sort_keys=True).encode()).hexdigest()
    found = Drawing.objects.filter(key=digest).first()
    if found is not None:
        return found
    with transaction.atomic():
        made, is_new = Drawing.objects.get_or_create(
            key=digest, defaults={"kind": kind, "data": rows, "asked_at": now}
        )
        if is_new:
            draw.defer(key=digest)
            Drawing.objects.filter(asked_at__lt=now - KEPT).delete()
    return made


@jobs.task(queue="default")
def draw(key: str) -> None:
    """Draw what was asked for."""
    # Imported here, where it is drawn: the library weighs 65 MB, and every web process imports us.
    charts = import_module("heard.meter.charts")
    for asked in Drawing.objects.filter(key=key, svg=""):
        asked.svg = charts.draw(asked.kind, asked.data)
        asked.save(update_fields=["svg"])
