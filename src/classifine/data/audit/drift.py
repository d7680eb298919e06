"""Takes the texts of two splits and gives a finding on whether a simple classifier can tell them apart.

Does not know labels or how the splits were made.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from classifine.data.audit.findings import Finding
from classifine.errors import count

_SAMPLE = 2000
_FEW = 50
_READ = 10_000
_FOLDS = 5
_SEED = 19_860_301
# Below it two splits differ less than two weeks of the same newspaper.
_AUC = 0.6
_ERRORS = 2.58


def drift(name: str, texts: Sequence[str], other: str, others: Sequence[str]) -> Finding:
    """Compare two splits by the area under the curve of a classifier that guesses from which a text comes.

    Logistic regression on TF-IDF of words and pairs of words, five-fold cross-validated on up to 2,000 different
    texts of each. It warns only where even the lower end of the 99 % interval is above 0.6, so that small splits
    raise no alarm.

    Parameters
    ----------
    name, other
        The splits' names.
    texts, others
        Their normal forms.

    Notes
    -----
    Classifier two-sample test: D. Lopez-Paz, M. Oquab, Revisiting classifier two-sample tests (ICLR 2017). Standard
    error of the area: J. Hanley, B. McNeil, Radiology 143 (1982).
    """
    check = f"drift between {name} and {other}"
    one, two = _sample(set(texts) - set(others)), _sample(set(others) - set(texts))
    if min(len(one), len(two)) < _FEW:
        return Finding(check, "good", f"fewer than {_FEW} different texts in {name} or {other}: too few to tell")
    auc = _auc(one, two)
    lower = auc - _ERRORS * _error(auc, len(one), len(two))
    message = (
        f"a simple classifier tells {name} from {other} texts with AUC {auc:.2f} (0.50 is chance; "
        f"{count(len(one), 'text')} against {len(two):,})"
    )
    if lower <= _AUC:
        return Finding(check, "good", message)
    cure = (
        f"find out in what {name} differs (time, source, annotators); scores on it speak for texts like these, and "
        "not for those of the other split"
    )
    return Finding(check, "warn", message, cure=cure)


def _sample(texts: set[str]) -> list[str]:
    ordered = sorted(texts)
    if len(ordered) <= _SAMPLE:
        return ordered
    drawn = np.random.default_rng(_SEED).choice(len(ordered), _SAMPLE, replace=False)
    return [ordered[place] for place in np.sort(drawn).tolist()]


def _auc(one: list[str], two: list[str]) -> float:
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    truth = np.repeat([1, 0], [len(one), len(two)])
    counts = HashingVectorizer(ngram_range=(1, 2), n_features=1 << 18, alternate_sign=False).transform(
        [text[:_READ] for text in one + two]
    )
    model = make_pipeline(TfidfTransformer(sublinear_tf=True), LogisticRegression(class_weight="balanced"))
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED)
    guessed: npt.NDArray[np.float64] = cross_val_predict(model, counts, truth, cv=folds, method="decision_function")
    return float(roc_auc_score(truth, guessed))


def _error(auc: float, one: int, two: int) -> float:
    """Give the standard error of an area under the curve (Hanley and McNeil 1982)."""
    if not 0 < auc < 1:
        return 0.0
    first, second = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (one - 1) * (first - auc**2) + (two - 1) * (second - auc**2)
    return float(np.sqrt(max(spread, 0.0) / (one * two)))
