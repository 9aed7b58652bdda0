"""What QUANTIZE and DEQUANTIZE share."""

from __future__ import annotations

from relocatable.graph.graph import Tensor
from relocatable.ops._shared.fixed_point import scale_of, zero_of
from relocatable.ops.site import Site
from relocatable.steps.c_call import CValue


def quantize_params(site: Site, tensor: Tensor) -> dict[str, CValue]:
    """Fill in the fields of xn_quantize_params.

    Args:
        site: of the operator.
        tensor: its 8-bit side.
    """
    return {
        "count": site.count,
        "scale": scale_of(tensor),
        "zero": zero_of(tensor),
        "is_signed": int(tensor.dtype == "int8"),
    }
