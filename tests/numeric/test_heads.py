"""The heads on virtual CPUs give the bytes that they give on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from relocatable.codegen.toolchain import Code
from relocatable.compile import build_variant, schedule
from relocatable.graph.graph import Quant
from relocatable.heads import load_head
from relocatable.targets import TARGETS
from tests.conftest import ROOT
from tests.head_runner import SCALES, WIDE, HeadRunner, OutputKind, outputs_graph
from tests.numeric.machines import MACHINES, run_on_machine

pytestmark = pytest.mark.sim

BRIGHTEST: Mapping[str, Any] = {
    "file": str(ROOT / "examples" / "own_head" / "brightest.c"),
    "most_items": 5,
    "scratch_bytes": 100,
    "fields": {"label": "int32 label", "score": "float32", "place": "float32[2] points"},
    "parameters": {"channel": 1, "threshold": 0.5},
}
HEADS: dict[str, tuple[Mapping[str, Any], tuple[OutputKind, ...]]] = {
    "fomo": ({"softmax": True, "threshold": 0.4}, (((1, 9, 7, 3), "int8", WIDE),)),
    "keypoints": (
        {"sigmoid": True, "offsets": 1},
        (((1, 6, 5, 4), "float32", None), ((1, 6, 5, 8), "float32", None)),
    ),
    "segment": ({"most_runs": 40}, (((1, 9, 12, 3), "float32", None),)),
    "anomaly": (
        {"threshold": 1, "centers": [[0, 1, 2], [1, 1, 0]], "std": [1, 2, 3]},
        (((1, 3), "float32", None),),
    ),
    "yolov5": ({"threshold": 0.3}, (((1, 40, 8), "uint8", SCALES["uint8"]),)),
    "yolov8": ({"reg_max": 8}, (((1, 5, 5, 35), "int8", Quant((0.1,), (3,))),)),
    "detections": (
        {"threshold": 0.2, "count": -1},
        (((1, 30, 4), "uint8", SCALES["uint8"]), *(((1, 30), "float32", None),) * 2),
    ),
    "own": (BRIGHTEST, (((1, 8, 9, 3), "int8", SCALES["int8"]),)),
}


@pytest.mark.parametrize("target", ["cortex-m0plus", "cortex-m55"])
@pytest.mark.parametrize("kind", HEADS)
def test_a_head_gives_the_same_bytes(kind: str, target: str, tmp_path: Path) -> None:
    options, outputs = HEADS[kind]
    description = {"head": kind, kind: options}
    graph = outputs_graph(*outputs)
    runner, rng = HeadRunner(description, graph), np.random.default_rng(1)
    stored = [runner.random(rng, i) for i in range(len(outputs))]
    assert runner.find(*stored)
    program = schedule(graph, load_head(description), [TARGETS[target]])
    variant = build_variant(program, 0, "speed")
    arena = np.zeros(variant.arena_bytes, np.uint8)
    for index, values in zip(graph.inputs, stored, strict=True):
        raw, at = values.reshape(-1).view(np.uint8), program.plan.offsets[index]
        arena[at : at + raw.size] = raw
    code = Code(variant.code, variant.steps, variant.stack_bytes)
    outcome = run_on_machine(MACHINES[target], code, variant.weights, arena, tmp_path)
    entry = program.entries[1]
    result = outcome.arena[entry.result_offset : entry.result_offset + entry.result_bytes]
    assert result.tobytes() == runner.model.result(1)
    assert outcome.stack_bytes <= variant.stack_bytes
