"""Keep weights in half precision if that loses nothing.

It takes half the flash and more time. Files often store weights as float16 and make float32 of
them, which is done at compile time; the kernels of layers of floats are templates of the weights'
type and widen a weight when they use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from relocatable.steps.kernel_call import KernelCall


def with_half_weights(calls: Sequence[KernelCall]) -> tuple[KernelCall, ...]:
    """Store as float16 what kernels can read so and what has no more bits."""
    return tuple(_narrowed(call) for call in calls)


def _narrowed(call: KernelCall) -> KernelCall:
    if call.pipeline is not None:
        parts = with_half_weights(call.pipeline.parts)
        return replace(call, pipeline=replace(call.pipeline, parts=parts))
    narrow = halves_of(call.weights[call.widens]) if call.widens else None
    if narrow is None:
        return call
    return replace(
        call,
        weights={**call.weights, call.widens: narrow},
        calls=tuple(replace(c, dtype="float16") for c in call.calls),
    )


def halves_of(values: npt.NDArray[Any]) -> npt.NDArray[np.float16] | None:
    """Store values as float16; None if that loses something."""
    with np.errstate(over="ignore"):
        halves = values.astype(np.float16)
    return halves if np.array_equal(halves.astype(values.dtype), values) else None
