"""Takes a table, as cells or as it stands on a page, and gives a link that holds it as CSV, so that it can be saved.

The file lies in the page itself: nothing is fetched. Does not know what the cells mean.
"""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Iterable, Sequence
from html import unescape
from html.parser import HTMLParser
from typing import Any

from markupsafe import Markup

_MARKS = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the start of a formula
_TABLE = re.compile(r'<div class="scroll[^>]*aria-label="([^"]*)"[^>]*>\s*<table>(.*?)</table>\s*</div>', re.DOTALL)
_HAS_ITS_OWN = re.compile(r'<a class="download"[^<]*</a>[^<]*</p>\s*$')
_NUMBER = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+|[+-]?\d{1,300}(?:\.\d+)?(?:e[+-]?\d{1,3})?")
_VOID = {"br", "hr", "img", "input", "meta", "link"}
_FURTHER = {"data-low": "low", "data-high": "high", "data-note": "note"}


def download(name: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Markup:
    """Give a link that saves a table as CSV (UTF-8 with a mark, as spreadsheets expect it).

    A text that a spreadsheet would take for a formula gets an apostrophe in front.

    Examples
    --------
    >>> print(download("counts", ["label", "rows"], [("yes", 3)]))  # doctest: +ELLIPSIS
    <a class="download" download="counts.csv" href="data:text/csv;base64,77u/bGFiZ..." aria-label="CSV: counts">CSV</a>
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(names)
    writer.writerows([[_harmless(cell) for cell in row] for row in rows])
    coded = base64.b64encode(b"\xef\xbb\xbf" + stream.getvalue().encode("utf-8", "backslashreplace")).decode("ascii")
    return Markup(
        '<a class="download" download="{name}.csv" href="data:text/csv;base64,{}" aria-label="CSV: {name}">CSV</a>'
    ).format(coded, name=name)


def with_downloads(html: str) -> str:
    """Give each table of a page that has none a link that saves it, with the stored values instead of the digits shown.

    A cell says in ``data-value``, ``data-low``, ``data-high`` and ``data-note`` what is stored; others are what they
    say. A table is found by the scrolling region with a name that it stands in.
    """

    def told(found: re.Match[str]) -> str:
        before = html[max(0, html.rfind("<p", 0, found.start())) : found.start()]
        if _HAS_ITS_OWN.search(before):
            return found[0]
        names, rows = _Cells(found[2]).table()
        return f'{found[0]}\n<p class="save">{download(unescape(found[1]), names, rows)}</p>'

    return _TABLE.sub(told, html)


class _Cells(HTMLParser):
    """Reads a table: for each row its cells, for each cell its text and what is stored of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[dict[str, str]]] = []
        self.heads = 0
        self._cell = {"text": ""}
        self._open: list[bool] = []  # of each open element, whether it is left out
        self.feed(html)
        self.close()

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Give the names of the columns and the rows; an interval has columns of its own."""
        body = self.rows[self.heads :]
        width = max((len(row) for row in self.rows), default=0)
        wanted = [
            [key for key in _FURTHER if any(len(row) > place and key in row[place] for row in body)]
            for place in range(width)
        ]
        names: list[str] = []
        for place, further in enumerate(wanted):
            head = " ".join(row[place]["text"] for row in self.rows[: self.heads] if len(row) > place)
            names += [head, *(f"{head} {_FURTHER[key]}".strip() for key in further)]
        rows: list[list[Any]] = []
        for row in body:
            cells: list[Any] = []
            for place, further in enumerate(wanted):
                cell = row[place] if place < len(row) else {"text": ""}
                cells.append(_stored(cell))
                cells += [_number(cell.get(key, "")) for key in further]
            rows.append(cells)
        return names, rows

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self._cell = {**given, "text": ""}
            self.rows[-1] += [self._cell, *({"text": ""} for _ in range(int(given.get("colspan", 1)) - 1))]
        elif tag == "bdi" and "title" in given:
            self._say(given["title"])
        if tag not in _VOID:
            self._open.append(
                tag in ("svg", "summary") or given.get("class") == "first" or (tag == "bdi" and "title" in given)
            )

    def handle_endtag(self, tag: str) -> None:
        if tag == "thead":
            self.heads = len(self.rows)
        if tag not in _VOID and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not any(self._open):
            self._say(data)

    def _say(self, words: str) -> None:
        self._cell["text"] += words


def _stored(cell: dict[str, str]) -> Any:
    """Give what a cell stores or else says; digits are a number only where a number stands, not in a code."""
    if "data-value" in cell:
        return _number(cell["data-value"])
    text = " ".join(cell["text"].split())
    if "num" not in cell.get("class", "").split():
        return text
    return "" if text == "–" else _number(text.replace("−", "-"))


def _number(text: str) -> Any:
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text or "e" in text else int(text.replace(",", ""))


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_MARKS) else "" if cell is None else cell
