"""CAST."""

from __future__ import annotations

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.fixed_point import type_range
from relocatable.ops._shared.shapes import kept_shape, same_values
from relocatable.ops.node import Node
from relocatable.ops.operator import Kernel, Operand, Operator, Rng, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Input, Name, Output, c_type
from relocatable.steps.kernel_call import KernelCall

_TYPES = ("int8", "uint8", "int16", "int32", "uint32", "int64", "float32", "bool")


def lower_cast(site: Site) -> KernelCall:
    """Lower CAST between any types."""
    x, y = site.input(0), site.output
    arguments = (Input(0), Output(), site.count)
    to_type = Name(c_type(y.dtype))
    if y.dtype == "bool":
        call = CCall("XN_CAST_BOOL", arguments)
    elif site.is_float and y.dtype != "float32":
        low, high = type_range(y.dtype)
        limits = (Name(f"(-{-low - 1}LL - 1)" if low < 0 else "0"), Name(f"{high}LL"))
        call = CCall("XN_CAST_FLOAT", (*arguments, to_type, *limits))
    else:
        call = CCall("XN_CAST_INT", (*arguments, to_type))
    in_place = (0,) if x.size_bytes == y.size_bytes else ()
    return site.call("cast/cast.c", call, in_place=in_place, rows=site.value_rows)


def keeps_type(node: Node) -> bool:
    """Tell whether the type stays as it is."""
    return node.inputs[0].dtype == node.output.dtype


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph that casts to another type."""
    b = GraphBuilder()
    to = str(rng.choice([other for other in _TYPES if other != dtype]))
    x = b.input(1, 64, dtype=dtype, quant=None)
    return b.graph(b.op("CAST", (x,), b.tensor(1, 64, dtype=to, quant=None)))


OPERATORS = (
    Operator(
        kind="CAST",
        operands=(Operand("input", _TYPES),),
        output=_TYPES,
        shape=kept_shape,
        kernels=(Kernel(lower_cast),),
        evaluate=same_values,
        folds="constants",
        is_view=keeps_type,
        samples=samples(sample, _TYPES),
    ),
)
