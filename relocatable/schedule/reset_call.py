"""The step that sets the states before the first run."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relocatable.graph.graph import Graph, State
from relocatable.steps.c_call import CCall, Constant, Output
from relocatable.steps.kernel_call import KernelCall


def reset_call(graph: Graph) -> KernelCall | None:
    """Make the step; None if all states begin as zeros, which the loader makes them."""
    calls: list[CCall] = []
    weights: dict[str, npt.NDArray[np.generic]] = {}
    outputs: list[int] = []
    for state in graph.states:
        first = graph.tensors[state.first]
        fill, data = _initial_bytes(graph, state)
        if fill == 0:
            continue
        out = Output("uint8_t", len(outputs))
        outputs.append(state.first)
        if data is None:
            calls.append(CCall("xn_reset_fill", (out, first.size_bytes, fill)))
        else:
            key = f"initial{len(weights)}"
            weights[key] = data
            calls.append(CCall("xn_reset_copy", (Constant(key), out, first.size_bytes)))
    if not calls:
        return None
    return KernelCall(
        kind="RESET",
        name="reset",
        source="ops/_shared/reset.c",
        calls=tuple(calls),
        inputs=(),
        outputs=tuple(outputs),
        weights=weights,
    )


def _initial_bytes(graph: Graph, state: State) -> tuple[int, npt.NDArray[np.uint8] | None]:
    """Find the byte that a state begins with all over, or its bytes."""
    first = graph.tensors[state.first]
    if state.initial is None:
        # As LiteRT does it: the zero point counts for int8 alone.
        is_shifted = first.dtype == "int8" and first.quant is not None
        return (first.quant.zero_point[0] & 255 if is_shifted and first.quant else 0), None
    data = np.frombuffer(np.ascontiguousarray(state.initial).tobytes(), np.uint8)
    if (data == data[0]).all():
        return int(data[0]), None
    return -1, data
