"""Functions of one value as tables of 256 results, or of 513 ends of lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from relocatable.graph.graph import Tensor
from relocatable.ops._shared.fixed_point import Ints, round_away_f32, scale_of, type_range
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Constant, Input, Output
from relocatable.steps.kernel_call import KernelCall

Real = TypeVar("Real", np.float32, np.float64)
RealFunction: TypeAlias = Callable[[npt.NDArray[Real]], npt.NDArray[Real]]


def all_values(tensor: Tensor) -> Ints:
    """List the 256 values of an 8-bit tensor, by their bits as unsigned."""
    return np.arange(256, dtype=np.uint8).view(tensor.dtype).astype(np.int64)


def table_pays(site: Site) -> bool:
    """Tell whether enough values are made for 256 words by one of two operands.

    With fewer, it would cost more than 16 bytes of flash for each.
    """
    return site.output.count >= 64


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


def lower_lines(site: Site, table: Ints) -> KernelCall:
    """Make the call that finds 16-bit values on the lines of `line_ends`."""
    arguments = (Input(0), Constant("table"), Output())
    return site.call(
        "_shared/lines_16.c",
        CCall("xn_lines_16", arguments, {"count": site.count}),
        weights={"table": table.astype(np.int16)},
        in_place=(0,),
        rows=site.value_rows,
    )


def line_ends(
    x: Tensor,
    y: Tensor,
    function: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]],
) -> Ints:
    """Compute LiteRT's table of a real function of 16-bit values, in single precision."""
    low, high = np.float32(-32768), np.float32(32767)
    ends = scale_of(x) * low, scale_of(x) * high
    return line_ends_between(ends, scale_of(y) * high - scale_of(y) * low, function)


def line_ends_between(ends: tuple[Real, Real], height: Real, function: RealFunction[Real]) -> Ints:
    """Compute LiteRT's table of a function whose arguments are at 65536 even places.

    Args:
        ends: first and last argument; in their precision all is computed.
        height: what lies between the smallest and the largest result.
        function: of many arguments.
    """
    real, (first, last) = type(height), ends
    step, inverse = (last - first) / real(512), real(65536) / height

    def rescaled(places: npt.NDArray[Real]) -> npt.NDArray[Real]:
        return np.asarray(function(places) * inverse, real)

    def rounded(values: npt.NDArray[Real]) -> npt.NDArray[Real]:
        return round_away_f32(np.clip(values, -(2.0**40), 2.0**40)).astype(real)

    places = first + np.arange(513, dtype=real) * step
    places[512] = last
    found = rounded(rescaled(places))
    following = first + np.arange(1, 513, dtype=real) * step
    middle = rounded((rescaled(following) + found[:-1]) / real(2))
    error = middle - rounded(rescaled(places[:-1] + step / real(2)))
    found[:-1] -= rounded(error / real(2))
    return np.clip(found, -32768, 32767).astype(np.int64)


def on_lines(table: Ints, values: Ints) -> Ints:
    """Find 16-bit values on the lines of a table by `line_ends`."""
    at = (values >> 7) + 256
    found: Ints = table[at] + (((table[at + 1] - table[at]) * (values & 127) + 64) >> 7)
    return found
