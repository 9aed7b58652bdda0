"""FULLY_CONNECTED; LiteRT's reference rounds integers once.

A layer of float32 by int8 quantises each row for itself, with a zero point if its option says so.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.hybrid import (
    HybridCall,
    dot_kernels,
    finish_hybrid,
    is_asymmetric,
    lower_hybrid,
    quantize_rows,
    real_sums,
    scales_of,
    sums_of_bytes,
)
from relocatable.ops._shared.images import fused_activation, random_activation
from relocatable.ops._shared.layer import (
    BIAS_TYPE_ENUM,
    BIAS_TYPE_FIELD,
    HYBRID,
    LAYER_FORMS,
    LAYER_OPERANDS,
    LAYER_SCALES,
    LAYER_TYPES,
    bias_fits,
    bias_of,
    bias_type,
    bounded_sums,
    data_scales,
    filter_scales,
    filter_text,
    filter_zero,
    filter_zero_param,
    float_layer,
    layer_form,
    plain_layer,
    signed_layer,
    weighted_types,
)
from relocatable.ops._shared.layer_meaning import finish_layer, real_values, sum_in_order
from relocatable.ops._shared.layer_sample import random_bias_type, random_weights
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.scaling import (
    AccumulatorBounds,
    accumulator_bounds,
    layer_factors,
)
from relocatable.ops._shared.scaling_dsp import dsp_layer_of
from relocatable.ops._shared.types import has_one_scale
from relocatable.ops.fully_connected.computed_filter import (
    computed_filter,
    is_computed,
    lower_computed,
)
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operator, Options, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Output, Scratch
from relocatable.steps.kernel_call import KernelCall
from relocatable.steps.pack_filter import FilterBlocks
from relocatable.targets.arm import DSP, MVE_I


def filter_of_rows(node: Node) -> Seen:
    """filter must have one scale and any zero point, or a scale for each output and zero point 0"""
    filter_ = node.inputs[1]
    quantized = filter_.dtype in ("int8", "uint8") and layer_form(node) != HYBRID
    if quantized and has_one_scale(filter_):
        return True, ""
    return filter_scales(node, 0)


def dense_filter(node: Node) -> Seen:
    """filter must be [N, K] for rows of K values and rows of N results, the bias [N]"""
    shape = node.inputs[1].shape
    if len(shape) != 2 or node.inputs[0].count % shape[1]:
        return False, filter_text(node)
    rows = node.inputs[0].count // shape[1]
    ok = node.output.shape[-1:] == (shape[0],) and node.output.count == rows * shape[0]
    return ok and bias_fits(node, shape[0]), filter_text(node)


def plain_weights(node: Node) -> Seen:
    """weights format must be DEFAULT"""
    seen = str(node.op.attrs["weights_format"])
    return seen == "DEFAULT", seen


def dense_results(node: Node) -> Seen:
    """results of 8 bits must be below 2^30 steps of the output's scale before they are clamped"""
    if node.output.dtype not in ("int8", "uint8"):
        return True, ""
    bias = node.inputs[2].data if len(node.inputs) == 3 else None
    terms = node.inputs[1].count // max(1, node.inputs[1].shape[0]) * 255 * 255
    most = terms + (0 if bias is None else int(np.abs(bias.astype(np.int64)).max(initial=0)))
    largest = most * max(layer_factors(node.inputs[0], node.inputs[1], node.output, "single"))
    return largest < 1 << 30, f"up to {largest:g}"


def hybrid_sums(node: Node) -> Seen:
    """sums of a layer of float32 by int8 must be of at most 65536 products"""
    return sums_of_bytes(node, node.inputs[1].count // max(1, node.inputs[1].shape[0]))


def lower_by_bytes(site: Site, suffix: str) -> KernelCall:
    """Lower a layer of float32 by int8; see `dot_kernels`."""
    weights = site.constant(1)
    call = HybridCall(
        f"fully_connected/fully_connected_hybrid{suffix}.c",
        "xn_fully_connected_hybrid",
        _params(site),
        filter=weights,
        scratch=(weights.shape[1],),
        sums=weights.astype(np.int64).sum(axis=1) if is_asymmetric(site.node) else None,
    )
    return lower_hybrid(site, call, _macs(site))


def lower_plain(site: Site) -> KernelCall:
    """Lower any layer in plain C."""
    params, macs = _params(site), _macs(site)
    filters = FilterBlocks(len(site.constant(1)), size=site.constant(1).itemsize)
    if site.is_float:
        source = "fully_connected/fully_connected_f32.c"
        function = "xn_fully_connected_f32"
        return float_layer(site, source, function, params, macs, filters=filters)
    params["filter_zero"] = filter_zero(site.input(1))
    source, bounds = "fully_connected/fully_connected.c", _bounds(site)
    return plain_layer(
        *(site, source, "xn_fully_connected", params, bounds, macs),
        rows=None,
        rounding="single",
        filters=filters,
    )


def lower_dsp(site: Site) -> KernelCall | None:
    """Lower a layer for the DSP extension; None if its scaling does not fit."""
    (source, weights, zero), dtype = signed_layer(site), site.input(0).dtype
    bounds = accumulator_bounds(weights, bias_of(site), source, zero)
    layer = dsp_layer_of(site, weights, bounds, "single", zero)
    if layer is None:
        return None
    quads = layer.words.shape[1]
    params: dict[str, CValue] = {
        **_params(site),
        "quads": quads,
        "part": layer.part,
        "is_wide": layer.words.shape[2] - 1,
        "scaling": layer.scaling,
        **filter_zero_param(dtype, zero),
    }
    arguments = (Input(0), Constant("filter"), Scratch("uint32_t"), Output())
    return site.call(
        "fully_connected/fully_connected_dsp.c",
        CCall("xn_fully_connected_dsp", arguments, params, dtype=dtype),
        weights={"filter": layer.stream(4)},
        scratch_bytes=8 * quads,
        macs=_macs(site),
        filters=layer.blocks(4),
    )


def is_for_dsp(site: Site) -> bool:
    """Tell whether it has uint8 constants, or of other integers with zero point 0."""
    if is_computed(site.node):
        return False
    has_no_zero = not site.is_float and filter_zero(site.input(1)) == 0
    return site.input(0).dtype == "uint8" or has_no_zero


def _params(site: Site) -> dict[str, CValue]:
    out_c, in_c = site.constant(1).shape
    return {"rows": site.input(0).count // in_c, "in_c": in_c, "out_c": out_c}


def _macs(site: Site) -> int:
    out_c, _ = site.constant(1).shape
    return site.input(0).count * int(out_c)


def _bounds(site: Site) -> AccumulatorBounds:
    weights = site.constant(1).astype(np.int64)
    return accumulator_bounds(weights, bias_of(site), site.input(0), filter_zero(site.input(1)))


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Sum the products of each row with each filter."""
    if layer_form(node) == HYBRID:
        return _evaluate_hybrid(node, inputs)
    filters = real_values(node, 1, inputs[1])
    rows = real_values(node, 0, inputs[0]).reshape(-1, 1, filters.shape[1])
    return finish_layer(node, inputs, sum_in_order(rows * filters), "single")


def _evaluate_hybrid(node: Node, inputs: list[Array]) -> Array:
    filters = inputs[1].astype(np.int64)
    rows = inputs[0].reshape(-1, filters.shape[1])
    values, scales = quantize_rows(rows, is_asymmetric(node))
    sums = real_sums(values @ filters.T, scales_of(node.inputs[1]), scales, False)
    return finish_hybrid(node, sums, inputs[2:])


def sample(rng: Rng, name: str) -> Graph:
    """Make a graph of one layer of some rows."""
    form = LAYER_FORMS[name]
    dtype = form.data
    rows = int(rng.choice([1, 1, 3]))
    in_c, out_c = int(rng.integers(1, 70)), int(rng.integers(1, 30))
    b = GraphBuilder()
    x = b.input(rows, in_c, dtype=dtype, quant=random_quant(rng, dtype))
    y = b.tensor(rows, out_c, dtype=dtype, quant=random_quant(rng, dtype))
    bias, option = random_bias_type(rng, form)
    has_bias = bool(rng.random() < 0.8)
    weights = random_weights(rng, b, form, x, y, (out_c, in_c), 0, has_bias, bias)
    filter_ = b.tensors[weights[0]]
    is_plain = name == "float32" or (name != HYBRID and has_one_scale(filter_))
    if is_plain and rng.random() < 0.3:
        b.tensors[weights[0]] = replace(filter_, data=None)
        b.inputs.append(weights[0])
    b.op(
        *("FULLY_CONNECTED", (x, *weights), y),
        fused_activation_function=random_activation(rng),
        weights_format="DEFAULT",
        keep_num_dims=False,
        asymmetric_quantize_inputs=bool(rng.random() < 0.5) if name == HYBRID else False,
        quantized_bias_type=option,
    )
    return b.graph(y)


_INPUT, _FILTER, _BIAS = LAYER_OPERANDS
_OPERANDS = (_INPUT, replace(_FILTER, constant=False), _BIAS)
OPERATORS = (
    Operator(
        kind="FULLY_CONNECTED",
        options=Options(
            "FullyConnectedOptions",
            (
                *("fused_activation_function", "weights_format", "keep_num_dims"),
                *("asymmetric_quantize_inputs", BIAS_TYPE_FIELD),
            ),
            {"weights_format": "FullyConnectedOptionsWeightsFormat", **BIAS_TYPE_ENUM},
        ),
        operands=_OPERANDS,
        output=LAYER_TYPES,
        rules=(
            *(weighted_types, computed_filter, data_scales, filter_of_rows, fused_activation),
            plain_weights,
            *(bias_type, *LAYER_SCALES, dense_results, hybrid_sums, bounded_sums(0)),
        ),
        shape=dense_filter,
        evaluate=evaluate,
        kernels=(
            Kernel(lower_computed, takes=lambda site: is_computed(site.node)),
            *dot_kernels(lower_by_bytes),
            Kernel(lower_dsp, needs=(DSP,), without=(MVE_I,), takes=is_for_dsp),
            Kernel(lower_plain, takes=lambda site: not is_computed(site.node)),
        ),
        version=4,
        samples=samples(sample, tuple(LAYER_FORMS)),
    ),
)
