"""Write constants as files store them: packed to 4 or 2 bits, or sparse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.make_tflite import schema

Array = npt.NDArray[Any]


def values_of(model: Any, index: int) -> Array:
    """Read a constant of the schema's own model object."""
    tensor = model.subgraphs[0].tensors[index]
    names = {v: k.lower() for k, v in vars(schema.TensorType).items() if isinstance(v, int)}
    raw = np.asarray(model.buffers[tensor.buffer].data, np.uint8)
    found: Array = raw.view(names[tensor.type]).reshape(tensor.shape)
    return found


def pack(model: Any, index: int, bits: int) -> None:
    """Store an int8 constant in 4 or 2 bits."""
    tensor = model.subgraphs[0].tensors[index]
    per_byte = 8 // bits
    values = values_of(model, index).reshape(-1).view(np.uint8) & ((1 << bits) - 1)
    lanes = np.pad(values, (0, -len(values) % per_byte)).reshape(-1, per_byte)
    packed = (lanes << np.arange(0, 8, bits, dtype=np.uint8)).sum(axis=1).astype(np.uint8)
    model.buffers[tensor.buffer].data = packed
    tensor.type = getattr(schema.TensorType, f"INT{bits}")


def make_sparse(
    model: Any,
    index: int,
    order: Sequence[int],
    compressed: Sequence[bool],
    blocks: Sequence[tuple[int, int]] = (),
    vector: str = "Int32Vector",
) -> None:
    """Store a constant as a sparse one.

    Args:
        model: the schema's own model object.
        index: of the tensor.
        order: what each level goes along.
        compressed: whether each level lists its indices.
        blocks: dimension and size of each block.
        vector: type of the lists.
    """
    tensor, dense = model.subgraphs[0].tensors[index], values_of(model, index)
    sizes = [dict(blocks).get(d, 1) for d in range(dense.ndim)]
    parts = [n for d, size in enumerate(sizes) for n in (dense.shape[d] // size, size)]
    axes = [2 * d for d in range(dense.ndim)] + [2 * d + 1 for d, _ in blocks]
    rest = [axis for axis in range(len(parts)) if axis not in axes]  # of size 1
    tree: Array = dense.reshape(parts).transpose([axes[at] for at in order] + rest)
    tree = tree.reshape(tree.shape[: len(order)])
    levels: list[Any] = []
    nodes: list[Array] = [tree]
    lengths: list[int] = list(tree.shape)
    for size, is_compressed in zip(lengths, compressed, strict=True):
        level = schema.DimensionMetadataT()
        level.format, level.denseSize = int(is_compressed), size
        kept = [[i for i in range(size) if not is_compressed or np.any(node[i])] for node in nodes]
        if is_compressed:
            segments = np.cumsum([0, *map(len, kept)])
            indices = [i for found in kept for i in found]
            level.arraySegments, level.arraySegmentsType = _vector(vector, segments)
            level.arrayIndices, level.arrayIndicesType = _vector(vector, indices)
        nodes = [node[i] for node, found in zip(nodes, kept, strict=True) for i in found]
        levels.append(level)
    tensor.sparsity = schema.SparsityParametersT()
    tensor.sparsity.traversalOrder = list(order)
    tensor.sparsity.blockMap = [dimension for dimension, _ in blocks]
    tensor.sparsity.dimMetadata = levels
    leaves = np.array(nodes, dense.dtype)
    model.buffers[tensor.buffer].data = np.frombuffer(leaves.tobytes(), np.uint8)


def _vector(name: str, values: Sequence[int] | Array) -> tuple[Any, int]:
    made = getattr(schema, f"{name}T")()
    made.values = [int(v) for v in values]
    return made, getattr(schema.SparseIndexVector, name)
