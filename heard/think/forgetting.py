"""The check keeps the last texts in memory, to be quick while one types; this lets them go."""

from __future__ import annotations

import sys

from heard import reading


def forget() -> None:
    """Forget every text and every word that this process has looked at; they are read anew.

    Whatever a module of this area remembers is a text, a part of one, or quickly made again: so all
    of it goes, and none has to be named here. The models stay.
    """
    ours = [module for name, module in [*sys.modules.items()] if name.startswith(f"{_AREA}.")]
    for module in ours:
        for thing in [*vars(module).values()]:
            clear = getattr(thing, "cache_clear", None)
            if clear is not None and not isinstance(thing, type):
                clear()
    reading.forget()


_AREA = __name__.rpartition(".")[0]
