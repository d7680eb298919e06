"""Takes the stored name of a rule, a step or a character and gives the words or the sentence the page has for it.

A name that is not known is shown as it is. Does not know the run folder or HTML.
"""

from __future__ import annotations

_AGGREGATIONS = {
    "majority": "Each item has the label that most of its annotators gave.",
    "dawid-skene": "Each item has the label that is most probable by Dawid and Skene’s model, which estimates how "
    "often each annotator gives which label for which.",
    "one-coin": "Each item has the label that is most probable when each annotator is right with a probability of "
    "their own (one-coin).",
    "soft": "Each item has the label that most of its annotators gave; beside it, the shares of their judgements are "
    "kept and trained on (soft labels).",
    "expert": "Where the expert judged an item, the expert’s label counts; elsewhere the label that most annotators "
    "gave.",
    "unanimous": "Only items have a label that two or more annotators judged and nobody disputed.",
}
_TIE_RULES = {
    "drop": "Items whose judgements tie got no label and are not used.",
    "review": "Items whose judgements tie are decided by a person; until then they have no label and are not used.",
    "random": "Items whose judgements tie got one of the tied labels, drawn from the seed.",
    "priority": "Items whose judgements tie got the tied label that stands first in the declared order.",
    "posterior": "Items whose judgements tie got the tied label that is most probable by Dawid and Skene’s model.",
}
_DIVISIONS = {
    "stratified": "by label: every part has its share of each label",
    "grouped": "by group: rows of one group stay in one part",
    "by time": "by time: the latest rows are the test rows",
    "given": "as the data came",
}
_STEPS = {
    "label_names": "named",
    "merge_labels": "merged",
    "keep_labels": "not kept",
    "min_rows": "too few rows",
}
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space", ":": "colon"}
_FORMATS = {
    "delimited": "text table",
    "json lines": "JSON Lines",
    "json": "JSON",
    "parquet": "Parquet",
    "excel": "Excel",
}


def aggregation(method: str) -> str:
    """Say how judgements became labels.

    Examples
    --------
    >>> aggregation("majority"), aggregation("coin")
    ('Each item has the label that most of its annotators gave.', 'Labels were made by the rule “coin”.')
    """
    return _AGGREGATIONS.get(method, f"Labels were made by the rule “{method}”.")


def tie_rule(rule: str) -> str:
    """Say what became of ties.

    Examples
    --------
    >>> tie_rule("drop"), tie_rule("coin")
    ('Items whose judgements tie got no label and are not used.', 'Tie rule: coin.')
    """
    return _TIE_RULES.get(rule, f"Tie rule: {rule}.")


def division(method: str) -> str:
    """Say how rows were divided.

    Examples
    --------
    >>> division("given")
    'as the data came'
    """
    return _DIVISIONS.get(method, method)


def step(name: str) -> str:
    """Say what was done to a label.

    Examples
    --------
    >>> step("min_rows")
    'too few rows'
    """
    return _STEPS.get(name, name)


def delimiter(character: str) -> str:
    """Write a delimiter so that it can be told from white space.

    Examples
    --------
    >>> delimiter(";"), delimiter("^")
    ('semicolon', '“^”')
    """
    return _DELIMITERS.get(character, f"“{character}”")


def packed(format_: str | None, compression: str | None) -> str:
    """Write a file's format and what it is packed with.

    Examples
    --------
    >>> packed("delimited", "gzip"), packed("parquet", None), packed(None, None)
    ('text table, packed with gzip', 'Parquet', '–')
    """
    name = "–" if format_ is None else _FORMATS.get(format_, format_)
    return f"{name}, packed with {compression}" if compression else name
