"""Archives: files that hold years of messages, as streams of values.

Each module here knows one format and nothing of the product.
"""

from __future__ import annotations

from heard.channels.archives.archive import Archive, ArchiveError, Item, Spread
from heard.channels.archives.calls import CallRecords
from heard.channels.archives.dialogues import Dialogues
from heard.channels.archives.helpforum import HelpForum
from heard.channels.archives.maps import Map, read_map
from heard.channels.archives.mbox import Mbox
from heard.channels.archives.table import Table
from heard.channels.archives.twcs import Twcs

__all__ = [
    "Archive",
    "ArchiveError",
    "CallRecords",
    "Dialogues",
    "HelpForum",
    "Item",
    "Map",
    "Mbox",
    "Spread",
    "Table",
    "Twcs",
    "read_map",
]
