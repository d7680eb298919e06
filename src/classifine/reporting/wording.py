"""Takes a stored value or a hostile string and gives the words the page shows for it.

Numbers are only formatted; characters that cannot be seen are made visible. Does not know the run folder or HTML.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

_METRICS = {
    "accuracy": "accuracy",
    "log_loss": "log-loss",
    "brier": "Brier score",
    "roc_auc": "ROC-AUC",
    "mcc": "Matthews’ correlation",
    "cohen_kappa": "Cohen’s kappa with the truth",
    "krippendorff_alpha": "Krippendorff’s alpha with the truth",
    "ece": "expected calibration error",
    "ece_equal_mass": "the same, bins of equal size",
    "aurc": "area under the risk–coverage curve",
    "validation_loss": "validation loss",
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "hamming_loss": "Hamming loss",
    "quadratic_weighted_kappa": "quadratic-weighted kappa",
    "adjacent_accuracy": "right or next to it",
    "mean_absolute_error": "ranks missed by",
    "hierarchical_f1": "hierarchical F1",
    "samples_f1": "F1 per text",
    "samples_precision": "precision per text",
    "samples_recall": "recall per text",
}
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_JOINERS = {"\u200c", "\u200d"}  # part of ordinary spelling in Persian, in Indic scripts and in emoji
_JOINED = {"Lo", "Mn", "Mc", "Me", "So", "Sk"}


def visible(text: str) -> str:
    r"""Write zero-width, control and direction characters as their code points.

    Line ends and tabs stay, and so does a joiner between two characters that it ordinarily joins.

    Examples
    --------
    >>> visible("ye\u200bs")
    'ye⟨U+200B⟩s'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_seen(text, place) for place in range(len(text)))


def cut(text: str, limit: int) -> str:
    """Shorten a text to its first characters; an ellipsis says so.

    Examples
    --------
    >>> cut("annotation", 5), cut("label", 5)
    ('anno…', 'label')
    """
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def metric(name: str) -> str:
    """Write a metric's stored name the way people do.

    Examples
    --------
    >>> metric("macro_f1"), metric("weighted_precision"), metric("top_3")
    ('macro-F1', 'weighted precision', 'top-3 accuracy')
    """
    if name in _METRICS:
        return _METRICS[name]
    if name.startswith("top_"):
        return f"top-{name.removeprefix('top_')} accuracy"
    if name.endswith("_f1"):
        return name.removesuffix("_f1") + "-F1"
    return name.replace("_", " ")


def score(value: float | None) -> str:
    """Write a score or a loss with three decimals; none is a dash.

    Examples
    --------
    >>> score(0.84), score(-0.0042), score(None)
    ('0.840', '−0.004', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.3f}".replace("-", "−")


def signed(value: float | None) -> str:
    """Write a difference with its sign.

    Examples
    --------
    >>> signed(0.1), signed(-0.03)
    ('+0.100', '−0.030')
    """
    return "–" if value is None else f"{value:+.3f}".replace("-", "−")


def chance(p: float) -> str:
    """Write a p value the way papers do.

    Examples
    --------
    >>> chance(0.0334), chance(0.0000002)
    ('p = 0.033', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def percent(share: float) -> str:
    """Write a share of 1 as a percentage.

    Examples
    --------
    >>> percent(0.600406), percent(0.0)
    ('60.0 %', '0.0 %')
    """
    return f"{100 * share:.1f} %"


def plain(value: object) -> str:
    """Write any stored value: whole numbers with thousands commas, others with the digits they need.

    Examples
    --------
    >>> plain(22714754), plain(0.0001), plain(8.0), plain(None), plain(True), plain("bf16")
    ('22,714,754', '0.0001', '8', '–', 'yes', 'bf16')
    """
    if value is None or value == {}:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:,.6g}"
    if isinstance(value, dict):
        return ", ".join(f"{name} = {plain(content)}" for name, content in value.items())
    return str(value)


def listed(items: Sequence[object]) -> str:
    """Write row numbers or ids one after the other."""
    return ", ".join(str(item) for item in items)


def span(seconds: float) -> str:
    """Write how long something took.

    Examples
    --------
    >>> span(0.42), span(61.0), span(7384)
    ('0.4 s', '1 min 1 s', '2 h 3 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def moment(stamp: str) -> str:
    """Write a stored time stamp without what nobody reads.

    Examples
    --------
    >>> moment("2026-01-02T03:10:59+00:00")
    '2026-01-02 03:10 UTC'
    """
    return f"{stamp[:10]} {stamp[11:16]} UTC" if stamp[10:11] == "T" and stamp.endswith("+00:00") else stamp


def _seen(text: str, place: int) -> str:
    letter = text[place]
    if letter in "\r\n\t" or unicodedata.category(letter) not in _UNSEEN:
        return letter
    if letter in _JOINERS and 0 < place < len(text) - 1:
        neighbours = {unicodedata.category(text[place - 1]), unicodedata.category(text[place + 1])}
        if neighbours <= _JOINED:
            return letter
    return f"⟨U+{ord(letter):04X}⟩"
