"""Drop operators whose results nobody reads."""

from __future__ import annotations

from dataclasses import replace

from relocatable.graph.graph import Graph


def remove_dead(graph: Graph) -> Graph:
    """Keep what leads to the graph's outputs and states, in its order."""
    wanted = set(graph.kept)
    kept = []
    for op in reversed(graph.ops):
        if wanted.intersection(op.outputs):
            kept.append(op)
            wanted.update(op.inputs)
    return replace(graph, ops=tuple(reversed(kept)))
