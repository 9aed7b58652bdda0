"""Choose the kernel of each operator on a target, and its constants."""

from __future__ import annotations

from collections.abc import Collection

from relocatable.errors import UnsupportedError, Violation
from relocatable.graph.graph import Graph
from relocatable.ops import OPERATORS, is_view
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall
from relocatable.targets import Target


def select_kernels(
    graph: Graph, target: Target, frugal: Collection[int] = ()
) -> tuple[KernelCall, ...]:
    """Choose a kernel for each operator.

    Args:
        graph: a lowered graph; a view in it gets no step, its output shares its input's memory.
        target: the CPU to choose for.
        frugal: operators, by their first output, that get the kernel with the least scratch.

    Returns:
        The program's calls in order.

    Raises:
        UnsupportedError: no kernel does some operators as they stand in the graph.
    """
    calls: list[KernelCall] = []
    refused: list[Violation] = []
    for op in graph.ops:
        if is_view(graph, op):
            continue
        site = Site(graph, op, target)
        operator = OPERATORS.get(op.kind)
        if operator is None:
            site.refuse(f"operator must be one of {', '.join(OPERATORS)}", op.kind)
        try:
            calls.append(operator.lower(site, op.outputs[0] in frugal))
        except UnsupportedError as error:
            refused += error.violations
    if refused:
        raise UnsupportedError(refused)
    return tuple(calls)
