"""Small .tflite files with large numbers: each asks for much of something."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from relocatable.compile import compile_model
from relocatable.errors import RelocatableError
from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Graph, Op, Quant
from relocatable.ops import OPERATORS
from tests.make_graph import CONV, POOL
from tests.make_tflite import make_tflite

_BIG = 1 << 24  # values of a tensor that is still taken
_PROBABILITY = Quant((1 / 256,), (-128,))
_NONE: dict[str, AttrValue] = {"fused_activation_function": "NONE"}

# Shapes of a tensor with very many values: along each dimension, and no image.
_SHAPES = [
    (1, _BIG),
    (_BIG, 1),
    (1, _BIG, 1, 1),
    (1, 1, _BIG, 1),
    (1, 1, 1, _BIG),
    (1, 1 << 12, 1 << 12, 1),
    (1, 1 << 20, 1, 16),
]
_UNARY: dict[str, tuple[Quant, dict[str, AttrValue]]] = {
    "RELU": (Quant((0.5,), (0,)), {}),
    "LEAKY_RELU": (Quant((0.5,), (0,)), {"alpha": 0.25}),
    "HARD_SWISH": (Quant((0.5,), (0,)), {}),
    "LOGISTIC": (_PROBABILITY, {}),
    "SOFTMAX": (_PROBABILITY, {"beta": 1.0}),
}


def hostile_models() -> Iterator[tuple[str, Callable[[], Graph]]]:
    """Yield a name for each file, and what makes its graph."""
    for kind in _UNARY:
        for shape in _SHAPES:
            yield f"{kind} {shape}", partial(_unary, kind, shape)
    for shape in _SHAPES:
        yield f"ADD {shape}", partial(_double, shape)
        yield f"MEAN {shape}", partial(_mean, shape)
        yield f"TRANSPOSE {shape}", partial(_transpose, shape)
        yield f"CONCATENATION {shape}", partial(_join, shape, 100)
        yield f"RESHAPE {shape}", partial(_reshape, shape)
    yield "CONCATENATION of 1000", partial(_join, (1 << 10, 16), 1000)
    yield "MUL stretched", partial(_binary, "MUL", (1 << 12, 1), (1, 1 << 12))
    yield "MEAN (1, 4, 8388612, 3)", partial(_mean, (1, 4, 8388612, 3))
    for window in (3, 1 << 12, 1 << 30, (1 << 31) - 1):
        for stride in (1, window):
            yield f"MAX_POOL_2D {window} {stride}", partial(_pool, window, stride)
    for amount in (1 << 11, 1 << 22, 1 << 30, (1 << 31) - 1):
        yield f"PAD {amount}", partial(_pad, amount)
        yield f"RESIZE {amount}", partial(_resize, amount, False)
        yield f"RESIZE_BILINEAR {amount}", partial(_resize, amount, False, "RESIZE_BILINEAR")
        yield f"TRANSPOSE_CONV {amount}", partial(_transposed, amount)
        yield f"GATHER of a constant {amount}", partial(_gather, amount)
        yield f"MIRROR_PAD {amount}", partial(_mirror, amount)
        for kind in ("TILE", "BROADCAST_TO"):
            yield f"{kind} {amount}", partial(_repeat, kind, amount)
        yield f"RESIZE of a constant {amount}", partial(_resize, amount, True)
    for size in (1 << 10, 1 << 12):
        for outputs in (1, 64):
            yield f"CONV_2D {size} {outputs}", partial(_conv, size, outputs, 1)
    for kind in ("TANH", "GELU", "ADD"):
        for size in (1, 1 << 20):
            yield f"WHILE {kind} {size}", partial(_endless, kind, size)
    yield "CONV_2D 16384 channels", partial(_conv, 3, 1 << 14, 1)
    yield "CONV_2D 65536 channels", partial(_conv, 3, 1 << 16, 1)
    yield "CONV_2D 16384 channels 50 times", partial(_conv, 3, 1 << 14, 50)
    yield "FULLY_CONNECTED 1000 times", partial(_dense, 1000)
    for dtype in ("int8", "float32"):
        yield f"folds {dtype}", partial(_folds, dtype)
    for count, kind in ((2000, "ADD"), (2000, "RELU"), (200, "MAX_POOL_2D"), (40, "MAX_POOL_2D")):
        yield f"{count} {kind}", partial(_deep, kind, count)
    yield "1000 tensors alive", partial(_wide, 1000)
    for amount in (1 << 10, 1 << 20):
        yield f"SignalDelay {amount}", partial(_delay, amount)
    yield "SignalRfft 32768", partial(_spectra, "CUSTOM SignalRfft", "int16")
    yield "RFFT2D 32768", partial(_spectra, "RFFT2D", "float32")


def _unary(kind: str, shape: tuple[int, ...]) -> Graph:
    b = GraphBuilder()
    quant, attrs = _UNARY[kind]
    return b.graph(b.op(kind, (b.input(*shape),), b.tensor(*shape, quant=quant), **attrs))


def _binary(kind: str, a: tuple[int, ...], c: tuple[int, ...]) -> Graph:
    b = GraphBuilder()
    y = b.tensor(*np.broadcast_shapes(a, c))
    return b.graph(b.op(kind, (b.input(*a), b.input(*c)), y, **_NONE))


def _double(shape: tuple[int, ...]) -> Graph:
    b = GraphBuilder()
    x = b.input(*shape)
    return b.graph(b.op("ADD", (x, x), b.tensor(*shape), **_NONE))


def _mean(shape: tuple[int, ...]) -> Graph:
    b = GraphBuilder()
    axes = list(range(1, len(shape)))
    y = b.tensor(shape[0], *(1 for _ in axes))
    return b.graph(b.op("MEAN", (b.input(*shape), b.constant(axes)), y, keep_dims=True))


def _transpose(shape: tuple[int, ...]) -> Graph:
    b = GraphBuilder()
    perm = list(range(len(shape)))[::-1]
    return b.graph(b.op("TRANSPOSE", (b.input(*shape), b.constant(perm)), b.tensor(*shape[::-1])))


def _join(shape: tuple[int, ...], count: int) -> Graph:
    b = GraphBuilder()
    y = b.tensor(*shape[:-1], shape[-1] * count)
    return b.graph(b.op("CONCATENATION", [b.input(*shape)] * count, y, axis=-1, **_NONE))


def _reshape(shape: tuple[int, ...]) -> Graph:
    b = GraphBuilder()
    return b.graph(b.op("RESHAPE", (b.input(*shape),), b.tensor(*(1 << 3,) * 8)))


def _pool(window: int, stride: int) -> Graph:
    b = GraphBuilder()
    size = 1 << 12
    out = -(-size // stride)
    x, y = b.input(1, size, size, 1), b.tensor(1, out, out, 1)
    attrs: dict[str, AttrValue] = {
        **POOL,
        "padding": "SAME",
        "stride_h": stride,
        "stride_w": stride,
        "filter_height": window,
        "filter_width": window,
    }
    return b.graph(b.op("MAX_POOL_2D", (x,), y, **attrs))


def _pad(amount: int) -> Graph:
    b = GraphBuilder()
    x, p = b.input(1, 1, 1, 1), b.constant([[0, 0], [amount, 0], [0, 0], [0, 0]])
    return b.graph(b.op("PAD", (x, p), b.tensor(1, min(amount + 1, (1 << 31) - 1), 1, 1)))


def _repeat(kind: str, amount: int) -> Graph:
    b = GraphBuilder()
    x = b.constant(np.zeros((1, 1)), "int8", Quant((0.5,), (0,)))
    y = b.op(kind, (x, b.constant([amount, 1])), b.tensor(amount, 1))
    return b.graph(b.op("ADD", (y, b.input(1, 1)), b.tensor(amount, 1), **_NONE))


def _resize(amount: int, constant: bool, kind: str = "RESIZE_NEAREST_NEIGHBOR") -> Graph:
    b = GraphBuilder()
    x = b.constant(np.zeros((1, 1, 1 << 12, 1)), "int8") if constant else b.input(1, 1, 1 << 12, 1)
    y = b.tensor(1, amount, 1, 1)
    b.op(
        *(kind, (x, b.constant([amount, 1])), y),
        align_corners=False,
        half_pixel_centers=False,
    )
    if constant:
        y = b.op("ADD", (y, b.input(1, 1, 1, 1)), b.tensor(1, amount, 1, 1), **_NONE)
    return b.graph(y)


def _transposed(amount: int) -> Graph:
    b = GraphBuilder()
    x, w = b.input(1, 1, 1, 1), b.constant(np.ones((1, 1, 1, 1)), "int8", Quant((0.01,), (0,)))
    attrs: dict[str, AttrValue] = {**_NONE, "padding": "SAME", "stride_h": amount, "stride_w": 1}
    inputs = (b.constant([1, amount, 1, 1]), w, x)
    return b.graph(b.op("TRANSPOSE_CONV", inputs, b.tensor(1, amount, 1, 1), **attrs))


def _gather(amount: int) -> Graph:
    b = GraphBuilder()
    x = b.constant(np.zeros((1, 1 << 12)), "int8", Quant((0.5,), (0,)))
    shape = (min(amount, 1 << 12), 1 << 12)
    y = b.tensor(*shape)
    b.op("GATHER", (x, b.constant(np.zeros(shape[0]))), y, axis=0, batch_dims=0)
    return b.graph(b.op("ADD", (y, b.input(1, 1)), b.tensor(*shape), **_NONE))


def _mirror(amount: int) -> Graph:
    b = GraphBuilder()
    x, pads = b.input(1, 1 << 11), b.constant([[0, 0], [amount, amount]])
    y = b.tensor(1, min((1 << 11) + 2 * amount, (1 << 31) - 1))
    return b.graph(b.op("MIRROR_PAD", (x, pads), y, mode="SYMMETRIC"))


def _conv(size: int, outputs: int, count: int) -> Graph:
    b = GraphBuilder()
    x = b.input(1, size, size, 1)
    scale = Quant(tuple(0.01 + 1e-6 * i for i in range(outputs)), (0,) * outputs, 0)
    if outputs == 1:
        scale = Quant((0.01,), (0,))
    w = b.constant(np.ones((outputs, 1, 1, 1)), "int8", scale)
    bias = b.constant(np.zeros(outputs), "int32")
    made = [
        b.op("CONV_2D", (x, w, bias), b.tensor(1, size, size, outputs), **CONV)
        for _ in range(count)
    ]
    return b.graph(*made)


def _dense(count: int) -> Graph:
    b = GraphBuilder()
    x = b.input(1, 512)
    w = b.constant(np.ones((512, 512)), "int8", Quant((0.01,), (0,)))
    for i in range(count):
        attrs: dict[str, AttrValue] = {**_NONE, "weights_format": "DEFAULT", "keep_num_dims": False}
        y = b.tensor(1, 512, quant=Quant((0.5 + i / 1000,), (0,)))
        x = b.op("FULLY_CONNECTED", (x, w, -1), y, **attrs)
    return b.graph(x)


def _folds(dtype: str) -> Graph:
    b = GraphBuilder()
    c = b.constant(np.zeros(1 << 12), dtype, None if dtype == "float32" else Quant((0.5,), (0,)))
    for _ in range(4):
        y = b.tensor(b.tensors[c].shape[0] * 16, dtype=dtype)
        c = b.op("CONCATENATION", [c] * 16, y, axis=0, **_NONE)
    shape = b.tensors[c].shape
    y = b.tensor(*shape, dtype=dtype)
    return b.graph(b.op("ADD", (c, b.input(1, dtype=dtype)), y, **_NONE))


def _deep(kind: str, count: int) -> Graph:
    b = GraphBuilder()
    x = first = b.input(1, 200, 1, 2, dtype="float32")
    for _ in range(count):
        y = b.tensor(1, 200, 1, 2, dtype="float32")
        inputs = (x, first) if kind == "ADD" else (x,)
        window: dict[str, AttrValue] = {"filter_height": 3, "stride_h": 1, "stride_w": 1}
        attrs = {"ADD": _NONE, "MAX_POOL_2D": {**POOL, **window, "padding": "SAME"}}.get(kind, {})
        x = b.op(kind, inputs, y, **attrs)
    return b.graph(x)


def _delay(amount: int) -> Graph:
    b = GraphBuilder()
    x, y = (b.tensor(1 << 12, 1, dtype="int16", quant=None) for _ in range(2))
    b.inputs.append(x)
    state = b.state(1, dtype="int16")
    b.op("CUSTOM SignalDelay", (x, state.first), y, state.last, delay_length=amount)
    return b.graph(y)


def _spectra(kind: str, dtype: str) -> Graph:
    b, length = GraphBuilder(), 1 << 15
    x = b.input(1 << 7, 1, length, dtype=dtype, quant=None)
    if kind == "RFFT2D":
        y = b.tensor(1 << 7, 1, length // 2 + 1, dtype="complex64")
        b.op(kind, (x, b.constant([1, length])), y)
        return b.graph(b.op("COMPLEX_ABS", (y,), b.tensor(*b.tensors[y].shape, dtype="float32")))
    y = b.tensor(1 << 7, 1, length + 2, dtype=dtype, quant=None)
    return b.graph(b.op(kind, (x,), y, T=7, fft_length=length))


def _wide(count: int) -> Graph:
    b = GraphBuilder()
    x = b.input(1, 16)
    made = [b.op("RELU", (x,), b.tensor(1, 16)) for _ in range(count)]
    y = b.tensor(1, 16 * count)
    return b.graph(b.op("CONCATENATION", made, y, axis=1, **_NONE))


def _endless(kind: str, size: int) -> Graph:
    """Make a loop whose condition is computed, and always true."""
    test, body, main = GraphBuilder(), GraphBuilder(), GraphBuilder()
    x = test.input(1, size, dtype="float32")
    first = test.tensor(1, 1, dtype="float32")
    test.op("SLICE", (x, test.constant([0, 0]), test.constant([1, 1])), first)
    condition = test.graph(test.op("EQUAL", (first, first), test.tensor(1, 1, dtype="bool")))
    x = body.input(1, size, dtype="float32")
    operands = (x, x) if kind == "ADD" else (x,)
    options: dict[str, dict[str, AttrValue]] = {"ADD": _NONE, "GELU": {"approximate": False}}
    attrs = options.get(kind, {})
    y = body.op(kind, operands, body.tensor(1, size, dtype="float32"), **attrs)
    x, z = main.input(1, size, dtype="float32"), main.tensor(1, size, dtype="float32")
    main.ops.append(Op("WHILE", "endless", (x,), (z,), {}, (condition, body.graph(y))))
    return main.graph(z)


_NUMBERS = (0, -1, -2, 1, 2, 3, 4, 127, 128, 255, 4096, 65535, 1 << 20, 1 << 24, 1 << 26, 1 << 30)
_REALS = (0.0, 1e-45, 1e-38, 1e-20, 1e20, 1e30, 3e38, -1.0, float("inf"), float("nan"))


def changed_model(seed: int) -> bytes:
    """Write a model of one random operator in which up to three numbers are others."""
    rng = np.random.default_rng(seed)
    kinds = [operator for operator in OPERATORS.values() if operator.samples]
    operator = kinds[int(rng.integers(len(kinds)))]
    dtype = str(rng.choice(list(operator.samples)))
    graph = operator.samples[dtype](rng, dtype)

    def edit(model: Any) -> None:
        for _ in range(int(rng.integers(1, 4))):
            _change(model.subgraphs[0], rng)

    return make_tflite(graph, edit)


def _change(sub: Any, rng: np.random.Generator) -> None:
    """Change a number of a tensor or of the operator."""
    op = sub.operators[0]
    tensor = sub.tensors[int(rng.integers(len(sub.tensors)))]
    number = int(rng.choice([*_NUMBERS, (1 << 31) - 1, -(1 << 31)]))
    what = int(rng.integers(4))
    if what == 0 and len(tensor.shape):
        tensor.shape[int(rng.integers(len(tensor.shape)))] = number
    elif what == 1 and tensor.quantization is not None:
        tensor.quantization.scale = [float(rng.choice(_REALS))] * len(tensor.quantization.scale)
    elif what == 2 and tensor.quantization is not None:
        tensor.quantization.zeroPoint = [number] * len(tensor.quantization.zeroPoint)
    elif op.builtinOptions is not None:
        names = sorted(vars(op.builtinOptions))
        name = names[int(rng.integers(len(names)))]
        old = getattr(op.builtinOptions, name)
        if isinstance(old, float):
            setattr(op.builtinOptions, name, float(rng.choice(_REALS)))
        elif isinstance(old, int) and not isinstance(old, bool):
            setattr(op.builtinOptions, name, number if abs(old) > 3 else int(number) % 128)


def _loop() -> float:
    """Measure the processor: seconds that two million rounds of Python take."""
    begin, total = time.process_time(), 0
    for i in range(2_000_000):
        total += i
    return time.process_time() - begin


def main(name: str) -> None:
    """Compile one of the models; print what it cost."""
    loop = min(_loop(), _loop())
    data = make_tflite(dict(hostile_models())[name]())
    limit = resource.RLIMIT_CPU
    resource.setrlimit(limit, (60, 60))
    error = ""
    try:
        compile_model(data, target="cortex-m4")
    except RelocatableError as found:
        error = type(found).__name__
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    seconds = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    seen = {"error": error, "seconds": seconds, "loops": seconds / min(loop, _loop())}
    most = max(own.ru_maxrss, children.ru_maxrss) / 1000
    print(json.dumps({**seen, "megabytes": most, "bytes": len(data)}))


if __name__ == "__main__":
    main(sys.argv[1])
