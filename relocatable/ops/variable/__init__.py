"""VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE and CALL_ONCE: resource variables.

`explicit_states.py` turns variables into states: then reading and assigning only say that a
tensor is the same as another, as a RESHAPE does, and the others are gone.
"""

from __future__ import annotations

from relocatable.ops._shared.shapes import same_count, same_values
from relocatable.ops._shared.types import kept_type
from relocatable.ops.node import Node
from relocatable.ops.operator import ANY, Operand, Operator, Options

VAR_HANDLE, CALL_ONCE = "VAR_HANDLE", "CALL_ONCE"
READ_VARIABLE, ASSIGN_VARIABLE = "READ_VARIABLE", "ASSIGN_VARIABLE"


def is_same(node: Node) -> bool:
    """Tell that the bytes stay as they are."""
    return True


OPERATORS = (
    Operator(
        kind=VAR_HANDLE,
        options=Options("VarHandleOptions", ("container", "shared_name")),
        operands=(),
        output=ANY,
        shape=None,
        version=1,
    ),
    Operator(
        kind=CALL_ONCE,
        options=Options("CallOnceOptions", ("init_subgraph_index",)),
        operands=(),
        output=ANY,
        outputs=(0, 0),
        shape=None,
        version=1,
    ),
    *(
        Operator(
            kind=kind,
            operands=(Operand("value", ANY),),
            output=ANY,
            rules=(kept_type,),
            shape=same_count,
            evaluate=same_values,
            is_view=is_same,
            version=1,
        )
        for kind in (READ_VARIABLE, ASSIGN_VARIABLE)
    ),
)
