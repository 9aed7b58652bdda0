"""The C text and the weights section."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relocatable.codegen.emit_c import emit_c, pack_weights
from relocatable.graph.graph import Graph
from relocatable.steps.kernel_call import KernelCall, Plan
from tests.make_graph import GraphBuilder


def program(name: str = "step") -> tuple[Graph, list[KernelCall]]:
    b = GraphBuilder()
    x, c = b.input(1, 8), b.constant([1, 2, 3], "int32")
    y = b.tensor(1, 8, dtype="float32")
    w: dict[str, npt.NDArray[np.generic]] = {
        "table": np.arange(5, dtype=np.int8),
        "same": np.arange(5, dtype=np.int8),
    }
    first = KernelCall("ADD", name, "add.c", (), (x, c), (y,), w, scratch_bytes=32)
    second = KernelCall("ADD", name, "table.c", (), (y,), (x,), {"table": w["table"]})
    return b.graph(y), [first, second]


def test_equal_constants_lie_once_at_multiples_of_16() -> None:
    graph, calls = program()
    section, offsets = pack_weights(graph, calls)
    assert offsets == {(0, "W_table"): 0, (0, "W_same"): 0, (0, "IN1"): 16, (1, "W_table"): 0}
    assert section[:5] == bytes(range(5))
    assert np.frombuffer(section, np.int32, 3, 16).tolist() == [1, 2, 3]
    assert len(section) % 16 == 0


def test_addresses_are_typed_names() -> None:
    graph, calls = program()
    plan = Plan(256, {0: 0, 2: 64}, {0: 128})
    text = emit_c(graph, calls, plan, pack_weights(graph, calls)[1])
    assert "#define IN0 ((const int8_t *)(ctx->arena + 0))" in text
    assert "#define IN1 ((const int32_t *)(ctx->weights + 16))" in text
    assert "#define OUT0 ((float *)(ctx->arena + 64))" in text
    assert "#define SCRATCH (ctx->arena + 128)" in text
    assert text.count("#define W_table ((const int8_t *)(ctx->weights + 0))") == 2
    assert text.count("#undef") == text.count("#define")
    assert text.index('"add.c"') < text.index('"table.c"')


def test_a_name_cannot_leave_its_comment() -> None:
    graph, calls = program("x\n#error \\")
    plan = Plan(256, {0: 0, 2: 64}, {0: 128})
    text = emit_c(graph, calls, plan, pack_weights(graph, calls)[1])
    assert "#error" not in text
    assert "\\" not in text
