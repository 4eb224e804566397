-- What a chunk says, hashed: a text that is in the index already needs no second vector. Empty for chunks of the version before.
ALTER TABLE chunk ADD COLUMN content TEXT NOT NULL DEFAULT '';
CREATE INDEX chunk_of_content ON chunk (content);

-- What documents are found by beside their text: typed fields for filters, and readers for permissions.
CREATE TABLE document_value (
  document INTEGER NOT NULL REFERENCES document (number),
  name TEXT NOT NULL,
  kind TEXT NOT NULL,     -- text, number, bool, date
  text TEXT NOT NULL,     -- a number as Python writes it, a bool as true or false, a date as 2024-01-31
  number REAL             -- of numbers alone
);
CREATE INDEX value_of_document ON document_value (document);
CREATE INDEX document_of_text ON document_value (name, kind, text);
CREATE INDEX document_of_number ON document_value (name, kind, number);

-- Each rule that names a document has to allow: a reader needs a row for every one of its `rules`.
CREATE TABLE document_reader (
  reader TEXT NOT NULL,
  document INTEGER NOT NULL REFERENCES document (number),
  rule INTEGER NOT NULL,
  rules INTEGER NOT NULL,
  PRIMARY KEY (reader, document, rule)
) WITHOUT ROWID;
CREATE INDEX reader_of_document ON document_reader (document);

CREATE TRIGGER labels_removed BEFORE DELETE ON document BEGIN
  DELETE FROM document_value WHERE document = old.number;
  DELETE FROM document_reader WHERE document = old.number;
END;

-- What the last run could not index, and why.
CREATE TABLE skipped (
  source TEXT PRIMARY KEY,
  reason TEXT NOT NULL
) WITHOUT ROWID;
