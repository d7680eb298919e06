"""Runs every CSV engine over the hostile corpus and over two million rows, all in one run.

Each engine is told the same: delimiter, quotes, all columns text, no sniffing of types. Truth is what stands in the
file. `python benchmarks/reading.py [--rows 2000000] [--repeats 3] [--folder DIR]`
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

Columns = list[list[Any]]
Reader = Callable[[Path, str, list[str]], Columns]


def _ours(path: Path, delimiter: str, names: list[str]) -> Columns:
    from classifine.data.files.table_file import TableFile

    file = TableFile(path, delimiter=delimiter)
    columns: dict[str, list[Any]] = {name: [] for name in file.names}
    for block in file.blocks():
        for name, cells in block.columns.items():
            columns[name].extend(cells)
    return list(columns.values())


def _stdlib(path: Path, delimiter: str, names: list[str]) -> Columns:
    import csv

    csv.field_size_limit(10_000_000)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        header = next(reader)
        rows = [row for row in reader if row]
    return [list(column)[1:] for column in zip(header, *rows, strict=True)]


def _duckdb(path: Path, delimiter: str, names: list[str]) -> Columns:
    import duckdb

    kinds = ", ".join(f"{_sql(name)}: 'VARCHAR'" for name in names)
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT * FROM read_csv({_sql(str(path))}, auto_detect=false, header=true, all_varchar=true, "
            f"delim={_sql(delimiter)}, quote='\"', escape='\"', strict_mode=true, nullstr='\x01none\x01', "
            f"max_line_size=20000000, columns={{{kinds}}}, store_rejects=true)"
        ).fetchnumpy()
        rejected = connection.execute("SELECT count(*) FROM reject_errors").fetchone()
    if rejected and rejected[0]:
        raise ValueError(f"{rejected[0]} rows in the rejects table")
    return [column.tolist() for column in found.values()]


def _pyarrow(path: Path, delimiter: str, names: list[str]) -> Columns:
    import pyarrow as pa
    import pyarrow.csv as pc

    table = pc.read_csv(
        path,
        read_options=pc.ReadOptions(column_names=names, skip_rows_after_names=0, skip_rows=1, block_size=1 << 24),
        parse_options=pc.ParseOptions(delimiter=delimiter, newlines_in_values=True, escape_char=False),
        convert_options=pc.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), null_values=[], strings_can_be_null=False
        ),
    )
    return [column.to_numpy().tolist() for column in table.columns]


def _polars(path: Path, delimiter: str, names: list[str]) -> Columns:
    import polars as pl

    frame = pl.read_csv(
        path,
        separator=delimiter,
        quote_char='"',
        has_header=True,
        new_columns=names,
        schema_overrides=[pl.String] * len(names),
        infer_schema=False,
        empty_string_is_null=False,
        truncate_ragged_lines=False,
    )
    return [column.to_numpy().tolist() for column in frame.get_columns()]


READERS: dict[str, Reader] = {
    "stdlib csv, strict": _stdlib,
    "DuckDB, strict, rejects": _duckdb,
    "pyarrow": _pyarrow,
    "polars": _polars,
    "ours": _ours,
}


def hostile() -> dict[str, dict[str, Any]]:
    """Count, over the delimited files of the corpus, how often each engine gives the truth, an error, or neither."""
    corpus = _corpus()
    results: dict[str, dict[str, Any]] = {}
    cases = [
        case
        for case in [*corpus.CSV, *corpus.ENCODINGS]
        if len(set(case.names or ())) == len(case.names or ()) and "--delimiter" not in str(case.outcome)
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name, reader in READERS.items():
            seen: Counter[str] = Counter()
            silent: list[str] = []
            for case in cases:
                path = Path(folder) / case.name
                path.write_bytes(case.content)
                delimiter, names = _dialect(case)
                truth = case.outcome if isinstance(case.outcome, list) else None
                try:
                    columns = reader(path, delimiter, names)
                except Exception:  # noqa: BLE001 - an engine may raise what it likes; it was loud
                    seen["loud, rightly" if truth is None else "loud, though it can be read"] += 1
                    continue
                rows = [list(row) for row in zip(*columns, strict=True)]
                if truth is not None and rows == truth:
                    seen["the truth"] += 1
                elif truth is None and not rows and case.outcome.words in ("a header and no rows", "is empty"):
                    seen["no rows, said by their absence"] += 1
                else:
                    seen["silently different"] += 1
                    silent.append(case.about)
            results[name] = {"files": len(cases), **dict(seen), "which": silent}
    return results


def _dialect(case: Any) -> tuple[str, list[str]]:
    """Tell an engine the delimiter and the columns as a careful user would."""
    head = case.content.decode("utf-8-sig", "replace").lstrip("\n").split("\n")[0].rstrip("\r")
    delimiter = next((mark for mark in (";", "\t", "|", ",") if mark in head), ",")
    width = len(case.outcome[0]) if isinstance(case.outcome, list) else head.count(delimiter) + 1
    return delimiter, list(case.names) if case.names else [f"c{n}" for n in range(width)]


def generate(path: Path, rows: int) -> None:
    """Write short texts, a fifth with commas in quotes, some with doubled quotes or line ends."""
    rng = random.Random(20)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyzäöé", k=rng.randint(2, 9))) for _ in range(5000)]
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write("id,text,label\n")
        for number in range(rows):
            text = " ".join(rng.choices(words, k=rng.randint(4, 20)))
            chance = rng.random()
            if chance < 0.2:
                text = '"' + text.replace(" ", ", ", 2) + '"'
            elif chance < 0.25:
                text = '"' + text.replace(" ", ' ""so"" ', 1) + '"'
            elif chance < 0.3:
                text = '"' + text.replace(" ", "\n", 1) + '"'
            stream.write(f"{number},{text},{'yes' if number % 3 else 'no'}\n")


def timed(path: Path, name: str) -> None:
    """Read the file once, in this process, and print seconds, rows and peak memory (called in a process of its own)."""
    import resource

    import numpy  # noqa: F401 - every engine's own import of it is not what is measured
    import pyarrow.csv  # noqa: F401

    if name == "ours, in blocks":
        from classifine.data.files.table_file import TableFile

        start = time.perf_counter()
        rows = sum(len(block) for block in TableFile(path).blocks())
    elif name == "DuckDB, as a user would":
        import duckdb

        start = time.perf_counter()
        kinds = "{'id': 'VARCHAR', 'text': 'VARCHAR', 'label': 'VARCHAR'}"
        relation = duckdb.sql(
            f"SELECT * FROM read_csv({_sql(str(path))}, auto_detect=false, header=true, delim=',', quote='\"', "
            f"escape='\"', strict_mode=true, columns={kinds})"
        )
        assert relation is not None
        rows = len(relation.fetchnumpy()["id"])
    else:
        if name.startswith("DuckDB"):
            import duckdb
        if name == "polars":
            pass
        start = time.perf_counter()
        rows = len(READERS[name](path, ",", ["id", "text", "label"])[0])
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "rows": rows, "peak_mib": peak}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--time", nargs=2, metavar=("FILE", "ENGINE"))
    chosen = parser.parse_args()
    if chosen.time:
        timed(Path(chosen.time[0]), chosen.time[1])
        return
    for name, counts in hostile().items():
        print(name, json.dumps(counts, ensure_ascii=False), flush=True)
    path = chosen.folder / f"reading-{chosen.rows}.csv"
    if not path.exists():
        generate(path, chosen.rows)
    print(f"{path.stat().st_size / 1e6:.0f} MB, {chosen.rows:,} rows", flush=True)
    engines = ["DuckDB, as a user would", "ours, in blocks", *READERS]
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in engines}
    for _ in range(chosen.repeats):  # in turns, so that a busy moment meets all of them
        for name in engines:
            done = subprocess.run(
                [sys.executable, __file__, "--time", str(path), name], check=True, capture_output=True, text=True
            )
            runs[name].append(json.loads(done.stdout))
            assert runs[name][-1]["rows"] == chosen.rows, name
    base = statistics.median(run["seconds"] for run in runs["DuckDB, as a user would"])
    for name, measured in runs.items():
        seconds = statistics.median(run["seconds"] for run in measured)
        peak = max(run["peak_mib"] for run in measured)
        print(f"{name:26} {seconds:6.2f} s  {seconds / base:5.2f} x DuckDB  peak {peak:7,.0f} MiB", flush=True)


def _sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _corpus() -> ModuleType:
    place = Path(__file__).parent.parent / "tests" / "data" / "corpus.py"
    spec = importlib.util.spec_from_file_location("hostile_corpus", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hostile_corpus"] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
