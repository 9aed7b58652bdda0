"""What is done to a graph between reading and planning: one pass per file, in this order.

A pass keeps every tensor that stays bit for bit; tensors that nobody reads any more may go.
"""

from __future__ import annotations

from collections.abc import Callable

from relocatable.graph.graph import Graph
from relocatable.passes.drop_reshapes import drop_reshapes
from relocatable.passes.fold_constants import fold_constants
from relocatable.passes.fold_pad import fold_pad
from relocatable.passes.fuse_cast_quantize import fuse_cast_quantize
from relocatable.passes.remove_dead import remove_dead

PASSES: tuple[Callable[[Graph], Graph], ...] = (
    fold_constants,
    drop_reshapes,
    fuse_cast_quantize,
    fold_pad,
    remove_dead,
)

__all__ = ["PASSES"]
