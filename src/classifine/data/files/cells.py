"""Takes a cell as its format gives it and gives it as text or as JSON, verbatim.

A number of a text format stays what was written (:class:`Number`): ``1.0`` never becomes ``1``.
Does not know files, columns or labels.
"""

from __future__ import annotations

import datetime as dt
import decimal
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from classifine.errors import FileUnreadable


class Number(str):
    """A number as it was written; text that may be written back into JSON without quotes."""

    __slots__ = ()


def as_text(value: Any) -> str | None:
    """Give a cell as text, and ``None`` for a cell that holds nothing.

    Lists and objects become JSON text. Bytes must be UTF-8.

    Raises
    ------
    ValueError
        Bytes that are no UTF-8.

    Examples
    --------
    >>> [as_text(v) for v in ("01.10", Number("1.0"), 1, 2.5, True, None)]
    ['01.10', '1.0', '1', '2.5', 'true', None]
    """
    if isinstance(value, str):
        return str(value)
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return float.__repr__(value)  # a NumPy float's own repr would write its type too
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, Mapping | list | tuple):
        return as_json(value)
    return str(value)


def as_json(value: Any) -> str:
    """Write a cell as JSON; numbers verbatim, dates as ISO text, and ``null`` for NaN and infinity, which JSON lacks.

    Examples
    --------
    >>> as_json({"a": [Number("0.10"), None], "b": "é"})
    '{"a": [0.10, null], "b": "é"}'
    """
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(as_text(key), ensure_ascii=False)}: {as_json(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(as_json(item) for item in value) + "]"
    if value is None or isinstance(value, bool) or type(value) is int:
        return json.dumps(value)
    if isinstance(value, float):
        return float.__repr__(value) if math.isfinite(value) else "null"
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    return json.dumps(as_text(value), ensure_ascii=False)


def is_blank(value: Any) -> bool:
    """Tell whether a cell holds nothing: no value, NaN, or white space only."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value or value.isspace()
    return isinstance(value, float) and math.isnan(value)


def texts_of(values: Iterable[Any], *, column: str, first_row: int, where: str) -> list[str | None]:
    """Give a column as text.

    Raises
    ------
    FileUnreadable
        A cell that is no Unicode text; row and column are named.
    """
    texts: list[str | None] = []
    for value in values:
        try:
            text = as_text(value)
            if text is not None and not text.isascii():
                text.encode("utf-8")
        except UnicodeError as error:
            raise not_unicode(f"{where}, row {first_row + len(texts)}, column {column!r}", error) from None
        texts.append(text)
    return texts


def not_unicode(where: str, error: UnicodeError) -> FileUnreadable:
    """Give the error for a cell that is no Unicode text."""
    half = isinstance(error, UnicodeEncodeError)
    return FileUnreadable(
        "a cell is no Unicode text",
        where=where,
        found="half of a surrogate pair" if half else "bytes that are not UTF-8",
        cure="mend that cell, or write the file again from its source",
    )
