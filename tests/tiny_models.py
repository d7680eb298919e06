"""Takes a folder and a family's name and gives a tiny base model there: config, safetensors weights, fast tokenizer.

Random weights from a fixed seed, a vocabulary learnt from the lines below, the tokenizer class the family really uses.
Does not know the network, the catalogue or any task.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

FAMILIES = (
    "bert",
    "distilbert",
    "roberta",
    "xlm-r",
    "camembert",
    "electra",
    "deberta",
    "modernbert",
    "mpnet",
    "albert",
)
MAX_LENGTH = 512

_TEXTS = """
the bank raised its interest rate again and the market fell by two percent on friday
a new chief executive joins the board after the annual meeting of shareholders
profits rose in the third quarter because costs were lower than expected
the central bank keeps rates unchanged while inflation stays high
she is a brilliant engineer and leads the whole team with great care
women belong in every room where decisions are being made
men are not better drivers than women and nobody should say so
call me old but i think this joke is not funny at all
please sign the petition today and share it with all your friends
vote on sunday because every single voice counts for our future
join us tomorrow at the town hall and bring your neighbours
the weather is lovely this morning and the coffee tastes good
what a terrible film i want my money back right now
this was the best book i have read in years truly wonderful
the service was slow and the food was cold we will not return
friendly staff clean rooms and a perfect view over the lake
bakery selling bread rolls and cakes to the public
growing of wheat barley and other cereals on open fields
repair of motor vehicles and sale of spare parts
software development and consulting for small companies
education bachelor of science in computer science from a state university
work experience three years as data analyst in a hospital
skills python statistics writing teaching and public speaking
contact information phone address electronic mail
die Wahl am Sonntag entscheidet über unsere Zukunft geht bitte alle wählen
wir fordern mehr Klimaschutz und bessere Schulen für alle Kinder
das Wetter ist heute schön und die Straßen sind leer
unterstützt unsere Arbeit teilt diesen Beitrag und kommt zur Kundgebung
le gouvernement annonce une réforme de la santé et de l'école
l'été dernier nous étions à la mer avec toute la famille
el equipo ganó el partido y la gente celebró en la plaza
yes no true false one two three four five six seven eight nine ten 0 1 2 3 4 5 6 7 8 9 . , ! ? - ' "
"""

_SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
_BRACKETS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_ANGLES = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
_NOT_USED = ["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED", "<mask>", "<s>", "</s>"]


def tiny_model(folder: Path, family: str, labels: Sequence[str] | None = None, *, seed: int = 0) -> Path:
    """Write a tiny model of a family into a folder, which is given back.

    Without labels it is a bare encoder, as base models are; with labels it is a classifier with those names.
    The same arguments write the same weights and vocabulary each time.
    """
    import torch
    from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

    tokenizer = tiny_tokenizer(family)
    model_type, special = _CONFIGS[family]
    ids = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("pad", "bos", "eos", "cls", "sep")}
    settings: dict[str, Any] = {"vocab_size": len(tokenizer), "initializer_range": 0.1, **ids, **special}
    if labels is not None:
        settings["id2label"] = dict(enumerate(labels))
        settings["label2id"] = {label: index for index, label in enumerate(labels)}
    config = AutoConfig.for_model(model_type, **settings)
    kind = AutoModel if labels is None else AutoModelForSequenceClassification
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        build: Callable[..., PreTrainedModel] = kind.from_config
        model = build(config, dtype=torch.float32)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@cache
def tiny_tokenizer(family: str) -> PreTrainedTokenizerBase:
    """Build the fast tokenizer of a family over the small vocabulary."""
    return _TOKENIZERS[family]()


def _bert() -> PreTrainedTokenizerBase:
    from transformers import BertTokenizer

    return BertTokenizer(vocab=_word_pieces(_BRACKETS), model_max_length=MAX_LENGTH)


def _mpnet() -> PreTrainedTokenizerBase:
    from transformers import MPNetTokenizer

    vocabulary = _word_pieces(["<s>", "<pad>", "</s>", "[UNK]", "<mask>"])
    return MPNetTokenizer(vocab=vocabulary, model_max_length=MAX_LENGTH)


def _roberta() -> PreTrainedTokenizerBase:
    from transformers import RobertaTokenizer

    vocabulary, merges = _byte_pairs(_ANGLES)
    return RobertaTokenizer(vocab=vocabulary, merges=merges, model_max_length=MAX_LENGTH)


def _modernbert() -> PreTrainedTokenizerBase:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary, merges = _byte_pairs(_BRACKETS)
    built = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    built.normalizer = normalizers.NFC()
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    built.decoder = decoders.ByteLevel()
    built.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    wrap: Callable[..., PreTrainedTokenizerBase] = PreTrainedTokenizerFast
    return wrap(
        tokenizer_object=built,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=MAX_LENGTH,
        model_input_names=["input_ids", "attention_mask"],
    )


def _xlm_r() -> PreTrainedTokenizerBase:
    from transformers import XLMRobertaTokenizer

    return XLMRobertaTokenizer(vocab=_sentence_pieces(_ANGLES), model_max_length=MAX_LENGTH)


def _camembert() -> PreTrainedTokenizerBase:
    from transformers import CamembertTokenizer

    return CamembertTokenizer(vocab=_sentence_pieces(_NOT_USED), model_max_length=MAX_LENGTH)


def _deberta() -> PreTrainedTokenizerBase:
    from transformers import DebertaV2Tokenizer

    vocabulary = _sentence_pieces(["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"])
    return DebertaV2Tokenizer(vocab=vocabulary, unk_id=3, model_max_length=MAX_LENGTH)


def _albert() -> PreTrainedTokenizerBase:
    from transformers import AlbertTokenizer

    vocabulary = _sentence_pieces(["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"], lower=True)
    return AlbertTokenizer(vocab=vocabulary, model_max_length=MAX_LENGTH)


def _word_pieces(special: list[str]) -> dict[str, int]:
    inside = [f"##{piece}" for piece in _counted(_TEXTS.lower(), "")]
    pieces = [*special, *_counted(_TEXTS.lower(), ""), *inside]
    return {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}


def _byte_pairs(special: list[str]) -> tuple[dict[str, int], Any]:
    import json

    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    built = Tokenizer(models.BPE())
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    built.train_from_iterator(_TEXTS.strip().splitlines(), trainer)
    model = json.loads(built.to_str())["model"]
    return model["vocab"], [(left, right) for left, right in model["merges"]]


def _sentence_pieces(special: list[str], *, lower: bool = False) -> list[tuple[str, float]]:
    weights = _counted(_TEXTS.lower() if lower else _TEXTS, "▁")
    total = sum(weights.values())
    return [(token, 0.0) for token in special] + [(piece, math.log(n / total)) for piece, n in weights.items()]


def _counted(text: str, opening: str) -> dict[str, float]:
    # Words, their halves and characters by plain counts: the library's WordPiece and Unigram trainers
    # differ from run to run. A word outweighs its halves and these its characters.
    words = Counter(f"{opening}{word}" for word in text.split())
    halves = Counter(half for word in words for half in (word[: len(word) // 2], word[len(word) // 2 :]) if half)
    characters = Counter("".join(words))
    weights = {piece: number / 1000 for piece, number in characters.items()}
    weights |= {piece: number / 50 for piece, number in halves.items() if len(piece) > 1}
    weights |= words
    return dict(sorted(weights.items(), key=lambda pair: (-pair[1], pair[0])))


_PLAIN = {**_SIZE, "max_position_embeddings": MAX_LENGTH}
# RoBERTa and its kin count positions from the padding id + 1.
_SHIFTED = {**_SIZE, "max_position_embeddings": MAX_LENGTH + 2, "type_vocab_size": 1}
_CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("bert", _PLAIN),
    "distilbert": (
        "distilbert",
        {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "max_position_embeddings": MAX_LENGTH},
    ),
    "roberta": ("roberta", _SHIFTED),
    "xlm-r": ("xlm-roberta", _SHIFTED),
    "camembert": ("camembert", _SHIFTED),
    "electra": ("electra", {**_PLAIN, "embedding_size": 16}),
    "deberta": (
        "deberta-v2",
        {
            **_PLAIN,
            "type_vocab_size": 0,
            "relative_attention": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_buckets": 16,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "position_biased_input": False,
            "pooler_hidden_size": 32,
        },
    ),
    "modernbert": ("modernbert", {**_PLAIN, "local_attention": 16, "global_attn_every_n_layers": 2}),
    "mpnet": ("mpnet", {**_SIZE, "max_position_embeddings": MAX_LENGTH + 2}),
    "albert": ("albert", {**_PLAIN, "embedding_size": 16}),
}
_TOKENIZERS: dict[str, Callable[[], PreTrainedTokenizerBase]] = {
    "bert": _bert,
    "distilbert": _bert,
    "roberta": _roberta,
    "xlm-r": _xlm_r,
    "camembert": _camembert,
    "electra": _bert,
    "deberta": _deberta,
    "modernbert": _modernbert,
    "mpnet": _mpnet,
    "albert": _albert,
}
