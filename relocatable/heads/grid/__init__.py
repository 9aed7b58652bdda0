"""Head `grid`: a detector with one box for each cell of an output."""

from relocatable.heads.grid.grid import GridHead

HEAD = GridHead
