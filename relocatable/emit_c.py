"""Calls + plan -> one C translation unit, and the weights section that it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from relocatable.graph import Graph
from relocatable.kernel_call import KernelCall, Rows
from relocatable.select.conversion import c_type

if TYPE_CHECKING:
    from relocatable.plan_memory import Plan

_ALIGN = 16

# (index of the call, name in its body) -> offset in the weights section.
WeightOffsets = Mapping[tuple[int, str], int]


def pack_weights(graph: Graph, calls: Sequence[KernelCall]) -> tuple[bytes, WeightOffsets]:
    """Lays out the constants of all calls.

    Returns:
        The weights section: entries aligned to 16, equal ones once, in the order of the calls; and
        where each lies, by call and name ("W_filter", "IN1").
    """
    section = bytearray()
    known: dict[bytes, int] = {}
    offsets: dict[tuple[int, str], int] = {}
    for index, call in enumerate(calls):
        for name, data in _constants(graph, call).items():
            raw = np.ascontiguousarray(data).tobytes()
            if raw not in known:
                section += bytes(-len(section) % _ALIGN)
                known[raw] = len(section)
                section += raw
            offsets[index, name] = known[raw]
    section += bytes(-len(section) % _ALIGN)
    return bytes(section), offsets


def emit_c(
    graph: Graph, calls: Sequence[KernelCall], plan: Plan, weight_offsets: WeightOffsets
) -> str:
    """Writes the program as C.

    Args:
        graph: tensors that the calls name.
        calls: the program.
        plan: where tensors and scratch lie in the arena.
        weight_offsets: as `pack_weights` gives them.

    Returns:
        C text with a function xn_step_<i> for each call; includes are relative to this package.
    """
    lines = ['#include "include/xn_blob.h"']
    lines += [f'#include "kernels/{source}"' for source in sorted({c.source for c in calls})]
    for index, call in enumerate(calls):
        lines += ["", *_step(graph, index, call, plan, weight_offsets)]
    return "\n".join(lines) + "\n"


def _step(
    graph: Graph, index: int, call: KernelCall, plan: Plan, offsets: WeightOffsets
) -> list[str]:
    names = {"KEPT": "static"}
    for name, data in _constants(graph, call).items():
        place = f"(ctx->weights + {offsets[index, name]})"
        names[name] = f"((const {c_type(str(data.dtype))} *){place})"
    for i, tensor in enumerate(call.inputs):
        if graph.tensors[tensor].data is None:
            names[f"IN{i}"] = f"((const {_arena(graph, tensor, plan)})"
    for i, tensor in enumerate(call.outputs):
        names[f"OUT{i}"] = f"(({_arena(graph, tensor, plan)})"
    if call.rows is not None:
        names |= _all_rows(graph, call, call.rows)
    if call.scratch_bytes:
        names["SCRATCH"] = f"(ctx->arena + {plan.scratch_offset[index]})"
    comment = f"// {call.kind} {_printable(call.name)}"
    return [
        comment,
        *(f"#define {name} {text}" for name, text in names.items()),
        f"int32_t xn_step_{index}(const xn_ctx *ctx);",
        f"int32_t xn_step_{index}(const xn_ctx *ctx) {{",
        "(void)ctx;",
        call.body,
        "}",
        *(f"#undef {name}" for name in names),
    ]


def _all_rows(graph: Graph, call: KernelCall, rows: Rows) -> dict[str, str]:
    in_h, out_h = (graph.tensors[i].shape[1] for i in (call.inputs[0], call.outputs[0]))
    return {"ROWS": str(out_h), "IN_ROWS": str(in_h), "ABOVE": str(rows.pad)}


def _arena(graph: Graph, tensor: int, plan: Plan) -> str:
    return f"{c_type(graph.tensors[tensor].dtype)} *)(ctx->arena + {plan.offsets[tensor]})"


def _constants(graph: Graph, call: KernelCall) -> dict[str, npt.NDArray[np.generic]]:
    found = {f"W_{key}": data for key, data in call.weights.items()}
    for i, tensor in enumerate(call.inputs):
        data = graph.tensors[tensor].data
        if data is not None:
            found[f"IN{i}"] = data
    return found


def _printable(name: str) -> str:
    """A name that cannot end the comment it stands in."""
    return "".join(c if c.isalnum() or c in "_-/.:;" else "?" for c in name)
