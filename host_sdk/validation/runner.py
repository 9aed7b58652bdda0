"""A runner of samples: a board, or this computer. Both measure the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from host_sdk.inference.model import Model
from host_sdk.inference.profile import Profile
from host_sdk.inference.tensor import Array
from relocatable.blob.ports import Outputs


@dataclass(frozen=True)
class Measurement:
    """One sample's run.

    Attributes:
        outputs: in the model's dtypes.
        sent_s: this computer's clock just before the first byte was sent.
        done_s: this computer's clock when the result was there.
        us: how long the model ran, by the clock of what ran it, microseconds.
        at_us: the board's clock when the run began, microseconds modulo 2**32; None if it does
            not tell.
    """

    outputs: Outputs
    sent_s: float
    done_s: float
    us: float
    at_us: int | None


@dataclass(frozen=True)
class StepValues:
    """The values that a step computed.

    Attributes:
        step: its index in the model.
        tensor: index into the model's `tensors`.
        us: how long the step took, microseconds.
        values: of the tensor's shape and dtype.
    """

    step: int
    tensor: int
    us: int
    values: Array


class Runner(Protocol):
    """A place that runs a model and measures.

    Attributes:
        model: what it runs.
        place: its name for the report.
    """

    @property
    def model(self) -> Model:
        """The model that it runs."""

    @property
    def place(self) -> str:
        """Its name for the report."""

    def run_all(
        self, samples: Iterable[Sequence[Array]], sequence: bool = False
    ) -> Iterator[Measurement]:
        """Run samples; give the results in their order.

        Args:
            samples: the inputs of each.
            sequence: the model's state is reset before the first alone, not before each.
        """

    def profile(self, inputs: Sequence[Array]) -> Profile:
        """Measure each step of a run."""

    def trace(self, inputs: Sequence[Array]) -> Iterator[StepValues]:
        """Run step by step from a reset state; give every tensor that a step computes."""
