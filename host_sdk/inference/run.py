"""Runs of the active model: inputs to the board, the run, its result back.

`run_many` keeps several runs under way: the next inputs travel while the model runs, and wait in
the board's frames. If inputs fit one frame, a run carries its own and nothing can come between.
If they do not, pieces are written before the run that needs them; a piece may be lost on the way
and come late. So a run names the CRC-32 of its inputs, the board refuses any others, and
the host writes them again.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from host_sdk.errors import InputCheckError, ProtocolError
from host_sdk.inference.input_codec import ByteLayout, Packer, layout_of
from host_sdk.inference.model import Model
from host_sdk.link.request import PendingRequest
from host_sdk.link.session import Session, pieces, read_pieces
from host_sdk.link.values import Value
from host_sdk.link.wire_map import WireMap

RUN_TIMEOUT_S = 300.0
_RUN_OVERHEAD_BYTES = 64
_RESULT_OVERHEAD_BYTES = 128
_INPUT_OVERHEAD_BYTES = 30  # of a packed one
_WRITTEN_AHEAD = 2  # runs under way whose inputs take several frames
_ATTEMPTS = 20


@dataclass(frozen=True)
class RunResult:
    """A run's result.

    Attributes:
        us: how long it took on the board, microseconds.
        data: the outputs one after another, or the head's result.
        steps_us: of each step, if asked for.
        at_us: the board's clock when it began, microseconds modulo 2**32; None of older boards.
        sent_s: this computer's monotonic clock just before the first byte was sent.
        done_s: this computer's monotonic clock when the reply was there.
    """

    us: int
    data: bytes
    steps_us: tuple[int, ...]
    at_us: int | None = None
    sent_s: float = 0.0
    done_s: float = 0.0


def run(
    session: Session,
    inputs: Sequence[bytes],
    entry: int = 0,
    profile: bool = False,
    layouts: Sequence[ByteLayout] = (),
) -> RunResult:
    """Run an entry of the active model.

    Args:
        session: with the board.
        inputs: bytes of each input.
        entry: index into the model's entries.
        profile: measure each step.
        layouts: memory layout of each input; with them, inputs are packed if that pays.

    Raises:
        RunError: the board refused.
        StepFaultError, StepTimeoutError: a step faulted, or did not return in time.
    """
    runs = _Runs(session, entry, profile, layouts)
    return runs.finish(runs.start(inputs))


def run_many(
    session: Session,
    samples: Iterable[Sequence[bytes] | None],
    result_bytes: int,
    entry: int = 0,
    layouts: Sequence[ByteLayout] = (),
) -> Generator[RunResult, None, None]:
    """Run an entry of the active model for many inputs, some of which travel ahead.

    Args:
        session: with the board.
        samples: bytes of each input, for each run; None: the next is not there yet, and what is
            under way is waited for first.
        result_bytes: of a run; a result that does not fit a frame is fetched before the next run.
        entry: index into the model's entries.
        layouts: see `run`.

    Yields:
        The results, in the order of the samples.

    Raises:
        RunError: the board refused.
        StepFaultError, StepTimeoutError: a step faulted, or did not return in time.
    """
    runs = _Runs(session, entry, False, layouts)
    fits = result_bytes <= session.info.frame_bytes - _RESULT_OVERHEAD_BYTES
    under_way: deque[_Started] = deque()
    for inputs in samples:
        if inputs is None:
            while under_way:
                yield runs.finish(under_way.popleft())
            continue
        while under_way and (under_way[0].run.done or len(under_way) >= runs.depth(inputs, fits)):
            yield runs.finish(under_way.popleft())
        under_way.append(runs.start(inputs))
    while under_way:
        yield runs.finish(under_way.popleft())


def input_layouts(model: Model) -> list[ByteLayout]:
    """Give the memory layout of a model's inputs, for packing."""
    return [layout_of(tensor.shape, np.dtype(tensor.dtype)) for tensor in model.inputs]


def write_inputs(session: Session, inputs: Sequence[bytes]) -> None:
    """Write inputs in pieces, several under way at once."""
    for index, data in enumerate(inputs):
        calls = ((index, at, data[at : at + size]) for at, size in pieces(session, len(data)))
        for _ in session.stream("in_write", calls):
            pass


@dataclass(frozen=True)
class _Started:
    """A run under way.

    Attributes:
        inputs: kept, as they may have to be written again.
        writes: of their pieces.
        run: the request.
    """

    inputs: Sequence[bytes]
    writes: list[PendingRequest]
    run: PendingRequest


class _Runs:
    """Runs of one entry."""

    def __init__(
        self, session: Session, entry: int, profile: bool, layouts: Sequence[ByteLayout]
    ) -> None:
        self._session = session
        self._entry = entry
        self._profile = profile
        self._packers = [Packer(layout) for layout in layouts]

    def depth(self, inputs: Sequence[bytes], result_fits: bool) -> int:
        """Say how many runs may be under way."""
        if not result_fits:
            return 1
        if self._fits_frame(inputs):
            return self._session.link.window.size
        return _WRITTEN_AHEAD if self._session.info.can_check else 1

    def start(self, inputs: Sequence[bytes]) -> _Started:
        """Send inputs and the request to run."""
        if self._fits_frame(inputs):
            values = [self._value(index, data) for index, data in enumerate(inputs)]
            return _Started(inputs, [], self._submit(values, 0))
        if not self._session.info.can_check:
            write_inputs(self._session, inputs)
            return _Started(inputs, [], self._submit(None, 0))
        writes = [
            self._session.submit("in_write", index, at, self._value(index, data[at : at + size]))
            for index, data in enumerate(inputs)
            for at, size in pieces(self._session, len(data))
        ]
        return _Started(inputs, writes, self._submit(None, zlib.crc32(b"".join(inputs))))

    def finish(self, started: _Started) -> RunResult:
        """Wait for a run, and repeat it if its inputs were not on the board."""
        for _ in range(_ATTEMPTS):
            try:
                return self._read(started)
            except InputCheckError:
                write_inputs(self._session, started.inputs)
                again = self._submit(None, zlib.crc32(b"".join(started.inputs)))
                started = _Started(started.inputs, [], again)
        return self._read(started)

    def _fits_frame(self, inputs: Sequence[bytes]) -> bool:
        room = self._session.info.frame_bytes - _RUN_OVERHEAD_BYTES
        return sum(len(data) + _INPUT_OVERHEAD_BYTES for data in inputs) <= room

    def _value(self, index: int, data: bytes) -> Value:
        link, info = self._session.link, self._session.info
        if index >= len(self._packers) or not info.can_pack:
            return data
        return self._packers[index].value(data, link.estimator.byte_s)

    def _submit(self, values: list[Value] | None, check: int) -> PendingRequest:
        params: tuple[Value, ...] = (self._entry, values, self._profile)
        if check and self._session.info.can_check:
            params += (check,)
        elif values is not None and not self._profile:
            params = (self._entry, values)
        return self._session.submit("run", *params, timeout_s=RUN_TIMEOUT_S)

    def _read(self, started: _Started) -> RunResult:
        for pending in started.writes:
            self._session.wait(pending)
        fields = WireMap(self._session.wait(started.run), "run")
        size = fields.count("size", self._session.info.arena_bytes)
        data = fields.data("result") if "result" in fields else self._fetch(started.run, size)
        if len(data) != size:
            raise ProtocolError(f"run: result must have {size} bytes; has {len(data)}")
        first = started.writes[0] if started.writes else started.run
        return RunResult(
            us=fields.count("us"),
            data=data,
            steps_us=fields.counts("steps") if "steps" in fields else (),
            at_us=fields.count("at") if "at" in fields else None,
            sent_s=first.sent_s,
            done_s=started.run.done_s,
        )

    def _fetch(self, run: PendingRequest, size: int) -> bytes:
        of = (run.request.id,) if self._session.info.can_check else ()
        return read_pieces(self._session, "out_read", size, lambda at, n: (at, n, *of))
