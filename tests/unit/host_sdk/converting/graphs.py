"""SavedModels, written without TensorFlow: messages of Protocol Buffers by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

SERVE = "__inference_serve_1"
SAVE = "__inference__traced_save_2"


def number(value: int) -> bytes:
    """Write a number as a varint."""
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def field(key: int, contents: bytes | str) -> bytes:
    """Write a field that has a length."""
    raw = contents.encode() if isinstance(contents, str) else contents
    return number(key << 3 | 2) + number(len(raw)) + raw


def node(operation: str, calls: str | None = None, of_list: bool = False) -> bytes:
    """Write a NodeDef, which may name a function."""
    raw = field(1, f"my_{operation}") + field(2, operation)
    if calls is not None:
        named = field(1, calls)
        value = field(1, field(9, named)) if of_list else field(10, named)
        raw += field(5, field(1, "f") + field(2, value))
    return raw


def function(name: str, nodes: Iterable[bytes], attributes: Sequence[str] = ()) -> bytes:
    """Write a FunctionDef."""
    raw = field(1, field(1, name)) + b"".join(field(3, one) for one in nodes)
    return raw + b"".join(field(5, field(1, key) + field(2, b"")) for key in attributes)


def saved_model(
    outer: Iterable[bytes], functions: Iterable[bytes], objects: Iterable[str] = (SERVE,)
) -> bytes:
    """Write a SavedModel.

    Args:
        outer: nodes of its outermost graph.
        functions: of its library.
        objects: names of functions that its objects have.
    """
    library = b"".join(field(1, one) for one in functions)
    graph = b"".join(field(1, one) for one in outer) + field(2, library)
    named = b"".join(field(2, field(1, name) + field(2, b"")) for name in objects)
    return b"\x08\x01" + field(2, field(2, graph) + field(7, named or field(1, b"")))


def honest(
    inside: Sequence[bytes] = (),
    outside: Sequence[bytes] = (),
    more: Sequence[bytes] = (),
    objects: Sequence[str] = (SERVE,),
) -> bytes:
    """Write one as Keras exports it, with something more.

    Args:
        inside: nodes of the function that serves.
        outside: nodes of the outermost graph.
        more: functions.
        objects: names of functions that its objects have.
    """
    serves = function(SERVE, [node("MatMul"), node("Relu"), *inside])
    saves = function(SAVE, [node("ShardedFilename"), node("SaveV2"), node("MergeV2Checkpoints")])
    calls = [node("StatefulPartitionedCall", SERVE), node("StatefulPartitionedCall", SAVE)]
    return saved_model([node("Placeholder"), *calls, *outside], [serves, saves, *more], objects)


def write_saved_model(folder: Path, data: bytes, files: Mapping[str, bytes] | None = None) -> Path:
    """Write the folder of a SavedModel."""
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(data)
    for name, contents in (files or {"variables/variables.index": b"index"}).items():
        (folder / name).write_bytes(contents)
    return folder
