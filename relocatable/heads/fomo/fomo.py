"""Configuration and C call of the head `fomo`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relocatable.blob.record import Record, RecordField
from relocatable.errors import HeadError
from relocatable.graph.graph import Graph, Tensor
from relocatable.heads.fields import Fields
from relocatable.heads.guess import Guess, cell_pixels, only_output
from relocatable.heads.head import Head, ImageConfig
from relocatable.heads.outputs import check_labels, find_output
from relocatable.heads.values import values_of
from relocatable.ops import result_of
from relocatable.steps.c_call import CCall, CValue, Output, Scratch, Struct
from relocatable.steps.kernel_call import KernelCall


@dataclass(frozen=True)
class FomoHead(Head):
    """Centres of things on a grid [1, rows, columns, 1 + classes] of scores.

    Channel 0 is the background, as of Edge Impulse's FOMO. Cells of one class whose scores reach
    the threshold are one thing if they touch, at a corner too.

    Attributes:
        output: which of the model's outputs holds the grid.
        threshold: lowest score of a cell, 0..1.
        softmax: the model gives logits.
        max_detections: most that are reported.
    """

    kind: ClassVar[str] = "fomo"
    record: ClassVar[Record] = Record(
        32,
        (
            RecordField("label", "int32", 0, role="label"),
            RecordField("score", "float32", 4),
            RecordField("center", "float32", 8, 2, role="points"),
            RecordField("box", "float32", 16, 4, role="points"),
        ),
    )

    output: int
    threshold: float
    softmax: bool
    max_detections: int

    @classmethod
    def read(cls, table: Fields, labels: tuple[str, ...], image: ImageConfig | None) -> FomoHead:
        """Read the table [fomo]."""
        head = cls(
            labels=labels,
            image=image,
            output=table.integer("output", 0, 1000, 0),
            threshold=table.number("threshold", 0.0, 1.0, 0.5),
            softmax=table.boolean("softmax", False),
            max_detections=table.integer("max_detections", 1, 1000, 50),
        )
        table.end()
        return head

    @classmethod
    def guess(cls, graph: Graph) -> Guess | None:
        """Take a softmax for each of few cells."""
        output = only_output(graph)
        pixels = cell_pixels(graph, output) if output is not None else None
        if output is None or pixels is None or pixels <= 4 or len(output.shape) != 4:
            return None
        if result_of(graph, graph.outputs[0]) != "distribution" or output.shape[3] < 2:
            return None
        why = f"output '{output.name}' has a softmax of {output.shape[3]} for {pixels:g} pixels"
        return Guess({"threshold": 0.5}, why, ("that channel 0 is the background",))

    def most_items(self, graph: Graph) -> int:
        """Return as many as the description allows."""
        return self.max_detections

    def call(self, graph: Graph, result: int) -> KernelCall:
        """Write the call of xn_fomo_find."""
        output = self._output(graph)
        _, rows, columns, channels = output.shape
        check_labels(self.labels, channels - 1, "channels without the background's")
        params: dict[str, CValue] = {
            "rows": rows,
            "columns": columns,
            "channels": channels,
            "softmax": int(self.softmax),
            "threshold": np.float32(self.threshold),
            "most": self.max_detections,
        }
        cell_bytes = rows * columns * 4
        arguments = (
            Struct("xn_values", "values", values_of(output)),
            Struct("xn_fomo", "fomo", params),
            Scratch("float"),
            Scratch("int32_t", cell_bytes),
            Output("xn_fomo_items"),
        )
        inputs = (graph.outputs[self.output],)
        call = CCall("xn_fomo_find", arguments)
        return self.kernel_call(call, inputs, result, scratch_bytes=2 * cell_bytes)

    def _output(self, graph: Graph) -> Tensor:
        output = find_output(graph, self.kind, "output", self.output)
        if len(output.shape) != 4 or output.shape[0] != 1 or output.shape[3] < 2:
            raise HeadError(
                f"output '{output.name}' must be [1, rows, columns, 1 + classes]; "
                f"is {list(output.shape)}"
            )
        return output
