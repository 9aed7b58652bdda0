"""SignalRfft and SignalIrfft: discrete Fourier transforms of real signals.

The reference is TFLite Micro, whose transforms are those of KISS FFT 1.3.0: bit for bit for
integers, which are divided before they could overflow. Tables come from the C library's sine and
cosine in double precision, as there.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.signal import (
    TYPE_OPTION,
    random_outer,
    shapes_text,
    signal_kind,
    type_number,
    type_option,
    whole_options,
)
from relocatable.ops._shared.types import kept_type
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Sample, Seen, samples
from relocatable.ops.signal_fft.transform import Transform, stages
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Constant, CPointer, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

RFFT, IRFFT = signal_kind("Rfft"), signal_kind("Irfft")
_TYPES = ("int16", "int32", "float32")
_MOST = 1 << 15  # values of a signal


def transform_length(node: Node) -> Seen:
    """fft_length must be in [4, 32768] and twice a product of 2, 3 and 5; pad the signal"""
    length = node.integer("fft_length")
    ok = 4 <= length <= _MOST and length % 2 == 0 and bool(stages(length // 2))
    return ok, str(length)


def spectrum_shape(node: Node) -> Seen:
    """input must be [.., N] with at most fft_length values, the output [.., fft_length + 2]"""
    source, output = node.inputs[0].shape, node.output.shape
    length = node.integer("fft_length")
    ok = bool(source) and source[-1] <= length
    return ok and output == (*source[:-1], length + 2), shapes_text(node)


def signal_shape(node: Node) -> Seen:
    """input must be [.., fft_length + 2], the output [.., fft_length]"""
    source, output = node.inputs[0].shape, node.output.shape
    length = node.integer("fft_length")
    ok = bool(source) and source[-1] == length + 2
    return ok and output == (*source[:-1], length), shapes_text(node)


def _transform(node: Node) -> Transform:
    return Transform(node.output.dtype, node.integer("fft_length"), node.op.kind == IRFFT)


def lower_transform(site: Site) -> KernelCall:
    """Lower transforms of int16, int32 or float32."""
    transform = _transform(site.node)
    *outer, count = site.input(0).shape
    params: dict[str, CValue] = {"outer": math.prod(outer), "in_count": count}
    params |= {"half": transform.half, "stages": len(transform.stages)}
    params["is_inverse"] = int(transform.is_inverse)
    names = ("places", "radixes", "turns", "half_turns")
    pointers: list[CPointer] = [Input(0), *map(Constant, names), Output()]
    function = "xn_signal_irfft" if transform.is_inverse else "xn_signal_rfft"
    call = CCall(function, pointers, params, "xn_signal_fft_params", site.output.dtype)
    tables = (transform.places, transform.radixes, transform.turns, transform.half_turns)
    return site.call(
        "signal_fft/signal_fft.c",
        call,
        weights=dict(zip(names, tables, strict=True)),
        macs=4 * math.prod(outer) * transform.half * len(transform.stages),
    )


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Transform each signal or spectrum."""
    transform = _transform(node)
    rows = inputs[0].reshape(-1, inputs[0].shape[-1])
    made = transform.signals(rows) if transform.is_inverse else transform.spectra(rows)
    return made.reshape(node.output.shape)


def _sample(kind: str) -> Sample:
    def sample(rng: Rng, dtype: str) -> Graph:
        """Make a graph of some transforms of one length."""
        length = int(rng.choice([4, 6, 8, 10, 12, 16, 18, 30, 32, 50, 64, 96, 120, 128, 256]))
        outer = random_outer(rng)
        b = GraphBuilder()
        count, made = int(rng.integers(1, length + 1)), length + 2
        if kind == IRFFT:
            count, made = length + 2, length
        x = b.input(*outer, count, dtype=dtype, quant=None)
        y = b.tensor(*outer, made, dtype=dtype, quant=None)
        attrs = {TYPE_OPTION: type_number(dtype), "fft_length": length}
        return b.graph(b.op(kind, (x,), y, **attrs))

    return sample


def _operator(kind: str, shape: Callable[[Node], Seen]) -> Operator:
    return Operator(
        kind=kind,
        options=whole_options(TYPE_OPTION, "fft_length"),
        operands=(Operand("input", _TYPES),),
        output=_TYPES,
        rules=(kept_type, type_option, transform_length),
        shape=shape,
        kernels=(Kernel(lower_transform),),
        evaluate=evaluate,
        reference="TFLite Micro",
        version=1,
        samples=samples(_sample(kind), _TYPES),
    )


OPERATORS = (_operator(RFFT, spectrum_shape), _operator(IRFFT, signal_shape))
