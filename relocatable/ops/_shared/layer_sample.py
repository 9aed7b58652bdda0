"""Random filters and biases, for samples of layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Graph, Quant
from relocatable.ops._shared.images import random_activation, random_batch, random_length
from relocatable.ops._shared.layer import BIAS_TYPE_FIELD, HYBRID, LAYER_FORMS, LayerForm
from relocatable.ops._shared.random import random_quant
from relocatable.ops.operator import Rng


def filter_quant(
    rng: Rng, dtype: str, channels: int, axis: int, factor: float, one: float = 0.2
) -> Quant:
    """Draw scales of weights such that most outputs are neither clamped nor all alike.

    Args:
        rng: source of the values.
        dtype: of the weights; those of uint8 have one scale, and a zero point.
        channels: that may have scales of their own.
        axis: of the channels.
        factor: that the scales are around.
        one: probability of one scale for all.
    """
    if dtype == "uint8":
        zero = int(rng.choice([0, 128, 255, *rng.integers(100, 150, 5)]))
        return Quant((float(np.float32(factor)),), (zero,))
    count = channels if rng.random() < 1 - one and channels > 1 else 1
    scales = factor * np.exp(rng.normal(0, 0.7, count))
    values = tuple(float(np.float32(s)) for s in scales)
    return Quant(values, (0,) * count, axis if count > 1 else None)


def random_bias_type(rng: Rng, form: LayerForm) -> tuple[str, str]:
    """Choose a bias's element type, and what the option about it says."""
    if form.data != "int16":
        return form.bias[0], "FLOAT32"
    kinds = (("int64", "FLOAT32"), ("int64", "INT64"), ("int32", "INT32"))
    return kinds[int(rng.integers(0, 3))]


def random_weights(
    rng: Rng,
    b: GraphBuilder,
    form: LayerForm,
    x: int,
    y: int,
    shape: Sequence[int],
    axis: int,
    has_bias: bool,
    bias_dtype: str = "",
) -> list[int]:
    """Add a filter and, perhaps, a bias for a layer.

    Args:
        rng: source of the values.
        b: the graph.
        form: the layer's element types.
        x: input of the layer.
        y: output of the layer.
        shape: of the filter.
        axis: of its output channels.
        has_bias: whether there is a bias.
        bias_dtype: of it; by default the form's first.
    """
    channels, bias_dtype = shape[axis], bias_dtype or form.bias[0]
    if form is LAYER_FORMS[HYBRID]:
        needs_scales = axis == 3 or (len(shape) == 4 and shape[3] < b.tensors[x].shape[3])
        return _hybrid_weights(rng, b, shape, axis, has_bias, 0.0 if needs_scales else 0.4)
    source, output = b.tensors[x].quant, b.tensors[y].quant
    if source is None or output is None:
        found = [b.constant(rng.normal(0, 0.5, shape), form.filter)]
        return found + [b.constant(rng.normal(0, 1, channels), form.bias[0])] * has_bias
    terms = np.prod(shape) / channels
    in_scale, out_scale = source.scale[0], output.scale[0]
    factor = out_scale / in_scale / 60 / np.sqrt(terms) * rng.choice([0.05, 1, 1, 4])
    quant = filter_quant(rng, form.filter, channels, axis, factor)
    least = 0 if form.filter == "uint8" else -127
    values = rng.integers(least, least + 255 + (least == 0), shape)
    found = [b.constant(values, form.filter, quant)]
    if has_bias:
        scales = tuple(float(np.float32(in_scale * s)) for s in quant.scale)
        spread = int(60 / min(factor * in_scale / out_scale, 1)) << 8 * (form.data == "int16")
        values = rng.integers(-spread, spread, channels)
        bias_quant = Quant(scales, (0,) * len(scales), None if quant.axis is None else 0)
        found.append(b.constant(values, bias_dtype, bias_quant))
    return found


def _hybrid_weights(
    rng: Rng, b: GraphBuilder, shape: Sequence[int], axis: int, has_bias: bool, one: float
) -> list[int]:
    quant = filter_quant(rng, "int8", shape[axis], axis, 0.5 / 127, one)
    found = [b.constant(rng.integers(-127, 128, shape), "int8", quant)]
    return found + [b.constant(rng.normal(0, 1, shape[axis]), "float32")] * has_bias


def convolution_sample(rng: Rng, kind: str, name: str, k: int = 0) -> Graph:
    """Make a graph of one convolution.

    Args:
        rng: source of shapes and values.
        kind: of the operator; one whose filter ends in its outputs has a depth multiplier.
        name: of the layer's form.
        k: if not 0, the window is k x k and undilated.
    """
    is_deep = kind != "CONV_2D"
    form = LAYER_FORMS[name]
    dtype = form.data
    k_h, k_w = (int(v) for v in rng.integers(1, 6, 2))
    dilated = rng.random() < 0.3 and not k
    d_h, d_w = (int(v) for v in rng.integers(1, 4, 2)) if dilated else (1, 1)
    s_h, s_w = (1, 1) if dilated and rng.random() < 0.5 else (int(v) for v in rng.integers(1, 4, 2))
    if k or rng.random() < 0.2:
        k_h = k_w = k or 1
    h = int(rng.integers((k_h - 1) * d_h + 1, (k_h - 1) * d_h + 9))
    w = int(rng.integers((k_w - 1) * d_w + 1, (k_w - 1) * d_w + 9))
    same = bool(rng.random() < 0.6)
    in_c = int(rng.choice([1, 2, 3, 4, 5, 8, 16, 17]))
    out_c = in_c * int(rng.integers(1, 4)) if is_deep else int(rng.integers(1, 20))
    out_h, out_w = random_length(h, k_h, s_h, d_h, same), random_length(w, k_w, s_w, d_w, same)
    b, n = GraphBuilder(), random_batch(rng)
    x = b.input(n, h, w, in_c, dtype=dtype, quant=random_quant(rng, dtype))
    y = b.tensor(n, out_h, out_w, out_c, dtype=dtype, quant=random_quant(rng, dtype))
    attrs: dict[str, AttrValue] = {
        "padding": "SAME" if same else "VALID",
        "stride_h": s_h,
        "stride_w": s_w,
        "dilation_h_factor": d_h,
        "dilation_w_factor": d_w,
        "fused_activation_function": random_activation(rng),
    }
    if is_deep:
        attrs["depth_multiplier"] = out_c // in_c
        weights = random_weights(
            rng, b, form, x, y, (1, k_h, k_w, out_c), 3, bool(rng.random() < 0.8)
        )
    else:
        bias, attrs[BIAS_TYPE_FIELD] = random_bias_type(rng, form)
        groups = int(rng.choice([1, 1, 1, in_c])) if out_c % in_c == 0 else 1
        shape = (out_c, k_h, k_w, in_c // groups)
        weights = random_weights(
            rng, b, form, x, y, shape, 0, True, bias
        )  # LiteRT's CONV_2D wants a bias
    return b.graph(b.op(kind, (x, *weights), y, **attrs))
