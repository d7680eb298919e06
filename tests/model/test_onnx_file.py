"""An ONNX model that names another file, or code of somebody's own, never reaches a runtime."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from classifine.errors import ModelUnavailable
from classifine.model.onnx_file import self_contained


def model(*nodes: Any, weights: Any = (), **more: Any) -> Any:
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])
    graph = helper.make_graph(list(nodes) or [helper.make_node("Identity", ["w"], ["y"])], "g", [], [output], weights)
    return helper.make_model(graph, **more)


def weight(**fields: str) -> Any:
    made = onnx.numpy_helper.from_array(np.ones(2, np.float32), "w")
    for key, value in fields.items():
        made.external_data.add(key=key, value=value)
    if fields:
        made.data_location = TensorProto.EXTERNAL
    return made


def refused(made: Any) -> str:
    with pytest.raises(ModelUnavailable) as caught:
        self_contained(made if isinstance(made, bytes) else made.SerializeToString(), where="model.onnx")
    return str(caught.value)


def test_a_plain_model_passes() -> None:
    self_contained(model(weights=[weight()]).SerializeToString(), where="model.onnx")


def test_weights_elsewhere_are_refused_wherever_they_stand() -> None:
    outside = weight(location="../../etc/passwd")
    nested = helper.make_graph([helper.make_node("Constant", [], ["y"], value=outside)], "inner", [], [])
    branch = helper.make_node("If", ["c"], ["y"], then_branch=nested, else_branch=nested)
    sparse = onnx.SparseTensorProto(values=outside, indices=weight(), dims=[2])
    for made in (
        model(weights=[outside]),
        model(helper.make_node("Constant", [], ["y"], value=outside)),
        model(helper.make_node("Constant", [], ["y"], sparse_value=sparse)),
        model(branch),
    ):
        assert "another file" in refused(made)
    listed = model(weights=[weight()])
    listed.graph.sparse_initializer.append(sparse)
    assert "another file" in refused(listed)
    # the location alone, without saying that the data is external
    hinted = weight()
    hinted.external_data.add(key="location", value="x")
    assert "another file" in refused(model(weights=[hinted]))


def test_functions_and_training_graphs_are_looked_into() -> None:
    made = model(weights=[weight()])
    made.functions.append(
        helper.make_function(
            "mine",
            "f",
            [],
            ["y"],
            [helper.make_node("Constant", [], ["y"], value=weight(location="x"))],
            [helper.make_opsetid("", 17)],
        )
    )
    assert "another file" in refused(made)


def test_operators_of_somebodys_own_are_refused() -> None:
    assert "'com.evil'" in refused(model(helper.make_node("Run", ["w"], ["y"], domain="com.evil")))


def test_what_is_no_model_is_refused() -> None:
    for content in (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"PK\x03\x04zip", b"\x3a\xff"):
        assert "no ONNX model" in refused(content)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_pass_or_are_refused_in_our_words(content: bytes) -> None:
    with contextlib.suppress(ModelUnavailable):
        self_contained(content, where="model.onnx")


def test_nesting_has_an_end() -> None:
    def field(number: int, content: bytes) -> bytes:
        length = bytes([len(content) & 127 | 128, len(content) >> 7])
        return bytes([number << 3 | 2]) + length + content

    inner = b""
    for _ in range(40):
        inner = field(1, field(5, field(6, inner)))  # a graph in an attribute of a node
    assert "nested too deeply" in refused(field(7, inner))
