"""The broken rules of a model in one text, each with a way out."""

from __future__ import annotations

from dataclasses import dataclass

UNKNOWN_OPERATOR = "operator must be one of docs/OPS.md"

_HOST = "end the model before it and compute it in the program that uses the result"
_STATE = "convert a model without state or loops (for Keras layers: stateful=False, unroll=True)"
_PARTS = "give the model its parts as inputs, or compute them from one tensor by CONV_2D"

# Of operators that are not done.
_INSTEAD = {
    "TOPK_V2": _HOST,
}

# Of rules, by a part of their words; the first that is found counts.
_BY_RULE = (
    ("dtype must be one of", "convert without supported_types, and quantise weights to 8 bits"),
    ("must be a plain array", "let only constants be sparse"),
    ("dimensions but for the batch", "give the model inputs of a fixed shape before converting"),
    ("inside the flatbuffer", "convert to one file below 2 GB"),
    ("16-bit activations", "convert with TFLITE_BUILTINS_INT8 as the only supported_ops"),
    (
        "int8 with a bias of int32",
        "set representative_dataset and TFLITE_BUILTINS_INT8, or convert without optimizations",
    ),
    ("must be known at compile time", "make it a constant of the model"),
    ("from shapes and constants alone", _PARTS),
    ("graph input must be int8", "set inference_input_type to int8, uint8 or float32"),
    ("graph output must be int8", "set inference_output_type to int8, uint8 or float32"),
    ("must be [N, H, W, C]", "give the layer images of four dimensions"),
    ("must have one scale", "set representative_dataset: it gives every tensor a scale"),
    ("same scale and zero point", "quantise with LiteRT's converter, which gives both one"),
    ("zero point 0", "quantise with LiteRT's converter of version 2 (int8 weights)"),
    ("must be at most", "make the input or the layers smaller"),
)


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
    """Say what to do instead; "" if there is nothing better than the rule itself."""
    if violation.rule == UNKNOWN_OPERATOR:
        if violation.op.startswith("CUSTOM"):
            return f"convert without allow_custom_ops, or {_HOST}"
        return _INSTEAD.get(violation.op, _HOST)
    return next((text for words, text in _BY_RULE if words in violation.rule), "")


def refusal_text(violations: tuple[Violation, ...]) -> str:
    """Write all that is refused, by rule and kind, the most important first."""
    groups: dict[tuple[str, str], list[Violation]] = {}
    for violation in violations:
        groups.setdefault((violation.op, violation.rule), []).append(violation)
    lines: list[str] = []
    said = ""
    for group in sorted(groups.values(), key=_importance):
        text = way_out(group[0])
        lines.append(_group_text(group))
        if text and text != said:
            lines.append(f"  instead: {text}")
        said = text
    return "\n".join(lines)


def _importance(group: list[Violation]) -> tuple[bool, bool, int]:
    """Order by what hides more: kinds of tensors, then of operators, then many places."""
    first = group[0]
    return bool(first.op), first.rule != UNKNOWN_OPERATOR, -len(group)


_MOST_NAMES = 3


def _group_text(group: list[Violation]) -> str:
    first = group[0]
    if len(group) == 1:
        return str(first)
    names = ", ".join(f"'{v.tensor}'" for v in group[:_MOST_NAMES])
    more = f" and {len(group) - _MOST_NAMES} more" if len(group) > _MOST_NAMES else ""
    values = list(dict.fromkeys(v.value for v in group))[:_MOST_NAMES]
    return f"{first.op or 'tensors'} {names}{more}: {first.rule}; is {', '.join(values)}"
