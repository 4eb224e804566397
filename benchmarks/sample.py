"""The sample application (or another one of the same shape) as a copy that a benchmark may write into, indexed."""

import json
import shutil
from pathlib import Path

from groundwork.app.config import load
from groundwork.context.indexing import Indexer
from groundwork.core.errors import ConfigError
from groundwork.engine.encoder import Encoder
from groundwork.store.index import open_index

SAMPLE = Path(__file__).resolve().parent.parent / "examples" / "sqlite-helpdesk"
QUICK = ("wal.html", "limits.html", "faq.html", "autoinc.html", "lang_vacuum.html", "threadsafe.html")
"""Pages of the sample that a quick run takes."""


def copy_app(target: Path, *, source: Path = SAMPLE, quick: bool = False, index: bool = True) -> Path:
    """Copy an application without its state, and index it. `quick` keeps six pages, their questions and the unanswerable ones."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(".groundwork", "__pycache__"))
    if quick:
        _shrink(target)
    if index:
        section = load(target).config.context
        if section is None:
            raise ConfigError("the application has no [context]", fix="name one that has documents")
        store = open_index(target)
        try:
            Indexer(section, target, store, Encoder()).run()
        finally:
            store.close()
    return target


def questions(root: Path) -> list[str]:
    """Every question of every suite file, in order."""
    files = sorted((root / "suites").glob("*.jsonl"))
    return [json.loads(line)["question"] for file in files for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def _shrink(root: Path) -> None:
    for page in (root / "docs").iterdir():
        if page.name not in QUICK:
            page.unlink()
    for cases in (root / "suites").glob("*.jsonl"):
        rows = [line for line in cases.read_text(encoding="utf-8").splitlines() if line.strip()]
        kept = [row for row in rows if all(fact["source"] in QUICK for fact in json.loads(row)["facts"])]
        cases.write_text("\n".join(kept) + "\n", encoding="utf-8")
