"""A model that runs on this computer, measured as a board's is."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from host_sdk.errors import ModelFileError
from host_sdk.inference.model import Model, make_model
from host_sdk.inference.model_source import (
    HeadSource,
    ModelSource,
    compile_tflite,
    open_model,
)
from host_sdk.inference.profile import Profile, make_profile
from host_sdk.inference.run import RunResult
from host_sdk.inference.tensor import Array
from host_sdk.inference.weights_files import WeightsFile, how_to_give
from host_sdk.link.wire_map import WireMap
from host_sdk.validation.runner import Measurement, StepValues
from relocatable.blob.host import HostModel
from relocatable.errors import WeightsError


class HostRunner:
    """A blob, or a .tflite compiled for this computer, in this process.

    Args:
        source: see `host_sdk.inference.model_source.open_model`.
        head: post-processing for a .tflite, see `Device.load_model`.
        whole_tensors: compile a .tflite with every tensor whole, to be looked at.
        ops: for a .tflite, see `Device.load_model`.
        show: show a bar if compiling takes long.
        trust: take another tool's file unseen; it may run code on this computer.

    Attributes:
        model: what it runs.
        place: this computer.
        tflite: the .tflite's bytes; None if the source is a blob.

    Raises:
        ModelFileError, ConvertError: the model, or weights that it needs, cannot be had.
        CompileError: the compiler refused.
        BlobError: the blob is damaged or holds no code for this computer.
    """

    def __init__(
        self,
        source: ModelSource,
        head: HeadSource | None = None,
        *,
        whole_tensors: bool = False,
        ops: str | None = None,
        show: bool = False,
        trust: bool = False,
    ) -> None:
        opened = open_model(source, trust, show)
        data = opened.data
        self.tflite = data if opened.is_tflite else None
        if self.tflite is not None:
            how = (opened, head, "host")
            data = compile_tflite(*how, whole_tensors=whole_tensors, ops=ops, show=show)
        self._host = _load(opened.place, data, opened.weights)
        self.model = _model_of(self._host, opened.name)
        self.place = f"this computer ({platform.machine()})"

    def __enter__(self) -> HostRunner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Unload the model."""
        self._host.close()

    def run_all(
        self, samples: Iterable[Sequence[Array]], sequence: bool = False
    ) -> Iterator[Measurement]:
        """See `Runner`."""
        self._host.reset_state()
        for inputs in samples:
            if not sequence:
                self._host.reset_state()
            sent_s = time.perf_counter()
            self._host.write_inputs(inputs)
            began_s = time.perf_counter()
            self._host.run()
            ended_s = time.perf_counter()
            outputs = self._host.outputs()
            done_s = time.perf_counter()
            at_us = round(began_s * 1e6) % 2**32
            yield Measurement(outputs, sent_s, done_s, (ended_s - began_s) * 1e6, at_us)

    def profile(self, inputs: Sequence[Array]) -> Profile:
        """See `Runner`."""
        steps_us = tuple(self._step_times(inputs))
        return make_profile(self.model, RunResult(sum(steps_us), b"", steps_us))

    def trace(self, inputs: Sequence[Array]) -> Iterator[StepValues]:
        """See `Runner`."""
        steps_us = self._step_times(inputs)
        found: list[StepValues] = []

        def keep(step: int) -> None:
            for tensor in self.model.steps[step].outputs:
                found.append(StepValues(step, tensor, steps_us[step], self._host.tensor(tensor)))

        self._host.reset_state()
        self._host.write_inputs(inputs)
        self._host.run(after_step=keep)
        yield from found

    def _step_times(self, inputs: Sequence[Array]) -> list[int]:
        stamps: list[float] = []
        self._host.write_inputs(inputs)
        stamps.append(time.perf_counter())
        self._host.run(after_step=lambda _: stamps.append(time.perf_counter()))
        return [round((b - a) * 1e6) for a, b in pairwise(stamps)]


def _load(place: str, data: bytes, weights: Iterable[WeightsFile]) -> HostModel:
    try:
        return HostModel(data, (file.data for file in weights))
    except WeightsError as error:
        raise ModelFileError(f"{place}: {error}; {how_to_give(place)}") from error


def _model_of(host: HostModel, stem: str | None) -> Model:
    blob = host.blob
    metadata: Mapping[str, Any] = blob.metadata
    reply: dict[str, Any] = {
        "name": stem or str(metadata.get("name") or "model"),
        "version": 1,
        "sha256": blob.sha256,
        "arena": host.variant.arena_bytes,
        "stack": host.variant.stack_bytes,
        "state": blob.state.size_bytes if blob.state else 0,
        "entries": [{"result": e.result} for e in blob.entries],
    }
    return make_model(WireMap(reply, "blob"), WireMap(dict(metadata), "metadata of the blob"))
