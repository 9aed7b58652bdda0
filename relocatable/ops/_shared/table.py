"""Functions of one 8-bit value, as tables of their 256 results."""

from __future__ import annotations

import numpy as np

from relocatable.graph.graph import Tensor
from relocatable.ops._shared.fixed_point import Ints, type_range
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Constant, Input, Output
from relocatable.steps.kernel_call import KernelCall


def all_values(tensor: Tensor) -> Ints:
    """List the 256 values of an 8-bit tensor, by their bits as unsigned."""
    return np.arange(256, dtype=np.uint8).view(tensor.dtype).astype(np.int64)


def lower_table(site: Site, values: Ints) -> KernelCall:
    """Make the call that looks up each value; `values` are clamped to the output's."""
    table = np.clip(values, *type_range(site.output.dtype)).astype(site.output.dtype)
    arguments = (Input(0, "uint8_t"), Constant("table"), Output("uint8_t"))
    return site.call(
        "_shared/table.c",
        CCall("xn_table_8", arguments, {"count": site.count}),
        weights={"table": table.view(np.uint8)},
        in_place=(0,),
        rows=site.value_rows,
    )
