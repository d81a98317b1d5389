"""What the tier MiniLM is worth where the shipped reader is unsure: `python -m bench.minilm`.

Needs the extra and its files (docs/assistant.md) and HEARD_SHARED; nothing here was trained on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import django

UNSURE = 0.15


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "heard.settings")
    django.setup()
    from heard.reading.labelled import data_folder, lines, table

    data = data_folder()
    rows = list(lines(data / "care_labels" / "incoming.jsonl.gz"))
    texts = [row["text"] for row in rows]
    agreed = {
        head: [one if one == other else "" for one, other in (row["labels"][head] for row in rows)]
        for head in ("need", "stance", "mood")
    }
    compare("care_labels", texts, agreed)
    tweets = list(table(data / "tweeteval_sentiment" / "val.csv.gz"))
    texts = [row["text"] for row in tweets]
    compare("tweeteval_sentiment", texts, {"mood": [row["label_name"] for row in tweets]})


def compare(name: str, texts: Sequence[str], labels: dict[str, list[str]]) -> None:
    from heard.assistant.minilm import reader
    from heard.lib.shares import wilson
    from heard.reading import read
    from heard.reading.doubt import leads

    unsure = [n for n, lead in enumerate(leads(texts)) if lead is not None and lead < UNSURE]
    own = [texts[n] for n in unsure]
    shipped = read(own)
    begun = time.process_time()
    suggested = [it.said for it in reader.read(own)]
    speed = len(own) / (time.process_time() - begun)
    print(f"{name}: {len(own)} of {len(texts)} unsure, {speed:.0f} of them a CPU second")
    for head, wanted in labels.items():
        rows = [n for n, place in enumerate(unsure) if wanted[place]]
        for who, said in (("shipped", shipped), ("suggested", suggested)):
            right = sum(str(getattr(said[n], head)) == wanted[unsure[n]] for n in rows)
            low, high = wilson(right, len(rows))
            print(f"  {head:7} {who:10} {right:4} of {len(rows)} right, {low:.2f} to {high:.2f}")


if __name__ == "__main__":
    main()
