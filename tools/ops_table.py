"""Write the table of docs/OPS.md: operator, element types, kernels, cases."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import numpy as np

from relocatable.ops import OPERATORS, is_view
from relocatable.ops.operator import Operator
from relocatable.ops.site import Site
from relocatable.targets import TARGETS
from tools import exactness

TFLM = Path(__file__).with_name("tflm_operators.toml")

_INTRO = """\
## What is taken

| sign | meaning |
|---|---|
| C | plain C, for every target; for Helium the compiler vectorizes it |
| D | on Cortex-M4, M7 and M33 some or all cases by kernels with DSP instructions |
| H | on Cortex-M55 some or all cases by kernels written for Helium |
| view | costs nothing: the output is the input's memory |
| a number | exactness cases of the last proof: one-operator models, random and edge \
attributes, each built for speed and for size, equal to LiteRT's reference kernels, or to what the \
operator's rules name instead, in every bit (float32: within 4 ulp or 1e-6) |
| new | not in the last proof |

The last proof, of {date} at {commit}, tried {here:,} cases on its machine and {machines:,} on \
virtual CPUs ({targets}). The column is the element type that an operator's samples have at their \
first input, or, for operators that convert, at what they convert. Operators in italics are not \
in TensorFlow Lite Micro, whose list ({count} operators, {tflm_date}, {tflm_commit}) is complete \
here.

| operator | int8 | uint8 | int16 | float32 | others |
|---|---|---|---|---|---|"""

_COLUMNS = ("int8", "uint8", "int16", "float32")
# What operators without a kernel are instead.
_STATES = ("ASSIGN_VARIABLE", "CALL_ONCE", "READ_VARIABLE", "VAR_HANDLE")
_NOT_TAKEN = {"CUSTOM ethos-u": "not taken: it holds commands for one accelerator"}


def tflm_operators() -> tuple[set[str], str, str]:
    """Read what TensorFlow Lite Micro registers: kinds, date and commit."""
    found = tomllib.loads(TFLM.read_text(encoding="utf-8"))
    kinds = {*found["builtin"], *(f"CUSTOM {name}" for name in found["custom"])}
    return kinds, found["date"], found["commit"]


def ops_table() -> list[str]:
    """Return the lines of the table and its legend."""
    text = exactness.PAGE.read_text(encoding="utf-8")
    cases, date, commit = exactness.read_toml(text)
    tflm, tflm_date, tflm_commit = tflm_operators()
    intro = _INTRO.format(
        date=date,
        commit=commit,
        here=cases.here.total(),
        machines=cases.machines.total(),
        targets=", ".join(cases.machines),
        count=len(tflm),
        tflm_date=tflm_date,
        tflm_commit=tflm_commit,
    )
    return [intro, *(row(kind, kind in tflm, cases.here) for kind in sorted({*tflm, *OPERATORS}))]


def row(kind: str, is_tflm: bool, counts: Counter[tuple[str, str]]) -> str:
    """Write an operator's line.

    Args:
        kind: of the operator.
        is_tflm: whether TensorFlow Lite Micro has it.
        counts: exactness cases by kind and element type.
    """
    operator = OPERATORS.get(kind)
    name = kind if operator is None else f"[{kind}](#{kind.lower().replace(' ', '-')})"
    name = name if is_tflm else f"*{name}*"
    if operator is None:
        return _line(name, *[""] * 4, _NOT_TAKEN.get(kind, "not taken"))
    if not operator.samples:
        text = "variables become states" if kind in _STATES else "computed at compile time"
        return _line(name, *[""] * 4, text)
    cells = {dtype: _cell(operator, dtype, counts[kind, dtype]) for dtype in operator.samples}
    others = [f"{dtype} {cell}" for dtype, cell in cells.items() if dtype not in _COLUMNS]
    return _line(name, *(cells.get(dtype, "") for dtype in _COLUMNS), ", ".join(others))


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def _cell(operator: Operator, dtype: str, count: int) -> str:
    rng = np.random.default_rng(1)
    signs: set[str] = set()
    for _ in range(12):
        graph = operator.samples[dtype](rng, dtype)
        if is_view(graph, graph.ops[0]):
            signs.add("view")
            continue
        sites = [Site(graph, graph.ops[0], TARGETS[t]) for t in ("cortex-m4", "cortex-m55")]
        signs.update("C" if not (needs := _needs(operator, s)) else needs for s in sites)
    if signs & {"D", "H"}:
        signs.add("C")  # other targets
    if "C" in signs:
        signs.discard("view")  # of some shapes
    return " ".join([*sorted(signs), f"{count:,}" if count else "new"])


def _needs(operator: Operator, site: Site) -> str:
    """Tell which instructions the kernel asks for that a target runs."""
    kernel = next(k for k in operator.kernels if k.try_to_lower(site) is not None)
    names = {feature.name for feature in kernel.needs}
    return "H" if "MVE_I" in names else "D" if "DSP" in names else ""
