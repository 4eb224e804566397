-- Reading by hand: samples, and notes on their items. A note is never altered; the last one on an item counts.
CREATE TABLE review (id TEXT PRIMARY KEY, made REAL NOT NULL, record BLOB NOT NULL);
CREATE TABLE review_note (number INTEGER PRIMARY KEY AUTOINCREMENT, review TEXT NOT NULL REFERENCES review (id), item TEXT NOT NULL, at REAL NOT NULL, record BLOB NOT NULL);
CREATE INDEX review_note_review ON review_note (review, number);
