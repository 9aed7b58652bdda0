"""FULLY_CONNECTED with a computed filter: a product of two activations.

LiteRT's converter makes these of BATCH_MATMUL if `unfold_batchmatmul` is set.
"""

from __future__ import annotations

import numpy as np

from relocatable.ops._shared.fixed_point import float_clamp, type_range, zero_of
from relocatable.ops._shared.layer import HYBRID, bias_of, filter_zero, layer_form, plain_scaling
from relocatable.ops._shared.scaling import AccumulatorBounds
from relocatable.ops._shared.types import has_one_scale
from relocatable.ops.node import Node
from relocatable.ops.operator import Seen
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

# The sums of so many products of bytes, and a bias, stay within 32 bits.
_MOST_TERMS = 1 << 14


def is_computed(node: Node) -> bool:
    """Tell whether the filter is no constant."""
    return node.inputs[1].data is None


def computed_filter(node: Node) -> Seen:
    """a filter that is computed must be of two dimensions, have one scale, not be int8 for float32,
    and its sums be of at most 16384 products"""
    filter_ = node.inputs[1]
    if not is_computed(node):
        return True, ""
    terms, rank = filter_.shape[-1] if filter_.shape else 1, len(filter_.shape)
    ok = rank == 2 and terms <= _MOST_TERMS and layer_form(node) != HYBRID
    ok = ok and (filter_.dtype == "float32" or has_one_scale(filter_))
    return ok, f"{filter_.dtype} {list(filter_.shape)}, {filter_.quant}"


def product_bounds(node: Node) -> AccumulatorBounds:
    """Bound the sums of a computed filter, by types and zero points alone."""
    source, filter_ = node.inputs[0], node.inputs[1]
    outputs, terms = filter_.shape
    values = _farthest(source.dtype, zero_of(source))
    products = np.full(outputs, terms * values * _farthest(filter_.dtype, filter_zero(filter_)))
    bias = node.inputs[2].data if len(node.inputs) == 3 else np.zeros(outputs, np.int64)
    assert bias is not None
    base = bias.astype(np.int64).reshape(-1)
    return AccumulatorBounds(base, base - products, base + products, products)


def _farthest(dtype: str, zero: int) -> int:
    """Find the largest distance of a value from the zero point."""
    low, high = type_range(dtype)
    return max(zero - low, high - zero)


def lower_computed(site: Site) -> KernelCall:
    """Lower a layer with a computed filter, in plain C."""
    out_c, in_c = site.input(1).shape
    macs = site.input(0).count * out_c
    params: dict[str, CValue] = {"rows": site.input(0).count // in_c, "in_c": in_c, "out_c": out_c}
    if site.is_float:
        low, high = float_clamp(site.activation)
        bias = bias_of(site)
        weights = {"bias": np.zeros(out_c, np.float32) if bias is None else bias}
        arguments = (Input(0), Input(1), Constant("bias"), Output())
        params |= {"low": low, "high": high}
        call = CCall("xn_fully_connected_f32", arguments, params, dtype="float32")
        source = "fully_connected/fully_connected_f32.c"
        return site.call(source, call, weights=weights, inputs=(0, 1), macs=macs)
    scaling = plain_scaling(site, product_bounds(site.node), "single")
    params |= {
        "in_zero": zero_of(site.input(0)),
        "filter_zero": filter_zero(site.input(1)),
        "scaling": scaling.params,
    }
    return site.call(
        "fully_connected/fully_connected_computed.c",
        CCall(
            "xn_fully_connected_computed",
            (Input(0), Input(1), scaling.tables, Output()),
            params,
            dtype=site.output.dtype,
        ),
        weights=scaling.weights,
        inputs=(0, 1),
        macs=macs,
    )
