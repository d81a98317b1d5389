"""`python -m heard.reading.training [FOLDER]`: train everything again and write the model files."""

from __future__ import annotations

import sys
from pathlib import Path

from threadpoolctl import threadpool_limits

from heard.reading import models
from heard.reading.labelled import data_folder
from heard.reading.models import save
from heard.reading.training import embeddings, heads, languages


def main() -> None:
    """Write the model files into FOLDER, or into the package."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(models.__file__).parent
    data = data_folder()
    if not data.is_dir():
        sys.exit(f"There is no folder {data}. Let HEARD_SHARED name the one that has it.")
    # One thread, so that sums are taken in the same order every time.
    with threadpool_limits(limits=1):
        for name, train in (
            ("languages", languages.train),
            ("heads", heads.train),
            ("heads_abroad", heads.train_abroad),
            ("embeddings", embeddings.train),
        ):
            file = folder / f"{name}.npz"
            save(file, train(data))
            sys.stdout.write(f"{file}: {file.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
