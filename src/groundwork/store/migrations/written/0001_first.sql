-- What models wrote for chunks, by the hash of what they were asked: paid for once, whatever becomes of the index.
CREATE TABLE written (
  key TEXT PRIMARY KEY,
  text TEXT NOT NULL,
  model TEXT NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cost REAL,              -- US dollars; null where no price is known
  at REAL NOT NULL
) WITHOUT ROWID;
