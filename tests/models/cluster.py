"""Write a .tflite with clustered or pruned weights, without training.

python tests/models/cluster.py MODEL.tflite OUT.tflite --values 16 --zeros 0.5

Of each layer of CONV_2D and FULLY_CONNECTED the smallest weights become 0, the others the means of
clusters (k-means in one dimension, from quantiles of the weights). Always the same file; what the
model is good for afterwards is not looked at.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

_KINDS = (schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.FULLY_CONNECTED)
_DTYPES = {schema.TensorType.INT8: np.int8, schema.TensorType.FLOAT32: np.float32}
_ROUNDS = 20

Weights = npt.NDArray[Any]


def cluster(
    model: bytes, values: int | None = 16, zeros: float = 0.0, by_channel: bool = False
) -> bytes:
    """Cluster or prune the weights of a model.

    Args:
        model: a .tflite with weights of int8 or float32.
        values: different ones that are left in a layer, 0 among them if there are zeros; None:
            they are not clustered.
        zeros: share of the weights that become 0.
        by_channel: cluster each output channel for itself.
    """
    table = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model))
    for graph in table.subgraphs:
        for op in graph.operators:
            tensor = graph.tensors[op.inputs[1]] if len(op.inputs) > 1 else None
            is_layer = table.operatorCodes[op.opcodeIndex].builtinCode in _KINDS
            if tensor is None or not is_layer or tensor.type not in _DTYPES:
                continue
            buffer = table.buffers[tensor.buffer]
            weights = np.asarray(buffer.data, np.uint8).view(_DTYPES[tensor.type])
            rows = weights.reshape(tensor.shape[0] if by_channel else 1, -1)
            made = [_changed(row, values, zeros) for row in rows]
            buffer.data = np.concatenate(made).view(np.uint8)
    builder = flatbuffers.Builder(len(model))
    builder.Finish(table.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _changed(row: Weights, values: int | None, zeros: float) -> Weights:
    size = np.abs(row.astype(np.float64))
    order = np.argsort(size, kind="stable")
    kept = np.ones(len(row), np.bool_)
    kept[order[: int(zeros * len(row))]] = False
    made = np.where(kept, row, 0).astype(row.dtype)
    count = None if values is None else values - bool(zeros)
    if count is not None and kept.any():
        made[kept] = _means(row[kept], count)
    return made


def _means(row: Weights, count: int) -> Weights:
    """Replace each value by the mean of its cluster."""
    exact = row.astype(np.float64)
    centres = np.quantile(exact, (np.arange(count) + 0.5) / count)
    for _ in range(_ROUNDS):
        nearest = np.abs(exact[:, None] - centres).argmin(axis=1)
        total = np.bincount(nearest, exact, count)
        members = np.bincount(nearest, minlength=count)
        centres = np.where(members > 0, total / np.maximum(members, 1), centres)
    found = centres if row.dtype == np.float32 else np.rint(centres)
    nearest = np.abs(exact[:, None] - centres).argmin(axis=1)
    return np.asarray(found.astype(row.dtype)[nearest])


def main() -> None:
    """Write one file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--values", type=int, help="different weights of a layer")
    parser.add_argument("--zeros", type=float, default=0.0, help="share of weights that become 0")
    parser.add_argument("--by-channel", action="store_true")
    given = parser.parse_args()
    made = cluster(given.model.read_bytes(), given.values, given.zeros, given.by_channel)
    given.out.write_bytes(made)


if __name__ == "__main__":
    main()
