"""Attacks on a model's instructions, and harmless texts beside them: every public source with its labels, deduplicated across all of them.

    {"text": "Ignore the rules above.", "label": 1, "source": "gandalf"}

Such lines (`guard/*.jsonl`, plain or gzipped, label 1 = attack) are read as they stand; the files named in FILES are read in their own formats.
Judged by file: lists of harmful questions, slurs and toxic half-sentences are neither attacks on instructions nor harmless, and are left out, as
are the strings that an optimiser found against one model's weights, and fragments of another attacker's own prompt.
"""

import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from groundwork.core.errors import InputError, NotFound
from groundwork.core.text import words
from groundwork.datasets.training import Origin

SHINGLE = 5
"""Words in a run; texts that share most of their runs are one text (Broder, On the resemblance and containment of documents, 1997)."""
ALIKE = 0.6
"""Of the shorter text's runs; from here on it is a copy."""


class Sample(NamedTuple):
    """A text, whether it is an attack, the source that must lie on one side of a split, and the family of sources that had the same makers or aims."""

    text: str
    attack: bool
    source: str
    family: str


class Source(NamedTuple):
    """One file: where it lies, its licence, and how its lines become samples."""

    path: str
    title: str
    licence: str
    read: Callable[[dict[str, Any]], Iterable[tuple[str, bool, str]]]
    """Text, attack or not, source."""


FAMILIES = {
    "gandalf": "password games",
    "mosscap": "password games",
    "inthewild": "jailbreak prompts",
    "garak": "jailbreak prompts",
    "giskard": "jailbreak prompts",
}
"""Sources that attack the same game or share prompts; every other source is a family of its own."""


def read_samples(folder: Path) -> tuple[list[Sample], tuple[Origin, ...]]:
    """Every sample below `folder`, near copies left out, and where they come from.

    Raises NotFound where there is no file of the kind, InputError for one that cannot be read.
    """
    found: list[Sample] = []
    origins: list[Origin] = []
    for source in FILES:
        path = folder / source.path
        if not path.is_file():
            continue
        rows = [sample for line in read_lines(path) for sample in source.read(line)]
        found.extend(Sample(text.strip(), attack, name, FAMILIES.get(name, name)) for text, attack, name in rows if text.strip())
        origins.append(
            Origin(name=source.title, licence=source.licence, rows=len(rows), sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        )
    found.extend(_plain(folder))
    if not found:
        raise NotFound(
            f"no attacks or harmless texts in {folder / 'guard'}", fix='write lines {"text", "label", "source"} into guard/NAME.jsonl'
        )
    return unlike(found), tuple(origins)


def _plain(folder: Path) -> Iterator[Sample]:
    """Lines with text, label and source, of files that have no format of their own."""
    known = {source.path for source in FILES}
    for path in sorted((folder / "guard").glob("*.jsonl*")):
        if path.relative_to(folder).as_posix() in known:
            continue
        for line in read_lines(path):
            if {"text", "label", "source"} <= line.keys() and line["label"] in (0, 1) and str(line["text"]).strip():
                name = str(line["source"])
                yield Sample(str(line["text"]).strip(), bool(line["label"]), name, FAMILIES.get(name, name))


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines, gzipped or not. Raises InputError for one that cannot be read."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for line in data.decode("utf-8").split("\n"):
            if line.strip():
                yield cast(dict[str, Any], json.loads(line))
    except (OSError, EOFError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}", fix="fetch it again, or remove it") from None


def unlike(samples: Sequence[Sample]) -> list[Sample]:
    """The samples without copies: the same words, or most of the runs of five words of an earlier one. Earlier ones stay.

    Attacks come first, so that a text that is in both classes counts as an attack.
    """
    ordered = sorted(samples, key=lambda sample: not sample.attack)
    seen: set[str] = set()
    places: dict[int, list[int]] = defaultdict(list)
    kept: list[Sample] = []
    sizes: list[int] = []
    for sample in ordered:
        listed = words(sample.text)
        key = " ".join(listed) or sample.text
        if key in seen:
            continue
        seen.add(key)
        runs = {hash(tuple(listed[place : place + SHINGLE])) for place in range(len(listed) - SHINGLE + 1)}
        shared: dict[int, int] = defaultdict(int)
        for run in runs:
            for place in places.get(run, ()):
                shared[place] += 1
        if len(runs) > 2 and any(count >= ALIKE * min(len(runs), sizes[place]) for place, count in shared.items()):
            continue
        for run in runs:
            places[run].append(len(kept))
        sizes.append(len(runs))
        kept.append(sample)
    return kept


def _wild(line: dict[str, Any]) -> Iterator[tuple[str, bool, str]]:
    yield line["text"], True, "inthewild"


def _garak(line: dict[str, Any]) -> Iterator[tuple[str, bool, str]]:
    source: str = line["source"]
    if "/dan/" in source:
        yield line["text"].replace("{generator.name}", "ChatGPT"), True, "garak"
    elif source.endswith("sysprompt_extraction/attacks.json"):
        for kind in cast(dict[str, list[Any]], json.loads(line["text"])).values():
            for text in kind:
                if isinstance(text, str):
                    yield text, True, "garak"


_PARAPET: Mapping[str, tuple[str, bool]] = {
    "opensource_gandalf_attacks": ("gandalf", True),
    "opensource_mosscap_attacks": ("mosscap", True),
    "opensource_giskard_attacks": ("giskard", True),
    "opensource_deepset_attacks": ("deepset", True),
    "opensource_deepset_benign": ("deepset", False),
    "l1_attacks": ("parapet", True),
    "l1_benign": ("parapet", False),
    "multiturn_attacks": ("parapet", True),
    "multiturn_benign": ("parapet", False),
}


def _parapet(line: dict[str, Any]) -> Iterator[tuple[str, bool, str]]:
    source, attack = _PARAPET.get(line["file"], ("", False))
    if not source:
        return
    text: str = line["text"]
    if line["file"].startswith("multiturn"):
        turns = cast(list[dict[str, str]], json.loads(text))
        text = "\n".join(turn["content"] for turn in turns if turn["role"] == "user")
    yield text, attack, source


def _field(name: str, source: str, *, every: int = 1) -> Callable[[dict[str, Any]], Iterator[tuple[str, bool, str]]]:
    """Harmless texts in one field; of large files one line in `every`, chosen by its hash."""

    def read(line: dict[str, Any]) -> Iterator[tuple[str, bool, str]]:
        text = line.get(name)
        if isinstance(text, str) and int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % every == 0:
            yield text, False, source

    return read


def _clinc(line: dict[str, Any]) -> Iterator[tuple[str, bool, str]]:
    if line.get("split") in {"train", "oos_train"}:
        yield from _field("text", "clinc150", every=10)(line)


def _turns(line: dict[str, Any]) -> Iterator[tuple[str, bool, str]]:
    for turn in line.get("turns", ()):
        yield turn, False, "mtbench"


def _calls(line: dict[str, Any]) -> Iterator[tuple[str, bool, str]]:
    for message in line["question"][0]:
        if message["role"] == "user":
            yield message["content"], False, "bfcl"


FILES = (
    Source("guard/garak_inthewild_jailbreaks.jsonl.gz", "garak, jailbreaks found in the wild", "Apache-2.0", _wild),
    Source("guard/garak_prompts.jsonl.gz", "garak: DAN prompts and system prompt extraction", "Apache-2.0", _garak),
    Source(
        "guard/parapet_sources.jsonl.gz",
        "parapet: gandalf, mosscap, giskard, deepset, its own",
        "Apache-2.0 repository, mixed upstreams",
        _parapet,
    ),
    Source("guard/wildguard_benign.jsonl.gz", "PIGuard's benign part of WildGuard", "MIT", _field("prompt", "wildguard")),
    Source("guard/cyberseceval_mitre_frr.jsonl.gz", "CyberSecEval, false refusal rate", "MIT", _field("mutated_prompt", "cyberseceval")),
    Source("guard/halueval_general.jsonl.gz", "HaluEval, users' queries", "MIT", _field("user_query", "halueval")),
    Source("routing/clinc150.jsonl.gz", "CLINC150, training utterances", "CC BY 3.0", _clinc),
    Source("reader/squad2.jsonl.gz", "SQuAD 2.0, questions", "CC BY-SA 4.0", _field("question", "squad", every=8)),
    Source("reader/policyqa.jsonl.gz", "PolicyQA, questions", "MIT", _field("question", "policyqa", every=20)),
    Source("evaluation/gsm8k_train.jsonl.gz", "GSM8K, training questions", "MIT", _field("question", "gsm8k", every=10)),
    Source("evaluation/llmbar_items.jsonl.gz", "LLMBar, instructions", "MIT", _field("input", "llmbar")),
    Source("evaluation/mtbench_questions.jsonl.gz", "MT-Bench, questions", "Apache-2.0", _turns),
    Source("evaluation/HumanEval.jsonl.gz", "HumanEval, prompts", "MIT", _field("prompt", "humaneval")),
    Source("agents/bfcl/BFCL_v4_simple_python.json.gz", "BFCL, simple", "Apache-2.0", _calls),
    Source("agents/bfcl/BFCL_v4_live_simple.json.gz", "BFCL, live simple", "Apache-2.0", _calls),
    Source("agents/bfcl/BFCL_v4_live_multiple.json.gz", "BFCL, live multiple", "Apache-2.0", _calls),
    Source("agents/bfcl/BFCL_v4_live_irrelevance.json.gz", "BFCL, live irrelevance", "Apache-2.0", _calls),
)
"""What is read, attacks first. Of two near copies the first stays."""
