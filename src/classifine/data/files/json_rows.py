"""Takes a JSON Lines or JSON file and gives its rows as columns, each cell as it stands in the file.

Numbers stay as written. Does not know which column is what.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Never

from classifine.data.files.bad_rows import (
    NOT_AN_OBJECT,
    NOT_JSON,
    NOT_UNICODE,
    OVER_LONG,
    BadRows,
    OnBadRow,
    is_unicode,
    longest,
    over_long,
)
from classifine.data.files.cells import Number, as_json, not_unicode
from classifine.data.files.compression import inner_name
from classifine.data.files.encoding import Lines, encoding_of
from classifine.data.files.parts import Part, numbered
from classifine.errors import FileUnreadable


class JsonFile:
    """The rows of a JSON Lines file, or of a JSON file that holds an array of objects.

    A key that a row lacks is an empty cell. A JSON array is read at once, JSON Lines line by line.

    Raises
    ------
    FileUnreadable
        A row that is no JSON object, says a key twice, or holds NaN or half a surrogate pair; an array that is no
        sound JSON.
    """

    schema = None

    def __init__(
        self, path: Path, *, encoding: str | None, on_bad_row: OnBadRow = "error", longest_cell: int = 10_000_000
    ) -> None:
        self.path = path
        self.encoding = encoding_of(path, encoding, on_bad_row=on_bad_row)
        self.blank_lines: list[int] = []
        self.bad = BadRows(path, on_bad_row)
        self._on_bad_row = on_bad_row
        self._longest_cell = longest_cell
        self._whole = inner_name(path).suffix.lower() == ".json"
        self._decoder = json.JSONDecoder(
            parse_float=Number, parse_int=Number, parse_constant=_no_constant, object_pairs_hook=_object
        )
        # Any row may bring a new key, so that the names are known only at the end of the file.
        self.names: tuple[str, ...] = tuple(dict.fromkeys(chain.from_iterable(row for _, row in self._objects())))
        self.bad.settle()

    def blocks(self, size: int) -> Iterator[Part]:
        """Give the rows, ``size`` at a time."""
        rows: list[int] = []
        objects: list[dict[str, Any]] = []
        for row, value in self._objects():
            rows.append(row)
            objects.append(value)
            if len(rows) == size:
                yield Part(numbered(rows), self._columns(objects))
                rows, objects = [], []
        if rows:
            yield Part(numbered(rows), self._columns(objects))

    def _columns(self, rows: Sequence[dict[str, Any]]) -> list[list[Any]]:
        return [[row.get(name) for row in rows] for name in self.names]

    def _objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Give the number and value of each row that can be used."""
        self.bad = BadRows(self.path, self._on_bad_row)
        for row, (line, value, text) in enumerate(self._array() if self._whole else self._lines(), 1):
            found = self._fault(row, line, value, text)
            if found is not None:
                reason, error = found
                self.bad.add(row, line or row, reason, text if text is not None else as_json(value), error)
            elif not self.bad.stops:
                yield row, value

    def _fault(self, row: int, line: int | None, value: Any, text: str | None) -> tuple[str, FileUnreadable] | None:
        """Say why a row cannot be used; ``text`` is its line in JSON Lines."""
        where = f"row {row}" + (f" (line {line})" if line else "")
        place = f"{self.path}, {where}"
        if text is not None and not text.isascii() and not is_unicode(text):
            return NOT_UNICODE, not_unicode(place, UnicodeDecodeError("utf-8", b"", 0, 0, ""))
        if isinstance(value, FileUnreadable):
            return NOT_JSON, value
        if not isinstance(value, dict):
            return NOT_AN_OBJECT, FileUnreadable(
                "a row is not a JSON object",
                where=place,
                found=as_json(value)[:80],
                expected='one object per row, such as {"text": "…", "label": "…"}',
            )
        for name, cell in value.items() if text is None or "\\u" in text else ():
            try:
                (name + as_json(cell)).encode("utf-8")
            except UnicodeEncodeError as error:
                return NOT_UNICODE, not_unicode(f"{place}, column {name!a}", error)
        if (text is None or len(text) > self._longest_cell) and longest(value.values()) > self._longest_cell:
            return OVER_LONG, over_long(self.path, where, longest(value.values()), self._longest_cell)
        return None

    def _lines(self) -> Iterator[tuple[int, Any, str]]:
        """Give each value's line, the value (an error where there is none) and the line as it stands."""
        self.blank_lines = []
        blank: list[int] = []
        with Lines(self.path, self.encoding.name, ends="lf", escape=not self.bad.fatal) as lines:
            for number, line in enumerate(lines, 1):
                if line.isspace():
                    blank.append(number)
                    continue
                self.blank_lines += blank
                blank = []
                try:
                    value = self._decoded(line, f"line {number}")
                except FileUnreadable as error:
                    value = error
                yield number, value, line.rstrip("\r\n")

    def _array(self) -> Iterator[tuple[None, Any, None]]:
        with Lines(self.path, self.encoding.name, ends="lf") as lines:
            text = "".join(lines)
        if not text or text.isspace():
            return
        array = self._decoded(text, None)
        if not isinstance(array, list):
            raise FileUnreadable(
                f"{self.path} does not hold an array",
                found=as_json(array)[:80],
                expected='an array of objects: [{"text": "…", "label": "…"}, …]',
                cure="if it holds one object per line, give it the ending .jsonl",
            )
        yield from ((None, value, None) for value in array)

    def _decoded(self, text: str, line: str | None) -> Any:
        try:
            return self._decoder.decode(text)
        except json.JSONDecodeError as error:
            where, found = line or f"line {error.lineno}, character {error.colno}", error.msg
        except RecursionError:
            where, found = line or "", "lists or objects nested too deeply"
        except ValueError as error:
            where, found = line or "", str(error)
        raise FileUnreadable(
            f"{self.path} is not sound JSON",
            where=where,
            found=found,
            cure="mend that place" if self._whole else "mend that line; each holds one object",
        )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {doubled!a} stands twice in one object")
    return found


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name}, which JSON does not have")
