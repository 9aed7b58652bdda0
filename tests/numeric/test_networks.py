"""Networks of the usual families: taken and exact, or refused in words.

`python -m tools.networks` writes their files and the page docs/NETWORKS.md; this compares.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from relocatable import Blob, compile_model
from relocatable.compile import lower
from relocatable.errors import ModelError, UnsupportedError
from relocatable.ops._shared.random import random_input
from relocatable.read_tflite import read_tflite
from tests.conftest import MODELS_DIR, ROOT
from tests.models.write_networks import FORMATS, NETWORKS
from tests.numeric.harness import Array, build, expected, mismatch
from tests.numeric.test_blobs import outputs, run_entry

FOLDER = ROOT / "build" / "networks"
TARGETS = ("cortex-m4", "cortex-m55")
MACHINE_BYTES = 3 << 20  # of blob and arena, that fit into each virtual machine
SMALL = ("gru_int8", "tcn_int8")  # in the repository


@pytest.mark.sim
@pytest.mark.proof("models")
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", NETWORKS)
def test_network(
    name: str, form: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    model, reason = (FOLDER / f"{name}_{form}.{suffix}" for suffix in ("tflite", "txt"))
    result: dict[str, Any] = {"network": name, "format": form}
    if reason.exists():
        result["missing"] = reason.read_text(encoding="utf-8")
    elif not model.exists():
        pytest.skip("needs the networks' files: python -m tools.networks")
    else:
        result |= tried(model.read_bytes(), f"{name}_{form}", tmp_path)
    record_property("network", json.dumps(result))
    assert not result.get("wrong"), result["wrong"]


@pytest.mark.parametrize("name", SMALL)
def test_small_network(name: str, tmp_path: Path) -> None:
    result = tried((MODELS_DIR / f"{name}.tflite").read_bytes(), name, tmp_path)
    assert result.get("wrong") == []
    assert set(result["targets"]) == set(TARGETS)


def tried(data: bytes, name: str, folder: Path) -> dict[str, Any]:
    """Compile a model and compare it with LiteRT's reference.

    Args:
        data: a .tflite.
        name: of the model.
        folder: for files.

    Returns:
        If it is refused, `refused`: each rule, with how many operators break it. Otherwise
        `tensors`: how many were compared on this machine; `wrong`: what differs, with its place;
        `targets`: for each bytes of arena and blob, and whether its outputs were compared.
    """
    try:
        blobs = {t: compile_model(data, target=t, name=name, golden=False) for t in TARGETS}
    except ModelError as error:
        return {"refused": [f"file: {error}"]}
    except UnsupportedError as error:
        seen = Counter((v.op, v.rule) for v in error.violations)
        return {"refused": [f"{n} {op or 'tensors'}: {rule}" for (op, rule), n in seen.items()]}
    graph = lower(read_tflite(data, name))
    [program] = build([graph], "size")
    rng = np.random.default_rng(7)
    tensors = [graph.tensors[i] for i in graph.inputs]
    inputs: list[Array] = [random_input(rng, t.shape, t.dtype) for t in tensors]
    got, want = program.run(inputs), expected(graph, data, inputs)
    made = [o for op in graph.ops for o in op.outputs]
    wrong = [f"{graph.tensors[i].name}: {text}" for i in made if (text := differs(got[i], want[i]))]
    result: dict[str, Any] = {"tensors": len(made), "wrong": wrong, "targets": {}}
    for target, raw in blobs.items():
        blob = Blob.unpack(raw)
        variant = blob.variants[0]
        fits = len(raw) + variant.arena_bytes <= MACHINE_BYTES
        if fits:
            place = folder / target
            place.mkdir()
            arena = run_entry(blob, variant, target, 0, [x.tobytes() for x in inputs], place)
            for i, bytes_ in zip(graph.outputs, outputs(blob, arena), strict=True):
                array = np.frombuffer(bytes_, want[i].dtype).reshape(want[i].shape)
                if text := differs(array, want[i]):
                    wrong.append(f"{target}, output {graph.tensors[i].name}: {text}")
        sizes = {"arena": variant.arena_bytes, "blob": len(raw), "compared": fits}
        result["targets"][target] = sizes
    return result


def differs(got: Array, want: Array) -> str:
    """Describe what differs: of floats by 4 ulp and 1e-6 of the largest value."""
    text = mismatch(got, want)
    if text and want.dtype == np.float32 and got.shape == want.shape:
        error = np.abs(got.astype(np.float64) - want).max()
        return "" if error <= 1e-6 * np.abs(want).max() else f"{text}, by {error:.3g} at most"
    return text
