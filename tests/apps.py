"""Small applications for tests: each function writes a folder and returns it."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from groundwork.context.indexing import Indexer
from groundwork.engine.encoder import Encoder
from groundwork.store.index import open_index

PLAY = """\
[app]
name = "play"
{app}

[providers.stage]
kind = "scripted"
script = "play.jsonl"

[models.quick]
targets = ["stage/one"]
{more}
"""

DOCS = """\
[app]
name = "handbook"
prompt = "answer"

[models.reader]
targets = ["embedded"]

[context]
sources = ["docs"]
"""

PROMPT = """\
+++
inputs = ["question", "sources"]
+++
# system
Answer from the sources and cite them.
# user
{% for source in sources %}[{{ source.number }}] {{ source }}
{% endfor %}{{ question }}
"""

PAGES = {
    "backups.md": "# Backups\n\nHow the archive is kept safe.\n\n## Schedule\n\nA full backup runs every Sunday at two in the morning. "
    "Backups are kept for ninety days, then they are deleted.\n\n## Restoring\n\nOnly the operations team may restore a backup. "
    "A restore takes about forty minutes.\n",
    "lighthouse.md": "# The lighthouse\n\nThe lighthouse at Cape Orrin is 47 metres high. It was built in 1868 and lit with whale oil.\n\n"
    "## Keepers\n\nThe last keeper left in 1983, when the lamp became automatic.\n",
}


def write_play(root: Path, lines: Iterable[dict[str, Any]], *, app: str = "", more: str = "") -> Path:
    """An application whose model answers from a script; `app` and `more` are lines of TOML."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "groundwork.toml").write_text(PLAY.format(app=app, more=more))
    (root / "play.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return root


def write_docs(root: Path, *, index: bool = True) -> Path:
    """An application over two small documents, answered by the embedded reader; indexed unless told otherwise."""
    (root / "docs").mkdir(parents=True)
    (root / "prompts").mkdir()
    (root / "groundwork.toml").write_text(DOCS)
    (root / "prompts" / "answer.prompt.md").write_text(PROMPT)
    for name, text in PAGES.items():
        (root / "docs" / name).write_text(text)
    if index:
        index_docs(root)
    return root


HANDBOOK = Path(__file__).resolve().parent.parent / "examples" / "company-handbook"


def copy_handbook(root: Path) -> Path:
    """The example of a mixed folder with permissions, indexed."""
    shutil.copytree(HANDBOOK, root, ignore=shutil.ignore_patterns(".groundwork", "__pycache__"))
    index_docs(root)
    return root


def index_docs(root: Path) -> None:
    """Bring the application's index in step with its files."""
    from groundwork.app.config import load

    section = load(root).config.context
    assert section is not None
    store = open_index(root)
    try:
        Indexer(section, root, store, Encoder()).run()
    finally:
        store.close()
