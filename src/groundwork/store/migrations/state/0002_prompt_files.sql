-- The files that a prompt's front matter names (examples, schema), as JSON from name to text: part of the version.
ALTER TABLE prompt ADD COLUMN files TEXT NOT NULL DEFAULT '{}';
