"""RFFT2D and COMPLEX_ABS as converters write them: magnitudes of frames."""

from __future__ import annotations

import numpy as np
import pytest

from relocatable import compile_model
from relocatable.blob.host import HostModel
from relocatable.errors import UnsupportedError
from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.support import check_support
from tests.make_tflite import make_tflite
from tests.numeric.harness import mismatch, reference

FRAMES, SIZE, LENGTH = 4, 60, 64


def magnitudes(ends_complex: bool = False) -> Graph:
    """Make a graph of frames, their spectra as tensors of two shapes, and magnitudes."""
    b = GraphBuilder()
    x = b.input(FRAMES, SIZE, dtype="float32")
    rows = b.op("RESHAPE", (x, b.constant([FRAMES, 1, SIZE])), real(b, FRAMES, 1, SIZE))
    bins = LENGTH // 2 + 1
    spectra = b.tensor(FRAMES, 1, bins, dtype="complex64")
    b.op("RFFT2D", (rows, b.constant([1, LENGTH])), spectra)
    flat = b.tensor(FRAMES, bins, dtype="complex64")
    b.op("SQUEEZE", (spectra,), flat)
    return b.graph(flat if ends_complex else b.op("COMPLEX_ABS", (flat,), real(b, FRAMES, bins)))


def real(b: GraphBuilder, *shape: int) -> int:
    """Add a tensor of float32."""
    return b.tensor(*shape, dtype="float32")


@pytest.mark.parametrize("whole_tensors", [False, True])
def test_magnitudes_of_frames(whole_tensors: bool) -> None:
    graph = magnitudes()
    model = make_tflite(graph)
    x = np.random.default_rng(3).normal(0, 1, (FRAMES, SIZE)).astype(np.float32)
    wanted = reference(model, [x])[graph.outputs[0]]
    with HostModel(compile_model(model, target="host", whole_tensors=whole_tensors)) as host:
        host.write_inputs([x])
        host.run()
        assert mismatch(host.outputs()[0], wanted) == ""


def test_complex_numbers_cannot_leave_a_graph() -> None:
    with pytest.raises(UnsupportedError, match=r"graph output must be one of .*; is complex64"):
        check_support(magnitudes(ends_complex=True))
