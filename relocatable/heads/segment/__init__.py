"""Head `segment`: the class of each pixel, as runs."""

from relocatable.heads.segment.segment import SegmentHead

__all__ = ["HEAD", "SegmentHead"]

HEAD = SegmentHead
