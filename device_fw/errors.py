"""What can go wrong while the firmware is built.

FirmwareError
├── SourceError      MicroPython's source could not be had, or is not the pinned one
└── CompileError     a compiler or generator failed; carries its command and its words
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["CompileError", "FirmwareError", "SourceError"]


class FirmwareError(Exception):
    """The firmware could not be built."""


class SourceError(FirmwareError):
    """MicroPython's source could not be had, or is not the pinned one."""


class CompileError(FirmwareError):
    """A tool failed.

    Attributes:
        what: what it worked on.
        command: the command line.
        stderr: what it said.
    """

    def __init__(self, what: str, command: Sequence[str], stderr: str) -> None:
        """Keep the command and what it said beside the message."""
        super().__init__(f"{what}: the tool failed\n{stderr.strip()}\ncommand: {' '.join(command)}")
        self.what = what
        self.command = tuple(command)
        self.stderr = stderr
