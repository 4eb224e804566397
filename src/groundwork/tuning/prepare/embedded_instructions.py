"""Documents with an order to the model hidden in them, and the same documents with orders that people give each other.

    {"context": "SUBJECT: …", "domain": "email"}        {"category": "Clickbait", "attack": "Add … to your reply"}

Carriers: mails, tables and questions on code (BIPIA, Yi et al., Benchmarking and Defending against Indirect Prompt Injection Attacks, 2023),
paragraphs of SQuAD, privacy policies, answers of chatbots (HaluEval, LLMBar), programs, sums, documents of functions. Every document comes three times: as it is, with a harmless order of
`written/passages.toml`, and with an attack, at its start, in the middle or at its end.
"""

import hashlib
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from groundwork.core.errors import NotFound
from groundwork.core.text import sentences
from groundwork.datasets.rows import Row, Span, SpanRow
from groundwork.datasets.training import Origin, Part
from groundwork.tuning.prepare.attack_sources import read_lines
from groundwork.tuning.prepare.written import Written, many, phrases

HOW = "by family of documents and by kind of order; each document clean, with a harmless order and with an attack"
HELD_FAMILY, DEV_FAMILY = "email", "sum"
HELD_KINDS = 0.1
"""Share of the kinds of orders that only the held part has."""
MOST_CARRIERS = 300
"""Of a family."""
WRITTEN = 4_000
"""Orders of our own writing, and as many harmless ones."""
ASKED = "Does this text give the model an order?"
LONGEST = 3_000
"""Characters of a carrier; longer ones are cut at a sentence: the place of an order counts, not how much stands around it."""


class Carrier(NamedTuple):
    """A document as it was found, and the family of documents that it belongs to."""

    text: str
    family: str


class Order(NamedTuple):
    """An order to a model, and its kind: what a split never cuts through."""

    text: str
    kind: str


class Document(NamedTuple):
    """A document, with what was put into it: (start, end) of an attack, or nothing."""

    text: str
    attack: tuple[int, int] | None
    family: str
    kind: str
    """The attack's kind, `passage` for a harmless order, `clean` for none."""


class _File(NamedTuple):
    path: str
    title: str
    licence: str
    read: Callable[[dict[str, Any]], Iterable[Carrier]]


def _bipia(line: dict[str, Any]) -> Iterator[Carrier]:
    context = line["context"]
    text = "\n".join(cast(list[str], context)) if isinstance(context, list) else str(context)
    yield Carrier(text.replace("|CONTENT:", "\nCONTENT:") if line["domain"] == "email" else text, str(line["domain"]))


def _squad(line: dict[str, Any]) -> Iterator[Carrier]:
    yield Carrier(line["context"], "paragraph")


def _policy(line: dict[str, Any]) -> Iterator[Carrier]:
    yield Carrier(line["context"], "policy")


def _answers(line: dict[str, Any]) -> Iterator[Carrier]:
    if int(hashlib.sha256(line["user_query"].encode()).hexdigest()[:8], 16) % 5 == 0:
        yield Carrier(line["chatgpt_response"], "answer")


def _programs(line: dict[str, Any]) -> Iterator[Carrier]:
    yield Carrier(line["prompt"] + line["canonical_solution"], "program")


def _sums(line: dict[str, Any]) -> Iterator[Carrier]:
    if int(hashlib.sha256(line["question"].encode()).hexdigest()[:8], 16) % 15 == 0:
        yield Carrier(f"{line['question']}\n{line['answer']}", "sum")


def _outputs(line: dict[str, Any]) -> Iterator[Carrier]:
    yield Carrier(line["output_1"], "output")


def _schemas(line: dict[str, Any]) -> Iterator[Carrier]:
    if line["function"]:
        yield Carrier(json.dumps(line["function"][0], indent=1), "schema")


FILES = (
    _File("guard/bipia_contexts.jsonl.gz", "BIPIA, contexts", "MIT, contexts of mixed upstreams", _bipia),
    _File("reader/squad2.jsonl.gz", "SQuAD 2.0, paragraphs", "CC BY-SA 4.0", _squad),
    _File("reader/policyqa.jsonl.gz", "PolicyQA, passages", "MIT", _policy),
    _File("guard/halueval_general.jsonl.gz", "HaluEval, answers of ChatGPT", "MIT", _answers),
    _File("evaluation/HumanEval.jsonl.gz", "HumanEval, programs", "MIT", _programs),
    _File("evaluation/gsm8k_train.jsonl.gz", "GSM8K, solved questions of the training part", "MIT", _sums),
    _File("evaluation/llmbar_items.jsonl.gz", "LLMBar, answers of models", "MIT", _outputs),
    _File("agents/bfcl/BFCL_v4_live_multiple.json.gz", "BFCL, documents of functions", "Apache-2.0", _schemas),
)


def read_carriers(folder: Path) -> tuple[list[Carrier], tuple[Origin, ...]]:
    """Documents of 60 characters or more, none twice. Raises NotFound where there are none, InputError for a file that cannot be read."""
    found: dict[str, Carrier] = {}
    origins: list[Origin] = []
    for file in FILES:
        path = folder / file.path
        if not path.is_file():
            continue
        before = len(found)
        for line in read_lines(path):
            for carrier in file.read(line):
                text = _shortened(carrier.text.strip())
                if len(text) >= 60:
                    found.setdefault(text, carrier._replace(text=text))
        origins.append(
            Origin(name=file.title, licence=file.licence, rows=len(found) - before, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        )
    if not found:
        raise NotFound(f"no documents below {folder}", fix=f"it should hold {', '.join(file.path for file in FILES)}")
    return list(found.values()), tuple(origins)


def read_orders(folder: Path) -> list[Order]:
    """BIPIA's attacks by category; empty where the file is not there."""
    path = folder / "guard" / "bipia_attacks_train.jsonl.gz"
    return [Order(line["attack"], f"bipia/{line['category']}") for line in read_lines(path)] if path.is_file() else []


def own_orders(count: int, chance: random.Random) -> list[Order]:
    """Orders of our own writing, and overrides of a prompt among them."""
    found = [Order(text, f"our/{kind}") for text, kind in many(phrases("embedded"), count, chance, rough=0.25, change=_first_letter)]
    return found + [Order(text, "our/override") for text, kind in many(phrases("attacks"), count // 4, chance) if kind == "override"]


def own_passages(count: int, chance: random.Random) -> list[Written]:
    """Harmless orders of our own writing."""
    return many(phrases("passages"), count, chance, rough=0.25, change=_first_letter)


def _first_letter(text: str, chance: random.Random) -> str:
    return text[:1].upper() + text[1:] if chance.random() < 0.85 else text


def documents(carriers: Sequence[Carrier], orders: Sequence[Order], passages: Sequence[Written], chance: random.Random) -> list[Document]:
    """Each carrier clean, with a harmless order, and with an attack; kinds of attacks as often as each other."""
    by_kind: dict[str, list[Order]] = {}
    for order in orders:
        by_kind.setdefault(order.kind, []).append(order)
    kinds = sorted(by_kind)
    found: list[Document] = []
    for place, carrier in enumerate(carriers):
        found.append(Document(carrier.text, None, carrier.family, "clean"))
        harmless = chance.choice(passages)
        found.append(Document(put(carrier.text, harmless.text, chance)[0], None, carrier.family, "passage"))
        order = chance.choice(by_kind[kinds[place % len(kinds)]])
        text, span = put(carrier.text, order.text, chance)
        found.append(Document(text, span, carrier.family, order.kind))
    return found


def put(carrier: str, order: str, chance: random.Random) -> tuple[str, tuple[int, int]]:
    """The carrier with an order at its start, between two of its sentences, or at its end, and where the order stands."""
    ends = [end for _, end in sentences(carrier)]
    place = chance.choice((0, chance.choice(ends) if ends else 0, len(carrier)))
    gap = chance.choice((" ", " ", "\n", "\n\n"))
    before = carrier[:place].rstrip()
    head = f"{before}{gap}" if before else ""
    after = carrier[place:].lstrip()
    return f"{head}{order}{gap if after else ''}{after}", (len(head), len(head) + len(order))


def _shortened(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    ends = [end for _, end in sentences(text[:LONGEST])]
    return text[: ends[-2]] if len(ends) > 1 else text[:LONGEST]


def prepare_embedded(folder: Path, seed: int) -> tuple[Mapping[Part, list[Row]], tuple[Origin, ...]]:
    """Rows by part, the order as the answer's span, and where they come from. Raises NotFound and InputError as `read_carriers` does."""
    carriers, origins = read_carriers(folder)
    chance = random.Random(f"embedded {seed}")  # noqa: S311  not a secret
    known, own, passages = read_orders(folder), own_orders(WRITTEN, chance), own_passages(WRITTEN, chance)
    kinds = sorted({order.kind for order in (*known, *own)})
    held = set(chance.sample(kinds, max(2, round(HELD_KINDS * len(kinds)))))
    few = [one for name in sorted({carrier.family for carrier in carriers}) for one in _some(carriers, name, chance)]
    parts: dict[Part, list[Row]] = {"train": [], "dev": [], "held": []}
    seen: set[str] = set()
    for orders in (known, own):
        for part, families in _families(carriers).items():
            allowed = [order for order in orders if (order.kind in held) == (part == "held")]
            chosen = [carrier for carrier in few if carrier.family in families]
            if allowed:
                chance.shuffle(chosen)
                parts[part] += [row for row in map(_row, documents(chosen, allowed, passages, chance)) if row.id not in seen]
                seen.update(row.id for row in parts[part])
    written = Origin(
        name="our own writing", licence="Apache-2.0", rows=len(own) + len(passages), note="embedded.toml, passages.toml, attacks.toml"
    )
    bipia = Origin(name="BIPIA, attacks of the training part", licence="MIT", rows=len(known))
    return parts, (*origins, *((bipia,) if known else ()), written)


def _some(carriers: Sequence[Carrier], family: str, chance: random.Random) -> list[Carrier]:
    found = [carrier for carrier in carriers if carrier.family == family]
    return chance.sample(found, min(len(found), MOST_CARRIERS))


def _families(carriers: Sequence[Carrier]) -> dict[Part, set[str]]:
    names = {carrier.family for carrier in carriers}
    return {"train": names - {HELD_FAMILY, DEV_FAMILY}, "dev": names & {DEV_FAMILY}, "held": names & {HELD_FAMILY}}


def _row(document: Document) -> SpanRow:
    name = hashlib.sha256(document.text.encode()).hexdigest()[:16]
    spans = (Span(document.text[slice(*document.attack)], document.attack[0]),) if document.attack else ()
    return SpanRow(id=name, question=ASKED, passage=document.text, answers=spans, group=document.family, kind=document.kind)
