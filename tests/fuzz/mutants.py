"""Damaged .tflite files: every number makes one, the same each time.

A mutant is a model in which bytes were flipped, in which numbers that the reader looks at were
replaced by extreme ones, fields of tables changed, parts cut off, or parts of another model put in.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import encode

from relocatable.errors import RelocatableError
from relocatable.graph.graph import Graph
from relocatable.ops import OPERATORS
from relocatable.read_tflite import read_metadata, read_tflite
from tests.conftest import MODELS_DIR, ROOT
from tests.hostile_models import hostile_models
from tests.make_tflite import make_tflite

Rng = np.random.Generator

_INTEGERS = (
    *(0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 31, 32, 64, 127, 128, 255, 256, 1000, 4095, 4096, 32767),
    *(32768, 65535, 65536, 1 << 20, (1 << 24) - 1, 1 << 24, 1 << 26, 1 << 28, 1 << 30),
    *((1 << 31) - 2, (1 << 31) - 1),
)
_REALS = (0.0, -0.0, 1e-45, 1e-38, 1e-20, 1e-6, 0.5, 1.0, 127.0, 1e6, 1e20, 3e38, -1.0, -3e38)
_ODD_REALS = (float("inf"), float("-inf"), float("nan"))
_WHOLE = 0.2  # of the mutants that are made of a whole network
_MOST_BASES = 400  # that are kept


def mutant(number: int, seed: int = 0) -> bytes:
    """Make a mutant.

    Args:
        number: of the mutant.
        seed: other mutants.
    """
    rng = np.random.default_rng((seed, number))
    data = _base(rng)
    ways = rng.integers(len(_WAYS), size=int(rng.choice((1, 1, 1, 2, 3))))
    for way in sorted(ways):  # bytes last: the schema's own reader believes what it is told
        data = _WAYS[way](rng, data)
    return data


def _base(rng: Rng) -> bytes:
    if rng.random() < _WHOLE:
        names = _networks()
        return names[int(rng.integers(len(names)))]
    kinds = _kinds()
    return _sample(*kinds[int(rng.integers(len(kinds)))], int(rng.integers(4)))


@cache
def _kinds() -> list[tuple[str, str]]:
    return [(kind, dtype) for kind, o in sorted(OPERATORS.items()) for dtype in sorted(o.samples)]


@cache
def _networks() -> list[bytes]:
    """Collect whole networks, and what has loops, states and many operators."""
    folders = (MODELS_DIR, ROOT / "examples" / "models")
    files = sorted(path for folder in folders for path in folder.glob("*.tflite"))
    hostile = dict(hostile_models())
    small = [make() for name, make in hostile.items() if name.split()[0] in ("WHILE", "40", "200")]
    return [*(path.read_bytes() for path in files), *(make_tflite(graph) for graph in small)]


@cache
def _sample(kind: str, dtype: str, number: int) -> bytes:
    rng = np.random.default_rng([number, *kind.encode(), *dtype.encode()])
    return make_tflite(_graph(rng, kind, dtype))


def _graph(rng: Rng, kind: str, dtype: str) -> Graph:
    return OPERATORS[kind].samples[dtype](rng, dtype)


# Ways to damage a model: bytes


def _flip(rng: Rng, data: bytes) -> bytes:
    raw = bytearray(data)
    for _ in range(int(rng.choice((1, 2, 4, 16)))):
        if raw:
            raw[int(rng.integers(len(raw)))] ^= int(rng.integers(1, 256))
    return bytes(raw)


def _cut(rng: Rng, data: bytes) -> bytes:
    at = int(rng.integers(len(data) + 1))
    return data[:at] if rng.random() < 0.7 else data[:at] + bytes(len(data) - at)


def _splice(rng: Rng, data: bytes) -> bytes:
    """Put bytes of another model in."""
    other = _base(rng)
    at, begin = int(rng.integers(len(data) + 1)), int(rng.integers(len(other) + 1))
    size = int(rng.integers(1, 256))
    return data[:at] + other[begin : begin + size] + data[at + size :]


def _number(rng: Rng, data: bytes) -> bytes:
    """Replace an aligned number by an extreme one."""
    if len(data) < 8:
        return data
    return _put(rng, data, 4 * int(rng.integers(len(data) // 4)), 4)


def _read_number(rng: Rng, data: bytes) -> bytes:
    """Replace a number that the reader looks at: a field, an offset, a length."""
    places = _places(data)
    if not places:
        return data
    for _ in range(int(rng.choice((1, 1, 2)))):
        data = _put(rng, data, *places[int(rng.integers(len(places)))])
    return data


def _put(rng: Rng, data: bytes, at: int, size: int) -> bytes:
    old = int.from_bytes(data[at : at + size], "little")
    if rng.random() < 0.3:
        new = old + int(rng.choice((-4, -2, -1, 1, 2, 4)))
    elif size == 4 and rng.random() < 0.2:
        new = int.from_bytes(struct.pack("<f", _real(rng)), "little")
    else:
        new = _integer(rng)
    raw = (new % (1 << 8 * size)).to_bytes(size, "little")
    return data[:at] + raw + data[at + size :]


def _integer(rng: Rng) -> int:
    value = int(rng.choice(_INTEGERS))
    return -value if rng.random() < 0.3 else value


def _real(rng: Rng) -> float:
    if rng.random() < 0.2:
        return float(rng.choice(_ODD_REALS))
    return float(rng.choice(_REALS))


def _places(data: bytes) -> list[tuple[int, int]]:
    """Find what the reader looks at: (offset, bytes)."""
    return _places_of(data) if data in _known() else _look(data)


@cache
def _known() -> frozenset[bytes]:
    return frozenset(_networks())


@cache
def _places_of(data: bytes) -> list[tuple[int, int]]:
    return _look(data)


def _look(data: bytes) -> list[tuple[int, int]]:
    seen: set[tuple[int, int]] = set()
    plain = encode.Get

    def get(packer: Any, buffer: bytes, head: int) -> Any:
        seen.add((head, packer.size))
        return plain(packer, buffer, head)

    encode.Get = get
    try:
        read_tflite(data, "mutant")
        read_metadata(data)
    except RelocatableError:
        pass
    finally:
        encode.Get = plain
    return sorted((at, size) for at, size in seen if 0 <= at <= len(data) - size)


# Fields of the schema's own objects


def _change_fields(rng: Rng, data: bytes) -> bytes:
    return _edited(data, lambda model: _edit(rng, model, int(rng.choice((1, 1, 2, 4)))))


def _change_shapes(rng: Rng, data: bytes) -> bytes:
    def edit(model: Any) -> None:
        tensors = model.subgraphs[0].tensors
        for _ in range(int(rng.choice((1, 2, 3)))):
            tensor = tensors[int(rng.integers(len(tensors)))]
            shape = [] if tensor.shape is None else [int(n) for n in tensor.shape]
            if shape and rng.random() < 0.8:
                shape[int(rng.integers(len(shape)))] = _integer(rng)
            elif rng.random() < 0.5:
                shape.append(_integer(rng))
            else:
                shape = shape[1:]
            tensor.shape = shape

    return _edited(data, edit)


def _change_options(rng: Rng, data: bytes) -> bytes:
    def edit(model: Any) -> None:
        ops = model.subgraphs[0].operators
        op = ops[int(rng.integers(len(ops)))]
        options = op.builtinOptions if op.builtinOptions is not None else op.builtinOptions2
        if options is not None:
            _change_field(rng, options)
        elif op.customOptions is not None and len(op.customOptions) > 0:
            raw = bytes(bytearray(op.customOptions))
            op.customOptions = list(_number(rng, raw) if rng.random() < 0.5 else _flip(rng, raw))

    return _edited(data, edit)


def _change_operands(rng: Rng, data: bytes) -> bytes:
    """Let operators read and write other tensors, or be others."""

    def edit(model: Any) -> None:
        sub = model.subgraphs[int(rng.integers(len(model.subgraphs)))]
        op = sub.operators[int(rng.integers(len(sub.operators)))]
        what, count = int(rng.integers(5)), len(sub.tensors)
        if what == 0 and op.inputs is not None and len(op.inputs):
            op.inputs[int(rng.integers(len(op.inputs)))] = int(rng.integers(-1, count))
        elif what == 1:
            op.inputs = [*(op.inputs if op.inputs is not None else ()), int(rng.integers(count))]
        elif what == 2:
            op.outputs = [int(rng.integers(count))]
        elif what == 3:
            code = model.operatorCodes[op.opcodeIndex]
            code.builtinCode = int(rng.integers(0, 210))
        else:
            sub.operators.append(op)

    return _edited(data, edit)


def _graft(rng: Rng, data: bytes) -> bytes:
    """Take a tensor, a buffer, a subgraph or the options of another model."""
    other = _unpacked(_base(rng))

    def edit(model: Any) -> None:
        what = int(rng.integers(4))
        own, given = model.subgraphs[0], other.subgraphs[0]
        if what == 0:
            own.tensors[int(rng.integers(len(own.tensors)))] = given.tensors[0]
        elif what == 1:
            at = int(rng.integers(len(model.buffers)))
            model.buffers[at] = other.buffers[int(rng.integers(len(other.buffers)))]
        elif what == 2:
            model.subgraphs.append(given)
        else:
            op, from_op = own.operators[0], given.operators[0]
            op.builtinOptions = from_op.builtinOptions
            op.builtinOptionsType = from_op.builtinOptionsType

    return _edited(data, edit) if other is not None else data


def _edit(rng: Rng, model: Any, count: int) -> None:
    """Change fields anywhere below an object."""
    found = _objects(model)
    for _ in range(count):
        _change_field(rng, found[int(rng.integers(len(found)))])


def _objects(top: Any) -> list[Any]:
    found, todo = [], [top]
    while todo:
        one = todo.pop()
        found.append(one)
        for name in sorted(vars(one)):
            value = getattr(one, name)
            values = value if isinstance(value, list) else [value]
            todo += [v for v in values if type(v).__module__ == schema.__name__]
    return found


def _change_field(rng: Rng, thing: Any) -> None:
    names = sorted(vars(thing))
    if not names:
        return
    name = names[int(rng.integers(len(names)))]
    value = getattr(thing, name)
    if rng.random() < 0.1:
        setattr(thing, name, None)
    elif isinstance(value, bool):
        setattr(thing, name, not value)
    elif isinstance(value, int):
        setattr(thing, name, _integer(rng))
    elif isinstance(value, float):
        setattr(thing, name, _real(rng))
    elif isinstance(value, list | np.ndarray):
        setattr(thing, name, _changed_vector(rng, list(value)))
    elif isinstance(value, bytes):
        setattr(thing, name, _flip(rng, value))


def _changed_vector(rng: Rng, values: list[Any]) -> list[Any]:
    what = int(rng.integers(4))
    if not values or what == 0:
        return values[: len(values) // 2]
    at = int(rng.integers(len(values)))
    if what == 1:
        return [*values, values[at]]
    if what == 2:
        return [*values[:at], *values[at + 1 :]]
    if isinstance(values[at], float | np.floating):
        values[at] = _real(rng)
    elif isinstance(values[at], int | np.integer):
        values[at] = _integer(rng)
    return values


def _edited(data: bytes, edit: Callable[[Any], None]) -> bytes:
    """Change a model as the schema's objects; leave it if that cannot be done."""
    model = _unpacked(data)
    if model is None:
        return data
    try:
        edit(model)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
    except Exception:  # the schema's writer is not made for damaged models
        return data
    return bytes(builder.Output())


def _unpacked(data: bytes) -> Any:
    if len(data) > 1 << 20:
        return None
    try:
        return schema.ModelT.InitFromObj(schema.Model.GetRootAs(data))
    except Exception:  # nor is its reader
        return None


# Those of objects first, which need a whole model; places are found before bytes are damaged.
_WAYS: tuple[Callable[[Rng, bytes], bytes], ...] = (
    *(_change_fields,) * 3,
    *(_change_shapes,) * 2,
    *(_change_options,) * 2,
    _change_operands,
    _graft,
    *(_read_number,) * 4,
    _flip,
    _number,
    _splice,
    _cut,
)
