"""Asking for help or importing the package costs next to nothing, and the public names are these."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys

import classifine

HEAVY = {
    "accelerate",
    "datasets",
    "filelock",
    "huggingface_hub",
    "jinja2",
    "numpy",
    "openpyxl",
    "optuna",
    "pandas",
    "pyarrow",
    "safetensors",
    "scipy",
    "sklearn",
    "sqlalchemy",
    "tokenizers",
    "tomlkit",
    "torch",
    "tqdm",
    "transformers",
}
PUBLIC = [
    "Classifier",
    "ClassifineError",
    "Judgements",
    "LabelSpace",
    "LabelledTexts",
    "Predictions",
    "Settings",
    "Splits",
    "TextClassifier",
    "__version__",
    "aggregate",
    "audit",
    "compare",
    "estimate_mean",
    "estimate_regression",
    "estimate_share",
    "evaluate",
    "evaluate_predictions",
    "explain",
    "export",
    "fill_mask",
    "label_errors",
    "learning_curve",
    "load",
    "predict",
    "predict_file",
    "read",
    "split",
    "train",
    "tune",
    "write_report",
]
# An empty Python takes about 0.02 s of processor time; the help adds click and our verbs, about 0.1 s together.
MOST_SECONDS_FOR_HELP = 0.3


def loaded_by(code: str) -> set[str]:
    """Run code in a fresh Python and give the top packages it loaded."""
    told = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, timeout=60, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def help_of(verb: str) -> str:
    words = [verb, "--help"] if verb else ["--help"]
    return (
        "from classifine.cli.console import guarded\n"
        "from classifine.cli.main import classifine\n"
        f"guarded(classifine, {words})"
    )


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = loaded_by("import classifine\ndir(classifine)")
    assert loaded & HEAVY == set()
    assert "click" not in loaded


def test_the_help_loads_nothing_heavy() -> None:
    assert loaded_by(help_of("")) & HEAVY == set()


def test_the_help_of_the_heaviest_verbs_loads_nothing_heavy() -> None:
    for verb in ("run", "tune", "predict", "learning-curve", "models"):
        assert loaded_by(help_of(verb)) & HEAVY == set()


def test_settings_and_errors_can_be_had_without_numbers() -> None:
    assert loaded_by("from classifine import Settings, ClassifineError") & HEAVY == set()


def test_reading_and_evaluating_load_no_torch() -> None:
    code = "import classifine.data.rows.reading, classifine.evaluation.scorecard, classifine.runs, classifine.tables"
    assert loaded_by(code) & {"torch", "transformers", "accelerate"} == set()


def test_the_help_is_there_at_once() -> None:
    seconds = [_processor_seconds([sys.executable, "-m", "classifine", "--help"]) for _ in range(5)]
    assert statistics.median(seconds) < MOST_SECONDS_FOR_HELP, seconds


def _processor_seconds(command: list[str]) -> float:
    """Time a command by its user time on the processor, so that a busy machine does not count."""
    before = os.times().children_user
    subprocess.run(command, stdout=subprocess.DEVNULL, timeout=60, check=True)
    return os.times().children_user - before


def test_the_public_names_are_these_and_each_can_be_had() -> None:
    assert classifine.__all__ == PUBLIC
    assert set(PUBLIC) <= set(dir(classifine))
    for name in PUBLIC:
        value = getattr(classifine, name)
        assert name == "__version__" or value.__name__ == name


def test_a_star_import_brings_exactly_the_public_names() -> None:
    done: dict[str, object] = {}
    exec("from classifine import *", done)
    assert sorted(set(done) - {"__builtins__"}) == sorted(PUBLIC)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(classifine, "trian")


def test_the_version_is_the_packages() -> None:
    from importlib.metadata import version

    assert classifine.__version__ == version("classifine")
