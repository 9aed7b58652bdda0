"""Refusals: each names the rule, what was seen, and the operator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from relocatable.errors import UnsupportedError, Violation
from relocatable.graph.graph import AttrValue, Graph, Quant
from relocatable.limits import limit_texts
from relocatable.ops import OPERATORS
from relocatable.ops.rules import all_rules, rule_text
from relocatable.read_tflite import read_tflite
from relocatable.refusal import way_out
from relocatable.support import check_support, known_violations
from tests.conftest import MODELS, shared_model
from tests.make_graph import CONV, PLAIN, POOL, GraphBuilder, conv_graph
from tests.make_tflite import make_tflite
from tools.ops_page import ops_markdown


@pytest.mark.parametrize("name", MODELS)
def test_takes_every_shared_model(name: str) -> None:
    check_support(read_tflite(shared_model(f"{name}.tflite").read_bytes(), name))


def test_refuses_16_bit_activations_where_an_operator_has_none() -> None:
    b = GraphBuilder()
    x = b.input(1, 8, dtype="int16")
    graph = b.graph(b.op("HARD_SWISH", (x,), b.tensor(1, 8, dtype="int16")))
    assert refusal(graph).splitlines() == [
        "HARD_SWISH 't1': 16-bit activations must be inputs of operators that take int16; "
        "is int16 -> int16",
        "  instead: convert with TFLITE_BUILTINS_INT8 as the only supported_ops",
        "(all rules: xipnet ops)",
    ]


def refusal(graph: Graph) -> str:
    with pytest.raises(UnsupportedError) as caught:
        check_support(graph)
    return str(caught.value)


def test_names_rule_value_and_place() -> None:
    text = refusal(conv_graph(dilation_h_factor=65))
    assert text.splitlines() == [
        "CONV_2D 'block3': dilation must be in [1, 64]; is 65",
        "  instead: use a smaller dilation, or two layers",
        "(all rules: xipnet ops)",
    ]


def test_error_carries_its_parts() -> None:
    with pytest.raises(UnsupportedError) as caught:
        check_support(conv_graph(fused_activation_function="TANH"))
    error = caught.value
    assert (error.op, error.tensor, error.value) == ("CONV_2D", "block3", "TANH")
    assert error.rule.startswith("fused activation must be")


def test_collects_the_violations_of_all_operators() -> None:
    b = GraphBuilder()
    x = b.input(1, 4, 4, 2)
    bad = b.op("REVERSE_SEQUENCE", (x,), b.tensor(1, 4, 4, 2))
    graph = b.graph(b.op("UNIQUE", (bad,), b.tensor(1, 4, 4, 2)))
    assert refusal(graph).splitlines() == [
        "REVERSE_SEQUENCE 't1': operator must be one of docs/OPS.md; is REVERSE_SEQUENCE",
        "  instead: end the model before it and compute it in the program that uses the result",
        "UNIQUE 't2': operator must be one of docs/OPS.md; is UNIQUE",
        "  instead: end the model before it and compute it in the program that uses the result",
        "(all rules: xipnet ops)",
    ]


def test_groups_refusals_by_rule_and_names_a_way_out() -> None:
    b = GraphBuilder()
    x = b.input(1, 8)
    for alpha in (float("inf"), 0.5, float("nan"), float("inf"), float("inf")):
        x = b.op("LEAKY_RELU", (x,), b.tensor(1, 8), alpha=alpha)
    x = b.op("CUSTOM Pose", (x,), b.tensor(1, 8))
    x = b.op("ABS", (x,), b.tensor(1, 8, quant=None))
    text = refusal(b.graph(b.op("RELU", (x,), b.tensor(1, 8))))
    assert text.splitlines() == [
        "4 operators: LEAKY_RELU 't1', 't3', 't4' and 1 more: alpha must be finite; is inf, nan",
        "  instead: convert the model again, or use another layer in its place",
        "2 operators: ABS 't7', RELU 't8': tensors of 8 and 16 bits must have one scale, and a "
        "zero point in their range (int16: 0); is None of int8 't7'",
        "  instead: set representative_dataset: it gives every tensor a scale",
        "CUSTOM Pose 't6': operator must be one of docs/OPS.md; is CUSTOM Pose",
        "  instead: convert without allow_custom_ops, write it as one of your own (--ops), or end "
        "the model before it and compute it in the program that uses the result",
        "(all rules: xipnet ops)",
    ]


def test_a_text_of_many_reasons_is_bounded() -> None:
    b = GraphBuilder()
    x = b.input(1, 8)
    for i in range(50):
        x = b.op(f"CUSTOM {i}", (x,), b.tensor(1, 8))
    lines = refusal(b.graph(x)).splitlines()
    assert (len(lines), lines[-2]) == (42, "and 30 more reasons")


def test_every_rule_has_a_way_out() -> None:
    rules = {rule_text(rule) for operator in OPERATORS.values() for rule in all_rules(operator)}
    ways = {rule: way_out(Violation(rule, "float32", "ADD", "x")) for rule in rules}
    assert all(ways.values())
    of_scales = {way for rule, way in ways.items() if "scale" in rule}
    assert of_scales.isdisjoint({way_out(Violation("another rule", "1", "ADD", "x"))})


def test_an_element_type_names_the_flag_of_the_converter() -> None:
    def instead(kind: str, *seen: str) -> str:
        value, rules = ", ".join(seen), all_rules(OPERATORS[kind])
        rule = next(text for r in rules if " must be " in (text := rule_text(r)) and "32" in text)
        return way_out(Violation(rule, value, kind, "x"))

    assert "supported_ops" in instead("MAX_POOL_2D", "int16", "int16")
    assert instead("MAX_POOL_2D", "int64", "int64") == "use tf.cast to make it int32"
    assert instead("CEIL", "int8", "int8") == "keep that layer in float32"
    assert "representative_dataset" in instead("CONV_2D", "float32", "int8", "float32")


@pytest.mark.heavy
def test_limits_are_told_with_broken_rules() -> None:
    b = GraphBuilder()
    x = b.op("LEAKY_RELU", (b.input(1, 1 << 24),), b.tensor(1, 1 << 24), alpha=float("inf"))
    x = b.op("LEAKY_RELU", (x,), b.tensor(1, 1 << 24), alpha=float("inf"))
    outputs = b.graph(x, x, x)
    text = refusal(replace(outputs, outputs=(x,) * 4))
    assert "2 operators: LEAKY_RELU" in text
    assert "graph 'test': bytes of all inputs and outputs must be at most" in text
    page = ops_markdown()
    assert all(f"- {rule}" in page for rule in limit_texts())


def test_commands_for_an_accelerator_are_named() -> None:
    b = GraphBuilder()
    scratch = b.tensor(1, 64, dtype="uint8", quant=None)  # that nothing writes
    y = b.op("CUSTOM ethos-u", (b.input(1, 8), scratch), b.tensor(1, 8))
    with pytest.raises(UnsupportedError, match=r"is CUSTOM ethos-u\n  instead: .* before Vela"):
        read_tflite(make_tflite(b.graph(y)), "test")


def test_a_computed_output_shape_counts_as_that_of_the_output() -> None:
    b = GraphBuilder()
    x, shape = b.input(1, 2, 2, 1), b.input(4, dtype="int32", quant=None)
    weights = b.constant([[[[1]]]], "int8", PLAIN)
    attrs: dict[str, AttrValue] = {"padding": "SAME", "stride_h": 1, "stride_w": 1}
    attrs["fused_activation_function"] = "NONE"
    y = b.op("TRANSPOSE_CONV", (shape, weights, x), b.tensor(1, 2, 2, 1), **attrs)
    check_support(b.graph(y))


def unary(
    kind: str, out: Quant = PLAIN, shape: tuple[int, ...] = (1, 8), **attrs: AttrValue
) -> Graph:
    b = GraphBuilder()
    x = b.input(1, 8)
    return b.graph(b.op(kind, (x,), b.tensor(*shape, quant=out), **attrs))


def pool(kind: str = "MAX_POOL_2D", out: Quant = PLAIN, **changed: AttrValue) -> Graph:
    b = GraphBuilder()
    x = b.input(1, 8, 8, 2)
    return b.graph(b.op(kind, (x,), b.tensor(1, 4, 4, 2, quant=out), **{**POOL, **changed}))


def binary(a: tuple[int, ...], c: tuple[int, ...], out: tuple[int, ...]) -> Graph:
    b = GraphBuilder()
    x, z = b.input(*a), b.input(*c)
    return b.graph(b.op("ADD", (x, z), b.tensor(*out), fused_activation_function="NONE"))


def plain(kind: str, dtype: str, out: tuple[int, ...], *shapes: tuple[int, ...]) -> Graph:
    b = GraphBuilder()
    inputs = [b.input(*shape, dtype=dtype) for shape in shapes]
    return b.graph(b.op(kind, inputs, b.tensor(*out, dtype=dtype)))


def pad(
    amounts: list[list[int]], out: tuple[int, ...], shape: tuple[int, ...] = (1, 4, 4, 2)
) -> Graph:
    b = GraphBuilder()
    x, p = b.input(*shape), b.constant(amounts)
    return b.graph(b.op("PAD", (x, p), b.tensor(*out)))


def dense(weights: tuple[int, int], zero_point: int = 0) -> Graph:
    b = GraphBuilder()
    x = b.input(1, 8)
    w = b.constant(np.zeros(weights), "int8", Quant((0.1,), (zero_point,)))
    y = b.tensor(1, 4)
    attrs = {"fused_activation_function": "NONE", "weights_format": "DEFAULT"}
    return b.graph(b.op("FULLY_CONNECTED", (x, w, -1), y, keep_num_dims=False, **attrs))


def with_tensor(graph: Graph, index: int, **changed: Any) -> Graph:
    tensors = list(graph.tensors)
    tensors[index] = replace(tensors[index], **changed)
    return replace(graph, tensors=tuple(tensors))


@pytest.mark.parametrize(
    ("graph", "text"),
    [
        (conv_graph(stride_w=0), "strides must be at least 1; is 1 x 0"),
        (conv_graph(padding="SAME"), "output's height and width must follow"),
        (with_tensor(conv_graph(), 0, shape=(2, 8, 6, 2)), "input and output must be [N, H, W, C]"),
        (
            with_tensor(conv_graph(), 0, shape=(1, 8, 6, 3)),
            "filter must be [O, KH, KW, C / groups]",
        ),
        (with_tensor(conv_graph(), 0, quant=None), "must have one scale"),
        (with_tensor(conv_graph(), 1, quant=Quant((0.1,), (3,))), "zero point 0"),
        (with_tensor(conv_graph(), 1, data=None), "CONV_2D"),
        (with_tensor(conv_graph(), 0, dtype="float32"), "must be int8, int8 and int32; or"),
        (unary("RELU", shape=(2, 4)), "output must have the input's shape; is [1, 8] -> [2, 4]"),
        (unary("SOFTMAX", beta=1.0), "scale 1/256 and zero point"),
        (unary("SOFTMAX", Quant((1 / 256,), (-128,)), beta=0.0), "beta must be finite and above 0"),
        (unary("LOGISTIC"), "scale 1/256 and zero point"),
        (unary("TANH"), "scale 1/128 and zero point"),
        (unary("LEAKY_RELU", alpha=float("nan")), "alpha must be finite; is nan"),
        (unary("RELU", Quant((0.5,), (300,))), "zero point in their range"),
        (unary("ADD", fused_activation_function="NONE"), "inputs and outputs must be as many"),
        (pool(out=Quant((0.25,), (0,))), "must have the same scale and zero point"),
        (pool(filter_width=0), "window must be at least 1 x 1; is 2 x 0"),
        (pool("AVERAGE_POOL_2D", stride_h=1), "is [4, 4], not [7, 4], of [1, 8, 8, 2]"),
        (binary((1, 4), (1, 3), (1, 4)), "inputs must be of the output's shape"),
        (unary("SIN"), "input and output must be float32"),
        (unary("EXP", Quant((1e-30,), (0,))), "below 2^30 steps of the output's scale"),
        (unary("RSQRT", Quant((1e9,), (0,))), "must be at most 2^12"),
        (unary("LOG_SOFTMAX"), "must have scale 1/16 and zero point 127"),
        (plain("POW", "int32", (4,), (4,), (4,)), "known at compile time, and not below 0"),
        (plain("ADD_N", "int32", (4,), *[(4,)] * 65), "inputs must be at most 64; is 65"),
        (plain("ADD_N", "int32", (4,), (4,), (1,)), "must be of one shape"),
        (plain("PRELU", "float32", (2, 4), (1, 4), (2, 4)), "must have the input's shape"),
        (plain("MAXIMUM", "bool", (4,), (4,), (4,)), "second input and output must be"),
        (binary((1, 4), (1, 1), (1, 3)), "inputs must be of the output's shape"),
        (pad([[0, 0], [1, 1], [1, 1], [0, 0]], (1, 6, 7, 2)), "lead to the output's shape"),
        (pad([[0, 0], [-1, 1], [1, 1], [0, 0]], (1, 4, 6, 2)), "none below 0"),
        (pad([[0, 0], [1, 1]], (1, 6, 4, 2)), "paddings must be [rank, 2]"),
        (pad([[1, 1]] * 6, (3,) * 6, (1,) * 6), "at most 5 runs of neighbours"),
        (dense((4, 7)), "filter must be [N, K]"),
        (dense((5, 8)), "filter must be [N, K]"),
    ],
)
def test_refuses(graph: Graph, text: str) -> None:
    assert text in refusal(graph)


def test_mean_axes() -> None:
    def mean(axes: list[int], out: tuple[int, ...]) -> Graph:
        b = GraphBuilder()
        x, a = b.input(1, 4, 4, 2), b.constant(axes)
        return b.graph(b.op("MEAN", (x, a), b.tensor(*out), keep_dims=False))

    check_support(mean([1, 2], (1, 2)))
    check_support(mean([-3, -2], (1, 2)))
    check_support(mean([1, 2, -2, 1], (1, 2)))
    check_support(mean([], (1, 4, 4, 2)))
    for axes in ([1, 1], [4], [1, -3], [3], []):
        assert "axes must be the input's" in refusal(mean(axes, (1, 2)))


def test_mean_of_three_runs_is_refused() -> None:
    b = GraphBuilder()
    x, axes = b.input(2, 3, 2, 3, 2, 3), b.constant([0, 2, 4])
    graph = b.graph(b.op("MEAN", (x, axes), b.tensor(3, 3, 3), keep_dims=False))
    assert "must form at most two runs of neighbours; is [0, 2, 4]" in refusal(graph)


def test_an_unknown_operator_hides_no_other_violation() -> None:
    b = GraphBuilder()
    x = b.op("REVERSE_SEQUENCE", (b.input(1, 8),), b.tensor(1, 8))
    graph = b.graph(b.op("LEAKY_RELU", (x,), b.tensor(1, 8), alpha=float("inf")))
    assert refusal(graph).splitlines() == [
        "REVERSE_SEQUENCE 't1': operator must be one of docs/OPS.md; is REVERSE_SEQUENCE",
        "  instead: end the model before it and compute it in the program that uses the result",
        "LEAKY_RELU 't2': alpha must be finite; is inf",
        "  instead: convert the model again, or use another layer in its place",
        "(all rules: xipnet ops)",
    ]


def test_an_operator_without_inputs_is_judged_among_others() -> None:
    b = GraphBuilder()
    handle = b.op("VAR_HANDLE", (), b.tensor(dtype="int32"), shared_name="a", container="")
    graph = b.graph(b.op("RFFT2D", (handle,), b.tensor(1, 8)))
    assert [v.op for v in known_violations(graph, ())] == ["RFFT2D"]


def test_concatenation_along_an_axis() -> None:
    def join(axis: int, out: tuple[int, ...], scale: Quant = PLAIN) -> Graph:
        b = GraphBuilder()
        x, z = b.input(1, 4, 2), b.input(1, 4, 3, quant=scale)
        y = b.tensor(*out)
        return b.graph(
            b.op("CONCATENATION", (x, z), y, axis=axis, fused_activation_function="NONE")
        )

    check_support(join(2, (1, 4, 5)))
    check_support(join(-1, (1, 4, 5)))
    for graph in (join(1, (1, 8, 2)), join(3, (1, 4, 5)), join(2, (1, 4, 6))):
        assert "inputs must agree" in refusal(graph)


def test_computed_weights_and_shapes_are_refused() -> None:
    b = GraphBuilder()
    x, w = b.input(1, 8, 6, 2), b.input(3, 3, 3, 2, quant=Quant((0.1,), (0,)))
    y = b.tensor(1, 6, 4, 3)
    graph = b.graph(b.op("CONV_2D", (x, w), y, **CONV))
    assert "filter and bias must be known at compile time; is computed: 't1'" in refusal(graph)

    b = GraphBuilder()
    x, shape = b.input(1, 8), b.input(2, dtype="int32")
    graph = b.graph(b.op("RESHAPE", (x, shape), b.tensor(2, 4)))
    assert "second input must be known at compile time; is computed: 't1'" in refusal(graph)


def test_a_constant_as_input_is_refused() -> None:
    b = GraphBuilder()
    x = b.constant(np.zeros((1, 8)), "int8", Quant((0.5,), (0,)))
    b.inputs.append(x)
    y = b.op("RELU", (x,), b.tensor(1, 8))
    assert "graph input must be free; is a constant" in refusal(b.graph(y))


def test_every_rule_has_words() -> None:
    assert all(rule.__doc__ for operator in OPERATORS.values() for rule in all_rules(operator))


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_values_without_a_scale_may_be_moved(dtype: str) -> None:
    def moved(kind: str, shape: tuple[int, ...], *more: Any, **attrs: AttrValue) -> Graph:
        b = GraphBuilder()
        x = b.input(1, 4, 4, 2, dtype=dtype, quant=None)
        inputs = (x, *(b.constant(values) for values in more))
        return b.graph(b.op(kind, inputs, b.tensor(*shape, dtype=dtype, quant=None), **attrs))

    check_support(moved("PAD", (1, 6, 6, 2), [[0, 0], [1, 1], [1, 1], [0, 0]]))
    check_support(moved("MAX_POOL_2D", (1, 2, 2, 2), **POOL))
    check_support(moved("CONCATENATION", (1, 4, 4, 2), axis=3, fused_activation_function="NONE"))
    clamped = {**POOL, "fused_activation_function": "RELU"}
    assert "must have one scale" in refusal(moved("MAX_POOL_2D", (1, 2, 2, 2), **clamped))
