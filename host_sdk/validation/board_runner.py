"""A model that runs on a board, step by step or sample after sample."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from host_sdk.errors import ProtocolError
from host_sdk.inference.model import Model
from host_sdk.inference.profile import Profile, make_profile
from host_sdk.inference.run import (
    RUN_TIMEOUT_S,
    RunResult,
    input_layouts,
    run,
    run_many,
    write_inputs,
)
from host_sdk.inference.tensor import Array
from host_sdk.link.session import Session, read_pieces
from host_sdk.validation.runner import Measurement, StepValues


class BoardRunner:
    """The active model of a board.

    Args:
        session: with the board.
        model: the active one, which must stay active.
    """

    def __init__(self, session: Session, model: Model) -> None:
        self._session = session
        self.model = model
        info = session.info
        self.place = f"{info.board} ({info.cpu})"

    def run_all(
        self, samples: Iterable[Sequence[Array]], sequence: bool = False
    ) -> Iterator[Measurement]:
        """See `Runner`."""
        self._reset_state()
        if sequence or not self.model.state_bytes:
            yield from self._run_on(samples)
            return
        for inputs in samples:
            self._reset_state()
            yield from self._run_on([inputs])

    def _run_on(self, samples: Iterable[Sequence[Array]]) -> Iterator[Measurement]:
        data = ([x.tobytes() for x in inputs] for inputs in samples)
        result_bytes = sum(t.size_bytes for t in self.model.outputs)
        layouts = input_layouts(self.model)
        for result in run_many(self._session, data, result_bytes, layouts=layouts):
            outputs = self.model.read_outputs(result.data)
            yield Measurement(outputs, result.sent_s, result.done_s, result.us, result.at_us)

    def _reset_state(self) -> None:
        if self.model.state_bytes:
            self._session.call("reset_state")

    def profile(self, inputs: Sequence[Array]) -> Profile:
        """See `Runner`."""
        return make_profile(self.model, self._profiled(inputs))

    def trace(self, inputs: Sequence[Array]) -> Iterator[StepValues]:
        """See `Runner`."""
        steps_us = self._profiled(inputs).steps_us
        if len(steps_us) > len(self.model.steps):
            raise ProtocolError(
                f"run: must time at most the model's {len(self.model.steps)} steps; "
                f"has {len(steps_us)}"
            )
        self._reset_state()
        write_inputs(self._session, [x.tobytes() for x in inputs])
        for step, us in enumerate(steps_us):
            self._session.call("run_steps", 0, step, 1, timeout_s=RUN_TIMEOUT_S)
            for tensor in self.model.steps[step].outputs:
                yield StepValues(step, tensor, us, self._read(tensor))

    def _profiled(self, inputs: Sequence[Array]) -> RunResult:
        return run(self._session, [x.tobytes() for x in inputs], profile=True)

    def _read(self, tensor: int) -> Array:
        at = self.model.tensors[tensor]
        size = at.info.size_bytes
        data = read_pieces(self._session, "arena_read", size, lambda i, n: (at.offset + i, n))
        return at.info.read_values(data)
