"""The rows of its inputs that an operator reads to make some rows of its output.

Rows are those of dimension 1 of 4. An operator without a row access reads its inputs whole. The
planner, the check of its plan and the C text ask the same object, so none can differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class RowAccess(Protocol):
    """A kind of access. Later rows never read further up than earlier ones."""

    def span(self, first: int, last: int, height: int) -> tuple[int, int]:
        """Find rows [top, end) of an input that rows [first, last) of the output need.

        Empty (end <= top) if all that the rows read is padding.
        """
        ...

    def c_top(self, first: str) -> str:
        """Write the row at which the access of row `first` begins in C; < 0 in padding."""
        ...

    @property
    def pad_top(self) -> int:
        """Rows of padding above the input."""
        ...


@dataclass(frozen=True)
class WindowRows:
    """A moving window: row y reads `window` rows from y * stride - pad_top on.

    Attributes:
        stride: input rows from one output row to the next, >= 1.
        pad_top: rows of padding above the input, >= 0.
        window: rows that one output row reads, dilation included, >= 1.
    """

    stride: int
    pad_top: int
    window: int

    def span(self, first: int, last: int, height: int) -> tuple[int, int]:
        """See `RowAccess`."""
        top = first * self.stride - self.pad_top
        end = (last - 1) * self.stride - self.pad_top + self.window
        return max(0, top), min(height, end)

    def c_top(self, first: str) -> str:
        """See `RowAccess`."""
        scaled = f"{first} * {self.stride}"
        return f"{scaled} - {self.pad_top}" if self.pad_top else scaled


SAME_ROWS = WindowRows(stride=1, pad_top=0, window=1)  # of an operator of single values


@dataclass(frozen=True)
class ScaledRows:
    """A scaled access: row y reads `window` rows from sources[y] on, as in a resize.

    Attributes:
        sources: int per output row, never falling.
        window: rows that one output row reads, >= 1; those below the input are not there.
        table: key of the step's constants that holds `sources`.
    """

    sources: tuple[int, ...]
    window: int
    table: str

    @property
    def pad_top(self) -> int:
        """None: a resize repeats the edge."""
        return 0

    def span(self, first: int, last: int, height: int) -> tuple[int, int]:
        """See `RowAccess`."""
        return self.sources[first], min(height, self.sources[last - 1] + self.window)

    def c_top(self, first: str) -> str:
        """See `RowAccess`."""
        return f"W_{self.table}[{first}]"
