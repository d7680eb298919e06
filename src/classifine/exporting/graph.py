"""Takes a classifier in numbers and gives an ONNX model that computes its logits from token ids.

Only standard operators; the last block is computed for the classifier token alone, which is all the head looks at.
Does not know texts, labels, runtimes or files.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from classifine.errors import PackageMissing
from classifine.exporting.blueprint import Block, Blueprint, Linear, Matrix, Norm

if TYPE_CHECKING:
    import onnx

OPSET = 17
_IR = 8
_HIDDEN = -1e9
INPUTS = ("input_ids", "attention_mask")
TYPES = "token_type_ids"
OUTPUT = "logits"
# The largest value that int8 stands for; weights stay one short of it on the negative side, too.
_MOST = 127


@dataclass(frozen=True)
class Ranges:
    """What int8 has to cover: the least and the greatest input of each linear layer, by its name in the graph."""

    of: Mapping[str, tuple[float, float]]


def build(blueprint: Blueprint, *, types: bool = False, half: bool = False, ranges: Ranges | None = None) -> Any:
    """Build the model.

    Parameters
    ----------
    blueprint
        The classifier.
    types
        Whether token types are an input; without, all tokens are of the first type.
    half
        Store the weights as bfloat16, which are float32 again when the model is loaded.
    ranges
        Compute these linear layers in int8: inputs as whole numbers over the given range, weights as whole numbers
        over the range of each column.

    Returns
    -------
    onnx.ModelProto
        Inputs ``input_ids``, ``attention_mask`` and maybe ``token_type_ids``, int64 [n, tokens]; output ``logits``,
        float32 [n, n_labels].

    Raises
    ------
    PackageMissing
        The package onnx is not installed.
    """
    return _Builder(half=half, ranges=ranges).model(blueprint, types=types)


def observed(blueprint: Blueprint, *, types: bool = False) -> tuple[Any, dict[str, str]]:
    """Build the model of :func:`build` with further outputs: what each linear layer of the encoder sees.

    Returns
    -------
    tuple
        The model, and the output that belongs to each layer's name.
    """
    builder = _Builder(half=False, ranges=None)
    made = builder.model(blueprint, types=types)
    layers = {name: seen for name, seen in builder.seen.items() if name}
    kind = made.graph.output[0].type.tensor_type.elem_type
    for seen in dict.fromkeys(layers.values()):
        made.graph.output.append(package().helper.make_tensor_value_info(seen, kind, None))
    return made, layers


def package() -> Any:
    """Import the package onnx.

    Raises
    ------
    PackageMissing
        It is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise PackageMissing(
            "exporting to ONNX needs the package onnx", cure="pip install 'classifine[onnx]'"
        ) from error
    return onnx


class _Builder:
    """Collects nodes and weights; each method gives the name of what it computes."""

    def __init__(self, *, half: bool, ranges: Ranges | None) -> None:
        self._onnx = package()
        self._half = half
        self._ranges = ranges
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._known: dict[bytes, str] = {}
        self._numbers = itertools.count()
        self.seen: dict[str, str] = {}

    def model(self, part: Blueprint, *, types: bool) -> Any:
        hidden = self._embedded(part, types=types)
        mask = self._mask()
        if part.distances is not None:
            mask = self._op("Add", mask, self._distances(part.distances))
        for number, block in enumerate(part.blocks):
            last = number == len(part.blocks) - 1
            hidden = self._block(f"block{number}", block, part, hidden, mask, only_first=last)
        first = self._op("Squeeze", hidden, self._whole([1]))
        dense = self._active(self._linear("", part.dense, first), part.dense_activation)
        logits = self._linear("", part.classifier, dense)
        self._nodes.append(self._onnx.helper.make_node("Identity", [logits], [OUTPUT]))
        return self._finished(len(part.classifier.bias), types=types)

    def _finished(self, labels: int, *, types: bool) -> Any:
        make, kinds = self._onnx.helper, self._onnx.TensorProto
        names = (*INPUTS, TYPES) if types else INPUTS
        inputs = [make.make_tensor_value_info(name, kinds.INT64, ["texts", "tokens"]) for name in names]
        output = make.make_tensor_value_info(OUTPUT, kinds.FLOAT, ["texts", labels])
        graph = make.make_graph(self._nodes, "classifier", inputs, [output], self._weights)
        made = make.make_model(graph, opset_imports=[make.make_opsetid("", OPSET)], producer_name="classifine")
        made.ir_version = _IR
        self._onnx.checker.check_model(made, full_check=True)
        return made

    def _embedded(self, part: Blueprint, *, types: bool) -> str:
        hidden = self._op("Add", self._row(part.words, "input_ids"), self._row(part.positions, self._places(part)))
        if types and part.types is not None:
            hidden = self._op("Add", hidden, self._row(part.types, TYPES))
        elif part.types is not None:
            hidden = self._op("Add", hidden, self._number(part.types[0]))
        hidden = self._norm(part.norm, hidden)
        return hidden if part.project is None else self._linear("project", part.project, hidden)

    def _places(self, part: Blueprint) -> str:
        """Give the row of each token in the table of positions."""
        if part.padding is not None:
            real = self._op("Not", self._op("Equal", "input_ids", self._whole(part.padding)))
            counted = self._op("Cast", real, to=self._onnx.TensorProto.INT64)
            summed = self._op("Mul", self._op("CumSum", counted, self._whole(1)), counted)
            return self._op("Add", summed, self._whole(part.padding))
        return self._op("Range", self._whole(0), self._length(), self._whole(1))

    def _length(self) -> str:
        shape = self._op("Shape", "input_ids")
        return self._op("Squeeze", self._op("Gather", shape, self._whole([1]), axis=0), self._whole([0]))

    def _mask(self) -> str:
        """Give what is added to scores of attention, [n, 1, 1, tokens]."""
        real = self._op("Cast", "attention_mask", to=self._onnx.TensorProto.FLOAT)
        hidden = self._op("Mul", self._op("Sub", self._number(1.0), real), self._number(_HIDDEN))
        return self._op("Unsqueeze", hidden, self._whole([1, 2]))

    def _distances(self, table: Matrix) -> str:
        """Give what distance adds to scores of attention, [1, heads, tokens, tokens]."""
        places = self._op("Range", self._whole(0), self._length(), self._whole(1))
        column = self._op("Unsqueeze", places, self._whole([1]))
        rows = self._op("Add", self._op("Sub", places, column), self._whole(len(table) // 2))
        found = self._op("Gather", self._number(table), rows, axis=0)
        return self._op("Unsqueeze", self._op("Transpose", found, perm=[2, 0, 1]), self._whole([0]))

    def _block(self, name: str, block: Block, part: Blueprint, hidden: str, mask: str, *, only_first: bool) -> str:
        heads, width = part.heads, block.query.weight.shape[1]
        keys = self._linear(f"{name}.attention", _beside(block.key, block.value), hidden) if only_first else None
        if only_first:
            hidden = self._op("Gather", hidden, self._whole([0]), axis=1)
            query = self._linear(f"{name}.first", _scaled(block.query, heads), hidden)
            key, value = self._split(keys or "", 2)
            if part.distances is not None:
                mask = self._op("Gather", mask, self._whole([0]), axis=2)
        else:
            every = _beside(_scaled(block.query, heads), block.key, block.value)
            query, key, value = self._split(self._linear(f"{name}.attention", every, hidden), 3)
        scores = self._op("MatMul", self._by_head(query, heads, [0, 2, 1, 3]), self._by_head(key, heads, [0, 2, 3, 1]))
        shares = self._op("Softmax", self._op("Add", scores, mask), axis=-1)
        mixed = self._op("MatMul", shares, self._by_head(value, heads, [0, 2, 1, 3]))
        tokens = self._op("Reshape", self._op("Transpose", mixed, perm=[0, 2, 1, 3]), self._whole([0, 0, width]))
        hidden = self._norm(
            block.after_attention, self._op("Add", self._linear(f"{name}.out", block.out, tokens), hidden)
        )
        grown = self._active(self._linear(f"{name}.up", block.up, hidden), part.activation)
        down = self._linear(f"{name}.down", block.down, grown)
        return self._norm(block.after_feed_forward, self._op("Add", down, hidden))

    def _split(self, joined: str, parts: int) -> list[str]:
        names = [self._fresh() for _ in range(parts)]
        self._nodes.append(self._onnx.helper.make_node("Split", [joined], names, axis=-1))
        return names

    def _by_head(self, hidden: str, heads: int, order: list[int]) -> str:
        return self._op("Transpose", self._op("Reshape", hidden, self._whole([0, 0, heads, -1])), perm=order)

    def _linear(self, name: str, linear: Linear, hidden: str) -> str:
        """Apply a linear layer; in int8 where its range is known."""
        self.seen[name] = hidden
        known = None if self._ranges is None else self._ranges.of.get(name)
        product = self._op("MatMul", hidden, self._number(linear.weight)) if known is None else ""
        if known is not None:
            product = self._op("MatMul", self._rounded(hidden, *known), self._whole_columns(linear.weight))
        return self._op("Add", product, self._number(linear.bias), named=name)

    def _rounded(self, hidden: str, least: float, most: float) -> str:
        """Round values to 256 steps between two ends, zero being one of them."""
        least, most = min(least, 0.0), max(most, 0.0)
        step = max((most - least) / 255, 1e-12)
        zero = np.array(np.clip(round(-least / step), 0, 255), np.uint8)
        scale = self._number(np.float32(step), plain=True)
        place = self._tensor(zero)
        return self._op("DequantizeLinear", self._op("QuantizeLinear", hidden, scale, place), scale, place)

    def _whole_columns(self, weight: Matrix) -> str:
        scale = np.maximum(np.abs(weight).max(axis=0), 1e-12) / _MOST
        rounded = np.clip(np.rint(weight / scale), -_MOST, _MOST).astype(np.int8)
        zeros = self._tensor(np.zeros(len(scale), np.int8))
        return self._op(
            "DequantizeLinear", self._tensor(rounded), self._number(scale.astype(np.float32), plain=True), zeros, axis=1
        )

    def _norm(self, norm: Norm, hidden: str) -> str:
        weight, bias = self._number(norm.weight), self._number(norm.bias)
        return self._op("LayerNormalization", hidden, weight, bias, axis=-1, epsilon=norm.epsilon)

    def _active(self, hidden: str, kind: str) -> str:
        if kind in ("relu", "tanh"):
            return self._op({"relu": "Relu", "tanh": "Tanh"}[kind], hidden)
        if kind == "silu":
            return self._op("Mul", hidden, self._op("Sigmoid", hidden))
        if kind == "gelu":
            inner = self._op("Erf", self._op("Div", hidden, self._number(np.float32(np.sqrt(2.0)))))
        else:
            cube = self._op("Mul", self._op("Pow", hidden, self._number(3.0)), self._number(0.044715))
            summed = self._op("Add", hidden, cube)
            inner = self._op("Tanh", self._op("Mul", summed, self._number(np.float32(np.sqrt(2.0 / np.pi)))))
        half = self._op("Mul", hidden, self._op("Add", inner, self._number(1.0)))
        return self._op("Mul", half, self._number(0.5))

    def _row(self, table: Matrix, places: str) -> str:
        return self._op("Gather", self._number(table), places, axis=0)

    def _op(self, kind: str, *inputs: str, named: str = "", **attributes: Any) -> str:
        name = named or self._fresh()
        self._nodes.append(self._onnx.helper.make_node(kind, list(inputs), [name], name=f"{name}.{kind}", **attributes))
        return name

    def _fresh(self) -> str:
        return f"v{next(self._numbers)}"

    def _whole(self, value: int | list[int]) -> str:
        return self._tensor(np.array(value, np.int64))

    def _number(self, value: float | Matrix | np.float32, *, plain: bool = False) -> str:
        """Give float32 numbers; large ones are stored as bfloat16 where that is wanted."""
        array = np.asarray(value, np.float32)
        if not self._half or plain or array.ndim < 2:
            return self._tensor(array)
        stored = self._tensor(_bfloat16(array), bfloat16=True)
        return self._op("Cast", stored, to=self._onnx.TensorProto.FLOAT)

    def _tensor(self, array: npt.NDArray[Any], *, bfloat16: bool = False) -> str:
        kind = self._onnx.TensorProto.BFLOAT16 if bfloat16 else self._onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
        content = array.tobytes()
        key = bytes(f"{kind}{array.shape}", "ascii") + content if array.size < 16 else b""
        if key in self._known:
            return self._known[key]
        name = f"w{len(self._weights)}"
        self._weights.append(self._onnx.helper.make_tensor(name, kind, array.shape, content, raw=True))
        if key:
            self._known[key] = name
        return name


def _beside(*linears: Linear) -> Linear:
    """Put linear layers side by side."""
    return Linear(
        np.concatenate([one.weight for one in linears], axis=1), np.concatenate([one.bias for one in linears])
    )


def _scaled(query: Linear, heads: int) -> Linear:
    """Scale the queries beforehand, as attention wants them."""
    factor = np.float32((query.weight.shape[1] // heads) ** -0.5)
    return replace(query, weight=query.weight * factor, bias=query.bias * factor)


def _bfloat16(array: Matrix) -> npt.NDArray[np.uint16]:
    """Round float32 to the nearest bfloat16, ties to even, as its 16 bits."""
    bits = array.view(np.uint32)
    rounded: npt.NDArray[np.uint16] = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return rounded
