"""Instructions a value of operators that make each value of one or two others.

Each operator is a step of its own, compiled for speed, and runs on 16,384 zeros;
two operands have one shape and different scales. QEMU counts as for `instructions`: what a step
costs beside its loop is in it, and a vector instruction counts 1. Programs for CPUs without a
virtual board run on one of a higher level. DIV is by a constant; PRELU has constant slopes of 64
channels, then computed ones.

The bounds of 8-bit values are 4 instructions for one operand, and for two 7 on Cortex-M4, M7 and
M33, 3 on M55. Above them is PRELU with computed slopes on M4, M7 and M33: it does all that MUL
does, and looks up what becomes of values from zero on. Floats have no bound: on Cortex-M0+ they are
computed in software, which is quicker for zeros than for other values.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from host_sdk import Device
from relocatable.compile import build_blob, lower, schedule
from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Graph, Quant
from relocatable.ops import OPERATORS
from relocatable.ops.operator import Operator
from relocatable.targets import find_target

CHANNELS = 64
SHAPE = (1, 256, CHANNELS)
COUNT = 1 << 14
# The virtual board that runs a target's program.
BOARDS = {
    "cortex-m0plus": "cortex-m4",
    "cortex-m4": "cortex-m4",
    "cortex-m7": "cortex-m7",
    "cortex-m33": "cortex-m55",
    "cortex-m55": "cortex-m55",
}
_COMPUTED = "PRELU by computed slopes"
UNARY = (
    *("ABS", "ELU", "EXP", "GELU", "HARD_SWISH", "LEAKY_RELU", "LOG", "LOGISTIC", "NEG"),
    *("QUANTIZE", "RELU", "RELU6", "RSQRT", "SQRT", "TANH"),
)
BINARY = (
    *("ADD", "DIV", "EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "MAXIMUM"),
    *("MINIMUM", "MUL", "NOT_EQUAL", "PRELU", _COMPUTED, "SQUARED_DIFFERENCE", "SUB"),
)
DTYPES = ("int8", "uint8", "int16", "float32")
_ATTRS: dict[str, dict[str, AttrValue]] = {
    "ADD": {"fused_activation_function": "NONE", "pot_scale_int16": False},
    "DIV": {"fused_activation_function": "NONE"},
    "GELU": {"approximate": False},
    "LEAKY_RELU": {"alpha": 0.1},
    "MUL": {"fused_activation_function": "NONE"},
    "SUB": {"fused_activation_function": "NONE", "pot_scale_int16": False},
}
# Of bytes: scale, and distance of the zero point from the least value.
_OUTPUTS = {"LOGISTIC": (1 / 256, 0), "TANH": (1 / 128, 128), "DIV": (1 / 512, 128)}


def quants_of(kind: str, dtype: str) -> list[Quant | None]:
    """List the quantisation of two inputs and the output."""
    if dtype == "float32":
        return [None, None, Quant((0.0629,), (0,)) if kind == "QUANTIZE" else None]
    least = np.iinfo(dtype).min
    found = [(0.0513, 128), (0.0387, 120), _OUTPUTS.get(kind, (0.0629, 125))]
    if dtype == "int16":
        exact = [1 / 32768] if kind in ("LOGISTIC", "TANH") else [0.0629 / 256]
        return [Quant((scale,), (0,)) for scale in (0.0513 / 256, 0.0387 / 256, *exact)]
    if kind in ("SQRT", "RSQRT"):
        found[0] = (0.0513, 0)
    return [Quant((scale,), (least + above,)) for scale, above in found]


def zero_of(quant: Quant | None) -> int:
    """Return the zero point; floats have 0."""
    return 0 if quant is None else quant.zero_point[0]


def kinds_of(dtype: str) -> list[str]:
    """List the operators that take a type, by their names in the table."""
    return [name for name in (*UNARY, *BINARY) if dtype in _operator(name).operands[0].dtypes]


def _operator(name: str) -> Operator:
    return OPERATORS[name.split()[0]]


def graph_of(dtype: str) -> Graph:
    """Make a graph of all operators that take a type, side by side."""
    b = GraphBuilder()
    inputs: dict[tuple[str, Quant | None, int], int] = {}

    def given(of: str, quant: Quant | None, place: int) -> int:
        if (of, quant, place) not in inputs:
            inputs[of, quant, place] = b.input(*SHAPE, dtype=of, quant=quant)
        return inputs[of, quant, place]

    outputs = []
    for name in kinds_of(dtype):
        operator = _operator(name)
        first, second, result = quants_of(operator.kind, dtype)
        operands = [given(dtype, first, 0)]
        other = "int8" if operator.kind == "PRELU" and dtype == "int16" else dtype
        if name == "DIV":
            values = np.full(SHAPE, zero_of(second) + 7)
            operands.append(b.constant(values, dtype, second))
        elif name == "PRELU":
            slopes = np.arange(CHANNELS) + zero_of(second) - CHANNELS // 4
            operands.append(b.constant(slopes, other, second))
        elif name in BINARY:
            operands.append(given(other, second, 1))
        to = "bool" if operator.output == ("bool",) else dtype
        to = "int8" if (operator.kind, dtype) == ("QUANTIZE", "float32") else to
        y = b.tensor(*SHAPE, dtype=to, quant=result, name=name)
        outputs.append(b.op(operator.kind, operands, y, **_ATTRS.get(name, {})))
    return b.graph(*outputs)


def measure(target: str) -> dict[str, float]:
    """Count instructions a value, by operator and type."""
    found = {}
    with Device(f"sim://{BOARDS[target]}?icount=on") as board:
        for dtype in DTYPES:
            graph = lower(replace(graph_of(dtype), name=dtype))
            program = schedule(graph, None, [find_target(target)], True)
            board.load_model(build_blob(dtype, program, "speed", lambda: None).pack())
            for row in board.profile().rows:
                found[f"{row.name} {dtype}"] = row.us * 1000 / COUNT
            board.rm(dtype)
    return found


def table() -> str:
    """Write the Markdown table."""
    counts = [measure(target) for target in BOARDS]
    lines = [f"| operator | {' | '.join(BOARDS)} |", "|---|" + "--:|" * len(BOARDS)]
    for name in (*UNARY, *BINARY):
        for dtype in DTYPES:
            if name in kinds_of(dtype):
                cells = " | ".join(f"{count[f'{name} {dtype}']:.1f}" for count in counts)
                lines.append(f"| {name} {dtype} | {cells} |")
    return "\n".join(lines)
