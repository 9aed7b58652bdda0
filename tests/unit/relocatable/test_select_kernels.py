"""What the choice of kernels writes: steps, constants, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from relocatable.errors import UnsupportedError
from relocatable.graph.graph import Quant
from relocatable.ops import OPERATORS
from relocatable.ops.select_kernels import select_kernels
from relocatable.targets import TARGETS
from tests.make_graph import CONV, GraphBuilder, conv_graph

HOST = TARGETS["host"]


def test_a_convolution_is_one_call_with_packed_constants() -> None:
    graph = conv_graph(fused_activation_function="RELU")
    [call] = select_kernels(graph, HOST)
    assert (call.kind, call.name, call.source) == ("CONV_2D", "block3", "ops/conv_2d/conv_2d.c")
    assert call.inputs == (0,)
    assert call.outputs == graph.outputs
    assert call.macs == 6 * 4 * 3 * 3 * 3 * 2
    assert call.weights["filter"].shape == (3, 3, 3, 2)


def test_a_reshape_is_no_step() -> None:
    b = GraphBuilder()
    x = b.input(1, 4, 4, 2)
    flat = b.op("RESHAPE", (x,), b.tensor(1, 32))
    y = b.op("RELU", (flat,), b.tensor(1, 32))
    [call] = select_kernels(b.graph(y), HOST)
    assert call.inputs == (flat,)
    assert call.in_place == {0: 0}


def test_a_function_of_a_byte_is_a_table() -> None:
    b = GraphBuilder()
    quant = Quant((0.1,), (3,))
    x = b.input(1, 8, quant=quant)
    y = b.op("RELU", (x,), b.tensor(1, 8, quant=quant))
    [call] = select_kernels(b.graph(y), HOST)
    table = call.weights["table"].view(np.int8)
    values = np.arange(256).astype(np.uint8).view(np.int8)
    assert np.array_equal(table, np.maximum(values, 3))


@pytest.mark.parametrize(
    ("target", "few", "many"),
    [
        ("cortex-m0plus", "xn_scaled_div", "xn_quotient"),
        ("cortex-m4", "xn_scaled_div", "xn_quotient_dsp"),
        ("cortex-m55", "xn_scaled_div", "xn_quotient_mve"),
    ],
)
def test_a_table_is_made_for_enough_values(target: str, few: str, many: str) -> None:
    for count, function in ((63, few), (64, many)):
        b = GraphBuilder()
        quant = Quant((0.1,), (3,))
        operands = [b.input(1, count, quant=quant), b.input(1, count, quant=quant)]
        y = b.tensor(1, count, quant=Quant((0.005,), (0,)))
        graph = b.graph(b.op("DIV", operands, y, fused_activation_function="NONE"))
        [call] = select_kernels(graph, TARGETS[target])
        assert call.calls[0].function == function
        assert [t.nbytes for t in call.weights.values()] == [1024] * (count == 64)


def test_broadcast_keeps_the_stretched_operand_out_of_place() -> None:
    b = GraphBuilder()
    x, z = b.input(1, 4, 4, 8), b.input(8)
    y = b.op("ADD", (z, x), b.tensor(1, 4, 4, 8), fused_activation_function="NONE")
    [call] = select_kernels(b.graph(y), HOST)
    assert call.in_place == {1: 0}
    assert ".size = {1, 1, 16, 8}, .a_stride = {0, 0, 0, 1}" in call.body


def test_unknown_operators_are_refused_by_name() -> None:
    b = GraphBuilder()
    y = b.op("UNIQUE", (b.input(1, 8),), b.tensor(1, 8, name="block3"))
    with pytest.raises(UnsupportedError, match=r"UNIQUE 'block3': operator must be one of .*ADD"):
        select_kernels(b.graph(y), HOST)


def test_computed_weights_are_refused() -> None:
    b = GraphBuilder()
    x, w = b.input(1, 4, 4, 2), b.input(3, 1, 1, 2)
    y = b.op("CONV_2D", (x, w), b.tensor(1, 4, 4, 3), **CONV)
    with pytest.raises(UnsupportedError, match="input 1 must be constant"):
        select_kernels(b.graph(y), HOST)


def test_a_computed_filter_is_read_where_it_lies() -> None:
    b = GraphBuilder()
    x, w = b.input(1, 8), b.input(4, 8)
    y = b.op("FULLY_CONNECTED", (x, w), b.tensor(1, 4), fused_activation_function="NONE")
    for target in ("host", "cortex-m4", "cortex-m55"):
        [call] = select_kernels(b.graph(y), TARGETS[target])
        assert call.inputs == (x, w)
        assert "filter" not in call.weights


def test_every_kernel_says_what_it_does() -> None:
    kernels = [kernel for operator in OPERATORS.values() for kernel in operator.kernels]
    assert kernels
    assert all((kernel.lower.__doc__ or "").strip() for kernel in kernels)
