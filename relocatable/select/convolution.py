"""CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from relocatable.fixed_point import float_clamp, quantized_clamp, zero_of
from relocatable.kernel_call import KernelCall
from relocatable.select.scaling import (
    Scaling,
    Sums,
    layer_factors,
    layer_sums,
    scale_real,
    scale_twice,
    scale_vectors,
)
from relocatable.select.site import CValue, Site, c_call
from relocatable.select.window import window_of
from relocatable.targets import DSP, MVE_I


def choose_conv_2d(site: Site) -> KernelCall:
    """CONV_2D in int8 and float32, with groups and dilation."""
    weights = site.constant(1)
    out_c, k_h, k_w, filter_c = weights.shape
    in_c = site.input(0).shape[3]
    window = window_of(site, k_h, k_w)
    params: dict[str, CValue] = {
        "window": window,
        "in_c": in_c,
        "out_c": out_c,
        "filter_c": filter_c,
        "group_out": out_c // (in_c // filter_c),
    }
    macs = site.output.count * k_h * k_w * filter_c
    if site.is_float:
        return _float_layer(site, "conv_2d.c", "xn_conv_2d_f32", params, macs)
    _require_int8(site)
    sums = layer_sums(weights.reshape(out_c, -1).astype(np.int64), _bias(site), site.input(0))
    if filter_c == in_c and site.target.has(MVE_I):
        return _conv_2d_mve(site, window, sums, macs)
    if filter_c == in_c and site.target.has(DSP):
        return _conv_2d_dsp(site, window, sums, macs)
    scaling = _scaling(site, sums, scale_twice)
    params |= {"in_zero": zero_of(site.input(0)), "scaling": scaling.params}
    body = scaling.declaration + c_call(
        "xn_conv_2d_i8", ("IN0", "W_filter", "&scales", "OUT0"), params
    )
    return site.call("conv_2d.c", body, weights={"filter": weights, **scaling.weights}, macs=macs)


def _conv_2d_mve(site: Site, window: dict[str, CValue], sums: Sums, macs: int) -> KernelCall:
    """CONV_2D in int8 for Helium."""
    weights = site.constant(1)
    out_c, in_c = weights.shape[0], weights.shape[3]
    scaling = _scaling(site, sums, scale_vectors)
    params: dict[str, CValue] = {
        "window": window,
        "in_c": in_c,
        "out_c": out_c,
        "in_zero": zero_of(site.input(0)),
        "scaling": scaling.params,
    }
    arguments = ("IN0", "W_filter", "&scales", "(int8_t *)SCRATCH", "OUT0")
    return site.call(
        "conv_2d_mve.c",
        scaling.declaration + c_call("xn_conv_2d_mve", arguments, params),
        weights={"filter": _four_by_sixteen(weights), **scaling.weights},
        scratch_bytes=weights[0].size,
        macs=macs,
    )


def _four_by_sixteen(weights: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Filters four by four: 16 values of each in turn, then the rest of each."""
    rows = weights.reshape(len(weights), -1)
    rows = np.pad(rows, ((0, -len(rows) % 4), (0, 0))).reshape(-1, 4, rows.shape[1])
    whole = rows.shape[2] // 16 * 16
    blocks = rows[:, :, :whole].reshape(len(rows), 4, -1, 16).transpose(0, 2, 1, 3)
    return np.concatenate(
        [blocks.reshape(len(rows), -1), rows[:, :, whole:].reshape(len(rows), -1)], axis=1
    )


def _conv_2d_dsp(site: Site, window: dict[str, CValue], sums: Sums, macs: int) -> KernelCall:
    """CONV_2D in int8 for the DSP extension: weights of two output channels, word by word."""
    weights = site.constant(1)
    out_c, in_c = weights.shape[0], weights.shape[3]
    packed = _two_by_four(weights)
    quads = packed.shape[1]
    scaling = _scaling(site, sums, scale_twice)
    params: dict[str, CValue] = {
        "window": window,
        "in_c": in_c,
        "out_c": out_c,
        "quads": quads,
        "is_packed": int(in_c % 4 == 0),
        "in_zero": zero_of(site.input(0)),
        "scaling": scaling.params,
    }
    arguments = ("IN0", "W_filter", "&scales", "(uint32_t *)SCRATCH", "OUT0")
    return site.call(
        "conv_2d_dsp.c",
        scaling.declaration + c_call("xn_conv_2d_dsp", arguments, params),
        weights={"filter": packed, **scaling.weights},
        scratch_bytes=16 * quads,
        macs=macs,
    )


def _two_by_four(weights: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Filters two by two, four values of each in turn: [ceil(C / 2), ceil(K / 4), 2, 4]."""
    rows = weights.reshape(len(weights), -1)
    rows = np.pad(rows, ((0, len(rows) % 2), (0, -rows.shape[1] % 4)))
    return rows.reshape(len(rows) // 2, 2, -1, 4).transpose(0, 2, 1, 3)


def choose_depthwise_conv_2d(site: Site) -> KernelCall:
    """DEPTHWISE_CONV_2D in int8 and float32, with multiplier and dilation."""
    weights = site.constant(1)
    _, k_h, k_w, out_c = weights.shape
    in_c = site.input(0).shape[3]
    window = window_of(site, k_h, k_w)
    params: dict[str, CValue] = {"window": window, "in_c": in_c, "multiplier": out_c // in_c}
    macs = site.output.count * k_h * k_w
    if site.is_float:
        return _float_layer(site, "depthwise_conv_2d.c", "xn_depthwise_f32", params, macs)
    _require_int8(site)
    sums = layer_sums(weights.reshape(-1, out_c).T.astype(np.int64), _bias(site), site.input(0))
    params["in_zero"] = zero_of(site.input(0))
    # Helium's kernel adds pairs of products in 16 bits, which -128 * -128 would leave.
    if site.target.has(MVE_I) and out_c == in_c and weights.min(initial=0) > -128:
        return _depthwise_mve(site, window, sums, macs)
    undilated = window["dilation_h"] == window["dilation_w"] == 1
    if site.target.has(DSP) and not site.target.has(MVE_I) and undilated:
        return _depthwise_dsp(site, params, sums, macs)
    scaling = _scaling(site, sums, scale_twice)
    params["scaling"] = scaling.params
    body = scaling.declaration + c_call(
        "xn_depthwise_i8", ("IN0", "W_filter", "&scales", "OUT0"), params
    )
    return site.call(
        "depthwise_conv_2d.c", body, weights={"filter": weights, **scaling.weights}, macs=macs
    )


def _depthwise_mve(site: Site, window: dict[str, CValue], sums: Sums, macs: int) -> KernelCall:
    """DEPTHWISE_CONV_2D in int8 for Helium: tables in the order that its widening leaves."""
    channels = site.output.shape[3]
    scaling = _scaling(site, sums, scale_vectors)
    taps = np.pad(site.constant(1).reshape(-1, channels), ((0, 0), (0, -channels % 16)))
    blocks = taps.reshape(len(taps), -1, 16).transpose(1, 0, 2)
    order = (
        np.arange(-(-channels // 16) * 16).reshape(-1, 4, 2, 2).transpose(0, 3, 2, 1).reshape(-1)
    )
    tables = {
        name: np.pad(table, (0, len(order) - channels))[order]
        for name, table in scaling.weights.items()
    }
    params: dict[str, CValue] = {
        "window": window,
        "channels": channels,
        "in_zero": zero_of(site.input(0)),
        "scaling": scaling.params,
    }
    arguments = ("IN0", "W_filter", "&scales", "OUT0")
    return site.call(
        "depthwise_conv_2d_mve.c",
        scaling.declaration + c_call("xn_depthwise_mve", arguments, params),
        weights={"filter": blocks, **tables},
        macs=macs,
    )


def _depthwise_dsp(site: Site, params: dict[str, CValue], sums: Sums, macs: int) -> KernelCall:
    """DEPTHWISE_CONV_2D in int8 for the DSP extension: weights channel by channel."""
    weights = site.constant(1)
    _, k_h, k_w, out_c = weights.shape
    out_w = site.output.shape[2]
    row = (out_w - 1) * site.int_attr("stride_w") + k_w + 2
    row += row % 2
    ring_bytes = 2 * k_h * row
    ring_bytes += -ring_bytes % 4
    scaling = _scaling(site, sums, scale_twice)
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
    )


def choose_fully_connected(site: Site) -> KernelCall:
    """FULLY_CONNECTED in int8 and float32; LiteRT's reference rounds int8 once."""
    weights = site.constant(1)
    out_c, in_c = weights.shape
    rows = site.input(0).count // in_c
    params: dict[str, CValue] = {"rows": rows, "in_c": in_c, "out_c": out_c}
    macs = rows * weights.size
    if site.is_float:
        return _float_layer(site, "fully_connected.c", "xn_fully_connected_f32", params, macs)
    _require_int8(site)
    # LiteRT applies the zero point of the weights only where there is one scale.
    quant = site.input(1).quant
    filter_zero = quant.zero_point[0] if quant and len(quant.scale) == 1 else 0
    sums = layer_sums(weights.astype(np.int64), _bias(site), site.input(0), filter_zero)
    scaling = _scaling(site, sums, scale_real)
    if site.target.has(DSP) and not site.target.has(MVE_I) and filter_zero == 0:
        return _fully_connected_dsp(site, params, scaling, macs)
    params |= {"filter_zero": filter_zero, "scaling": scaling.params}
    body = scaling.declaration + c_call(
        "xn_fully_connected_i8", ("IN0", "W_filter", "&scales", "OUT0"), params
    )
    return site.call(
        "fully_connected.c", body, weights={"filter": weights, **scaling.weights}, macs=macs
    )


def _fully_connected_dsp(
    site: Site, params: dict[str, CValue], scaling: Scaling, macs: int
) -> KernelCall:
    """FULLY_CONNECTED in int8 for the DSP extension."""
    packed = _two_by_four(site.constant(1))
    quads = packed.shape[1]
    params = {**params, "quads": quads, "scaling": scaling.params}
    arguments = ("IN0", "W_filter", "&scales", "(uint32_t *)SCRATCH", "OUT0")
    return site.call(
        "fully_connected_dsp.c",
        scaling.declaration + c_call("xn_fully_connected_dsp", arguments, params),
        weights={"filter": packed, **scaling.weights},
        scratch_bytes=8 * quads,
        macs=macs,
    )


def _float_layer(
    site: Site, source: str, function: str, params: dict[str, CValue], macs: int
) -> KernelCall:
    low, high = float_clamp(site.activation)
    bias = _bias(site)
    weights = {
        "filter": site.constant(1),
        "bias": np.zeros(site.output.shape[-1], np.float32) if bias is None else bias,
    }
    body = c_call(
        function,
        ("IN0", "W_filter", "W_bias", "OUT0"),
        {**params, "low": low, "high": high},
    )
    return site.call(source, body, weights=weights, macs=macs)


def _scaling(site: Site, sums: Sums, method: Callable[..., Scaling]) -> Scaling:
    factors = layer_factors(site.input(0), site.input(1), site.output)
    return method(factors, sums, site.output, quantized_clamp(site.activation, site.output))


def _bias(site: Site) -> npt.NDArray[np.generic] | None:
    return site.constant(2) if site.has_input(2) else None


def _require_int8(site: Site) -> None:
    dtypes = (site.input(0).dtype, site.input(1).dtype, site.output.dtype)
    if dtypes != ("int8", "int8", "int8"):
        site.refuse("input, filter and output must be int8 or float32", ", ".join(dtypes))
