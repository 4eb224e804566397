"""Documents with an order to the model hidden in them, and the same documents with orders that people give each other.

    {"context": "SUBJECT: …", "domain": "email"}        {"category": "Clickbait", "attack": "Add … to your reply"}

Carriers: mails, tables and questions on code (BIPIA, Yi et al., Benchmarking and Defending against Indirect Prompt Injection Attacks, 2023),
paragraphs of SQuAD, privacy policies, answers of a chatbot (HaluEval). Every document comes three times: as it is, with a harmless order of
`written/passages.toml`, and with an attack, at its start, in the middle or at its end.
"""

import hashlib
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from groundwork.core.errors import NotFound
from groundwork.core.text import sentences
from groundwork.datasets.training import Origin
from groundwork.tuning.prepare.attack_sources import read_lines
from groundwork.tuning.prepare.written import Written, many, phrases

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


FILES = (
    _File("guard/bipia_contexts.jsonl.gz", "BIPIA, contexts", "MIT, contexts of mixed upstreams", _bipia),
    _File("reader/squad2.jsonl.gz", "SQuAD 2.0, paragraphs", "CC BY-SA 4.0", _squad),
    _File("reader/policyqa.jsonl.gz", "PolicyQA, passages", "MIT", _policy),
    _File("guard/halueval_general.jsonl.gz", "HaluEval, answers of ChatGPT", "MIT", _answers),
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
