"""Convolution2DTransposeBias of MediaPipe: a TRANSPOSE_CONV of another form.

The output's size follows from the input's.

LiteRT has no such operator: the reference is MediaPipe's published kernel
(mediapipe/util/tflite/operations/transpose_conv_bias.cc), which is of float32 alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Graph, Op, Tensor
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    Array,
    Kernel,
    Operand,
    Operator,
    Rng,
    Rule,
    Seen,
    StructOptions,
    samples,
)
from relocatable.ops.rules import rule_text
from relocatable.ops.site import Site
from relocatable.ops.transpose_conv import OPERATORS as TRANSPOSED
from relocatable.steps.kernel_call import KernelCall

KIND = "CUSTOM Convolution2DTransposeBias"
_FIELDS = ("padding", "stride_width", "stride_height")
_SAME = 1  # of TfLitePadding; any other is VALID
(TRANSPOSE_CONV,) = TRANSPOSED


def positive_strides(node: Node) -> Seen:
    """strides must be at least 1"""
    found = [node.integer(field) for field in _FIELDS[1:]]
    return min(found) >= 1, str(found)


def output_shapes(node: Node) -> list[tuple[int, ...]]:
    """Find the shape that the input, the window and the stride make."""
    if len(node.inputs) < 2 or any(len(t.shape) != 4 for t in node.inputs[:2]):
        return []
    (batch, *sizes, _), (channels, *window, _) = (t.shape for t in node.inputs[:2])
    strides = (node.integer("stride_height"), node.integer("stride_width"))
    if min(strides) < 1:
        return []
    out = []
    for size, k, stride in zip(sizes, window, strides, strict=True):
        less = max(0, k - (size - 1) % stride - 1) if node.integer("padding") == _SAME else 0
        out.append(stride * (size - 1) + k - less)
    return [(batch, *out, channels)]


def made_shape(node: Node) -> Seen:
    """output must be stride * (size - 1) + window high and wide, SAME less max(0, window - (size -
    1) % stride - 1)"""
    shape = node.output.shape
    return output_shapes(node) == [shape], str(list(shape))


def _transposed_op(op: Op, wanted: int) -> Op:
    x, weights, bias = op.inputs
    attrs: dict[str, AttrValue] = {
        "padding": "SAME" if op.attrs["padding"] == _SAME else "VALID",
        "stride_h": op.attrs["stride_height"],
        "stride_w": op.attrs["stride_width"],
        "fused_activation_function": "NONE",
    }
    return Op(TRANSPOSE_CONV.kind, op.name, (wanted, weights, x, bias), op.outputs, attrs)


def _wanted(output: Tensor) -> Tensor:
    data = np.array(output.shape, np.int32)
    return Tensor("output shape", data.shape, "int32", None, data)


def transposed(node: Node) -> Node:
    """Describe the node as a TRANSPOSE_CONV."""
    x, weights, bias = node.inputs
    inputs = (_wanted(node.output), weights, x, bias)
    return Node(_transposed_op(node.op, -1), inputs, node.outputs)


def _of_transposed(rule: Rule) -> Rule:
    def transposed_rule(node: Node) -> Seen:
        return rule(transposed(node))

    transposed_rule.__doc__ = rule_text(rule)
    return transposed_rule


def lower_transposed(site: Site) -> KernelCall:
    """Lower it as a TRANSPOSE_CONV."""
    graph, wanted = site.graph, len(site.graph.tensors)
    tensors = (*graph.tensors, _wanted(site.output))
    op = _transposed_op(site.op, wanted)
    call = TRANSPOSE_CONV.lower(Site(replace(graph, tensors=tensors), op, site.target))
    return replace(call, kind=KIND)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Compute what the TRANSPOSE_CONV does."""
    x, weights, bias = inputs
    plain = transposed(node)
    assert TRANSPOSE_CONV.evaluate is not None
    found = TRANSPOSE_CONV.evaluate(plain, [np.asarray(plain.inputs[0].data), weights, x, bias])
    assert not isinstance(found, tuple)
    return found


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one layer."""
    h, w, k_h, k_w = (int(v) for v in rng.integers(1, 6, 4))
    in_c, out_c = (int(v) for v in rng.integers(1, 10, 2))
    attrs: dict[str, AttrValue] = {
        "padding": int(rng.integers(0, 3)),
        "stride_width": int(rng.integers(1, 4)),
        "stride_height": int(rng.integers(1, 4)),
    }
    b = GraphBuilder()
    x = b.input(1, h, w, in_c, dtype=dtype)
    y = b.tensor(1, 1, 1, out_c, dtype=dtype)
    weights = b.constant(rng.normal(0, 1, (out_c, k_h, k_w, in_c)), dtype)
    b.op(KIND, (x, weights, b.constant(rng.normal(0, 1, out_c), dtype)), y, **attrs)
    [shape] = output_shapes(Node.of(b.graph(y), b.ops[0]))
    b.tensors[y] = replace(b.tensors[y], shape=shape)
    return b.graph(y)


_FLOAT = ("float32",)

OPERATORS = (
    Operator(
        kind=KIND,
        options=StructOptions(_FIELDS),
        operands=(
            Operand("input", _FLOAT),
            Operand("filter", _FLOAT, constant=True),
            Operand("bias", _FLOAT, constant=True),
        ),
        output=_FLOAT,
        rules=(positive_strides, *map(_of_transposed, TRANSPOSE_CONV.rules)),
        shape=made_shape,
        output_shapes=output_shapes,
        kernels=(Kernel(lower_transposed),),
        evaluate=evaluate,
        reference="MediaPipe",
        version=1,
        samples=samples(sample, _FLOAT),
    ),
)
