"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED for the DSP extension."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from relocatable.fixed_point import zero_of
from relocatable.kernel_call import KernelCall, Rows
from relocatable.select.layer import scaling_of
from relocatable.select.scaling import Scaling, Sums, scale_twice
from relocatable.select.site import CValue, Site, c_call
from relocatable.select.window import window_rows


def conv_2d_dsp(site: Site, window: dict[str, CValue], sums: Sums, macs: int) -> KernelCall:
    """CONV_2D in int8 for the DSP extension: weights of two output channels, word by word."""
    weights = site.constant(1)
    out_c, in_c = weights.shape[0], weights.shape[3]
    packed = _two_by_four(weights)
    quads = packed.shape[1]
    scaling = scaling_of(site, sums, scale_twice)
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
        rows=replace(window_rows(window), block=2),
    )


def depthwise_dsp(
    site: Site, window: dict[str, CValue], params: dict[str, CValue], sums: Sums, macs: int
) -> KernelCall:
    """DEPTHWISE_CONV_2D in int8 for the DSP extension: weights channel by channel."""
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
        rows=_channel_by_channel(site, window_rows(window)),
    )


def _channel_by_channel(site: Site, rows: Rows) -> Rows:
    """Each call begins each channel anew, and fetches the rows again that windows share."""
    _, _, in_w, channels = site.input(0).shape
    again = 4 * max(0, rows.reach - rows.stride) * in_w
    return replace(rows, in_order=False, call_cost=channels * (60 + again))


def fully_connected_dsp(
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


def _two_by_four(weights: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Filters two by two, four values of each in turn: [ceil(C / 2), ceil(K / 4), 2, 4]."""
    rows = weights.reshape(len(weights), -1)
    rows = np.pad(rows, ((0, len(rows) % 2), (0, -rows.shape[1] % 4)))
    return rows.reshape(len(rows) // 2, 2, -1, 4).transpose(0, 2, 1, 3)
