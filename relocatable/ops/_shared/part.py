"""A part of a tensor at a place that is computed."""

from __future__ import annotations

from relocatable.graph.graph import Tensor
from relocatable.steps.c_call import CValue

MOST_DIMENSIONS = 8  # of the kernels


def part_params(whole: Tensor, part: Tensor, place: Tensor) -> dict[str, CValue]:
    """Describe a part for C: the field `part` of a kernel's parameters, an xn_part."""
    ones = (1,) * (MOST_DIMENSIONS - len(whole.shape))
    return {
        "part.rank": len(whole.shape),
        "part.words": 2 if place.dtype == "int64" else 1,
        "part.size": (*ones, *whole.shape),
        "part.part": (*ones, *part.shape),
    }
