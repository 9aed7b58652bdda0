"""Head `detections`: boxes that the network has decoded and chosen itself."""

from relocatable.heads.detections.detections import DetectionsHead

__all__ = ["HEAD", "DetectionsHead"]

HEAD = DetectionsHead
