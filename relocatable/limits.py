"""The limits of what a model may cost to compile and to run.

A file of a few hundred bytes can ask for gigabytes or for hours. What is asked for is compared with
these limits before it is allocated or computed. They are far beyond any microcontroller; where a
large file may cost more than a small one, the limit grows with the bytes of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from relocatable.errors import UnsupportedError, Violation
from relocatable.graph.graph import Graph, Tensor
from relocatable.steps.kernel_call import KernelCall

_ENDS = "bytes of all inputs and outputs"
_READS = "bytes of constants that operators read"
_CHANNELS = "scales of constants that operators read"
_KERNELS = "calls of kernels"
_PRODUCTS = "multiply-accumulates and values"
_ARENA = "bytes of the arena"

MOST_TENSOR_BYTES = 1 << 26  # of a computed tensor
_MOST_ENDPOINT_BYTES = 1 << 25  # of all inputs and outputs together
_MOST_ARENA_BYTES = 1 << 27
_MOST_CALLS = 10_000  # of kernels
# What any model may have, what it may have more for each byte of its file, and the most of all.
_FOLDED = (1 << 24, 8, 1 << 26)  # bytes of constants that are computed
_READ = (1 << 24, 8, 1 << 26)  # bytes of constants that the operators read
_SCALES = (1 << 14, 1 / 16, 1 << 17)  # of channels, of layers' weights
_WORK = (1 << 31, 1 << 14, 6_000_000_000)  # multiply-accumulates and values: some 7 s
_PER_FLOAT = 4  # products of floats are added one after another, and take longer

_MOST_COPIES = 500  # of kernels: beyond, steps share them, which Clang is done with sooner


def most_folded_bytes(graph: Graph) -> int:
    """Count the bytes of constants that may be computed at compile time."""
    return _most(_FOLDED, graph)


def check_tensors(graph: Graph) -> None:
    """Check the sizes that a lowered graph asks for.

    Raises:
        UnsupportedError: one is too large.
    """
    _refuse(tensor_violations(graph))


def tensor_violations(graph: Graph) -> Iterator[Violation]:
    """Find the sizes of a graph that are too large."""
    ends = sum(graph.tensors[i].size_bytes for i in (*graph.inputs, *graph.outputs))
    constants = _read_constants(graph)
    read = sum(tensor.size_bytes for tensor in constants)
    scales = sum(len(t.quant.scale) for t in constants if t.quant and t.quant.axis is not None)
    yield from _exceeds(graph, _ENDS, ends, _MOST_ENDPOINT_BYTES)
    yield from _exceeds(graph, _READS, read, _most(_READ, graph))
    yield from _exceeds(graph, _CHANNELS, scales, _most(_SCALES, graph))


def _read_constants(graph: Graph) -> list[Tensor]:
    found: list[Tensor] = []
    for op in graph.ops:
        found += [graph.tensors[i] for i in op.inputs if i != -1]
        for called in op.subgraphs:
            found += _read_constants(called)
    return [tensor for tensor in found if tensor.data is not None]


def check_work(graph: Graph, calls: Sequence[KernelCall]) -> None:
    """Check the work of a program's steps.

    Raises:
        UnsupportedError: it is too much to be done once, for the golden vector.
    """
    values = sum(graph.tensors[i].count for call in calls for i in call.outputs)
    work = sum(_products(graph, call) for call in calls) + values
    _refuse(
        (
            *_exceeds(graph, _KERNELS, count_kernels(calls), _MOST_CALLS),
            *_exceeds(graph, _PRODUCTS, work, _most(_WORK, graph)),
        )
    )


def _products(graph: Graph, call: KernelCall) -> int:
    is_float = graph.tensors[call.outputs[0]].dtype == "float32"
    return call.macs * (_PER_FLOAT if is_float else 1)


def shares_kernels(calls: Sequence[KernelCall]) -> bool:
    """Tell whether a program has too many steps for copies of the kernels."""
    return count_kernels(calls) > _MOST_COPIES


def check_arena(graph: Graph, arena_bytes: int, most_bytes: int = _MOST_ARENA_BYTES) -> None:
    """Check the arena that a plan needs.

    Raises:
        UnsupportedError: it is too large.
    """
    _refuse(_exceeds(graph, _ARENA, arena_bytes, most_bytes))


def limit_texts() -> list[str]:
    """Write the limits of a model in words, for docs/OPS.md."""
    fixed = ((_ENDS, _MOST_ENDPOINT_BYTES), (_KERNELS, _MOST_CALLS), (_ARENA, _MOST_ARENA_BYTES))
    grown = ((_READS, _READ), (_CHANNELS, _SCALES), (_PRODUCTS, _WORK))
    texts = [
        *(_rule(what, most) for what, most in fixed),
        *(
            f"{_rule(what, base)}, and {per:g} more for each byte of the file, {most} in all"
            for what, (base, per, most) in grown
        ),
    ]
    return [*texts[:-1], f"{texts[-1]}; one of floats counts as {_PER_FLOAT}"]


def count_kernels(calls: Sequence[KernelCall]) -> int:
    """Count the calls of kernels in a program's steps, those of loops included."""
    layers = [layer for c in calls for layer in (c.pipeline.parts if c.pipeline else (c,))]
    called = [graph for layer in layers for graph in layer.called]
    own = sum(len(layer.calls) for layer in layers)
    return own + sum(count_kernels(graph.calls) for graph in called)


def _most(limit: tuple[int, float, int], graph: Graph) -> int:
    base, per_byte, most = limit
    return min(base + int(per_byte * graph.file_bytes), most)


def _exceeds(graph: Graph, what: str, seen: int, most: int) -> Iterator[Violation]:
    if seen > most:
        yield Violation(_rule(what, most), str(seen), "graph", graph.name)


def _rule(what: str, most: int) -> str:
    return f"{what} must be at most {most}"


def _refuse(violations: Iterable[Violation]) -> None:
    if found := list(violations):
        raise UnsupportedError(found)
