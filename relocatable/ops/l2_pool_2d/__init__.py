"""L2_POOL_2D."""

from __future__ import annotations

import numpy as np

from relocatable.ops._shared.pool import lower_pool, pool_operator
from relocatable.ops.operator import Array, Kernel
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall


def lower_plain(site: Site) -> KernelCall:
    """Lower a pool of float32."""
    return lower_pool(site, "l2_pool_2d/l2_pool_2d.c", "xn_l2_pool_2d")


def root_mean_square(seen: Array, is_float: bool) -> Array:
    """Compute the root of the mean square of each window."""
    found: Array = np.sqrt(np.nanmean(seen**2, axis=-2))
    return found


OPERATORS = (
    pool_operator("L2_POOL_2D", ("float32",), root_mean_square, Kernel(lower_plain), version=1),
)
