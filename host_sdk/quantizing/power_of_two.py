"""Qm.n: int8 with scales that are powers of two, each format searched on samples.

The scheme of CMSIS-NN's first years: a value is q / 2^n with q from -128 to 127, written Qm.n with
m + n = 7. The search follows `nn_quantizer.py` of Arm's ML-examples (cmsisnn-cifar10): layer by
layer, weights, then biases, then activations, each begins with the n at which nothing but a value
of exactly 2^m is clipped, and takes a larger n as long as the result is better. Written with
LiteRT's int8 operators, whose scales are 2^-n and whose zero points are 0, but for SOFTMAX and
LOGISTIC, whose outputs LiteRT fixes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from host_sdk.errors import ModelFileError
from host_sdk.inference.tensor import Array
from host_sdk.quantizing.float_model import FloatModel, Operator
from host_sdk.quantizing.score import Samples, Score, opened_outputs, score_of
from host_sdk.validation.litert import Reference

__all__ = ["Format", "PowerOfTwo", "quantize_power_of_two"]

# Operators whose output has the format of their input: they only choose, move or average values.
_SAME = frozenset({"MAX_POOL_2D", "AVERAGE_POOL_2D", "RESHAPE", "PAD", "PADV2", "TRANSPOSE"}) | {
    *("CONCATENATION", "SQUEEZE", "EXPAND_DIMS", "STRIDED_SLICE", "SLICE", "SPLIT"),
    *("MAXIMUM", "MINIMUM", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "MEAN"),
}
_LAYERS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})
_FREE = frozenset({"RELU", "RELU6", "LEAKY_RELU", "ADD", "SUB", "MUL"})
# (scale, zero point) that LiteRT's int8 kernels ask for
_FIXED = {"SOFTMAX": (2.0**-8, -128), "LOGISTIC": (2.0**-8, -128), "TANH": (2.0**-7, 0)}
# First version of an operator that takes int8; of others it is 2.
_VERSIONS = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "RESHAPE": 1}
_MORE_BITS = 3  # beyond the n that clips nothing


@dataclass(frozen=True)
class Format:
    """The format of a tensor, or of several that share one.

    Attributes:
        name: of the tensor; of several, the first.
        what: "weights", "bias" or "values".
        n: bits behind the point; m is 7 - n, and either may be negative.
    """

    name: str
    what: str
    n: int

    def __str__(self) -> str:
        return f"Q{7 - self.n}.{self.n}"


@dataclass(frozen=True)
class PowerOfTwo:
    """A quantised model.

    Attributes:
        tflite: int8 in, out and within.
        formats: of each layer's weights and bias and of all values, in the order of the search.
        before: how well it did before the search.
        after: how well it does.
    """

    tflite: bytes
    formats: tuple[Format, ...]
    before: Score
    after: Score


@dataclass
class _Item:
    """Tensors with one format; `most` is the largest magnitude of their values."""

    what: str
    tensors: list[int]
    of: tuple[int, int] | None = None  # of a bias: the layer's input and weights
    most: float = 0.0

    def least_clipping(self) -> int:
        """Return n = 7 - m with the least m for which no value is above 2^m."""
        return 7 - math.ceil(math.log2(self.most)) if self.most > 0 else 7


def quantize_power_of_two(model: FloatModel, samples: Samples) -> PowerOfTwo:
    """Quantise a model of floats to Qm.n.

    Args:
        model: of one input.
        samples: the best formats are those with the most right classes, of equals those with the
            least error; without classes those with the least error.

    Raises:
        ModelFileError: the model has an operator or a tensor that Qm.n has no word for.
        ImportError: LiteRT is not installed.
    """
    fixed = _fixed(model)
    items = _items(model, fixed)
    _measure(model, items, samples.x[: samples.calibrate])
    bits = [item.least_clipping() for item in items]
    with Reference(model.tflite, fast=True) as litert:

        def score(of: Sequence[int]) -> Score:
            tflite = _write(model, items, fixed, of)
            litert.open(tflite)
            return score_of(opened_outputs(litert, tflite, samples.x), samples)

        before = best = score(bits)
        for at in range(len(items)):
            for _ in range(_MORE_BITS):
                trial = [*bits[:at], bits[at] + 1, *bits[at + 1 :]]
                found = score(trial)
                if not found > best:
                    break
                bits, best = trial, found
    told = tuple(
        Format(model.name(item.tensors[0]), item.what, n)
        for item, n in zip(items, bits, strict=True)
    )
    return PowerOfTwo(_write(model, items, fixed, bits), told, before, best)


# ---- What shares a format ------------------------------------------------------------------------


class _Groups:
    """Tensors that share a format, as a forest."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}

    def root(self, tensor: int) -> int:
        self._parent.setdefault(tensor, tensor)
        while self._parent[tensor] != tensor:
            tensor = self._parent[tensor]
        return tensor

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self.root(one), self.root(other)))
        self._parent[second] = first

    def lists(self) -> list[list[int]]:
        found: dict[int, list[int]] = {}
        for tensor in sorted(self._parent):
            found.setdefault(self.root(tensor), []).append(tensor)
        return list(found.values())


def _items(model: FloatModel, fixed: Mapping[int, tuple[float, int]]) -> list[_Item]:
    """List what has a format, in the order of the search."""
    groups, layers = _Groups(), list[_Item]()
    for index in model.inputs:
        groups.root(index)
    for op in model.operators:
        floats = [i for i in op.inputs if model.is_float(i)]
        if not any(model.is_float(i) for i in op.outputs):  # it computes a shape
            continue
        if op.kind in _LAYERS:
            layers += _weights_of(model, op)
            floats = floats[:1]
        elif op.kind not in _SAME | _FREE | set(_FIXED):
            known = ", ".join(sorted(_SAME | _FREE | _LAYERS | set(_FIXED)))
            raise ModelFileError(f"Qm.n takes no {op.kind} ({op.place}); it takes {known}")
        for tensor in (*floats, *op.outputs):
            groups.root(tensor)
            if op.kind in _SAME:
                groups.join(op.outputs[0], tensor)
    values = []
    for tensors in groups.lists():
        known_scales = [t for t in tensors if t in fixed]
        if known_scales and len({fixed.get(t) for t in tensors}) > 1:
            name = model.name(known_scales[0])
            raise ModelFileError(f"Qm.n: {name} has a scale of LiteRT's, and must share another's")
        if not known_scales:
            values.append(_Item("values", tensors))
    return [*layers, *values]


def _weights_of(model: FloatModel, op: Operator) -> list[_Item]:
    weights = op.inputs[1]
    if model.data(weights) is None:
        raise ModelFileError(f"Qm.n: {op.kind} ({op.place}) has weights that are computed")
    items = [_Item("weights", [weights])]
    if len(op.inputs) > 2 and op.inputs[2] >= 0:
        items.append(_Item("bias", [op.inputs[2]], of=(op.inputs[0], weights)))
    return items


def _fixed(model: FloatModel) -> dict[int, tuple[float, int]]:
    """Return scale and zero point of tensors for which LiteRT fixes them."""
    found: dict[int, tuple[float, int]] = {}
    for op in model.operators:
        if op.kind in _FIXED:
            found.update((t, _FIXED[op.kind]) for t in op.outputs)
        elif op.kind in _SAME:
            source = next((found[t] for t in op.inputs if t in found), None)
            if source is not None:
                found.update((t, source) for t in op.outputs)
    return found


def _measure(model: FloatModel, items: Sequence[_Item], x: Array) -> None:
    """Find the largest magnitude of each item."""
    most: dict[int, float] = {}
    # What a PADV2 puts around may be the lowest number, which every format clips.
    around = {op.inputs[2] for op in model.operators if op.kind == "PADV2"}
    for index in model.floats:
        data = model.data(index)
        if data is not None and index not in around:
            most[index] = float(np.abs(data).max(initial=0.0))
    for values in model.values(x):
        for index, value in values.items():
            if index not in around:
                most[index] = max(most.get(index, 0.0), float(np.abs(value).max(initial=0.0)))
    for item in items:
        item.most = max(most.get(t, 0.0) for t in item.tensors)
        if not math.isfinite(item.most):
            name = model.name(item.tensors[0])
            raise ModelFileError(f"Qm.n: {name} has values that are not finite")


# ---- The file ------------------------------------------------------------------------------------


def _write(
    model: FloatModel,
    items: Sequence[_Item],
    fixed: Mapping[int, tuple[float, int]],
    bits: Sequence[int],
) -> bytes:
    """Write the model with a format for each item."""
    file = model.edit()
    scales = dict(fixed)
    for item, n in zip(items, bits, strict=True):
        scales.update((t, (2.0**-n, 0)) for t in item.tensors)
    for item, n in zip(items, bits, strict=True):
        for index in item.tensors:
            data = model.data(index)
            if item.of is None:
                file.quantize(index, "INT8", *scales[index], _bytes_of(data, *scales[index]))
                continue
            # A bias keeps its 8 bits, in the scale that LiteRT adds it at.
            scale = scales[item.of[0]][0] * scales[item.of[1]][0]
            q = _bytes_of(data, 2.0**-n, 0)
            assert q is not None
            shifted = np.floor(q * (2.0**-n / scale) + 0.5)
            file.quantize(index, "INT32", scale, 0, np.clip(shifted, -(2**31), 2**31 - 1))
    for index, (scale, zero_point) in fixed.items():
        file.quantize(index, "INT8", scale, zero_point, None)
    changed = [op.kind for op in model.operators if any(i in scales for i in op.outputs)]
    file.set_versions({kind: _VERSIONS.get(kind, 2) for kind in changed})
    return file.finish()


def _bytes_of(data: Array | None, scale: float, zero_point: int) -> Array | None:
    if data is None:
        return None
    quantised: Array = np.clip(np.round(data / scale) + zero_point, -128, 127)
    return quantised
