"""SignalFilterBankSpectralSubtraction: signals less the noise in them.

The reference is TFLite Micro, which takes one frame in each run; here several may come one after
another. The noise is estimated from frame to frame.
"""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Tensor
from relocatable.ops._shared.signal import (
    in_range,
    memory_tensor,
    not_negative,
    remembering,
    shapes_text,
    signal_kind,
    whole_options,
)
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CValue, Input, Output, PointerLoop
from relocatable.steps.kernel_call import KernelCall

KIND = signal_kind("FilterBankSpectralSubtraction")
_FACTORS = (
    "smoothing",
    "one_minus_smoothing",
    "alternate_smoothing",
    "alternate_one_minus_smoothing",
    "min_signal_remaining",
)
_SHIFTS = ("smoothing_bits", "spectral_subtraction_bits")


def noise_shapes(node: Node) -> Seen:
    """input and outputs must be [N * num_channels], N frames one after another"""
    shapes = {t.shape for t in (*node.inputs[:1], *node.outputs[:2])}
    ok = len(shapes) == len(node.output.shape) == 1 and node.integer("num_channels") > 0
    ok = ok and node.output.count > 0 and node.output.count % node.integer("num_channels") == 0
    return ok, shapes_text(node)


def memory(node: Node) -> Tensor:
    """Describe the estimate."""
    return memory_tensor(node, (node.integer("num_channels"),), "uint32")


def lower_subtraction(site: Site) -> KernelCall:
    """Lower the estimate and the subtraction."""
    channels = site.int_attr("num_channels")
    params: dict[str, CValue] = {"count": channels}
    even, odd = _FACTORS[:2], _FACTORS[2:4]
    params["smoothing"] = [site.int_attr(key) for key in (even[0], odd[0])]
    params["rest"] = [site.int_attr(key) for key in (even[1], odd[1])]
    params["least"] = site.int_attr("min_signal_remaining")
    params["signal_bits"], params["factor_bits"] = (site.int_attr(key) for key in _SHIFTS)
    params["is_clamped"] = int(bool(site.op.attrs["clamping"]))
    arguments = (Input(0), Output(index=2), Output(), Output(index=1))
    frames = PointerLoop(site.output.count // channels, (channels, 0, channels, channels))
    loops = (frames,) if frames.turns > 1 else ()
    call = CCall("xn_signal_spectral_subtraction", arguments, params, loops=loops)
    folder = "signal_filter_bank_spectral_subtraction"
    return site.call(f"{folder}/{folder}.c", call, inputs=(0, 1), updates={1: 2})


def evaluate(node: Node, inputs: list[Array]) -> tuple[Array, ...]:
    """Move the estimates towards the signals; subtract them, but leave a share."""
    noise = inputs[1]
    found, noises = [], []
    for signal in inputs[0].reshape(-1, noise.size):
        output, noise = _subtract(node, signal.astype(np.uint64), noise.astype(np.uint64))
        found.append(output)
        noises.append(noise)
    return np.concatenate(found), np.concatenate(noises), noise


def _subtract(node: Node, signal: Array, noise: Array) -> tuple[Array, Array]:
    """Subtract the noise of one frame; return its estimate, too."""
    even = np.arange(signal.size) % 2 == 0
    factors = [np.uint64(node.integer(key)) for key in _FACTORS]
    smoothing = np.where(even, factors[0], factors[2])
    rest = np.where(even, factors[1], factors[3])
    bits, factor_bits = (np.uint64(node.integer(key)) for key in _SHIFTS)
    low = np.uint64(0xFFFFFFFF)
    scaled = signal << bits & low
    noise = (scaled * smoothing + noise * rest) >> factor_bits & low
    heard = np.minimum(noise, scaled)
    least = signal * factors[4] >> factor_bits & low
    output = np.maximum((scaled - heard) >> bits, least).astype(np.uint32)
    kept = (heard if node.op.attrs["clamping"] else noise).astype(np.uint32)
    return output, kept


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one estimate."""
    count, bits = int(rng.integers(1, 20)), int(rng.choice([10, 14]))
    shares = (rng.random(3) * (1 << bits)).astype(int).tolist()
    b = GraphBuilder()
    x = b.input(count, dtype=dtype)
    y, noise = (b.tensor(count, dtype="uint32") for _ in range(2))
    state = b.state(count, dtype="uint32")
    b.op(
        *(KIND, (x, state.first), y, noise, state.last),
        num_channels=count,
        smoothing=shares[0],
        one_minus_smoothing=(1 << bits) - shares[0],
        alternate_smoothing=shares[1],
        alternate_one_minus_smoothing=(1 << bits) - shares[1],
        min_signal_remaining=shares[2],
        smoothing_bits=int(rng.integers(0, 12)),
        spectral_subtraction_bits=bits,
        clamping=bool(rng.random() < 0.5),
    )
    return b.graph(y, noise)


OPERATORS = (
    remembering(
        Operator(
            kind=KIND,
            options=whole_options("num_channels", *_FACTORS, *_SHIFTS, flags=("clamping",)),
            operands=(Operand("input", ("uint32",)),),
            output=("uint32",),
            outputs=(2, 2),
            rules=(not_negative(*_FACTORS), in_range(0, 31, *_SHIFTS)),
            shape=noise_shapes,
            kernels=(Kernel(lower_subtraction),),
            evaluate=evaluate,
            reference="TFLite Micro",
            version=1,
            samples=samples(sample, ("uint32",)),
        ),
        memory,
    ),
)
