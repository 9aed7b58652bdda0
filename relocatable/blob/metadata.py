"""Checks a blob's metadata (docs/SPEC-blob.md section 7), which others than our compiler may have
written, before anything is looked up in it or shown."""

from __future__ import annotations

from typing import Any
from unicodedata import category

from relocatable.blob.blob import Blob
from relocatable.errors import BlobError
from relocatable.graph.graph import DTYPES


def check_metadata(blob: Blob) -> dict[str, Any]:
    """The metadata, whose values have the types, and whose indices and sizes fit.

    Raises:
        BlobError: names the key, the rule and the value.
    """
    m = blob.metadata
    for key in ("name", "tool"):
        _text(key, m.get(key))
    for target in _list("targets", m.get("targets"), len(blob.variants)):
        _text("targets", target)
    arena = min(v.arena_bytes for v in blob.variants)
    tensors = _list("tensors", m.get("tensors"))
    for i, tensor in enumerate(tensors):
        _tensor(f"tensors[{i}]", tensor, arena)
    _indices("inputs", m.get("inputs"), len(tensors), len(blob.inputs))
    _indices("outputs", m.get("outputs"), len(tensors), len(blob.outputs))
    steps = _list("steps", m.get("steps"))
    _rule(
        all(len(v.steps) == len(steps) for v in blob.variants),
        f"steps must be one for each of {len(blob.variants[0].steps)} steps",
        len(steps),
    )
    for i, step in enumerate(steps):
        _step(f"steps[{i}]", step, len(tensors))
    for label in _list("labels", m.get("labels", [])):
        _text("labels", label)
    return m


def _tensor(place: str, tensor: object, arena: int) -> None:
    fields = _map(place, tensor)
    _text(f"{place}.name", fields.get("name"))
    _values(place, fields)
    offset = _number(f"{place}.offset", fields.get("offset"))
    _rule(offset <= arena, f"{place}.offset must be in [0, {arena}]", offset)


def _values(place: str, fields: dict[str, Any]) -> None:
    dtype = fields.get("dtype")
    _rule(dtype in DTYPES, f"{place}.dtype must be one of {', '.join(DTYPES)}", dtype)
    for side in _list(f"{place}.shape", fields.get("shape")):
        _number(f"{place}.shape", side)


def _step(place: str, step: object, tensors: int) -> None:
    fields = _map(place, step)
    for key in ("name", "op"):
        _text(f"{place}.{key}", fields.get(key))
    for key in ("macs", "weights"):
        _number(f"{place}.{key}", fields.get(key))
    _indices(f"{place}.outputs", fields.get("outputs"), tensors)
    for i, layer in enumerate(_list(f"{place}.layers", fields.get("layers", []))):
        _layer(f"{place}.layers[{i}]", layer, fields["outputs"])


def _layer(place: str, layer: object, outputs: list[int]) -> None:
    fields = _map(place, layer)
    for key in ("name", "op"):
        _text(f"{place}.{key}", fields.get(key))
    _number(f"{place}.macs", fields.get("macs"))
    _values(place, fields)
    output = fields.get("output")
    rule = f"{place}.output must be nil or one of the step's outputs"
    _rule(output is None or output in outputs, rule, output)


def _rule(holds: bool, rule: str, seen: object) -> None:
    if not holds:
        raise BlobError(f"metadata: {rule}; is {repr(seen)[:80]}")


def _text(place: str, value: object) -> None:
    # What is shown on a terminal must not steer it.
    plain = isinstance(value, str) and not any(category(c) == "Cc" for c in value)
    _rule(plain, f"{place} must be text without control characters", value)


def _number(place: str, value: object) -> int:
    is_number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    _rule(is_number, f"{place} must be a whole number, 0 or more", value)
    return value if isinstance(value, int) else 0


def _list(place: str, value: object, count: int | None = None) -> list[Any]:
    if not isinstance(value, list) or (count is not None and len(value) != count):
        _rule(False, f"{place} must be a list" + ("" if count is None else f" of {count}"), value)
        return []
    return value


def _map(place: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        _rule(False, f"{place} must be a map", value)
        return {}
    return value


def _indices(place: str, value: object, below: int, count: int | None = None) -> None:
    for index in _list(place, value, count):
        _rule(_number(place, index) < below, f"{place} must be indices below {below}", index)
