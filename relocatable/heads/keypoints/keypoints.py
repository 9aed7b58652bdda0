"""Configuration and C calls of the head `keypoints`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relocatable.blob.record import Record, RecordField
from relocatable.errors import HeadError
from relocatable.graph.graph import Graph, Tensor
from relocatable.heads.fields import Fields
from relocatable.heads.guess import SCORE_DTYPES, Guess, cell_pixels
from relocatable.heads.head import Head, ImageConfig
from relocatable.heads.outputs import check_labels, find_output, picture_size
from relocatable.heads.values import values_of
from relocatable.ops import result_of
from relocatable.steps.c_call import CCall, CValue, Output, Struct
from relocatable.steps.kernel_call import KernelCall

_NAMES = ("x", "y", "z", "score")
_MEDIAPIPE = {63: "hand landmarks", 1404: "face mesh"}  # values of a point by x, y, z


@dataclass(frozen=True)
class KeypointsHead(Head):
    """The parts of one thing: an item for each, in the order of the labels.

    With a `layout` the output holds the points themselves, [.., keypoints, values] or flat; without
    one it is a heat map [1, rows, columns, keypoints], whose highest cell is the point.

    Attributes:
        output: which of the model's outputs it is.
        layout: a name for each value of a point, of x, y, z and score; None for heat maps.
        unit: of x and y: "fractions" of the picture or "pixels" of the model's input.
        align: "centers": a cell of a heat map stands for its middle; "corners": the first and the
            last cell stand for the first and the last pixel.
        offsets: output [1, rows, columns, 2 * keypoints] with what is to be added to the cell's
            place, in pixels of the model's input: all y, then all x; None if there is none.
        sigmoid: the model gives scores as logits.
    """

    kind: ClassVar[str] = "keypoints"
    record: ClassVar[Record] = Record(
        16,
        (
            RecordField("label", "int32", 0, role="label"),
            RecordField("score", "float32", 4),
            RecordField("point", "float32", 8, 2, role="points"),
        ),
    )

    output: int
    layout: tuple[str, ...] | None
    unit: str
    align: str
    offsets: int | None
    sigmoid: bool

    @classmethod
    def read(
        cls, table: Fields, labels: tuple[str, ...], image: ImageConfig | None
    ) -> KeypointsHead:
        """Read the table [keypoints]."""
        is_map = not table.has("layout")
        head = cls(
            labels=labels,
            image=image,
            output=table.integer("output", 0, 1000, 0),
            layout=None if is_map else _read_layout(table),
            unit="fractions"
            if is_map
            else table.choice("unit", ("fractions", "pixels"), "fractions"),
            align=table.choice("align", ("centers", "corners"), "centers") if is_map else "centers",
            offsets=table.integer("offsets", 0, 1000) if is_map and table.has("offsets") else None,
            sigmoid=table.boolean("sigmoid", False),
        )
        table.end()
        return head

    @classmethod
    def guess(cls, graph: Graph) -> Guess | None:
        """Take MoveNet's and MediaPipe's points, PoseNet's maps, and maps of stride 4."""
        outputs = [graph.tensors[i] for i in graph.outputs]
        first, shapes = outputs[0], [output.shape for output in outputs]
        if first.dtype not in SCORE_DTYPES:
            return None
        if len(shapes) == 1 and shapes[0][-2:] == (17, 3) and first.count == 51:
            why = f"output '{first.name}' is 17 times y, x and score, as MoveNet's"
            return Guess({"layout": ["y", "x", "score"]}, why)
        if (meant := _MEDIAPIPE.get(first.count)) and max(first.shape) == first.count:
            why = f"output '{first.name}' has as many values as MediaPipe's {meant}"
            return Guess({"layout": ["x", "y", "z"], "unit": "pixels"}, why)
        pixels = cell_pixels(graph, first)
        if pixels is None or len(first.shape) != 4:
            return None
        cells, count = first.shape[:3], first.shape[3]
        if len(shapes) > 1 and shapes[1] == (*cells, 2 * count):
            why = f"outputs '{first.name}' and '{outputs[1].name}' are maps and offsets of {count}"
            return Guess({"offsets": 1, "align": "corners", "sigmoid": True}, why)
        if (
            len(shapes) == 1
            and pixels == 4
            and result_of(graph, graph.outputs[0]) != "distribution"
        ):
            return Guess({}, f"output '{first.name}' is {count} maps of a quarter of the picture")
        return None

    def most_items(self, graph: Graph) -> int:
        """Count the keypoints."""
        output = find_output(graph, self.kind, "output", self.output)
        if self.layout is None:
            return _check_map(output).shape[3]
        count = output.count // len(self.layout)
        flat = max(output.shape) == output.count == count * len(self.layout)
        if not (flat or output.shape[-1] == len(self.layout)) or count == 0:
            raise HeadError(
                f"[keypoints] layout must name each value of a point of output '{output.name}' "
                f"{list(output.shape)}; names {len(self.layout)}"
            )
        return count

    def call(self, graph: Graph, result: int) -> KernelCall:
        """Write the call of xn_keypoints_of_maps or xn_keypoints_of_values."""
        count = self.most_items(graph)
        check_labels(self.labels, count, "keypoints")
        if self.layout is not None:
            return self._call_values(graph, count, self.layout, result)
        return self._call_maps(graph, count, result)

    def _call_values(
        self, graph: Graph, count: int, layout: tuple[str, ...], result: int
    ) -> KernelCall:
        output = graph.tensors[graph.outputs[self.output]]
        height, width = picture_size(graph, self.kind) if self.unit == "pixels" else (1, 1)
        params: dict[str, CValue] = {
            "count": count,
            "values": len(layout),
            "x": layout.index("x"),
            "y": layout.index("y"),
            "score": layout.index("score") if "score" in layout else -1,
            "sigmoid": int(self.sigmoid),
            "scale_x": np.float32(1 / width),
            "scale_y": np.float32(1 / height),
        }
        arguments = (
            Struct("xn_values", "values", values_of(output)),
            Struct("xn_keypoints_values", "points", params),
            Output("xn_keypoints"),
        )
        call = CCall("xn_keypoints_of_values", arguments)
        return self.kernel_call(call, (graph.outputs[self.output],), result)

    def _call_maps(self, graph: Graph, count: int, result: int) -> KernelCall:
        output = graph.tensors[graph.outputs[self.output]]
        _, rows, columns, _ = output.shape
        height = width = 1
        if self.align == "corners" or self.offsets is not None:
            height, width = picture_size(graph, self.kind)
        chosen = self.output if self.offsets is None else self.offsets
        offsets = find_output(graph, self.kind, "offsets", chosen)
        if self.offsets is not None and offsets.shape != (1, rows, columns, 2 * count):
            raise HeadError(
                f"[keypoints] offsets must be an output {[1, rows, columns, 2 * count]}; "
                f"'{offsets.name}' is {list(offsets.shape)}"
            )
        params: dict[str, CValue] = {
            "count": count,
            "rows": rows,
            "columns": columns,
            "sigmoid": int(self.sigmoid),
            "has_offsets": int(self.offsets is not None),
            "x": self._axis(columns, width),
            "y": self._axis(rows, height),
        }
        arguments = (
            Struct("xn_values", "values", values_of(output)),
            Struct("xn_values", "offsets", values_of(offsets, 1)),
            Struct("xn_keypoints_maps", "maps", params),
            Output("xn_keypoints"),
        )
        inputs = (graph.outputs[self.output], graph.outputs[chosen])
        return self.kernel_call(CCall("xn_keypoints_of_maps", arguments), inputs, result)

    def _axis(self, cells: int, pixels: int) -> dict[str, CValue]:
        """Fill in the fields of xn_keypoints_axis."""
        first, step = 0.5 / cells, 1 / cells
        if self.align == "corners":
            first, step = 0.0, (pixels - 1) / pixels / max(cells - 1, 1)
        return {
            "first": np.float32(first),
            "step": np.float32(step),
            "offset": np.float32(1 / pixels),
        }


def _check_map(tensor: Tensor) -> Tensor:
    if len(tensor.shape) != 4 or tensor.shape[0] != 1:
        raise HeadError(
            f"[keypoints] layout must be given, or output '{tensor.name}' be [1, rows, columns, "
            f"keypoints]; is {list(tensor.shape)}"
        )
    return tensor


def _read_layout(table: Fields) -> tuple[str, ...]:
    layout = table.texts("layout")
    if len(set(layout)) != len(layout) or not {"x", "y"} <= set(layout) <= set(_NAMES):
        rule = "different names of x, y, z and score, with x and y"
        raise table.error("layout", rule, list(layout))
    return layout
