#!/usr/bin/env python3
"""Make tickets.db, the sample helpdesk's database: the same rows every time.

The releases and their dates are real, taken from the release log and the chronology of SQLite's documentation 3.40.1 (public
domain). The tickets are fiction: no person, company or real report stands behind them.

    python3 data/make_tickets.py [tickets.db]
"""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

SCHEMA = """
CREATE TABLE releases(
    version  TEXT PRIMARY KEY,
    released TEXT NOT NULL,
    notes    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE tickets(
    id              INTEGER PRIMARY KEY,
    title           TEXT NOT NULL,
    product_version TEXT NOT NULL REFERENCES releases(version),
    status          TEXT NOT NULL CHECK(status IN ('open', 'closed')),
    opened          TEXT NOT NULL,
    component       TEXT NOT NULL
) STRICT;
CREATE INDEX tickets_by_component ON tickets(component, status);
"""

RELEASES = [
    ("3.24.0", "2018-06-04", "PostgreSQL-style UPSERT."),
    ("3.31.0", "2020-01-22", "Generated columns."),
    ("3.33.0", "2020-08-14", "UPDATE FROM; database files of up to 281 TB; integrity_check of a single table."),
    ("3.35.0", "2021-03-12", "RETURNING; ALTER TABLE DROP COLUMN; generalised UPSERT; built-in SQL math functions."),
    ("3.37.0", "2021-11-27", "STRICT tables; PRAGMA table_list; the shell's .connection command and --safe option."),
    ("3.38.0", "2022-02-22", "The -> and ->> operators; JSON functions built in; unixepoch()."),
    ("3.39.0", "2022-06-25", "RIGHT and FULL OUTER JOIN; IS DISTINCT FROM."),
    ("3.39.4", "2022-09-29", "Fixes, among them a rare problem in the btree balancer with application-defined page caches."),
    ("3.40.0", "2022-11-16", "WASM build (beta); recovery extension."),
    ("3.40.1", "2022-12-28", "Fixes for the shell's --safe option and for the memsys5 memory allocator."),
]

# Title, version, status, day it was opened, component.
TICKETS = [
    ("Nightly import stops with 'database is locked'", "3.31.0", "closed", "2020-03-02", "locking"),
    ("Generated column missing from table_info", "3.31.0", "closed", "2020-04-17", "schema"),
    ("Upsert with two conflict targets is a syntax error", "3.24.0", "closed", "2020-05-11", "sql"),
    ("integrity_check of one table reports nothing about the freelist", "3.33.0", "closed", "2020-09-08", "schema"),
    ("UPDATE FROM changes more rows than expected", "3.33.0", "closed", "2020-10-21", "sql"),
    ("Log file of the wal keeps growing during a long report", "3.33.0", "closed", "2021-01-14", "wal"),
    ("RETURNING gives rows in another order after an upgrade", "3.35.0", "closed", "2021-04-06", "sql"),
    ("DROP COLUMN refuses an indexed column", "3.35.0", "closed", "2021-04-29", "schema"),
    ("Copy of the file without its -wal part loses the last hour", "3.35.0", "closed", "2021-06-03", "backup"),
    ("Prefix search in the product catalogue is slow", "3.35.0", "closed", "2021-07-19", "fts5"),
    ("Search does not find names with accents", "3.35.0", "closed", "2021-09-02", "fts5"),
    ("Old client cannot open a file with a STRICT table", "3.37.0", "closed", "2021-12-09", "schema"),
    ("Date column in a STRICT table: which type?", "3.37.0", "closed", "2022-01-05", "schema"),
    ("Second shell connection shares the output mode", "3.37.0", "closed", "2022-01-27", "shell"),
    ("json_extract returns text where ->> returns a number", "3.38.0", "closed", "2022-03-10", "json"),
    ("Build flag for JSON has no effect any more", "3.38.0", "closed", "2022-03-22", "json"),
    ("unixepoch() is an hour off in the dashboard", "3.38.0", "closed", "2022-04-13", "sql"),
    ("Checkpoint never finishes while the dashboard is open", "3.38.0", "open", "2022-05-04", "wal"),
    ("Backup over the network share is corrupt every other week", "3.38.0", "open", "2022-05-25", "backup"),
    ("FULL OUTER JOIN with USING shows a column twice", "3.39.0", "closed", "2022-07-06", "sql"),
    ("Query plan changed after ANALYZE, report takes minutes", "3.39.0", "closed", "2022-07-18", "planner"),
    ("CSV import treats the header line as data", "3.39.0", "closed", "2022-08-02", "shell"),
    ("Ranking puts short titles last", "3.39.0", "open", "2022-08-16", "fts5"),
    ("Reader gets SQLITE_BUSY right after a crash", "3.39.0", "closed", "2022-08-30", "wal"),
    ("Foreign keys not enforced from the desktop client", "3.39.4", "closed", "2022-10-05", "schema"),
    ("Partial index is ignored for a parameter in WHERE", "3.39.4", "open", "2022-10-12", "planner"),
    ("Online backup starts over again and again", "3.39.4", "open", "2022-10-27", "backup"),
    ("Deep JSON document is refused", "3.39.4", "closed", "2022-11-03", "json"),
    ("Trigram search misses two-letter codes", "3.39.4", "open", "2022-11-10", "fts5"),
    ("Browser demo loses data on reload", "3.40.0", "open", "2022-11-28", "wasm"),
    (".recover puts every row into lost_and_found", "3.40.0", "closed", "2022-12-01", "shell"),
    ("WAL on a read-only medium cannot be opened", "3.40.0", "open", "2022-12-08", "wal"),
    ("OFFSET paging in the ticket list gets slower each month", "3.40.0", "open", "2022-12-14", "planner"),
    ("Two threads share one connection and results mix", "3.40.0", "closed", "2022-12-20", "locking"),
    ("--safe refuses a script that worked before", "3.40.1", "closed", "2023-01-04", "shell"),
    ("VACUUM fails: no space left on device", "3.40.1", "open", "2023-01-11", "storage"),
    ("File does not shrink after deleting a year of logs", "3.40.1", "closed", "2023-01-18", "storage"),
    ("BEGIN IMMEDIATE waits although nobody writes", "3.40.1", "open", "2023-01-25", "locking"),
    ("json_patch replaces a whole array", "3.40.1", "open", "2023-02-01", "json"),
    ("Auto-vacuum cannot be switched on for the archive", "3.40.1", "open", "2023-02-08", "storage"),
]


def make(path: Path) -> None:
    """Write the database anew at `path`."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA foreign_keys = ON")
        database.executescript(SCHEMA)
        with database:
            database.executemany("INSERT INTO releases VALUES(?, ?, ?)", RELEASES)
            database.executemany("INSERT INTO tickets(title, product_version, status, opened, component) VALUES(?, ?, ?, ?, ?)", TICKETS)
        database.execute("VACUUM")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().with_name("tickets.db"))
