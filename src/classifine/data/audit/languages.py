"""Takes texts and gives a finding on the languages they are in, and whether a base model's tokens fit them.

Works offline with py3langid. Does not know labels.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from classifine.data.audit.findings import Finding, of_rows
from classifine.data.audit.material import Material
from classifine.data.audit.text_checks import Counter as TokenCounter
from classifine.errors import some
from classifine.labels import IntVector

_SAMPLE = 2000
# Characters of a text that are looked at: more do not make the verdict surer.
_READ = 1000
# With so many bytes of letters and so sure, py3langid called none of 4,700 English and 1,000 German posts foreign.
_BYTES = 20
_SURE = 0.9
_FEW = 20
_OTHER_SHARE = 0.02
_OTHER_TEXTS = 5
_COUNTED = 500
_EDGES = re.compile(r"[.,;:!?()\"'’„“”»«…]+")
# Tokens a word. The English minilm needs 1.0 to 1.1 for English, 1.6 for French, 2.2 for German, 2.9 for Polish and
# 5.9 for Russian; a tokenizer made for the language seldom more than 1.6.
_PIECES = 2.0

_NAMES = {
    "ar": "Arabic", "bn": "Bengali", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "es": "Spanish", "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi",
    "hu": "Hungarian", "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch",
    "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish",
    "sw": "Swahili", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
_ONE = {"nb": "no", "nn": "no"}
# Written without spaces between words, so that words cannot be counted.
_UNSPACED = frozenset({"ja", "km", "lo", "my", "th", "zh"})


def languages(material: Material, count_tokens: TokenCounter | None) -> Finding:
    """Find texts that are not in the main language, in a sample of up to 2,000, and words the model hardly knows."""
    positions = material.sample(_SAMPLE)
    codes = [_language(material.table.texts[position]) for position in positions.tolist()]
    counts = Counter(code for code in codes if code)
    told = sum(counts.values())
    sampled = f"of {len(positions):,} texts{'' if len(positions) == len(material) else ' drawn at random'}"
    if told < _FEW:
        message = f"too few texts are long enough to tell their language ({told:,} {sampled})"
        return Finding("languages", "good", message)
    ranked = sorted(counts, key=lambda code: (-counts[code], code))
    shares = some([f"{_NAMES.get(code, code)} {counts[code] / told:.1%}" for code in ranked])
    message = f"{shares} ({told:,} {sampled} were long and clear enough to tell)"
    foreign = material.rows[[p for p, code in zip(positions, codes, strict=True) if code and code != ranked[0]]]
    mixed = len(foreign) >= max(_OTHER_TEXTS, _OTHER_SHARE * told)
    pieces = _pieces(material, positions, codes, ranked[0], count_tokens)
    if count_tokens is not None and pieces > _PIECES:
        main = _NAMES.get(ranked[0], ranked[0])
        message += f"; {count_tokens.name} cuts words of {main} into {pieces:.1f} tokens, so it may not know {main}"
        cure = "choose a base model for this language; `classifine models` lists them with their languages"
        return of_rows("languages", "warn", message, foreign, cure)
    if not mixed:
        return Finding("languages", "good", message, told)
    cure = "choose a base model that knows all these languages, or leave out the texts in other languages"
    return of_rows("languages", "warn", message, foreign, cure)


def _language(text: str) -> str | None:
    """Give the code of a text's language, or none where the text is too short or the verdict unsure."""
    words = " ".join(word for word in text[:_READ].split() if not word.startswith(("@", "http", "www.", "#")))
    if sum(len(character.encode("utf-8", "replace")) for character in words if character.isalpha()) < _BYTES:
        return None
    code, probability = _identifier().classify(words.encode("utf-8", "replace").decode())
    return _ONE.get(str(code), str(code)) if probability >= _SURE else None


@cache
def _identifier() -> Any:
    from py3langid import langid

    return langid.LanguageIdentifier.from_modelpath(Path(langid.__file__).parent / langid.MODEL_FILE, norm_probs=True)


def _pieces(
    material: Material,
    positions: IntVector,
    codes: list[str | None],
    main: str,
    count_tokens: TokenCounter | None,
) -> float:
    """Give the tokens a word of the main language takes, at the median text; 0 where this cannot be said."""
    if count_tokens is None or main in _UNSPACED:
        return 0.0
    texts = [material.table.texts[p] for p, code in zip(positions.tolist(), codes, strict=True) if code == main]
    words = [[word for word in _EDGES.sub(" ", text[:_READ]).split() if word.isalpha()] for text in texts[:_COUNTED]]
    words = [found for found in words if found]
    if not words:
        return 0.0
    counts = count_tokens([" ".join(found) for found in words])
    return float(np.median([(tokens - 2) / len(found) for tokens, found in zip(counts, words, strict=True)]))
