"""LiteRT in a process of its own: what ends or stops it is a typed error here."""

from __future__ import annotations

import numpy as np
import pytest

from host_sdk.errors import ModelFileError
from host_sdk.validation.litert import Reference, open_reference
from relocatable.graph.graph import Quant
from tests.make_graph import GraphBuilder, conv_graph
from tests.make_tflite import make_tflite, run_litert

MODEL = make_tflite(conv_graph())


def aborting_model() -> bytes:
    """Write a SOFTMAX whose scale LiteRT's arithmetic cannot hold: it calls abort()."""
    b = GraphBuilder()
    x = b.input(1, 8, quant=Quant((1.4e-45,), (0,)))
    y = b.tensor(1, 8, quant=Quant((1 / 256,), (-128,)))
    return make_tflite(b.graph(b.op("SOFTMAX", (x,), y, beta=1.0)))


def test_an_abort_is_an_error() -> None:
    with pytest.raises(ModelFileError, match=r"its process ended \(SIGABRT\)"):
        Reference(aborting_model())


def test_why_there_is_no_reference_is_said() -> None:
    found, why = open_reference("litert", aborting_model())
    assert found is None
    assert "SIGABRT" in why


def test_what_the_reference_kernels_lack_runs_in_the_default_ones() -> None:
    b = GraphBuilder()
    x = b.input(1, 3, dtype="float32")
    model = make_tflite(b.graph(b.op("CEIL", (x,), b.tensor(1, 3, dtype="float32"))))
    with Reference(model) as reference:
        [found] = reference.run([np.array([[0.5, -0.5, 2]], np.float32)])
    assert found.tolist() == [[1, 0, 2]]


def test_a_hang_is_an_error() -> None:
    with pytest.raises(ModelFileError, match="must answer within 0 s"):
        Reference(MODEL, seconds=0)


def test_refusals_keep_their_words() -> None:
    with pytest.raises(ModelFileError, match="cannot run the model: "):
        Reference(MODEL[:200])


def test_it_gives_what_litert_gives_in_process() -> None:
    x = np.arange(96, dtype=np.int8).reshape(1, 8, 6, 2)
    with Reference(MODEL, keep_all=True) as reference:
        [y] = reference.run([x])
        [tensor] = reference.tensors([x])
    [expected] = run_litert(MODEL, [x])
    assert np.array_equal(y, expected)
    assert np.array_equal(tensor.values, expected)
    assert tensor.name == "block3"
