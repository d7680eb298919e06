"""Takes what estimates.json says and gives the page of it: one file that needs no network and no script.

Values are formatted, never computed. Does not know rows or how an estimate came about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classifine.reporting.downloads import with_downloads
from classifine.reporting.estimates_charts import pictures_of
from classifine.reporting.render import environment


def render_estimates(told: Mapping[str, Any]) -> str:
    """Give the page as HTML.

    Parameters
    ----------
    told
        What :meth:`classifine.estimation.answers.Estimates.to_dict` gives.
    """
    return with_downloads(environment().get_template("estimates.html").render(told=told, drawn=pictures_of(told)))
