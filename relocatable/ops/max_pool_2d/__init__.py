"""MAX_POOL_2D."""

from __future__ import annotations

import numpy as np

from relocatable.ops._shared.pool import lower_pool, pool_operator
from relocatable.ops._shared.types import ARITHMETIC_16
from relocatable.ops.operator import Array, Kernel
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall
from relocatable.targets.arm import DSP, MVE_I


def lower_dsp(site: Site) -> KernelCall:
    """Lower a pool of bytes for the DSP extension."""
    return lower_pool(site, "max_pool_2d/max_pool_2d_dsp.c", "xn_max_pool_2d_dsp")


def of_bytes(site: Site) -> bool:
    """Tell whether the values are of 8 bits."""
    return site.output.dtype in ("int8", "uint8")


def lower_plain(site: Site) -> KernelCall:
    """Lower a pool of any type."""
    return lower_pool(site, "max_pool_2d/max_pool_2d.c", "xn_max_pool_2d")


def greatest(seen: Array, is_float: bool) -> Array:
    """Find the greatest value of each window."""
    found: Array = np.nanmax(seen, axis=-2)
    return found


OPERATORS = (
    pool_operator(
        "MAX_POOL_2D",
        ARITHMETIC_16,
        greatest,
        Kernel(lower_dsp, needs=(DSP,), without=(MVE_I,), takes=of_bytes),
        Kernel(lower_plain),
    ),
)
