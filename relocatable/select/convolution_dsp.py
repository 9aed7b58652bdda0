"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED for the DSP extension."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from relocatable.fixed_point import Ints, quantized_clamp, zero_of
from relocatable.kernel_call import KernelCall, Rows
from relocatable.select.layer import scaling_of
from relocatable.select.scaling import Sums, layer_factors, scale_twice
from relocatable.select.scaling_dsp import DspLayer, Rounding, dsp_columns, dsp_layer
from relocatable.select.site import ByRows, CValue, Site, c_call
from relocatable.select.window import window_rows


def conv_2d_dsp(site: Site, window: dict[str, int], sums: Sums, macs: int) -> KernelCall:
    """CONV_2D in int8 for the DSP extension: weights of two output channels, word by word."""
    weights = site.constant(1).astype(np.int64)
    out_c, _, k_w, in_c = weights.shape
    image_rows, window = window_rows(window), _flattened(window)
    dilation = window["dilation_w"]
    run = in_c if dilation > 1 else k_w * in_c
    rest = run % 4
    # The whole words of each run, then what is left of all runs.
    runs = weights.reshape(out_c, -1, run)
    parts = (runs[:, :, : run - rest], runs[:, :, run - rest :])
    left = -(-rest * runs.shape[1] // 4) * 4
    width = 3 * window["stride_w"] + (k_w - 1) * dilation + 1
    rows = np.concatenate([x.reshape(out_c, -1) for x in parts], axis=1)
    layer = _layer(site, rows, sums, "twice")
    assert layer is not None
    quads = layer.words.shape[1]
    params: dict[str, CValue] = {
        "window": window,
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
    arguments = (
        "IN0",
        "W_filter",
        "(uint32_t *)SCRATCH",
        f"(int8_t *)(SCRATCH + {32 * quads})",
        "OUT0",
    )
    return site.call(
        "conv_2d_dsp.c",
        c_call("xn_conv_2d_dsp", arguments, params),
        weights={"filter": layer.stream(2)},
        scratch_bytes=32 * quads + 4 * left + width * in_c,
        macs=macs,
        rows=replace(image_rows, block=4 if window["out_h"] == 1 else 1),
    )


def depthwise_dsp(
    site: Site, window: dict[str, int], params: dict[str, CValue], sums: Sums, macs: int
) -> KernelCall:
    """DEPTHWISE_CONV_2D in int8 for the DSP extension: weights channel by channel."""
    if (window["k_h"], window["k_w"]) == (3, 3) and window["stride_h"] <= 2:
        call = depthwise_3x3_dsp(site, window, params, sums, macs)
        if call is not None:
            return call
    weights = site.constant(1)
    _, k_h, k_w, out_c = weights.shape
    out_w = site.output.shape[2]
    row = (out_w - 1) * site.int_attr("stride_w") + k_w + 2
    row += row % 2
    ring_bytes = 2 * k_h * row
    ring_bytes += -ring_bytes % 4
    scaling = scaling_of(site, sums, scale_twice)
    params = {**params, "row": row, "scaling": scaling.params}
    arguments = (
        "IN0",
        "W_filter",
        "&scales",
        "(int16_t *)SCRATCH",
        f"(int32_t *)(SCRATCH + {ring_bytes})",
        "OUT0",
    )
    return site.call(
        "depthwise_conv_2d_dsp.c",
        scaling.declaration + c_call("xn_depthwise_dsp", arguments, params),
        weights={"filter": weights.reshape(-1, out_c).T, **scaling.weights},
        scratch_bytes=ring_bytes + 4 * (out_w + 1),
        macs=macs,
        in_place=_over_its_input(site, window),
        rows=_channel_by_channel(site, window_rows(window)),
    )


def depthwise_3x3_dsp(
    site: Site, window: dict[str, int], params: dict[str, CValue], sums: Sums, macs: int
) -> KernelCall | None:
    """DEPTHWISE_CONV_2D by windows of 3x3; None where sums would overflow."""
    layer = dsp_columns(
        site.constant(1).reshape(9, -1).T.astype(np.int64),
        layer_factors(site.input(0), site.input(1), site.output),
        sums,
        site.output,
        quantized_clamp(site.activation, site.output),
    )
    if layer is None:
        return None
    columns = (window["out_w"] - 1) * window["stride_w"] + 3
    params = {**params, "columns": columns, "scaling": layer.scaling}
    arguments = ("IN0", "W_filter", "(uint32_t *)SCRATCH", "OUT0")
    return site.call(
        "depthwise_3x3_dsp.c",
        c_call("xn_depthwise_3x3_dsp", arguments, params),
        weights={"filter": layer.stream(1)},
        scratch_bytes=32 * columns,
        macs=macs,
        in_place=_over_its_input(site, window),
        rows=_channel_by_channel(site, window_rows(window)),
    )


def _over_its_input(site: Site, window: dict[str, int]) -> Sequence[int]:
    """The input that may be overwritten: a channel's output falls on what was fetched of it."""
    (_, _, in_w, in_c), (_, _, out_w, out_c) = site.input(0).shape, site.output.shape
    is_behind = in_c == out_c and out_w <= in_w and window["pad_top"] < window["k_h"]
    return (0,) if is_behind else ()


def _channel_by_channel(site: Site, rows: Rows) -> Rows:
    """Each call begins each channel anew, and fetches the rows again that windows share."""
    _, _, in_w, channels = site.input(0).shape
    again = 4 * max(0, rows.reach - rows.stride) * in_w
    return replace(rows, in_order=False, call_cost=channels * (60 + again))


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
    arguments = (
        "IN0",
        "W_filter",
        "(uint32_t *)SCRATCH",
        "OUT0",
    )
    return site.call(
        "fully_connected_dsp.c",
        c_call("xn_fully_connected_dsp", arguments, params),
        weights={"filter": layer.stream(4)},
        scratch_bytes=8 * quads,
        macs=macs,
    )


def _layer(site: Site, rows: Ints, sums: Sums, rounding: Rounding) -> DspLayer | None:
    factors = layer_factors(site.input(0), site.input(1), site.output)
    clamp = quantized_clamp(site.activation, site.output)
    return dsp_layer(rows, factors, sums, site.output, clamp, rounding)


def _flattened(window: dict[str, int]) -> dict[str, int]:
    """A window of one pixel that skips none sees the image as one row."""
    kept = window | {"out_h": window["in_h"], "out_w": window["in_w"], "k_h": 1, "k_w": 1}
    kept |= {"stride_h": 1, "stride_w": 1, "pad_top": 0, "pad_left": 0}
    if window != kept:
        return window
    pixels = ByRows(window["in_h"] * window["in_w"], f"ROWS * {window['in_w']}")
    return window | {"in_h": 1, "in_w": pixels, "out_h": 1, "out_w": pixels}
