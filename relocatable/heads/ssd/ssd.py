"""Configuration and C call of the head `ssd`."""

from __future__ import annotations

import keyword
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from relocatable.blob.record import DETECTIONS, Record, RecordField
from relocatable.errors import HeadError
from relocatable.graph.graph import Graph, Tensor
from relocatable.heads.boxes import CANDIDATE_BYTES, CANDIDATES, BoxHead
from relocatable.heads.fields import Fields
from relocatable.heads.guess import Guess
from relocatable.heads.head import ImageConfig
from relocatable.heads.ssd.anchors import Anchors
from relocatable.heads.ssd.known import blaze_face
from relocatable.heads.values import values_of
from relocatable.steps.c_call import CCall, Constant, CValue, Output, Scratch, Struct
from relocatable.steps.kernel_call import KernelCall

_KEPT_BYTES = 28  # xn_ssd_kept of ssd.c
_MOST_MAPS = 8  # SSD_MAPS of ssd.c
_MOST_POINTS = 64
_BOX = 4  # values of a box
_POINTS_OFFSET = 24  # in an item: behind its xn_detection


@dataclass(frozen=True)
class SsdHead(BoxHead):
    """A detector whose boxes, and their keypoints, are coded against anchors.

    A code is (x, y, w, h, then x, y of each keypoint): centre = code / scale * anchor's size +
    anchor's centre, size = code / scale * anchor's size, or of the code's exponential; keypoints
    as centres, by the scales of x and y (MediaPipe, TensorsToDetectionsCalculator; TensorFlow
    Object Detection API, FasterRcnnBoxCoder).

    Attributes:
        anchors: how the anchors are made.
        boxes: which outputs hold the codes, each [.., anchors * (4 + 2 * keypoints)].
        scores: which outputs hold the scores, each [.., anchors * (classes + background)].
        classes: how many there are.
        background: each anchor's first score is that of no class.
        sigmoid: the scores are logits.
        score_limit: they are clipped to -limit..limit before.
        order: "xywh", or "yxhw" if y and h come first, in keypoints too.
        scales: what codes of x, y, w, h are divided by.
        size: "linear" or "exp".
        keypoints: how many a box has.
        points: their names; () if they have none.
        suppression: "greedy" drops a box that overlaps a better one, "weighted" averages all that
            overlap it by score.
    """

    kind: ClassVar[str] = "ssd"
    record: ClassVar[Record] = DETECTIONS

    anchors: Anchors
    boxes: tuple[int, ...]
    scores: tuple[int, ...]
    classes: int
    background: bool
    sigmoid: bool
    score_limit: float
    order: str
    scales: tuple[float, ...]
    size: str
    keypoints: int
    points: tuple[str, ...]
    suppression: str

    @classmethod
    def read(cls, table: Fields, labels: tuple[str, ...], image: ImageConfig | None) -> SsdHead:
        """Read the table [ssd]."""
        count, names = _keypoints(table)
        head = cls(
            labels=labels,
            image=image,
            **cls.read_options(table),
            anchors=Anchors.read(table),
            boxes=_outputs(table, "boxes", 0),
            scores=_outputs(table, "scores", 1),
            classes=table.integer("classes", 1, 10_000, max(len(labels), 1)),
            background=table.boolean("background", False),
            sigmoid=table.boolean("sigmoid", True),
            score_limit=table.number("score_limit", 0.1, 1000.0, 100.0),
            order=table.choice("order", ("xywh", "yxhw"), "xywh"),
            scales=_scales(table),
            size=table.choice("size", ("linear", "exp"), "linear"),
            keypoints=count,
            points=names,
            suppression=table.choice("suppression", ("greedy", "weighted"), "greedy"),
        )
        table.end()
        if len(head.boxes) != len(head.scores):
            raise table.error("scores", f"as many as boxes ({len(head.boxes)})", list(head.scores))
        if labels and len(labels) != head.classes:
            raise table.error("classes", f"as many as labels ({len(labels)})", head.classes)
        if head.suppression == "weighted" and head.nested < 1:
            raise table.error("nested", "1 with weighted suppression", head.nested)
        return head

    @classmethod
    def guess(cls, graph: Graph) -> Guess | None:
        """Take the boxes and scores of a BlazeFace."""
        shapes = [graph.tensors[i].shape for i in graph.outputs]
        given = graph.tensors[graph.inputs[0]].shape
        if len(shapes) != 2 or len(given) != 4 or given[1] != given[2]:
            return None
        boxes = shapes[0][1] if len(shapes[0]) == 3 else 0
        table = blaze_face(given[1], boxes)
        if table is None or shapes != [(1, boxes, 16), (1, boxes, 1)]:
            return None
        more = {"labels": ["face"], "image": {"mean": 127.5, "std": 127.5}}
        return Guess(table, f"outputs {shapes} are those of MediaPipe's BlazeFace", more=more)

    def item_record(self) -> Record:
        """Lay out a detection and its keypoints."""
        if not self.keypoints:
            return self.record
        if self.points:
            points = [
                RecordField(name, "float32", _POINTS_OFFSET + 8 * i, 2, "points")
                for i, name in enumerate(self.points)
            ]
        else:
            points = [
                RecordField("points", "float32", _POINTS_OFFSET, 2 * self.keypoints, "points")
            ]
        item_bytes = _POINTS_OFFSET + 8 * self.keypoints
        return Record(item_bytes, (*DETECTIONS.fields, *points))

    def metadata(self) -> dict[str, Any]:
        """List the head's entries; how the anchors are made stands beside the others."""
        metadata = super().metadata()
        anchors = metadata["head"].pop("anchors")
        made = {key: value for key, value in vars(anchors).items() if value != ()}
        metadata["head"].update(made)
        return metadata

    def call(self, graph: Graph, result: int) -> KernelCall:
        """Write the call of xn_ssd_detect."""
        anchors = self._anchors(graph)
        heap_bytes = -(-len(anchors) * CANDIDATE_BYTES // 4) * 4
        kept_bytes = self.max_detections * _KEPT_BYTES
        codes, scores = (self._tensors(graph, places) for places in (self.boxes, self.scores))
        arguments = (
            Struct("xn_ssd", "ssd", self._params(codes, scores, len(anchors))),
            Constant("anchors"),
            CANDIDATES,
            Scratch("xn_ssd_kept", heap_bytes),
            Scratch("float", heap_bytes + kept_bytes),
            Output("xn_detections"),
        )
        return self.kernel_call(
            CCall("xn_ssd_detect", arguments),
            tuple(graph.outputs[i] for i in (*self.boxes, *self.scores)),
            result,
            weights={"anchors": anchors},
            scratch_bytes=heap_bytes + kept_bytes + 4 * self._width,
        )

    @property
    def _width(self) -> int:
        """Values of a code."""
        return _BOX + 2 * self.keypoints

    def _anchors(self, graph: Graph) -> npt.NDArray[np.float32]:
        shape = graph.tensors[graph.inputs[0]].shape
        if self.anchors.strides and len(shape) != 4:
            raise HeadError(
                f"[ssd] strides need an input [1, height, width, channels]; is {list(shape)}"
            )
        height, width = shape[1:3] if len(shape) == 4 else (1, 1)
        return self.anchors.make(height, width)

    def _tensors(self, graph: Graph, places: tuple[int, ...]) -> list[Tensor]:
        for place in places:
            if place >= len(graph.outputs):
                raise HeadError(
                    f"[ssd] boxes and scores must be below {len(graph.outputs)}, the model's "
                    f"outputs; are {list(self.boxes)} and {list(self.scores)}"
                )
        return [graph.tensors[graph.outputs[place]] for place in places]

    def _params(self, codes: list[Tensor], scores: list[Tensor], anchors: int) -> dict[str, CValue]:
        """Fill in the fields of xn_ssd."""
        columns = self.classes + self.background
        maps: list[dict[str, CValue]] = []
        counts = [tensor.count // self._width for tensor in codes]
        for i, (code, score, count) in enumerate(zip(codes, scores, counts, strict=True)):
            if code.count != count * self._width or score.count != count * columns:
                raise HeadError(
                    f"[ssd] boxes and scores must have {self._width} and {columns} values for each "
                    f"anchor; outputs '{code.name}' and '{score.name}' are {list(code.shape)} and "
                    f"{list(score.shape)}"
                )
            maps.append(
                {
                    "codes": values_of(code, i),
                    "scores": values_of(score, len(codes) + i),
                    "count": count,
                }
            )
        if sum(counts) != anchors:
            raise HeadError(f"[ssd] anchors must be {sum(counts)}, as boxes; are {anchors}")
        return {
            "boxes": self.c_options(),
            "maps": len(maps),
            "points": self.keypoints,
            "columns": columns,
            "background": int(self.background),
            "is_logit": int(self.sigmoid),
            "limit": np.float32(self.score_limit),
            "y_first": int(self.order == "yxhw"),
            "is_exponential": int(self.size == "exp"),
            "scale": [np.float32(scale) for scale in self.scales],
            "is_weighted": int(self.suppression == "weighted"),
            "map": maps,
        }


def _keypoints(table: Fields) -> tuple[int, tuple[str, ...]]:
    """Read how many keypoints a box has, or their names."""
    if not table.has("points"):
        return table.integer("keypoints", 0, _MOST_POINTS, 0), ()
    names = table.texts("points")
    most = 32 - len(DETECTIONS.fields)
    taken = {"label", "score", "box"}
    plain = all(name.isidentifier() and name.isascii() for name in names)
    hidden = any(name.startswith("_") or keyword.iskeyword(name) for name in names)
    if not 1 <= len(names) <= most or not plain or hidden or taken & set(names):
        raise table.error("points", f"1 to {most} plain names other than {sorted(taken)}", names)
    if len(set(names)) != len(names):
        raise table.error("points", "different names", list(names))
    return table.integer("keypoints", len(names), len(names), len(names)), names


def _outputs(table: Fields, key: str, default: int) -> tuple[int, ...]:
    places = table.numbers(key, (float(default),))
    if len(places) > _MOST_MAPS or not all(0 <= p < 1000 and p == int(p) for p in places):
        raise table.error(key, f"1 to {_MOST_MAPS} numbers of outputs", list(places))
    return tuple(int(place) for place in places)


def _scales(table: Fields) -> tuple[float, ...]:
    scales = table.numbers("scales", (1.0,))
    if len(scales) not in (1, _BOX) or not all(1e-6 <= scale <= 1e6 for scale in scales):
        raise table.error("scales", "one number, or those of x, y, w, h, in [1e-6, 1e6]", scales)
    return scales * (_BOX if len(scales) == 1 else 1)
