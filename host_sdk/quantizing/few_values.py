"""Codebooks made: each layer's weights become the few values nearest to them.

Nothing is trained. Values are the means of clusters with the least squared error: k-means in one
dimension, exact by dynamic programming (Wang and Song, Ckmeans.1d.dp, The R Journal 3/2, 2011) over
at most 256 different weights; more of them are first taken together in 256 groups of equal size.
0 is always one of the values: what was pruned stays pruned, and kernels fill channels up with it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from host_sdk.errors import InputError, ModelFileError
from host_sdk.quantizing.float_model import check_model, damage_told, open_model, pack_model
from host_sdk.validation.litert import Reference
from relocatable.ops._shared.random import random_input
from relocatable.read_tflite import read_tflite

__all__ = ["BITS", "CompressedLayer", "CompressedModel", "compress_model", "output_error"]

BITS = (2, 4, 8)
_GROUPS = 256
_RUNS = 16
_LEAST_SHARE = 1e-6
# A channel gets a codebook of its own if it has so many weights for each byte of that.
_WEIGHTS_A_BYTE = 16

Weights = npt.NDArray[Any]
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CompressedLayer:
    """What became of a layer.

    Attributes:
        name: of its filter.
        weights: how many it has.
        codebooks: one for the layer, or one for each output channel.
        error: root of the mean squared change of a weight over that of a weight, 0..1.
    """

    name: str
    weights: int
    codebooks: int
    error: float


@dataclass(frozen=True)
class CompressedModel:
    """A model of few values.

    Attributes:
        tflite: the file.
        layers: those that were changed.
    """

    tflite: bytes
    layers: tuple[CompressedLayer, ...]


def compress_model(tflite: bytes, bits: int) -> CompressedModel:
    """Leave each layer, or each of its channels, 2^bits different weights.

    Args:
        tflite: a model; filters of int8, uint8 and float32 of CONV_2D and FULLY_CONNECTED change.
        bits: 2, 4 or 8.

    Raises:
        InputError: bits are others.
        ModelFileError: it is damaged, or none of its layers has more values.
    """
    if bits not in BITS:
        raise InputError(f"bits must be one of {', '.join(map(str, BITS))}; is {bits}")
    check_model(tflite)
    schema, model = open_model(tflite)
    with damage_told():
        layers = _compress(schema, model, 1 << bits)
    if not layers:
        raise ModelFileError(
            f"model must have a layer of more than {1 << bits} different weights (of CONV_2D or "
            "FULLY_CONNECTED, constants of int8, uint8 or float32); has none"
        )
    return CompressedModel(pack_model(model), tuple(layers))


def _compress(schema: Any, model: Any, count: int) -> list[CompressedLayer]:
    """Change filters where they are; list the layers that had more values."""
    kinds = (schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.FULLY_CONNECTED)
    dtypes = {
        schema.TensorType.INT8: np.int8,
        schema.TensorType.UINT8: np.uint8,
        schema.TensorType.FLOAT32: np.float32,
    }
    layers: dict[int, CompressedLayer] = {}  # by the filter's buffer, which layers may share
    for graph in model.subgraphs:
        for op in graph.operators:
            if model.operatorCodes[op.opcodeIndex].builtinCode not in kinds:
                continue
            if len(op.inputs) < 2 or op.inputs[1] < 0:
                continue
            tensor = graph.tensors[op.inputs[1]]
            raw = model.buffers[tensor.buffer].data
            if tensor.type not in dtypes or raw is None or not len(raw) or tensor.buffer in layers:
                continue
            weights = np.asarray(raw, np.uint8).view(dtypes[tensor.type])
            made = _few_values(weights.reshape(tensor.shape[0], -1), tensor.quantization, count)
            if made is not None:
                changed, codebooks, change = made
                model.buffers[tensor.buffer].data = np.ascontiguousarray(changed).view(np.uint8)
                name = bytes(tensor.name or b"").decode(errors="replace")
                layers[tensor.buffer] = CompressedLayer(name, weights.size, codebooks, change)
    return list(layers.values())


def output_error(before: bytes, after: bytes) -> float:
    """Say how far a changed model's outputs are off, on random inputs.

    Args:
        before: a .tflite.
        after: the same with other weights.

    Returns:
        Mean absolute difference of all outputs' real values over their range.
    """
    graph = read_tflite(before, "model")
    rng = np.random.default_rng(1)
    found: tuple[list[Reals], list[Reals]] = ([], [])
    with Reference(before, fast=True) as first, Reference(after, fast=True) as second:
        for _ in range(_RUNS):
            inputs = [
                random_input(rng, t.shape, t.dtype)
                for t in (graph.tensors[i] for i in graph.inputs)
            ]
            for outputs, reference in zip(found, (first, second), strict=True):
                for index, values in zip(graph.outputs, reference.run(inputs), strict=True):
                    quant = graph.tensors[index].quant
                    scale, zero = (
                        (1.0, 0) if quant is None else (quant.scale[0], quant.zero_point[0])
                    )
                    outputs.append((values.astype(np.float64).reshape(-1) - zero) * scale)
    old, new = (np.concatenate(outputs) for outputs in found)
    return float(np.abs(old - new).mean() / (np.ptp(old) or 1.0))


def _few_values(rows: Weights, quantization: Any, count: int) -> tuple[Weights, int, float] | None:
    """Change a filter, a row for each channel; None: it has few values already."""
    scales, zeros = _scales(quantization, len(rows))
    by_channel = rows.shape[1] >= _WEIGHTS_A_BYTE * count * rows.itemsize
    parts = [rows[i : i + 1] for i in range(len(rows))] if by_channel else [rows]
    if all(len(np.unique(part)) <= count for part in parts):
        return None
    # Of one channel all count alike; a scale of 0 counts a little.
    shares = np.maximum(scales / (scales.max() or 1.0), _LEAST_SHARE) ** 2
    importance = np.repeat(shares, rows.shape[1]).reshape(rows.shape)
    each = np.ones_like(importance[:1]) if by_channel else importance
    made = [_nearest(part, each, int(zeros[0]), count) for part in parts]
    changed = np.concatenate(made).reshape(-1)
    exact = rows.astype(np.float64).reshape(-1)
    weight = importance.reshape(-1)
    squares = float(np.sum(weight * (exact - changed) ** 2))
    whole = float(np.sum(weight * (exact - float(zeros[0])) ** 2))
    return changed, len(parts), float(np.sqrt(squares / whole)) if whole else 0.0


def _scales(quantization: Any, channels: int) -> tuple[Reals, npt.NDArray[np.int64]]:
    """Return each channel's scale and zero point; floats have 1 and 0."""
    scale = getattr(quantization, "scale", None)
    zero = getattr(quantization, "zeroPoint", None)
    scales = np.ones(1) if scale is None or not len(scale) else np.asarray(scale, np.float64)
    zeros = np.zeros(1, np.int64) if zero is None or not len(zero) else np.asarray(zero, np.int64)
    return np.broadcast_to(scales, channels), np.broadcast_to(zeros, channels)


def _nearest(part: Weights, importance: Reals, zero: int, count: int) -> Weights:
    """Replace each weight by the nearest of `count` values, one of which is zero."""
    values = part.reshape(-1)
    if len(np.unique(values)) <= count:
        return values
    centres = _centres(values.astype(np.float64), importance.reshape(-1), count - 1)
    if part.dtype != np.float32:
        centres = np.rint(centres)
    book = np.unique(np.append(centres, zero)).astype(part.dtype)
    middles = (book[1:].astype(np.float64) + book[:-1]) / 2
    return np.asarray(book[np.searchsorted(middles, values.astype(np.float64))])


def _centres(values: Reals, importance: Reals, count: int) -> Reals:
    """Return the means of the `count` clusters with the least squared error."""
    points, back = np.unique(values, return_inverse=True)
    weight = np.bincount(back, importance)
    mass = np.bincount(back, importance * values)
    if len(points) > _GROUPS:
        group = np.arange(len(points)) * _GROUPS // len(points)
        weight, mass = np.bincount(group, weight), np.bincount(group, mass)
    points = mass / weight
    first = np.concatenate([[0.0], np.cumsum(weight)])
    second = np.concatenate([[0.0], np.cumsum(mass)])
    third = np.concatenate([[0.0], np.cumsum(mass * points)])

    # cost[i, j]: of points i .. j - 1 as one cluster.
    mean_mass = second[None, :] - second[:, None]
    total = first[None, :] - first[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        cost = third[None, :] - third[:, None] - mean_mass**2 / total
    cost[total <= 0] = np.inf
    best, cuts = cost[0].copy(), []
    for _ in range(min(count, len(points)) - 1):
        sums = best[:, None] + cost
        cuts.append(sums.argmin(axis=0))
        best = sums.min(axis=0)
    ends = [len(points)]
    for cut in reversed(cuts):
        ends.append(int(cut[ends[-1]]))
    ends.append(0)
    ends.reverse()
    return np.array([mean_mass[a, b] / total[a, b] for a, b in itertools.pairwise(ends)])
