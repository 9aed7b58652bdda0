"""Write calls and plan as one C translation unit and its weights section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from relocatable.codegen.emit_rows import pipeline_text
from relocatable.graph.graph import Graph
from relocatable.steps.c_call import c_type, template_macros
from relocatable.steps.kernel_call import (
    MOST_LOOP_WORK,
    CalledGraph,
    KernelCall,
    Plan,
    Rows,
)

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
    loop_work = MOST_LOOP_WORK // max(1, sum(bool(call.called) for call in calls))
    for index, call in enumerate(calls):
        scope = _Scope(graph, plan, weight_offsets, index)
        lines += ["", *_call(scope, step, call, loop_work)]
        step += call.steps
    return "\n".join(lines) + "\n"


def _includes(calls: Sequence[KernelCall]) -> list[str]:
    """Include the kernel files (templates once per element type) and memory moves."""
    needed = {("codegen/xn_rows.h", "", ()), *_sources(calls)}
    return [line for source in sorted(needed) for line in _include(*source)]


# File, element type of a template's instance, macros.
_Source: TypeAlias = tuple[str, str, tuple[tuple[str, str], ...]]


def _sources(calls: Sequence[KernelCall]) -> set[_Source]:
    layers = [layer for c in calls for layer in (c.pipeline.parts if c.pipeline else (c,))]
    needed: set[_Source] = set()
    for layer in layers:
        macros = tuple(layer.macros.items())
        dtypes = {call.dtype for call in layer.calls} or {""}
        needed |= {(layer.source, dtype, macros) for dtype in dtypes}
        unpacks = [call.channels.unpack for call in layer.calls if call.channels]
        needed |= {(unpack.source, unpack.dtype, ()) for unpack in unpacks if unpack}
        for called in layer.called:
            needed |= _sources(called.calls)
    return needed


def _include(source: str, dtype: str, defined: tuple[tuple[str, str], ...]) -> list[str]:
    macros = {**(template_macros(dtype) if dtype else {}), **dict(defined)}
    return [
        *(f"#define {name} {text}" for name, text in macros.items()),
        f'#include "{source}"',
        *(f"#undef {name}" for name in macros),
    ]


@dataclass(frozen=True)
class _Scope:
    """What a call's C text depends on.

    Attributes:
        graph: that the call is in.
        plan: of that graph, in the arena.
        offsets: of the constants of all calls.
        index: of the program's call that it is or is called by.
        prefix: of the names of its constants.
    """

    graph: Graph
    plan: Plan
    offsets: WeightOffsets
    index: int
    prefix: str = ""

    def scratch(self, position: int) -> int:
        return self.plan.scratch_offset.get(position, 0)

    def place(self, tensor: int) -> str:
        return f"(ctx->arena + {self.plan.offsets[tensor]})"

    def within(self, graph: CalledGraph, plan: Plan, prefix: str) -> _Scope:
        return replace(self, graph=graph.graph, plan=plan, prefix=self.prefix + prefix)


def _call(scope: _Scope, step: int, call: KernelCall, loop_work: int) -> list[str]:
    comment = f"// {call.kind} {_printable(call.name)}"
    name, graph, plan = f"xn_step_{step}", scope.graph, scope.plan
    places = {i: scope.place(i) for i in (*call.inputs, *call.outputs) if i in plan.offsets}
    prologue = []
    moved_up = plan.moved_up(call)
    if moved_up is not None:
        tensor, headroom = moved_up
        prologue = [
            f"xn_move_up({places[tensor]}, {graph.tensors[tensor].size_bytes}, {headroom});"
        ]
        places[tensor] = f"(ctx->arena + {plan.offsets[tensor] + headroom})"
    scratch = scope.scratch(scope.index)
    pipeline = call.pipeline
    if pipeline is not None:
        places |= {i: f"ctx->arena + {scratch + at}" for i, at in pipeline.buffers.items()}

        def constants(part: int) -> dict[str, str]:
            prefixed = replace(scope, prefix=f"{part}.")
            names = _constant_names(prefixed, pipeline.parts[part])
            return {**names, "SCRATCH": f"(ctx->arena + {scratch + pipeline.scratch_offset})"}

        return [comment, *pipeline_text(graph, step, pipeline, places, constants, prologue)]
    head = f"int32_t {name}(const xn_ctx *ctx)"
    if call.called:
        prologue += [f"uint32_t work_left = {loop_work};", "uint32_t *left = &work_left;"]
    function = _function(scope, scope.index, call, name, head, places, prologue)
    return [comment, *_called_heads(name, call), f"{head};", *function]


def _function(
    scope: _Scope,
    position: int,
    call: KernelCall,
    name: str,
    head: str,
    places: Mapping[int, str],
    prologue: Sequence[str],
) -> list[str]:
    """Write a call's function, and those of the graphs that it calls."""
    names = {"KEPT": "static", **_constant_names(scope, call)}
    for i, tensor in enumerate(call.inputs):
        if tensor in places:
            place, skipped = places[tensor], _skipped_bytes(scope.graph, call, i)
            place = f"({place} + {skipped})" if skipped else place
            names[f"IN{i}"] = f"((const {_c_type(scope.graph, tensor)} *){place})"
    for i, tensor in enumerate(call.outputs):
        names[f"OUT{i}"] = f"(({_c_type(scope.graph, tensor)} *){places[tensor]})"
    rows = call.rows or call.image_rows
    if rows is not None:
        names |= _all_rows(scope.graph, call, rows)
    if call.scratch_bytes:
        names["SCRATCH"] = f"(ctx->arena + {scope.scratch(position)})"
    ports = [scope.plan.offsets[port] for port in call.ports]
    plans = [called.plan_at(scope.scratch(position), ports) for called in call.called]
    for k, (called, plan) in enumerate(zip(call.called, plans, strict=True)):
        names |= {f"RUN_{k}": f"{name}_{k}(ctx, left)", f"WORK_{k}": str(called.work)}
        if called.graph.outputs:
            flag = plan.offsets[called.graph.outputs[0]]
            names[f"FLAG_{k}"] = f"(ctx->arena + {flag})"
    lines = [
        *(f"#define {key} {text}" for key, text in names.items()),
        f"{head} {{",
        "(void)ctx;",
        *prologue,
        call.body,
        "}",
        *(f"#undef {key}" for key in names),
    ]
    for k, (called, plan) in enumerate(zip(call.called, plans, strict=True)):
        lines += _called(scope.within(called, plan, f"{k}."), called, f"{name}_{k}")
    return lines


def _called(scope: _Scope, called: CalledGraph, name: str) -> list[str]:
    """Write the functions of a graph that a step calls."""
    lines = []
    for j, call in enumerate(called.calls):
        inner, own = f"{name}_{j}", replace(scope, prefix=f"{scope.prefix}{j}.")
        tensors = (*call.inputs, *call.outputs)
        places = {i: scope.place(i) for i in tensors if i in scope.plan.offsets}
        start = ["(void)left;"]
        lines += _called_heads(inner, call)
        lines += _function(own, j, call, inner, _called_head(inner), places, start)
    runs = [f"if (status == 0) status = {name}_{j}(ctx, left);" for j in range(len(called.calls))]
    head = f"{_called_head(name)} {{"
    return [*lines, head, "(void)ctx;", "(void)left;", "int32_t status = 0;", *runs, *_RETURN]


_RETURN = ("return status;", "}")


def _called_heads(name: str, call: KernelCall) -> list[str]:
    return [f"{_called_head(f'{name}_{k}')};" for k in range(len(call.called))]


def _called_head(name: str) -> str:
    return f"static __attribute__((noinline)) int32_t {name}(const xn_ctx *ctx, uint32_t *left)"


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


def _constant_names(scope: _Scope, call: KernelCall) -> dict[str, str]:
    names = {}
    for name, data in _own_constants(scope.graph, call).items():
        place = f"(ctx->weights + {scope.offsets[scope.index, scope.prefix + name]})"
        names[name] = f"((const {c_type(str(data.dtype))} *){place})"
    return names


def _c_type(graph: Graph, tensor: int) -> str:
    return c_type(graph.tensors[tensor].dtype)


def _constants(graph: Graph, call: KernelCall) -> dict[str, npt.NDArray[np.generic]]:
    """Find the constants of a call and of what it consists of."""
    found = _own_constants(graph, call)
    for part, layer in enumerate(call.pipeline.parts if call.pipeline else ()):
        found |= _prefixed(f"{part}.", _constants(graph, layer))
    for k, called in enumerate(call.called):
        for j, inner in enumerate(called.calls):
            found |= _prefixed(f"{k}.{j}.", _constants(called.graph, inner))
    return found


def _own_constants(graph: Graph, call: KernelCall) -> dict[str, npt.NDArray[np.generic]]:
    if call.pipeline is not None:
        return {}
    found = {f"W_{key}": data for key, data in call.weights.items()}
    for i, tensor in enumerate(call.inputs):
        data = graph.tensors[tensor].data
        if data is not None:
            found[f"IN{i}"] = data
    return found


def _prefixed(
    prefix: str, constants: Mapping[str, npt.NDArray[np.generic]]
) -> dict[str, npt.NDArray[np.generic]]:
    return {prefix + name: data for name, data in constants.items()}


def _printable(name: str) -> str:
    """Replace what could end the comment that the name stands in."""
    return "".join(c if c.isalnum() or c in "_-/.:;" else "?" for c in name)
