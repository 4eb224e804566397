"""`groundwork context tune` over an application's folder: questions from what is at hand, trials beside the index, and the winner as a change."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from groundwork.app.config import Settings
from groundwork.app.live import read_settings
from groundwork.context.config import ContextSection
from groundwork.context.encoders import chunk_encoder, query_embedder
from groundwork.core.document import Document
from groundwork.core.errors import ConfigError, InputError
from groundwork.core.measure import Example
from groundwork.core.ports import Embedder
from groundwork.core.record import Trace
from groundwork.datasets.synthesise import quote_finder
from groundwork.engine.batching import Batcher
from groundwork.engine.quoting import Quoter
from groundwork.engine.reader import Reader
from groundwork.evaluate.suite import Suite
from groundwork.gateway.transport import Transport
from groundwork.loop.harvest import harvest
from groundwork.loop.lap import propose
from groundwork.loop.measure import suite_of
from groundwork.store.folder import Folder
from groundwork.tuning.retrieval.candidates import Kind, candidates, in_force
from groundwork.tuning.retrieval.sought import Gathered, of_approved, of_documents, of_examples
from groundwork.tuning.retrieval.trial import Progress, Trials, vectors_of
from groundwork.tuning.retrieval.verdict import Tuned, need_enough, verdict

Asked = Literal["suite", "feedback", "documents"]
MADE = "the questions were made from the documents by rules and share their words: they compare chunkings, and no retriever is proposed because of them"
LIKED = "approved answers cite what the settings in force found: another candidate has to win in spite of that"
UNRANKED = "everything was compared before reranking: a server or a model would have been asked for every question of every candidate"
REPORTED = "the cases are those that the gate reports on: choose on others, or the gate will be too kind"


class Wanted(NamedTuple):
    """What is asked of a tuning. `asked` empty: the suite's cases where there is a suite, else questions made from the documents."""

    asked: Asked | Literal[""] = ""
    suite: str | None = None
    split: str | None = None
    kinds: tuple[Kind, ...] = ("chunk", "retrieve")
    more: Mapping[str, Any] = {}
    """Further paths to try, with a value each."""
    most: int = 200
    """Questions that are made at most."""
    seed: int = 0
    proposes: bool = True


class _Questions(NamedTuple):
    gathered: Gathered
    described: str
    notes: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    made: bool = False


async def tune_retrieval(root: Path, folder: Folder, wanted: Wanted, *, progress: Progress, workers: int = 1) -> Tuned:
    """Compare settings on the documents as they are indexed, and propose the one that is better, where one is.

    Raises ConfigError where nothing is indexed or no suite is there, InputError for too few questions or a setting that there is not.
    """
    settings = await read_settings(root, folder)
    section = settings.config.context
    if section is None:
        raise ConfigError("groundwork.toml has no [context]", fix='add `[context]` with `sources = ["docs/**/*.md"]`')
    if "" not in section.parts:
        raise ConfigError(
            "`[context]` has no documents beside its collections, and those are not tuned", fix="move the sources to tune there"
        )
    documents = [folder.index.document(entry.id) for entry in folder.index.documents()]
    if not documents:
        raise ConfigError("nothing is indexed yet", fix="run `groundwork index`")
    tried = [in_force(section), *candidates(section, kinds=wanted.kinds, more=wanted.more)]
    if len(tried) == 1:
        raise InputError("there is nothing to try besides the settings in force", fix="name a setting: --try context.retrieve.keep=8")
    embedder, reader, transport, encoder = Batcher(), Reader(), Transport(), None
    try:
        questions = await _questions(root, folder, settings, wanted, documents, embedder)
        need_enough(questions.gathered.cases)
        where = settings.written.where(("context", "encoder"))
        encoder = chunk_encoder(section.encoder, root, where, workers=workers)
        asking = embedder if section.encoder == "embedded" else query_embedder(section.encoder, root, transport, where)
        known = vectors_of(folder.index, encoder)
        cases = questions.gathered.cases
        trials = Trials(
            documents, cases, encoder, asking, folder=folder.path, section=section, known=known, progress=progress, reader=reader
        )
        measured = await trials.measure(tried)
    finally:
        if encoder is not None:
            encoder.close()
        await reader.close()
        await transport.close()
        await embedder.close()
    found = verdict(
        questions.gathered.cases,
        tried,
        measured,
        asked=questions.described,
        left_out=dict(questions.gathered.left_out),
        budget=trials.budget,
        notes=(*questions.notes, *_unranked(section)),
        only_chunks=questions.made,
    )
    return await _proposed(root, folder, found, questions.parents) if wanted.proposes else found


def _unranked(section: ContextSection) -> tuple[str, ...]:
    rerank = section.retrieve.rerank
    return (UNRANKED,) if rerank is not None and rerank.by != "embedded" else ()


async def _proposed(root: Path, folder: Folder, found: Tuned, parents: tuple[str, ...]) -> Tuned:
    """The verdict with the id of the change that was proposed. Another chunking is none: it needs another index, and stands in the file."""
    winner = next((one for one in found.tried if one.name == found.winner), None)
    if winner is None or found.toml:
        return found
    ((path, value),) = winner.settings.items()
    change = await propose(root, folder, path, value, why=f"{found.sentence} ({found.asked})", parents=parents)
    return msgspec.structs.replace(found, change=change.id)


async def _questions(
    root: Path, folder: Folder, settings: Settings, wanted: Wanted, documents: list[Document], embedder: Embedder
) -> _Questions:
    gate = settings.config.gate
    asked = wanted.asked or ("suite" if wanted.suite or gate else "documents")
    if asked == "suite":
        suite = suite_of(root, folder, wanted.suite, gate)
        examples, split, notes = _examples(suite, wanted.split, gate.split if gate else "")
        described = f"{suite.name}, {split or 'all cases'}"
        return _Questions(of_examples(examples, documents), described, notes, (suite.dataset,) if suite.dataset else ())
    if asked == "feedback":
        return await _from_feedback(folder, documents)
    made = await of_documents(documents, quote_finder(Quoter(embedder)), most=wanted.most, seed=wanted.seed)
    return _Questions(made, f"made from the documents, seed {wanted.seed}", (MADE,), made=True)


def _examples(suite: Suite, split: str | None, reported: str) -> tuple[list[Example], str, tuple[str, ...]]:
    """The cases of a split; where none is named, those that the gate does not report on, if there are any."""
    if split is not None:
        return list(suite.split(split)), f"split {split}" if split else "", (REPORTED,) if split == reported and split else ()
    others = [example for example in suite.examples if not reported or example.split != reported]
    if not others:
        return list(suite.examples), "", (REPORTED,)
    return others, f"all but split {reported}" if len(others) < len(suite.examples) else "", ()


async def _from_feedback(folder: Folder, documents: list[Document]) -> _Questions:
    """Approved answers by what they cite, and demonstrations by what they say."""
    opinions = await folder.feedback.since()
    found = [await folder.trace_store.get(identifier) for identifier in dict.fromkeys(one.trace for one in opinions)]
    traces: list[Trace] = [trace for trace in found if trace is not None]
    approved = of_approved(traces, opinions, documents)
    shown = of_examples(harvest(traces, opinions, which="demonstrated").examples, documents)
    asked = {case.question for case in shown.cases}
    cases = (*shown.cases, *(case for case in approved.cases if case.question not in asked))
    left_out = dict(shown.left_out)
    for reason, count in approved.left_out.items():
        left_out[reason] = left_out.get(reason, 0) + count
    parents = tuple(sorted({case.id for case in approved.cases}))
    return _Questions(Gathered(cases, left_out), "answers that people approved or gave", (LIKED,), parents)
