"""`python -m heard.think.training [FOLDER]`: train the heads again and write their file."""

from __future__ import annotations

import sys
from pathlib import Path

from threadpoolctl import threadpool_limits

from heard.reading.labelled import data_folder
from heard.reading.models import save
from heard.think import models
from heard.think.evaluation import CORPUS
from heard.think.scores.heads import MODEL
from heard.think.training.heads import train


def main() -> None:
    """Write `heads.npz` into FOLDER, or into the package."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(models.__file__).parent
    data = data_folder()
    if not data.is_dir():
        sys.exit(f"There is no folder {data}. Let HEARD_SHARED name the one that has it.")
    # One thread, so that sums are taken in the same order every time.
    with threadpool_limits(limits=1):
        save(folder / MODEL, train(CORPUS, data))
    sys.stdout.write(f"{folder / MODEL}: {(folder / MODEL).stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
