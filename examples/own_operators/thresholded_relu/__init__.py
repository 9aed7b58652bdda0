"""ThresholdedRelu, a custom operator: what is not above theta becomes 0."""

import numpy as np

from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops.operator import CustomOptions, Kernel, Operand, Operator
from relocatable.steps.c_call import CCall, Input, Output

FLOAT = ("float32",)


def finite_theta(node):
    """theta must be finite"""
    theta = node.number("theta")
    return bool(np.isfinite(theta)), str(theta)


def lower(site):
    """Make the call of the kernel."""
    params = {"count": site.count, "theta": site.float_attr("theta")}
    call = CCall("thresholded_relu", (Input(0), Output()), params)
    return site.call(
        "thresholded_relu/thresholded_relu.c", call, in_place=(0,), rows=site.value_rows
    )


OPERATORS = (
    Operator(
        kind="CUSTOM ThresholdedRelu",
        options=CustomOptions({"theta": 1.0}),
        operands=(Operand("input", FLOAT),),
        output=FLOAT,
        rules=(finite_theta,),
        shape=kept_shape,
        kernels=(Kernel(lower),),
        evaluate=lambda node, inputs: np.where(inputs[0] > node.number("theta"), inputs[0], 0),
    ),
)
