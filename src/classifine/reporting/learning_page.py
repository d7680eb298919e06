"""Takes what learning_curve.json says and gives the page of it: one file that needs no network and no script.

Values are formatted, never computed. Does not know texts or how a curve came about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classifine.reporting.downloads import with_downloads
from classifine.reporting.learning_charts import STYLES, learning_curves
from classifine.reporting.render import environment


def render_learning(told: Mapping[str, Any]) -> str:
    """Give the page as HTML.

    Parameters
    ----------
    told
        What :func:`classifine.evaluation.learning_account.account` gives, and ``name``: what the run is called;
        ``answer``: the lines that say what it comes to.
    """
    picture = learning_curves(told) if any(one["points"] for one in told["classifiers"]) else None
    return with_downloads(environment().get_template("learning.html").render(told=told, picture=picture, styles=STYLES))
