"""Choose the kernel of each operator on a target, and its constants."""

from __future__ import annotations

from relocatable.graph.graph import Graph
from relocatable.ops import OPERATORS, is_view
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall
from relocatable.targets import Target


def select_kernels(graph: Graph, target: Target) -> tuple[KernelCall, ...]:
    """Choose a kernel for each operator.

    Args:
        graph: a lowered graph; a view in it gets no step, its output shares its input's memory.
        target: the CPU to choose for.

    Returns:
        The program's calls in order.

    Raises:
        UnsupportedError: no kernel does an operator as it stands in the graph.
    """
    calls = []
    for op in graph.ops:
        if is_view(graph, op):
            continue
        site = Site(graph, op, target)
        operator = OPERATORS.get(op.kind)
        if operator is None:
            site.refuse(f"operator must be one of {', '.join(OPERATORS)}", op.kind)
        calls.append(operator.lower(site))
    return tuple(calls)
