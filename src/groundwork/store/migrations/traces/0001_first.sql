-- What may lose its last 100 ms: traces, and answers kept by the cache.
CREATE TABLE trace (
  id TEXT PRIMARY KEY,
  app TEXT NOT NULL,
  start REAL NOT NULL,
  seconds REAL NOT NULL,
  status TEXT NOT NULL,
  route TEXT NOT NULL,
  session TEXT,
  episode TEXT,
  tenant TEXT NOT NULL,
  config TEXT NOT NULL,
  release TEXT NOT NULL,
  prompt TEXT NOT NULL,
  model TEXT NOT NULL,
  index_generation TEXT NOT NULL,
  cost REAL,
  question TEXT NOT NULL,
  answer TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX trace_start ON trace (start);
CREATE INDEX trace_config ON trace (config);
CREATE INDEX trace_release ON trace (release);
CREATE INDEX trace_prompt ON trace (prompt);
CREATE TABLE span (
  trace TEXT NOT NULL,
  place INTEGER NOT NULL,
  name TEXT NOT NULL,
  start REAL NOT NULL,
  seconds REAL NOT NULL,
  status TEXT NOT NULL,
  PRIMARY KEY (trace, place)
) WITHOUT ROWID;
-- The whole trace as compressed JSON, apart from the narrow rows that lists and counts read.
CREATE TABLE payload (trace TEXT PRIMARY KEY, record BLOB NOT NULL);
-- Which chunks an answer was built on, so that a chunk finds its answers.
CREATE TABLE used (chunk TEXT NOT NULL, trace TEXT NOT NULL, PRIMARY KEY (chunk, trace)) WITHOUT ROWID;
CREATE TABLE kept_answer (key TEXT PRIMARY KEY, until REAL NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX kept_answer_until ON kept_answer (until);
