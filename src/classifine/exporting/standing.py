"""Takes a run and its predictions for the test texts and says how often the engines of its export give the same labels.

Does not look at true labels, and does not know how an export is made.
"""

from __future__ import annotations

import json

from classifine import durable
from classifine.errors import ModelUnavailable
from classifine.evaluation.engines import Agreement, Beside, Engines
from classifine.model.classifier import Classifier, predictions_of
from classifine.model.engines import exported_folder, not_of_run
from classifine.model.onnx_backend import TITLES, can_run, opened_from, read_card
from classifine.runs import RunFolder
from classifine.tables import Predictions


def engines_of(run: RunFolder, test: Predictions, *, own: str = "torch fp32") -> Engines:
    """Predict the same texts with each engine of the export.

    Parameters
    ----------
    run
        The run; without an export there are no engines beside its own.
    test
        What the scores were computed from.
    own
        The engine they were computed with.
    """
    folder = exported_folder(run.path)
    if folder is None or not_of_run(folder) is not None:
        return Engines(own)
    found = []
    for each in read_card(folder)["measured"]:
        precision, runtime = each["precision"], each["runtime"]
        same = None
        if each["met"] and can_run(precision, runtime) is None:
            theirs = predictions_of(opened_from(folder, precision, runtime), test.texts, split=test.split)
            same = Agreement.of(test.predicted, theirs.predicted)
        on_validation = Agreement(each["agreement"], each["n"])
        name, speed = f"{TITLES[runtime]} {precision}", each["rows_per_second"]
        found.append(Beside(name, on_validation, same, each["met"], each["reason"], speed))
    return Engines(own, tuple(found))


def own_engine(classifier: Classifier) -> str:
    """Name what a run's own classifier computes with, and where that is no processor."""
    device = str(classifier.backend.model.device.type)
    return classifier.engine.name if device == "cpu" else f"{classifier.engine.name} on {device}"


def enter(run: RunFolder) -> bool:
    """Enter the engines into the scorecard of a run that is evaluated; say whether it is."""
    import pyarrow.parquet as pq

    stored = run.predictions / "test.parquet"
    if not run.done("evaluate") or not stored.is_file():
        return False
    card = json.loads(run.scorecard.read_text("utf-8"))
    try:
        engines = engines_of(run, Predictions.from_arrow(pq.read_table(stored)), own=card.get("engine", "torch fp32"))
    except (KeyError, TypeError) as error:
        why = f"the export does not say what was measured: {error!r}"
        raise ModelUnavailable(why, cure="export it again") from None
    durable.write_json(run.scorecard, engines.beside(card))
    run.amend("evaluate", [run.scorecard])
    return True
