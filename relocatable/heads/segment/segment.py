"""Configuration and C call of the head `segment`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relocatable.blob.record import Record, RecordField
from relocatable.errors import HeadError
from relocatable.graph.graph import Graph, Tensor
from relocatable.heads.fields import Fields
from relocatable.heads.guess import SCORE_DTYPES, Guess, cell_pixels
from relocatable.heads.head import Head, ImageConfig
from relocatable.heads.outputs import check_labels, find_output
from relocatable.heads.values import values_of
from relocatable.ops import result_of
from relocatable.steps.c_call import CCall, CValue, Input, Name, Output, Struct
from relocatable.steps.kernel_call import KernelCall

_CLASS_TYPES = {
    "uint8": "XN_SEGMENT_U8",
    "int32": "XN_SEGMENT_I32",
    "int64": "XN_SEGMENT_I64",
}
_MOST_SIDE = 32767


@dataclass(frozen=True)
class SegmentHead(Head):
    """The class of each pixel, as runs of equal ones by rows.

    The output is [1, rows, columns, classes] with a score for each class, [1, rows, columns, 1]
    with the score of class 1 against class 0, or whole numbers [1, rows, columns] or
    [1, rows, columns, 1] that are the classes.

    Attributes:
        output: which of the model's outputs it is.
        threshold: lowest score of class 1, if there is one channel.
        sigmoid: the model gives that score as a logit.
        ignore: class whose runs are left out; None: none.
        most_runs: most items. If there are more, the last one has length 0 and says where the rest
            begins.
    """

    kind: ClassVar[str] = "segment"
    record: ClassVar[Record] = Record(
        8,
        (
            RecordField("label", "int16", 0, role="label"),
            RecordField("number", "int16", 0),
            RecordField("row", "int16", 2),
            RecordField("start", "int16", 4),
            RecordField("length", "int16", 6),
        ),
    )

    output: int
    threshold: float
    sigmoid: bool
    ignore: int | None
    most_runs: int

    @classmethod
    def read(cls, table: Fields, labels: tuple[str, ...], image: ImageConfig | None) -> SegmentHead:
        """Read the table [segment]."""
        sigmoid = table.boolean("sigmoid", False)
        threshold = table.number("threshold", *((0.0, 1.0) if sigmoid else (-1e30, 1e30)), 0.5)
        if sigmoid and threshold in (0.0, 1.0):
            raise table.error("threshold", "between 0 and 1 with sigmoid", threshold)
        head = cls(
            labels=labels,
            image=image,
            output=table.integer("output", 0, 1000, 0),
            threshold=threshold,
            sigmoid=sigmoid,
            ignore=table.integer("ignore", 0, 32767) if table.has("ignore") else None,
            most_runs=table.integer("most_runs", 1, 100_000, 500),
        )
        table.end()
        return head

    @classmethod
    def guess(cls, graph: Graph) -> Guess | None:
        """Take a class or the classes' scores for each few pixels."""
        output = graph.tensors[graph.outputs[0]]
        pixels = cell_pixels(graph, output) if len(graph.outputs) == 1 else None
        if pixels is None or pixels > 4:
            return None
        if _gives_classes(output):
            return Guess({}, f"output '{output.name}' is a whole number for each pixel")
        if output.dtype not in SCORE_DTYPES or len(output.shape) != 4:
            return None
        why = f"output '{output.name}' {list(output.shape)} has a cell for {pixels:g} pixels"
        if output.shape[3] > 1:
            return Guess({}, why, ("which class is the background, for `ignore`",))
        is_share = bool(result_of(graph, graph.outputs[0]))
        return Guess({"sigmoid": not is_share, "ignore": 0}, why)

    def most_items(self, graph: Graph) -> int:
        """Return as many as the description allows, or a run for each pixel."""
        _, rows, columns, *_ = self._output(graph).shape
        return min(self.most_runs, rows * columns)

    def call(self, graph: Graph, result: int) -> KernelCall:
        """Write the call of xn_segment_runs."""
        output = self._output(graph)
        _, rows, columns, *rest = output.shape
        channels = rest[0] if rest else 1
        if not _gives_classes(output):
            check_labels(self.labels, max(channels, 2), "classes")
        threshold = self.threshold
        if self.sigmoid:
            threshold = math.log(threshold / (1 - threshold))
        params: dict[str, CValue] = {
            "rows": rows,
            "columns": columns,
            "channels": channels,
            "classes": Name(_CLASS_TYPES[output.dtype] if _gives_classes(output) else "0"),
            "threshold": np.float32(threshold),
            "ignore": -2 if self.ignore is None else self.ignore,
            "most": self.most_items(graph),
        }
        values: dict[str, CValue] = (
            {"data": Input(0), "type": 0, "scale": np.float32(1), "zero_point": 0}
            if _gives_classes(output)
            else values_of(output)
        )
        arguments = (
            Struct("xn_values", "values", values),
            Struct("xn_segment", "segment", params),
            Output("xn_segment_items"),
        )
        inputs = (graph.outputs[self.output],)
        return self.kernel_call(CCall("xn_segment_runs", arguments), inputs, result)

    def _output(self, graph: Graph) -> Tensor:
        output = find_output(graph, self.kind, "output", self.output)
        shape = output.shape
        if _gives_classes(output):
            fits, what = shape[3:] in ((), (1,)), "[1, rows, columns] or [1, rows, columns, 1]"
        else:
            fits, what = len(shape) == 4, "[1, rows, columns, classes]"
        if len(shape) < 3 or shape[0] != 1 or not fits or not max(shape) <= _MOST_SIDE:
            raise HeadError(
                f"output '{output.name}' must be {what}, each at most {_MOST_SIDE}; "
                f"is {list(shape)}"
            )
        return output


def _gives_classes(output: Tensor) -> bool:
    return output.dtype in _CLASS_TYPES and output.quant is None
