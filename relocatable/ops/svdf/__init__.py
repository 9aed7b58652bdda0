"""SVDF: a layer of low rank over the last inputs, which it keeps as a state.

The reference is LiteRT's BUILTIN_REF; an int8 layer has an int16 state. A layer of float32 by int8
quantises each batch of the input for itself, with a zero point if its option says so; its time
weights become floats at compile time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Quant
from relocatable.ops._shared.factors import plain_scales
from relocatable.ops._shared.fixed_point import (
    float_clamp,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    scale_of,
    type_range,
    wrap32,
    zero_of,
)
from relocatable.ops._shared.hybrid import (
    MOST_TERMS,
    dot_kernels,
    is_asymmetric,
    quantize_rows,
    real_sums,
    scales_of,
)
from relocatable.ops._shared.layer import HYBRID
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.types import has_one_scale
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    Array,
    Kernel,
    Operand,
    Operator,
    Options,
    Rng,
    Seen,
    samples,
)
from relocatable.ops.site import Site
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

_FORMS = {
    "int8": ("int8", "int8", "int16", "int16", "int32"),
    "int8 state": ("int8", "int8", "int8", "int8", "int32"),  # TFLite Micro's
    "float32": ("float32",) * 5,
    HYBRID: ("float32", "int8", "int8", "float32", "float32"),
}


def layer_types(node: Node) -> Seen:
    """input and output must both be float32, as all else but the weights, which may both be int8,
    or int8 with time weights and state of both int16 or int8, int8 feature weights, int32 bias"""
    seen = tuple(t.dtype for t in node.inputs)
    wanted = [form[: len(seen)] for form in _FORMS.values()]
    return seen in wanted and node.output.dtype == seen[0], ", ".join(seen)


def _is_hybrid(node: Node) -> bool:
    return (node.inputs[0].dtype, node.inputs[1].dtype) == ("float32", "int8")


def with_state(node: Node) -> Seen:
    """state must be a variable tensor"""
    return len(node.outputs) == 2, f"{len(node.outputs) - 1} states"


def layer_activation(node: Node) -> Seen:
    """fused activation of an int8 layer must be RELU, of a float32 layer NONE, RELU, RELU6 or
    RELU_N1_TO_1"""
    if node.output.dtype == "int8":
        return node.activation == "RELU", node.activation
    known = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")
    return node.activation in known, node.activation


def layer_scales(node: Node) -> Seen:
    """integer tensors must have one scale each, weights and a state of 16 bits the zero point 0"""
    tensors = [t for t in (*node.inputs[:4], node.output) if t.dtype != "float32"]
    weights = node.inputs[1:3] if node.inputs[3].dtype == "int8" else node.inputs[1:4]
    even = [t for t in weights if t.dtype != "float32"]
    ok = all(has_one_scale(t) for t in tensors)
    return ok and all(zero_of(t) == 0 for t in even), str([t.quant for t in tensors])


def layer_shape(node: Node) -> Seen:
    """input must be [B, C], feature weights [F, C], time weights [F, M], state [B, M * F], bias
    [F / rank] and output [B, F / rank]"""
    shapes = [t.shape for t in (*node.inputs, node.output)]
    rank, ranks = node.integer("rank"), [len(s) for s in shapes[:4]]
    text = f"{[list(s) for s in shapes]}, rank {rank}"
    if ranks != [2] * 4 or rank < 1 or shapes[1][0] % rank:
        return False, text
    (batch, in_c), (filters, _), (_, memory) = shapes[:3]
    bias = [(filters // rank,)] * (len(node.inputs) == 5)
    wanted = [(batch, in_c), (filters, in_c), (filters, memory), (batch, memory * filters), *bias]
    return shapes == [*wanted, (batch, filters // rank)], text


def layer_sums(node: Node) -> Seen:
    """sums of an int8 layer must be shifted left by at most 30 bits; those of a layer of float32 by
    int8 must have at most 65536 terms"""
    if not layer_shape(node)[0]:
        return True, ""
    if _is_hybrid(node):
        return node.inputs[0].shape[1] <= MOST_TERMS, str(node.inputs[0].shape)
    if node.output.dtype == "float32":
        return True, ""
    shift = max(shift for _, shift in _multipliers(node))
    return shift <= 30, str(shift)


def _multipliers(node: Node) -> list[tuple[int, int]]:
    x, feature, time, state, y = (scale_of(t) for t in (*node.inputs[:4], node.output))
    # In single precision, as LiteRT 2.3 computes them.
    factors = (x * feature / state, state * time / y)
    return [quantize_multiplier(float(factor)) for factor in factors]


def _first_sums(node: Node) -> Array:
    weights = np.asarray(node.inputs[1].data, np.int64)
    return np.asarray(-zero_of(node.inputs[0]) * weights.sum(1))


def _bias(node: Node) -> Array:
    units = node.output.shape[1]
    dtype = "int32" if node.output.dtype == "int8" else "float32"
    return np.zeros(units, dtype) if len(node.inputs) < 5 else np.asarray(node.inputs[4].data)


def lower_plain(site: Site) -> KernelCall:
    """Lower a layer in plain C."""
    return _lower(site, "svdf_f32.c" if site.is_float else "svdf.c")


def lower_dsp(site: Site) -> KernelCall:
    """Lower an int8 layer for the DSP extension."""
    return _lower(site, "svdf_dsp.c")


def lower_by_bytes(site: Site, suffix: str) -> KernelCall:
    """Lower a layer of float32 by int8; see `dot_kernels`."""
    node, feature = site.node, site.constant(1)
    asymmetric, (low, high) = is_asymmetric(node), float_clamp(site.activation)
    params: dict[str, CValue] = {
        **_shape_params(site),
        "is_asymmetric": int(asymmetric),
        "scale": scale_of(site.input(1)),
        "low": low,
        "high": high,
    }
    weights = {"time": _real_time(node), "bias": _bias(node)}
    if asymmetric:
        weights["sums"] = feature.astype(np.int64).sum(axis=1).astype(np.int32)
    arguments: list[CPointer | CValue] = [Input(0), Input(1)]
    arguments += [Constant("sums") if asymmetric else Name("0")]
    arguments += [Constant("time"), Constant("bias"), Scratch("int8_t"), Output(index=1), Output()]
    return site.call(
        f"svdf/svdf_hybrid{suffix}.c",
        CCall("xn_svdf_hybrid", arguments, params),
        weights=weights,
        inputs=(0, 1, 3),
        updates={2: 1},
        scratch_bytes=site.input(0).shape[1],
        macs=_macs(site),
    )


def _real_time(node: Node) -> Array:
    time = node.inputs[2]
    return np.asarray(time.data, np.float32) * scale_of(time)


def _shape_params(site: Site) -> dict[str, CValue]:
    (batch, in_c), (filters, memory) = site.input(0).shape, site.input(2).shape
    params: dict[str, CValue] = {"batch": batch, "in_c": in_c, "filters": filters}
    return params | {"rank": site.int_attr("rank"), "memory": memory}


def _macs(site: Site) -> int:
    (batch, in_c), (filters, memory) = site.input(0).shape, site.input(2).shape
    return batch * filters * (in_c + memory)


def _lower(site: Site, source: str) -> KernelCall:
    """Make the call; the state is moved on by one input."""
    node = site.node
    params = _shape_params(site)
    weights = {"bias": _bias(node)}
    arguments: list[CPointer] = [Input(0), Input(1), Input(2), Constant("bias")]
    arguments += [Output(index=1), Output()]
    if site.is_float:
        low, high = float_clamp(site.activation)
        call = CCall("xn_svdf_f32", arguments, {**params, "low": low, "high": high})
    else:
        weights["first"] = _first_sums(node).astype(np.int32)
        multipliers = _multipliers(node)
        params |= {"multiplier": [m for m, _ in multipliers], "shift": [s for _, s in multipliers]}
        params |= {"state_zero": zero_of(site.input(3)), "zero": zero_of(site.output)}
        arguments.insert(3, Constant("first"))
        call = CCall("xn_svdf", arguments, params, dtype=site.input(3).dtype)
    return site.call(
        f"svdf/{source}",
        call,
        weights=weights,
        inputs=(0, 1, 2, 3),
        updates={3: 1},
        macs=_macs(site),
    )


def evaluate(node: Node, inputs: list[Array]) -> tuple[Array, Array]:
    """Move the state on, and sum it up by the time weights."""
    x, feature, time, state = inputs[:4]
    batch, (filters, memory) = x.shape[0], time.shape
    rank, is_float = node.integer("rank"), x.dtype == np.float32
    wide = np.float32 if is_float else np.int64
    new: Any
    if _is_hybrid(node):
        values, scales = quantize_rows(x, is_asymmetric(node))
        sums = values @ feature.astype(np.int64).T
        new, time = real_sums(sums, scales_of(node.inputs[1]), scales, False), _real_time(node)
    else:
        zero = 0 if is_float else zero_of(node.inputs[0])
        shifted: Any = x.astype(wide) - zero
        new = shifted @ feature.astype(wide).T
    if not is_float:
        (a, b), (c, d) = _multipliers(node)
        scaled = multiply_by_quantized_multiplier(wrap32(new), a, b)
        new = np.clip(scaled, *type_range(state.dtype.name))
    kept = state.reshape(batch, filters, memory).astype(wide)
    state_zero = 0
    if not is_float:
        state_zero = zero_of(node.inputs[3])
        new = np.asarray(new + state_zero).astype(state.dtype)  # which may wrap around
    kept = np.concatenate([kept[:, :, 1:], new[:, :, None].astype(wide)], 2)
    products = (kept - state_zero) * time.astype(wide)
    sums = products.sum(2).reshape(batch, -1, rank).sum(2) + _bias(node)
    if is_float:
        return np.clip(sums, *float_clamp(node.activation)), kept.reshape(state.shape)
    # LiteRT's sums have 32 bits, too, and wrap around.
    y = multiply_by_quantized_multiplier(wrap32(sums), c, d) + zero_of(node.output)
    return np.clip(y, -128, 127).astype(np.int8), kept.astype(state.dtype).reshape(state.shape)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one layer."""
    batch, rank, units = (int(rng.integers(1, n)) for n in (4, 4, 9))
    in_c, memory = int(rng.integers(1, 20)), int(rng.integers(1, 9))
    form, dtype = _FORMS[dtype], _FORMS[dtype][0]
    filters, is_float = rank * units, dtype == "float32"
    b = GraphBuilder()
    x = b.input(batch, in_c, dtype=dtype, quant=random_quant(rng, dtype, 0.3))
    kept_type, wide = form[3:]
    quants: list[Quant | None] = [
        Quant((float(np.float32(s)),), (0,)) for s in (0.01, 0.0001, 0.0005)
    ]
    quants = [None if form[1] == "float32" else quant for quant in quants]
    state = b.state(batch, memory * filters, dtype=kept_type, quant=quants[2])
    feature: Array
    time: Array
    bias: Array
    if form[1] == "float32":
        feature, time = (rng.normal(0, 0.2, s) for s in ((filters, in_c), (filters, memory)))
    else:
        feature = rng.integers(-127, 128, (filters, in_c))
        most = 3000 if form[2] == "int16" else 127
        time = rng.integers(-most, most + 1, (filters, memory))
    bias = rng.normal(0, 0.2, units) if is_float else rng.integers(-100_000, 100_000, units)
    inputs = [x, b.constant(feature, form[1], quants[0]), b.constant(time, form[2], quants[1])]
    inputs.append(state.first)
    if rng.random() < 0.7:
        inputs.append(b.constant(bias, wide))
    y = b.tensor(batch, units, dtype=dtype, quant=random_quant(rng, dtype, 0.3))
    names = ["NONE", "RELU", "RELU6"] if is_float else ["RELU"]
    b.op(
        *("SVDF", inputs, y, state.last),
        rank=rank,
        fused_activation_function=str(rng.choice(names)),
        asymmetric_quantize_inputs=bool(rng.random() < 0.5),
    )
    return b.graph(y)


OPERATORS = (
    Operator(
        kind="SVDF",
        options=Options(
            "SVDFOptions", ("rank", "fused_activation_function", "asymmetric_quantize_inputs")
        ),
        operands=(
            Operand("input", ("int8", "float32")),
            Operand("feature weights", ("int8", "float32"), constant=True),
            Operand("time weights", ("int16", "float32", "int8"), constant=True),
            Operand("state", ("int16", "float32", "int8")),
            Operand("bias", ("int32", "float32"), constant=True, optional=True),
        ),
        output=("int8", "int16", "float32"),
        outputs=(1, 2),
        rules=(with_state, layer_types, layer_activation, layer_scales, plain_scales, layer_sums),
        shape=layer_shape,
        kernels=(
            *dot_kernels(lower_by_bytes, lambda site: _is_hybrid(site.node)),
            Kernel(lower_dsp, needs=(DSP,), without=(MVE_I,), takes=lambda site: not site.is_float),
            Kernel(lower_plain),
        ),
        evaluate=evaluate,
        order=(0, 1, 2, 4, 3),
        updates=(3,),
        version=3,
        samples=samples(sample, ("int8", "float32", HYBRID)),
    ),
)
