-- The index of one application: what search sees now, and the texts it once saw (retired_document). Texts compare by bytes, as on SQLite.
-- One row. Whoever writes locks it first: so writers follow each other, and numbers are given without gaps.
CREATE TABLE state (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  generation text NOT NULL DEFAULT '',
  total text NOT NULL DEFAULT '',              -- the sum of all documents' shares of the generation
  made_with text NOT NULL DEFAULT '',
  access text NOT NULL DEFAULT '',             -- the permissions that every document was labelled under
  documents_ever bigint NOT NULL DEFAULT 0,
  chunks_ever bigint NOT NULL DEFAULT 0,
  chunks bigint NOT NULL DEFAULT 0,            -- how many there are now, and their words together: for BM25
  words bigint NOT NULL DEFAULT 0,
  approximate integer NOT NULL DEFAULT 0       -- the dimensions of the HNSW index; 0 while there is none
);
INSERT INTO state DEFAULT VALUES;

-- A document keeps its number for as long as its source has one; id, record and text change with its content.
CREATE TABLE document (
  number bigint PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE,
  source text COLLATE "C" NOT NULL UNIQUE,
  digest text NOT NULL,                        -- of the file and of how it was split and embedded: equal means nothing to do
  mark text NOT NULL,                          -- this document's share of the generation
  record bytea NOT NULL,                       -- the Document without its text, JSON
  text bytea NOT NULL                          -- its canonical text, UTF-8, zlib
);

-- A number is never given twice, and its text, words and vector never change.
CREATE TABLE chunk (
  number bigint PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE,
  document bigint NOT NULL REFERENCES document (number),
  record bytea NOT NULL,                       -- the Chunk, JSON
  content text COLLATE "C" NOT NULL,           -- what it says, hashed: a text that is here already needs no second vector
  words integer NOT NULL
);
CREATE INDEX chunk_of_document ON chunk (document);
CREATE INDEX chunk_of_content ON chunk (content);

-- Apart from the texts, so that a scan of all vectors reads nothing else.
CREATE TABLE chunk_vector (
  chunk bigint PRIMARY KEY REFERENCES chunk (number) ON DELETE CASCADE,
  document bigint NOT NULL,
  value halfvec NOT NULL
);
ALTER TABLE chunk_vector ALTER COLUMN value SET STORAGE PLAIN;
CREATE INDEX vector_of_document ON chunk_vector (document);

-- Which word stands in which chunk how often, and where; words are made by the tokenizer of the SQLite index (see words.py).
CREATE TABLE posting (
  word text COLLATE "C" NOT NULL,
  chunk bigint NOT NULL,
  times integer NOT NULL,
  words integer NOT NULL,                      -- of the whole chunk
  places integer[] NOT NULL,                   -- of this word among them
  PRIMARY KEY (word, chunk) INCLUDE (times, words)
);
CREATE INDEX posting_of_chunk ON posting (chunk);

-- Replaced and removed documents, so that a citation in an old trace still opens. Search never reads this.
CREATE TABLE retired_document (
  id text COLLATE "C" PRIMARY KEY,
  source text NOT NULL,
  record bytea NOT NULL,
  text bytea NOT NULL,
  retired timestamptz NOT NULL
);

-- What documents are found by beside their text: typed fields for filters, and readers for permissions.
CREATE TABLE document_value (
  document bigint NOT NULL REFERENCES document (number) ON DELETE CASCADE,
  place integer NOT NULL,                      -- the order in which they were given
  name text COLLATE "C" NOT NULL,
  kind text NOT NULL,                          -- text, number, bool, date
  text text COLLATE "C" NOT NULL,              -- a number as Python writes it, a bool as true or false, a date as 2024-01-31
  number double precision,                     -- of numbers alone
  PRIMARY KEY (document, place)
);
CREATE INDEX document_of_text ON document_value (name, kind, left(text, 64));
CREATE INDEX document_of_number ON document_value (name, kind, number);

-- Each rule that names a document has to allow: a reader needs a row for every one of its rules.
CREATE TABLE document_reader (
  reader text COLLATE "C" NOT NULL,
  document bigint NOT NULL REFERENCES document (number) ON DELETE CASCADE,
  rule integer NOT NULL,
  rules integer NOT NULL,
  PRIMARY KEY (reader, document, rule)
);
CREATE INDEX reader_of_document ON document_reader (document);

-- What the last run could not index, and why.
CREATE TABLE skipped (
  source text PRIMARY KEY,
  reason text NOT NULL
);
