"""Instructions of a run, counted by a virtual board."""

from __future__ import annotations

from types import TracebackType

from host_sdk.device import Device
from host_sdk.errors import ArenaError, StackError, StoreFullError

__all__ = ["InstructionCounter"]

_NAME = "counted"


class InstructionCounter:
    """A virtual board whose clock counts instructions, a nanosecond each.

    Args:
        target: CPU.

    Raises:
        PortNotFoundError: no virtual board has that CPU.
        ToolMissingError: QEMU is not installed.
    """

    def __init__(self, target: str) -> None:
        self._board = Device(f"sim://{target}?icount=on")

    def __enter__(self) -> InstructionCounter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._board.close()

    def count(self, blob: bytes) -> int | None:
        """Run a blob on inputs of zeros, and count what its steps take.

        Returns:
            Instructions, each step's within a thousand: the board tells microseconds. None: the
            blob does not fit onto this board.
        """
        try:
            self._board.load_model(blob, _NAME)
        except (ArenaError, StackError, StoreFullError):
            return None
        thousands = sum(row.us for row in self._board.profile().rows)
        self._board.rm(_NAME)
        return 1000 * thousands
