"""Takes what comparison.json says and gives the page of it: one file that needs no network and no script.

Values are formatted, never computed. Does not know rows or how a difference came about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classifine.reporting import wording
from classifine.reporting.charts import comparison
from classifine.reporting.downloads import with_downloads
from classifine.reporting.forest import ForestLine, forest
from classifine.reporting.measures import Figure
from classifine.reporting.render import environment

PAIRS_IN_PICTURE = 45  # those of ten classifiers; more are a table


def render_contest(told: Mapping[str, Any]) -> str:
    """Give the page as HTML.

    Parameters
    ----------
    told
        What :meth:`classifine.evaluation.contest.Contest.to_dict` gives, and ``sources``: a path or none by name.
    """
    pictures = {}
    for metric in told["metrics"]:
        scores = [(name, Figure(**{"note": None, **told["scores"][name][metric]})) for name in told["ranked"]]
        pictures[metric] = {
            "scores": comparison(wording.metric(metric), scores, leading=_leading(told)),
            "differences": _forest(told, metric) if len(told["pairs"]) <= PAIRS_IN_PICTURE else None,
        }
    return with_downloads(environment().get_template("comparison.html").render(told=told, pictures=pictures))


def _leading(told: Mapping[str, Any]) -> int:
    """Give the place of the winner among the ranked; where there is none, no row is drawn in the accent colour."""
    return told["ranked"].index(told["winner"]) if told["winner"] is not None else -1


def _forest(told: Mapping[str, Any], metric: str) -> Any:
    lines = []
    for pair in told["pairs"]:
        one = pair["differences"][metric]
        values = {name: one[name] for name in ("value", "low", "high")}
        lines.append(ForestLine(pair["first"], pair["second"], **values, shown=one["ahead"] != 0, note=one.get("note")))
    return forest(f"Differences in {wording.metric(metric)}", lines)
