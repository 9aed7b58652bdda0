"""Heads that are guessed from a model's outputs."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from relocatable import guess_head as guess_of_file
from relocatable.errors import HeadError
from relocatable.graph.graph import Graph
from relocatable.heads import guess_head, load_head
from relocatable.heads.guess import GuessedHead
from tests.conftest import ROOT
from tests.make_graph import GraphBuilder

MODELS = ROOT / "examples" / "models"
PICTURE = (1, 96, 96, 3)


def made(*outputs: tuple[int, ...], given: tuple[int, ...] = PICTURE, **how: str) -> Graph:
    """Make a network with such outputs, the first by an operator; `dtype` is float32."""
    b = GraphBuilder()
    b.input(*given, dtype="float32")
    dtype, kind = how.get("dtype", "float32"), how.get("last", "TANH")
    tensors = [b.tensor(*shape, dtype=dtype) for shape in outputs]
    source = b.tensor(*outputs[0], dtype="float32")
    b.op(kind, (source,), tensors[0])
    return b.graph(*tensors)


@pytest.mark.parametrize(
    ("graph", "kind", "table"),
    [
        (made((1, 10)), "classify", {"top_k": 3, "softmax": True}),
        (made((1, 1, 1, 2), last="SOFTMAX"), "classify", {"top_k": 2, "softmax": False}),
        (made((1, 64), given=(1, 64)), "anomaly", {"threshold": 1.0}),
        (made((1, 12, 12, 3), last="SOFTMAX"), "fomo", {"threshold": 0.5}),
        (made((1, 6, 6, 5)), "grid", {"layout": ["cx", "cy", "w", "h", "conf"]}),
        (made((1, 6, 6, 3)), "grid", {"layout": ["x", "y", "conf"], "box": [0.1, 0.1]}),
        (made((1, 48, 48, 4)), "segment", {}),
        (made((1, 567, 8)), "yolov5", {}),
        (made((1, 6, 189)), "yolov8", {}),
        (made((1, 96, 96, 1), last="LOGISTIC"), "segment", {"sigmoid": False, "ignore": 0}),
        (made((1, 96, 96, 1), given=(1, 96, 96, 3)), "segment", {"sigmoid": True, "ignore": 0}),
        (made((1, 96, 96), dtype="int64"), "segment", {}),
        (made((1, 1, 17, 3)), "keypoints", {"layout": ["y", "x", "score"]}),
        (made((1, 63), (1, 1)), "keypoints", {"layout": ["x", "y", "z"], "unit": "pixels"}),
        (
            made((1, 9, 9, 17), (1, 9, 9, 34)),
            "keypoints",
            {"offsets": 1, "align": "corners", "sigmoid": True},
        ),
    ],
)
def test_a_head_is_guessed(graph: Graph, kind: str, table: dict[str, Any]) -> None:
    guessed = guess_head(graph, {})
    assert (guessed.kind, guessed.description[kind]) == (kind, table)
    assert guessed.why
    read_back = tomllib.loads(guessed.toml())
    assert read_back == guessed.description
    assert load_head(read_back).kind == kind


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (made((1, 24, 24, 5)), r"could be several: keypoints: .*; segment: .*Write a TOML file"),
        (made(PICTURE), r"could be several: anomaly: .*; segment: "),
        (made((1, 567, 11), (1, 567, 4)), r"outputs 't1' float32 \[1, 567, 11\], .* none looks"),
        (made((1, 10), dtype="int16"), "none looks right. There are .*classify"),
        (made((1, 1)), "none looks right"),
    ],
)
def test_what_is_not_clear_is_refused(graph: Graph, message: str) -> None:
    with pytest.raises(HeadError, match=message):
        guess_head(graph, {})


@pytest.mark.parametrize("name", ["front", "back", "full_range"])
def test_a_blaze_face_is_known(name: str) -> None:
    text = (ROOT / "examples" / "faces" / f"{name}.toml").read_text(encoding="utf-8")
    wanted = tomllib.loads(text)
    side, boxes = {"front": (128, 896), "back": (256, 896), "full_range": (192, 2304)}[name]
    shapes = (1, boxes, 16), (1, boxes, 1)
    assert guess_head(made(*shapes, given=(1, side, side, 3)), {}).description == wanted
    with pytest.raises(HeadError, match="none looks right"):
        guess_head(made(*shapes, given=(1, 64, 64, 3)), {})


def test_a_streaming_network_hears() -> None:
    b = GraphBuilder()
    features = b.input(1, 3, 40)
    state = b.state(1, 4)
    score = b.tensor(1, 1)
    b.op("TANH", (features, state.first), score, state.last)
    guessed = guess_head(b.graph(score), {})
    assert guessed.description["sound"] == {"front_end": "micro"}
    assert load_head(tomllib.loads(guessed.toml())).kind == "audio"


def test_the_model_s_own_metadata_go_first() -> None:
    about = {"head": "classify", "labels": ["a"], "classify": {"output": 0, "softmax": True}}
    assert guess_head(made((1, 6, 6, 5)), about).description == about
    labelled = {"labels": ['a "b"', "c\\"], "image": {"mean": [1.0, 2.0], "std": [0.5]}}
    guessed = guess_head(made((1, 6, 6, 5)), labelled)
    assert tomllib.loads(guessed.toml()) == {**guessed.description, **labelled}


def test_labels_that_nobody_names_are_to_be_checked() -> None:
    missing = "labels, which the file does not name"
    assert guess_head(made((1, 10)), {}).open_points == (missing,)
    assert missing in guess_head(made((1, 6, 6, 5)), {}).open_points
    assert missing not in guess_head(made((1, 10)), {"labels": ["a"] * 10}).open_points
    assert missing not in guess_head(made((1, 64), given=(1, 64)), {}).open_points  # an anomaly


def test_the_file_says_why_and_what_to_check() -> None:
    description = {"head": "x", "x": {"yes": True, "numbers": [1, 0.5]}}
    text = GuessedHead("x", description, "it looks so", ("the numbers",)).toml()
    assert text == (
        '# Guessed: it looks so.\n# Check: the numbers.\nhead = "x"\n'
        "\n[x]\nyes = true\nnumbers = [1, 0.5]\n"
    )


@pytest.mark.parametrize("name", ["coins", "digits", "shade2", "shade3"])
def test_the_examples_heads_are_guessed(name: str) -> None:
    path = MODELS / f"{name}.tflite"
    wanted = tomllib.loads(path.with_suffix(".toml").read_text(encoding="utf-8"))
    assert guess_of_file(path).kind == wanted["head"]
