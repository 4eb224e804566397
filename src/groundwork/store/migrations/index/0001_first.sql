-- The index: what search sees now (document, chunk, chunk_terms), and the texts it once saw (retired_document).
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- A document keeps its number for as long as its source has one; id, record and text change with its content.
CREATE TABLE document (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  source TEXT NOT NULL UNIQUE,
  digest TEXT NOT NULL,   -- of the file and of how it was split and embedded: equal means nothing to do
  mark TEXT NOT NULL,     -- this document's share of the generation
  record BLOB NOT NULL,   -- the Document without its text, JSON
  text BLOB NOT NULL      -- its canonical text, UTF-8, zlib
);

-- A number is never given twice, and its prefix, text and vector never change: readers may keep vectors by number.
CREATE TABLE chunk (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  document INTEGER NOT NULL REFERENCES document (number),
  record BLOB NOT NULL,   -- the Chunk without its text, JSON
  prefix TEXT NOT NULL,
  text TEXT NOT NULL,
  vector BLOB NOT NULL    -- float16, little endian
);
CREATE INDEX chunk_of_document ON chunk (document);

CREATE VIRTUAL TABLE chunk_terms USING fts5 (
  prefix, text, content = 'chunk', content_rowid = 'number', tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE TRIGGER chunk_added AFTER INSERT ON chunk BEGIN
  INSERT INTO chunk_terms (rowid, prefix, text) VALUES (new.number, new.prefix, new.text);
END;
CREATE TRIGGER chunk_removed AFTER DELETE ON chunk BEGIN
  INSERT INTO chunk_terms (chunk_terms, rowid, prefix, text) VALUES ('delete', old.number, old.prefix, old.text);
END;

-- Replaced and removed documents, so that a citation in an old trace still opens. Search never reads this.
CREATE TABLE retired_document (
  id TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  record BLOB NOT NULL,
  text BLOB NOT NULL,
  retired REAL NOT NULL
) WITHOUT ROWID;
