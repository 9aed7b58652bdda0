"""CONV_2D for each kind of target: Helium, the DSP extension, plain C."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial

import numpy as np

from relocatable.ops._shared.fixed_point import zero_of
from relocatable.ops._shared.fours import in_fours
from relocatable.ops._shared.hybrid import HybridCall, has_several_scales, lower_hybrid
from relocatable.ops._shared.layer import (
    bias_of,
    filter_zero,
    filter_zero_param,
    fixed_rounding,
    float_layer,
    plain_layer,
    scaling_of,
    signed_layer,
)
from relocatable.ops._shared.scaling import (
    AccumulatorBounds,
    Scaling,
    accumulator_bounds,
    scale_vectors,
    scale_vectors_16,
)
from relocatable.ops._shared.scaling_dsp import dsp_layer_of
from relocatable.ops._shared.window import Window, window_of
from relocatable.ops.site import Site
from relocatable.steps.c_call import (
    CCall,
    Constant,
    CValue,
    Input,
    Output,
    RowCount,
    Scratch,
    c_type,
)
from relocatable.steps.kernel_call import KernelCall
from relocatable.steps.pack_filter import FilterBlocks

_WINDOW_COST = 40  # instructions, roughly, of a window besides its values


def lower_plain(site: Site) -> KernelCall:
    """Lower any layer, with groups and dilation, in plain C."""
    weights = site.constant(1)
    out_c, k_h, k_w, filter_c = weights.shape
    in_c = site.input(0).shape[3]
    window = window_of(site, k_h, k_w)
    params: dict[str, CValue] = {
        "window": window.fields,
        "in_c": in_c,
        "out_c": out_c,
        "filter_c": filter_c,
        "group_out": out_c // (in_c // filter_c),
    }
    repeats = window.out_h * window.out_w * _WINDOW_COST
    filters = FilterBlocks(out_c, size=weights.itemsize, repeats=repeats)
    if site.is_float:
        return float_layer(
            *(site, "conv_2d/conv_2d_f32.c", "xn_conv_2d_f32", params, _macs(site), window.rows),
            filters=filters,
        )
    params["in_zero"] = zero_of(site.input(0))
    return plain_layer(
        *(site, "conv_2d/conv_2d.c", "xn_conv_2d", params, _bounds(site), _macs(site)),
        rows=window.rows,
        rounding=fixed_rounding(site.node),
        filters=filters,
    )


def lower_by_bytes(site: Site, suffix: str) -> KernelCall:
    """Lower a layer of float32 by int8; see `dot_kernels`."""
    weights, source = site.constant(1), site.input(0)
    out_c, k_h, k_w, filter_c = weights.shape
    in_c = source.shape[3]
    params: dict[str, CValue] = {
        "window": asdict(window_of(site, k_h, k_w)),
        "in_c": in_c,
        "out_c": out_c,
        "filter_c": filter_c,
        "group_out": out_c // (in_c // filter_c),
    }
    several = has_several_scales(site.input(1))
    rows = weights.reshape(out_c, -1).astype(np.int64)
    call = HybridCall(
        *(f"conv_2d/conv_2d_hybrid{suffix}.c", "xn_conv_2d_hybrid", params),
        filter=weights,
        scratch=(source.count, rows.shape[1]),
        sums=rows.sum(axis=1) if several else None,
        is_apart=several,
    )
    return lower_hybrid(site, call, _macs(site))


def is_whole(site: Site) -> bool:
    """Tell whether it is a layer of integers without groups."""
    return not site.is_float and site.constant(1).shape[3] == site.input(0).shape[3]


def _macs(site: Site) -> int:
    return site.output.count * math.prod(site.constant(1).shape[1:])


def _bounds(site: Site) -> AccumulatorBounds:
    weights = site.constant(1)
    rows = weights.reshape(len(weights), -1).astype(np.int64)
    return accumulator_bounds(rows, bias_of(site), site.input(0), filter_zero(site.input(1)))


def lower_dsp(site: Site) -> KernelCall | None:
    """Lower a layer for the DSP extension: two output channels, word by word."""
    source, weights, zero = signed_layer(site)
    out_c, k_h, k_w, in_c = weights.shape
    window = window_of(site, k_h, k_w)
    is_flat = _skips_nothing(window)
    dilation = window.dilation_w
    run = in_c if dilation > 1 else k_w * in_c
    rest = run % 4
    # The whole words of each run, then what is left of all runs.
    runs = weights.reshape(out_c, -1, run)
    parts = (runs[:, :, : run - rest], runs[:, :, run - rest :])
    left = -(-rest * runs.shape[1] // 4) * 4
    width = 3 * window.stride_w + (k_w - 1) * dilation + 1
    rows = np.concatenate([x.reshape(out_c, -1) for x in parts], axis=1)
    bounds = accumulator_bounds(rows, bias_of(site), source, zero)
    layer = dsp_layer_of(site, rows, bounds, fixed_rounding(site.node), zero)
    if layer is None:
        return None
    quads = layer.words.shape[1]
    dtype, each = site.input(0).dtype, site.input(0).size_bytes // site.input(0).count
    params: dict[str, CValue] = {
        "window": _as_one_row(window) if is_flat else window.fields,
        "in_c": in_c,
        "out_c": out_c,
        "run": run,
        "left": left,
        "quads": quads,
        "part": layer.part,
        "is_wide": layer.words.shape[2] - 1,
        "in_zero": zero_of(site.input(0)),
        "scaling": layer.scaling,
        **filter_zero_param(dtype, zero),
    }
    scratch = (Scratch("uint32_t"), Scratch(c_type(dtype), 32 * quads))
    arguments = (Input(0), Constant("filter"), *scratch, Output())
    return site.call(
        "conv_2d/conv_2d_dsp.c",
        CCall("xn_conv_2d_dsp", arguments, params, dtype=dtype),
        weights={"filter": layer.stream(2)},
        scratch_bytes=32 * quads + each * (4 * left + width * in_c),
        macs=_macs(site),
        rows=replace(window.rows, block=4 if is_flat or window.out_h == 1 else 1),
        filters=layer.blocks(2, repeats=site.output.count // out_c * (_WINDOW_COST + 6 * quads)),
    )


def lower_mve(site: Site) -> KernelCall | None:
    """Lower a layer for Helium; None if its scaling does not fit."""
    weights, dtype = site.constant(1), site.input(0).dtype
    out_c, k_h, k_w, in_c = weights.shape
    window = window_of(site, k_h, k_w)
    method: Callable[..., Scaling | None] = scale_vectors
    if dtype == "int16":
        method = partial(scale_vectors_16, rounding=fixed_rounding(site.node))
    scaling = scaling_of(site, _bounds(site), method)
    if scaling is None:
        return None
    params: dict[str, CValue] = {
        "window": window.fields,
        "in_c": in_c,
        "out_c": out_c,
        "in_zero": zero_of(site.input(0)),
        "scaling": scaling.params,
        **filter_zero_param(dtype, filter_zero(site.input(1))),
    }
    lanes, scratch = (8 if dtype == "int16" else 16), Scratch(c_type(dtype))
    arguments = (Input(0), Constant("filter"), scaling.tables, scratch, Output())
    return site.call(
        "conv_2d/conv_2d_mve.c",
        CCall("xn_conv_2d_mve", arguments, params, dtype=dtype),
        weights={"filter": in_fours(weights, lanes), **scaling.weights},
        scratch_bytes=weights[0].size * 16 // lanes,
        macs=_macs(site),
        rows=window.rows,
        filters=FilterBlocks(
            *(out_c, 4, lanes),
            repeats=site.output.count // out_c * (_WINDOW_COST + weights[0].size // 4),
        ),
    )


def _skips_nothing(window: Window) -> bool:
    """Tell whether each pixel has a window of its own: then the image is one row."""
    one = replace(
        window,
        out_h=window.in_h,
        out_w=window.in_w,
        k_h=1,
        k_w=1,
        stride_h=1,
        stride_w=1,
        pad_top=0,
        pad_left=0,
    )
    return window == one


def _as_one_row(window: Window) -> dict[str, CValue]:
    pixels = RowCount.times(window.in_w)
    return window.fields | {"in_h": 1, "in_w": pixels, "out_h": 1, "out_w": pixels}
