"""Head `ssd`: boxes, with keypoints if there are any, coded against anchors."""

from relocatable.heads.ssd.ssd import SsdHead

__all__ = ["HEAD", "SsdHead"]

HEAD = SsdHead
