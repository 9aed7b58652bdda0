"""What runs the samples: a board, or this computer. Both give the same measurements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from host_sdk.inference.model import Model
from host_sdk.inference.profile import Profile, make_profile
from host_sdk.inference.run import RUN_TIMEOUT_S, Ran, input_shapes, run, run_many, write_inputs
from host_sdk.inference.tensor import Array
from host_sdk.link.session import Client
from host_sdk.store.upload import pieces


@dataclass(frozen=True)
class Measured:
    """One sample's run.

    Attributes:
        outputs: in the model's dtypes.
        sent_s: this computer's clock just before the first byte was sent.
        done_s: this computer's clock when the result was there.
        us: how long the model ran, by the clock of what ran it, microseconds.
        at_us: the board's clock when the run began, microseconds modulo 2**32; None where it does
            not tell.
    """

    outputs: tuple[Array, ...]
    sent_s: float
    done_s: float
    us: float
    at_us: int | None


@dataclass(frozen=True)
class StepValues:
    """What a step computed.

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
    """Runs a model and measures.

    Attributes:
        model: what it runs.
        place: where, for the report.
    """

    @property
    def model(self) -> Model:
        """What it runs."""

    @property
    def place(self) -> str:
        """Where, for the report."""

    def run_all(self, samples: Iterable[Sequence[Array]]) -> Iterator[Measured]:
        """Runs samples, results in their order."""

    def profile(self, inputs: Sequence[Array]) -> Profile:
        """Measures each step of a run."""

    def trace(self, inputs: Sequence[Array]) -> Iterator[StepValues]:
        """Runs step by step; every tensor that a step computes, in the order of the steps."""


class BoardRunner:
    """The active model of a board.

    Args:
        client: the session.
        model: the active model, which must stay it.
    """

    def __init__(self, client: Client, model: Model) -> None:
        self._client = client
        self.model = model
        info = client.info
        self.place = f"{info.board} ({info.cpu})"

    def run_all(self, samples: Iterable[Sequence[Array]]) -> Iterator[Measured]:
        """See `Runner`."""
        data = ([x.tobytes() for x in inputs] for inputs in samples)
        result_bytes = sum(t.size_bytes for t in self.model.outputs)
        shapes = input_shapes(self.model)
        for ran in run_many(self._client, data, result_bytes, shapes=shapes):
            outputs = self.model.read_outputs(ran.data)
            yield Measured(outputs, ran.sent_s, ran.done_s, ran.us, ran.at_us)

    def profile(self, inputs: Sequence[Array]) -> Profile:
        """See `Runner`."""
        return make_profile(self.model, self._profiled(inputs))

    def trace(self, inputs: Sequence[Array]) -> Iterator[StepValues]:
        """See `Runner`."""
        steps_us = self._profiled(inputs).steps_us
        write_inputs(self._client, [x.tobytes() for x in inputs])
        for step, us in enumerate(steps_us):
            self._client.call("run_steps", 0, step, 1, timeout_s=RUN_TIMEOUT_S)
            for tensor in self.model.steps[step].outputs:
                yield StepValues(step, tensor, us, self._read(tensor))

    def _profiled(self, inputs: Sequence[Array]) -> Ran:
        return run(self._client, [x.tobytes() for x in inputs], profile=True)

    def _read(self, tensor: int) -> Array:
        at = self.model.tensors[tensor]
        spans = pieces(self._client, at.info.size_bytes)
        parts = self._client.stream("arena_read", ((at.offset + i, n) for i, n in spans))
        return at.info.read_values(b"".join(part for part in parts if isinstance(part, bytes)))
