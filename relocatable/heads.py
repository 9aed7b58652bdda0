"""Post-processing that is compiled into the blob: its description (docs/HEADS.md) and its steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from relocatable.blob.blob import (
    CLASS_DTYPE,
    DETECTION_DTYPE,
    RESULT_CLASSES,
    RESULT_DETECTIONS,
    RESULT_HEADER_BYTES,
)
from relocatable.errors import HeadError
from relocatable.fields import Fields
from relocatable.graph.graph import Graph, Tensor
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Name, Output, Scratch, Struct
from relocatable.steps.kernel_call import KernelCall

# xn_grid_candidate of kernels/heads/grid.c.
_CANDIDATE_BYTES = 8

_VALUE_TYPES = {"int8": "XN_VALUE_I8", "uint8": "XN_VALUE_U8", "float32": "XN_VALUE_F32"}
_GEOMETRY = ("cx", "cy", "x", "y", "w", "h", "conf")


@dataclass(frozen=True)
class ImageConfig:
    """From pixels to the model's input: real = (pixel - mean) / std, pixels 0..255.

    Attributes:
        mean, std: one number, or one for each channel.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class GridHead:
    """A detector with one box for each cell of an output [1, rows, columns, channels].

    Attributes:
        labels: names of the classes.
        image: None where the description says nothing.
        layout: a name for each channel: cx, cy, w, h or x, y; conf; others are class scores.
        center: "cell" or "image": what cx, cy or x, y are offsets in.
        sigmoid: names of the channels that the model gives as logits.
        threshold: lowest score of a detection, 0..1.
        iou: overlap from which the lower one of two boxes of a label is dropped, 0..1.
        max_detections: most that are reported.
        box: width and height for points, fractions of the picture; None where the model gives them.
    """

    labels: tuple[str, ...]
    image: ImageConfig | None
    layout: tuple[str, ...]
    center: str
    sigmoid: tuple[str, ...]
    threshold: float
    iou: float
    max_detections: int
    box: tuple[float, float] | None

    @property
    def classes(self) -> tuple[int, ...]:
        """Channels that are class scores."""
        return tuple(i for i, name in enumerate(self.layout) if name not in _GEOMETRY)

    def metadata(self) -> dict[str, Any]:
        """Entries of the blob's metadata (docs/SPEC-blob.md section 7)."""
        head = {
            "kind": "grid",
            "layout": list(self.layout),
            "center": self.center,
            "sigmoid": list(self.sigmoid),
            "threshold": self.threshold,
            "iou": self.iou,
            "max_detections": self.max_detections,
        }
        if self.box:
            head["box"] = list(self.box)
        return _metadata(self.labels, self.image, head)


@dataclass(frozen=True)
class ClassifyHead:
    """The best k values of an output.

    Attributes:
        labels: names of the classes.
        image: None where the description says nothing.
        output: which of the model's outputs holds the scores.
        top_k: how many at most.
        softmax: the model gives logits.
    """

    labels: tuple[str, ...]
    image: ImageConfig | None
    output: int
    top_k: int
    softmax: bool

    def metadata(self) -> dict[str, Any]:
        """Entries of the blob's metadata (docs/SPEC-blob.md section 7)."""
        head = {
            "kind": "classify",
            "output": self.output,
            "top_k": self.top_k,
            "softmax": self.softmax,
        }
        return _metadata(self.labels, self.image, head)


HeadConfig = GridHead | ClassifyHead


def load_head(description: Mapping[str, Any]) -> HeadConfig:
    """Reads a head's description.

    Args:
        description: the contents of the TOML file.

    Raises:
        HeadError: names the key, the rule and the value seen.
    """
    top = Fields(description, "")
    kind = top.choice("head", ("grid", "classify"))
    labels = top.texts("labels", default=())
    image = _load_image(top.table("image")) if "image" in description else None
    load = _load_grid if kind == "grid" else _load_classify
    head = load(top.table(kind), labels, image)
    top.end()
    return head


def head_calls(config: HeadConfig, graph: Graph) -> tuple[Graph, tuple[KernelCall, ...], int, int]:
    """Chooses the steps that follow the network's.

    Args:
        config: what the outputs mean.
        graph: the network, lowered.

    Returns:
        The graph with the result's tensor added, the steps, the kind of the result (enum xn_result)
        and the index of its tensor.

    Raises:
        HeadError: the description does not fit the model's outputs.
    """
    result = len(graph.tensors)
    if isinstance(config, GridHead):
        call, kind = _grid_call(config, graph, result), RESULT_DETECTIONS
        size = RESULT_HEADER_BYTES + config.max_detections * DETECTION_DTYPE.itemsize
    else:
        call, kind = _classify_call(config, graph, result), RESULT_CLASSES
        size = RESULT_HEADER_BYTES + _top_k(config, graph) * CLASS_DTYPE.itemsize
    tensor = Tensor("result", (size,), "uint8")
    return replace(graph, tensors=(*graph.tensors, tensor)), (call,), kind, result


# ---- Descriptions ------------------------------------------------------------------------------


def _load_image(table: Fields) -> ImageConfig:
    image = ImageConfig(table.numbers("mean", (0.0,)), table.numbers("std", (255.0,)))
    if 0.0 in image.std:
        raise table.error("std", "other than 0", image.std)
    table.end()
    return image


def _load_grid(table: Fields, labels: tuple[str, ...], image: ImageConfig | None) -> GridHead:
    head = GridHead(
        labels=labels,
        image=image,
        layout=table.texts("layout"),
        center=table.choice("center", ("cell", "image"), "cell"),
        sigmoid=table.texts("sigmoid", ()),
        threshold=table.number("threshold", 0.0, 1.0, 0.5),
        iou=table.number("iou", 0.0, 1.0, 0.4),
        max_detections=table.integer("max_detections", 1, 1000, 50),
        box=_load_box(table) if table.has("box") else None,
    )
    table.end()
    _check_layout(table, head)
    return head


def _load_box(table: Fields) -> tuple[float, float]:
    box = table.numbers("box")
    if len(box) != 2 or not all(0 < side <= 1 for side in box):
        raise table.error("box", "[width, height], each above 0 and at most 1", list(box))
    return box[0], box[1]


def _check_layout(table: Fields, head: GridHead) -> None:
    names = set(head.layout)
    if len(names) != len(head.layout):
        raise table.error("layout", "different names", list(head.layout))
    geometry = names & {"cx", "cy", "x", "y", "w", "h"}
    if geometry not in ({"cx", "cy", "w", "h"}, {"x", "y"}):
        raise table.error("layout", "names with cx, cy, w, h or with x, y", list(head.layout))
    if ("x" in names) != (head.box is not None):
        raise table.error("box", "given for x, y and for nothing else", head.box)
    if "conf" not in names and not head.classes:
        raise table.error("layout", "names with conf or with class scores", list(head.layout))
    if not set(head.sigmoid) <= names:
        raise table.error("sigmoid", "names of the layout", list(head.sigmoid))
    if head.classes and head.labels and len(head.labels) != len(head.classes):
        rule = f"as many as class scores ({len(head.classes)})"
        raise HeadError(f"labels must be {rule}; are {len(head.labels)}")
    if not head.classes and len(head.labels) > 1:
        raise HeadError(f"labels must be one without class scores; are {len(head.labels)}")


def _load_classify(
    table: Fields, labels: tuple[str, ...], image: ImageConfig | None
) -> ClassifyHead:
    head = ClassifyHead(
        labels=labels,
        image=image,
        output=table.integer("output", 0, 1000, 0),
        top_k=table.integer("top_k", 1, 1000, 3),
        softmax=table.boolean("softmax", False),
    )
    table.end()
    return head


def _metadata(
    labels: tuple[str, ...], image: ImageConfig | None, head: dict[str, Any]
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"labels": list(labels), "head": head}
    if image:
        metadata["image"] = {"mean": list(image.mean), "std": list(image.std)}
    return metadata


# ---- Steps -------------------------------------------------------------------------------------


def _grid_call(head: GridHead, graph: Graph, result: int) -> KernelCall:
    index = graph.outputs[0]
    output = graph.tensors[index]
    if len(output.shape) != 4 or output.shape[3] != len(head.layout):
        raise HeadError(
            f"[grid] layout must name each channel of output [1, rows, columns, channels]; "
            f"names {len(head.layout)}, output '{output.name}' is {list(output.shape)}"
        )
    _, rows, columns, channels = output.shape
    place = {name: i for i, name in enumerate(head.layout)}
    box_w, box_h = head.box or (0.0, 0.0)
    grid: dict[str, CValue] = {
        "rows": rows,
        "columns": columns,
        "channels": channels,
        "x": place["x"] if "x" in place else place["cx"],
        "y": place["y"] if "y" in place else place["cy"],
        **{key: place.get(key, -1) for key in ("w", "h", "conf")},
        "class_count": len(head.classes),
        "center_in_cell": int(head.center == "cell"),
        "box_w": np.float32(box_w),
        "box_h": np.float32(box_h),
        "threshold": np.float32(head.threshold),
        "iou": np.float32(head.iou),
        "max_detections": head.max_detections,
    }
    view: dict[str, CValue] = {
        "p": Struct("xn_grid", "grid", grid),
        "values": _values(output),
        "is_logit": Constant("is_logit"),
        "classes": Constant("classes"),
    }
    arguments = (
        Struct("xn_grid_view", "view", view),
        Scratch("xn_grid_candidate"),
        Output("xn_detections"),
    )
    return KernelCall(
        kind="HEAD_GRID",
        name="grid",
        source="heads/grid.c",
        calls=(CCall("xn_grid_detect", arguments),),
        inputs=(index,),
        outputs=(result,),
        weights={
            "is_logit": np.array([name in head.sigmoid for name in head.layout], np.uint8),
            # An array must have a place, also where no class is in it.
            "classes": np.array(head.classes or (0,), np.int32),
        },
        scratch_bytes=-(-rows * columns * _CANDIDATE_BYTES // 16) * 16,
    )


def _classify_call(head: ClassifyHead, graph: Graph, result: int) -> KernelCall:
    if head.output >= len(graph.outputs):
        raise HeadError(
            f"[classify] output must be below {len(graph.outputs)}, the model's; is {head.output}"
        )
    index = graph.outputs[head.output]
    output = graph.tensors[index]
    if head.labels and len(head.labels) != output.count:
        raise HeadError(
            f"labels must be as many as values of output '{output.name}' ({output.count}); "
            f"are {len(head.labels)}"
        )
    classify: dict[str, CValue] = {
        "count": output.count,
        "top_k": _top_k(head, graph),
        "softmax": int(head.softmax),
    }
    arguments = (
        Struct("xn_values", "values", _values(output)),
        Struct("xn_classify", "classify", classify),
        Output("xn_classes"),
    )
    return KernelCall(
        kind="HEAD_CLASSIFY",
        name="classify",
        source="heads/classify.c",
        calls=(CCall("xn_classify_best", arguments),),
        inputs=(index,),
        outputs=(result,),
    )


def _top_k(head: ClassifyHead, graph: Graph) -> int:
    return min(head.top_k, graph.tensors[graph.outputs[head.output]].count)


def _values(output: Tensor) -> dict[str, CValue]:
    """The fields of xn_values for a step's first input."""
    if output.dtype not in _VALUE_TYPES:
        raise HeadError(
            f"output '{output.name}' must be {', '.join(_VALUE_TYPES)}; is {output.dtype}"
        )
    scale, zero_point = 1.0, 0
    if output.dtype != "float32":
        if output.quant is None:
            raise HeadError(f"output '{output.name}' must have a scale; has none")
        scale, zero_point = output.quant.scale[0], output.quant.zero_point[0]
    return {
        "data": Input(0),
        "type": Name(_VALUE_TYPES[output.dtype]),
        "scale": np.float32(scale),
        "zero_point": zero_point,
    }
