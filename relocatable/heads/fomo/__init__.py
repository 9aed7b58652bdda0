"""Head `fomo`: centres of things on a grid of class scores."""

from relocatable.heads.fomo.fomo import FomoHead

__all__ = ["HEAD", "FomoHead"]

HEAD = FomoHead
