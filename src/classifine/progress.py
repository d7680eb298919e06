"""Takes long work and shows how far it is: a bar with rate and time left, on a terminal only.

Does not know what the work is.
"""

from __future__ import annotations

import os
import sys
from typing import Any


def speaks() -> bool:
    """Tell whether this process is the one that talks: the first of those that torchrun started, or the only one."""
    return os.environ.get("RANK", "0") == "0" or os.environ.get("WORLD_SIZE", "1") == "1"


def bar(what: str, *, total: int | None, unit: str, done: int = 0) -> Any:
    """Give a tqdm bar on standard error; it shows nothing when standard error is not a terminal.

    Parameters
    ----------
    what
        A word before the bar.
    total
        How many units there are, or none when nobody knows.
    unit
        The plural noun shown after the numbers.
    done
        Units that were done before; the rate is that of the others.
    """
    from tqdm import tqdm

    return tqdm(
        desc=f"  {what}",
        total=total,
        initial=done,
        unit=f" {unit}",
        file=sys.stderr,
        disable=not (sys.stderr.isatty() and speaks()),
        dynamic_ncols=True,
        leave=False,
        mininterval=0.2,
        smoothing=0.1,
        unit_scale=False,
    )
