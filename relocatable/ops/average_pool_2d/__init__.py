"""AVERAGE_POOL_2D."""

from __future__ import annotations

import numpy as np

from relocatable.ops._shared.pool import lower_pool, pool_operator
from relocatable.ops._shared.types import ARITHMETIC_16
from relocatable.ops.operator import Array, Kernel
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall


def lower_plain(site: Site) -> KernelCall:
    """Lower a pool of any type."""
    return lower_pool(site, "average_pool_2d/average_pool_2d.c", "xn_average_pool_2d")


def mean(seen: Array, is_float: bool) -> Array:
    """Average what each window sees; integers round halves away from zero."""
    found: Array = np.nanmean(seen, axis=-2)
    whole: Array = np.sign(found) * np.floor(np.abs(found) + 0.5)
    return found if is_float else whole


OPERATORS = (pool_operator("AVERAGE_POOL_2D", ARITHMETIC_16, mean, Kernel(lower_plain)),)
