"""A pytest plugin, loaded before Django's settings are read: tests have a home of their own."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

HOME = Path(tempfile.mkdtemp(prefix="heard-tests-"))
os.environ["HEARD_HOME"] = str(HOME)
