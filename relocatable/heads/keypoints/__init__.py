"""Head `keypoints`: where the parts of a thing are."""

from relocatable.heads.keypoints.keypoints import KeypointsHead

__all__ = ["HEAD", "KeypointsHead"]

HEAD = KeypointsHead
