"""The verb ``audit``: check labelled texts, and say what is good, what to look at and what must be mended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from classifine.cli import console
from classifine.cli.options import PATH, Sectioned, files_of, refuse_inputs, settings_of, source_options

if TYPE_CHECKING:
    from classifine.data.audit.findings import Finding

_MARKS = {"good": "good", "warn": "WARN", "fail": "FAIL"}


@click.command(cls=Sectioned)
@source_options
@click.option("--model", metavar="NAME", help="Base model whose tokens are counted.  [default: minilm]")
@click.option("-o", "--output", type=PATH, default=Path("audit.json"), show_default=True, metavar="FILE")
def audit(output: Path, **options: Any) -> int:
    """Check DATA: labels, duplicates, leaks, languages, damage, personal data, and how it would be divided.

    Prints every finding with its first rows and what to do, and writes all of them to a JSON file. Ends with exit code
    1 when a check fails.
    """
    from classifine import durable
    from classifine.data.beside import Record
    from classifine.data.rows.accounting import write_rejected
    from classifine.errors import UsageError
    from classifine.model.tokens import counter_of
    from classifine.preparation import examine

    if output.suffix.lower() != ".json":
        raise UsageError(
            f"{output} does not end in .json, but JSON is what is written", cure="choose a name as audit.json"
        )
    aside = output.with_name(f"{output.stem}.rejected.csv")
    refuse_inputs([output, aside], options)
    record = Record(output, "audit")
    record.refuse_foreign([aside], cure="choose another name with -o")
    settings = settings_of(options)
    examined = examine(files_of(options), settings, say=_heard, count_tokens=counter_of(settings.model))
    console.tell()
    for finding in examined.checked.findings:
        tell(finding)
    rejected = [row for part in examined.found.values() for row in part.reading.quarantine]
    beside = [aside] if rejected else []
    record.remove_left([aside], beside)
    durable.write_json(output, {**record.entries(beside), **examined.to_dict()})
    for aggregation in (part.aggregation for part in examined.found.values()):
        for sentence in (*aggregation.warnings, *aggregation.notes) if aggregation else ():
            console.say("mind", sentence)
    levels: list[str] = [finding.level for finding in examined.checked.findings]
    console.tell()
    console.tell(", ".join(f"{levels.count(level)} {level}" for level in _MARKS))
    console.say("audit", str(output))
    if rejected:
        write_rejected(aside, rejected)
        console.say("rejected", str(aside))
    return 1 if "fail" in levels else 0


def tell(finding: Finding) -> None:
    """Print one finding: level, check and sentence; below, rows and what to do."""
    from classifine.errors import some

    console.say(_MARKS[finding.level], f"{finding.check}: {finding.message}")
    if finding.level != "good":
        if finding.rows:
            more = " …" if finding.count > len(finding.rows) else ""
            console.say("", f"rows {some(finding.rows)}{more}")
        if finding.cure:
            console.say("", f"what to do: {finding.cure}")


def _heard(stage: str, message: str) -> None:
    """Say what was read; the findings themselves are printed one by one."""
    if stage != "audit":
        console.say(stage, message)
