"""What pools share: their description, rules, the call, meaning, samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.batch import image_kernel
from relocatable.ops._shared.factors import clamp_steps
from relocatable.ops._shared.fixed_point import output_clamp
from relocatable.ops._shared.images import (
    WINDOW_FIELDS,
    fused_activation,
    image_shapes,
    output_size_seen,
    patches,
    random_activation,
    random_batch,
    strides,
)
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.types import kept_scale, kept_type, one_scale, one_scale_or_none
from relocatable.ops._shared.window import window_of
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
from relocatable.steps.c_call import CCall, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

_OPTIONS = Options("Pool2DOptions", (*WINDOW_FIELDS, "filter_width", "filter_height"))


def window_size(node: Node) -> Seen:
    """window must be at least 1 x 1"""
    size = (node.integer("filter_height"), node.integer("filter_width"))
    return min(size) >= 1, f"{size[0]} x {size[1]}"


def kept_channels(node: Node) -> Seen:
    """output must have the input's channels"""
    source, output = node.inputs[0].shape, node.output.shape
    return source[3] == output[3], f"{source[3]} -> {output[3]}"


def pool_size(node: Node) -> Seen:
    """output's height and width must follow from input, window, stride and padding"""
    return output_size_seen(node, (node.integer("filter_height"), node.integer("filter_width")))


def pool_scales(node: Node) -> Seen:
    """tensors of 8 and 16 bits must have one scale, and a zero point in their range (int16: 0), or
    all no scale if there is no fused activation"""
    return one_scale_or_none(node) if node.activation == "NONE" else one_scale(node)


_RULES = (
    *(kept_type, pool_scales, kept_scale, image_shapes),
    *(strides, window_size, kept_channels, fused_activation, clamp_steps),
)


def pool_operator(
    kind: str,
    dtypes: tuple[str, ...],
    reduce: Callable[[Array, bool], Array],
    *kernels: Kernel,
    version: int = 2,
) -> Operator:
    """Describe a pool.

    Args:
        kind: of the operator.
        dtypes: element types that it takes.
        reduce: see `evaluate_pool`; also told whether the values are floats.
        kernels: in order of preference.
        version: see `Operator`.
    """

    def evaluate(node: Node, inputs: list[Array]) -> Array:
        is_float = node.output.dtype == "float32"
        return evaluate_pool(node, inputs[0], lambda seen: reduce(seen, is_float))

    def sample(rng: Rng, dtype: str) -> Graph:
        return pool_sample(rng, kind, dtype)

    return Operator(
        kind=kind,
        options=_OPTIONS,
        operands=(Operand("input", dtypes),),
        output=dtypes,
        rules=_RULES,
        shape=pool_size,
        evaluate=evaluate,
        kernels=tuple(map(image_kernel, kernels)),
        version=version,
        samples=samples(sample, dtypes),
    )


def lower_pool(site: Site, source: str, kernel: str) -> KernelCall:
    """Make the call of a pool."""
    k_h, k_w = site.int_attr("filter_height"), site.int_attr("filter_width")
    window = window_of(site, k_h, k_w)
    low, high = output_clamp(site.activation, site.output)
    params: dict[str, CValue] = {
        "window": window.fields,
        "channels": site.output.shape[3],
        "low": low,
        "high": high,
    }
    call = CCall(kernel, (Input(0), Output()), params, dtype=site.output.dtype)
    return site.call(source, call, macs=site.output.count * k_h * k_w, rows=window.rows)


def evaluate_pool(node: Node, image: Array, reduce: Callable[[Array], Array]) -> Array:
    """Reduce what each window sees of the image, and clamp it.

    Args:
        node: of the pool.
        image: the input.
        reduce: makes [.., C] of values [.., N, C]; those outside of the image are NaN.
    """
    k_h, k_w = node.integer("filter_height"), node.integer("filter_width")
    seen = patches(node, image.astype(np.float64), k_h, k_w, np.nan)
    flat = seen.reshape(*seen.shape[:3], k_h * k_w, -1)
    return np.clip(reduce(flat), *output_clamp(node.activation, node.output)).astype(image.dtype)


def pool_sample(rng: Rng, kind: str, dtype: str) -> Graph:
    """Make a graph of one pool with any window, stride and padding."""
    k_h, k_w, s_h, s_w = (int(v) for v in rng.integers(1, 5, 4))
    h, w = int(rng.integers(k_h, k_h + 8)), int(rng.integers(k_w, k_w + 8))
    c = int(rng.integers(1, 20))
    same = bool(rng.random() < 0.6)
    out_h = -(-h // s_h) if same else (h - k_h) // s_h + 1
    out_w = -(-w // s_w) if same else (w - k_w) // s_w + 1
    b, n = GraphBuilder(), random_batch(rng)
    quant = random_quant(rng, dtype)
    x = b.input(n, h, w, c, dtype=dtype, quant=quant)
    y = b.tensor(n, out_h, out_w, c, dtype=dtype, quant=quant)
    b.op(
        *(kind, (x,), y),
        padding="SAME" if same else "VALID",
        stride_h=s_h,
        stride_w=s_w,
        filter_height=k_h,
        filter_width=k_w,
        fused_activation_function=random_activation(rng),
    )
    return b.graph(y)
