"""Takes a classifier in numbers and training texts as token ids and gives the ranges that int8 has to cover.

Per linear layer, the mean over texts of the least and the greatest input: only what lies beyond in single texts is cut
off. The few large values of each text matter: leaving out one in a thousand costs five points of agreement.
Does not know labels, validation texts or files.
"""

from __future__ import annotations

import numpy as np

from classifine.exporting.blueprint import Blueprint
from classifine.exporting.graph import INPUTS, TYPES, Ranges, observed
from classifine.model.onnx_backend import package_of
from classifine.model.tokens import Encoded

TEXTS = 200
"""So many training texts are enough: the ranges are means."""


def ranges_of(blueprint: Blueprint, encoded: Encoded, *, types: bool) -> Ranges:
    """Find the ranges.

    Parameters
    ----------
    blueprint
        The classifier.
    encoded
        Training texts.
    types
        Whether token types are an input.
    """
    runtime = package_of("onnxruntime")
    model, layers = observed(blueprint, types=types)
    options = runtime.SessionOptions()
    # fused operators would swallow what is to be seen
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    wanted = sorted(set(layers.values()))
    ends = []
    for place in range(min(TEXTS, len(encoded.ids))):
        ids = np.asarray(encoded.ids[place], np.int64)[None]
        batch = dict(zip(INPUTS, (ids, np.ones_like(ids)), strict=True))
        if types:
            given = np.zeros(ids.shape[1]) if encoded.types is None else encoded.types[place]
            batch[TYPES] = np.asarray(given, np.int64)[None]
        ends.append([(float(seen.min()), float(seen.max())) for seen in session.run(wanted, batch)])
    mean = dict(zip(wanted, np.mean(ends, axis=0), strict=True))  # [outputs, 2]
    return Ranges({name: (float(mean[seen][0]), float(mean[seen][1])) for name, seen in layers.items()})
