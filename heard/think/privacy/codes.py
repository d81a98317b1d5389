"""Which findings say that something belongs in private."""

from __future__ import annotations

from heard.think.privacy.disclosures import DISCLOSED
from heard.think.privacy.personal_data import KINDS

PRIVATE_CODES = frozenset(
    {
        "necessary.asks_in_public",
        "necessary.asks_secret",
        *(f"necessary.{kind}" for kind in KINDS | DISCLOSED),
    }
)
