"""RESHAPE, SQUEEZE and EXPAND_DIMS: another shape for the same bytes."""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.shapes import is_always_view, same_count, same_values
from relocatable.ops._shared.types import INTEGERS, kept_type
from relocatable.ops.operator import ANY, Operand, Operator, Rng, Sample, samples


def _sample(kind: str) -> Sample:
    def sample(rng: Rng, dtype: str) -> Graph:
        b = GraphBuilder()
        shape = [1, *(int(v) for v in rng.integers(2, 6, 3))]
        source, to = shape, shape[1:]
        inputs = []
        if kind == "RESHAPE":
            to = [int(np.prod(shape))]
            inputs = [b.constant(to)]
        elif kind == "EXPAND_DIMS":
            source, to = to, source
            inputs = [b.constant([0])]
        quant = random_quant(rng, dtype)
        x = b.input(*source, dtype=dtype, quant=quant)
        y = b.tensor(*to, dtype=dtype, quant=quant)
        return b.graph(b.op(kind, (x, *inputs), y))

    return sample


_SECOND = {
    "RESHAPE": (
        Operand("second input", INTEGERS, constant=True, optional=True, may_be_empty=True),
    ),
    "SQUEEZE": (),
    "EXPAND_DIMS": (Operand("second input", INTEGERS, constant=True),),
}

OPERATORS = tuple(
    Operator(
        kind=kind,
        operands=(Operand("input", ANY), *second),
        output=ANY,
        rules=(kept_type,),
        shape=same_count,
        evaluate=same_values,
        folds="constants",
        is_view=is_always_view,
        version=1,
        samples=samples(_sample(kind), ANY),
    )
    for kind, second in _SECOND.items()
)
