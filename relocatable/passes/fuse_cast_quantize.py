"""Make one integer QUANTIZE of uint8 -> CAST to float32 -> QUANTIZE.

Exporters put this pair behind a picture input without a scale; the float copy of the picture would
be the largest tensor of the model. The pair becomes a QUANTIZE from the scale 1 only if all 256
values come out the same.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from relocatable.graph.edit import only_reader, with_tensors
from relocatable.graph.graph import Graph, Op, Quant, Tensor

_PLAIN = Quant((1.0,), (0,))


def fuse_cast_quantize(graph: Graph) -> Graph:
    """Fuse each such pair whose float tensor nobody else reads."""
    ops: list[Op | None] = list(graph.ops)
    plain: dict[int, Tensor] = {}
    for at, cast in enumerate(graph.ops):
        reader = only_reader(graph, cast.outputs[0]) if cast.kind == "CAST" else None
        if reader is None or not _is_exact(graph, cast, graph.ops[reader]):
            continue
        source = cast.inputs[0]
        plain[source] = replace(graph.tensors[source], quant=_PLAIN)
        ops[at] = None
        ops[reader] = replace(graph.ops[reader], inputs=(source,))
    return with_tensors(replace(graph, ops=tuple(op for op in ops if op)), plain)


def _is_exact(graph: Graph, cast: Op, quantize: Op) -> bool:
    source, real = graph.tensors[cast.inputs[0]], graph.tensors[cast.outputs[0]]
    output = graph.tensors[quantize.outputs[0]]
    if quantize.kind != "QUANTIZE" or source.dtype != "uint8" or real.dtype != "float32":
        return False
    # The source gets a scale, so it must have none that others go by, and no other reader.
    if source.quant not in (None, _PLAIN) or only_reader(graph, cast.inputs[0]) is None:
        return False
    if output.dtype not in ("int8", "uint8") or output.quant is None:
        return False
    values = np.arange(256)
    return np.array_equal(_quantize(values, output), _requantize(values, output))


def _quantize(values: npt.NDArray[np.int64], output: Tensor) -> npt.NDArray[np.int64]:
    """Compute LiteRT's QUANTIZE of float32: halves go away from zero."""
    scale, zero_point = _scale(output)
    quotient = values.astype(np.float32) / np.float32(scale)
    rounded = np.sign(quotient) * np.floor(np.abs(quotient).astype(np.float64) + 0.5)
    return _clamp(rounded.astype(np.int64) + zero_point, output)


def _requantize(values: npt.NDArray[np.int64], output: Tensor) -> npt.NDArray[np.int64]:
    """Compute LiteRT's QUANTIZE of integers from the scale 1, with two roundings."""
    scale, zero_point = _scale(output)
    fraction, shift = np.frexp(1.0 / scale)
    multiplier = int(np.floor(fraction * (1 << 31) + 0.5))
    left, right = max(int(shift), 0), max(-int(shift), 0)
    high = ((values << left) * multiplier + (1 << 30)) >> 31
    rounded = (high + ((1 << right) >> 1)) >> right
    return _clamp(rounded + zero_point, output)


def _scale(output: Tensor) -> tuple[float, int]:
    quant = output.quant or _PLAIN
    return float(np.float32(quant.scale[0])), quant.zero_point[0]


def _clamp(values: npt.NDArray[np.int64], output: Tensor) -> npt.NDArray[np.int64]:
    limits = np.iinfo(output.dtype)
    return np.clip(values, limits.min, limits.max)
