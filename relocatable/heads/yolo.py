"""What the heads of the YOLO family share: their outputs, for yolo.h."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relocatable.blob.record import DETECTIONS, Record
from relocatable.errors import HeadError
from relocatable.graph.graph import Graph, Tensor
from relocatable.heads.boxes import CANDIDATE_BYTES, CANDIDATES, BoxHead, BoxOptions
from relocatable.heads.fields import Fields
from relocatable.heads.outputs import check_labels, find_output, picture_size
from relocatable.heads.values import values_of
from relocatable.steps.c_call import CCall, Constant, CValue, Output, Struct
from relocatable.steps.kernel_call import KernelCall

_MOST_MAPS = 8  # YOLO_MAPS of yolo.h
_STRIDES = (8, 16, 32)


class YoloOptions(BoxOptions):
    """The attributes of a `YoloHead`."""

    outputs: tuple[int, ...]
    unit: str
    sigmoid: bool


@dataclass(frozen=True)
class YoloHead(BoxHead):
    """A detector of the YOLO family.

    Attributes:
        outputs: which outputs hold the boxes: one that is decoded, or the feature maps.
        unit: of decoded boxes: "fractions" of the picture or "pixels" of the model's input.
        sigmoid: the model gives scores as logits.
    """

    record: ClassVar[Record] = DETECTIONS

    outputs: tuple[int, ...]
    unit: str
    sigmoid: bool

    @classmethod
    def read_family(cls, table: Fields, raw_unit: str | None) -> YoloOptions:
        """Read what the tables of the family have in common.

        Args:
            table: the head's.
            raw_unit: unit of the feature maps; None: the boxes are decoded, and the table says.

        Raises:
            HeadError: names the key, the rule and the value seen.
        """
        return YoloOptions(
            **cls.read_options(table),
            outputs=cls._read_outputs(table),
            unit=raw_unit or table.choice("unit", ("fractions", "pixels"), "fractions"),
            sigmoid=raw_unit is not None or table.boolean("sigmoid", False),
        )

    @staticmethod
    def _read_outputs(table: Fields) -> tuple[int, ...]:
        """Read which outputs hold the boxes.

        Raises:
            HeadError: names the key, the rule and the value seen.
        """
        outputs = table.numbers("outputs", (0.0,))
        whole = all(o == int(o) and 0 <= o <= 1000 for o in outputs)
        if not whole or not 1 <= len(set(outputs)) == len(outputs) <= _MOST_MAPS:
            raise table.error("outputs", f"1 to {_MOST_MAPS} different outputs", list(outputs))
        return tuple(int(o) for o in outputs)

    def tensors(self, graph: Graph) -> list[Tensor]:
        """Find the outputs.

        Raises:
            HeadError: the model has fewer.
        """
        return [find_output(graph, self.kind, "outputs", index) for index in self.outputs]

    def decoded(self, graph: Graph) -> Tensor:
        """Find the output with decoded boxes [1, .., ..].

        Raises:
            HeadError: there are several, or it has another shape.
        """
        tensors = self.tensors(graph)
        if len(tensors) > 1 or len(tensors[0].shape) != 3 or tensors[0].shape[0] != 1:
            shapes = [list(tensor.shape) for tensor in tensors]
            raise HeadError(
                f"[{self.kind}] outputs must be one of three dimensions, if its boxes are decoded; "
                f"are {shapes}"
            )
        return tensors[0]

    def maps(self, graph: Graph) -> list[Tensor]:
        """Find the feature maps [1, rows, columns, channels].

        Raises:
            HeadError: one has another shape.
        """
        tensors = self.tensors(graph)
        for tensor in tensors:
            if len(tensor.shape) != 4 or tensor.shape[0] != 1:
                raise HeadError(
                    f"[{self.kind}] outputs must be [1, rows, columns, channels]; "
                    f"'{tensor.name}' is {list(tensor.shape)}"
                )
        return tensors

    def scales(self, graph: Graph) -> tuple[float, float]:
        """Return what decoded x and y are multiplied by to be fractions."""
        height, width = picture_size(graph, self.kind) if self.unit == "pixels" else (1, 1)
        return 1 / width, 1 / height

    @abstractmethod
    def parts(self, graph: Graph) -> list[dict[str, CValue]]:
        """Fill in xn_yolo_map of each output but `values` and `first`."""

    @abstractmethod
    def constants(self, graph: Graph) -> Sequence[float]:
        """List the constants of the head's xn_yolo_box."""

    def detect(
        self, graph: Graph, result: int, objectness: int, first_class: int, classes: int
    ) -> KernelCall:
        """Write the call of xn_yolo_detect.

        Args:
            graph: the network.
            result: its tensor.
            objectness: its channel; -1: there is none.
            first_class: channel of the first class.
            classes: their number.

        Raises:
            HeadError: the labels are not as many.
        """
        check_labels(self.labels, classes, "classes")
        maps: list[dict[str, CValue]] = []
        total = 0
        for i, (tensor, part) in enumerate(
            zip(self.tensors(graph), self.parts(graph), strict=True)
        ):
            maps.append({"values": values_of(tensor, i), "first": total, **part})
            total += _whole(part["count"])
        params: dict[str, CValue] = {
            "boxes": self.c_options(),
            "maps": len(maps),
            "objectness": objectness,
            "first_class": first_class,
            "classes": classes,
            "sigmoid": int(self.sigmoid),
            "map": maps,
        }
        arguments = (
            Struct("xn_yolo", "yolo", params),
            Constant("constants"),
            CANDIDATES,
            Output("xn_detections"),
        )
        return self.kernel_call(
            CCall("xn_yolo_detect", arguments),
            tuple(graph.outputs[i] for i in self.outputs),
            result,
            weights={"constants": np.array(self.constants(graph), np.float32)},
            scratch_bytes=total * CANDIDATE_BYTES,
        )


def stride_cells(graph: Graph) -> int | None:
    """Count a picture's cells at strides of 8, 16, 32; None: its size is another."""
    shape = graph.tensors[graph.inputs[0]].shape
    if len(shape) != 4 or shape[1] % _STRIDES[-1] or shape[2] % _STRIDES[-1]:
        return None
    return sum(shape[1] // stride * (shape[2] // stride) for stride in _STRIDES)


def _whole(value: CValue) -> int:
    assert isinstance(value, int)
    return value
