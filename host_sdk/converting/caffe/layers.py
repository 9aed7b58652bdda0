"""Each type of layer as operators of .tflite.

Source of the rules: `caffe.proto` and the layers of BVLC/caffe, src/caffe/layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from host_sdk.converting.caffe.pooling import Side, pool_side
from host_sdk.converting.caffe.read import Layer
from host_sdk.converting.write_tflite import TfliteWriter

__all__ = ["LAYERS", "LayerError", "Writing"]

ELEMENTS_LIMIT = 1 << 26  # of a value: more fits no microcontroller, and no mistake should cost it
LOWEST = float(np.finfo(np.float32).min)
_MAX, _AVE = 0, 1
_WITHIN_CHANNEL = 1


class LayerError(Exception):
    """A layer that is not converted; says why."""


class Writing:
    """The .tflite so far.

    Args:
        file: what is written.
        fused: values that hold what a ReLU made of them already.
    """

    def __init__(self, file: TfliteWriter, fused: frozenset[int]) -> None:
        self.file, self.fused = file, fused
        self._tensors: dict[int, int] = {}
        self._shapes: dict[int, tuple[int, ...]] = {}

    def give(self, value: int, tensor: int, shape: Sequence[int]) -> None:
        """Note which tensor holds a value of the network."""
        self._tensors[value], self._shapes[value] = tensor, tuple(shape)

    def tensor(self, value: int) -> int:
        """Return the tensor that holds a value."""
        return self._tensors[value]

    def shape(self, value: int) -> tuple[int, ...]:
        """Return its shape, N x H x W x C or N x C."""
        return self._shapes[value]

    def new(self, name: str, shape: Sequence[int]) -> int:
        """Add a tensor.

        Raises:
            LayerError: it would be too large.
        """
        if int(np.prod(shape, dtype=object)) > ELEMENTS_LIMIT:
            raise LayerError(f"a value of {list(shape)} has more than {ELEMENTS_LIMIT:,} elements")
        return self.file.tensor(name, shape)

    def operator(
        self,
        kind: str,
        inputs: Sequence[int],
        name: str,
        shape: Sequence[int],
        options: str | None = None,
        **values: Any,
    ) -> int:
        """Add an operator with one output; its tensor."""
        output = self.new(name, shape)
        self.file.operator(kind, inputs, [output], options, **values)
        return output

    def numbers(self, name: str, values: Sequence[int] | np.ndarray) -> int:
        """Add a constant of int32."""
        return self.file.constant(name, np.asarray(values, np.int32))


# ---- Help ----------------------------------------------------------------------------------------


def _picture(w: Writing, layer: Layer) -> tuple[int, int, int, int]:
    shape = w.shape(layer.inputs[0])
    if len(shape) != 4:
        raise LayerError(f"takes a picture; gets {list(shape)}")
    return shape[0], shape[1], shape[2], shape[3]


def _weights(layer: Layer, has_bias: bool) -> tuple[np.ndarray, np.ndarray | None]:
    wanted = 1 + has_bias
    if len(layer.blobs) != wanted:
        raise LayerError(f"{len(layer.blobs)} weights beside it, must be {wanted}")
    bias = layer.blobs[1].reshape(-1) if has_bias else None
    return layer.blobs[0], bias


def _check_shape(what: str, array: np.ndarray, wanted: Sequence[int]) -> None:
    old = (1,) * (4 - len(wanted)) + tuple(wanted)  # as files before 2014 have it
    if array.shape not in (tuple(wanted), old):
        raise LayerError(f"{what} are {list(array.shape)}, must be {list(wanted)}")


def _pair(parameters: Any, name: str, both: Sequence[int]) -> tuple[int, int]:
    """Return height and width of what is given for each, or by one or two numbers."""
    if parameters.HasField(f"{name}_h") or parameters.HasField(f"{name}_w"):
        return getattr(parameters, f"{name}_h"), getattr(parameters, f"{name}_w")
    if len(both) > 2:
        raise LayerError(f"{name} has {len(both)} values, at most 2")
    return both[0], both[-1]


def _padded(w: Writing, x: int, name: str, shape: Sequence[int], pads: np.ndarray, v: float) -> int:
    """Add a PAD, or PADV2 with another value than 0, if there is something to add."""
    if not pads.any():
        return x
    grown = [n + int(a + b) for n, (a, b) in zip(shape, pads, strict=True)]
    paddings = w.numbers(f"{name}/paddings", pads)
    if v == 0:
        return w.operator("PAD", [x, paddings], f"{name}/pad", grown, "PadOptions")
    value = w.file.constant(f"{name}/value", np.asarray([v], np.float32))
    return w.operator("PADV2", [x, paddings, value], f"{name}/pad", grown, "PadV2Options")


def _spatial(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    return np.array([[0, 0], [top, bottom], [left, right], [0, 0]])


# ---- Layers --------------------------------------------------------------------------------------


def _convolution(w: Writing, layer: Layer) -> None:
    n, height, width, channels = _picture(w, layer)
    p = layer.parameters.convolution_param
    kernel = _pair(p, "kernel", p.kernel_size or [0])
    stride, pad = _pair(p, "stride", p.stride or [1]), _pair(p, "pad", p.pad or [0])
    dilations = list(p.dilation) or [1]
    dilation = (dilations[0], dilations[-1])
    group, count = p.group, p.num_output
    if min(*kernel, *stride, *dilation, group, count) < 1 or p.axis != 1:
        raise LayerError("kernel, stride, dilation, group and num_output must be 1 or more, axis 1")
    if channels % group or count % group:
        raise LayerError(f"group {group} must divide {channels} inputs and {count} outputs")
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    out = [
        (size + 2 * a - r) // s + 1
        for size, a, r, s in zip((height, width), pad, reach, stride, strict=True)
    ]
    if min(out) < 1 or max(pad) > 1 << 12:
        raise LayerError(f"kernel {list(kernel)} with pad {list(pad)} on {height} x {width}")
    filters, bias = _weights(layer, p.bias_term)
    _check_shape("weights", filters, (count, channels // group, *kernel))
    filters = filters.reshape(count, channels // group, *kernel)
    bias = np.zeros(count, np.float32) if bias is None else bias
    _check_shape("biases", bias, (count,))
    # SAME, where it means the same, else zeros of an operator of their own.
    sides = [Side(*of) for of in zip((height, width), reach, stride, pad, out, strict=True)]
    same = not all(side.is_valid for side in sides) and all(side.is_same for side in sides)
    x = w.tensor(layer.inputs[0])
    if not same:
        ends = _spatial(pad[0], pad[0], pad[1], pad[1])
        x = _padded(w, x, layer.name, (n, height, width, channels), ends, 0)
    options = {
        "padding": w.file.enum("Padding", "SAME" if same else "VALID"),
        "strideH": stride[0],
        "strideW": stride[1],
        "dilationHFactor": dilation[0],
        "dilationWFactor": dilation[1],
        "fusedActivationFunction": _activation(w, layer),
    }
    by_channel = group == channels and group > 1
    if by_channel:  # output c * m + k is of input c in both
        filters = filters.transpose(1, 2, 3, 0)
        kind, table = "DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions"
        options["depthMultiplier"] = count // channels
    else:
        filters = filters.transpose(0, 2, 3, 1)
        kind, table = "CONV_2D", "Conv2DOptions"
    weights = w.file.constant(f"{layer.name}/weights", np.ascontiguousarray(filters))
    biases = w.file.constant(f"{layer.name}/bias", bias)
    shape = (n, *out, count)
    y = w.operator(kind, [x, weights, biases], layer.name, shape, table, **options)
    w.give(layer.outputs[0], y, shape)


def _activation(w: Writing, layer: Layer) -> int:
    name = "RELU" if layer.outputs[0] in w.fused else "NONE"
    return w.file.enum("ActivationFunctionType", name)


def _inner_product(w: Writing, layer: Layer) -> None:
    shape = w.shape(layer.inputs[0])
    p = layer.parameters.inner_product_param
    size, count = int(np.prod(shape[1:])), p.num_output
    if p.axis != 1:
        raise LayerError(f"axis {p.axis}, must be 1")
    matrix, bias = _weights(layer, p.bias_term)
    _check_shape("weights", matrix, (size, count) if p.transpose else (count, size))
    matrix = matrix.reshape(size, count).T if p.transpose else matrix.reshape(count, size)
    if len(shape) == 4:  # Caffe counts channels, rows, columns
        order = (count, shape[3], shape[1], shape[2])
        matrix = matrix.reshape(order).transpose(0, 2, 3, 1).reshape(count, size)
    x = w.tensor(layer.inputs[0])
    if len(shape) != 2:
        to = w.numbers(f"{layer.name}/shape", (1, size))
        flat = f"{layer.name}/flat"
        x = w.operator("RESHAPE", [x, to], flat, (1, size), "ReshapeOptions", newShape=[1, size])
    weights = w.file.constant(f"{layer.name}/weights", np.ascontiguousarray(matrix))
    bias = np.zeros(count, np.float32) if bias is None else bias
    _check_shape("biases", bias, (count,))
    inputs = [x, weights, w.file.constant(f"{layer.name}/bias", bias)]
    options = {"fusedActivationFunction": _activation(w, layer)}
    table = "FullyConnectedOptions"
    y = w.operator("FULLY_CONNECTED", inputs, layer.name, (1, count), table, **options)
    w.give(layer.outputs[0], y, (1, count))


def _pooling(w: Writing, layer: Layer) -> None:
    n, height, width, channels = _picture(w, layer)
    p = layer.parameters.pooling_param
    if p.pool not in (_MAX, _AVE) or len(layer.outputs) != 1:
        raise LayerError("stochastic pooling and masks are not converted")
    kernel = (height, width) if p.global_pooling else _pair(p, "kernel", [p.kernel_size])
    stride, pad = _pair(p, "stride", [p.stride]), _pair(p, "pad", [p.pad])
    try:
        rows, columns = (
            pool_side(size, k, s, a, p.round_mode == 1)
            for size, k, s, a in zip((height, width), kernel, stride, pad, strict=True)
        )
    except ValueError as error:
        raise LayerError(str(error)) from error
    y = _pool(w, w.tensor(layer.inputs[0]), layer.name, p.pool, channels, rows, columns)
    w.give(layer.outputs[0], y, (n, rows.out, columns.out, channels))


def _pool(w: Writing, x: int, name: str, of: int, channels: int, rows: Side, columns: Side) -> int:
    kind = "MAX_POOL_2D" if of == _MAX else "AVERAGE_POOL_2D"
    shape = (1, rows.out, columns.out, channels)
    # Padding of .tflite counts in no mean, Caffe's does: they agree where none is asked for.
    padless = of == _MAX or (rows.pad, columns.pad) == (0, 0)
    valid = rows.is_valid and columns.is_valid
    same = not valid and padless and rows.is_same and columns.is_same
    if not valid and not same:
        ends = [rows.pad, max(rows.behind, 0), columns.pad, max(columns.behind, 0)]
        before = (1, rows.size, columns.size, channels)
        x = _padded(w, x, name, before, _spatial(*ends), LOWEST if of == _MAX else 0)
    options = {
        "padding": w.file.enum("Padding", "SAME" if same else "VALID"),
        "strideH": rows.stride,
        "strideW": columns.stride,
        "filterHeight": rows.kernel,
        "filterWidth": columns.kernel,
    }
    counted = np.outer(rows.counted(), columns.counted())
    whole = rows.kernel * columns.kernel
    scaled = of == _AVE and not valid and not same and bool((counted != whole).any())
    called = f"{name}/pool" if scaled else name
    y = w.operator(kind, [x], called, shape, "Pool2DOptions", **options)
    if not scaled:
        return y
    factors = np.asarray(whole / counted, np.float32).reshape(1, rows.out, columns.out, 1)
    times = w.file.constant(f"{name}/factors", factors)
    return w.operator("MUL", [y, times], name, shape, "MulOptions")


def _relu(w: Writing, layer: Layer) -> None:
    value = layer.inputs[0]
    x, shape = w.tensor(value), w.shape(value)
    slope = layer.parameters.relu_param.negative_slope
    if value in w.fused:
        y = x
    elif slope == 0:
        y = w.operator("RELU", [x], layer.name, shape)
    else:
        y = w.operator("LEAKY_RELU", [x], layer.name, shape, "LeakyReluOptions", alpha=slope)
    w.give(layer.outputs[0], y, shape)


def _softmax(w: Writing, layer: Layer) -> None:
    shape = w.shape(layer.inputs[0])
    if layer.type == "Softmax" and layer.parameters.softmax_param.axis not in (1, 1 - len(shape)):
        raise LayerError(f"axis {layer.parameters.softmax_param.axis}, must be 1, the channels")
    x = w.tensor(layer.inputs[0])
    y = w.operator("SOFTMAX", [x], layer.name, shape, "SoftmaxOptions", beta=1.0)
    w.give(layer.outputs[0], y, shape)


def _lrn(w: Writing, layer: Layer) -> None:
    """Divide by a power of what lies around: x (k + alpha mean(x^2))^-beta."""
    shape = n, height, width, channels = _picture(w, layer)
    p = layer.parameters.lrn_param
    size, within = p.local_size, p.norm_region == _WITHIN_CHANNEL
    if size % 2 == 0 or size > 255:
        raise LayerError(f"local_size {size}, must be odd and below 256")
    name, x, m = layer.name, w.tensor(layer.inputs[0]), size // 2
    squares = w.operator("SQUARE", [x], f"{name}/squares", shape, "SquareOptions")
    if within:
        view, pads, kernel = shape, _spatial(m, m, m, m), (size, size)
    else:  # channels as the columns of a picture
        view, pads, kernel = (n, height * width, channels, 1), _spatial(0, 0, m, m), (1, size)
        squares = _reshaped(w, squares, f"{name}/rows", view)
    squares = _padded(w, squares, name, view, pads, 0)
    options = {
        "padding": w.file.enum("Padding", "VALID"),
        "strideH": 1,
        "strideW": 1,
        "filterHeight": kernel[0],
        "filterWidth": kernel[1],
    }
    mean = w.operator(
        "AVERAGE_POOL_2D", [squares], f"{name}/mean", view, "Pool2DOptions", **options
    )
    if not within:
        mean = _reshaped(w, mean, f"{name}/picture", shape)
    # Within a channel Caffe adds 1, whatever k is.
    scaled = _with_number(w, "MUL", mean, f"{name}/alpha", shape, p.alpha)
    base = _with_number(w, "ADD", scaled, f"{name}/k", shape, 1.0 if within else p.k)
    y = _times_power(w, x, base, name, shape, p.beta)
    w.give(layer.outputs[0], y, shape)


def _times_power(
    w: Writing, x: int, base: int, name: str, shape: Sequence[int], beta: float
) -> int:
    """Return x base^-beta, by roots where they suffice."""
    if abs(beta - 1) < 1e-6:
        return w.operator("DIV", [x, base], name, shape, "DivOptions")
    if abs(beta - 0.75) < 1e-6:
        root = w.operator("RSQRT", [base], f"{name}/root", shape)
        fourth = w.operator("SQRT", [root], f"{name}/fourth", shape)
        factor = w.operator("MUL", [root, fourth], f"{name}/factor", shape, "MulOptions")
    elif abs(beta - 0.5) < 1e-6:
        factor = w.operator("RSQRT", [base], f"{name}/factor", shape)
    else:
        raise LayerError(f"beta {beta:g}; converted are 0.5, 0.75 and 1")
    return w.operator("MUL", [x, factor], name, shape, "MulOptions")


def _with_number(
    w: Writing, kind: str, x: int, name: str, shape: Sequence[int], number: float
) -> int:
    constant = w.file.constant(f"{name}/number", np.asarray([number], np.float32))
    return w.operator(kind, [x, constant], name, shape, f"{kind.capitalize()}Options")


def _reshaped(w: Writing, x: int, name: str, shape: Sequence[int]) -> int:
    to = w.numbers(f"{name}/shape", shape)
    options = {"newShape": list(shape)}
    return w.operator("RESHAPE", [x, to], name, shape, "ReshapeOptions", **options)


def _flatten(w: Writing, layer: Layer) -> None:
    shape = w.shape(layer.inputs[0])
    p = layer.parameters
    if layer.parameters.DESCRIPTOR.name == "LayerParameter":
        p = layer.parameters.flatten_param
        if p.axis != 1 or p.end_axis not in (-1, len(shape) - 1):
            raise LayerError(f"axis {p.axis} to {p.end_axis}, must be 1 to -1")
    x, size = w.tensor(layer.inputs[0]), int(np.prod(shape[1:]))
    if len(shape) == 4 and shape[1] * shape[2] > 1:
        order = w.numbers(f"{layer.name}/order", (0, 3, 1, 2))
        turned = (shape[0], shape[3], shape[1], shape[2])
        name = f"{layer.name}/channels"
        x = w.operator("TRANSPOSE", [x, order], name, turned, "TransposeOptions")
    w.give(layer.outputs[0], _reshaped(w, x, layer.name, (1, size)), (1, size))


def _concat(w: Writing, layer: Layer) -> None:
    p = layer.parameters.concat_param
    axis = p.axis if p.HasField("axis") else p.concat_dim
    shapes = [w.shape(value) for value in layer.inputs]
    rank = len(shapes[0])
    axis += rank if axis < 0 else 0
    if not 1 <= axis < rank or any(len(shape) != rank for shape in shapes):
        raise LayerError(f"axis {axis} of {[list(shape) for shape in shapes]}")
    at = {1: rank - 1, 2: 1, 3: 2}[axis]
    rests = {shape[:at] + shape[at + 1 :] for shape in shapes}
    if len(rests) != 1:
        raise LayerError(f"{[list(shape) for shape in shapes]} differ beside axis {axis}")
    out = [*shapes[0]]
    out[at] = sum(shape[at] for shape in shapes)
    tensors = [w.tensor(value) for value in layer.inputs]
    options = {"axis": at}
    y = w.operator("CONCATENATION", tensors, layer.name, out, "ConcatenationOptions", **options)
    w.give(layer.outputs[0], y, out)


def _same(w: Writing, layer: Layer) -> None:
    value = layer.inputs[0]
    for output in layer.outputs:
        w.give(output, w.tensor(value), w.shape(value))


LAYERS: dict[str, Callable[[Writing, Layer], None]] = {
    "Concat": _concat,
    "Convolution": _convolution,
    "Dropout": _same,
    "Flatten": _flatten,
    "InnerProduct": _inner_product,
    "LRN": _lrn,
    "Pooling": _pooling,
    "ReLU": _relu,
    "Softmax": _softmax,
    "SoftmaxWithLoss": _softmax,
    "Split": _same,
}
