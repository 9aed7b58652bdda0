"""Boxes around coins, chosen by the network itself, and the head `detections`.

The network ends as those of the TensorFlow Object Detection API do: box codes and scores of a grid
of anchors go into TFLite_Detection_PostProcess, which decodes the boxes and drops those that
overlap. It is solved for, as coin_features.py says.

    python examples/heads/detections.py -o docs/heads/detections.png
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from coin_boxes import main
from coin_features import CELL, COLUMNS, HEIGHT, ROWS, WIDTH, CoinFit, Floats
from flatbuffers import flexbuffers
from small_tflite import Layer, add_tensor, schema, write_tflite

ANCHOR = 40.0  # pixels: the side of each anchor
SCALES = {"y_scale": 10.0, "x_scale": 10.0, "h_scale": 5.0, "w_scale": 5.0}
MOST = 40
HEAD = {"head": "detections", "labels": ["coin"], "detections": {"threshold": 0.5}}


def network(image: Floats) -> bytes:
    """Make the network: codes and a score for each cell, then the boxes."""
    fit = CoinFit(image)
    left, top, right, bottom = fit.coins().T
    x, y = fit.middles.T
    solved = [
        fit.solve(wanted, only_centers=True)
        for wanted in (
            SCALES["y_scale"] * ((top + bottom) / 2 - y) / ANCHOR,
            SCALES["x_scale"] * ((left + right) / 2 - x) / ANCHOR,
            SCALES["h_scale"] * np.log((bottom - top) / ANCHOR),
            SCALES["w_scale"] * np.log((right - left) / ANCHOR),
        )
    ]
    codes = fit.second([w for w, _ in solved], [b for _, b in solved])
    weights, bias = fit.solve(fit.is_center, only_centers=False)
    return with_boxes(image.shape, [fit.first, codes], fit.second([weights], [bias]), anchors())


def anchors() -> Floats:
    """Return y, x, height and width of each anchor, fractions of the photo."""
    y, x = np.indices((ROWS, COLUMNS)).reshape(2, -1) * CELL + CELL / 2
    sides = np.full((2, x.size), ANCHOR)
    size = np.array([HEIGHT, WIDTH, HEIGHT, WIDTH])
    return (np.stack([y, x, *sides], 1) / size).astype(np.float32)


def with_boxes(shape: tuple[int, ...], codes: list[Layer], scores: Layer, places: Floats) -> bytes:
    """Write a network with a second last layer, and its boxes behind both.

    Args:
        shape: of the input.
        codes: the layers that give the box codes, the last with 4 channels.
        scores: reads what the last of them reads, with a channel for each class.
        places: the anchors [N, 4].
    """
    whole = Layer(
        np.concatenate([codes[-1].weights, scores.weights]),
        np.concatenate([codes[-1].bias, scores.bias]),
        scores.stride,
    )
    model = schema.ModelT.InitFromObj(
        schema.Model.GetRootAs(write_tflite(shape, [*codes[:-1], whole]))
    )
    graph, count, classes = model.subgraphs[0], len(places), len(scores.bias)
    rows = add_tensor(model, "rows", (1, count, 4 + classes))
    parts = [
        add_tensor(model, name, (1, count, n)) for name, n in (("codes", 4), ("scores", classes))
    ]
    _add(model, "RESHAPE", [graph.outputs[0], _numbers(model, [1, count, -1])], [rows])
    split = schema.SplitVOptionsT()
    split.numSplits = 2
    inputs = [rows, _numbers(model, [4, classes]), _numbers(model, 2)]
    _add(model, "SPLIT_V", inputs, parts, "SplitVOptions", split)
    found = [
        add_tensor(model, name, (1, MOST, 4) if name == "boxes" else (1, MOST))
        for name in ("boxes", "classes", "best")
    ]
    found.append(add_tensor(model, "count", (1,)))
    _add(model, "CUSTOM", [*parts, add_tensor(model, "anchors", places.shape, places)], found)
    graph.operators[-1].customOptions = list(_boxes_options(classes))
    graph.outputs = found
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _boxes_options(classes: int) -> bytes:
    builder = flexbuffers.Builder()
    with builder.Map():
        for key, number in {
            "max_detections": MOST,
            "max_classes_per_detection": 1,
            "num_classes": classes,
        }.items():
            builder.Key(key)
            builder.Int(number)
        builder.Key("use_regular_nms")
        builder.Bool(False)
        for key, value in {"nms_score_threshold": 0.3, "nms_iou_threshold": 0.2, **SCALES}.items():
            builder.Key(key)
            builder.Float(value)
    return bytes(builder.Finish())


def _add(
    model: Any,
    kind: str,
    inputs: list[int],
    outputs: list[int],
    table: str = "",
    options: Any = None,
) -> None:
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, kind)
    code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1
    if kind == "CUSTOM":
        code.customCode = b"TFLite_Detection_PostProcess"
    model.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = inputs, outputs
    if table:
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, table)
        operator.builtinOptions = options
    model.subgraphs[0].operators.append(operator)


def _numbers(model: Any, values: Any) -> int:
    data = np.array(values, np.int32)
    return add_tensor(model, "numbers", data.shape, data)


if __name__ == "__main__":
    main(__doc__, network, HEAD, "detections.png")
