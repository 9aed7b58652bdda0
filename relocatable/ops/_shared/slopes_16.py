"""Functions of 16-bit values that are two straight lines, which meet at zero."""

from __future__ import annotations

from relocatable.ops._shared.fixed_point import quantize_multiplier
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall


def lower_slopes(
    site: Site, factors: tuple[float, float], clamp: tuple[int, int] | tuple[float, float]
) -> KernelCall:
    """Make the call that multiplies stored values and clamps them.

    Args:
        site: of the operator; zero points are 0.
        factors: of values from zero on and below.
        clamp: of the output.
    """
    up, down = factors
    multiplier, shift = quantize_multiplier(up)
    below, below_shift = quantize_multiplier(abs(down))
    params: dict[str, CValue] = {
        "count": site.count,
        "multiplier": multiplier,
        "shift": shift,
        "below_multiplier": below,
        "below_shift": below_shift,
        "below_sign": -1 if down < 0 else 1,
        "low": clamp[0],
        "high": clamp[1],
    }
    call = CCall("xn_slopes_16", (Input(0), Output()), params)
    return site.call("_shared/slopes_16.c", call, in_place=(0,), rows=site.value_rows)
