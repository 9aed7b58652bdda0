"""Configuration and C call of the head `yolov5`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from relocatable.errors import HeadError
from relocatable.graph.graph import Graph
from relocatable.heads.fields import Fields
from relocatable.heads.guess import Guess, only_output
from relocatable.heads.head import ImageConfig
from relocatable.heads.outputs import picture_size
from relocatable.heads.yolo import YoloHead, stride_cells
from relocatable.steps.c_call import CValue
from relocatable.steps.kernel_call import KernelCall

_BOX = 5  # x, y, w, h, objectness
_OPEN = ("that boxes are in fractions of the picture: older exports have `unit` pixels",)


@dataclass(frozen=True)
class Yolov5Head(YoloHead):
    """A detector as YOLOv5: each box has an objectness and a score by class.

    Without `anchors` the output is decoded, [1, boxes, 5 + classes]. With them the outputs are
    feature maps [1, rows, columns, anchors * (5 + classes)] of logits: with s the logistic
    function, x = (2 s(x) - 0.5 + column) / columns, w = (2 s(w))^2 * anchor (YOLOv5,
    models/yolo.py, Detect).

    Attributes:
        anchors: (w, h, w, h, ..) of each map's anchors, in pixels of the model's input; () if the
            boxes are decoded.
    """

    kind: ClassVar[str] = "yolov5"

    anchors: tuple[tuple[float, ...], ...]

    @classmethod
    def read(cls, table: Fields, labels: tuple[str, ...], image: ImageConfig | None) -> Yolov5Head:
        """Read the table [yolov5]."""
        is_raw = table.has("anchors")
        head = cls(
            labels=labels,
            image=image,
            **cls.read_family(table, "pixels" if is_raw else None),
            anchors=table.rows("anchors") if is_raw else (),
        )
        table.end()
        if is_raw and len(head.anchors) != len(head.outputs):
            rule = f"a list for each of {len(head.outputs)} outputs"
            raise table.error("anchors", rule, len(head.anchors))
        if any(len(row) % 2 or min(row) <= 0 for row in head.anchors):
            raise table.error("anchors", "w, h above 0 of each anchor", head.anchors)
        return head

    @classmethod
    def guess(cls, graph: Graph) -> Guess | None:
        """Take as many boxes as three anchors at strides of 8, 16 and 32 make."""
        output, cells = only_output(graph), stride_cells(graph)
        if output is None or cells is None or len(output.shape) != 3:
            return None
        if output.shape[1] != 3 * cells or output.shape[2] <= _BOX:
            return None
        why = f"output '{output.name}' {list(output.shape)} has 3 boxes for each of {cells} cells"
        return Guess({}, why, _OPEN)

    def call(self, graph: Graph, result: int) -> KernelCall:
        """Write the call of xn_yolo_detect."""
        return self.detect(graph, result, 4, _BOX, self._channels(graph) - _BOX)

    def parts(self, graph: Graph) -> list[dict[str, CValue]]:
        """Fill in xn_yolo_map of each output but `values` and `first`."""
        channels = self._channels(graph)
        if not self.anchors:
            boxes = self.decoded(graph).shape[1]
            return [{"count": boxes, "step": channels, "channel": 1, "rows": 1, "columns": 1}]
        each = self._anchors
        return [
            {
                "count": tensor.shape[1] * tensor.shape[2] * each,
                "step": channels,
                "channel": 1,
                "rows": tensor.shape[1],
                "columns": tensor.shape[2],
                "anchor": i * each,
            }
            for i, tensor in enumerate(self.maps(graph))
        ]

    def constants(self, graph: Graph) -> Sequence[float]:
        """List the anchors by map, in fractions of the model's input."""
        if not self.anchors:
            return 0.0, *self.scales(graph)
        height, width = picture_size(graph, self.kind)
        flat = [side for row in self.anchors for side in row]
        sides = [side / (height if i % 2 else width) for i, side in enumerate(flat)]
        return float(self._anchors), 1.0, 1.0, *sides

    @property
    def _anchors(self) -> int:
        return len(self.anchors[0]) // 2

    def _channels(self, graph: Graph) -> int:
        """Count the values of a box."""
        if not self.anchors:
            last = {self.decoded(graph).shape[2]}
            each = 1
        else:
            last = {tensor.shape[3] for tensor in self.maps(graph)}
            each = self._anchors
        values = min(last)
        if len(last) > 1 or values % each or values // each <= _BOX:
            raise HeadError(
                f"[yolov5] outputs must have {each} * (5 + classes) values last; "
                f"have {sorted(last)}"
            )
        return values // each
