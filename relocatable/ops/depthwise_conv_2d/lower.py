"""DEPTHWISE_CONV_2D for each kind of target: Helium, the DSP extension, plain C."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import numpy.typing as npt

from relocatable.graph.graph import Tensor
from relocatable.ops._shared.fixed_point import Ints, zero_of
from relocatable.ops._shared.hybrid import HybridCall, lower_hybrid
from relocatable.ops._shared.layer import (
    bias_of,
    fixed_rounding,
    float_layer,
    plain_layer,
    real_weights,
    scaling_of,
    signed_layer,
)
from relocatable.ops._shared.scaling import (
    AccumulatorBounds,
    accumulator_bounds,
    scale_vectors,
)
from relocatable.ops._shared.scaling_dsp import dsp_bytes_of
from relocatable.ops._shared.window import Window, window_of
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Output, Scratch
from relocatable.steps.kernel_call import KernelCall, Rows
from relocatable.targets.arm import MVE_I


def lower_plain(site: Site) -> KernelCall:
    """Lower any layer, with multiplier and dilation, in plain C."""
    _, k_h, k_w, _ = site.constant(1).shape
    window = window_of(site, k_h, k_w)
    params, macs, rows = _params(site, window), _macs(site), window.rows
    if site.is_float:
        source = "depthwise_conv_2d/depthwise_conv_2d_f32.c"
        return float_layer(site, source, "xn_depthwise_f32", params, macs, rows)
    source, bounds = "depthwise_conv_2d/depthwise_conv_2d.c", _bounds(site, site.input(0))
    rounding = fixed_rounding(site.node)
    return plain_layer(site, source, "xn_depthwise", params, bounds, macs, rows, rounding)


def lower_by_bytes(site: Site) -> KernelCall:
    """Lower a layer of float32 by int8."""
    _, k_h, k_w, out_c = site.constant(1).shape
    source = site.input(0)
    params: dict[str, CValue] = {
        "window": asdict(window_of(site, k_h, k_w)),
        "in_c": source.shape[3],
        "multiplier": out_c // source.shape[3],
    }
    name = "depthwise_conv_2d/depthwise_hybrid.c", "xn_depthwise_hybrid"
    call = HybridCall(*name, params, site.constant(1), scratch=(source.count,))
    return lower_hybrid(site, call, _macs(site))


def is_for_mve(site: Site) -> bool:
    """Tell whether Helium's kernel takes it, which adds two products in 16 bits."""
    weights, dtype = site.constant(1), site.input(0).dtype
    fits = dtype == "uint8" or (dtype == "int8" and weights.min(initial=0) > -128)
    return bool(fits and weights.shape[3] == site.input(0).shape[3])


def is_for_dsp(site: Site) -> bool:
    """Tell whether it is of integers without dilation; of 8 bits without Helium."""
    undilated = site.int_attr("dilation_h_factor") == site.int_attr("dilation_w_factor") == 1
    is_better = site.input(0).dtype == "int16" or not site.target.has(MVE_I)
    return not site.is_float and undilated and is_better


def _params(site: Site, window: Window) -> dict[str, CValue]:
    in_c, out_c = site.input(0).shape[3], site.output.shape[3]
    params: dict[str, CValue] = {
        "window": window.fields,
        "in_c": in_c,
        "multiplier": out_c // in_c,
    }
    return params if site.is_float else {**params, "in_zero": zero_of(site.input(0))}


def _macs(site: Site) -> int:
    _, k_h, k_w, _ = site.constant(1).shape
    return site.output.count * int(k_h * k_w)


def _bounds(site: Site, source: Tensor) -> AccumulatorBounds:
    weights = real_weights(site)
    rows = weights.reshape(-1, weights.shape[3]).T
    return accumulator_bounds(rows, bias_of(site), source)


def lower_dsp(site: Site) -> KernelCall | None:
    """Lower a layer for the DSP extension; None if sums would overflow."""
    x, weights, dtype = signed_layer(site).source, real_weights(site), site.input(0).dtype
    _, k_h, k_w, out_c = weights.shape
    window = window_of(site, k_h, k_w)
    out_w, multiplier = window.out_w, out_c // site.input(0).shape[3]
    filters = weights.reshape(-1, out_c).T
    is_3x3 = (k_h, k_w) == (3, 3) and window.stride_h <= 2
    if is_3x3:  # for each column the weights (upper, middle, middle, lower)
        filters = filters.reshape(-1, 3, 3).swapaxes(1, 2)[:, :, (0, 1, 1, 2)].reshape(-1, 12)
    layer = dsp_bytes_of(site, filters, _bounds(site, x), fixed_rounding(site.node))
    if layer is None:
        return None
    params = {**_params(site, window), "in_zero": zero_of(x), "scaling": layer.scaling}
    scratch = [Scratch("uint32_t")]
    if is_3x3:
        source, function = "depthwise_conv_2d/depthwise_3x3_dsp.c", "xn_depthwise_3x3_dsp"
        columns = (out_w - 1) * window.stride_w + 3
        words = 8 * columns
    else:
        source, function = "depthwise_conv_2d/depthwise_conv_2d_dsp.c", "xn_depthwise_dsp"
        pairs, columns = k_h // 2 + 1, (out_w - 1 + out_w % 2) * window.stride_w + k_w
        params["pairs"] = pairs
        scratch.append(Scratch("uint32_t", 16 * pairs * columns))
        words = 4 * pairs * columns + 8 * multiplier * pairs * k_w
    params["columns"] = columns
    return site.call(
        source,
        CCall(function, (Input(0), Constant("filter"), *scratch, Output()), params, dtype=dtype),
        weights={"filter": layer.stream(1)},
        scratch_bytes=4 * words,
        macs=_macs(site),
        in_place=_over_its_input(site, window),
        rows=_channel_by_channel(site, window),
    )


def _over_its_input(site: Site, window: Window) -> Sequence[int]:
    """Find the input that may be overwritten, since its values are fetched before."""
    (_, _, in_w, in_c), (_, _, out_w, out_c) = site.input(0).shape, site.output.shape
    is_behind = in_c == out_c and out_w <= in_w and window.pad_top < window.k_h
    return (0,) if is_behind else ()


def _channel_by_channel(site: Site, window: Window) -> Rows:
    """Count a call's cost: each begins every channel again, with the shared rows."""
    _, _, in_w, channels = site.input(0).shape
    again = 4 * max(0, window.k_h - window.stride_h) * in_w
    return replace(window.rows, in_order=False, call_cost=channels * (60 + again))


def lower_mve(site: Site) -> KernelCall:
    """Lower a layer of 8 bits for Helium: tables in the order of its widening."""
    _, k_h, k_w, channels = site.constant(1).shape
    window, source = window_of(site, k_h, k_w), signed_layer(site).source
    scaling = scaling_of(site, _bounds(site, source), scale_vectors)
    taps = np.pad(real_weights(site).reshape(-1, channels), ((0, 0), (0, -channels % 16)))
    blocks, dtype = taps.reshape(len(taps), -1, 16).transpose(1, 0, 2), site.input(0).dtype
    filters = _with_more(blocks, k_w) if dtype == "uint8" else blocks.astype(np.int8)
    order = (
        np.arange(-(-channels // 16) * 16).reshape(-1, 4, 2, 2).transpose(0, 3, 2, 1).reshape(-1)
    )
    tables = {
        name: np.pad(table, (0, len(order) - channels))[order]
        for name, table in scaling.weights.items()
    }
    params: dict[str, CValue] = {
        "window": window.fields,
        "channels": channels,
        "in_zero": zero_of(source),
        "scaling": scaling.params,
    }
    arguments = (Input(0), Constant("filter"), scaling.tables, Output())
    return site.call(
        "depthwise_conv_2d/depthwise_conv_2d_mve.c",
        CCall("xn_depthwise_mve", arguments, params, dtype=dtype),
        weights={"filter": filters, **tables},
        macs=_macs(site),
        rows=window.rows,
    )


def _with_more(blocks: Ints, k_w: int) -> npt.NDArray[np.int8]:
    """Write weights, [B, K, 16], in 8 bits, and what some taps have beyond as records."""
    found = []
    for block in blocks:
        rest = block - block.clip(-127, 127)
        records: list[npt.NDArray[np.int8]] = []
        while rest.any():
            part = rest.clip(-127, 127)
            for tap in np.flatnonzero(part.any(axis=1)).tolist():
                records += [_head(*divmod(tap, k_w)), part[tap].astype(np.int8)]
            rest = rest - part
        whole = block.clip(-127, 127).astype(np.int8)
        found.append(np.vstack([_head(len(records) // 2), whole, *records]))
    return np.concatenate(found)


def _head(*numbers: int) -> npt.NDArray[np.int8]:
    """Write numbers of 32 bits at the beginning of a vector."""
    return np.array([*numbers, *[0] * (4 - len(numbers))], "<i4").view(np.int8)
