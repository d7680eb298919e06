"""Takes a tokenizer.json and gives what transformers' fast tokenizers give, called as they are, without transformers.

Does not know models, files beside its own, or what becomes of the token ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from classifine.errors import ModelUnavailable

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class FastTokenizer:
    """Gives token ids; several threads may call it at once.

    Parameters
    ----------
    content
        What stands in tokenizer.json.
    cut_side
        On which side a text is cut that is too long.
    """

    def __init__(self, content: str, *, cut_side: str = "right") -> None:
        from tokenizers import Tokenizer

        self._whole: Tokenizer = Tokenizer.from_str(content)
        self._whole.no_truncation()
        self._whole.no_padding()
        self._content = content
        self._cutting: Tokenizer | None = None
        self._cut_side = cut_side
        self._lock = Lock()

    @classmethod
    def read(cls, file: Path, *, cut_side: str = "right") -> FastTokenizer:
        """Read a tokenizer.json.

        Raises
        ------
        ModelUnavailable
            It is not there, or not one.
        """
        try:
            return cls(file.read_text(encoding="utf-8"), cut_side=cut_side)
        except (OSError, ValueError) as error:
            raise _unreadable(file, error) from error
        except Exception as error:
            # tokenizers raises the bare type for what it cannot read
            if type(error) is not Exception:
                raise
            raise _unreadable(file, error) from error

    def __call__(
        self,
        texts: str | Sequence[str],
        seconds: Sequence[str] | None = None,
        *,
        truncation: bool | str = False,
        max_length: int | None = None,
        **wanted: Any,
    ) -> dict[str, Any]:
        """Tokenise texts, or pairs with second texts, as transformers' tokenizers are called here.

        Returns
        -------
        dict
            ``input_ids``, ``token_type_ids`` and ``special_tokens_mask``; of several texts, a list of each.
        """
        given: Any = [texts] if isinstance(texts, str) else list(texts)
        if seconds is not None:
            given = list(zip(given, seconds, strict=True))
        if truncation and max_length is not None:
            # what is cut is set in the tokenizer, which other threads may be using
            with self._lock:
                if self._cutting is None:
                    self._cutting = type(self._whole).from_str(self._content)
                    self._cutting.no_padding()
                self._cutting.enable_truncation(max_length, strategy="longest_first", direction=self._cut_side)
                found = self._cutting.encode_batch(given)
        else:
            found = self._whole.encode_batch(given)
        told = {
            "input_ids": [one.ids for one in found],
            "token_type_ids": [one.type_ids for one in found],
            "special_tokens_mask": [one.special_tokens_mask for one in found],
        }
        return {name: each[0] for name, each in told.items()} if isinstance(texts, str) else told


def _unreadable(file: Path, error: Exception) -> ModelUnavailable:
    return ModelUnavailable(
        f"{file.name} cannot be read: {error}", where=str(file), cure="export it again: classifine export RUN --to onnx"
    )
