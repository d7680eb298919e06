"""Two million coded answers through the data room: read, divided and audited; seconds and peak memory.

``python benchmarks/data_room.py`` makes answers to "what does your firm do?" with nomenclature codes (a long tail,
templates, typing errors, repeats), four gzip'ed CSV files and a Parquet copy, and runs each step in a process of its
own, beside DuckDB reading the same files. ``--kind short`` makes answers of one to three words, ``--kind varied`` long
ones that hardly repeat; ``--audit`` audits, too (without counting tokens).
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

_PER_FILE = 500_000
_DEEDS = (
    "Verkauf Herstellung Reparatur Montage Handel Vermietung Wartung Planung Entwicklung Transport Lagerung Beratung "
    "Verarbeitung Einbau Lieferung Prüfung Reinigung Zucht Anbau Vermittlung"
)
_FIRST = (
    "Holz Metall Kunststoff Glas Papier Leder Textil Stahl Beton Keramik Garten Büro Küchen Kinder Sport Auto Fahrrad "
    "Elektro Computer Medizin Labor Möbel Bau Dach Fenster Tür Boden Wand Heizungs Sanitär Solar Wind Wasser Gas Öl "
    "Kraft Milch Fleisch Fisch Back Obst Gemüse Wein Bier Tee Kaffee Tabak Blumen Tier Pferde Schuh Schmuck Uhren Foto "
    "Film Musik Buch Zeitungs Druck Werbe"
)
_THINGS = (
    "waren geräte maschinen teile produkte anlagen bedarf zubehör artikel stoffe systeme elemente werkzeuge behälter "
    "platten rohre kabel möbel kleidung technik bauten werkstoffe mittel erzeugnisse instrumente fahrzeuge häuser "
    "flächen räume dienste"
)
_ADDED = ("aller Art", "für Privatkunden", "im Großhandel", "und Zubehör", "online", "nach Maß", "in Österreich")
_FRAMES = (
    "{deed} von {thing}",
    "{thing}",
    "{deed} {thing}",
    "wir machen {deed} von {thing}",
    "{thing} - {deed}",
    "{deed} von {thing} und {other}",
    "Hauptsächlich {deed} und Service von {thing} {added}, daneben auch {other}",
)
_SHORT_FRAMES = ("{thing}", "{deed} {thing}", "{thing} {deed}", "{deed} von {thing}", "{deed}")
_VARIED_FRAMES = tuple(f"{frame}, {{further}}" for frame in _FRAMES)
_KINDS_OF_ANSWERS = {"templates": _FRAMES, "short": _SHORT_FRAMES, "varied": _VARIED_FRAMES}


def answers(rows: int, labels: int, *, kind: str, seed: int = 1) -> Iterator[tuple[str, str]]:
    """Give (answer, code): frequent codes as Zipf has them, a third of the codes with one or two answers."""
    chance = random.Random(seed)
    deeds = _DEEDS.split()
    subjects = [(deed, first + thing) for deed in deeds for first in _FIRST.split() for thing in _THINGS.split()]
    chosen = chance.sample(subjects, labels)
    codes = [f"{n // 100 % 100:02}.{n % 100:02}" + (f".{n // 10_000}" if n >= 10_000 else "") for n in range(labels)]
    frequent = labels - labels // 3
    tail = [place for place in range(frequent, labels) for _ in range(1 + place % 2)]
    weights = [1 / (rank + 1) for rank in range(frequent)]
    drawn = chance.choices(range(frequent), weights, k=rows - len(tail)) + tail
    chance.shuffle(drawn)
    frames = _KINDS_OF_ANSWERS[kind]
    again = 0.02 if kind == "varied" else 0.1
    said: list[str] = []
    for place in drawn:
        deed, thing = chosen[place]
        if said and chance.random() < again:
            text = said[chance.randrange(len(said))]  # what somebody else said too, coded otherwise perhaps
        else:
            other = chosen[chance.randrange(labels)][1]
            further = " ".join(f"{chance.choice(deeds)} {chance.choice(chosen)[1]}" for _ in range(3))
            added = chance.choice(_ADDED)
            text = chance.choice(frames).format(deed=deed, thing=thing, other=other, added=added, further=further)
        if chance.random() < 0.2:
            at = chance.randrange(len(text))
            text = text[:at] + chance.choice(("", text[at] * 2, "e")) + text[at + 1 :]
        if chance.random() < 0.1:
            text = text.lower()
        if len(said) < 50_000:
            said.append(text)
        yield text if text.strip() else thing, codes[place]


def write(folder: Path, rows: int, labels: int, *, kind: str) -> list[Path]:
    """Write gzip'ed CSV files of half a million rows and one Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    made = list(answers(rows, labels, kind=kind))
    files = []
    for number, start in enumerate(range(0, rows, _PER_FILE), 1):
        files.append(folder / f"answers-{number}.csv.gz")
        with gzip.open(files[-1], "wt", encoding="utf-8", newline="", compresslevel=3) as stream:
            stream.write("id;text;label\n")
            stream.writelines(
                f"p{row};{text};{code}\n" for row, (text, code) in enumerate(made[start : start + _PER_FILE], start + 1)
            )
    texts, codes = zip(*made, strict=True)
    columns = {"id": [f"p{row}" for row in range(1, rows + 1)], "text": texts, "label": codes}
    pq.write_table(pa.table(columns), folder / "answers.parquet")
    return files


def measured(step: str, files: list[str]) -> None:
    """Do one step in this process and print its seconds and peak memory."""
    import pyarrow.csv  # noqa: F401 - imports are not what is measured

    from classifine.data.rows.reading import read_labelled
    from classifine.preparation import examine
    from classifine.settings import DataSettings, Settings
    from classifine.sources import DataFiles

    data = DataSettings(id="id")
    started = time.perf_counter()
    told = ""
    if step == "DuckDB":
        import duckdb

        relation = duckdb.sql(f"SELECT * FROM read_csv({files}, delim=';', header=true, all_varchar=true)")
        assert relation is not None
        rows = len(relation.fetchnumpy()["id"])
    elif step == "read":
        reading = read_labelled(files, data)
        rows = reading.rows_in
    else:
        division = examine(DataFiles(files), Settings(data=data), labels_only=step == "split").checked.require(data)
        notes, rows = division.notes, sum(division.notes.rows.values())
        told = f"{len(division.splits.space.names):,} labels, {notes.units:,} clusters"
        told += f"; missing: { ({p: len(set(n) - set(notes.rare)) for p, n in notes.absent.items()}) }"
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(json.dumps({"rows": rows, "seconds": seconds, "peak": peak, "told": told}))


def main() -> None:
    """Print a line for each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--labels", type=int, default=6_000)
    parser.add_argument("--kind", choices=list(_KINDS_OF_ANSWERS), default="templates")
    parser.add_argument("--audit", action="store_true", help="audit, too")
    parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.step:
        measured(chosen.step[0], chosen.step[1:])
        return
    with tempfile.TemporaryDirectory() as place:
        # in a process of its own: what starts another process hands its peak memory on
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as maker:
            made = maker.submit(write, Path(place), chosen.rows, chosen.labels, kind=chosen.kind).result()
        files = [str(path) for path in made]
        parquet = [str(Path(place) / "answers.parquet")]
        steps = [("DuckDB", files), ("read", files), ("read", parquet), ("split", files)]
        for step, given in [*steps, *([("audit", files)] if chosen.audit else [])]:
            done = subprocess.run(
                [sys.executable, __file__, "--step", step, *given], check=True, stdout=subprocess.PIPE, text=True
            )
            found = json.loads(done.stdout)
            assert found["rows"] == chosen.rows, step
            kind = "Parquet" if given == parquet else f"{len(files)} gzip'ed CSV"
            print(
                f"{step:7} {kind:14} {found['rows']:>9,} rows {found['seconds']:7.1f} s {found['peak']:6.2f} GiB  "
                f"{found['told']}",
                flush=True,
            )


if __name__ == "__main__":
    main()
