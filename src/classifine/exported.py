"""Takes the path of a run and gives its classifier in a format that other programs read: the public function export.

Thin: the exporting room does the work. Does not know how a model is written or compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from classifine.data.labelled import Say, silent
from classifine.errors import SettingsProblem

if TYPE_CHECKING:
    from classifine.exporting.onnx import Export


def export(run: Path | str, precisions: Sequence[str] = (), *, to: str = "onnx", say: Say = silent) -> Export:
    """Write the classifier of a run as ONNX, and prove on its validation texts that it is the same.

    Parameters
    ----------
    run
        A run folder.
    precisions
        ``fp32``, ``bf16`` and ``int8``; without any, the first two.
    to
        The format: ``onnx``.
    say
        Called with a stage and a plain sentence.

    Returns
    -------
    Export
        The folder, and what was measured of each precision with each runtime.

    Raises
    ------
    SettingsProblem, FileMissing, ModelUnavailable, PackageMissing
        It cannot be exported; why is said.
    NotTheSame
        fp32, or a precision that was asked for, does not agree with the run.

    Examples
    --------
    >>> from classifine import export
    >>> export("runs/posts", ["fp32", "int8"]).kept  # doctest: +SKIP
    ('fp32', 'int8')
    """
    from classifine.exporting.onnx import export_onnx

    if to != "onnx":
        raise SettingsProblem(f"there is no format {to!r}", cure="the format is: onnx")
    return export_onnx(run, precisions, say=say)
