"""Head `yolov5`: a detector as YOLOv5."""

from relocatable.heads.yolov5.yolov5 import Yolov5Head

__all__ = ["HEAD", "Yolov5Head"]

HEAD = Yolov5Head
