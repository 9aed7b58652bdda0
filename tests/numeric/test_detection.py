"""TFLite_Detection_PostProcess: its rules, and what it does not find."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relocatable.errors import ModelError, UnsupportedError
from relocatable.graph.graph import AttrValue, Graph
from relocatable.ops.detection_postprocess import KIND
from relocatable.read_tflite import read_tflite
from relocatable.support import check_support
from tests.make_tflite import make_tflite
from tests.numeric.harness import build, inputs_of, mismatch, reference, sample


def detection(**attrs: AttrValue) -> Graph:
    graph = sample(np.random.default_rng(4), KIND, "float32")
    op = graph.ops[0]
    return replace(graph, ops=(replace(op, attrs={**op.attrs, **attrs}),))


@pytest.mark.parametrize(
    ("attrs", "rule"),
    [
        ({"use_regular_nms": True, "detections_per_class": 0}, "detections_per_class at least 1"),
        ({"max_classes_per_detection": 2}, "max_classes_per_detection must be 1"),
        ({"max_detections": 0}, "max_detections must be in"),
        ({"max_detections": 999}, "outputs must be"),
        ({"nms_iou_threshold": 0.0}, "nms_iou_threshold in"),
        ({"nms_score_threshold": -0.5}, "nms_score_threshold at least 0"),
        ({"nms_score_threshold": float("nan")}, "nms_score_threshold at least 0"),
        ({"h_scale": 0.0}, "scales of boxes"),
        ({"num_classes": 90}, "scores .1, N, C. with num_classes"),
    ],
)
def test_what_is_refused(attrs: dict[str, AttrValue], rule: str) -> None:
    check_support(detection())
    with pytest.raises(UnsupportedError, match=rule):
        check_support(detection(**attrs))


def test_what_is_not_found_is_zero() -> None:
    graph = detection(nms_score_threshold=1e9)
    [program] = build([graph])
    program.arena[:] = 0xA5
    found = program.run(inputs_of(np.random.default_rng(6), graph))
    assert all(not found[output].any() for output in graph.outputs)


def test_equal_scores_of_regular_detections_keep_litert_order() -> None:
    """Scores of few values, of all classes at once: most places are ties."""
    rng = np.random.default_rng(11)
    for each in (1, 2, 100):
        graph = detection(use_regular_nms=True, detections_per_class=each)
        boxes, scores = inputs_of(rng, graph)
        scores = rng.choice(np.array([0.25, 0.5, 0.75], np.float32), scores.shape)
        [program] = build([graph])
        found = program.run([boxes, scores])
        want = reference(make_tflite(graph), [boxes, scores])
        for output in graph.outputs[1:]:
            assert mismatch(found[output], want[output]) == ""


def test_options_that_are_no_map_are_refused() -> None:
    def damage(model: object) -> None:
        model.subgraphs[0].operators[0].customOptions = [1, 2, 3, 4]  # type: ignore[attr-defined]

    with pytest.raises(ModelError, match="options must be a map of numbers"):
        read_tflite(make_tflite(detection(), damage), "damaged")


def test_options_that_are_absent_are_refused_by_a_rule() -> None:
    def drop(model: object) -> None:
        model.subgraphs[0].operators[0].customOptions = None  # type: ignore[attr-defined]

    with pytest.raises((ModelError, UnsupportedError)):
        check_support(read_tflite(make_tflite(detection(), drop), "dropped"))
