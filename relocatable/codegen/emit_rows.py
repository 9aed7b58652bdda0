"""Write a row pipeline in C: tables of tasks, and a function for each layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from relocatable.graph.graph import Graph
from relocatable.steps.c_call import c_type
from relocatable.steps.kernel_call import KernelCall, RowPipeline, RowTask

# C text by the name that bodies use for it.
Names = dict[str, str]


def pipeline_text(
    graph: Graph,
    step: int,
    pipeline: RowPipeline,
    places: Mapping[int, str],
    constants: Callable[[int], Names],
    prologue: Sequence[str],
) -> list[str]:
    """Write a pipeline's steps.

    Args:
        graph: tensors that the layers name.
        step: index of its first step.
        pipeline: what it does.
        places: C text of each tensor's place: of its buffer, or of its first row.
        constants: C text of what has the same place in all tasks of a layer, by its name.
        prologue: statements that come first.

    Returns:
        Lines; functions of the steps, the tasks and the layers. The last two kinds come last: their
        size counts as part of the last step's.
    """
    buffer = {index: number for number, index in enumerate(places)}
    heads = [
        f"static __attribute__((noinline)) int32_t xn_step_{step}_part_{part}"
        "(const xn_ctx *ctx, xn_line_buffer *buffers, int32_t rows, int32_t drop)"
        for part in range(len(pipeline.parts))
    ]
    tasks_head = (
        f"static __attribute__((noinline)) int32_t xn_step_{step}_tasks"
        "(const xn_ctx *ctx, xn_line_buffer *buffers, const uint8_t *tasks, uint32_t bytes)"
    )
    lines = [f"{tasks_head};"]
    for number, (tasks, held) in enumerate(_steps(graph, pipeline, places)):
        buffers = ", ".join(
            f"{{{text}, {held[index].first}, {held[index].made}}}" for index, text in places.items()
        )
        lines += [
            f"int32_t xn_step_{step + number}(const xn_ctx *ctx);",
            f"int32_t xn_step_{step + number}(const xn_ctx *ctx) {{",
            f"static const uint8_t tasks[] = {{{', '.join(str(n) for t in tasks for n in t)}}};",
            f"xn_line_buffer buffers[] = {{{buffers}}};",
            *(prologue if number == 0 else ()),
            f"return xn_step_{step}_tasks(ctx, buffers, tasks, sizeof tasks);",
            "}",
        ]
    lines += [
        *(f"{head};" for head in heads),
        f"{tasks_head} {{",
        "int32_t status = 0;",
        "for (uint32_t i = 0; i < bytes && status == 0; i += 3) {",
        "int32_t rows = tasks[i + 1], drop = tasks[i + 2];",
        "switch (tasks[i]) {",
    ]
    for part in range(len(pipeline.parts)):
        lines += [
            f"case {part}:",
            f"status = xn_step_{step}_part_{part}(ctx, buffers, rows, drop);",
            "break;",
        ]
    lines += ["}", "}", "return status;", "}"]
    for part, (head, call) in enumerate(zip(heads, pipeline.parts, strict=True)):
        rows = {task.rows for task in pipeline.tasks if task.part == part}
        always = str(rows.pop()) if len(rows) == 1 else "rows"
        lines += _part(graph, head, call, buffer, {**constants(part), "ROWS": always})
    return lines


class _Held(NamedTuple):
    """The rows [first, made) of a tensor, which a buffer holds."""

    first: int
    made: int


def _steps(
    graph: Graph, pipeline: RowPipeline, tensors: Iterable[int]
) -> Iterator[tuple[Sequence[RowTask], dict[int, _Held]]]:
    """Yield each step's tasks, and the rows that are held when it begins."""
    outputs = [call.outputs[0] for call in pipeline.parts]
    held = {i: _Held(0, 0 if i in outputs else graph.tensors[i].shape[1]) for i in tensors}
    tasks = iter(pipeline.tasks)
    for count in pipeline.step_tasks:
        mine = list(islice(tasks, count))
        yield mine, dict(held)
        for task in mine:
            out = outputs[task.part]
            held[out] = _Held(held[out].first + task.drop, held[out].made + task.rows)


def _part(
    graph: Graph, head: str, call: KernelCall, buffer: Mapping[int, int], constants: Names
) -> list[str]:
    """Write a layer's function, which looks up its rows and calls the kernel."""
    rows, out = call.rows, call.outputs[0]
    assert rows is not None
    in_h = graph.tensors[call.inputs[0]].shape[1]
    names = {"KEPT": "", "IN_ROWS": f"({in_h} - top)", **constants}
    first = f"buffers[{buffer[out]}].made"
    names["FIRST_ROW"] = "first"
    top = [f"int32_t first = {first};", f"int32_t top = {rows.access.c_top('first')};"]
    if rows.access.pad_top == 0:
        names["ABOVE"] = "0"
    else:
        names["ABOVE"] = "above"
        top += ["int32_t above = xn_max(-top, 0);", "top += above;"]
    for i, index in enumerate(call.inputs):
        at = f"buffers[{buffer[index]}]"
        place = f"{at}.at + (top - {at}.first) * {_row_bytes(graph, index)}"
        top.append(f"const uint8_t *in{i} = {place};")
        names[f"IN{i}"] = f"((const {_c_type(graph, index)} *)in{i})"
    names["OUT0"] = f"(({_c_type(graph, out)} *)out)"
    return [
        *(f"#define {name} {text}" for name, text in names.items()),
        f"{head} {{",
        "(void)ctx;",
        "(void)rows;",
        *top,
        f"uint8_t *out = xn_line_buffer_add(&buffers[{buffer[out]}], ROWS, drop, "
        f"{_row_bytes(graph, out)});",
        call.body,
        "}",
        *(f"#undef {name}" for name in names),
    ]


def _row_bytes(graph: Graph, index: int) -> int:
    tensor = graph.tensors[index]
    return tensor.size_bytes // tensor.shape[1]


def _c_type(graph: Graph, index: int) -> str:
    return c_type(graph.tensors[index].dtype)
