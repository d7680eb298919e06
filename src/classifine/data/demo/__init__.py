"""The packaged demo data: invented posts, judged by annotators, and where its files are.

How it was made stands in DATA_CARD.md beside the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class DemoFiles:
    """Where the demo's files are.

    Attributes
    ----------
    judgements
        One row per annotator's judgement of a post.
    further
        Further posts, without labels.
    further_truth
        Their true labels.
    """

    judgements: Path
    further: Path
    further_truth: Path


DEMO = DemoFiles(_HERE / "judgements.csv", _HERE / "further.csv", _HERE / "further_truth.csv")
