"""Configuration and C call of the head `yolov8`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from relocatable.errors import HeadError
from relocatable.graph.graph import Graph
from relocatable.heads.fields import Fields
from relocatable.heads.guess import Guess, only_output
from relocatable.heads.head import ImageConfig
from relocatable.heads.yolo import YoloHead, stride_cells
from relocatable.steps.c_call import CValue
from relocatable.steps.kernel_call import KernelCall

_SIDES = 4
_OPEN = ("that boxes are in fractions of the picture: older exports have `unit` pixels",)


@dataclass(frozen=True)
class Yolov8Head(YoloHead):
    """A detector as YOLOv8: no anchors, no objectness, a score by class.

    Without `reg_max` the output is decoded, [1, 4 + classes, boxes]. With it the outputs are
    feature maps [1, rows, columns, 4 * reg_max + classes] of logits: each of the distances left,
    top, right, bottom from the cell's middle, in cells, is the expected value of a softmax over 0
    .. reg_max - 1 (distribution focal loss, Li et al. 2020; ultralytics, nn/modules, DFL).

    Attributes:
        reg_max: values of a distribution; 0 if the boxes are decoded.
    """

    kind: ClassVar[str] = "yolov8"

    reg_max: int

    @classmethod
    def read(cls, table: Fields, labels: tuple[str, ...], image: ImageConfig | None) -> Yolov8Head:
        """Read the table [yolov8]."""
        is_raw = table.has("reg_max")
        head = cls(
            labels=labels,
            image=image,
            **cls.read_family(table, "fractions" if is_raw else None),
            reg_max=table.integer("reg_max", 2, 256) if is_raw else 0,
        )
        table.end()
        return head

    @classmethod
    def guess(cls, graph: Graph) -> Guess | None:
        """Take as many boxes as there are cells at strides of 8, 16 and 32."""
        output, cells = only_output(graph), stride_cells(graph)
        if output is None or cells is None or len(output.shape) != 3:
            return None
        if output.shape[2] != cells or output.shape[1] <= _SIDES:
            return None
        why = f"output '{output.name}' {list(output.shape)} has a box for each of {cells} cells"
        return Guess({}, why, _OPEN)

    def call(self, graph: Graph, result: int) -> KernelCall:
        """Write the call of xn_yolo_detect."""
        first = _SIDES * (self.reg_max or 1)
        if self.reg_max:
            channels = {tensor.shape[3] for tensor in self.maps(graph)}
            what = f"{_SIDES} * {self.reg_max} + classes values last"
        else:
            channels = {self.decoded(graph).shape[1]}
            what = f"[1, {_SIDES} + classes, boxes]"
        if len(channels) > 1 or min(channels) <= first:
            raise HeadError(f"[yolov8] outputs must have {what}; have {sorted(channels)}")
        return self.detect(graph, result, -1, first, min(channels) - first)

    def parts(self, graph: Graph) -> list[dict[str, CValue]]:
        """Fill in xn_yolo_map of each output but `values` and `first`."""
        if not self.reg_max:
            boxes = self.decoded(graph).shape[2]
            return [{"count": boxes, "step": 1, "channel": boxes, "rows": 1, "columns": 1}]
        return [
            {
                "count": tensor.shape[1] * tensor.shape[2],
                "step": tensor.shape[3],
                "channel": 1,
                "rows": tensor.shape[1],
                "columns": tensor.shape[2],
            }
            for tensor in self.maps(graph)
        ]

    def constants(self, graph: Graph) -> Sequence[float]:
        """List the number of bins and the scales."""
        return float(self.reg_max), *self.scales(graph)
