"""The runs of a capsule, again on this computer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from host_sdk.capsule.record import CapsuleRecord
from host_sdk.errors import InputError
from host_sdk.inference.model import Model
from host_sdk.inference.model_source import ModelSource
from host_sdk.inference.tensor import Array, TensorInfo
from host_sdk.validation.host_runner import HostRunner


@dataclass(frozen=True)
class Replay:
    """A run, here.

    Attributes:
        record: what the board kept.
        outputs: what this computer gives, in the model's dtypes.
        differing: values of all outputs whose bytes are not the board's.
        tensors: every tensor that a step computes, by its name.
    """

    record: CapsuleRecord
    outputs: tuple[Array, ...] = field(repr=False)
    differing: int
    tensors: dict[str, Array] = field(repr=False)

    @property
    def is_same(self) -> bool:
        """Whether every bit is the board's."""
        return self.differing == 0


def replay(
    records: Iterable[CapsuleRecord], model: ModelSource, ops: str | None = None
) -> Iterator[Replay]:
    """Run a capsule's inputs through a model, and compare its outputs bit by bit.

    Args:
        records: the runs.
        model: the .tflite that the board's blob was compiled from, or a blob with code for this
            computer. A .tflite is compiled with every tensor whole.
        ops: for a .tflite, see `Device.load_model`.

    Raises:
        InputError: a record is not of a model with these inputs and outputs, or the model keeps a
            state from run to run.
        ModelFileError, CompileError, BlobError: the model cannot be run here.
    """
    with HostRunner(model, whole_tensors=True, ops=ops) as runner:
        if runner.model.state_bytes:
            raise InputError(f"model '{runner.model.name}' keeps a state: its runs are no capsule")
        for record in records:
            yield _replay(runner, record)


def _replay(runner: HostRunner, record: CapsuleRecord) -> Replay:
    model = runner.model
    inputs = _arrays(record, "input", record.inputs, model.inputs)
    kept = _arrays(record, "output", record.outputs, model.outputs)
    [measured] = runner.run_all([inputs])
    outputs = tuple(measured.outputs)
    pairs = zip(kept, outputs, strict=True)
    return Replay(
        record, outputs, sum(_differing(a, b) for a, b in pairs), _tensors(runner, model, inputs)
    )


def _tensors(runner: HostRunner, model: Model, inputs: list[Array]) -> dict[str, Array]:
    return {model.tensors[v.tensor].info.name: v.values for v in runner.trace(inputs)}


def _differing(a: Array, b: Array) -> int:
    """Count the values whose bytes differ: NaN equals itself, -0 is not 0."""
    as_bytes = [np.ascontiguousarray(x).view(np.uint8).reshape(x.size, -1) for x in (a, b)]
    return int((as_bytes[0] != as_bytes[1]).any(axis=1).sum())


def _arrays(
    record: CapsuleRecord, what: str, data: tuple[bytes, ...], tensors: tuple[TensorInfo, ...]
) -> list[Array]:
    sizes, wanted = [len(d) for d in data], [t.size_bytes for t in tensors]
    if sizes != wanted:
        raise InputError(
            f"capsule {record.name}: {what}s must have {wanted} bytes, the model's; have {sizes}"
        )
    return [np.frombuffer(d, t.dtype).reshape(t.shape) for d, t in zip(data, tensors, strict=True)]
