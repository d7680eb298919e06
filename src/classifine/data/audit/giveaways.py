"""Takes texts with their labels and gives findings on shortcuts: a label's name, a phrase, or the length tells it.

A classifier that learns a shortcut scores well here and fails on other texts. Does not know splits.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifine.data.audit.findings import Finding, of_rows
from classifine.data.audit.material import Material
from classifine.errors import some

_OWN_NAME_SHARE = 0.2
_OWN_NAME_RATIO = 2
_WORD = re.compile(r"[^\W_]+")

# A phrase gives a label away when it stands in so many texts, 99 % of them with this label, and in a fifth of the
# label's texts that are a hundredth of all, or in nearly all texts of a smaller label. In banking77, edos, goemotions,
# convabuse, germeval2018 and sib200 no topic word does.
_TEXTS = 10
_PURE = 0.99
_COVERS = 0.2
_OF_ALL = 0.01
_COVERS_SMALL = 0.9
_LIFT = 20
_SAMPLE = 50_000
# Of a very long text the beginning, where a source leaves its marks as often as anywhere.
_READ = 10_000
_WORDS_AND_SIGNS = r"\w+|[^\w\s]"
_PHRASE_WORDS = 3
_LISTED = 5

# The area under the curve of length alone, of a label that has a twentieth of the texts.
_LENGTH_AUC = 0.75
_LENGTH_SHARE = 0.05
_LENGTH_ERRORS = 4


def own_names(material: Material) -> Finding:
    """Find labels whose name stands in many of their own texts and is at least twice as frequent there as elsewhere."""
    check = "label in its own text"
    own, others = _texts_with_names(material)
    told, rows = [], []
    for label in sorted(own):
        of_label = int(material.counts[label])
        share = len(own[label]) / of_label
        elsewhere = others[label] / max(1, len(material) - of_label)
        if share > _OWN_NAME_SHARE and share > _OWN_NAME_RATIO * elsewhere:
            told.append(f"{material.names[label]!r} in {share:.0%} of its texts")
            rows += own[label]
    if not told:
        return Finding(check, "good", "no label's name gives its texts away")
    cure = "make sure that the label was not written into the text, by hand or by an export"
    return of_rows(check, "warn", f"the label's name stands in its own texts: {some(told)}", set(rows), cure)


def phrases(material: Material) -> Finding:
    """Find phrases of up to three words that stand in many texts of one label and almost nowhere else.

    Counted on at most 50,000 texts, each different text once; ranked by the mutual information of phrase and label.
    """
    check = "phrases that give a label away"
    positions = material.sample(_SAMPLE)
    told, marked = [], np.zeros(len(material), np.bool_)
    for phrase in _giveaways(material, positions):
        told.append(f"{phrase.words!r} ({material.names[phrase.label]!r}, {phrase.texts:,} texts)")
        marked |= np.isin(material.forms.place, phrase.forms)
    on = "" if len(positions) == len(material) else f" (counted on {len(positions):,} texts drawn at random)"
    if not told:
        return Finding(check, "good", f"no phrase stands in many texts of one label and in hardly any other{on}")
    message = f"these phrases stand in texts of one label and in hardly any other{on}: {some(told, limit=_LISTED)}"
    cure = (
        "where the phrase comes from the source and not from what the text is about (a signature, a form, a "
        "watermark), remove it from the texts, or the classifier learns the source"
    )
    return of_rows(check, "warn", message, material.rows[marked], cure)


def length(material: Material) -> Finding:
    """Find labels that the length of a text alone tells from the others (area under the ROC curve, in ranks)."""
    check = "length as a shortcut"
    sizes = np.fromiter(map(len, material.table.texts), np.int64, len(material))
    aucs = _length_aucs(material, sizes)
    n, of_label = len(material), material.counts
    # the standard error of the area where length says nothing
    error = np.sqrt((n + 1) / (12 * np.maximum(of_label * (n - of_label), 1)))
    away = np.abs(aucs - 0.5)
    found = (away >= _LENGTH_AUC - 0.5) & (away > _LENGTH_ERRORS * error) & (of_label >= _LENGTH_SHARE * n)
    if not found.any():
        return Finding(check, "good", "the length of a text does not tell its label")
    told = []
    for label in np.flatnonzero(found)[np.argsort(-away[found], kind="stable")]:
        inside = np.isin(np.arange(n), material.owner[material.label == label])
        told.append(
            f"{material.names[label]!r} (AUC {0.5 + away[label]:.2f}; half of its texts have over "
            f"{int(np.median(sizes[inside])):,} characters, half of the others over {int(np.median(sizes[~inside])):,})"
        )
    cure = "check whether the texts of these labels come from another source or were cut; else expect a classifier to "
    return Finding(
        check,
        "warn",
        f"the length alone tells {some(told)}",
        int(of_label[found].sum()),
        cure=cure + "judge by length",
    )


def _length_aucs(material: Material, sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Give for each label the probability that one of its texts is longer than another text, ties one half."""
    from scipy.stats import rankdata

    ranks = rankdata(sizes)
    of_label = material.counts
    sums = np.bincount(material.label, ranks[material.owner], minlength=len(of_label))
    pairs = of_label * (len(material) - of_label)
    wins = sums - of_label * (of_label + 1) / 2
    return np.where(pairs > 0, wins / np.maximum(pairs, 1), 0.5)


@dataclass(frozen=True)
class _Phrase:
    words: str
    label: int
    texts: int
    forms: npt.NDArray[np.int64]


def _giveaways(material: Material, positions: npt.NDArray[np.int64]) -> list[_Phrase]:
    """Give the phrases that give a label away, the most telling first, without those that say the same."""
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import CountVectorizer

    used, form = np.unique(material.forms.place[positions], return_inverse=True)
    local = np.full(len(material), -1)
    local[positions] = form
    entries = np.flatnonzero(local[material.owner] >= 0)
    pairs = np.unique(local[material.owner[entries]] * len(material.names) + material.label[entries])
    owner, label = pairs // len(material.names), pairs % len(material.names)
    labels = csr_array((np.ones(len(pairs)), (owner, label)), shape=(len(used), len(material.names)))
    vectors = CountVectorizer(
        ngram_range=(1, _PHRASE_WORDS), binary=True, lowercase=False, token_pattern=_WORDS_AND_SIGNS, dtype=np.int32
    )
    texts = [material.forms.forms[number][:_READ] for number in used.tolist()]
    if sum(map(bool, (re.search(r"\S", text) for text in texts))) < _TEXTS:
        return []
    matrix = vectors.fit_transform(texts)
    frequent = np.flatnonzero(np.bincount(matrix.indices, minlength=matrix.shape[1]) >= _TEXTS)
    if not len(frequent):
        return []
    matrix = matrix[:, frequent]
    # one entry for each phrase and label that meet; a dense table would be too large for ten thousand labels
    met = (matrix.T @ labels).tocoo()
    index, best, own = met.row, met.col, met.data
    having = np.bincount(matrix.indices, minlength=len(frequent))[index]
    of_label = np.bincount(label, minlength=len(material.names))[best]
    covers = own / of_label
    elsewhere = (having - own + 0.5) / np.maximum(len(used) - of_label, 0.5)
    tells = (own >= _TEXTS) & (own >= _PURE * having) & (covers >= _LIFT * elsewhere)
    tells &= ((covers >= _COVERS) & (own >= _OF_ALL * len(used))) | (covers >= _COVERS_SMALL)
    information = _mutual_information(own[tells], having[tells], of_label[tells], len(used))
    names = vectors.get_feature_names_out()[frequent]
    columns = matrix.tocsc()
    found = sorted(
        (-round(float(bits), 9), -len(names[i]), str(names[i]), int(of), int(i))
        for bits, i, of in zip(information, index[tells], best[tells], strict=True)
    )
    chosen: list[_Phrase] = []
    for _, _, words, of, place in found:
        if not any(words in one.words or (one.words in words and one.label == of) for one in chosen):
            forms = used[columns.indices[columns.indptr[place] : columns.indptr[place + 1]]]
            chosen.append(_Phrase(words, of, len(forms), forms))
    return chosen


def _mutual_information(
    both: npt.NDArray[np.float64], phrase: npt.NDArray[np.int64], label: npt.NDArray[np.int64], n: int
) -> npt.NDArray[np.float64]:
    """Give the mutual information, in bits, of two things that each text has or has not."""
    total = np.zeros(len(both))
    for cell, one, other in (
        (both, phrase, label),
        (phrase - both, phrase, n - label),
        (label - both, n - phrase, label),
        (n - phrase - label + both, n - phrase, n - label),
    ):
        filled = (cell > 0) & (one > 0) & (other > 0)
        ratio = np.ones(len(both))
        ratio[filled] = cell[filled] * n / (one[filled] * other[filled])
        total += cell / n * np.log2(ratio)
    return total


def _texts_with_names(material: Material) -> tuple[dict[int, list[int]], Counter[int]]:
    """Give, for each label, the rows of its own texts that name it, and the number of other texts that do.

    Labels are looked up by their first word, so that many labels cost no more than few.
    """
    by_first: dict[str, list[tuple[int, str]]] = {}
    for label, name in enumerate(material.names):
        if words := _words(name):
            by_first.setdefault(words[0], []).append((label, f" {' '.join(words)} "))
    naming: dict[int, list[int]] = {}
    for form, text in enumerate(material.forms.forms):
        words = _WORD.findall(text)
        firsts = by_first.keys() & set(words)
        padded = f" {' '.join(words)} " if firsts else ""
        for label, phrase in (pair for first in firsts for pair in by_first[first]):
            if phrase in padded:
                naming.setdefault(label, []).append(form)
    own: dict[int, list[int]] = {}
    others: Counter[int] = Counter()
    if not naming:
        return own, others
    by_form = np.argsort(material.forms.place, kind="stable")
    bounds = np.searchsorted(material.forms.place[by_form], np.arange(len(material.forms.forms) + 1))
    by_label = np.argsort(material.label, kind="stable")
    ends = np.searchsorted(material.label[by_label], np.arange(len(material.names) + 1))
    for label, forms in naming.items():
        texts = np.concatenate([by_form[bounds[form] : bounds[form + 1]] for form in forms])
        having = np.isin(texts, material.owner[by_label[ends[label] : ends[label + 1]]])
        if having.any():
            own[label] = material.rows[texts[having]].tolist()
        others[label] = int((~having).sum())
    return own, others


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
