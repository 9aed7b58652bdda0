"""TFLM_DECODE: constants that a file holds packed."""

from __future__ import annotations

import numpy as np
import pytest

from relocatable.compile import compile_model, lower
from relocatable.graph.builder import PLAIN, GraphBuilder
from relocatable.graph.graph import Graph, GraphError
from relocatable.ops.decode import KIND
from relocatable.passes.fold_constants import fold_constants
from relocatable.read_tflite import read_tflite
from tests.make_tflite import make_tflite
from tests.numeric.packed import HUFFMAN, LUT, PRUNE, as_bytes, bytes_of, header

VALUES = np.array([[3, -4, 3, 7], [7, 7, 3, -4]], np.int8)


def added(is_packed: bool) -> Graph:
    """Make a graph that adds a constant, packed or not."""
    b = GraphBuilder()
    x = b.input(2, 4)
    if is_packed:
        table, places = np.unique(VALUES, return_inverse=True)
        data = b.constant(bytes_of(places.reshape(-1), 2), "uint8")
        ancillary = b.constant(as_bytes(header(LUT, 2, 4) + table.tobytes()), "uint8")
        other = b.op(KIND, (data, ancillary), b.tensor(2, 4))
    else:
        other = b.constant(VALUES, "int8", PLAIN)
    y = b.tensor(2, 4, name="sum")
    return b.graph(b.op("ADD", (x, other), y, fused_activation_function="NONE"))


def test_the_program_is_that_of_plain_constants() -> None:
    packed, plain = (read_tflite(make_tflite(added(flag)), "sum") for flag in (True, False))
    assert [op.kind for op in lower(packed).ops] == ["ADD"]
    blobs = [
        compile_model(make_tflite(added(flag)), target="cortex-m4", name="sum")
        for flag in (True, False)
    ]
    assert [op.kind for op in lower(plain).ops] == ["ADD"]
    assert blobs[0] == blobs[1]


@pytest.mark.parametrize(
    ("data", "ancillary", "text"),
    [
        (b"\0" * 8, b"\0" * 15, "a header of 16 bytes and version 1"),
        (b"\0" * 8, b"\0\2".ljust(32), "a header of 16 bytes and version 1"),
        (b"\0" * 8, header(127), "method must be one of"),
        (b"\0" * 8, header(LUT, 0, 1) + b"\1", "table must have 1 to 7 bits"),
        (b"\0", header(LUT, 2, 1) + b"\1", "8 numbers of 2 bits must be there"),
        (b"\xff" * 8, header(LUT, 2, 1) + b"\1", "out of bounds"),
        (b"\xff", header(PRUNE) + b"\1", "8 values must be there; are 1"),
        (b"\xff" * 8, header(HUFFMAN, 0x20), "index out of range"),
        (b"\0" * 8, header(HUFFMAN, 0x20) + b"\0" * 16, "8 symbols must be found in 8 bytes"),
        (b"\0", header(HUFFMAN, 0x70) + b"\1\x90" * 256, "8 symbols must be found in 1 bytes"),
    ],
)
def test_bytes_that_are_not_packed_values_are_refused(
    data: bytes, ancillary: bytes, text: str
) -> None:
    b = GraphBuilder()
    b.input(2, 4)
    inputs = [b.constant(as_bytes(part), "uint8") for part in (data, ancillary)]
    graph = b.graph(b.op(KIND, inputs, b.tensor(2, 4)))
    with pytest.raises(GraphError, match=text):
        fold_constants(graph)
