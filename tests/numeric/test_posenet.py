"""PosenetDecoderOp: against the published decoder, and its rules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from relocatable.errors import UnsupportedError
from relocatable.graph.graph import AttrValue, Graph
from relocatable.ops.posenet_decoder import KIND, decoder_graph
from relocatable.read_tflite import read_tflite
from relocatable.support import check_support
from tests.make_tflite import make_tflite
from tests.numeric.harness import build, inputs_of, meaning, mismatch, sample

# Inputs of bytes, and what the published C++ made of them (compiled by g++ -ffp-contract=off).
_VECTORS = Path(__file__).parent / "posenet_vectors.npz"


def decoder(**attrs: AttrValue) -> Graph:
    graph = sample(np.random.default_rng(4), KIND, "float32")
    op = graph.ops[0]
    return replace(graph, ops=(replace(op, attrs={**op.attrs, **attrs}),))


@pytest.mark.parametrize("case", range(3))
def test_equals_the_published_decoder(case: int) -> None:
    with np.load(_VECTORS) as file:
        data = {key[2:]: file[key] for key in file.files if key.startswith(f"{case}.")}
    given = [data[key] for key in sorted(data) if key.startswith("in")]
    wanted = [data[key] for key in sorted(data) if key.startswith("out")]
    most, threshold, stride, radius = data["attrs"].tolist()
    attrs: dict[str, AttrValue] = {
        "max_detections": int(most),
        "score_threshold": threshold,
        "stride": int(stride),
        "nms_radius": radius,
    }
    zeros = data["zeros"].tolist()
    graph = decoder_graph("uint8", [x.shape[1:3] for x in given], zeros, attrs)
    [program] = build([graph])
    found = program.run(given)
    meant = meaning(graph, given, {})
    for output, want in zip(graph.outputs, wanted, strict=True):
        assert mismatch(found[output], want) == ""
        assert mismatch(meant[output], want) == ""


@pytest.mark.parametrize(
    ("attrs", "rule"),
    [
        ({"max_detections": 0}, "max_detections must be in"),
        ({"max_detections": 99}, "outputs must be"),
        ({"score_threshold": float("nan")}, "score_threshold in"),
        ({"score_threshold": 1.0}, "score_threshold in"),
        ({"stride": 0}, "stride in"),
        ({"nms_radius": float("inf")}, "nms_radius in"),
    ],
)
def test_what_is_refused(attrs: dict[str, AttrValue], rule: str) -> None:
    check_support(decoder())
    with pytest.raises(UnsupportedError, match=rule):
        check_support(decoder(**attrs))


def test_maps_that_do_not_belong_together_are_refused() -> None:
    graph = decoder()
    tensors = list(graph.tensors)
    tensors[1] = replace(tensors[1], shape=(1, 2, 2, 34))
    with pytest.raises(UnsupportedError, match=r"inputs must be \[1, H, W, 17\]"):
        check_support(replace(graph, tensors=tuple(tensors)))


def test_shapes_that_the_file_leaves_out_follow_from_the_options() -> None:
    def leave_out(model: object) -> None:
        for i in graph.outputs:
            model.subgraphs[0].tensors[i].shape = []  # type: ignore[attr-defined]

    graph = decoder()
    read = read_tflite(make_tflite(graph, leave_out), "short")
    for i in graph.outputs:
        assert read.tensors[i].shape == graph.tensors[i].shape


def test_any_floats_are_survived() -> None:
    graph = decoder()
    [program] = build([graph])
    inputs = inputs_of(np.random.default_rng(6), graph)
    for value in (np.nan, np.inf, -np.inf, 3e38):
        for i in range(len(inputs)):
            damaged = [x.copy() for x in inputs]
            damaged[i][..., ::2] = value
            program.run(damaged)
