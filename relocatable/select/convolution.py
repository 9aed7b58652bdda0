"""CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED: the target's variant, or plain C."""

from __future__ import annotations

import numpy as np

from relocatable.fixed_point import zero_of
from relocatable.select.convolution_dsp import conv_2d_dsp, depthwise_dsp, fully_connected_dsp
from relocatable.select.convolution_mve import conv_2d_mve, depthwise_mve
from relocatable.select.layer import bias_of, float_layer, require_int8, scaling_of
from relocatable.select.scaling import Sums, layer_sums, scale_real, scale_twice
from relocatable.select.site import Site
from relocatable.select.window import window_of
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall, Rows
from relocatable.targets import DSP, MVE_I


def choose_conv_2d(site: Site) -> KernelCall:
    """CONV_2D in int8 and float32, with groups and dilation."""
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
    macs = site.output.count * k_h * k_w * filter_c
    rows = window.rows
    if site.is_float:
        return float_layer(site, "conv_2d.c", "xn_conv_2d_f32", params, macs, rows)
    require_int8(site)
    sums = layer_sums(weights.reshape(out_c, -1).astype(np.int64), bias_of(site), site.input(0))
    if filter_c == in_c and site.target.has(MVE_I):
        return conv_2d_mve(site, window, sums, macs)
    if filter_c == in_c and site.target.has(DSP):
        return conv_2d_dsp(site, window, sums, macs)
    params["in_zero"] = zero_of(site.input(0))
    return _plain_layer(site, "conv_2d.c", "xn_conv_2d_i8", params, sums, macs, rows)


def choose_depthwise_conv_2d(site: Site) -> KernelCall:
    """DEPTHWISE_CONV_2D in int8 and float32, with multiplier and dilation."""
    weights = site.constant(1)
    _, k_h, k_w, out_c = weights.shape
    in_c = site.input(0).shape[3]
    window = window_of(site, k_h, k_w)
    params: dict[str, CValue] = {
        "window": window.fields,
        "in_c": in_c,
        "multiplier": out_c // in_c,
    }
    macs = site.output.count * k_h * k_w
    rows = window.rows
    if site.is_float:
        return float_layer(site, "depthwise_conv_2d.c", "xn_depthwise_f32", params, macs, rows)
    require_int8(site)
    sums = layer_sums(weights.reshape(-1, out_c).T.astype(np.int64), bias_of(site), site.input(0))
    params["in_zero"] = zero_of(site.input(0))
    # Helium's kernel adds pairs of products in 16 bits, which -128 * -128 would leave.
    if site.target.has(MVE_I) and out_c == in_c and weights.min(initial=0) > -128:
        return depthwise_mve(site, window, sums, macs)
    undilated = window.dilation_h == window.dilation_w == 1
    if site.target.has(DSP) and not site.target.has(MVE_I) and undilated:
        call = depthwise_dsp(site, window, params, sums, macs)
        if call is not None:
            return call
    return _plain_layer(site, "depthwise_conv_2d.c", "xn_depthwise_i8", params, sums, macs, rows)


def _plain_layer(
    site: Site,
    source: str,
    function: str,
    params: dict[str, CValue],
    sums: Sums,
    macs: int,
    rows: Rows,
) -> KernelCall:
    """A layer of int8 in plain C, its filter as the model has it."""
    scaling = scaling_of(site, sums, scale_twice)
    arguments = (Input(0), Constant("filter"), scaling.tables, Output())
    return site.call(
        source,
        CCall(function, arguments, {**params, "scaling": scaling.params}),
        weights={"filter": site.constant(1), **scaling.weights},
        macs=macs,
        rows=rows,
    )


def choose_fully_connected(site: Site) -> KernelCall:
    """FULLY_CONNECTED in int8 and float32; LiteRT's reference rounds int8 once."""
    weights = site.constant(1)
    out_c, in_c = weights.shape
    rows = site.input(0).count // in_c
    params: dict[str, CValue] = {"rows": rows, "in_c": in_c, "out_c": out_c}
    macs = rows * weights.size
    if site.is_float:
        return float_layer(site, "fully_connected.c", "xn_fully_connected_f32", params, macs)
    require_int8(site)
    # LiteRT applies the zero point of the weights only where there is one scale.
    quant = site.input(1).quant
    filter_zero = quant.zero_point[0] if quant and len(quant.scale) == 1 else 0
    sums = layer_sums(weights.astype(np.int64), bias_of(site), site.input(0), filter_zero)
    if site.target.has(DSP) and not site.target.has(MVE_I) and filter_zero == 0:
        call = fully_connected_dsp(site, params, sums, macs)
        if call is not None:
            return call
    scaling = scaling_of(site, sums, scale_real)
    params |= {"filter_zero": filter_zero, "scaling": scaling.params}
    arguments = (Input(0), Constant("filter"), scaling.tables, Output())
    return site.call(
        "fully_connected.c",
        CCall("xn_fully_connected_i8", arguments, params),
        weights={"filter": weights, **scaling.weights},
        macs=macs,
    )
