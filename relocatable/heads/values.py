"""A model's output as the heads' C code reads it: xn_values of value.h."""

from __future__ import annotations

import numpy as np

from relocatable.errors import HeadError
from relocatable.graph.graph import Tensor
from relocatable.steps.c_call import CValue, Input, Name

_TYPES = {"int8": "XN_VALUE_I8", "uint8": "XN_VALUE_U8", "float32": "XN_VALUE_F32"}


def values_of(output: Tensor, index: int = 0) -> dict[str, CValue]:
    """Fill in the fields of xn_values for an output of the model.

    Args:
        output: the tensor.
        index: of it, in the head's inputs.

    Raises:
        HeadError: no C code reads such a tensor.
    """
    if output.dtype not in _TYPES:
        raise HeadError(f"output '{output.name}' must be {', '.join(_TYPES)}; is {output.dtype}")
    scale, zero_point = 1.0, 0
    if output.dtype != "float32":
        if output.quant is None:
            raise HeadError(f"output '{output.name}' must have a scale; has none")
        scale, zero_point = output.quant.scale[0], output.quant.zero_point[0]
    return {
        "data": Input(index),
        "type": Name(_TYPES[output.dtype]),
        "scale": np.float32(scale),
        "zero_point": zero_point,
    }
