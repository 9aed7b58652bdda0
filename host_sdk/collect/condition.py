"""A condition on a result, as text: comparisons, `and`, `or`, `not`, names.

    score < 0.6
    label == "coin" and 0.3 < score < 0.6 or count == 0

It is parsed by Python's `ast` and evaluated here: nothing of it runs as code.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from host_sdk.display.plain import plain_line
from host_sdk.errors import InputError

Fields: TypeAlias = "Mapping[str, Any]"
Condition: TypeAlias = "Callable[[Fields], bool]"

_MOST_CHARACTERS = 1000
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def read_condition(text: str) -> Condition:
    """Read a condition.

    A name is a field, a bare one is true if its value is. A comparison with a field that a result
    does not have, or of a number with a text, is false.

    Raises:
        InputError: it holds something else; says what, and at which column.
    """
    if len(text) > _MOST_CHARACTERS:
        raise InputError(f"condition: must have {_MOST_CHARACTERS} characters at most")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"condition {plain_line(text)!r}: {plain_line(str(error))}") from error
    return _truth(tree.body, text)


def _truth(node: ast.expr, text: str) -> Condition:
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            each = [_truth(value, text) for value in values]
            return lambda fields: all(part(fields) for part in each)
        case ast.BoolOp(values=values):
            either = [_truth(value, text) for value in values]
            return lambda fields: any(part(fields) for part in either)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _truth(operand, text)
            return lambda fields: not inner(fields)
        case ast.Compare():
            return _comparison(node, text)
        case _:
            value = _value(node, text)
            return lambda fields: bool(value(fields))


def _comparison(node: ast.Compare, text: str) -> Condition:
    values = [_value(side, text) for side in (node.left, *node.comparators)]
    for op in node.ops:
        if type(op) not in _COMPARISONS:
            raise _refused(text, node, "a comparison must be one of < <= > >= == !=")
    compare = [_COMPARISONS[type(op)] for op in node.ops]

    def holds(fields: Fields) -> bool:
        sides = [value(fields) for value in values]
        pairs = zip(compare, sides, sides[1:], strict=False)
        return all(_compared(how, left, right) for how, left, right in pairs)

    return holds


def _compared(how: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    if left is None or right is None or isinstance(left, str) != isinstance(right, str):
        return False
    try:
        return bool(how(left, right))
    except (TypeError, ValueError):  # of a field with several values
        return False


def _value(node: ast.expr, text: str) -> Callable[[Fields], Any]:
    match node:
        case ast.Name(id=name):
            return lambda fields: fields.get(name)
        case ast.Constant(value=bool() | int() | float() | str() as constant):
            return lambda fields: constant
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            negative = -number
            return lambda fields: negative
        case _:
            raise _refused(
                text, node, "must be of names, numbers, texts, comparisons, and, or, not"
            )


def _refused(text: str, node: ast.expr, rule: str) -> InputError:
    return InputError(f"condition {plain_line(text)!r}, column {node.col_offset + 1}: {rule}")
