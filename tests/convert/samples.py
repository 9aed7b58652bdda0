"""Inputs and outputs that were kept beside a model, and what must become of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from host_sdk import Device
from host_sdk.inference.model_source import OpenedModel
from host_sdk.inference.tensor import Array
from host_sdk.validation.litert import Reference
from relocatable.read_tflite import read_tflite


def expected(folder: Path, name: str) -> tuple[list[Array], list[Array]]:
    """Read inputs, and what the model's own tool makes of them."""
    kept = np.load(folder / f"{name}.npz")
    return tuple(  # type: ignore[return-value]
        [kept[key] for key in sorted(kept) if key.startswith(kind)] for kind in ("input", "output")
    )


def turned(values: Array) -> Array:
    """Put a picture's channels last."""
    return np.ascontiguousarray(values.transpose(0, 2, 3, 1)) if values.ndim == 4 else values


def assert_computes(
    opened: OpenedModel, name: str, inputs: list[Array], outputs: list[Array]
) -> None:
    """Require a converted model's inputs, its words about them, and its outputs."""
    graph = read_tflite(opened.data, "m")
    assert [graph.tensors[i].shape for i in graph.inputs] == [turned(x).shape for x in inputs]
    if name == "pair":
        assert [graph.tensors[i].name for i in graph.inputs] == ["b", "a"]
    if name == "photo":
        assert "input 'picture' is [1, 16, 16, 3] on the board" in opened.note
    with Reference(opened.data) as found:
        for actual, wanted in zip(found.run([turned(x) for x in inputs]), outputs, strict=True):
            np.testing.assert_allclose(actual, turned(wanted), rtol=0, atol=1e-5)


def assert_board_computes(photo: Path, inputs: list[Array], outputs: list[Array]) -> None:
    """Require that a board takes a model, with a word on pictures, and runs it."""
    with Device("sim://cortex-m4") as board:
        loaded = board.load_model(photo)
        assert "channels last" in loaded.note
        answer = board.infer(turned(inputs[0]))
        np.testing.assert_allclose(answer, outputs[0], rtol=0, atol=1e-5)
