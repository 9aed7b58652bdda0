"""STABLEHLO_COMPOSITE: a call of a subgraph, which the reader puts in its place."""

from __future__ import annotations

from relocatable.ops.operator import ANY, MANY, Operand, Operator, Options

_SUBGRAPH = "decomposition_subgraph_index"

OPERATORS = (
    Operator(
        kind="STABLEHLO_COMPOSITE",
        options=Options("StableHLOCompositeOptions", (_SUBGRAPH,), is_second=True),
        subgraphs=(_SUBGRAPH,),
        is_call=True,
        operands=(Operand("argument", ANY, optional=True),),
        is_variadic=True,
        output=ANY,
        outputs=(0, MANY),
        shape=None,
        version=1,
    ),
)
