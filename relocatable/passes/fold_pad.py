"""Move a PAD of zeros into the convolution that reads it.

A convolution skips what is outside its input. Adding real zeros gives the same sums, so the padded
copy need not exist. The convolution gets the attributes `pad_top`,
`pad_bottom`, `pad_left` and `pad_right`; if they are present, they hold and `padding` does not.
"""

from __future__ import annotations

from dataclasses import replace

from relocatable.graph.edit import only_reader
from relocatable.graph.graph import Graph, Op

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def fold_pad(graph: Graph) -> Graph:
    """Fold each PAD or PADV2 that only a convolution without padding reads."""
    ops = list(graph.ops)
    folded: set[int] = set()
    for at, op in enumerate(graph.ops):
        pads = _zero_pads(graph, op) if op.kind in ("PAD", "PADV2") else None
        reader = only_reader(graph, op.outputs[0]) if pads else None
        if pads is None or reader is None or not _takes(ops[reader], op.outputs[0]):
            continue
        ops[reader] = replace(
            ops[reader],
            inputs=(op.inputs[0], *ops[reader].inputs[1:]),
            attrs={**ops[reader].attrs, **pads},
        )
        folded.add(at)
    return replace(graph, ops=tuple(op for at, op in enumerate(ops) if at not in folded))


def _takes(conv: Op, padded: int) -> bool:
    return (
        conv.kind in _CONVOLUTIONS
        and conv.inputs[0] == padded
        and conv.attrs["padding"] == "VALID"
        and "pad_top" not in conv.attrs
    )


def _zero_pads(graph: Graph, op: Op) -> dict[str, int] | None:
    """Count the real zeros that the operator adds at each side; None if it differs."""
    source, amounts = graph.tensors[op.inputs[0]], graph.tensors[op.inputs[1]].data
    if len(source.shape) != 4 or amounts is None or amounts.shape != (4, 2):
        return None
    (batch, rows, columns, channels) = [(int(a), int(b)) for a, b in amounts]
    if batch != (0, 0) or channels != (0, 0) or not _fills_zero(graph, op):
        return None
    return {
        "pad_top": rows[0],
        "pad_bottom": rows[1],
        "pad_left": columns[0],
        "pad_right": columns[1],
    }


def _fills_zero(graph: Graph, op: Op) -> bool:
    source, output = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    if source.quant != output.quant:
        return False
    if op.kind == "PAD":
        return True
    value = graph.tensors[op.inputs[2]].data
    zero = 0 if output.quant is None else output.quant.zero_point[0]
    return value is not None and value.size == 1 and bool(value.reshape(())[()] == zero)
