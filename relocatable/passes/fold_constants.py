"""Computes at compile time what depends on shapes and constants alone.

This takes away the SHAPE, STRIDED_SLICE, PACK chains that a dynamic batch leaves in front of a
RESHAPE, and constants that are stored in another type than they are used in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from relocatable.graph.edit import int_attr, with_tensors
from relocatable.graph.graph import Graph, GraphError, Op, Tensor

Array = npt.NDArray[Any]

# A small file may ask for the same constant many times over, or pack it thousands of times.
_MAX_FOLDED_BYTES = 1 << 28


def fold_constants(graph: Graph) -> Graph:
    """Turns outputs that can be known now into constants, and drops their operators."""
    known: dict[int, Tensor] = {}
    folded_bytes = 0
    ops = []
    for op in graph.ops:
        tensors = [known.get(i, graph.tensors[i]) for i in op.inputs if i != -1]
        if not is_foldable(op, [t.data is not None for t in tensors]):
            ops.append(op)
            continue
        output = graph.tensors[op.outputs[0]]
        folded_bytes += output.size_bytes
        if folded_bytes > _MAX_FOLDED_BYTES:
            raise GraphError(
                f"{op.kind} '{op.name}': constants computed here and before must have at most "
                f"{_MAX_FOLDED_BYTES} bytes; have {folded_bytes}"
            )
        known[op.outputs[0]] = _constant(op, output, _evaluate(op, tensors, output))
    return with_tensors(replace(graph, ops=tuple(ops)), known)


def is_foldable(op: Op, inputs_known: list[bool]) -> bool:
    """Whether the operator's result follows from shapes and constants alone.

    Args:
        op: the operator.
        inputs_known: for each input that is present, whether its values are known.
    """
    return op.kind == "SHAPE" or (op.kind in _FOLDS and all(inputs_known))


def _evaluate(op: Op, inputs: list[Tensor], output: Tensor) -> Array:
    try:
        return _FOLDS[op.kind](op, inputs, output)
    except (ValueError, IndexError) as error:
        raise GraphError(f"{op.kind} '{op.name}': constants must fit; {error}") from error


def _constant(op: Op, output: Tensor, values: Array) -> Tensor:
    if values.size != output.count:
        raise GraphError(
            f"{op.kind} '{op.name}': output must have {output.count} values; has {values.size}"
        )
    data = values.reshape(output.shape).astype(output.dtype, copy=False)
    return replace(output, data=data)


def _data(tensor: Tensor) -> Array:
    if tensor.data is None:
        raise GraphError(f"tensor '{tensor.name}': must be constant; is computed")
    return tensor.data


def _shape(op: Op, inputs: list[Tensor], output: Tensor) -> Array:
    return np.array(inputs[0].shape, dtype=output.dtype)


def _strided_slice(op: Op, inputs: list[Tensor], output: Tensor) -> Array:
    values, begin, end, step = (_data(t) for t in inputs)
    if op.attrs["ellipsis_mask"] or op.attrs["new_axis_mask"] or op.attrs["offset"]:
        raise GraphError(f"STRIDED_SLICE '{op.name}': only begin, end and shrink masks are known")
    if not begin.size == end.size == step.size <= values.ndim or not np.all(step):
        raise GraphError(f"STRIDED_SLICE '{op.name}': begin, end and steps do not fit the input")
    return values[tuple(_slice(op, axis, begin, end, step) for axis in range(begin.size))]


def _slice(op: Op, axis: int, begin: Array, end: Array, step: Array) -> slice:
    first, last, by = int(begin.flat[axis]), int(end.flat[axis]), int(step.flat[axis])
    if int_attr(op, "shrink_axis_mask") >> axis & 1:
        return slice(first, first + 1 or None, 1)
    return slice(
        None if int_attr(op, "begin_mask") >> axis & 1 else first,
        None if int_attr(op, "end_mask") >> axis & 1 else last,
        by,
    )


def _check_joined(op: Op, inputs: list[Tensor], output: Tensor) -> None:
    """Before it is made: the output's size is bounded, what the inputs add up to is not."""
    joined = sum(t.count for t in inputs)
    if joined != output.count:
        raise GraphError(
            f"{op.kind} '{op.name}': output must have {joined} values; has {output.count}"
        )


def _pack(op: Op, inputs: list[Tensor], output: Tensor) -> Array:
    _check_joined(op, inputs, output)
    return np.stack([_data(t) for t in inputs], axis=int_attr(op, "axis"))


def _concatenation(op: Op, inputs: list[Tensor], output: Tensor) -> Array:
    _check_joined(op, inputs, output)
    return np.concatenate([_data(t) for t in inputs], axis=int_attr(op, "axis"))


def _same_values(op: Op, inputs: list[Tensor], output: Tensor) -> Array:
    return _data(inputs[0])


def _dequantize(op: Op, inputs: list[Tensor], output: Tensor) -> Array:
    quant = inputs[0].quant
    if quant is None:
        raise GraphError(f"DEQUANTIZE '{op.name}': input must have a scale; has none")
    along = [1] * len(inputs[0].shape)
    if quant.axis is not None:
        along[quant.axis] = -1
    # A scale has 24 significant bits and a value at most 17: exact in float64, rounded once.
    scale = np.array(quant.scale, dtype=np.float32).astype(np.float64).reshape(along)
    zero_point = np.array(quant.zero_point, dtype=np.float64).reshape(along)
    return np.asarray(scale * (_data(inputs[0]) - zero_point), dtype=np.float32)


_FOLDS: dict[str, Callable[[Op, list[Tensor], Tensor], Array]] = {
    "SHAPE": _shape,
    "STRIDED_SLICE": _strided_slice,
    "PACK": _pack,
    "CONCATENATION": _concatenation,
    "RESHAPE": _same_values,
    "SQUEEZE": _same_values,
    "EXPAND_DIMS": _same_values,
    "CAST": _same_values,
    "DEQUANTIZE": _dequantize,
}
