"""Head `grid`: a detector with one box for each cell of an output."""

from relocatable.heads.grid.grid import GridHead

__all__ = ["HEAD", "GridHead"]

HEAD = GridHead
