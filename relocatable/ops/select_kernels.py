"""Choose the kernel of each operator on a target, and its constants."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from relocatable.errors import OperatorError, RelocatableError, UnsupportedError, Violation
from relocatable.graph.graph import Graph, Op
from relocatable.ops import OPERATORS, find_operator, is_view
from relocatable.ops.operator import Operator
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import CalledGraph, KernelCall
from relocatable.targets import TARGETS, Target

# The operator, by its first output, target, whether it is frugal -> its call.
Lowered = dict[tuple[int, str, bool], KernelCall]


def select_kernels(
    graph: Graph, target: Target, frugal: Collection[int] = (), lowered: Lowered | None = None
) -> tuple[KernelCall, ...]:
    """Choose a kernel for each operator.

    Args:
        graph: a lowered graph; a view in it gets no step, its output shares its input's memory.
        target: the CPU to choose for.
        frugal: operators, by their first output, that get the kernel with the least scratch.
        lowered: calls of the same graph, chosen before; those of this one are added.

    Returns:
        The program's calls in order.

    Raises:
        UnsupportedError: no kernel does some operators as they stand in the graph.
    """
    calls: list[KernelCall] = []
    refused: list[Violation] = []
    lowered = {} if lowered is None else lowered
    for op in graph.ops:
        if is_view(graph, op):
            continue
        key = op.outputs[0], target.name, op.outputs[0] in frugal
        if key in lowered:
            calls.append(lowered[key])
            continue
        site = Site(graph, op, target)
        operator = find_operator(graph.own_operators, op.kind)
        if operator is None:
            kinds = ", ".join((*OPERATORS, *graph.own_operators))
            site.refuse(f"operator must be one of {kinds}", op.kind)
        try:
            if operator.folder is None:
                call = operator.lower(site, key[2])
            else:
                call = _lower_own(site, operator, key[2])
        except UnsupportedError as error:
            refused += error.violations
            continue
        if op.subgraphs:
            called = [CalledGraph(sub, select_kernels(sub, target)) for sub in op.subgraphs]
            macs = sum(inner.macs for graph in called for inner in graph.calls)
            call = replace(call, called=tuple(called), macs=macs)
        lowered[key] = call
        calls.append(call)
    if refused:
        raise UnsupportedError(refused)
    return tuple(calls)


def works_in_place(graph: Graph, op: Op, read: Collection[int]) -> bool:
    """Tell whether all kernels of an operator may write over inputs.

    Args:
        graph: with the operator's tensors.
        op: an operator that has a step.
        read: those of its inputs.
    """
    alone = replace(graph, ops=(op,))
    for target in TARGETS.values():
        for frugal in ((), op.outputs):
            try:
                [call] = select_kernels(alone, target, frugal)
            except UnsupportedError:
                break  # it is not compiled for this target
            places = [at for at, i in enumerate(call.inputs) if i in read]
            if any(call.in_place.get(at) != 0 for at in places):
                return False
    return True


def _lower_own(site: Site, operator: Operator, is_frugal: bool) -> KernelCall:
    """Lower a user's own operator, whose kernels are not below ops/."""
    assert operator.folder is not None
    what = f"{operator.folder}: kernel of {operator.kind}"
    try:
        call = operator.lower(site, is_frugal)
    except RelocatableError:
        raise
    except Exception as error:  # whatever it does
        what = f"{what} must be lowered; {type(error).__name__}: {error}"
        raise OperatorError(what) from error
    source = call.source.removeprefix("ops/")
    if (operator.folder / source).is_file():
        return replace(call, source=source)
    if not (Path(__file__).parent / source).is_file():
        raise OperatorError(f"{what} must be in a file of the folder; {source} is none")
    return call
