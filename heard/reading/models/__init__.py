"""The trained figures that ship with the package, and how they are kept: arrays only, no code."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def load(name: str) -> dict[str, NDArray[Any]]:
    """The arrays of one model file."""
    with (
        as_file(files(__name__) / f"{name}.npz") as path,
        np.load(path, allow_pickle=False) as arrays,
    ):
        return dict(arrays)


def save(file: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a model file; the same arrays give the same bytes."""
    np.savez_compressed(file, allow_pickle=False, **arrays)
