"""SignalFilterBankLog: logarithms by a table. The reference is TFLite Micro."""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.signal import in_range, not_negative, signal_kind, whole_options
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

KIND = signal_kind("FilterBankLog")
_LN_2 = 45426  # times 2^16
_SEGMENT_BITS = 9  # of 16 after the point


def _bend() -> Array:
    """Return log2(1 + x) - x, times 2^16, at 129 places from 0 to 1."""
    x = np.arange(129) / 128
    return np.rint((np.log2(1 + x) - x) * 65536).astype(np.uint16)


BEND = _bend()


def lower_log(site: Site) -> KernelCall:
    """Lower the logarithms."""
    params: dict[str, CValue] = {"count": site.output.count, "ln_2": _LN_2}
    params["bits"] = site.int_attr("input_correction_bits")
    params["scale"] = site.int_attr("output_scale")
    call = CCall("xn_signal_log", (Input(0), Constant("bend"), Output()), params)
    source = "signal_filter_bank_log/signal_filter_bank_log.c"
    return site.call(source, call, weights={"bend": BEND})


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Add the exponent, what follows the first bit, and how log2 bends there."""
    x = inputs[0].astype(np.int64) << node.integer("input_correction_bits") & 0xFFFFFFFF
    exponent = np.floor(np.log2(np.maximum(x, 1))).astype(np.int64)
    fraction = x - (1 << exponent)
    fraction = np.where(exponent < 16, fraction << np.maximum(16 - exponent, 0), fraction)
    fraction >>= np.maximum(exponent - 16, 0)
    segment = np.clip(fraction >> _SEGMENT_BITS, 0, 127)
    bend = BEND.astype(np.int64)
    slope = bend[segment + 1] - bend[segment]
    within = (slope * (fraction - (segment << _SEGMENT_BITS))) >> 16
    log2 = (exponent << 16) + fraction + bend[segment] + within
    natural = (_LN_2 * log2 + 32768) >> 16
    scaled = (natural * node.integer("output_scale") + 32768 & 0xFFFFFFFF) >> 16
    return np.where(x > 1, np.minimum(scaled, 32767), 0).astype(np.int16)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of some logarithms."""
    count = int(rng.integers(1, 40))
    b = GraphBuilder()
    x, y = b.input(count, dtype=dtype), b.tensor(count, dtype="int16", quant=None)
    scale, bits = int(rng.choice([64, 1600, 70_000])), int(rng.integers(0, 8))
    return b.graph(b.op(KIND, (x,), y, output_scale=scale, input_correction_bits=bits))


OPERATORS = (
    Operator(
        kind=KIND,
        options=whole_options("output_scale", "input_correction_bits"),
        operands=(Operand("input", ("uint32",)),),
        output=("int16",),
        rules=(not_negative("output_scale"), in_range(0, 31, "input_correction_bits")),
        shape=kept_shape,
        kernels=(Kernel(lower_log),),
        evaluate=evaluate,
        reference="TFLite Micro",
        version=1,
        samples=samples(sample, ("uint32",)),
    ),
)
