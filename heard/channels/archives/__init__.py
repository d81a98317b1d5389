"""Archives: files that hold years of messages, as streams of values.

Each module here knows one format and nothing of the product; `ARCHIVES` names them all.
"""

from __future__ import annotations

from collections.abc import Mapping

from heard.channels.archives.archive import Archive, ArchiveError, Item
from heard.channels.archives.dialogues import Dialogues
from heard.channels.archives.helpforum import HelpForum
from heard.channels.archives.maps import Map, read_map
from heard.channels.archives.mbox import Mbox
from heard.channels.archives.table import Table
from heard.channels.archives.twcs import Twcs

ARCHIVES: Mapping[str, type[Archive]] = {
    "helpforum": HelpForum,
    "twcs": Twcs,
    "dialogues": Dialogues,
    "mbox": Mbox,
    "csv": Table,
}

__all__ = [
    "ARCHIVES",
    "Archive",
    "ArchiveError",
    "Dialogues",
    "HelpForum",
    "Item",
    "Map",
    "Mbox",
    "Table",
    "Twcs",
    "read_map",
]
