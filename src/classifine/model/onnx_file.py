"""Takes the bytes of an ONNX model and refuses those that would read other files or run other code.

Walks the protocol-buffer messages themselves, so that nothing of the model is loaded before it is known to be harmless.
Does not know runtimes or what the model computes.
"""

from __future__ import annotations

from collections.abc import Iterator

from classifine.errors import ModelUnavailable

# Which fields of which message hold which messages, by their numbers in onnx.proto.
_INSIDE: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "function": {7: "node", 11: "attribute"},
    "tensor": {},
}
_EXTERNAL = {13, 14}  # external_data, data_location
_DOMAIN = 7  # of a node
_PLAIN = (b"", b"ai.onnx")
_DEEPEST = 32


def self_contained(content: bytes, *, where: str) -> None:
    """Let a model pass whose weights are all in its one file and whose operators are all standard ones.

    Parameters
    ----------
    content
        The file.
    where
        What messages call it.

    Raises
    ------
    ModelUnavailable
        It names another file, uses operators of somebody's own, or is no ONNX model.
    """
    try:
        trouble = _trouble(memoryview(content), "model", 0)
    except (IndexError, ValueError):
        trouble = "it is no ONNX model"
    if trouble is not None:
        raise ModelUnavailable(
            f"the model is refused: {trouble}", where=where, cure="export it again: classifine export RUN --to onnx"
        )


def _trouble(message: memoryview, kind: str, depth: int) -> str | None:
    if depth > _DEEPEST:
        return "it is nested too deeply"
    inside = _INSIDE[kind]
    for number, value in _fields(message):
        if kind == "tensor" and number in _EXTERNAL and value != 0:
            return "it reads weights from another file"
        if kind == "node" and number == _DOMAIN and isinstance(value, memoryview) and bytes(value) not in _PLAIN:
            return f"it uses operators of {bytes(value[:80]).decode('utf-8', 'replace')!r}"
        if number in inside:
            if not isinstance(value, memoryview):
                return "it is no ONNX model"
            found = _trouble(value, inside[number], depth + 1)
            if found is not None:
                return found
    return None


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Give number and value of each field; values with a length as their bytes."""
    place = 0
    while place < len(message):
        key, place = _number(message, place)
        kind = key & 7
        if kind == 0:
            value, place = _number(message, place)
            yield key >> 3, value
        elif kind in (1, 2, 5):
            size, place = _number(message, place) if kind == 2 else ({1: 8, 5: 4}[kind], place)
            if place + size > len(message):
                raise ValueError("a field ends beyond its message")
            yield key >> 3, message[place : place + size]
            place += size
        else:
            raise ValueError("no such kind of field")


def _number(message: memoryview, place: int) -> tuple[int, int]:
    """Read a number of variable length; give it and what comes after it."""
    found = shift = 0
    while True:
        byte = message[place]
        found |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return found, place
        if shift > 63:
            raise ValueError("a number without an end")
