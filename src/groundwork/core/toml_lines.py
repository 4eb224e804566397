"""Where each key of a TOML text stands. Python's readers give values without positions; an error without a line helps nobody.

A small scanner for text that `tomllib` has already accepted: it tracks table headers, keys, dotted keys, inline tables and arrays,
and skips strings and comments. It reads no values. Property-tested against `tomllib` (tests/core/test_toml_lines.py).
"""

import json

Path = tuple[str | int, ...]


def key_lines(text: str) -> dict[Path, int]:
    """Map every key path (table names, keys, indexes of arrays) to its line, counted from 1. The text must be valid TOML."""
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.at = 0
        self.line = 1
        self.lines: dict[Path, int] = {}
        self.tables: dict[Path, int] = {}
        """How many elements each array of tables has so far."""

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        while self._skip_blank():
            if self.text.startswith("[[", self.at):
                table = self._array_header()
            elif self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
        return self.lines

    def _advance(self, count: int = 1) -> None:
        self.line += self.text.count("\n", self.at, self.at + count)
        self.at += count

    def _skip_blank(self, *, newlines: bool = True) -> bool:
        """Move past blanks and comments; say whether text is left."""
        while self.at < len(self.text):
            character = self.text[self.at]
            if character == "#":
                end = self.text.find("\n", self.at)
                self._advance((len(self.text) if end < 0 else end) - self.at)
            elif character in " \t" or (newlines and character == "\n"):
                self._advance()
            else:
                return True
        return False

    def _header(self) -> Path:
        line = self.line
        self._advance()
        path = self._resolve(self._dotted("]"))
        self._advance()
        self._stand(path, line)
        self.lines[path] = line  # rather than where a deeper header implied it
        return path

    def _array_header(self) -> Path:
        line = self.line
        self._advance(2)
        keys = self._dotted("]")
        self._advance(2)
        path = (*self._resolve(keys[:-1]), keys[-1])
        place = self.tables.get(path, 0)
        self.tables[path] = place + 1
        self._stand((*path, place), line)
        return (*path, place)

    def _stand(self, path: Path, line: int) -> None:
        """Note a table's line, and that of every table above it that no line has named before."""
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], line)

    def _resolve(self, keys: list[str]) -> Path:
        """A header's path, with the latest index put in where it passes through an array of tables."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self.tables:
                path = (*path, self.tables[path] - 1)
        return path

    def _pair(self, table: Path) -> None:
        line = self.line
        path = table
        for key in self._dotted("="):
            path = (*path, key)
            self.lines.setdefault(path, line)
        self.lines[path] = line
        self._advance()
        self._value(path)

    def _dotted(self, until: str) -> list[str]:
        keys: list[str] = []
        while True:
            self._skip_blank(newlines=False)
            keys.append(self._key())
            self._skip_blank(newlines=False)
            if self.text[self.at] == until:
                return keys
            self._advance()  # the dot

    def _key(self) -> str:
        start = self.at
        if self.text[self.at] in "\"'":
            self._string()
            raw = self.text[start : self.at]
            return raw[1:-1] if raw[0] == "'" else _unescape(raw)
        while self.text[self.at] not in " \t.=]":
            self._advance()
        return self.text[start : self.at]

    def _string(self) -> None:
        quote = self.text[self.at]
        triple = self.text.startswith(quote * 3, self.at)
        fence = quote * 3 if triple else quote
        self._advance(len(fence))
        while not self.text.startswith(fence, self.at):
            self._advance(2 if quote == '"' and self.text[self.at] == "\\" else 1)
        self._advance(len(fence))
        while triple and self.at < len(self.text) and self.text[self.at] == quote:
            self._advance()  # quotes that belong to the string's end: """a"""""

    def _value(self, path: Path) -> None:
        self._skip_blank(newlines=False)
        character = self.text[self.at]
        if character in "\"'":
            self._string()
        elif character == "[":
            self._array(path)
        elif character == "{":
            self._inline_table(path)
        else:
            while self.at < len(self.text) and self.text[self.at] not in ",]}#\n":
                self._advance()

    def _array(self, path: Path) -> None:
        self._advance()
        place = 0
        while self._skip_blank() and self.text[self.at] != "]":
            if self.text[self.at] == ",":
                self._advance()
                continue
            self.lines[*path, place] = self.line
            self._value((*path, place))
            place += 1
        self._advance()

    def _inline_table(self, path: Path) -> None:
        self._advance()
        while self._skip_blank() and self.text[self.at] != "}":
            if self.text[self.at] == ",":
                self._advance()
            else:
                self._pair(path)
        self._advance()


def _unescape(quoted: str) -> str:
    r"""The text of a basic string; TOML's escapes are JSON's, and `\UXXXXXXXX`; TOML 1.1 adds `\xXX` and `\e`."""
    result, at = "", 1
    while at < len(quoted) - 1:
        if quoted[at] != "\\":
            result, at = result + quoted[at], at + 1
        elif quoted[at + 1] in "Ux":
            end = at + (10 if quoted[at + 1] == "U" else 4)
            result, at = result + chr(int(quoted[at + 2 : end], 16)), end
        elif quoted[at + 1] == "e":
            result, at = result + "\x1b", at + 2
        else:
            step = 6 if quoted[at + 1] == "u" else 2
            result, at = result + json.loads(f'"{quoted[at : at + step]}"'), at + step
    return result
