"""MAX_POOL_2D, AVERAGE_POOL_2D, MEAN."""

from __future__ import annotations

import numpy as np

from relocatable.fixed_point import (
    float_clamp,
    quantize_multiplier,
    quantized_clamp,
    scale_of,
    type_range,
    zero_of,
)
from relocatable.select.site import Site
from relocatable.select.window import window_of
from relocatable.steps.c_call import CCall, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall
from relocatable.targets import DSP, MVE_I

_BYTES = (Input(0, "uint8_t"), Output("uint8_t"))


def choose_max_pool_2d(site: Site) -> KernelCall:
    """MAX_POOL_2D in int8, uint8 and float32."""
    has_variant = site.target.has(DSP) and not site.target.has(MVE_I) and not site.is_float
    return _pool(site, "max_pool_2d", "dsp" if has_variant else "8")


def choose_average_pool_2d(site: Site) -> KernelCall:
    """AVERAGE_POOL_2D in int8, uint8 and float32."""
    return _pool(site, "average_pool_2d", "8")


def _pool(site: Site, name: str, variant: str) -> KernelCall:
    k_h, k_w = site.int_attr("filter_height"), site.int_attr("filter_width")
    window = window_of(site, k_h, k_w)
    params: dict[str, CValue] = {"window": window.fields, "channels": site.output.shape[3]}
    macs, rows = site.output.count * k_h * k_w, window.rows
    if site.is_float:
        low, high = float_clamp(site.activation)
        params |= {"low": low, "high": high}
        call = CCall(f"xn_{name}_f32", (Input(0), Output()), params)
        return site.call(f"{name}.c", call, macs=macs, rows=rows)
    q_low, q_high = quantized_clamp(site.activation, site.output)
    params |= {"is_signed": site.is_signed, "low": q_low, "high": q_high}
    call = CCall(f"xn_{name}_{variant}", _BYTES, params)
    source = f"{name}.c" if variant == "8" else f"{name}_{variant}.c"
    return site.call(source, call, macs=macs, rows=rows)


def choose_mean(site: Site) -> KernelCall:
    """MEAN over constant axes in int8, uint8 and float32."""
    shape = site.input(0).shape
    axes = {int(a) % len(shape) for a in site.constant(1).reshape(-1)}
    keep, reduce = _loops(site, shape, axes)
    params: dict[str, CValue] = {"keep": keep, "reduce": reduce}
    count = int(np.prod([shape[a] for a in axes], dtype=np.int64))
    if site.is_float:
        call = CCall("xn_mean_f32", (Input(0), Output()), params)
        return site.call("mean.c", call, macs=site.input(0).count)
    multiplier, shift = quantize_multiplier(
        float(scale_of(site.input(0))) / float(scale_of(site.output))
    )
    # As LiteRT: the division goes into the multiplier, which is lifted first to keep its bits.
    lift = min(count.bit_length() - 1, 32, 31 + shift)
    low, high = type_range(site.output.dtype)
    params |= {
        "is_signed": site.is_signed,
        "in_zero_sum": zero_of(site.input(0)) * count,
        "out_zero": zero_of(site.output),
        "multiplier": (multiplier << lift) // count,
        "shift": shift - lift,
        "low": low,
        "high": high,
    }
    call = CCall("xn_mean_8", _BYTES, params)
    return site.call("mean.c", call, macs=site.input(0).count)


def _loops(site: Site, shape: tuple[int, ...], axes: set[int]) -> tuple[list[CValue], list[CValue]]:
    """The kept and the reduced dimensions, two loops each; neighbours of a kind are one loop."""
    loops: dict[bool, list[tuple[int, int]]] = {False: [], True: []}
    stride, previous = 1, None
    for axis in reversed(range(len(shape))):
        kind = axis in axes
        if shape[axis] != 1:
            if kind is previous:
                count, step = loops[kind][0]
                loops[kind][0] = (count * shape[axis], step)
            else:
                loops[kind].insert(0, (shape[axis], stride))
            previous = kind
        stride *= shape[axis]
    for found in loops.values():
        if len(found) > 2:
            site.refuse("axes must form at most two runs", str(sorted(axes)))
        while len(found) < 2:
            found.insert(0, (1, 0))
    keep, reduce = (
        [{"count": count, "stride": step} for count, step in loops[kind]] for kind in (False, True)
    )
    return list(keep), list(reduce)
