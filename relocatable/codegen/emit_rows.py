"""The C text of a chain: tables of turns, and a function for each layer that makes some rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from relocatable.codegen.calls import Chain, KernelCall, Turn
from relocatable.graph.graph import Graph
from relocatable.select.conversion import c_type

# C text by the name that bodies use for it.
Names = dict[str, str]


def chain_text(
    graph: Graph,
    step: int,
    chain: Chain,
    places: Mapping[int, str],
    constants: Callable[[int], Names],
    prologue: Sequence[str],
) -> list[str]:
    """Writes a chain's steps.

    Args:
        graph: tensors that the layers name.
        step: index of its first step.
        chain: what it does.
        places: C text of each tensor's place: of its band, or of its first row.
        constants: C text of what has the same place in all turns of a layer, by its name.
        prologue: statements that come first.

    Returns:
        Lines; functions of the steps, of the turns and of the layers, so that the last step is
        counted with the latter two.
    """
    band = {index: number for number, index in enumerate(places)}
    heads = [
        f"static __attribute__((noinline)) int32_t xn_step_{step}_part_{part}"
        "(const xn_ctx *ctx, xn_band *bands, int32_t rows, int32_t drop)"
        for part in range(len(chain.parts))
    ]
    turns_head = (
        f"static __attribute__((noinline)) int32_t xn_step_{step}_turns"
        "(const xn_ctx *ctx, xn_band *bands, const uint8_t *turns, uint32_t bytes)"
    )
    lines = [f"{turns_head};"]
    for number, (turns, held) in enumerate(_steps(graph, chain, places)):
        bands = ", ".join(
            f"{{{text}, {held[index].first}, {held[index].made}}}" for index, text in places.items()
        )
        lines += [
            f"int32_t xn_step_{step + number}(const xn_ctx *ctx);",
            f"int32_t xn_step_{step + number}(const xn_ctx *ctx) {{",
            f"static const uint8_t turns[] = {{{', '.join(str(n) for t in turns for n in t)}}};",
            f"xn_band bands[] = {{{bands}}};",
            *(prologue if number == 0 else ()),
            f"return xn_step_{step}_turns(ctx, bands, turns, sizeof turns);",
            "}",
        ]
    lines += [
        *(f"{head};" for head in heads),
        f"{turns_head} {{",
        "int32_t status = 0;",
        "for (uint32_t i = 0; i < bytes && status == 0; i += 3) {",
        "int32_t rows = turns[i + 1], drop = turns[i + 2];",
        "switch (turns[i]) {",
    ]
    for part in range(len(chain.parts)):
        lines += [
            f"case {part}:",
            f"status = xn_step_{step}_part_{part}(ctx, bands, rows, drop);",
            "break;",
        ]
    lines += ["}", "}", "return status;", "}"]
    for part, (head, call) in enumerate(zip(heads, chain.parts, strict=True)):
        rows = {turn.rows for turn in chain.turns if turn.part == part}
        always = str(rows.pop()) if len(rows) == 1 else "rows"
        lines += _part(graph, head, call, band, {**constants(part), "ROWS": always})
    return lines


class _Held(NamedTuple):
    """Rows [first, made) of a tensor are there."""

    first: int
    made: int


def _steps(
    graph: Graph, chain: Chain, tensors: Iterable[int]
) -> Iterator[tuple[Sequence[Turn], dict[int, _Held]]]:
    """Each step's turns, and what is there when it begins."""
    outputs = [call.outputs[0] for call in chain.parts]
    held = {i: _Held(0, 0 if i in outputs else graph.tensors[i].shape[1]) for i in tensors}
    turns = iter(chain.turns)
    for count in chain.step_turns:
        mine = list(islice(turns, count))
        yield mine, dict(held)
        for turn in mine:
            out = outputs[turn.part]
            held[out] = _Held(held[out].first + turn.drop, held[out].made + turn.rows)


def _part(
    graph: Graph, head: str, call: KernelCall, band: Mapping[int, int], constants: Names
) -> list[str]:
    """A layer's function: it looks up where its rows lie, and calls the kernel."""
    rows, out = call.rows, call.outputs[0]
    assert rows is not None
    in_h = graph.tensors[call.inputs[0]].shape[1]
    names = {"KEPT": "", "IN_ROWS": f"({in_h} - top)", **constants}
    top = [f"int32_t top = bands[{band[out]}].made * {rows.stride};"]
    if rows.pad == 0:
        names["ABOVE"] = "0"
    else:
        names["ABOVE"] = "above"
        top += [f"int32_t above = xn_max({rows.pad} - top, 0);", f"top += above - {rows.pad};"]
    for i, index in enumerate(call.inputs):
        at = f"bands[{band[index]}]"
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
        f"uint8_t *out = xn_band_add(&bands[{band[out]}], ROWS, drop, {_row_bytes(graph, out)});",
        call.body,
        "}",
        *(f"#undef {name}" for name in names),
    ]


def _row_bytes(graph: Graph, index: int) -> int:
    tensor = graph.tensors[index]
    return tensor.size_bytes // tensor.shape[1]


def _c_type(graph: Graph, index: int) -> str:
    return c_type(graph.tensors[index].dtype)
