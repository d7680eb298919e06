"""Takes labelled texts and gives what the loss compares the model's answer with: a label id, or shares of all labels.

Does not know models or losses.
"""

from __future__ import annotations

import numpy as np

from classifine.errors import SettingsProblem
from classifine.labels import FloatMatrix, IntVector, LabelSpace
from classifine.tables import LabelledTexts


def targets(table: LabelledTexts, space: LabelSpace, *, soft: bool) -> IntVector | FloatMatrix:
    """Give the target of each text.

    Parameters
    ----------
    table
        Labelled texts.
    space
        Their label space.
    soft
        Whether the annotators' shares are the target. A label that is no text's own label is not in the space; its
        share goes to the text's other labels in proportion.

    Returns
    -------
    array
        Label ids, shape [n]; or shares, shape [n, n_labels], each row adding up to 1. Where a text may have several
        labels, 0 or 1 of each label, shape [n, n_labels]; or the share of annotators who gave it.

    Raises
    ------
    SettingsProblem
        Soft labels are wanted, but the labels were not made from judgements.
    """
    if not soft:
        return space.ids(table.labels) if space.separator is None else space.indicator(table.labels).astype(np.float64)
    if table.soft is None:
        raise SettingsProblem(
            'aggregation = "soft" needs the judgements of several annotators',
            cure="name their column with --annotator, or choose another aggregation",
        )
    index = {name: place for place, name in enumerate(space.names)}
    shares: FloatMatrix = np.zeros((len(table), len(space)))
    for row, judged in enumerate(table.soft):
        for cell, share in judged.items():
            for name in space.several(cell):
                if name in index:
                    shares[row, index[name]] += share
    if space.separator is not None:
        return shares
    for row in range(len(table)):
        if not shares[row].any():  # decided for a label that no annotator gave
            shares[row, index[table.labels[row]]] = 1.0
    shares /= shares.sum(axis=1, keepdims=True)
    return shares
