"""What the compiler takes: the rules of each operator, and the check of a graph against them."""

from __future__ import annotations

from collections.abc import Iterator

from relocatable.errors import UnsupportedError, Violation
from relocatable.graph.graph import Graph
from relocatable.passes.fold_constants import fold_constants
from relocatable.support_rules import (
    Rule,
    Site,
    arithmetic_types,
    constant_result,
    constant_second,
    constant_weights,
    conv_filter,
    dense_filter,
    depthwise_filter,
    dequantize_types,
    dilation,
    element_types,
    finite_alpha,
    fused_activation,
    image_shapes,
    joined_scale,
    joined_shapes,
    kept_channels,
    kept_scale,
    kept_shape,
    mean_axes,
    no_activation,
    not_empty,
    not_scalar,
    one_scale,
    operand_count,
    output_size,
    pad_amounts,
    pad_value,
    plain_weights,
    positive_beta,
    probability_scale,
    quantize_types,
    reshape_types,
    rule_text,
    same_count,
    stretched_shapes,
    strides,
    tanh_scale,
    weighted_scales,
    weighted_types,
    window_size,
)

COMMON: tuple[Rule, ...] = (operand_count, element_types, not_empty)

_POOL: tuple[Rule, ...] = (
    arithmetic_types,
    one_scale,
    kept_scale,
    image_shapes,
    strides,
    window_size,
    output_size,
    kept_channels,
    fused_activation,
)
_CONV_END: tuple[Rule, ...] = (strides, dilation, output_size, constant_weights, fused_activation)
_BINARY: tuple[Rule, ...] = (arithmetic_types, one_scale, stretched_shapes, fused_activation)
_UNARY: tuple[Rule, ...] = (arithmetic_types, one_scale, kept_shape)
_RESHAPE: tuple[Rule, ...] = (reshape_types, same_count)
_PAD: tuple[Rule, ...] = (arithmetic_types, one_scale, kept_scale, constant_second, pad_amounts)

RULES: dict[str, tuple[Rule, ...]] = {
    "CONV_2D": (weighted_types, weighted_scales, image_shapes, conv_filter, *_CONV_END),
    "DEPTHWISE_CONV_2D": (
        weighted_types,
        weighted_scales,
        image_shapes,
        depthwise_filter,
        *_CONV_END,
    ),
    "FULLY_CONNECTED": (
        weighted_types,
        weighted_scales,
        dense_filter,
        constant_weights,
        fused_activation,
        plain_weights,
    ),
    "ADD": _BINARY,
    "SUB": _BINARY,
    "MUL": _BINARY,
    "MAX_POOL_2D": _POOL,
    "AVERAGE_POOL_2D": _POOL,
    "MEAN": (arithmetic_types, one_scale, constant_second, mean_axes),
    "SOFTMAX": (*_UNARY, not_scalar, probability_scale, positive_beta),
    "LOGISTIC": (*_UNARY, probability_scale),
    "TANH": (*_UNARY, tanh_scale),
    "RELU": _UNARY,
    "RELU6": _UNARY,
    "LEAKY_RELU": (*_UNARY, finite_alpha),
    "HARD_SWISH": _UNARY,
    "PAD": _PAD,
    "PADV2": (*_PAD, pad_value),
    "CONCATENATION": (arithmetic_types, one_scale, joined_scale, joined_shapes, no_activation),
    "QUANTIZE": (quantize_types, one_scale, kept_shape),
    "DEQUANTIZE": (dequantize_types, one_scale, kept_shape),
    "CAST": (kept_shape,),
    "RESHAPE": (*_RESHAPE, constant_second),
    "SQUEEZE": _RESHAPE,
    "EXPAND_DIMS": (*_RESHAPE, constant_second),
    "SHAPE": (),
    "STRIDED_SLICE": (constant_result,),
    "PACK": (constant_result,),
}


def check_support(graph: Graph) -> None:
    """Checks a graph, as it was read, against all rules.

    Raises:
        UnsupportedError: the first broken rule of each operator, and what is wrong with the
            graph's own inputs and outputs.
        GraphError: constants that should be folded are at odds with each other.
    """
    _raise_if_any([_unknown_or_miscounted(Site(graph, op)) for op in graph.ops])
    # What is folded away needs no kernel, so the rest of the rules is about what is left.
    folded = fold_constants(graph)
    found = [_first_broken(Site(folded, op), (*COMMON, *RULES[op.kind])) for op in folded.ops]
    _raise_if_any([*_endpoint_violations(folded), *found])


def _raise_if_any(found: list[Violation | None]) -> None:
    violations = [v for v in found if v is not None]
    if violations:
        raise UnsupportedError(violations)


def _unknown_or_miscounted(site: Site) -> Violation | None:
    if site.op.kind in RULES:
        return _first_broken(site, (operand_count,))
    rule = "operator must be one of docs/OPS.md"
    return Violation(rule, site.op.kind, site.op.kind, site.op.name)


def _first_broken(site: Site, rules: tuple[Rule, ...]) -> Violation | None:
    for rule in rules:
        ok, seen = rule(site)
        if not ok:
            return Violation(rule_text(rule), seen, site.op.kind, site.op.name)
    return None


def _endpoint_violations(graph: Graph) -> Iterator[Violation]:
    """What is wrong with the inputs and outputs that the caller writes and reads."""
    for what, indices in (("input", graph.inputs), ("output", graph.outputs)):
        for tensor in (graph.tensors[i] for i in indices):
            if tensor.dtype not in ("int8", "uint8", "int32", "float32"):
                rule = f"graph {what} must be int8, uint8, int32 or float32"
                yield Violation(rule, tensor.dtype, "", tensor.name)
            if tensor.data is not None:
                yield Violation(f"graph {what} must be computed", "constant", "", tensor.name)
            if tensor.count == 0:
                rule = f"graph {what} must have values"
                yield Violation(rule, str(list(tensor.shape)), "", tensor.name)
