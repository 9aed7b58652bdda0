"""Configuration and C call of the head `detections`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from relocatable.blob.record import DETECTIONS, Record
from relocatable.errors import HeadError
from relocatable.graph.graph import Graph, Tensor
from relocatable.heads.boxes import CANDIDATE_BYTES, CANDIDATES, BoxHead
from relocatable.heads.fields import Fields
from relocatable.heads.guess import Guess
from relocatable.heads.head import ImageConfig
from relocatable.heads.outputs import find_output
from relocatable.heads.values import values_of
from relocatable.ops.detection_postprocess import KIND
from relocatable.steps.c_call import CCall, CValue, Output, Struct
from relocatable.steps.kernel_call import KernelCall

_OUTPUTS = ("boxes", "classes", "scores", "count")  # of TFLite_Detection_PostProcess, in its order


@dataclass(frozen=True)
class DetectionsHead(BoxHead):
    """A detector that decodes and suppresses its boxes itself.

    Its last operator is TFLite_Detection_PostProcess, as of the TensorFlow Object Detection API and
    of Model Maker's EfficientDet-Lite, or it does the same by others: boxes [1, N, 4] as y0, x0,
    y1, x1 in 0..1, classes [1, N] and scores [1, N], of which the first `count` [1] are valid.

    Attributes:
        boxes, classes, scores, count: which outputs hold them; count -1: all N are valid.
        first_class: the number of the first label.
    """

    kind: ClassVar[str] = "detections"
    record: ClassVar[Record] = DETECTIONS

    boxes: int
    classes: int
    scores: int
    count: int
    first_class: int

    @classmethod
    def read(
        cls, table: Fields, labels: tuple[str, ...], image: ImageConfig | None
    ) -> DetectionsHead:
        """Read the table [detections]."""
        head = cls(
            labels=labels,
            image=image,
            **cls.read_options(table, iou=1.0),
            boxes=table.integer("boxes", 0, 1000, 0),
            classes=table.integer("classes", 0, 1000, 1),
            scores=table.integer("scores", 0, 1000, 2),
            count=table.integer("count", -1, 1000, 3),
            first_class=table.integer("first_class", 0, 1000, 0),
        )
        table.end()
        return head

    @classmethod
    def guess(cls, graph: Graph) -> Guess | None:
        """Take what TFLite_Detection_PostProcess gives, in whatever order."""
        made = [op for op in graph.ops if op.kind == KIND]
        if len(made) != 1 or not {*made[0].outputs[:3]} <= {*graph.outputs}:
            return None
        places = [graph.outputs.index(t) if t in graph.outputs else -1 for t in made[0].outputs]
        table = dict(zip(_OUTPUTS, places, strict=True))
        why = "its outputs are those of TFLite_Detection_PostProcess"
        return Guess(table, why, ("that labels begin with class 0: else `first_class`",))

    def call(self, graph: Graph, result: int) -> KernelCall:
        """Write the call of xn_detections_take."""
        boxes, *columns = (self._find(graph, key) for key in _OUTPUTS if getattr(self, key) >= 0)
        most = boxes.shape[1] if len(boxes.shape) == 3 else 0
        if boxes.shape != (1, most, 4) or most == 0:
            raise HeadError(
                f"[detections] output '{boxes.name}' must be boxes [1, N, 4]; is "
                f"{list(boxes.shape)}"
            )
        for column, elements in zip(columns, (most, most, 1), strict=False):
            if column.count != elements:
                raise HeadError(
                    f"[detections] output '{column.name}' must have {elements} elements for "
                    f"boxes {list(boxes.shape)}; is {list(column.shape)}"
                )
        values: list[CValue] = [values_of(t, i) for i, t in enumerate((boxes, *columns))]
        params: dict[str, CValue] = {
            "boxes": self.c_options(),
            "slots": most,
            "has_count": int(self.count >= 0),
            "first_class": self.first_class,
            "values": values,
        }
        arguments = (Struct("xn_found", "found", params), CANDIDATES, Output("xn_detections"))
        places = [getattr(self, key) for key in _OUTPUTS]
        return self.kernel_call(
            CCall("xn_detections_take", arguments),
            tuple(graph.outputs[place] for place in places if place >= 0),
            result,
            scratch_bytes=most * CANDIDATE_BYTES,
        )

    def _find(self, graph: Graph, key: str) -> Tensor:
        return find_output(graph, self.kind, key, getattr(self, key))
