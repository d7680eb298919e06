"""Takes a value and a type hint and says whether the one fits the other, as TOML and keywords give values.

Does not know settings or what a value is for.
"""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal


@cache
def hints_of(owner: type) -> Mapping[str, Any]:
    """Give what the fields of a class may hold; looked up once, since that takes its time."""
    return typing.get_type_hints(owner)


def typed(value: Any, hint: Any) -> tuple[Any, bool]:
    """Give the value as the hint wants it, and whether it can be had."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        for option in typing.get_args(hint):
            fitted, fits = typed(value, option)
            if fits:
                return fitted, True
        return value, False
    if origin is Literal:
        return value, value in typing.get_args(hint)
    if origin is dict:
        inner = typing.get_args(hint)[1]
        pairs = {key: typed(v, inner) for key, v in value.items()} if isinstance(value, Mapping) else {}
        fits = isinstance(value, Mapping) and all(typed(k, str)[1] and ok for k, (_, ok) in pairs.items())
        return {k: v for k, (v, _) in pairs.items()}, fits
    if origin is tuple:
        inner = typing.get_args(hint)[0]
        items = [typed(item, inner) for item in value] if isinstance(value, list | tuple) else []
        return tuple(item for item, _ in items), isinstance(value, list | tuple) and all(fits for _, fits in items)
    if hint is Any:
        return _plain(value)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        finite = abs(value) <= sys.float_info.max
        return (float(value) if finite else value), finite
    if hint is int and isinstance(value, bool):
        return value, False
    if hint is str and isinstance(value, str):
        written = str.__str__(value)  # not the name of an enumeration's member
        return written, not any("\ud800" <= character <= "\udfff" for character in written)
    return value, isinstance(value, hint)


def _plain(value: Any) -> tuple[Any, bool]:
    """Give the value as both TOML and JSON hold it, and whether they can."""
    if isinstance(value, list | tuple):
        items = [_plain(item) for item in value]
        return [item for item, _ in items], all(fits for _, fits in items)
    hint: Any = bool | int | float | str | dict[str, Any]
    return typed(value, hint)


def told(hint: Any) -> str:
    """Say in words what a hint asks for."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(told(option) for option in typing.get_args(hint) if option is not types.NoneType)
    if origin is Literal:
        return " or ".join(repr(option) for option in typing.get_args(hint))
    if origin is dict:
        return f"a table of name = {told(typing.get_args(hint)[1])}"
    if origin is tuple:
        return f"a list, each {told(typing.get_args(hint)[0])}"
    if hint is Any:
        return "a value that TOML can hold"
    return {float: "a number", int: "a whole number", bool: "true or false", str: "text"}.get(hint, str(hint))
