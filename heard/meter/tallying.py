"""Keeps the roll-ups fresh by the minute, so that nobody who opens a page has to wait for them."""

from __future__ import annotations

from heard.lib.jobs import jobs
from heard.meter.rollups import freshen


@jobs.periodic(cron="* * * * *")
@jobs.task(queue="default", queueing_lock="tally", pass_context=False)
def tally(timestamp: int) -> None:  # noqa: ARG001 - the periodic job is told its time
    """Count the days that went stale in the last minute."""
    freshen()
