"""RESHAPE, SQUEEZE and EXPAND_DIMS: another shape for the same bytes.

They take no step. If a graph has no other operators, the pass `copy_views` marks its reshapes, and
they copy the bytes.
"""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.shapes import same_count, same_values
from relocatable.ops._shared.types import INTEGERS, kept_type
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    ANY,
    SAMPLED,
    Kernel,
    Operand,
    Operator,
    Rng,
    Sample,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Input, Output
from relocatable.steps.kernel_call import KernelCall


def is_no_copy(node: Node) -> bool:
    """Tell whether the output shares the input's memory."""
    return "copies" not in node.op.attrs


def lower_copy(site: Site) -> KernelCall:
    """Lower a marked reshape: one block of bytes."""
    size = site.output.size_bytes
    params = {"outer": 1, "block": size, "out_offset": 0, "out_block": size}
    pointers = (Input(0, "uint8_t"), Output("uint8_t"))
    call = CCall("xn_concatenation", pointers, params, "xn_concatenation_params")
    return site.call("concatenation/concatenation.c", call)


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
        kernels=(Kernel(lower_copy),),
        is_view=is_no_copy,
        version=1,
        samples=samples(_sample(kind), SAMPLED),
    )
    for kind, second in _SECOND.items()
)
