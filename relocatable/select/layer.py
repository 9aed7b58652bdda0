"""What layers with weights share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from relocatable.fixed_point import float_clamp, quantized_clamp
from relocatable.select.scaling import Scaling, Sums, layer_factors
from relocatable.select.site import Site
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall, Rows


def float_layer(
    site: Site,
    source: str,
    function: str,
    params: dict[str, CValue],
    macs: int,
    rows: Rows | None = None,
) -> KernelCall:
    """The call of a layer in float32."""
    low, high = float_clamp(site.activation)
    bias = bias_of(site)
    weights = {
        "filter": site.constant(1),
        "bias": np.zeros(site.output.shape[-1], np.float32) if bias is None else bias,
    }
    arguments = (Input(0), Constant("filter"), Constant("bias"), Output())
    call = CCall(function, arguments, {**params, "low": low, "high": high})
    return site.call(source, call, weights=weights, macs=macs, rows=rows)


def scaling_of(site: Site, sums: Sums, method: Callable[..., Scaling]) -> Scaling:
    """The scaling of an int8 layer's sums, by a method of scaling.py."""
    factors = layer_factors(site.input(0), site.input(1), site.output)
    return method(factors, sums, site.output, quantized_clamp(site.activation, site.output))


def bias_of(site: Site) -> npt.NDArray[np.generic] | None:
    """The layer's bias, None where it has none."""
    return site.constant(2) if site.has_input(2) else None


def require_int8(site: Site) -> None:
    """Refuses a layer that is not int8 throughout."""
    dtypes = (site.input(0).dtype, site.input(1).dtype, site.output.dtype)
    if dtypes != ("int8", "int8", "int8"):
        site.refuse("input, filter and output must be int8 or float32", ", ".join(dtypes))
