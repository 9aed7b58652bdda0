"""Writes docs/OPS.md, the rules of every operator, from support.py.

python -m relocatable.opsdoc > docs/OPS.md
"""

from __future__ import annotations

from relocatable.support import COMMON, RULES
from relocatable.support_rules import Rule, rule_text

_INTRO = """\
# Operators

Generated from `relocatable/support.py` by `python -m relocatable.opsdoc`. A model that breaks a
rule is refused with its text, what was seen instead, and the operator's name.

Operators that follow from shapes and constants alone (SHAPE, STRIDED_SLICE, PACK; also
CONCATENATION, RESHAPE, SQUEEZE, EXPAND_DIMS, CAST, DEQUANTIZE where their inputs do) are computed
at compile time and need no more than the right number of inputs. RESHAPE, SQUEEZE and EXPAND_DIMS
cost nothing on the board.
"""


def ops_markdown() -> str:
    """The text of docs/OPS.md."""
    lines = [_INTRO, "## Every operator", "", *_items(COMMON), ""]
    for kind, rules in RULES.items():
        lines += [f"## {kind}", "", *(_items(rules) or ["- no further rule"]), ""]
    return "\n".join(lines)


def _items(rules: tuple[Rule, ...]) -> list[str]:
    return [f"- {rule_text(rule)}" for rule in rules]


if __name__ == "__main__":
    print(ops_markdown(), end="")
