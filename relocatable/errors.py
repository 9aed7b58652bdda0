"""Errors of the compiler. Catch `RelocatableError` for all of them.

RelocatableError
├── ModelError         the .tflite bytes cannot be read
├── UnsupportedError   a readable model asks for what the compiler does not do
├── GraphError         a graph breaks its own rules (graph.py)
├── PlanError          a memory plan overlaps or points outside
├── ToolchainError     compiler or linker is missing or refused the code
├── BlobError          bytes that are not a valid blob
│   └── WeightsError   weights that a blob needs beside itself are not given
├── RunError           a blob cannot run in this process, or an input does not fit
├── OperatorError      an operator of the user's own is not right
└── HeadError          a head's description is wrong or does not fit the model
"""

from __future__ import annotations

from collections.abc import Sequence

from relocatable.refusal import Violation as Violation  # a part of `UnsupportedError`
from relocatable.refusal import refusal_text


class RelocatableError(Exception):
    """Root of the package's errors; the message says rule, value and place."""


class ModelError(RelocatableError):
    """Unreadable .tflite bytes: truncated, garbage, or at odds with themselves."""


class UnsupportedError(RelocatableError):
    """A model that the compiler refuses; all broken rules, each with a way out.

    Attributes:
        violations: every broken rule, in the order of the model; never empty.
        rule, value, op, tensor: of the first violation.
    """

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        first = self.violations[0]
        self.rule, self.value, self.op, self.tensor = (
            first.rule,
            first.value,
            first.op,
            first.tensor,
        )
        super().__init__(refusal_text(self.violations))


class PlanError(RelocatableError):
    """A memory plan whose living tensors overlap, or leave the arena."""


class ToolchainError(RelocatableError):
    """A compiler or linker that is missing or failed.

    Attributes:
        command: the command line that failed; empty if none could be started.
        stderr: what it wrote.
    """

    def __init__(self, message: str, command: Sequence[str] = (), stderr: str = "") -> None:
        self.command = tuple(command)
        self.stderr = stderr
        super().__init__(f"{message}\n{stderr}" if stderr else message)

    @classmethod
    def missing(cls) -> ToolchainError:
        """Make the error for a machine without the compiler wheel."""
        return cls("Clang and LLD are not installed: pip install 'xipnet[compile]'")


class BlobError(RelocatableError):
    """Bytes that are not a valid blob; the message names field, rule and value."""


class WeightsError(BlobError):
    """Weights that a blob needs are not given; their SHA-256 is named."""


class RunError(RelocatableError):
    """A run that is impossible in this process or failed, or an unfit input."""


class OperatorError(RelocatableError):
    """An operator of the user's own that is not right; the message says which folder."""


class HeadError(RelocatableError):
    """A head's description that is wrong or does not fit the model's outputs."""
