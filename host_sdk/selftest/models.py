"""Small models of each operator, which the board must compute to the bit."""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

import numpy as np

from host_sdk.display.progress import Progress
from host_sdk.errors import XipnetError
from host_sdk.selftest.bench import Bench

# Of the quick test: dot products, windows, tables, both kinds of numbers.
_QUICK = (
    ("CONV_2D", "int8"),
    ("DEPTHWISE_CONV_2D", "int8"),
    ("FULLY_CONNECTED", "int16"),
    ("MAX_POOL_2D", "int8"),
    ("ADD", "int8"),
    ("SOFTMAX", "int8"),
    ("CONV_2D", "float32"),
)


def test_models(bench: Bench, progress: Progress | None) -> None:
    """Compile a random model of each operator; the board runs its golden vector."""
    if not bench.can_compile("models"):
        return
    pairs = list(_QUICK if bench.quick else _all_pairs())
    wrong: list[str] = []
    for i, (kind, form) in enumerate(pairs):
        if problem := _try(bench, kind, form):
            wrong.append(f"{kind} {form}: {problem}")
        if progress is not None:
            progress(i + 1, len(pairs))
    note = f"golden vectors of {len(pairs)} operators"
    bench.note("models", not wrong, note="; ".join(wrong) or note)


def _all_pairs() -> Iterator[tuple[str, str]]:
    """Yield each operator with the first of its element types."""
    from relocatable.ops import OPERATORS

    for kind, operator in OPERATORS.items():
        if operator.samples and operator.kernels:
            yield kind, next(iter(operator.samples))


def _try(bench: Bench, kind: str, form: str) -> str:
    """Load one; return what was wrong."""
    from relocatable.compile import compile_graph
    from relocatable.ops import OPERATORS

    rng = np.random.default_rng(crc32(f"{kind} {form}".encode()))
    graph = OPERATORS[kind].samples[form](rng, form)
    with bench.stored("model") as stored:
        blob = compile_graph(graph, stored, bench.session.info.cpu)
        try:
            loaded = bench.board.load_model(blob, stored)
        except XipnetError as error:
            return str(error)
    return "" if loaded.golden else "the board did not run its vector"
