-- What must never be lost: keys, feedback, runs, changes, releases.
CREATE TABLE api_key (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  sha256 BLOB NOT NULL UNIQUE,
  principal BLOB NOT NULL,
  made REAL NOT NULL,
  revoked REAL
);
CREATE TABLE feedback (
  id TEXT PRIMARY KEY,
  trace TEXT NOT NULL,
  at REAL NOT NULL,
  record BLOB NOT NULL
);
CREATE INDEX feedback_trace ON feedback (trace);
CREATE INDEX feedback_at ON feedback (at);
CREATE TABLE dataset (id TEXT PRIMARY KEY, name TEXT NOT NULL, made REAL NOT NULL, record BLOB NOT NULL);
CREATE TABLE run (id TEXT PRIMARY KEY, suite TEXT NOT NULL, started REAL NOT NULL, record BLOB NOT NULL);
CREATE TABLE change (id TEXT PRIMARY KEY, made REAL NOT NULL, record BLOB NOT NULL);
CREATE TABLE release (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at REAL NOT NULL, record BLOB NOT NULL);
-- The pointer: one row, moved by release and rollback.
CREATE TABLE current_release (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL REFERENCES release (id));
CREATE TABLE configuration (hash TEXT PRIMARY KEY, first_seen REAL NOT NULL, record BLOB NOT NULL);
CREATE TABLE prompt (id TEXT PRIMARY KEY, name TEXT NOT NULL, first_seen REAL NOT NULL, text TEXT NOT NULL);
-- Lineage: `child` was made from `parent`. Walked both ways by `groundwork show`.
CREATE TABLE lineage (child TEXT NOT NULL, parent TEXT NOT NULL, PRIMARY KEY (child, parent)) WITHOUT ROWID;
CREATE INDEX lineage_parent ON lineage (parent, child);
CREATE TABLE gate (number INTEGER PRIMARY KEY AUTOINCREMENT, change TEXT NOT NULL, run TEXT NOT NULL, at REAL NOT NULL, record BLOB NOT NULL);
CREATE INDEX gate_change ON gate (change);
