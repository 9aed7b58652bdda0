"""Configuration and C call of the head `grid`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relocatable.blob.record import DETECTIONS, Record
from relocatable.errors import HeadError
from relocatable.graph.graph import Graph, Tensor
from relocatable.heads.boxes import CANDIDATE_BYTES, CANDIDATES, BoxHead
from relocatable.heads.fields import Fields
from relocatable.heads.grid.rules import GEOMETRY, check_grid_labels, check_layout, read_box
from relocatable.heads.guess import Guess, cell_pixels, only_output
from relocatable.heads.head import ImageConfig
from relocatable.heads.values import values_of
from relocatable.ops import result_of
from relocatable.steps.c_call import CCall, Constant, CValue, Output, Struct
from relocatable.steps.kernel_call import KernelCall


@dataclass(frozen=True)
class GridHead(BoxHead):
    """A detector with one box for each cell of an output [1, rows, columns, channels].

    Attributes:
        layout: a name for each channel: cx, cy, w, h or x, y; conf; others are class scores.
        center: "cell" or "image": what cx, cy or x, y are offsets in.
        sigmoid: names of the channels that the model gives as logits.
        box: width and height for points, fractions of the picture; None if the model gives them.
    """

    kind: ClassVar[str] = "grid"
    record: ClassVar[Record] = DETECTIONS

    layout: tuple[str, ...]
    center: str
    sigmoid: tuple[str, ...]
    box: tuple[float, float] | None

    @property
    def classes(self) -> tuple[int, ...]:
        """Channels that are class scores."""
        return tuple(i for i, name in enumerate(self.layout) if name not in GEOMETRY)

    @classmethod
    def read(cls, table: Fields, labels: tuple[str, ...], image: ImageConfig | None) -> GridHead:
        """Read the table [grid]."""
        head = cls(
            labels=labels,
            image=image,
            layout=table.texts("layout"),
            center=table.choice("center", ("cell", "image"), "cell"),
            sigmoid=table.texts("sigmoid", ()),
            **cls.read_options(table),
            box=read_box(table) if table.has("box") else None,
        )
        table.end()
        check_layout(table, head.layout, head.sigmoid, head.box)
        check_grid_labels(labels, len(head.classes))
        return head

    @classmethod
    def guess(cls, graph: Graph) -> Guess | None:
        """Take five or three values for each of few cells, if they are no softmax."""
        output = only_output(graph)
        pixels = cell_pixels(graph, output) if output is not None else None
        if output is None or pixels is None or pixels < 8 or len(output.shape) != 4:
            return None
        if result_of(graph, graph.outputs[0]) == "distribution" or output.shape[3] not in (3, 5):
            return None
        why = f"output '{output.name}' {list(output.shape)} has a cell for {pixels:g} pixels"
        check = "the order of the channels, and whether some are logits"
        if output.shape[3] == 5:
            return Guess({"layout": ["cx", "cy", "w", "h", "conf"]}, why, (check,))
        table = {"layout": ["x", "y", "conf"], "box": [0.1, 0.1]}
        return Guess(table, why, (check, "the size of a box around each point"))

    def call(self, graph: Graph, result: int) -> KernelCall:
        """Write the call of xn_grid_detect."""
        output = self._output(graph)
        _, rows, columns, _ = output.shape
        view: dict[str, CValue] = {
            "p": Struct("xn_grid", "grid", self._params(output)),
            "values": values_of(output),
            "is_logit": Constant("is_logit"),
            "classes": Constant("classes"),
        }
        arguments = (
            Struct("xn_grid_view", "view", view),
            CANDIDATES,
            Output("xn_detections"),
        )
        return self.kernel_call(
            CCall("xn_grid_detect", arguments),
            graph.outputs[:1],
            result,
            weights={
                "is_logit": np.array([name in self.sigmoid for name in self.layout], np.uint8),
                # An array must have a place, even if no class is in it.
                "classes": np.array(self.classes or (0,), np.int32),
            },
            scratch_bytes=rows * columns * CANDIDATE_BYTES,
        )

    def _output(self, graph: Graph) -> Tensor:
        output = graph.tensors[graph.outputs[0]]
        if len(output.shape) != 4 or output.shape[3] != len(self.layout):
            raise HeadError(
                f"[grid] layout must name each channel of output [1, rows, columns, channels]; "
                f"names {len(self.layout)}, output '{output.name}' is {list(output.shape)}"
            )
        return output

    def _params(self, output: Tensor) -> dict[str, CValue]:
        """Fill in the fields of xn_grid."""
        _, rows, columns, channels = output.shape
        place = {name: i for i, name in enumerate(self.layout)}
        box_w, box_h = self.box or (0.0, 0.0)
        return {
            "rows": rows,
            "columns": columns,
            "channels": channels,
            "x": place["x"] if "x" in place else place["cx"],
            "y": place["y"] if "y" in place else place["cy"],
            **{key: place.get(key, -1) for key in ("w", "h", "conf")},
            "class_count": len(self.classes),
            "center_in_cell": int(self.center == "cell"),
            "box_w": np.float32(box_w),
            "box_h": np.float32(box_h),
            "boxes": self.c_options(),
        }
