"""Head `yolov8`: a detector as YOLOv8."""

from relocatable.heads.yolov8.yolov8 import Yolov8Head

__all__ = ["HEAD", "Yolov8Head"]

HEAD = Yolov8Head
