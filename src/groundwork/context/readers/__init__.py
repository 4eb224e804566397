"""One reader for each medium: bytes or text in, canonical text with landmarks out."""
