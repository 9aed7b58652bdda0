"""The rules of an operator, in the order in which they are checked.

The first ones follow from the operands; what a family of operators has in common is in `_shared`.
"""

from __future__ import annotations

from collections.abc import Iterable

from relocatable.ops.node import Node
from relocatable.ops.operator import ANY, Operator, Rule, Seen


def rule_text(rule: Rule) -> str:
    """Return the rule in words."""
    return " ".join((rule.__doc__ or "").split())


def all_rules(operator: Operator) -> tuple[Rule, ...]:
    """List the rules that a node of this kind must keep."""
    shape = () if operator.shape is None else (operator.shape,)
    return (*common_rules(operator), *own_rules(operator), *shape)


def own_rules(operator: Operator) -> tuple[Rule, ...]:
    """List the rules that not every operator has, without that of the shape."""
    found = (_element_types(operator), _constants(operator))
    return (*(rule for rule in found if rule is not None), *operator.rules)


def common_rules(operator: Operator) -> tuple[Rule, ...]:
    """List the rules whose words are the same for every operator."""

    def operand_count(node: Node) -> Seen:
        """inputs and outputs must be as many as LiteRT defines, and none may be missing but
        optional ones"""
        least, most = operator.operand_counts
        inputs, outputs = node.op.inputs, node.op.outputs
        ok = least <= len(inputs) <= most and -1 not in inputs[:least]
        ok = ok and operator.outputs[0] <= len(outputs) <= operator.outputs[1]
        return ok, f"{len(node.inputs)} inputs, {len(outputs)} outputs"

    def sixteen_bits(node: Node) -> Seen:
        """16-bit activations must be inputs of operators that take int16"""
        seen = [t.dtype for t in (*node.inputs[:1], *node.outputs[:1])]
        known = (operator.output, *(operand.dtypes for operand in operator.operands))
        return any("int16" in dtypes for dtypes in known) or "int16" not in seen, " -> ".join(seen)

    def not_empty(node: Node) -> Seen:
        """tensors must have values"""
        data = [t for i, t in enumerate(node.inputs) if not operator.operand(i).may_be_empty]
        shapes = [list(t.shape) for t in (*data, *node.outputs)]
        return all(0 not in s for s in shapes), str(shapes)

    return operand_count, sixteen_bits, not_empty


def _element_types(operator: Operator) -> Rule | None:
    places = [(operand.name, operand.dtypes) for operand in operator.operands]
    places.append(("output", operator.output))
    texts = [
        f"{_join([name for name, found in places if found == dtypes], 'and')} must be "
        f"{_join(dtypes, 'or')}"
        for dtypes in dict.fromkeys(found for _, found in places)
        if dtypes != ANY
    ]
    if not texts:
        return None

    def element_types(node: Node) -> Seen:
        seen = [t.dtype for t in (*node.inputs, *node.outputs)]
        allowed = [operator.operand(i).dtypes for i in range(len(node.inputs))]
        pairs = zip(seen, (*allowed, *[operator.output] * len(node.outputs)), strict=True)
        return all(dtype in dtypes for dtype, dtypes in pairs), ", ".join(seen)

    element_types.__doc__ = "; ".join(texts)
    return element_types


def _constants(operator: Operator) -> Rule | None:
    names = [operand.name for operand in operator.operands if operand.constant]
    if not names:
        return None

    def constants(node: Node) -> Seen:
        computed = [
            t.name
            for i, t in enumerate(node.inputs)
            if operator.operand(i).constant and t.data is None
        ]
        return not computed, f"computed: '{', '.join(computed)}'"

    constants.__doc__ = f"{_join(names, 'and')} must be known at compile time"
    return constants


def _join(words: Iterable[str], last: str) -> str:
    *first, final = words
    return f"{', '.join(first)} {last} {final}" if first else final
