"""The meaning of an LSTM in NumPy: LiteRT's arithmetic, step by step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relocatable.ops._shared.fixed_point import (
    Ints,
    multiply_by_quantized_multiplier,
    multiply_by_reduced_multiplier,
    quantize_multiplier,
    rounding_divide_by_pot,
    scale_of,
    zero_of,
)
from relocatable.ops._shared.hybrid import is_asymmetric, quantize_rows, real_sums, scales_of
from relocatable.ops._shared.sigmoid_16 import sigmoid_lines
from relocatable.ops.node import Node
from relocatable.ops.operator import Array

# Operands of the graph: input, 4 weights, 4 recurrent weights, 4 biases, hidden and cell state.
WEIGHTS, RECURRENT, BIASES, HIDDEN, CELL = 1, 5, 9, 13, 14
_GATE_SCALE = np.float32(2.0**-12)
_POWERS = (25520, 19875, 12055, 4435, 600, 11, 0)  # e^-(2^i) from i = -2 on


@dataclass(frozen=True)
class Scaling:
    """The scaling of an int8 layer.

    Attributes:
        gates: multiplier and shift of the input's sums of each gate, then of the hidden values'.
        hidden: of the product of output gate and cell.
        bias: of those sums, [8, cells].
        whole_bits: integer bits of the cell state.
        clip: of the cell state; 0: none.
    """

    gates: list[tuple[int, int]]
    hidden: tuple[int, int]
    bias: Ints
    whole_bits: int
    clip: int


def scaling_of(node: Node) -> Scaling:
    """Compute the scaling as LiteRT prepares it."""
    x, hidden, cell = (node.inputs[i] for i in (0, HIDDEN, CELL))
    gates, bias = [], []
    for first, source in ((WEIGHTS, x), (RECURRENT, hidden)):
        for i in range(4):
            weights = node.inputs[first + i]
            real = scale_of(weights) * scale_of(source) / _GATE_SCALE
            gates.append(quantize_multiplier(float(real)))
            sums = np.asarray(weights.data, np.int64).sum(1) * -zero_of(source)
            own = np.asarray(node.inputs[BIASES + i].data, np.int64) * (first == WEIGHTS)
            bias.append(sums + own)
    scale, _ = hidden_quant(node)
    real = np.float32(2.0**-15 / float(np.float32(scale)) * 2.0**-15)
    clip = np.float32(node.number("cell_clip")) / scale_of(cell)
    return Scaling(
        gates=gates,
        hidden=quantize_multiplier(float(real)),
        bias=np.array(bias),
        whole_bits=15 + int(np.log2(scale_of(cell))),
        clip=int(min(clip, np.float32(32767))),
    )


@dataclass(frozen=True)
class WideScaling:
    """The scaling of an int16 layer.

    Attributes:
        gates: multiplier and shift of the input's sums of each gate, then of the hidden values'.
        cell: of the product of input gate and cell gate.
        hidden: of the product of output gate and cell.
        tanh: multiplier and right shift of the cell state, to steps of 1 / (3 * 4096).
        clip: of the cell state; 0: none.
    """

    gates: list[tuple[int, int]]
    cell: tuple[int, int]
    hidden: tuple[int, int]
    tanh: tuple[int, int]
    clip: int


def wide_scaling_of(node: Node) -> WideScaling:
    """Compute the scaling as TFLite Micro prepares it."""
    x, hidden, cell = (node.inputs[i] for i in (0, HIDDEN, CELL))
    scale, power = scale_of(cell), int(np.log2(scale_of(cell)))
    reals = [
        float(scale_of(node.inputs[first + i])) * float(scale_of(source)) / float(_GATE_SCALE)
        for first, source in ((WEIGHTS, x), (RECURRENT, hidden))
        for i in range(4)
    ]
    left = 12 + power
    return WideScaling(
        gates=[quantize_multiplier(real) for real in reals],
        cell=quantize_multiplier(2.0 ** (-30 - power)),
        hidden=quantize_multiplier(2.0**-30 / float(scale_of(hidden))),
        tanh=(3 << left, 0) if left >= 0 else (3, -left),
        clip=int(min(np.float32(node.number("cell_clip")) / scale, np.float32(32767))),
    )


def hidden_quant(node: Node) -> tuple[float, int]:
    """Find what hidden values are before they become the state.

    A file without an intermediate tensor says the state's, as LiteRT Micro takes it.
    """
    scale, zero_point = node.number("hidden_scale"), node.integer("hidden_zero_point")
    state = node.inputs[HIDDEN].quant
    return (state.scale[0], state.zero_point[0]) if state and not scale else (scale, zero_point)


def is_hybrid(node: Node) -> bool:
    """Tell whether it is a layer of float32 by int8."""
    return (node.inputs[0].dtype, node.inputs[WEIGHTS].dtype) == ("float32", "int8")


def rows_of(node: Node) -> tuple[int, int, int, int]:
    """Find batch, times, and rows from one to the next of each."""
    first, second, _ = node.inputs[0].shape
    if node.op.attrs["time_major"]:
        return second, first, 1, second
    return first, second, second, 1


def evaluate(node: Node, inputs: list[Array]) -> tuple[Array, Array, Array]:
    """Compute the outputs and the states."""
    batch, times, *_ = rows_of(node)
    x, h, c = inputs[0], inputs[HIDDEN], inputs[CELL]
    is_time_major = bool(node.op.attrs["time_major"])
    x = x if is_time_major else x.swapaxes(0, 1)
    hidden, cell = h.reshape(batch, -1), c.reshape(batch, -1)
    step = {"float32": _float_step, "int8": _integer_step, "int16": _wide_step}[str(x.dtype)]
    rows = []
    for t in range(times):
        hidden, cell = step(node, inputs, x[t], hidden, cell)
        rows.append(hidden)
    y = np.stack(rows)
    y = y if is_time_major else y.swapaxes(0, 1)
    return (
        y.astype(x.dtype),
        hidden.astype(h.dtype).reshape(h.shape),
        cell.astype(c.dtype).reshape(c.shape),
    )


def _float_step(
    node: Node, inputs: list[Array], x: Array, hidden: Array, cell: Array
) -> tuple[Array, Array]:
    dot = _hybrid_dot if is_hybrid(node) else _float_dot
    sums = [
        dot(node, inputs, x, WEIGHTS + i)
        + inputs[BIASES + i]
        + dot(node, inputs, hidden, RECURRENT + i)
        for i in range(4)
    ]
    i, f, o = (1 / (1 + np.exp(-sums[gate])) for gate in (0, 1, 3))
    cell = f * cell + i * np.tanh(sums[2])
    clip = node.number("cell_clip")
    cell = np.clip(cell, -clip, clip) if clip > 0 else cell
    return o * np.tanh(cell), cell


def _float_dot(node: Node, inputs: list[Array], x: Array, i: int) -> Array:
    return np.asarray(x @ inputs[i].T)


def _hybrid_dot(node: Node, inputs: list[Array], x: Array, i: int) -> Array:
    values, scales = quantize_rows(x, is_asymmetric(node))
    sums = values @ inputs[i].astype(np.int64).T
    return real_sums(sums, scales_of(node.inputs[i]), scales, False)


def _integer_step(
    node: Node, inputs: list[Array], x: Array, hidden: Array, cell: Array
) -> tuple[Array, Array]:
    s = scaling_of(node)
    sums = []
    for k in range(4):
        total: Ints = np.zeros(1, np.int64)
        for values, at, part in ((x, WEIGHTS + k, k), (hidden, RECURRENT + k, k + 4)):
            dots = values.astype(np.int64) @ inputs[at].astype(np.int64).T + s.bias[part]
            total = total + multiply_by_quantized_multiplier(dots, *s.gates[part])
            total = np.clip(total, -32768, 32767)
        sums.append(total)
    i, f, o = (logistic16(sums[gate]) for gate in (0, 1, 3))
    kept = rounding_divide_by_pot(f * cell, 15)
    kept = kept + rounding_divide_by_pot(i * tanh16(sums[2], 3), 15 + s.whole_bits)
    kept = np.clip(kept, -32768, 32767)
    kept = np.clip(kept, -s.clip, s.clip) if s.clip > 0 else kept
    y = multiply_by_quantized_multiplier(o * tanh16(kept, s.whole_bits), *s.hidden)
    return np.clip(y + hidden_quant(node)[1], -128, 127), kept


def _wide_step(
    node: Node, inputs: list[Array], x: Array, hidden: Array, cell: Array
) -> tuple[Array, Array]:
    s = wide_scaling_of(node)
    sums = []
    for k in range(4):
        dots = x.astype(np.int64) @ inputs[WEIGHTS + k].astype(np.int64).T + inputs[BIASES + k]
        again = hidden.astype(np.int64) @ inputs[RECURRENT + k].astype(np.int64).T
        total = _int16(multiply_by_reduced_multiplier(dots, *s.gates[k]))
        total = total + _int16(multiply_by_reduced_multiplier(again, *s.gates[k + 4]))
        sums.append(sigmoid_lines(_int16(total), 3, 0, is_tanh=k == 2))
    i, f, g, o = sums
    kept = _int16(multiply_by_quantized_multiplier(f * cell, 1 << 30, -14))
    kept = _int16(kept + _int16(multiply_by_quantized_multiplier(i * g, *s.cell)))
    kept = np.clip(kept, -s.clip, s.clip) if s.clip > 0 else kept
    active = sigmoid_lines(kept, *s.tanh, is_tanh=True)
    return _int16(multiply_by_quantized_multiplier(active * o, *s.hidden)), kept


def _int16(x: Ints) -> Ints:
    return np.clip(x, -32768, 32767)


# ---- gemmlowp's fixed point of 16 bits -----------------------------------------------------------


def logistic16(a: Ints) -> Ints:
    """Compute 1 / (1 + e^-a) for a of 3 integer bits; the result has none."""
    y = _shift_left(_two_over_one_plus(_exp(-np.abs(a), 3)), 1)
    return np.where(a == 0, 1 << 14, np.where(a > 0, y, 32767 - y))


def tanh16(a: Ints, whole: int) -> Ints:
    """Compute tanh of a of `whole` integer bits; the result has none."""
    y = _shift_left(_two_over_one_plus(_exp(-np.abs(a), whole + 1)) - (1 << 13), 2)
    return np.where(a == 0, 0, np.where(a > 0, y, -y))


def _multiply(a: Ints, b: Ints | int) -> Ints:
    return (a * b + (1 << 14)) >> 15


def _shift_left(x: Ints, n: int) -> Ints:
    most = (1 << (15 - n)) - 1
    return np.where(x > most, 32767, np.where(x < -most, -32768, x << n))


def _exp(a: Ints, whole: int) -> Ints:
    one = 1 << (15 - whole)
    quarter = one >> 2
    rest = (a & (quarter - 1)) - quarter
    x = _shift_left(rest, whole) + (1 << 12)
    x2 = _multiply(x, x)
    x3, x4 = _multiply(x2, x), _multiply(x2, x2)
    tail = _multiply(rounding_divide_by_pot(x4, 2) + x3, 10923) + x2
    tail = rounding_divide_by_pot(tail, 1)
    result = np.minimum(28918 + _multiply(x + tail, 28918), 32767)
    for i in range(min(whole + 2, len(_POWERS))):
        has_power = ((rest - a) & (quarter << i)) != 0
        result = np.where(has_power, _multiply(result, _POWERS[i]), result)
    if whole > 5:
        result = np.where(a < -32 * one, 0, result)
    return np.where(a == 0, 32767, result)


def _two_over_one_plus(a: Ints) -> Ints:
    half = (a + 32768) // 2
    x = 23130 + _multiply(half, -15420)
    for _ in range(3):
        x = x + _shift_left(_multiply(x, (1 << 13) - _multiply(half, x)), 2)
    return x
