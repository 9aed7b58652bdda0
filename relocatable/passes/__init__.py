"""The passes over a graph between reading and planning: one per file, in order.

A pass keeps the values of every tensor bit for bit, and may drop tensors that nobody reads.
"""

from __future__ import annotations

from collections.abc import Callable

from relocatable.graph.graph import Graph
from relocatable.passes.bind_subgraphs import bind_subgraphs
from relocatable.passes.copy_outputs import copy_outputs
from relocatable.passes.copy_views import copy_views
from relocatable.passes.drop_reshapes import drop_reshapes
from relocatable.passes.fold_constants import fold_constants
from relocatable.passes.fold_pad import fold_pad
from relocatable.passes.fuse_cast_quantize import fuse_cast_quantize
from relocatable.passes.place_states import place_states
from relocatable.passes.remove_dead import remove_dead

PASSES: tuple[Callable[[Graph], Graph], ...] = (
    fold_constants,
    drop_reshapes,
    fuse_cast_quantize,
    fold_pad,
    remove_dead,
    bind_subgraphs,
    place_states,
    copy_outputs,
    copy_views,
)

__all__ = ["PASSES"]
