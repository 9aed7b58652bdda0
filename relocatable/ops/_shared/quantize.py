"""What QUANTIZE and DEQUANTIZE share."""

from __future__ import annotations

from relocatable.graph.graph import Tensor
from relocatable.ops._shared.fixed_point import scale_of, zero_of
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall


def quantize_call(site: Site, function: str, tensor: Tensor) -> KernelCall:
    """Make the call of a conversion between float32 and an integer type.

    Args:
        site: of the operator.
        function: the kernel.
        tensor: the operator's integer side.
    """
    params: dict[str, CValue] = {
        "count": site.count,
        "scale": scale_of(tensor),
        "zero": zero_of(tensor),
    }
    pointers = (Input(0), Output())
    call = CCall(function, pointers, params, "xn_quantize_params", dtype=tensor.dtype)
    return site.call("_shared/quantize.c", call, rows=site.value_rows)
