"""What heads that give boxes share: their common options, for boxes.h."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from relocatable.graph.graph import Graph
from relocatable.heads.fields import Fields
from relocatable.heads.head import Head
from relocatable.steps.c_call import CValue, Scratch

# xn_boxes_candidate of boxes.h.
CANDIDATE_BYTES = 8
CANDIDATES = Scratch("xn_boxes_candidate")


class BoxOptions(TypedDict):
    """The options of `BoxHead`, as keyword arguments."""

    threshold: float
    iou: float
    nested: float
    max_detections: int


@dataclass(frozen=True)
class BoxHead(Head):
    """A head that reports boxes by falling score, suppressed within each label.

    Attributes:
        threshold: lowest score of a detection, 0..1.
        iou: intersection over union from which the lower one of two boxes of a label is dropped,
            0..1.
        nested: intersection over the smaller of two boxes of a label from which the lower one is
            dropped, 0..1; 1: none is.
        max_detections: most that are reported.
    """

    threshold: float
    iou: float
    nested: float
    max_detections: int

    @staticmethod
    def read_options(table: Fields, iou: float = 0.4) -> BoxOptions:
        """Read what the heads' tables have in common.

        Args:
            table: the head's.
            iou: if the table does not say.

        Raises:
            HeadError: names the key, the rule and the value seen.
        """
        return BoxOptions(
            threshold=table.number("threshold", 0.0, 1.0, 0.5),
            iou=table.number("iou", 0.0, 1.0, iou),
            nested=table.number("nested", 0.0, 1.0, 1.0),
            max_detections=table.integer("max_detections", 1, 1000, 50),
        )

    def most_items(self, graph: Graph) -> int:
        """Return as many as the description allows."""
        return self.max_detections

    def c_options(self) -> dict[str, CValue]:
        """Fill in the fields of xn_boxes."""
        return {
            "threshold": np.float32(self.threshold),
            "iou": np.float32(self.iou),
            "nested": np.float32(self.nested),
            "most": self.max_detections,
        }
