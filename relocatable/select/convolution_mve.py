"""CONV_2D and DEPTHWISE_CONV_2D for Helium."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relocatable.fixed_point import zero_of
from relocatable.select.layer import scaling_of
from relocatable.select.scaling import Sums, scale_vectors
from relocatable.select.site import Site
from relocatable.select.window import Window
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Output, Scratch
from relocatable.steps.kernel_call import KernelCall


def conv_2d_mve(site: Site, window: Window, sums: Sums, macs: int) -> KernelCall:
    """CONV_2D in int8 for Helium."""
    weights = site.constant(1)
    out_c, in_c = weights.shape[0], weights.shape[3]
    scaling = scaling_of(site, sums, scale_vectors)
    params: dict[str, CValue] = {
        "window": window.fields,
        "in_c": in_c,
        "out_c": out_c,
        "in_zero": zero_of(site.input(0)),
        "scaling": scaling.params,
    }
    arguments = (Input(0), Constant("filter"), scaling.tables, Scratch("int8_t"), Output())
    return site.call(
        "conv_2d_mve.c",
        CCall("xn_conv_2d_mve", arguments, params),
        weights={"filter": _four_by_sixteen(weights), **scaling.weights},
        scratch_bytes=weights[0].size,
        macs=macs,
        rows=window.rows,
    )


def depthwise_mve(site: Site, window: Window, sums: Sums, macs: int) -> KernelCall:
    """DEPTHWISE_CONV_2D in int8 for Helium: tables in the order that its widening leaves."""
    channels = site.output.shape[3]
    scaling = scaling_of(site, sums, scale_vectors)
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
        "window": window.fields,
        "channels": channels,
        "in_zero": zero_of(site.input(0)),
        "scaling": scaling.params,
    }
    arguments = (Input(0), Constant("filter"), scaling.tables, Output())
    return site.call(
        "depthwise_conv_2d_mve.c",
        CCall("xn_depthwise_mve", arguments, params),
        weights={"filter": blocks, **tables},
        macs=macs,
        rows=window.rows,
    )


def _four_by_sixteen(weights: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Filters four by four: 16 values of each in turn, then the rest of each."""
    rows = weights.reshape(len(weights), -1)
    fours = np.pad(rows, ((0, -len(rows) % 4), (0, 0))).reshape(-1, 4, rows.shape[1])
    whole = rows.shape[1] // 16 * 16
    blocks = fours[:, :, :whole].reshape(len(fours), 4, -1, 16).transpose(0, 2, 1, 3)
    parts = (blocks, fours[:, :, whole:])
    return np.concatenate([part.reshape(len(fours), -1) for part in parts], axis=1)
