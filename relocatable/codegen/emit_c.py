"""Write calls and plan as one C translation unit and its weights section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from relocatable.codegen.emit_rows import pipeline_text
from relocatable.graph.graph import Graph
from relocatable.steps.c_call import c_type, template_macros
from relocatable.steps.kernel_call import KernelCall, Rows

if TYPE_CHECKING:
    from relocatable.schedule.plan_memory import Plan

_ALIGN = 16

# (index of the call, name in its body) -> offset in the weights section.
WeightOffsets = Mapping[tuple[int, str], int]


def pack_weights(graph: Graph, calls: Sequence[KernelCall]) -> tuple[bytes, WeightOffsets]:
    """Lay out the constants of all calls.

    Returns:
        The weights section: entries aligned to 16, equal ones once, in the order of the calls; and
        the place of each, by call and name ("W_filter", "IN1").
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
    """Write the program as C.

    Args:
        graph: tensors that the calls name.
        calls: the program.
        plan: places of tensors and scratch in the arena.
        weight_offsets: as `pack_weights` gives them.

    Returns:
        C text with a function xn_step_<i> for each step; includes are relative to this package.
    """
    lines = ['#include "blob/include/xn_blob.h"']
    lines += _includes(calls)
    step = 0
    for index, call in enumerate(calls):
        lines += ["", *_call(graph, index, step, call, plan, weight_offsets)]
        step += call.steps
    return "\n".join(lines) + "\n"


def _includes(calls: Sequence[KernelCall]) -> list[str]:
    """Include the kernel files (templates once per element type) and memory moves."""
    layers = [layer for c in calls for layer in (c.pipeline.parts if c.pipeline else (c,))]
    needed = {("codegen/xn_rows.h", "")}
    for layer in layers:
        needed |= {(layer.source, call.dtype) for call in layer.calls} or {(layer.source, "")}
    return [line for source, dtype in sorted(needed) for line in _include(source, dtype)]


def _include(source: str, dtype: str) -> list[str]:
    macros = template_macros(dtype) if dtype else {}
    return [
        *(f"#define {name} {text}" for name, text in macros.items()),
        f'#include "{source}"',
        *(f"#undef {name}" for name in macros),
    ]


def _call(
    graph: Graph, index: int, step: int, call: KernelCall, plan: Plan, offsets: WeightOffsets
) -> list[str]:
    comment = f"// {call.kind} {_printable(call.name)}"
    places = {
        i: f"(ctx->arena + {plan.offsets[i]})"
        for i in (*call.inputs, *call.outputs)
        if i in plan.offsets
    }
    prologue = []
    moved_up = plan.moved_up(call)
    if moved_up is not None:
        tensor, headroom = moved_up
        prologue = [
            f"xn_move_up({places[tensor]}, {graph.tensors[tensor].size_bytes}, {headroom});"
        ]
        places[tensor] = f"(ctx->arena + {plan.offsets[tensor] + headroom})"
    scratch = plan.scratch_offset.get(index, 0)
    pipeline = call.pipeline
    if pipeline is not None:
        places |= {i: f"ctx->arena + {scratch + at}" for i, at in pipeline.buffers.items()}

        def constants(part: int) -> dict[str, str]:
            names = _constant_names(graph, pipeline.parts[part], index, f"{part}.", offsets)
            return {**names, "SCRATCH": f"(ctx->arena + {scratch + pipeline.scratch_offset})"}

        return [comment, *pipeline_text(graph, step, pipeline, places, constants, prologue)]
    names = {"KEPT": "static", **_constant_names(graph, call, index, "", offsets)}
    for i, tensor in enumerate(call.inputs):
        if tensor in places:
            place, skipped = places[tensor], _skipped_bytes(graph, call, i)
            place = f"({place} + {skipped})" if skipped else place
            names[f"IN{i}"] = f"((const {_c_type(graph, tensor)} *){place})"
    for i, tensor in enumerate(call.outputs):
        names[f"OUT{i}"] = f"(({_c_type(graph, tensor)} *){places[tensor]})"
    rows = call.rows or call.image_rows
    if rows is not None:
        names |= _all_rows(graph, call, rows)
    if call.scratch_bytes:
        names["SCRATCH"] = f"(ctx->arena + {scratch})"
    return [
        comment,
        *(f"#define {name} {text}" for name, text in names.items()),
        f"int32_t xn_step_{step}(const xn_ctx *ctx);",
        f"int32_t xn_step_{step}(const xn_ctx *ctx) {{",
        "(void)ctx;",
        *prologue,
        call.body,
        "}",
        *(f"#undef {name}" for name in names),
    ]


def _skipped_bytes(graph: Graph, call: KernelCall, i: int) -> int:
    """Count an input's bytes above the first row that the whole output needs."""
    rows = call.rows or call.image_rows
    if rows is None:
        return 0
    tensor = graph.tensors[call.inputs[i]]
    images, height, *_ = tensor.shape
    top, _ = rows.access.span(0, 1, height)
    return top * tensor.size_bytes // (images * height)


def _all_rows(graph: Graph, call: KernelCall, rows: Rows) -> dict[str, str]:
    in_h, out_h = (graph.tensors[i].shape[1] for i in (call.inputs[0], call.outputs[0]))
    return {
        "ROWS": str(out_h),
        "IN_ROWS": str(in_h),
        "ABOVE": str(rows.access.pad_top),
        "FIRST_ROW": "0",
    }


def _constant_names(
    graph: Graph, call: KernelCall, index: int, prefix: str, offsets: WeightOffsets
) -> dict[str, str]:
    names = {}
    for name, data in _constants(graph, call).items():
        place = f"(ctx->weights + {offsets[index, prefix + name]})"
        names[name] = f"((const {c_type(str(data.dtype))} *){place})"
    return names


def _c_type(graph: Graph, tensor: int) -> str:
    return c_type(graph.tensors[tensor].dtype)


def _constants(graph: Graph, call: KernelCall) -> dict[str, npt.NDArray[np.generic]]:
    if call.pipeline is not None:
        return {
            f"{part}.{name}": data
            for part, layer in enumerate(call.pipeline.parts)
            for name, data in _constants(graph, layer).items()
        }
    found = {f"W_{key}": data for key, data in call.weights.items()}
    for i, tensor in enumerate(call.inputs):
        data = graph.tensors[tensor].data
        if data is not None:
            found[f"IN{i}"] = data
    return found


def _printable(name: str) -> str:
    """Replace what could end the comment that the name stands in."""
    return "".join(c if c.isalnum() or c in "_-/.:;" else "?" for c in name)
