"""PAD and PADV2."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.random import random_input, random_quant
from relocatable.ops._shared.types import (
    INTEGERS,
    kept_scale,
    kept_type,
    one_scale_or_none,
    quant_text,
)
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Sample, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

_MOST_RUNS = 5  # of the kernel


class _Run(NamedTuple):
    """Neighbouring dimensions, of which only the first one is padded."""

    length: int
    before: int
    after: int


def pad_amounts(node: Node) -> Seen:
    """paddings must be [rank, 2], none below 0, and lead to the output's shape"""
    source, output, amounts = node.inputs[0].shape, node.output.shape, node.inputs[1]
    if amounts.shape != (len(source), 2):
        return False, f"{list(amounts.shape)} for {list(source)}"
    flat = node.integers(1)
    grown = tuple(d + sum(flat[2 * i : 2 * i + 2]) for i, d in enumerate(source))
    ok = min(flat, default=0) >= 0 and grown == output
    return ok, f"{flat} for {list(source)} -> {list(output)}"


def five_runs(node: Node) -> Seen:
    """padded dimensions must begin at most 5 runs of neighbours, with those before the first one"""
    return len(_runs(node)) <= _MOST_RUNS, f"{node.integers(1)} for {list(node.inputs[0].shape)}"


def _runs(node: Node) -> list[_Run]:
    """Join each dimension that is not padded to the one before it."""
    runs: list[_Run] = []
    flat = node.integers(1)
    for length, before, after in zip(node.inputs[0].shape, flat[::2], flat[1::2], strict=False):
        if runs and not (before or after):
            runs[-1] = _Run(*(length * n for n in runs[-1]))
        else:
            runs.append(_Run(length, before, after))
    return runs


def pad_value(node: Node) -> Seen:
    """the value to pad with must be one constant of the input's type and scale"""
    source, value = node.inputs[0], node.inputs[2]
    ok = value.data is not None and value.count == 1
    ok = ok and value.dtype == source.dtype and value.quant == source.quant
    return ok, f"{value.dtype} {list(value.shape)}, {quant_text(value.quant)}"


def lower_pad(site: Site) -> KernelCall:
    """Lower PAD or PADV2 of values of 8 to 64 bits."""
    runs = _runs(site.node)
    runs = [_Run(1, 0, 0)] * (_MOST_RUNS - len(runs)) + runs
    value = site.constant(2).reshape(-1)[:1] if site.has_input(2) else _zero(site)
    fill = int(value.view(f"i{value.itemsize}")[0])
    params: dict[str, CValue] = {
        "in": [run.length for run in runs],
        "before": [run.before for run in runs],
        "after": [run.after for run in runs],
        "fill": (fill & 0xFFFFFFFF ^ 1 << 31) - (1 << 31),
        "fill_high": fill >> 32,
    }
    # Values are only moved: types of one width share an instance.
    bits = f"uint{8 * value.itemsize}"
    pointers = (Input(0, f"{bits}_t"), Output(f"{bits}_t"))
    call = CCall("xn_pad", pointers, params, dtype=bits)
    return site.call("pad/pad.c", call)


def _zero(site: Site) -> npt.NDArray[np.generic]:
    quant = site.output.quant
    return np.array([quant.zero_point[0] if quant else 0], site.output.dtype)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Surround values with zeros, or with a value."""
    quant = node.output.quant
    zero = quant.zero_point[0] if quant else 0
    value = inputs[2].reshape(-1)[0] if len(inputs) > 2 else zero
    return np.pad(inputs[0], inputs[1], constant_values=value)


def _sample(kind: str) -> Sample:
    def sample(rng: Rng, dtype: str) -> Graph:
        rank = int(rng.integers(1, 6))
        shape = [int(v) for v in rng.integers(1, 6, rank)]
        amounts = rng.integers(0, 4, (rank, 2)) * (rng.random((rank, 1)) < 0.7)
        b = GraphBuilder()
        quant = random_quant(rng, dtype)
        x = b.input(*shape, dtype=dtype, quant=quant)
        grown = [d + int(a) + int(c) for d, (a, c) in zip(shape, amounts, strict=True)]
        y = b.tensor(*grown, dtype=dtype, quant=quant)
        inputs = [x, b.constant(amounts)]
        if kind == "PADV2":
            inputs.append(b.constant(random_input(rng, (1,), dtype), dtype, quant))
        return b.graph(b.op(kind, inputs, y))

    return sample


_TYPES = ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")
_OPERANDS = (Operand("input", _TYPES), Operand("paddings", INTEGERS, constant=True))
_RULES = (kept_type, one_scale_or_none, kept_scale)

OPERATORS = (
    Operator(
        kind="PAD",
        operands=_OPERANDS,
        output=_TYPES,
        rules=(*_RULES, five_runs),
        shape=pad_amounts,
        kernels=(Kernel(lower_pad),),
        evaluate=evaluate,
        samples=samples(_sample("PAD"), _TYPES),
    ),
    Operator(
        kind="PADV2",
        operands=(*_OPERANDS, Operand("value", _TYPES)),
        output=_TYPES,
        rules=(*_RULES, pad_value, five_runs),
        shape=pad_amounts,
        kernels=(Kernel(lower_pad),),
        evaluate=evaluate,
        samples=samples(_sample("PADV2"), _TYPES),
    ),
)
