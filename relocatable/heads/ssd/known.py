"""The detectors of MediaPipe that are known by their sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_POINTS = ["right_eye", "left_eye", "nose", "mouth", "right_ear", "left_ear"]
_STRIDES = {  # pixels of the input, boxes -> of each feature map
    (128, 896): [8, 16, 16, 16],
    (256, 896): [16, 32, 32, 32],
    (192, 2304): [4],
}


def blaze_face(side: int, boxes: int) -> Mapping[str, Any] | None:
    """Describe a BlazeFace, whose boxes have 6 points; None: it is none.

    Args:
        side: of the input, pixels.
        boxes: how many it gives.
    """
    strides = _STRIDES.get((side, boxes))
    if strides is None:
        return None
    return {
        "strides": strides,
        "interpolated": 0.0 if len(strides) == 1 else 1.0,
        "fixed_size": True,
        "scales": float(side),
        "points": _POINTS,
        "threshold": 0.5,
        "iou": 0.3,
        "suppression": "weighted",
    }
