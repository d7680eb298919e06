"""Takes texts and gives findings about their make: without words, damaged, personal, longer than the model reads.

What is personal is counted, never shown. Does not know duplicates or what labels mean.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from classifine.data.audit.findings import Finding, of_rows
from classifine.data.audit.material import Material
from classifine.data.likeness.personal import DIGITS, HANDLE, MAIL, has_iban, has_phone
from classifine.errors import count, some
from classifine.progress import bar

# Of one label's texts; below it, what is cut hardly moves a score.
_CUT_SHARE = 0.05
_CHUNK = 4096

_STAND_IN = re.compile(r"<(?:url|user)>")
_WORD = re.compile(r"[^\W_]")
_REPLACED = "\N{REPLACEMENT CHARACTER}"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class Counter(Protocol):
    """Counts tokens as a base model's tokenizer does."""

    @property
    def max_length(self) -> int:
        """Tokens the model reads at once."""

    @property
    def name(self) -> str:
        """The model's name."""

    def __call__(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text."""


def without_words(material: Material) -> Finding:
    """Find texts in which no word, number or picture is left once links and handles are taken away."""
    empty = np.fromiter((not _says_something(form) for form in material.forms.forms), np.bool_)
    found = empty[material.forms.place]
    if not found.any():
        return Finding("empty texts", "good", "every text has a word in it")
    message = (
        f"{count(int(found.sum()), 'text has', 'texts have')} no word: only links, handles, signs or "
        "characters that cannot be seen"
    )
    return of_rows("empty texts", "warn", message, material.rows[found], "leave these rows out: nothing can be learnt")


def damage(material: Material) -> Finding:
    """Find texts that were once read in the wrong encoding, and characters that are no text."""
    from ftfy.badness import is_bad

    kinds: list[tuple[str, Callable[[str], bool]]] = [
        ("with letters that come of a wrong encoding, like 'Ã¼' for 'ü'", is_bad),
        ("with the sign for a lost character", lambda text: _REPLACED in text),
        ("with half a character", lambda text: bool(_SURROGATE.search(text))),
    ]
    texts = material.table.texts
    strange = np.fromiter((not text.isascii() for text in texts), np.bool_, len(texts))
    told: list[str] = []
    found = np.zeros(len(texts), np.bool_)
    for words, damaged in kinds:
        _mark(told, found, words, _where(texts, strange, damaged))
    control = _where(texts, np.ones(len(texts), np.bool_), lambda text: bool(_CONTROL.search(text)))
    _mark(told, found, "with control characters", control)
    if not told:
        return Finding("damaged characters", "good", "no text shows signs of a wrong encoding")
    cure = "open the file with the encoding it was written in (--encoding), or export it anew as UTF-8"
    return of_rows("damaged characters", "warn", "texts " + ", ".join(told), material.rows[found], cure)


def personal_data(material: Material) -> Finding:
    """Count texts that seem to hold mail addresses, telephone numbers, handles or account numbers."""
    texts = material.table.texts
    at = np.fromiter(("@" in text for text in texts), np.bool_, len(texts))
    digits = np.fromiter((_has_digits(text) for text in texts), np.bool_, len(texts))
    told: list[str] = []
    found = np.zeros(len(texts), np.bool_)
    _mark(told, found, "with a mail address", _where(texts, at, lambda text: bool(MAIL.search(text))))
    _mark(told, found, "with a telephone number", _where(texts, digits, has_phone))
    _mark(told, found, "with a user's handle", _where(texts, at, lambda text: bool(HANDLE.search(text))))
    _mark(told, found, "with an account number (IBAN)", _where(texts, digits, has_iban))
    if not told:
        return Finding("personal data", "good", "no mail address, telephone number, handle or IBAN was found")
    cure = (
        "replace them by placeholders before you share the data or a model: a model can learn them by heart; "
        "names and addresses are not looked for"
    )
    return of_rows("personal data", "warn", "texts " + ", ".join(told), material.rows[found], cure)


def cut(material: Material, count_tokens: Counter) -> Finding:
    """Find how many texts of each label the model will read only in part, counted in its own tokens."""
    check = "texts cut"
    tokens = _tokens(material, count_tokens)
    longer = tokens > count_tokens.max_length
    limit = f"the {count_tokens.max_length:,} tokens that {count_tokens.name} reads"
    if not longer.any():
        return Finding(check, "good", f"no text is longer than {limit}; the longest has {int(tokens.max()):,}")
    shares = material.share_by_label(longer)
    most = np.argsort(-shares, kind="stable")
    listed = some([f"{material.names[label]!r} {shares[label]:.1%}" for label in most if shares[label] > 0])
    message = (
        f"{count(int(longer.sum()), 'text', 'texts')} of {len(longer):,} ({longer.mean():.1%}) "
        f"{'is' if longer.sum() == 1 else 'are'} longer than {limit}; by label: {listed}"
    )
    if shares.max() < _CUT_SHARE:
        return Finding(check, "good", message, int(longer.sum()))
    cure = (
        "raise max_length if the model allows it, choose a model that reads more, "
        "or read one window after the other: --long-texts windows"
    )
    return of_rows(check, "warn", message, material.rows[longer], cure)


def _tokens(material: Material, count_tokens: Counter) -> npt.NDArray[np.int64]:
    texts = material.table.texts
    counts: list[int] = []
    with bar("counting tokens", total=len(texts), unit="texts") as progress:
        for start in range(0, len(texts), _CHUNK):
            counts += count_tokens(texts[start : start + _CHUNK])
            progress.update(min(_CHUNK, len(texts) - start))
    return np.array(counts, np.int64)


def _mark(told: list[str], found: npt.NDArray[np.bool_], words: str, marked: npt.NDArray[np.bool_]) -> None:
    if marked.any():
        told.append(f"{words} {int(marked.sum()):,}")
        found |= marked


def _where(
    texts: Sequence[str], candidates: npt.NDArray[np.bool_], holds: Callable[[str], bool]
) -> npt.NDArray[np.bool_]:
    """Mark the candidates that hold it; a text that stands in many rows is looked at once."""
    known: dict[str, bool] = {}
    marked = np.zeros(len(texts), np.bool_)
    for place in np.flatnonzero(candidates).tolist():
        text = texts[place]
        found = known.get(text)
        if found is None:
            found = known[text] = holds(text)
        marked[place] = found
    return marked


def _says_something(form: str) -> bool:
    if _WORD.search(_STAND_IN.sub("", form)):
        return True
    return any(unicodedata.category(character) in {"So", "Sk", "Sm"} for character in _STAND_IN.sub("", form))


def _has_digits(text: str) -> bool:
    return not text.isalpha() and sum(map(text.count, "0123456789")) >= DIGITS
