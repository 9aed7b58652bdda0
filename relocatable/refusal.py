"""The broken rules of a model in one text, each with a way out."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

UNKNOWN_OPERATOR = "operator must be one of docs/OPS.md"

_AGAIN = "convert the model again, or use another layer in its place"
_HOST = "end the model before it and compute it in the program that uses the result"
_STATE = "convert a model without state or loops (for Keras layers: stateful=False, unroll=True)"
_PARTS = "give the model its parts as inputs, or compute them from one tensor by CONV_2D"
_PLAIN = "convert with TFLITE_BUILTINS as the only supported_ops, and without allow_custom_ops"
_INT8 = "set representative_dataset and TFLITE_BUILTINS_INT8, or convert without optimizations"
_SCALES = "quantise again, by a representative_dataset that is like the real inputs"
_SPLIT = "merge neighbouring dimensions by RESHAPE before it, or use two layers for it"
_SMALLER = "make the input or the layers smaller"

# Of operators that are not done, by the start of their names.
_INSTEAD = (
    ("CUSTOM Flex", _PLAIN),
    ("CUSTOM ethos-u", "use the model as it was before Vela, whose commands are for an Ethos-U"),
    ("CUSTOM edgetpu", "use the model as it was before the compiler of the Edge TPU"),
    (
        "CUSTOM",
        f"convert without allow_custom_ops, write it as one of your own (--ops), or {_HOST}",
    ),
    ("STABLEHLO", _PLAIN),
    ("BIDIRECTIONAL", "use two layers with unroll=True, one of which gets its input reversed"),
    ("CONV_3D", "put the frames into the channels and use CONV_2D"),
    ("LOCAL_RESPONSE_NORMALIZATION", "train with batch normalisation, which costs nothing"),
    ("RANDOM", "give the model its random numbers as an input"),
    ("MULTINOMIAL", "give the model its random numbers as an input"),
)

# Of an element type that an operator does not take.
_BY_TYPE = (
    ("int16", "convert with TFLITE_BUILTINS_INT8 as the only supported_ops"),
    ("int64", "use tf.cast to make it int32"),
    ("bool", "use tf.cast to make it int32 or float32"),
)

# Of rules, by a part of their words; the first that is found counts.
_BY_RULE = (
    ("dtype must be one of", "convert without supported_types, and quantise weights to 8 bits"),
    ("must be a plain array", "let only constants be sparse"),
    ("dimensions but for the batch", "give the model inputs of a fixed shape before converting"),
    ("must have values", "give the model inputs of a fixed shape, none of its dimensions 0"),
    ("16-bit activations", "convert with TFLITE_BUILTINS_INT8 as the only supported_ops"),
    ("from shapes and constants alone", _PARTS),
    ("filter that is computed", "use BATCH_MATMUL (tf.matmul) in its place, or a constant filter"),
    ("known at compile time", "make it a constant of the model"),
    ("must be one constant", "make it a constant of the model"),
    ("subgraph that assigns constants", "initialise variables by constants"),
    ("peepholes", "use a plain Keras LSTM, which has none of these"),
    ("variable tensor", "use the layer of Keras: its converter makes the state a variable"),
    ("variable", _STATE),
    ("operator that remembers", _STATE),
    ("must be [1, H, W, C]", "convert with a batch of 1"),
    ("must be [N, H, W, C]", "give the layer images of four dimensions"),
    ("max_detections must", "export the detector with other limits"),
    ("must have scale 1/", "quantise with LiteRT's converter, which gives it that scale"),
    ("same scale and zero point", "quantise with LiteRT's converter, which gives both one"),
    ("and zero point 0", "quantise with LiteRT's converter of version 2 (int8 weights)"),
    ("must have one scale", "set representative_dataset: it gives every tensor a scale"),
    ("zero point 0", "quantise with LiteRT's converter of version 2 (int8 weights)"),
    ("clamped to 6 or 1", f"use RELU in its place, or {_SCALES}"),
    ("steps of the output's scale", _SCALES),
    ("scale", _SCALES),
    ("fused activation", "make the activation a layer of its own"),
    ("two runs of neighbours", "reduce neighbouring axes in one layer, the others in the next"),
    ("runs of neighbours", _SPLIT),
    ("rank at most", _SPLIT),
    ("to 5 dimensions", _SPLIT),
    ("dilation must be", "use a smaller dilation, or two layers"),
    ("sums of at most", "cut the inner dimension in two, and add both products"),
    ("of fewer than 2^23", "pool or reduce in two layers"),
    ("half_pixel_centers", "set only one of them"),
    ("use_regular_nms", "export the detector with fast NMS and one class for each detection"),
    ("of one type", "use tf.cast to make all of one type"),
    ("weights format", "convert for the CPU, by LiteRT's own converter"),
    ("must be at most", _SMALLER),
    ("must have at most", _SMALLER),
)
_TYPES = re.compile(r"must (all )?be ((of )?u?int\d|float32|bool)")


@dataclass(frozen=True)
class Violation:
    """A rule that a model breaks.

    Attributes:
        rule: what must hold, such as "dilation must be in [1, 64]".
        value: what was seen instead, such as "65".
        op: kind of the operator, "" if the rule is about a tensor alone.
        tensor: name of the operator's first output, or of the tensor.
    """

    rule: str
    value: str
    op: str
    tensor: str

    def __str__(self) -> str:
        place = f"{self.op} '{self.tensor}'" if self.op else f"tensor '{self.tensor}'"
        return f"{place}: {self.rule}; is {self.value}"


def way_out(violation: Violation) -> str:
    """Say what to do instead."""
    if violation.rule == UNKNOWN_OPERATOR:
        return next((text for name, text in _INSTEAD if violation.op.startswith(name)), _HOST)
    by_words = next((text for words, text in _BY_RULE if words in violation.rule), "")
    if not by_words and _TYPES.search(violation.rule):
        return _other_type(violation)
    return by_words or _AGAIN


def _other_type(violation: Violation) -> str:
    if "int8" not in violation.rule:
        is_real = "float32" in violation.rule
        return "keep that layer in float32" if is_real else "use tf.cast to make it such a type"
    seen = re.findall(r"\w+", violation.value)
    return next((text for dtype, text in _BY_TYPE if dtype in seen), _INT8)


_MOST_GROUPS, _MOST_NAMES = 20, 3


def refusal_text(violations: tuple[Violation, ...]) -> str:
    """Write all that is refused by rule, first what the most places break."""
    groups: dict[tuple[str, str, str], list[Violation]] = {}
    for v in violations:
        kind = v.op if v.rule == UNKNOWN_OPERATOR or not v.op else "operator"
        groups.setdefault((v.rule, way_out(v), kind), []).append(v)
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))  # else as in the model
    lines: list[str] = []
    for (_, instead, _), group in ordered[:_MOST_GROUPS]:
        lines += [_group_text(group), f"  instead: {instead}"]
    if len(ordered) > _MOST_GROUPS:
        lines.append(f"and {len(ordered) - _MOST_GROUPS} more reasons")
    lines.append("(all rules: xipnet ops)")
    return "\n".join(lines)


def _group_text(group: list[Violation]) -> str:
    first = group[0]
    if len(group) == 1:
        return str(first)
    values = ", ".join(list(dict.fromkeys(v.value for v in group))[:_MOST_NAMES])
    what = "operators" if first.op else "tensors"
    return f"{len(group)} {what}: {_places(group)}: {first.rule}; is {values}"


def _places(group: list[Violation]) -> str:
    """Name the first places, kind by kind, the most frequent kind first."""
    kinds = [kind for kind, _ in Counter(v.op for v in group).most_common()]
    shown = sorted(group, key=lambda v: kinds.index(v.op))[:_MOST_NAMES]
    texts = []
    for kind in dict.fromkeys(v.op for v in shown):
        names = ", ".join(f"'{v.tensor}'" for v in shown if v.op == kind)
        texts.append(f"{kind} {names}" if kind else names)
    more = f" and {len(group) - _MOST_NAMES} more" if len(group) > _MOST_NAMES else ""
    return ", ".join(texts) + more
