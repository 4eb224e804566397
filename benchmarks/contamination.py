"""Contamination: what is found of planted copies, what is found by mistake, what it costs, and the real overlap of GSM8K's two parts.

    python -m benchmarks.contamination [--quick] [--data FOLDER]

Copies of invented questions are planted in a large invented text: word for word, with other case and punctuation, with other line breaks,
the first or the last half alone, and with every tenth word changed (which leaves no run of 13 words: that nothing is found then is the
method's limit, and reported as such). Questions that were not planted must not be found.

`--data` (or $GROUNDWORK_DATA) names a folder with `evaluation/gsm8k_test.jsonl.gz` and `gsm8k_train.jsonl.gz`:

    {"question": "…", "answer": "… #### 42"}
"""

import argparse
import gzip
import json
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.report import begin, report
from groundwork.core.statistics import proportion
from groundwork.evaluate.contamination import Contamination, find_contamination
from groundwork.evaluate.passages import Passage, read_passages

VOCABULARY = 20_000
LENGTH = 45
Change = Callable[[list[str]], str]
CHANGES: dict[str, Change] = {
    "verbatim": " ".join,
    "case_punctuation": lambda words: ", ".join(words).upper() + "!",
    "line_breaks": "\n".join,
    "first_half": lambda words: " ".join(words[: len(words) // 2]),
    "last_half": lambda words: " ".join(words[len(words) // 2 :]),
    "every_tenth_word": lambda words: " ".join(f"other{place}" if place % 10 == 9 else word for place, word in enumerate(words)),
}


def invented(chooser: random.Random, words: int) -> list[str]:
    """Words as frequent as in a language: the k-th one time in k."""
    return [f"w{min(VOCABULARY - 1, int(VOCABULARY ** chooser.random()))}" for _ in range(words)]


def plant(path: Path, copies: Sequence[str], megabytes: float, chooser: random.Random) -> None:
    """A large text with the copies somewhere in it."""
    piece = 2_000
    pieces = max(len(copies), int(megabytes * 1e6 / (piece * 5.5)))
    places = dict(zip(chooser.sample(range(pieces), len(copies)), copies, strict=True))
    with path.open("w") as file:
        for place in range(pieces):
            file.write(" ".join(invented(chooser, piece)) + "\n" + (places[place] + "\n" if place in places else ""))


def planted(questions: int, megabytes: float) -> tuple[dict[str, float], dict[str, tuple[float, float]], int]:
    """The share found of each kind of copy, of what was never planted, and what it cost."""
    chooser = random.Random(1)
    figures: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}
    texts = {f"{kind}-{number}": invented(chooser, LENGTH) for kind in (*CHANGES, "absent") for number in range(questions)}
    copies = [CHANGES[name.rsplit("-", 1)[0]](words) for name, words in texts.items() if not name.startswith("absent")]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.txt"
        plant(path, copies, megabytes, chooser)
        size = path.stat().st_size / 1e6
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        start = time.process_time()
        found = find_contamination({name: {"question": " ".join(words)} for name, words in texts.items()}, read_passages(path))
        figures["cpu_s_per_100_mb"] = (time.process_time() - start) / size * 100
        figures["rss_growth_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
    for kind in (*CHANGES, "absent"):
        hits = sum(name.startswith(kind) for name in found.contaminated)
        share = proportion(hits, questions)
        figures[f"found_{kind}"] = share.value
        intervals[f"found_{kind}"] = (share.low, share.high)
    figures["corpus_mb"] = size
    return figures, intervals, len(texts)


def rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    with gzip.open(path, "rt") as file:
        yield from enumerate(map(json.loads, file), start=1)


def gsm8k(folder: Path) -> dict[str, Contamination]:
    """The questions of the test part in the questions of the training part, by words and by characters."""
    cases = {str(line): {"question": row["question"]} for line, row in rows(folder / "gsm8k_test.jsonl.gz")}

    def passages() -> Iterator[Passage]:
        return (Passage("gsm8k_train", row["question"], line) for line, row in rows(folder / "gsm8k_train.jsonl.gz"))

    return {
        "gsm8k_13_words": find_contamination(cases, passages()),
        "gsm8k_8_words": find_contamination(cases, passages(), n=8),
        "gsm8k_50_characters": find_contamination(cases, passages(), unit="characters"),
    }


def main() -> None:
    """Measure, and report."""
    options = argparse.ArgumentParser(
        prog="python -m benchmarks.contamination", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    options.add_argument("--quick", action="store_true", help="5 MB of text instead of 100")
    options.add_argument("--data", type=Path, default=os.environ.get("GROUNDWORK_DATA"), help="folder with evaluation/gsm8k_*.jsonl.gz")
    given = options.parse_args()
    started = begin()
    figures, intervals, n = planted(20 if given.quick else 200, 5 if given.quick else 100)
    data = "invented text with planted copies"
    folder = given.data / "evaluation" if given.data else None
    if folder and (folder / "gsm8k_test.jsonl.gz").exists():
        data += ", GSM8K"
        for name, found in gsm8k(folder).items():
            figures[f"{name}.cases"] = float(len(found.contaminated))
            figures[f"{name}.mostly"] = float(sum(one.share >= 0.8 for one in found.overlaps))
            if found.share is not None:
                figures[f"{name}.share"] = found.share.value
                intervals[f"{name}.share"] = (found.share.low, found.share.high)
                n += found.share.n
    report(benchmark="contamination", figures=figures, intervals=intervals, n=n, rivals={}, data=data, versions=("numpy",), started=started)


if __name__ == "__main__":
    main()
