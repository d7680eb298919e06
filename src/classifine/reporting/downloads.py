"""Takes the cells of a table on the page and gives an address that holds it as CSV, so that it can be saved from there.

The file lies in the page itself: nothing is fetched. Does not know what the cells mean.
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup

_MARKS = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the start of a formula


def download(name: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Markup:
    """Give a link that saves a table as CSV (UTF-8 with a mark, as spreadsheets expect it).

    A text that a spreadsheet would take for a formula gets an apostrophe in front.

    Examples
    --------
    >>> str(download("counts", ["label", "rows"], [("yes", 3)]))
    '<a class="download" download="counts.csv" href="data:text/csv;base64,77u/bGFiZWwscm93cw0KeWVzLDMNCg==">CSV</a>'
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(names)
    writer.writerows([[_harmless(cell) for cell in row] for row in rows])
    coded = base64.b64encode(b"\xef\xbb\xbf" + stream.getvalue().encode("utf-8", "backslashreplace")).decode("ascii")
    return Markup('<a class="download" download="{}.csv" href="data:text/csv;base64,{}">CSV</a>').format(name, coded)


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_MARKS) else "" if cell is None else cell
