"""``python -m classifine`` and the command ``classifine``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    from classifine.cli.console import guarded
    from classifine.cli.main import classifine

    sys.exit(guarded(classifine))


if __name__ == "__main__":
    main()
