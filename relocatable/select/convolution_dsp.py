"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED for the DSP extension."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from relocatable.fixed_point import Ints, quantized_clamp, zero_of
from relocatable.select.scaling import Sums, layer_factors
from relocatable.select.scaling_dsp import DspLayer, Rounding, dsp_bytes, dsp_layer
from relocatable.select.site import Site
from relocatable.select.window import Window
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Output, RowCount, Scratch
from relocatable.steps.kernel_call import KernelCall, Rows


def conv_2d_dsp(site: Site, window: Window, sums: Sums, macs: int) -> KernelCall:
    """CONV_2D in int8 for the DSP extension: weights of two output channels, word by word."""
    weights = site.constant(1).astype(np.int64)
    out_c, _, k_w, in_c = weights.shape
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
    layer = _layer(site, rows, sums, "twice")
    assert layer is not None
    quads = layer.words.shape[1]
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
    }
    scratch = (Scratch("uint32_t"), Scratch("int8_t", 32 * quads))
    arguments = (Input(0), Constant("filter"), *scratch, Output())
    return site.call(
        "conv_2d_dsp.c",
        CCall("xn_conv_2d_dsp", arguments, params),
        weights={"filter": layer.stream(2)},
        scratch_bytes=32 * quads + 4 * left + width * in_c,
        macs=macs,
        rows=replace(window.rows, block=4 if is_flat or window.out_h == 1 else 1),
    )


def depthwise_dsp(
    site: Site, window: Window, params: dict[str, CValue], sums: Sums, macs: int
) -> KernelCall | None:
    """DEPTHWISE_CONV_2D in int8 for the DSP extension; None where sums would overflow."""
    weights = site.constant(1).astype(np.int64)
    _, k_h, k_w, out_c = weights.shape
    out_w, multiplier = window.out_w, out_c // site.input(0).shape[3]
    filters = weights.reshape(-1, out_c).T
    is_3x3 = (k_h, k_w) == (3, 3) and window.stride_h <= 2
    if is_3x3:  # for each column the weights (upper, middle, middle, lower)
        filters = filters.reshape(-1, 3, 3).swapaxes(1, 2)[:, :, (0, 1, 1, 2)].reshape(-1, 12)
    layer = dsp_bytes(
        filters,
        layer_factors(site.input(0), site.input(1), site.output),
        sums,
        site.output,
        quantized_clamp(site.activation, site.output),
    )
    if layer is None:
        return None
    params = {**params, "scaling": layer.scaling}
    scratch = [Scratch("uint32_t")]
    if is_3x3:
        source, function = "depthwise_3x3_dsp.c", "xn_depthwise_3x3_dsp"
        columns = (out_w - 1) * window.stride_w + 3
        words = 8 * columns
    else:
        source, function = "depthwise_conv_2d_dsp.c", "xn_depthwise_dsp"
        pairs, columns = k_h // 2 + 1, (out_w - 1 + out_w % 2) * window.stride_w + k_w
        params["pairs"] = pairs
        scratch.append(Scratch("uint32_t", 16 * pairs * columns))
        words = 4 * pairs * columns + 8 * multiplier * pairs * k_w
    params["columns"] = columns
    return site.call(
        source,
        CCall(function, (Input(0), Constant("filter"), *scratch, Output()), params),
        weights={"filter": layer.stream(1)},
        scratch_bytes=4 * words,
        macs=macs,
        in_place=_over_its_input(site, window),
        rows=_channel_by_channel(site, window),
    )


def _over_its_input(site: Site, window: Window) -> Sequence[int]:
    """The input that may be overwritten: a channel's output falls on what was fetched of it."""
    (_, _, in_w, in_c), (_, _, out_w, out_c) = site.input(0).shape, site.output.shape
    is_behind = in_c == out_c and out_w <= in_w and window.pad_top < window.k_h
    return (0,) if is_behind else ()


def _channel_by_channel(site: Site, window: Window) -> Rows:
    """Each call begins each channel anew, and fetches the rows again that windows share."""
    _, _, in_w, channels = site.input(0).shape
    again = 4 * max(0, window.k_h - window.stride_h) * in_w
    return replace(window.rows, in_order=False, call_cost=channels * (60 + again))


def fully_connected_dsp(
    site: Site, params: dict[str, CValue], sums: Sums, macs: int
) -> KernelCall | None:
    """FULLY_CONNECTED in int8 for the DSP extension; None where its rounding is no line."""
    weights = site.constant(1).astype(np.int64)
    layer = _layer(site, weights, sums, "once")
    if layer is None:
        return None
    quads = layer.words.shape[1]
    params = {
        **params,
        "quads": quads,
        "part": layer.part,
        "is_wide": layer.words.shape[2] - 1,
        "scaling": layer.scaling,
    }
    arguments = (Input(0), Constant("filter"), Scratch("uint32_t"), Output())
    return site.call(
        "fully_connected_dsp.c",
        CCall("xn_fully_connected_dsp", arguments, params),
        weights={"filter": layer.stream(4)},
        scratch_bytes=8 * quads,
        macs=macs,
    )


def _layer(site: Site, rows: Ints, sums: Sums, rounding: Rounding) -> DspLayer | None:
    factors = layer_factors(site.input(0), site.input(1), site.output)
    clamp = quantized_clamp(site.activation, site.output)
    return dsp_layer(rows, factors, sums, site.output, clamp, rounding)


def _skips_nothing(window: Window) -> bool:
    """Whether each pixel has a window of its own: then the image is one row."""
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
