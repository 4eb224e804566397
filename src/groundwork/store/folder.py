"""The state folder of an application, `.groundwork/`: which file holds what, and who may serve from it.

state.db (keys, feedback, runs, changes, releases), traces.db (traces, kept answers), index/ (documents, chunks, vectors; a file for each
collection, or a server, see `[index]`), written.db (what models wrote for chunks),
datasets/, runs/ and judges/ (files of their own), server.lock (one server at a time).
"""

import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any

from groundwork.core.errors import StoreBusy
from groundwork.store.changes import ChangeTable
from groundwork.store.database import Database, raising
from groundwork.store.feedback import FeedbackTable
from groundwork.store.gates import GateTable
from groundwork.store.index import FILE as INDEX_FILE
from groundwork.store.index import open_index
from groundwork.store.index_port import Index
from groundwork.store.keys import KeyTable
from groundwork.store.lineage import LineageTable
from groundwork.store.lock import take
from groundwork.store.manifests import ManifestTable
from groundwork.store.releases import ReleaseTable
from groundwork.store.reviews import ReviewTable
from groundwork.store.runs import RunTable
from groundwork.store.traces import TraceStore
from groundwork.store.versions import VersionTable
from groundwork.store.written import WrittenTable

NAME = ".groundwork"


class Folder:
    """Opens each file when it is first used. Close it when done: what is queued is written then."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / NAME
        self._lock: int | None = None
        self._collections: dict[str, Index] = {}

    @cached_property
    def state(self) -> Database:
        return Database(self.path / "state.db", schema="state", durable=True)

    @cached_property
    def traces(self) -> Database:
        return Database(self.path / "traces.db", schema="traces", durable=False)

    @cached_property
    def written(self) -> WrittenTable:
        return WrittenTable(Database(self.path / "written.db", schema="written", durable=True))

    @property
    def index(self) -> Index:
        """The collection without a name."""
        return self.collection("")

    def collection(self, name: str, *, rebuild: bool = False) -> Index:
        """The index of a collection. `rebuild` opens it anew, as `open_index` does."""
        if rebuild and name in self._collections:
            self._collections.pop(name).close()
        if name not in self._collections:
            self._collections[name] = open_index(self.root, name=name, rebuild=rebuild)
        return self._collections[name]

    def collections(self) -> dict[str, Index]:
        """Every collection that has a file here, whether the configuration still names it or not: old traces cite their documents."""
        names = sorted(path.stem for path in (self.root / INDEX_FILE).parent.glob("*.db"))
        return {name: self.collection(name) for name in ("" if name == INDEX_FILE.stem else name for name in names)}

    @cached_property
    def trace_store(self) -> TraceStore:
        return TraceStore(self.traces)

    @cached_property
    def feedback(self) -> FeedbackTable:
        return FeedbackTable(self.state)

    @cached_property
    def keys(self) -> KeyTable:
        return KeyTable(self.state)

    @cached_property
    def runs(self) -> RunTable:
        return RunTable(self.state)

    @cached_property
    def releases(self) -> ReleaseTable:
        return ReleaseTable(self.state)

    @cached_property
    def changes(self) -> ChangeTable:
        return ChangeTable(self.state)

    @cached_property
    def gates(self) -> GateTable:
        return GateTable(self.state)

    @cached_property
    def reviews(self) -> ReviewTable:
        return ReviewTable(self.state)

    @cached_property
    def versions(self) -> VersionTable:
        return VersionTable(self.state)

    @cached_property
    def lineage(self) -> LineageTable:
        return LineageTable(self.state)

    @cached_property
    def manifests(self) -> ManifestTable:
        return ManifestTable(self.state)

    @property
    def run_files(self) -> Path:
        """Where runs write their results."""
        return self.path / "runs"

    @property
    def dataset_files(self) -> Path:
        """Where datasets stand."""
        return self.path / "datasets"

    @property
    def judge_files(self) -> Path:
        """Where the calibrations of judges stand."""
        return self.path / "judges"

    def lock_server(self, address: str) -> None:
        """Take the right to serve from this folder until the process ends. Raises StoreBusy naming who has it."""
        with raising(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.path / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
        if not take(lock):
            os.close(lock)
            holder = self.server() or {}
            who = f"process {holder.get('pid', '?')} at {holder.get('address', 'an unknown address')}"
            raise StoreBusy(
                f"another server already serves from {self.path}: {who}", fix="use that one, stop it, or serve from a copy of the folder"
            )
        os.ftruncate(lock, 0)
        os.pwrite(lock, json.dumps({"pid": os.getpid(), "address": address}).encode(), 0)
        self._lock = lock

    def server(self) -> dict[str, Any] | None:
        """Who serves (or served last) from this folder: process id and address."""
        try:
            return json.loads((self.path / "server.lock").read_text())
        except (OSError, ValueError):
            return None

    def close(self) -> None:
        """Write what is queued and let go of every file that was opened."""
        for name in ("traces", "state"):
            if name in self.__dict__:
                getattr(self, name).close()
        if "written" in self.__dict__:
            self.written.database.close()
        for index in self._collections.values():
            index.close()
        self._collections.clear()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
