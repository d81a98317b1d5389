"""Jobs: functions taking ids, queued in the transaction of the deed that caused them."""

from __future__ import annotations

from procrastinate.contrib.django import app as jobs

__all__ = ["jobs"]
