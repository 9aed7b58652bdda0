"""RFFT2D and COMPLEX_ABS: spectra of real values, and their magnitudes.

A spectrum is computed in double precision, as LiteRT does it.
"""

from __future__ import annotations

import math

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    Array,
    Kernel,
    Operand,
    Operator,
    Options,
    Rng,
    Seen,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Output, Scratch
from relocatable.steps.kernel_call import KernelCall

_SOURCE = "rfft2d/rfft2d.c"
_MOST = 1 << 15
_COMPLEX_BYTES = 16  # in double precision


def powers_of_two(node: Node) -> Seen:
    """fft_length must be two powers of two, at most 32768, the second at least 2"""
    seen = node.integers(1)
    ok = len(seen) == 2 and all(1 <= n <= _MOST and n & (n - 1) == 0 for n in seen)
    return ok and seen[1] >= 2, str(seen)


def spectrum_shape(node: Node) -> Seen:
    """input must be [.., H, W], the output [.., fft_length[0], fft_length[1] / 2 + 1]"""
    source, output = node.inputs[0].shape, node.output.shape
    height, width = node.integers(1)
    ok = len(source) >= 2 and output == (*source[:-2], height, width // 2 + 1)
    return ok, f"{list(source)} -> {list(output)}"


def lower_spectrum(site: Site) -> KernelCall:
    """Lower the spectra."""
    *outer, in_h, in_w = site.input(0).shape
    height, width = site.node.integers(1)
    most = max(height, width)
    phases = [-2 * math.pi * i / most for i in range(max(1, most // 2))]
    turns = np.array([(math.cos(phase), math.sin(phase)) for phase in phases], np.float64)
    params: dict[str, CValue] = {"outer": math.prod(outer), "in_h": in_h, "in_w": in_w}
    params |= {"h": height, "w": width, "most": most}
    pointers = (Input(0), Constant("turns"), Scratch("double"), Output())
    return site.call(
        _SOURCE,
        CCall("xn_rfft2d", pointers, params),
        weights={"turns": turns},
        scratch_bytes=_COMPLEX_BYTES * height * (width // 2 + 1),
        macs=2 * math.prod(outer) * height * width * (height * width).bit_length(),
    )


def spectrum(node: Node, inputs: list[Array]) -> Array:
    """Transform what fits, padded by 0."""
    height, width = inputs[1].tolist()
    part = inputs[0][..., :height, :width].astype(np.float64)
    return np.asarray(np.fft.rfft2(part, (height, width)), np.complex64)


def lower_magnitude(site: Site) -> KernelCall:
    """Lower the magnitudes."""
    call = CCall("xn_complex_abs", (Input(0), Output()), {"count": site.output.count})
    return site.call(_SOURCE, call)


def magnitude(node: Node, inputs: list[Array]) -> Array:
    """Take the magnitude of each number."""
    return np.asarray(np.hypot(inputs[0].real, inputs[0].imag))


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of spectra and their magnitudes: only these can leave a graph."""
    outer, rows, columns = (int(v) for v in rng.integers(1, 8, 3))
    height, width = (1 << int(v) for v in (rng.integers(0, 4), rng.integers(1, 8)))
    b = GraphBuilder()
    x = b.input(outer, rows, columns * int(rng.integers(1, 10)), dtype="float32")
    shape = (outer, height, width // 2 + 1)
    y = b.tensor(*shape, dtype="complex64")
    b.op("RFFT2D", (x, b.constant([height, width])), y)
    return b.graph(b.op("COMPLEX_ABS", (y,), b.tensor(*shape, dtype="float32")))


OPERATORS = (
    Operator(
        kind="RFFT2D",
        options=Options("Rfft2dOptions", ()),
        operands=(
            Operand("input", ("float32",)),
            Operand("fft_length", ("int32",), constant=True),
        ),
        output=("complex64",),
        rules=(powers_of_two,),
        shape=spectrum_shape,
        kernels=(Kernel(lower_spectrum),),
        evaluate=spectrum,
        version=1,
        samples=samples(sample, ("float32",)),
    ),
    Operator(
        kind="COMPLEX_ABS",
        operands=(Operand("input", ("complex64",)),),
        output=("float32",),
        shape=kept_shape,
        kernels=(Kernel(lower_magnitude),),
        evaluate=magnitude,
        version=1,
        samples=samples(sample, ("float32",)),
    ),
)
