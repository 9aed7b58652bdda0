"""Change the weights of a .tflite as more training would, in place."""

from __future__ import annotations

from typing import Literal

import numpy as np
from ai_edge_litert import schema_py_generated as schema

Where = Literal["last layers", "everywhere"]

_FLOAT32, _INT8 = schema.TensorType.FLOAT32, schema.TensorType.INT8


def retrain(model: bytes, part: float, where: Where, seed: int = 1) -> bytes:
    """Change a part of the weights.

    Args:
        model: a .tflite with int8 or float32 weights.
        part: of all weights, 0..1.
        where: "last layers": the last ones of the file get new values; "everywhere": single ones
            move by one step (int8) or a few per cent (float32).
        seed: of the changes.
    """
    rng = np.random.default_rng(seed)
    out = bytearray(model)
    spans = _weights(model)
    item = 4 if spans[0][2] == _FLOAT32 else 1
    places = np.concatenate([np.arange(at, at + size, item) for at, size, _ in spans])
    count = int(part * len(places))
    chosen = places[-count:] if where == "last layers" else rng.choice(places, count, replace=False)
    for at in chosen.tolist():
        out[at : at + item] = _changed(bytes(out[at : at + item]), where, rng)
    return bytes(out)


def _changed(old: bytes, where: Where, rng: np.random.Generator) -> bytes:
    if len(old) == 4:
        value = np.frombuffer(old, np.float32)[0] * (1 + rng.normal() * 0.05)
        return np.float32(value).tobytes()
    weight = int.from_bytes(old, "little", signed=True)
    new = int(rng.integers(-127, 128)) if where == "last layers" else weight + rng.choice([-1, 1])
    return int(np.clip(new, -127, 127)).to_bytes(1, "little", signed=True)


def _weights(model: bytes) -> list[tuple[int, int, int]]:
    """Offset, size and type of the constants of two or more dimensions."""
    tree = schema.Model.GetRootAsModel(model, 0)
    start = np.frombuffer(model, np.uint8).__array_interface__["data"][0]
    graph, spans = tree.Subgraphs(0), []
    for i in range(graph.TensorsLength()):
        tensor = graph.Tensors(i)
        buffer = tree.Buffers(tensor.Buffer())
        weights = tensor.Type() in (_FLOAT32, _INT8) and tensor.ShapeLength() >= 2
        if weights and buffer.DataLength():
            at = buffer.DataAsNumpy().__array_interface__["data"][0] - start
            spans.append((at, buffer.DataLength(), tensor.Type()))
    return spans
