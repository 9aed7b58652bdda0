"""UNIDIRECTIONAL_SEQUENCE_LSTM: all times of a sequence in one step.

The reference is LiteRT's BUILTIN_REF; an int8 layer has an int16 cell state. So has an int16 layer
with int8 weights, whose reference is TFLite Micro, since LiteRT lacks it. A layer of float32 by
int8 quantises inputs and hidden values at each time, with a zero point if its option says so. Its
sigmoids and hyperbolic tangents are within 2.5 ulp: a hidden value that is as close as that to a
half is rounded to another step than in LiteRT.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Quant
from relocatable.ops._shared.factors import plain_scales
from relocatable.ops._shared.fixed_point import reduced, scale_of, zero_of
from relocatable.ops._shared.hybrid import MOST_TERMS, dot_kernels, is_asymmetric
from relocatable.ops._shared.layer import HYBRID
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.sigmoid_16 import sigmoid_table
from relocatable.ops._shared.types import has_one_scale
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    ANY,
    Kernel,
    Operand,
    Operator,
    Options,
    Rng,
    Seen,
    samples,
)
from relocatable.ops.site import Site
from relocatable.ops.unidirectional_sequence_lstm.meaning import (
    BIASES,
    CELL,
    HIDDEN,
    WEIGHTS,
    evaluate,
    hidden_quant,
    is_hybrid,
    rows_of,
    scaling_of,
    wide_scaling_of,
)
from relocatable.steps.c_call import (
    CCall,
    Constant,
    CPointer,
    CValue,
    Input,
    Name,
    Output,
    Scratch,
)
from relocatable.steps.kernel_call import KernelCall
from relocatable.targets.arm import DSP, MVE_I

_GATES = ("input", "forget", "cell", "output")
_OTHERS = 9  # operands that LiteRT has besides: peepholes, projection, layer normalisation
_NO_OTHERS = "peepholes, projection or layer normalisation"


def plain_layer(node: Node) -> Seen:
    """there must be neither peepholes, projection, layer normalisation nor diagonal recurrent
    weights, and both states must be variable tensors"""
    others, states = len(node.inputs) - CELL - 1, len(node.outputs) - 1
    is_diagonal = node.op.attrs["diagonal_recurrent_tensors"]
    text = f"{others} further inputs, {states} states, diagonal: {is_diagonal}"
    return not others and states == 2 and not is_diagonal, text


def layer_types(node: Node) -> Seen:
    """tensors must all be float32, but for the weights, which may all be int8; or int8 with int32
    biases and an int16 cell state; or int16 with int8 weights and int64 biases"""
    seen = [t.dtype for t in (*node.inputs, *node.outputs)]
    integers = ["int8"] * 9 + ["int32"] * 4 + ["int8", "int16", "int8", "int8", "int16"]
    hybrid = ["float32", *["int8"] * 8, *["float32"] * 9]
    wide = ["int16", *["int8"] * 8, *["int64"] * 4, *["int16"] * 5]
    return seen in (["float32"] * len(integers), integers, hybrid, wide), ", ".join(seen)


def _is_hybrid(site: Site) -> bool:
    return is_hybrid(site.node)


def layer_activation(node: Node) -> Seen:
    """fused activation must be TANH"""
    return node.activation == "TANH", node.activation


def layer_clip(node: Node) -> Seen:
    """clip of the cell must be 0 or more"""
    clip = node.number("cell_clip")
    return bool(np.isfinite(clip) and clip >= 0), f"{clip:g}"


def layer_scales(node: Node) -> Seen:
    """tensors of an integer layer must have one scale each, weights and cell state the zero point
    0, the cell state a scale of 2^-15 to 2^-9, and the hidden values a scale of at least 2^-29,
    that of an int16 layer's hidden state; int8 weights of a float32 layer must have one scale each
    and zero point 0"""
    if node.output.dtype == "float32":
        found = [t for t in node.inputs if t.dtype == "int8"]
        ok = all(has_one_scale(t) and zero_of(t) == 0 for t in found)
        return ok, str([t.quant for t in found])
    tensors = (*node.inputs[:BIASES], node.inputs[HIDDEN], node.inputs[CELL])
    zeros = (*node.inputs[WEIGHTS:BIASES], node.inputs[CELL])
    if not all(has_one_scale(t) for t in tensors):
        return False, str([t.quant for t in tensors])
    ok = all(t.quant is not None and t.quant.zero_point == (0,) for t in zeros)
    cell = node.inputs[CELL].quant
    scale, (hidden, hidden_zero) = cell.scale[0] if cell else 0.0, hidden_quant(node)
    ok = ok and scale in [2.0**n for n in range(-15, -8)] and hidden >= 2.0**-29
    ok = ok and -128 <= hidden_zero <= 127
    state = node.inputs[HIDDEN].quant
    if node.output.dtype == "int16" and state is not None:
        ok = ok and (hidden, hidden_zero) == (state.scale[0], 0)
    return ok, f"cell {scale:g}, hidden {hidden:g}, zero points {[t.quant for t in zeros]}"


def layer_shape(node: Node) -> Seen:
    """input must be [B, T, C] or, if time comes first, [T, B, C], weights [N, C], recurrent weights
    [N, N], biases [N], states B * N values, and the output as the input, with N for C"""
    shapes = [t.shape for t in (*node.inputs, node.output)]
    text = str([list(s) for s in shapes])
    if len(shapes[0]) != 3 or len(shapes[1]) != 2:
        return False, text
    *rows, in_c = shapes[0]
    cells = shapes[1][0]
    batch = rows[1] if node.op.attrs["time_major"] else rows[0]
    wanted = [(cells, in_c)] * 4 + [(cells, cells)] * 4 + [(cells,)] * 4
    ok = shapes[WEIGHTS:HIDDEN] == wanted and shapes[-1] == (*rows, cells)
    counts = [t.count for t in node.inputs[HIDDEN : CELL + 1]]
    return ok and counts == [batch * cells] * 2, text


def layer_sums(node: Node) -> Seen:
    """sums of an int8 layer must fit 32 bits, shifted left as their scale asks too; those of an
    int16 layer must be below 2^47, their factors below 2^7 and their results below 2^30; those of
    a layer of float32 by int8 must have at most 65536 terms"""
    if is_hybrid(node):
        return max(*node.inputs[1].shape) <= MOST_TERMS, str(list(node.inputs[1].shape))
    if node.output.dtype == "float32" or not layer_shape(node)[0]:
        return True, ""
    if node.output.dtype == "int16":
        return _wide_sums(node)
    scaling, largest = scaling_of(node), 0
    for i, (_, shift) in enumerate(scaling.gates):
        weights = np.abs(np.asarray(node.inputs[WEIGHTS + i].data, np.int64)).sum(1) * 128
        sums = int((weights + np.abs(scaling.bias[i])).max())
        largest = max(largest, sums << max(0, shift))
    return largest < 1 << 31, str(largest)


def _wide_sums(node: Node) -> Seen:
    ok, seen = True, []
    for k, (multiplier, shift) in enumerate(wide_scaling_of(node).gates):
        weights = np.abs(np.asarray(node.inputs[WEIGHTS + k].data, np.float64)).sum(1) * 32768
        bias = np.asarray(node.inputs[BIASES + k].data, np.float64) if k < 4 else np.zeros(1)
        most, factor = float((weights + np.abs(bias)).max()), multiplier * 2.0 ** (shift - 31)
        ok = ok and most < 2.0**47 and factor < 2.0**7 and most * factor < 2.0**30
        seen.append(f"{most:g} times {factor:g}")
    return ok, ", ".join(seen)


def lower_plain(site: Site) -> KernelCall:
    """Lower a layer in plain C; that of int16 uses Helium if there is any."""
    if site.output.dtype == "int16":
        return _lower_wide(site, "lstm_16.c")
    return _lower(site, "lstm_f32.c" if site.is_float else "lstm.c")


def lower_dsp(site: Site) -> KernelCall:
    """Lower an integer layer for the DSP extension."""
    if site.output.dtype == "int16":
        return _lower_wide(site, "lstm_16_dsp.c")
    return _lower(site, "lstm_dsp.c")


def _lower_wide(site: Site, source: str) -> KernelCall:
    scaling = wide_scaling_of(site.node)
    gates = [(int(reduced(multiplier)), 15 - shift) for multiplier, shift in scaling.gates]
    params: dict[str, CValue] = {
        "shape": _shape(site),
        "multiplier": [multiplier for multiplier, _ in gates],
        "shift": [shift for _, shift in gates],
        "cell_shift": scaling.cell[1],
        "hidden_multiplier": scaling.hidden[0],
        "hidden_shift": scaling.hidden[1],
        "tanh_multiplier": scaling.tanh[0],
        "tanh_shift": scaling.tanh[1],
        "clip": scaling.clip,
    }
    tables: dict[str, npt.NDArray[np.generic]] = {
        "bias": np.stack([site.constant(i) for i in range(BIASES, HIDDEN)]).astype(np.int64),
        "table": sigmoid_table(),
    }
    pointers: list[CPointer] = [*map(Input, range(BIASES)), *map(Constant, tables)]
    pointers += [Output(index=1), Output(index=2), Output()]
    return site.call(
        f"unidirectional_sequence_lstm/{source}",
        CCall("xn_lstm_i16", pointers, params),
        weights=tables,
        inputs=(*range(BIASES), HIDDEN, CELL),
        updates={BIASES: 1, BIASES + 1: 2},
        macs=_macs(site),
    )


def lower_by_bytes(site: Site, suffix: str) -> KernelCall:
    """Lower a layer of float32 by int8; see `dot_kernels`."""
    node, parts = site.node, range(WEIGHTS, BIASES)
    cells, in_c = site.input(1).shape
    asymmetric = is_asymmetric(node)
    weights = {"bias": np.stack([site.constant(i) for i in range(BIASES, HIDDEN)])}
    if asymmetric:
        sums = [site.constant(i).astype(np.int64).sum(axis=1) for i in parts]
        weights["sums"] = np.stack(sums).astype(np.int32)
    params: dict[str, CValue] = {
        "shape": _shape(site),
        "clip": site.float_attr("cell_clip"),
        "is_asymmetric": int(asymmetric),
        "scale": [scale_of(site.input(i)) for i in parts],
    }
    arguments: list[CPointer | CValue] = [*map(Input, range(BIASES)), Constant("bias")]
    arguments += [Constant("sums") if asymmetric else Name("0"), Scratch("int8_t")]
    arguments += [Output(index=1), Output(index=2), Output()]
    return site.call(
        f"unidirectional_sequence_lstm/lstm_hybrid{suffix}.c",
        CCall("xn_lstm_hybrid", arguments, params),
        weights=weights,
        inputs=(*range(BIASES), HIDDEN, CELL),
        updates={BIASES: 1, BIASES + 1: 2},
        scratch_bytes=in_c + cells,
        macs=_macs(site),
    )


def _shape(site: Site) -> dict[str, CValue]:
    batch, times, batch_step, time_step = rows_of(site.node)
    cells, in_c = site.input(1).shape
    shape: dict[str, CValue] = {"batch": batch, "time": times, "in_c": in_c, "cells": cells}
    return {**shape, "batch_step": batch_step, "time_step": time_step}


def _macs(site: Site) -> int:
    cells, in_c = site.input(1).shape
    return site.output.count * 4 * (in_c + cells)


def _lower(site: Site, source: str) -> KernelCall:
    """Make the call; the states are changed where they are."""
    node = site.node
    params: dict[str, CValue] = {"shape": _shape(site)}
    if site.is_float:
        suffix, params["clip"] = "f32", site.float_attr("cell_clip")
        bias = np.stack([site.constant(i) for i in range(BIASES, HIDDEN)])
    else:
        suffix, scaling = "i8", scaling_of(node)
        bias = scaling.bias.astype(np.int32)
        params |= {
            "multiplier": [m for m, _ in scaling.gates],
            "shift": [s for _, s in scaling.gates],
            "hidden_multiplier": scaling.hidden[0],
            "hidden_shift": scaling.hidden[1],
            "hidden_zero": hidden_quant(node)[1],
            "whole_bits": scaling.whole_bits,
            "clip": scaling.clip,
        }
    arguments: list[CPointer] = [Input(i) for i in range(BIASES)]
    arguments += [Constant("bias"), Output(index=1), Output(index=2), Output()]
    return site.call(
        f"unidirectional_sequence_lstm/{source}",
        CCall(f"xn_lstm_{suffix}", arguments, params),
        weights={"bias": bias},
        inputs=(*range(BIASES), HIDDEN, CELL),
        updates={BIASES: 1, BIASES + 1: 2},
        macs=_macs(site),
    )


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one layer."""
    batch, times, in_c, cells = (int(rng.integers(1, n)) for n in (4, 7, 20, 14))
    is_time_major, is_float = bool(rng.random() < 0.4), dtype not in ("int8", "int16")
    is_wide = dtype == "int16"
    has_bytes, dtype = dtype != "float32", "float32" if is_float else dtype
    b = GraphBuilder()
    rows = (times, batch) if is_time_major else (batch, times)
    x = b.input(*rows, in_c, dtype=dtype, quant=random_quant(rng, dtype, 0.5))
    bias_type = "float32" if is_float else "int64" if is_wide else "int32"
    inputs = [x]
    for columns in (in_c, cells):
        for _ in _GATES:
            shape = (cells, columns)
            if not has_bytes:
                inputs.append(b.constant(rng.normal(0, 0.3, shape), "float32"))
                continue
            scale = float(np.float32(np.exp(rng.normal(-5, 1)) / np.sqrt(columns)))
            weights = rng.integers(-127, 128, shape)
            inputs.append(b.constant(weights, "int8", Quant((scale,), (0,))))
    for _ in _GATES:
        bias = rng.normal(0, 0.5, cells) if is_float else rng.integers(-20_000, 20_000, cells)
        inputs.append(b.constant(bias * (256 if is_wide else 1), bias_type))
    quant = None if is_float else Quant((1 / 128,), (int(rng.integers(-20, 20)),))
    if is_wide:
        quant = Quant((float(np.float32(np.exp(rng.normal(-10.2, 0.3)))),), (0,))
    cell_quant = Quant((2.0 ** -int(rng.integers(9, 16)),), (0,))
    hidden = b.state(batch, cells, dtype=dtype, quant=quant)
    cell = b.state(batch, cells, dtype="float32" if is_float else "int16", quant=cell_quant)
    y = b.tensor(*rows, cells, dtype=dtype, quant=quant)
    b.op(
        *("UNIDIRECTIONAL_SEQUENCE_LSTM", (*inputs, hidden.first, cell.first), y),
        *(hidden.last, cell.last),
        fused_activation_function="TANH",
        cell_clip=float(rng.choice([0.0, 0.0, 0.5])),
        proj_clip=0.0,
        time_major=is_time_major,
        diagonal_recurrent_tensors=False,
        asymmetric_quantize_inputs=bool(rng.random() < 0.5),
        # TFLite Micro takes the state's.
        hidden_scale=quant.scale[0] if quant and not is_wide else 0.0,
        hidden_zero_point=quant.zero_point[0] if quant else 0,
    )
    return b.graph(y)


_TYPES = ("int8", "int16", "float32")
_WEIGHTS = ("int8", "float32")
_BIASES = ("int32", "int64", "float32")

OPERATORS = (
    Operator(
        kind="UNIDIRECTIONAL_SEQUENCE_LSTM",
        options=Options(
            "UnidirectionalSequenceLSTMOptions",
            (
                *("fused_activation_function", "cell_clip", "proj_clip", "time_major"),
                *("diagonal_recurrent_tensors", "asymmetric_quantize_inputs"),
            ),
        ),
        operands=(
            Operand("input", _TYPES),
            *(Operand(f"{gate} weights", _WEIGHTS, constant=True) for gate in _GATES),
            *(Operand(f"recurrent {gate} weights", _WEIGHTS, constant=True) for gate in _GATES),
            *(
                Operand(f"{gate} bias", ("int32", "int64", "float32"), constant=True)
                for gate in _GATES
            ),
            Operand("hidden state", _TYPES),
            Operand("cell state", ("int16", "float32")),
            *(Operand(_NO_OTHERS, ANY, optional=True),) * _OTHERS,
        ),
        output=("int8", "int16", "float32"),
        outputs=(1, 3),
        rules=(
            *(plain_layer, layer_types, layer_activation, layer_clip, layer_scales, plain_scales),
            layer_sums,
        ),
        shape=layer_shape,
        kernels=(
            *dot_kernels(lower_by_bytes, _is_hybrid),
            Kernel(lower_dsp, needs=(DSP,), without=(MVE_I,), takes=lambda site: not site.is_float),
            Kernel(lower_plain),
        ),
        evaluate=evaluate,
        order=(*range(9), *range(12, 16), 18, 19, 9, 10, 11, 16, 17, *range(20, 24)),
        hidden=4,
        updates=(HIDDEN, CELL),
        version=3,
        micro=("int16",),
        samples=samples(sample, (*_TYPES, HYBRID)),
    ),
)
