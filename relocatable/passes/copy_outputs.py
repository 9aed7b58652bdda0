"""Copy outputs that no operator writes.

A program has a step or more, and constants have no place in the arena.
"""

from __future__ import annotations

from dataclasses import replace

from relocatable.graph.graph import Graph, Op


def copy_outputs(graph: Graph) -> Graph:
    """Copy constants, and all outputs of a graph without operators."""
    if not graph.inputs:  # a called graph, whose outputs its caller reads as they are
        return graph
    tensors, ops, outputs = list(graph.tensors), list(graph.ops), list(graph.outputs)
    for at, i in enumerate(outputs):
        if tensors[i].data is not None or not graph.ops:
            outputs[at] = len(tensors)
            tensors.append(replace(tensors[i], data=None))
            ops.append(Op("RESHAPE", tensors[i].name, (i,), (outputs[at],), {"copies": True}))
    return replace(graph, tensors=tuple(tensors), ops=tuple(ops), outputs=tuple(outputs))
