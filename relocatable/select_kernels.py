"""Op -> KernelCall: which kernel does an operator on a target, with which constants."""

from __future__ import annotations

from collections.abc import Callable

from relocatable.graph.graph import Graph
from relocatable.select import activation, binary, conversion, convolution, movement, pooling
from relocatable.select.site import Site
from relocatable.select.softmax import choose_softmax
from relocatable.steps.kernel_call import KernelCall
from relocatable.targets import Target

CHOOSERS: dict[str, Callable[[Site], KernelCall]] = {
    "ADD": binary.choose_add,
    "AVERAGE_POOL_2D": pooling.choose_average_pool_2d,
    "CAST": conversion.choose_cast,
    "CONCATENATION": movement.choose_concatenation,
    "CONV_2D": convolution.choose_conv_2d,
    "DEPTHWISE_CONV_2D": convolution.choose_depthwise_conv_2d,
    "DEQUANTIZE": conversion.choose_dequantize,
    "FULLY_CONNECTED": convolution.choose_fully_connected,
    "HARD_SWISH": activation.choose_hard_swish,
    "LEAKY_RELU": activation.choose_leaky_relu,
    "LOGISTIC": activation.choose_logistic,
    "MAX_POOL_2D": pooling.choose_max_pool_2d,
    "MEAN": pooling.choose_mean,
    "MUL": binary.choose_mul,
    "PAD": movement.choose_pad,
    "PADV2": movement.choose_pad,
    "QUANTIZE": conversion.choose_quantize,
    "RELU": activation.choose_relu,
    "RELU6": activation.choose_relu,
    "SOFTMAX": choose_softmax,
    "SUB": binary.choose_sub,
    "TANH": activation.choose_tanh,
}


def select_kernels(graph: Graph, target: Target) -> tuple[KernelCall, ...]:
    """Chooses a kernel for each operator.

    Args:
        graph: a lowered graph; a RESHAPE in it gets no step, its output shares its input's memory.
        target: the CPU to choose for.

    Returns:
        The program's calls in order.

    Raises:
        UnsupportedError: no kernel does an operator as it stands in the graph.
    """
    calls = []
    for op in graph.ops:
        if op.kind == "RESHAPE":
            continue
        site = Site(graph, op, target)
        chooser = CHOOSERS.get(op.kind)
        if chooser is None:
            site.refuse(f"operator must be one of {', '.join(CHOOSERS)}", op.kind)
        calls.append(chooser(site))
    return tuple(calls)
