"""Runs of the active model on the windows of a source, with their times."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from host_sdk.errors import NoHeadError
from host_sdk.inference.infer import read_outputs
from host_sdk.inference.model import Model
from host_sdk.inference.results import read_found
from host_sdk.inference.run import RunResult, input_layouts, run_many
from host_sdk.inference.tensor import Array
from host_sdk.link.session import Session
from host_sdk.streams.live import Captured
from relocatable.blob.ports import Outputs


@dataclass(frozen=True)
class Streamed:
    """A window that was run. Times are of this computer's monotonic clock.

    Attributes:
        index: of the result, from 0.
        result: what the head found, as `Device.run_head`; of a model without a head, the outputs
            as `Device.infer`.
        x: what was seen, see `Device.stream`.
        fed: bytes of each input.
        captured_s: when the window was there.
        sent_s: just before its first byte was sent.
        done_s: when the reply was there.
        us: how long the model ran on the board, microseconds.
        dropped: windows dropped so far.
    """

    index: int
    result: list[tuple[Any, ...]] | Array | Outputs
    x: Array
    fed: list[bytes]
    captured_s: float
    sent_s: float
    done_s: float
    us: int
    dropped: int

    @property
    def latency_s(self) -> float:
        """Seconds from the capture to the reply."""
        return self.done_s - self.captured_s


@dataclass(frozen=True)
class Latency:
    """How late results were, from the capture to the reply.

    Attributes:
        count: results.
        mean_ms: mean, milliseconds; NaN of none.
        p95_ms: that 95 % do not exceed; NaN of none.
        dropped: windows dropped.
    """

    count: int
    mean_ms: float
    p95_ms: float
    dropped: int

    def __str__(self) -> str:
        times = f"mean {self.mean_ms:.1f} ms, p95 {self.p95_ms:.1f} ms"
        return f"{self.count} results, latency {times}, {self.dropped} dropped"


def summarise(seconds: Sequence[float], dropped: int) -> Latency:
    """Summarise latencies; the p95 is the smallest that 95 % of them do not exceed."""
    if not seconds:
        return Latency(0, math.nan, math.nan, dropped)
    p95 = sorted(seconds)[math.ceil(0.95 * len(seconds)) - 1]
    return Latency(len(seconds), 1000 * sum(seconds) / len(seconds), 1000 * p95, dropped)


class Stream(Iterator[Streamed]):
    """The results of a source's windows, in their order.

    Args:
        session: with the board.
        model: the active one, which must stay it.
        captured: the windows; None: nothing is there yet, so what is under way is finished.
    """

    def __init__(self, session: Session, model: Model, captured: Iterable[Captured | None]) -> None:
        self._model = model
        self._captured = captured
        self._under_way: deque[Captured] = deque()
        self._seconds: list[float] = []
        self._dropped = 0
        entry = _entry(model)
        result_bytes = sum(t.size_bytes for t in model.outputs)
        self._runs = run_many(
            session, self._samples(), result_bytes, entry, layouts=input_layouts(model)
        )

    def __next__(self) -> Streamed:
        """Wait for the next result.

        Raises:
            XipnetError: the source or a run failed.
        """
        run = next(self._runs)
        captured = self._under_way.popleft()
        self._dropped = captured.dropped
        streamed = self._read(run, captured)
        self._seconds.append(streamed.latency_s)
        return streamed

    @property
    def latency(self) -> Latency:
        """The latency of the results so far."""
        return summarise(self._seconds, self._dropped)

    def close(self) -> None:
        """Stop taking from the source."""
        self._runs.close()

    def _samples(self) -> Iterator[list[bytes] | None]:
        for captured in self._captured:
            if captured is None:
                yield None
            else:
                self._under_way.append(captured)
                yield captured.window.inputs

    def _read(self, run: RunResult, captured: Captured) -> Streamed:
        result: list[tuple[Any, ...]] | Array | Outputs
        if _entry(self._model):
            result = read_found(run.data, self._model, captured.window.letterbox)
        else:
            result = read_outputs(self._model, run, raw=False)
        return Streamed(
            index=len(self._seconds),
            result=result,
            x=captured.window.x,
            fed=captured.window.inputs,
            captured_s=captured.at_s,
            sent_s=run.sent_s,
            done_s=run.done_s,
            us=run.us,
            dropped=captured.dropped,
        )


def _entry(model: Model) -> int:
    """Return the entry of the head; without one that of the network."""
    try:
        return model.head()[0]
    except NoHeadError:
        return 0
